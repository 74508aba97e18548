// Coordinate ascent on the ELBO from where the reader puts the clusters. Removes: that an ELBO which has
// stopped rising has found the best approximation, so that the start would not matter.

import { chance, clamp, d3, handles, hue, logBeta, marks, movable, part, signed, slowly, write } from "./acting.mjs";

export const DATA = [-1.48, -1.4, -1.16, -1.08, -1.02, 0.14, 0.51, 0.53, 0.78]; // Neal's
const ALPHA = 1;
const NOISE = 0.01; // variance; the prior of the means is N(0, 1)
const T = 3;
const GAIN = 1e-8 * DATA.length; // an iteration that gains no more is the last
const FIRST = [-1.5, -1.1, 0.5];
const SPAN = [-1.8, 1.2];
const names = ["₁", "₂", "₃"];

export const size = [360, 392];
export const label = "Three clusters on nine points, and the ELBO while one factor after another is made best given the rest.";

// The law.

// By the asymptotic series, far enough out.
export function digamma(x) {
  let shift = 0;
  for (; x < 12; x += 1) shift -= 1 / x;
  const y = 1 / (x * x);
  return shift + Math.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))));
}

// The log density of the points of a cluster.
function logMarginal(x) {
  const [n, sum, squares] = [x.length, d3.sum(x), d3.sum(x, (one) => one * one)];
  const precision = 1 + n / NOISE;
  return -0.5 * (n * Math.log(2 * Math.PI * NOISE) + Math.log(precision) + squares / NOISE - (sum / NOISE) ** 2 / precision);
}

// Over all partitions, by the block of the first point of each set (its bits).
export function logEvidence(x) {
  const all = 2 ** x.length - 1;
  const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1));
  const block = d3.range(all + 1).map((set) => {
    const inside = x.filter((_, i) => set & (1 << i));
    return inside.length && ALPHA * factorial(inside.length - 1) * Math.exp(logMarginal(inside));
  });
  const sums = [1];
  for (let set = 1; set <= all; set += 1) {
    const first = set & -set;
    const rest = set ^ first;
    sums[set] = 0;
    for (let others = rest; ; others = (others - 1) & rest) {
      sums[set] += block[first | others] * sums[rest ^ others];
      if (!others) break;
    }
  }
  return Math.log(sums[all]) - d3.sum(x, (_, i) => Math.log(ALPHA + i));
}

const EVIDENCE = logEvidence(DATA);

// E log of the weight and the density of each point in each cluster.
function logits(clusters) {
  let before = 0;
  return clusters.map(({ m, s2, a, b }) => {
    const both = digamma(a + b);
    const weight = before + digamma(a) - both;
    before += digamma(b) - both;
    return DATA.map((x) => weight - 0.5 * (Math.log(2 * Math.PI * NOISE) + ((x - m) ** 2 + s2) / NOISE));
  });
}

const betaDivergence = (a, b) =>
  logBeta(1, ALPHA) - logBeta(a, b) + (a - 1) * digamma(a) + (b - ALPHA) * digamma(b) + (1 + ALPHA - a - b) * digamma(a + b);
const normalDivergence = (m, s2) => 0.5 * (s2 + m * m - 1 - Math.log(s2));

export function elbo(clusters) {
  const rho = logits(clusters);
  const labels = d3.sum(clusters, ({ r }, k) => d3.sum(r, (p, i) => (p > 0 ? p * (rho[k][i] - Math.log(p)) : 0)));
  return labels - d3.sum(clusters, ({ m, s2, a, b }) => betaDivergence(a, b) + normalDivergence(m, s2));
}

// The updates: each makes one factor best given the rest. Clusters in decreasing order are best for sticks.
function sticks(clusters) {
  clusters.sort((one, other) => d3.sum(other.r) - d3.sum(one.r));
  const sizes = clusters.map(({ r }) => d3.sum(r));
  clusters.forEach((cluster, k) => Object.assign(cluster, { a: 1 + sizes[k], b: ALPHA + d3.sum(sizes.slice(k + 1)) }));
}

function centre(cluster) {
  const precision = 1 + d3.sum(cluster.r) / NOISE;
  Object.assign(cluster, { m: d3.sum(cluster.r, (p, i) => p * DATA[i]) / NOISE / precision, s2: 1 / precision });
}

function labels(clusters) {
  const rho = logits(clusters);
  DATA.forEach((_, i) => {
    const most = Math.max(...rho.map((row) => row[i]));
    const odds = rho.map((row) => Math.exp(row[i] - most));
    clusters.forEach((cluster, k) => (cluster.r[i] = odds[k] / d3.sum(odds)));
  });
}

// The state and its steps.

export function start(seed, centres = FIRST) {
  const state = { random: chance(seed), ends: [] };
  begin(state, centres);
  return state;
}

// Each point has the nearest cluster.
function begin(state, centres) {
  const nearest = DATA.map((x) => d3.leastIndex(centres, (c) => Math.abs(x - c)));
  const clusters = centres.map((m, id) => ({ id, m, s2: NOISE, a: 1, b: ALPHA, r: nearest.map((k) => Number(k === id)) }));
  Object.assign(state, { clusters, path: [elbo(clusters)], told: "", ended: false });
}

// One factor: the sticks, then each cluster, then the labels.
export function step(state) {
  const { clusters, path } = state;
  const turn = (path.length - 1) % (T + 2);
  if (turn === 0) sticks(clusters);
  else if (turn <= T) centre(clusters.find(({ id }) => id === turn - 1));
  else labels(clusters);
  state.told = turn === 0 ? "q(v), the sticks," : turn <= T ? `q(θ${names[turn - 1]}), cluster ${turn},` : "q(z), the labels,";
  path.push(elbo(clusters));
  const before = path.at(-T - 3);
  state.ended = turn === T + 1 && path.length > T + 3 && path.at(-1) - before <= GAIN;
  if (state.ended) state.ends.push(path.at(-1));
}

export function finish(state) {
  while (!state.ended) step(state);
}

export function still() {
  const state = start(1);
  finish(state);
  begin(state, [-1.2, 0.1, 0.6]);
  finish(state);
  begin(state, [-1.3, -1, 0.5]);
  finish(state);
  return state;
}

// The picture.

const x = d3.scaleLinear([-2, 1.4], [16, 344]);
const y = d3.scaleLinear([-32, -12], [350, 236]).clamp(true);
const column = d3.scaleBand(d3.range(DATA.length), [16, 344]).paddingInner(0.4);
const TRACE = [44, 280];

function drawClusters(svg, { clusters }) {
  const box = part(svg, "clusters");
  const ordered = d3.sort(clusters, ({ id }) => id);
  write(box, "title", [{ x: 8, y: 14, anchor: "start", text: "three clusters, mean ± two deviations" }]);
  write(box, "number", [-1.5, -1, -0.5, 0, 0.5, 1].map((value) => ({ x: x(value), y: 32, text: signed(value) })));
  marks(box, "path", "axis", [0]).attr("d", `M${x.range()[0]} 38H${x.range()[1]}`);
  const half = ({ s2 }) => 2 * Math.sqrt(s2 + NOISE);
  const ends = (c) => [c.m - half(c), c.m + half(c)].map((end) => clamp(x(end), x.range()));
  // A cluster without points is as wide as the prior: it hides none of the others.
  marks(box, "rect", "wide", d3.sort(ordered, (c) => -half(c)))
    .attr("x", (c) => ends(c)[0].toFixed(1))
    .attr("width", (c) => (ends(c)[1] - ends(c)[0]).toFixed(1))
    .attr("y", 46)
    .attr("height", 34)
    .attr("fill", (c) => hue(c.id))
    .attr("fill-opacity", 0.55);
  marks(box, "circle", "dot", DATA).attr("cx", (one) => x(one).toFixed(1)).attr("cy", 106).attr("r", 3);
  handles(
    part(svg, "centres"),
    ordered.map(({ id, m }) => ({
      id,
      at: x(m),
      name: `Cluster ${id + 1}`,
      text: signed(m, 2),
      share: (100 * (m - SPAN[0])) / (SPAN[1] - SPAN[0]),
    })),
    38,
    88,
  );
}

function drawLabels(svg, { clusters }) {
  const box = part(svg, "labels");
  const ordered = d3.sort(clusters, ({ id }) => id);
  const wide = column.bandwidth();
  marks(box, "path", "faint", DATA).attr("d", (one, i) => `M${x(one).toFixed(1)} 110L${(column(i) + wide / 2).toFixed(1)} 130`);
  const pieces = DATA.flatMap((_, i) => {
    const ends = d3.cumsum(ordered, ({ r }) => r[i]);
    return ordered.map(({ id, r }, k) => ({ i, id, top: ends[k] - r[i], p: r[i] }));
  });
  marks(box, "rect", "piece", pieces)
    .attr("x", ({ i }) => column(i).toFixed(1))
    .attr("width", wide.toFixed(1))
    .attr("y", ({ top }) => (132 + 50 * top).toFixed(1))
    .attr("height", ({ p }) => (50 * p).toFixed(1))
    .attr("fill", ({ id }) => hue(id));
  write(box, "name", [{ x: 180, y: 199, text: "q(z): the cluster of each point" }]);
}

function drawTrace(svg, { path, ends }) {
  const box = part(svg, "trace");
  const along = d3.scaleLinear([0, Math.max(40, path.length - 1)], TRACE);
  write(box, "title", [
    { x: 8, y: 226, anchor: "start", text: "ELBO; dashed: log evidence" },
    { x: 352, y: 226, anchor: "end", text: "ends of runs" },
  ]);
  marks(box, "path", "axis", [0]).attr("d", `M${TRACE[0]} 350H${TRACE[1]}`);
  marks(box, "path", "dashed", [0]).attr("d", `M${TRACE[0]} ${y(EVIDENCE).toFixed(1)}H352`);
  marks(box, "path", "line", [path]).attr("d", d3.line((_, i) => along(i).toFixed(1), (value) => y(value).toFixed(1)));
  marks(box, "circle", "now", [0]).attr("cx", along(path.length - 1).toFixed(1)).attr("cy", y(path.at(-1)).toFixed(1)).attr("r", 3.5);
  write(box, "tick", [-15, -20, -25, -30].map((value) => ({ x: 38, y: y(value) + 4, anchor: "end", text: signed(value) })));
  write(box, "number", along.ticks(4).map((value) => ({ x: along(value), y: 366, text: value })));
  write(box, "name", [{ x: (TRACE[0] + TRACE[1]) / 2, y: 382, text: "factors made best" }]);
  // As long as there are runs that ended there.
  const counts = [...d3.rollup(ends, (all) => all.length, (end) => end.toFixed(2))];
  const longest = Math.max(5, ...counts.map(([, n]) => n));
  marks(box, "rect", "seen", counts)
    .attr("x", 286)
    .attr("y", ([end]) => (y(+end) - 1.5).toFixed(1))
    .attr("width", ([, n]) => ((66 * n) / longest).toFixed(1))
    .attr("height", 3);
}

export function draw(svg, state) {
  drawClusters(svg, state);
  drawLabels(svg, state);
  drawTrace(svg, state);
}

export function words({ path, ends, told, ended }) {
  const [before, now] = path.slice(-2);
  if (!told) return `Each point has the nearest cluster: the ELBO is ${signed(before, 2)}. Step, play, or move a cluster to where it shall begin.`;
  if (!ended) return `${told} was made best given the rest: the ELBO rose by ${now - before < 0.005 ? "less than 0.01" : signed(now - before, 2)} to ${signed(now, 2)}.`;
  const best = Math.max(...ends);
  const below = best - now;
  const first = "It may be a local optimum: begin elsewhere.";
  const place = below > 0.005 ? `It is a local optimum: another run ended ${signed(below, 2)} higher.` : ends.length > 1 ? `No run of ${ends.length} ended higher.` : first;
  return `No factor can be improved alone: the ELBO stays at ${signed(now, 2)}, ${signed(EVIDENCE - now, 2)} below the log evidence. ${place}`;
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    one.disabled = play.disabled = state.ended;
    movable(svg.selectAll("g.handle"), {
      move: ({ id }, dx) => {
        const centres = d3.sort(state.clusters, (c) => c.id).map(({ m }) => m);
        centres[id] = clamp(x.invert(x(centres[id]) + dx), SPAN);
        panel.act(() => begin(state, centres));
      },
      role: "slider",
    });
  };
  const one = panel.button("Step", () => step(state));
  const play = panel.player(() => {
    step(state);
    return !state.ended && (slowly(state.path.length - 12) === true ? 60 : 350);
  });
  panel.button("Begin elsewhere", () => begin(state, d3.range(T).map(() => SPAN[0] + (SPAN[1] - SPAN[0]) * state.random.uniform())));
}
