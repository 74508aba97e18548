// A reported partition of nine points and another one, the reader's or a draw, with their distance, and the
// exact law of that distance. Removes: that the report says it all, or its number of clusters. Draws lie
// around it, with other numbers, and what is near need not be probable.

import { against, chance, d3, floor, hue, marks, middle, movable, off, part, percent, plural, signed, slowly, tenths, write } from "./acting.mjs";

export const DATA = [-1.48, -1.4, -1.16, -1.08, -1.02, 0.14, 0.51, 0.53, 0.78]; // Neal's
export const REPORT = [0, 0, 1, 1, 1, 2, 3, 3, 3]; // the least expected loss, for either loss
const N = DATA.length;
const ALPHA = 1;
const NOISE = 0.01; // variance; the prior of the means is N(0, 1)
const LEVEL = 0.95;
const LONGEST = 5000; // draws
const SAME = 1e-9; // distances that differ by less are one, but for rounding

export const size = [360, 410];
export const label = "Two partitions of nine points, the pairs on which they differ, and the law of the distance.";

// The law.

const count = (values) => d3.rollup(values, (all) => all.length, (one) => one);
const pairs = (m) => (m * (m - 1)) / 2;

// Either loss is a sum over clusters of one and the other, less twice that over their intersections.
function distance(f, one, other) {
  const total = (labels) => d3.sum(count(labels).values(), f);
  return total(one) + total(other) - 2 * total(one.map((k, i) => N * k + other[i]));
}

export const information = (one, other) => distance((m) => (m * Math.log(m)) / N, one, other);
export const disagreeing = (one, other) => distance(pairs, one, other);

// Each loss: its distance, how it is said, and how wide the classes of its law are in terms of the radius.
const LOSSES = {
  vi: { of: information, classes: 10, say: (d) => `${d.toFixed(3)} nats` },
  binder: { of: disagreeing, classes: 0, say: (d) => `${d} of ${pairs(N)} pairs` },
};

// The density of a point that joins n others with this sum.
function predictive(x, n, sum) {
  const variance = 1 / (1 + n / NOISE);
  const total = variance + NOISE;
  return Math.exp(-((x - (variance * sum) / NOISE) ** 2) / (2 * total)) / Math.sqrt(2 * Math.PI * total);
}

// Every partition of the points, as labels in order of appearance, and its posterior probability.
function enumerate() {
  const found = { labels: [], probs: [] };
  const grow = (labels, clusters, weight) => {
    const x = DATA[labels.length];
    if (x === undefined) {
      found.labels.push(labels);
      found.probs.push(weight);
      return;
    }
    for (let k = 0; k <= clusters.length; k += 1) {
      const [n, sum] = clusters[k] ?? [0, 0];
      const more = [...clusters];
      more[k] = [n + 1, sum + x];
      grow([...labels, k], more, weight * (n || ALPHA) * predictive(x, n, sum));
    }
  };
  grow([], [], 1);
  const total = d3.sum(found.probs);
  found.probs = found.probs.map((p) => p / total);
  return found;
}

export const ALL = enumerate();
const UP_TO = d3.cumsum(ALL.probs);
const PLACE = new Map(ALL.labels.map((labels, i) => [labels.join(""), i]));
export const number = (labels) => new Set(labels).size;

function canonical(labels) {
  const names = new Map();
  return labels.map((k) => names.set(k, names.get(k) ?? names.size).get(k));
}

export const probability = (labels) => ALL.probs[PLACE.get(canonical(labels).join(""))];

// The credible ball about the report, and the law of the distance from it in classes; the ball ends where
// a class does.
export function ball(loss) {
  const { of, classes } = LOSSES[loss];
  const distances = ALL.labels.map((labels) => of(REPORT, labels));
  const ordered = d3.sort(d3.range(distances.length), (i) => distances[i]);
  let held = 0;
  const radius = distances[ordered.find((i) => (held += ALL.probs[i]) >= LEVEL)];
  const inside = d3.range(distances.length).filter((i) => distances[i] <= radius + SAME);
  const width = classes ? radius / classes : 1;
  const place = (d) => Math.ceil(d / width - SAME);
  const law = Array(place(d3.max(distances)) + 1).fill(0);
  distances.forEach((d, i) => (law[place(d)] += ALL.probs[i]));
  return { loss, radius, partitions: inside.length, held: d3.sum(inside, (i) => ALL.probs[i]), width, place, law };
}

const BALLS = { vi: ball("vi"), binder: ball("binder") };
const LAW_OF_K = d3.range(N + 1).map((k) => d3.sum(ALL.labels, (labels, i) => (number(labels) === k ? ALL.probs[i] : 0)));

// The state and its steps.

export function start(seed, loss = "vi") {
  const state = { seed, ball: BALLS[loss] };
  restart(state);
  return state;
}

function restart(state) {
  Object.assign(state, { random: chance(state.seed), other: [...REPORT], own: true });
  clear(state);
}

function clear(state) {
  Object.assign(state, { draws: 0, inside: 0, counts: state.ball.law.map(() => 0), numbers: LAW_OF_K.map(() => 0) });
}

export function measure(state, loss) {
  state.ball = BALLS[loss];
  clear(state);
}

// Names for the clusters of a draw: those of the report that they share most points with.
function named(labels) {
  const common = [...count(labels.map((k, i) => N * k + REPORT[i]))].sort(([, m], [, n]) => n - m);
  const names = new Map();
  const free = new Set(d3.range(N));
  for (const [both] of common) {
    const [k, name] = [Math.floor(both / N), both % N];
    if (!names.has(k) && free.delete(name)) names.set(k, name);
  }
  for (const k of labels) {
    if (names.has(k)) continue;
    const [name] = [...free].filter((one) => one >= number(REPORT));
    free.delete(name);
    names.set(k, name);
  }
  return labels.map((k) => names.get(k));
}

export function another(state) {
  const i = d3.bisectRight(UP_TO, state.random.uniform());
  const labels = ALL.labels[Math.min(i, ALL.labels.length - 1)];
  const { ball } = state;
  const d = LOSSES[ball.loss].of(REPORT, labels);
  state.counts[ball.place(d)] += 1;
  state.numbers[number(labels)] += 1;
  state.inside += d <= ball.radius + SAME;
  state.draws += 1;
  Object.assign(state, { other: named(labels), own: false });
}

// To the next cluster of the others, and after the last to one of its own.
export function move(state, i) {
  const others = new Set(state.other.filter((_, j) => j !== i));
  const fresh = others.has(state.other[i]) ? d3.range(N).find((k) => !others.has(k)) : state.other[i];
  const options = d3.sort([...others, fresh]);
  state.other[i] = options[(options.indexOf(state.other[i]) + 1) % options.length];
  state.own = true;
}

export function still() {
  const state = start(1);
  for (let i = 0; i < 400; i += 1) another(state);
  state.other = [0, 0, 1, 1, 1, 2, 3, 3, 4];
  state.own = true;
  return state;
}

// The picture.

const column = d3.scalePoint(d3.range(N), [24, 336]);
const along = d3.scaleLinear([-1.48, 0.78], [56, 312]);
const letter = (k) => "ABCDEFGHI"[k];
const ROWS = { report: 74, line: 112, other: 150 };

// The pairs together in one partition and apart in the other, as arcs on its side.
function drawArcs(box, name, one, other, y, up) {
  const apart = d3.range(N).flatMap((j) => d3.range(j).filter((i) => one[i] === one[j] && other[i] !== other[j]).map((i) => [i, j]));
  marks(box, "path", name, apart)
    .attr("d", ([i, j]) => `M${column(i)} ${y}Q${(column(i) + column(j)) / 2} ${y + up * (8 + 8 * (j - i))} ${column(j)} ${y}`)
    .attr("stroke", "var(--figure-ink)")
    .attr("stroke-width", 1.5);
}

function drawRow(box, labels, y, movable) {
  const discs = marks(box, "g", movable ? "point" : "fixed", labels.map((k, i) => ({ i, k }))).attr("transform", ({ i }) => `translate(${column(i).toFixed(1)},${y})`);
  if (movable) discs.attr("aria-label", ({ i, k }) => `Point ${i + 1} at ${signed(DATA[i], 2)}, cluster ${letter(k)}`);
  discs.each(function (d) {
    const disc = d3.select(this);
    if (movable) marks(disc, "circle", "reach", [d]).attr("r", 18);
    marks(disc, "circle", "dot", [d]).attr("r", 11).attr("fill", hue(d.k));
    write(disc, "on", [{ x: 0, y: 4.5, text: letter(d.k) }]);
  });
}

function drawPartitions(svg, { other, own }) {
  const box = part(svg, "partitions");
  const { report, line, other: second } = ROWS;
  write(box, "title", [
    { x: 8, y: 14, anchor: "start", text: "the report; arcs: together here, apart below" },
    { x: 8, y: 208, anchor: "start", text: `${own ? "yours" : "a draw"}; arcs: together here, apart above` },
  ]);
  marks(box, "path", "axis", [0]).attr("d", `M${along.range()[0]} ${line}H${along.range()[1]}`);
  write(box, "end", [
    { x: along.range()[0] - 8, y: line + 4, anchor: "end", text: signed(DATA[0]) },
    { x: along.range()[1] + 8, y: line + 4, anchor: "start", text: signed(DATA[N - 1]) },
  ]);
  marks(box, "path", "faint", DATA).attr("d", (x, i) => `M${column(i)} ${report}L${along(x).toFixed(1)} ${line}L${column(i)} ${second}`);
  marks(box, "circle", "datum", DATA).attr("cx", (x) => along(x).toFixed(1)).attr("cy", line).attr("r", 2.5);
  drawArcs(part(svg, "split"), "arc", REPORT, other, report - 12, -1);
  drawArcs(part(svg, "joined"), "arc", other, REPORT, second + 12, 1);
  drawRow(part(svg, "reported"), REPORT, report, false);
  drawRow(part(svg, "other"), other, second, true);
}

const BASE = 372;
const HEIGHT = 118;

function drawDistance(svg, { ball, counts, other }) {
  const box = part(svg, "distance");
  const x = d3.scaleBand(d3.range(ball.law.length), [16, 234]);
  // Where a distance ends: that of nought, too, has a class of its own.
  const end = d3.scaleLinear([0, ball.width * (ball.law.length - 1)], [x(0) + x.bandwidth(), 234]);
  marks(box, "rect", "band", [0]).attr("x", 16).attr("y", BASE - HEIGHT).attr("width", (end(ball.radius) - 16).toFixed(1)).attr("height", HEIGHT);
  against(box, { x, seen: counts, law: ball.law, base: BASE, height: HEIGHT - 8 });
  write(box, "title", [{ x: 16, y: BASE - HEIGHT - 8, anchor: "start", text: "shaded: the 95\u00a0% ball" }]);
  const at = middle(x)(ball.place(LOSSES[ball.loss].of(REPORT, other)));
  marks(box, "circle", "spot", [0]).attr("cx", at.toFixed(1)).attr("cy", BASE).attr("r", 5).attr("fill", hue(1));
  floor(box, end, ball.loss === "vi" ? [0, 0.5, 1, 1.5, 2] : [0, 5, 10, 15, 20, 25], BASE, ball.loss === "vi" ? "nats from the report" : "pairs from the report");
}

function drawNumber(svg, { numbers }) {
  const box = part(svg, "number-of-clusters");
  const x = d3.scaleBand(d3.range(1, N), [260, 352]).padding(0.2);
  against(box, { x, seen: numbers.slice(1, N), law: LAW_OF_K.slice(1, N), base: BASE, height: HEIGHT - 8 });
  write(box, "title", [{ x: 352, y: BASE - HEIGHT - 8, anchor: "end", text: "frame: exact" }]);
  floor(box, middle(x), [2, 4, 6, 8], BASE, "clusters K");
}

export function draw(svg, state) {
  drawPartitions(svg, state);
  drawDistance(svg, state);
  drawNumber(svg, state);
}

// Of what is rare, too.
const rare = (p) => (p < 0.0005 ? "under 0.1\u00a0%" : tenths(p));

export function words({ ball, other, own, draws, inside, counts, numbers }) {
  const { loss, radius, held, law } = ball;
  const d = LOSSES[loss].of(REPORT, other);
  const sentences = [];
  if (!d) sentences.push(`${own ? "Yours is the report itself" : "The draw is the report itself"}, of probability ${rare(probability(REPORT))}.`);
  else {
    sentences.push(
      `${own ? "Yours" : "The draw"} has ${plural(number(other), "cluster")} and is ${loss === "vi" ? LOSSES.vi.say(d) : LOSSES.binder.say(d)} from the report, ` +
        `${loss === "vi" ? `with ${LOSSES.binder.say(disagreeing(REPORT, other))} different` : `and ${LOSSES.vi.say(information(REPORT, other))}`}: ` +
        `${d <= radius + SAME ? "inside" : "outside"} the ball. Its probability is ${rare(probability(other))}.`,
    );
  }
  const [ofK, k] = [LAW_OF_K[number(REPORT)], number(REPORT)];
  if (!draws) sentences.push("Move a point to another cluster, draw, or play.");
  else if (draws === 1) sentences.push(`1 draw so far; of many, ${tenths(held)} are inside, and ${percent(ofK)} have the report’s ${k} clusters.`);
  else {
    sentences.push(
      `Of ${plural(draws, "draw")} ${tenths(inside / draws)} are inside, exactly ${tenths(held)}, and ${percent(numbers[k] / draws)} have the report’s ` +
        `${k} clusters, exactly ${percent(ofK)}; ${off(counts, law)}.`,
    );
  }
  return sentences.join(" ");
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    play.disabled = state.draws >= LONGEST;
    movable(svg.selectAll("g.point"), { press: ({ i }) => panel.act(() => move(state, i)) });
  };
  panel.button("Draw", () => another(state));
  const play = panel.player((most) => {
    const more = Math.max(most, Math.min(30, Math.floor(state.draws / 20)));
    for (let i = 0; i < more && state.draws < LONGEST; i += 1) another(state);
    return state.draws < LONGEST && slowly(state.draws);
  });
  panel.button("Back to the report", () => restart(Object.assign(state, { seed: state.seed + 1 })));
  panel.choice("Distance", { vi: "distance in nats", binder: "in pairs" }, state.ball.loss, (loss) => measure(state, loss));
}
