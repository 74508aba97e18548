// A row of which only the first value was seen, beside two clusters: the gap left out, or filled with the
// mean of its column. Removes: that the mean is a harmless guess. Between two clusters it is a value that
// hardly any row has, and so the filled row is told to be of a new kind.

import { beside, chance, clamp, d3, floor, handles, hue, marks, movable, normalCdf, off, part, percent, plural, signed, slowly, write } from "./acting.mjs";

export const SPREAD = 4; // variance of the clusters' means about 0
export const NOISE = 0.25; // variance within a cluster
export const NEAR = 0.5; // of the mean that is filled in
export const ENDS = [-4, 4];
const CELLS = 20;
const ALPHAS = [0.2, 0.5, 1, 2, 5];
const FIRST = [[-2.3, -1.5], [-1.1, -2.2], [-1.2, -1.0], [1.0, 1.9], [2.1, 1.2], [2.0, 2.4]];
const LONGEST = 20_000; // draws

export const size = [360, 360];
export const label = "Two clusters, a row with a gap, the law of the gap, and the clusters that the row may belong to.";

// The law.

const density = (x, mean, variance) => Math.exp((-((x - mean) ** 2)) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);

export const mean = ({ points }) => d3.mean(points, (x) => x[1]);

// What a row may join: A, B, or a cluster of its own, with its weight and the law of each value there.
export function places({ points, labels, alpha }) {
  return [0, 1, null].map((k) => {
    const own = points.filter((_, i) => labels[i] === k);
    const variance = 1 / (1 / SPREAD + own.length / NOISE);
    const means = [0, 1].map((j) => (variance / NOISE) * d3.sum(own, (x) => x[j]));
    return { n: own.length || alpha, means, variance: variance + NOISE };
  });
}

const shares = (weights) => weights.map((weight) => weight / d3.sum(weights));

// The chances of these three, of the row with its gap or with a value for it.
export const chances = (state, value = null) =>
  shares(
    places(state).map(({ n, means, variance }) => {
      const seen = n * density(state.at, means[0], variance);
      return value === null ? seen : seen * density(value, means[1], variance);
    }),
  );

// The probability that the gap is at most a value.
export function upTo(state, value) {
  const p = chances(state);
  return d3.sum(places(state), ({ means, variance }, k) => p[k] * normalCdf((value - means[1]) / Math.sqrt(variance)));
}

// The law of the gap in cells; what lies beyond the drawing is in the last ones.
export function lawOfGap(state) {
  const inner = d3.range(1, CELLS).map((i) => upTo(state, EDGES[i]));
  return d3.pairs([0, ...inner, 1]).map(([low, high]) => high - low);
}

const EDGES = d3.range(CELLS + 1).map((i) => ENDS[0] + ((ENDS[1] - ENDS[0]) * i) / CELLS);

// The state and its steps.

export function start(seed, alpha = 1, at = -1, points = FIRST, labels = [0, 0, 0, 1, 1, 1]) {
  const state = { seed, alpha, at, points: points.map((x) => [...x]), labels: [...labels] };
  restart(state);
  return state;
}

function restart(state) {
  Object.assign(state, { random: chance(state.seed), last: null, draws: 0, counts: Array(CELLS).fill(0), law: lawOfGap(state) });
}

// Draw the gap: first the cluster, then the value there.
export function drawn(state) {
  const { means, variance } = places(state)[state.random.choose(chances(state))];
  state.last = means[1] + Math.sqrt(variance) * state.random.normal();
  state.draws += 1;
  state.counts[clamp(d3.bisectRight(EDGES, state.last) - 1, [0, CELLS - 1])] += 1;
}

export function still() {
  const state = start(1);
  while (state.draws < 1000) drawn(state);
  return state;
}

// The picture.

const x = d3.scaleLinear(ENDS, [34, 252]);
const y = d3.scaleLinear(ENDS, [228, 28]);
const place = ([a, b]) => `translate(${x(a).toFixed(1)},${y(clamp(b, ENDS)).toFixed(1)})`;
const NAMES = ["A", "B", "new"];
const colour = (k) => (k === 2 ? "var(--figure-5)" : hue(k));

function drawPlane(svg, state) {
  const box = part(svg, "plane");
  marks(box, "rect", "frame", [0]).attr("x", 34).attr("y", 28).attr("width", 218).attr("height", 200);
  const filled = mean(state);
  marks(box, "path", "dashed", [0]).attr("d", `M34 ${y(filled).toFixed(1)}H352`);
  write(box, "tick", [-2, 0, 2].map((value) => ({ x: 29, y: y(value) + 4, anchor: "end", text: signed(value) })));
  floor(box, x, [-2, 0, 2], 228, "first value, which is seen");
  write(box, "title", [
    { x: 34, y: 14, anchor: "start", text: "second value; dashed: its mean" },
    { x: 352, y: 14, anchor: "end", text: "law of the gap" },
  ]);
  const at = { at: x(state.at), name: "First value of the row", share: (100 * (state.at - ENDS[0])) / (ENDS[1] - ENDS[0]), text: signed(state.at, 2) };
  handles(part(svg, "row"), [at], 228, 30);
  marks(part(svg, "filled"), "circle", "hollow", [filled]).attr("cx", at.at.toFixed(1)).attr("cy", y(filled).toFixed(1)).attr("r", 6);
  drawLast(part(svg, "last"), state.last, at.at);
  const data = state.points.map((point, i) => ({ point, i, k: state.labels[i] }));
  const groups = marks(part(svg, "points"), "g", "point", data)
    .attr("transform", ({ point }) => place(point))
    .attr("aria-label", ({ point, i, k }) => `Row ${i + 1} at ${point.map((a) => signed(a, 1)).join(", ")}, cluster ${NAMES[k]}`);
  groups.each(function (d) {
    const one = d3.select(this);
    marks(one, "circle", "reach", [d]).attr("r", 14);
    marks(one, "circle", "dot", [d]).attr("r", 8).attr("fill", hue(d.k));
    write(one, "on", [{ x: 0, y: 4.5, text: NAMES[d.k] }]);
  });
}

// A value beyond the frame is an arrow at its edge, beside the grip.
function drawLast(box, value, at) {
  const inside = value === clamp(value, ENDS);
  const shown = value === null ? [] : [value];
  marks(box, "circle", "spot", inside ? shown : [])
    .attr("cx", at.toFixed(1))
    .attr("cy", (last) => y(last).toFixed(1))
    .attr("r", 5);
  const up = value > 0 ? 1 : -1;
  const beside = at + (at < 235 ? 15 : -15);
  marks(box, "path", "beyond", inside ? [] : shown)
    .attr("d", (last) => `M${beside.toFixed(1)} ${y(clamp(last, ENDS))}l5 ${9 * up}h-10Z`)
    .attr("style", "fill: var(--figure-ink)");
}

function drawChances(svg, state) {
  const rows = { "gap left out": chances(state), "mean filled in": chances(state, mean(state)) };
  Object.entries(rows).forEach(([name, p], r) => {
    const box = part(svg, `row-${r}`);
    const top = 286 + 46 * r;
    const ends = [0, ...d3.cumsum(p)];
    write(box, "title", [{ x: 8, y: top - 4, anchor: "start", text: name }]);
    marks(box, "rect", "mass", p)
      .attr("x", (_, k) => (8 + 344 * ends[k]).toFixed(1))
      .attr("y", top)
      .attr("width", (share) => (344 * share).toFixed(1))
      .attr("height", 20)
      .attr("fill", (_, k) => colour(k));
    const named = p.map((share, k) => ({ share, x: 8 + 344 * (ends[k] + share / 2), y: top + 15, text: `${NAMES[k]} ${percent(share)}` }));
    write(box, "on", named.filter(({ share }) => share > 0.25));
  });
}

export function draw(svg, state) {
  beside(part(svg, "gap"), { ends: EDGES.map((edge) => y(edge)), seen: state.counts, law: state.law, left: 258, width: 94 });
  drawPlane(svg, state);
  drawChances(svg, state);
}

const list = (p) => `A ${percent(p[0])}, B ${percent(p[1])}, a new cluster ${percent(p[2])}`;

export function words(state) {
  const value = mean(state);
  const near = upTo(state, value + NEAR) - upTo(state, value - NEAR);
  const told =
    `First value ${signed(state.at, 2)}, the second a gap. Left out: ${list(chances(state))}. With the mean, ${signed(value, 2)}, filled in: ` +
    `${list(chances(state, value))}; yet the gap is within ${NEAR} of that mean with chance ${percent(near)}`;
  return state.draws ? `${told}. After ${plural(state.draws, "draw")} of it ${off(state.counts, state.law)}.` : `${told}.`;
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    movable(svg.selectAll("g.handle"), { move: (_, dx) => panel.act(() => change({ at: clamp(x.invert(x(state.at) + dx), ENDS) })), role: "slider" });
    movable(svg.selectAll("g.point"), {
      move: ({ i }, dx, dy) =>
        panel.act(() => {
          const [a, b] = state.points[i];
          state.points[i] = [clamp(x.invert(x(a) + dx), ENDS), clamp(y.invert(y(b) + dy), ENDS)];
          restart(state);
        }),
      // To the other cluster, unless it was alone in its own.
      press: ({ i, k }) =>
        panel.act(() => {
          if (state.labels.filter((z) => z === k).length > 1) state.labels[i] = 1 - k;
          restart(state);
        }),
    });
  };
  const change = (properties) => restart(Object.assign(state, properties));
  panel.button("Draw the gap", () => drawn(state));
  panel.player((most) => {
    const more = Math.max(most, Math.min(200, Math.floor(state.draws / 20)));
    for (let i = 0; i < more; i += 1) drawn(state);
    return state.draws < LONGEST && slowly(state.draws);
  });
  panel.again(ALPHAS, state, change);
}
