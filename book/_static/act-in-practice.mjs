// The velocities of 82 galaxies under the reader's concentration and base measure, by the collapsed
// sampler. Removes: that so many data settle the number of clusters. It goes where the prior sends it,
// with alpha from a few to many, while the density of the data, which they do settle, hardly moves.

import { against, chance, d3, floor, hue, lawOfK, logGamma, marks, meanOfK, middle, part, plural, slowly, tenths, write } from "./acting.mjs";

// In km/s.
export const VELOCITIES = [
  9172, 9350, 9483, 9558, 9775, 10227, 10406, 16084, 16170, 18419, 18552, 18600, 18927, 19052, 19070, 19330, 19343,
  19349, 19440, 19473, 19529, 19541, 19547, 19663, 19846, 19856, 19863, 19914, 19918, 19973, 19989, 20166, 20175, 20179,
  20196, 20215, 20221, 20415, 20629, 20795, 20821, 20846, 20875, 20986, 21137, 21492, 21701, 21814, 21921, 21960, 22185,
  22209, 22242, 22249, 22314, 22374, 22495, 22746, 22747, 22888, 22914, 23206, 23241, 23263, 23484, 23538, 23542, 23666,
  23706, 23711, 24129, 24285, 24289, 24366, 24717, 24990, 25633, 26960, 26995, 32065, 32789, 34279,
];
const ALPHAS = [0.2, 0.5, 1, 2, 4];
const WIDTHS = [0.1, 0.2, 0.4];
const APART = [1, 4, 16];
const SHAPE = 6; // of the inverse gamma law of a variance, whose mean is then rate / 5
const UNCOUNTED = 30; // sweeps after a change
const LONGEST = 3000; // sweeps
const EVERY = 5; // sweeps, after which the density is noted
const MANY = 20; // clusters; the last class has more as well
const LARGE = 5; // galaxies

export const size = [360, 390];
export const label = "Velocities of 82 galaxies in their clusters, the density of the next one, and the number of clusters.";

export const centre = d3.mean(VELOCITIES);
export const spread = Math.sqrt(d3.mean(VELOCITIES, (v) => (v - centre) ** 2));
const STANDARD = VELOCITIES.map((v) => (v - centre) / spread);

// The law.

// The variance of a cluster is InvGamma(SHAPE, 5 width^2), and its mean N(0, variance / strength).
const family = ({ width, apart }) => ({ strength: (width / apart) ** 2, rate: 5 * width ** 2 });

// A part of the predictive density that is the same for clusters of one size.
const FACTORS = d3.range(STANDARD.length + 1).map((n) => Math.exp(logGamma(SHAPE + n / 2 + 0.5) - logGamma(SHAPE + n / 2)) / Math.sqrt(Math.PI));

// The density of a point given the points of a cluster: their number, sum and sum of squares; Student's t.
export function predictive({ strength, rate }, [n, sum, squares], x) {
  const own = strength + n;
  const mean = sum / own;
  const scale = (2 * (rate + (squares - sum * mean) / 2) * (own + 1)) / own;
  return (FACTORS[n] / Math.sqrt(scale)) * (1 + (x - mean) ** 2 / scale) ** -(SHAPE + n / 2 + 0.5);
}

// Number, sum and sum of squares of each cluster.
function sums({ x, labels }) {
  const clusters = d3.range(Math.max(...labels) + 1).map(() => [0, 0, 0]);
  labels.forEach((k, i) => add(clusters[k], x[i], 1));
  return clusters;
}

function add(cluster, x, sign) {
  cluster[0] += sign;
  cluster[1] += sign * x;
  cluster[2] += sign * x * x;
}

// The density of one more point, given the partition.
export function density(state, at) {
  const base = family(state);
  const clusters = sums(state);
  const total = state.x.length + state.alpha;
  const fresh = at.map((x) => state.alpha * predictive(base, [0, 0, 0], x));
  return at.map((x, i) => (fresh[i] + d3.sum(clusters, (c) => c[0] * predictive(base, c, x))) / total);
}

// The state and its steps.

export function start(seed, prior = { alpha: 1, width: 0.2, apart: 1 }, x = STANDARD) {
  const state = { seed, ...prior, x, before: null };
  restart(state);
  return state;
}

// From one cluster.
function restart(state) {
  state.random = chance(state.seed);
  state.labels = state.x.map(() => 0);
  clear(state);
}

// Count afresh, from the partition there is.
function clear(state) {
  const { length } = state.x;
  Object.assign(state, { uncounted: 0, sweeps: 0, total: 0, large: 0, counts: Array(MANY + 1).fill(0), noted: 0, sum: GRID.map(() => 0) });
  const law = lawOfK(length, state.alpha);
  state.law = d3.range(MANY + 1).map((k) => (k < MANY ? (law[k] ?? 0) : d3.sum(law.slice(MANY))));
}

const averages = (state) => ({ mean: state.total / state.sweeps, density: state.sum.map((p) => p / state.noted) });

// Another prior; what was found under the one before is kept beside it.
export function change(state, prior) {
  if (state.sweeps >= EVERY) state.before = averages(state);
  Object.assign(state, prior);
  clear(state);
}

// Each point is lifted and seated again.
export function move(state) {
  const { x, labels, alpha, random } = state;
  const base = family(state);
  const clusters = sums(state);
  for (let i = 0; i < x.length; i += 1) {
    add(clusters[labels[i]], x[i], -1);
    // A cluster that is empty weighs nothing, but for rounding in its sums.
    const weights = clusters.map((cluster) => (cluster[0] ? cluster[0] * predictive(base, cluster, x[i]) : 0));
    const k = random.choose([...weights, alpha * predictive(base, [0, 0, 0], x[i])]);
    if (k === clusters.length) clusters.push([0, 0, 0]);
    labels[i] = k;
    add(clusters[k], x[i], 1);
  }
  const names = new Map();
  state.labels = labels.map((k) => names.set(k, names.get(k) ?? names.size).get(k));
}

export const number = ({ labels }) => Math.max(...labels) + 1;

export function sweep(state) {
  move(state);
  if (state.uncounted < UNCOUNTED) return (state.uncounted += 1);
  const k = number(state);
  state.total += k;
  state.large += sums(state).filter(([n]) => n >= LARGE).length;
  state.counts[Math.min(k, MANY)] += 1;
  if (state.sweeps % EVERY === 0) {
    density(state, GRID).forEach((p, i) => (state.sum[i] += p));
    state.noted += 1;
  }
  return (state.sweeps += 1);
}

export function still() {
  const state = start(1);
  for (const alpha of [0.2, 4]) {
    change(state, { alpha });
    while (state.sweeps < 300) sweep(state);
  }
  return state;
}

// The picture.

const SPAN = [8000, 36_000];
const GRID = d3.range(SPAN[0], SPAN[1] + 1, 200).map((v) => (v - centre) / spread);
const x = d3.scaleLinear(SPAN, [16, 352]);
const DOT = 3.2;

// Where each galaxy stands: in a pile over its place.
const PILES = new Map();
const PLACES = VELOCITIES.map((v) => {
  const pile = Math.round(x(v) / (2 * DOT));
  const high = PILES.get(pile) ?? 0;
  PILES.set(pile, high + 1);
  return { x: 2 * DOT * pile, y: 206 - DOT - 2 * DOT * high };
});

// Galaxies that are drawn side by side, or follow each other.
const SIDE = 6 * DOT;
const BESIDE = PLACES.map((one, i) =>
  d3.range(PLACES.length).filter((j) => Math.abs(i - j) === 1 || (i !== j && Math.hypot(one.x - PLACES[j].x, one.y - PLACES[j].y) < SIDE)),
);
// Discs, and rings of those colours that are dark enough for a line.
const LOOKS = [...d3.range(6).map((k) => ({ colour: hue(k) })), ...d3.range(3).map((k) => ({ colour: hue(k), ring: true }))];

// How each cluster looks, in the order of the velocities, as a place in LOOKS: as few as can be have looked
// so before, and none beside it.
export function looks(labels) {
  const found = new Map();
  for (const k of new Set(labels)) {
    const near = new Set(labels.flatMap((z, i) => (z === k ? BESIDE[i].map((j) => found.get(labels[j])) : [])));
    const used = LOOKS.map((_, look) => (near.has(look) ? labels.length : 0) + d3.sum(found.values(), (one) => one === look));
    found.set(k, d3.minIndex(used));
  }
  return found;
}

// How far two densities are from each other, half the area between them.
const apartBy = (one, other) => (d3.sum(one, (p, i) => Math.abs(p - other[i])) * (GRID[1] - GRID[0])) / 2;

function drawData(svg, state) {
  const box = part(svg, "data");
  const found = looks(state.labels);
  const look = (i) => LOOKS[found.get(state.labels[i])];
  marks(box, "circle", "galaxy", PLACES)
    .attr("cx", (d) => d.x.toFixed(1))
    .attr("cy", (d) => d.y.toFixed(1))
    .attr("r", (_, i) => (look(i).ring ? DOT - 0.9 : DOT))
    .attr("fill", (_, i) => (look(i).ring ? "none" : look(i).colour))
    .attr("stroke", (_, i) => (look(i).ring ? look(i).colour : "none"))
    .attr("stroke-width", 1.8);
  floor(box, x, [10_000, 20_000, 30_000], 206, "velocity (km/s)");
}

function drawDensity(svg, state) {
  const box = part(svg, "density");
  const { before, noted } = state;
  const now = noted ? averages(state).density : null;
  const curves = { dashed: before?.density, line: now };
  const y = d3.scaleLinear([0, Math.max(1, ...(now ?? []), ...(before?.density ?? []))], [110, 26]);
  for (const [name, curve] of Object.entries(curves))
    marks(box, "path", name, curve ? [curve] : [])
      .attr("d", d3.line((_, i) => x(spread * GRID[i] + centre).toFixed(1), (p) => y(p).toFixed(1)));
  write(box, "title", [{ x: 8, y: 14, anchor: "start", text: before ? "density of one more; dashed: before" : "density of one more" }]);
}

function drawNumber(svg, state) {
  const box = part(svg, "number-of-clusters");
  const values = d3.range(1, MANY + 1);
  const bars = d3.scaleBand(values, [8, 352]).padding(0.2);
  against(box, { x: bars, seen: state.counts.slice(1), law: state.law.slice(1), base: 350, height: 84 });
  write(box, "title", [{ x: 352, y: 262, anchor: "end", text: "frame: the prior" }]);
  floor(box, middle(bars), [1, 5, 10, 15], 350, "clusters K");
  write(box, "most", [{ x: 352, y: 364, anchor: "end", text: `${MANY}+` }]);
}

export function draw(svg, state) {
  drawDensity(svg, state);
  drawData(svg, state);
  drawNumber(svg, state);
}

export function words(state) {
  const { alpha, width, apart, sweeps, uncounted, before } = state;
  const k = number(state);
  const prior = `α = ${alpha}, clusters ${width} wide and ${apart} apart`;
  if (!sweeps) {
    const many = `82 galaxies in ${plural(k, "cluster")}`;
    return uncounted ? `${prior}: ${many} after ${plural(uncounted, "sweep")}; the first ${UNCOUNTED} are not counted.` : `${prior}: ${many}. Sweep, or play.`;
  }
  const { mean, density: now } = averages(state);
  const most = d3.maxIndex(state.counts);
  const sentences = [
    `${prior}: in ${plural(sweeps, "sweep")} K averages ${mean.toFixed(1)}, in the prior ${meanOfK(82, alpha).toFixed(1)}, and is most often ${most}${most < MANY ? "" : " or more"}; ` +
      `${(state.large / sweeps).toFixed(1)} clusters have ${LARGE} galaxies or more.`,
  ];
  if (before) sentences.push(`Before the change K averaged ${before.mean.toFixed(1)}; the density has moved by ${tenths(apartBy(now, before.density))}.`);
  return sentences.join(" ");
}

// Acting.

export function controls(panel, svg, state) {
  panel.button("Sweep", () => sweep(state));
  panel.player((most) => {
    const more = Math.max(most, Math.min(10, Math.floor(state.sweeps / 10)));
    for (let i = 0; i < more; i += 1) sweep(state);
    return state.sweeps < LONGEST && slowly(state.sweeps + (state.before ? UNCOUNTED : state.uncounted));
  });
  panel.button("Start again", () => {
    state.seed += 1;
    state.before = null;
    restart(state);
  });
  const sliders = { alpha: ["α", ALPHAS], width: ["width", WIDTHS], apart: ["apart", APART] };
  for (const [name, [words, values]] of Object.entries(sliders)) panel.slider(words, values, state[name], (value) => change(state, { [name]: value }));
}
