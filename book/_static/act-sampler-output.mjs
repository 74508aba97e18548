// Two partitions of Neal's nine points that the reader changes point by point, their distance, and the ball
// of that radius. Removes: that what lies in a credible ball is credible. A ball of 95 % is a set of near
// partitions, and most of them have hardly any probability.

import { chance, d3, floor, hue, marks, movable, part, percent, plural, write } from "./acting.mjs";

export const POINTS = [-1.48, -1.4, -1.16, -1.08, -1.02, 0.14, 0.51, 0.53, 0.78];
export const NOISE = 0.01; // variance within a cluster; its mean has variance 1, and alpha is 1
export const LEVEL = 0.95;
const SAME = 1e-9; // distances nearer than this are one
const N = POINTS.length;

export const size = [360, 352];
export const label = "Two partitions of nine points, and how much of the posterior is near the first.";

// The law.

// The labels with clusters in order of appearance.
export function canonical(labels) {
  const names = [...new Set(labels)];
  return labels.map((k) => names.indexOf(k));
}

function partitions(n) {
  let rows = [[]];
  for (let i = 0; i < n; i += 1) rows = rows.flatMap((row) => d3.range(Math.max(-1, ...row) + 2).map((k) => [...row, k]));
  return rows;
}

// The logarithm of (size - 1)! times the marginal density of a cluster.
function logWeight(points) {
  const n = points.length;
  const sum = d3.sum(points);
  const squares = d3.sum(points, (x) => x * x);
  const fit = (-n * Math.log(2 * Math.PI * NOISE) + Math.log(NOISE / (NOISE + n)) - (squares - (sum * sum) / (NOISE + n)) / NOISE) / 2;
  return fit + d3.sum(d3.range(1, n), Math.log);
}

// All partitions with their posterior probabilities, found once.
let known = null;
export function posterior() {
  if (known) return known;
  const rows = partitions(N);
  const sets = d3.range(1 << N).map((set) => logWeight(POINTS.filter((_, i) => (set >> i) & 1)));
  const logs = rows.map((row) => {
    const blocks = [];
    row.forEach((k, i) => (blocks[k] |= 1 << i));
    return d3.sum(blocks, (set) => sets[set]);
  });
  const top = d3.max(logs);
  const weights = logs.map((log) => Math.exp(log - top));
  const total = d3.sum(weights);
  known = { rows, probs: weights.map((w) => w / total), at: new Map(rows.map((row, i) => [row.join(""), i])) };
  return known;
}

// The sums over blocks and overlaps that both distances are made of: f(m) is that of m points. A block
// that grows by a point adds f(m + 1) - f(m), and so each point is looked at once.
function measure(f) {
  const gain = d3.range(N).map((m) => f(m + 1) - f(m));
  return (a, b) => {
    const counts = new Uint8Array(N * (N + 2));
    let sum = 0;
    for (let i = 0; i < N; i += 1) {
      sum += gain[counts[a[i]]++] + gain[counts[N + b[i]]++] - 2 * gain[counts[(a[i] + 2) * N + b[i]]++];
    }
    return Math.abs(sum);
  };
}

export const DISTANCES = {
  vi: measure((m) => (m ? (m * Math.log(m)) / N : 0)),
  binder: measure((m) => (m * (m - 1)) / (N * (N - 1))),
};

// The values of the distance from a in order, with how much of the posterior and how many partitions are
// as near or nearer.
export function balls(a, loss) {
  const { rows, probs } = posterior();
  const all = rows.map((row, i) => [DISTANCES[loss](a, row), probs[i]]).sort((p, q) => p[0] - q[0]);
  const found = [];
  let mass = 0;
  all.forEach(([radius, p], i) => {
    mass += p;
    if (!found.length || radius > found.at(-1).radius + SAME) found.push({ radius });
    Object.assign(found.at(-1), { mass, count: i + 1 });
  });
  return found;
}

export const credible = (found) => found.find(({ mass }) => mass >= LEVEL);

// The state and its steps.

export function start(seed) {
  const { rows, probs } = posterior();
  const a = rows[d3.maxIndex(probs)];
  const state = { seed, random: chance(seed), a: [...a], b: [...a], loss: "vi" };
  next(state, "b", 1);
  return state;
}

const surround = (state) => Object.assign(state, { found: balls(state.a, state.loss) });

// Point i goes to the next cluster of its partition; after the last comes one of its own.
export function next(state, which, i) {
  const labels = state[which];
  const own = labels[i];
  const others = [...new Set(labels.filter((_, j) => j !== i))].sort((k, l) => k - l);
  const alone = !others.includes(own);
  const fresh = d3.range(N).find((k) => !others.includes(k));
  labels[i] = alone ? others[0] : (others.find((k) => k > own) ?? fresh);
  state[which] = canonical(labels);
  surround(state);
}

// Another partition from the posterior.
export function drawn(state) {
  const { rows, probs } = posterior();
  state.b = [...rows[state.random.choose(probs)]];
}

export const still = () => start(1);

// The picture.

const column = (i) => 44 + 37 * i;
const y = d3.scaleLinear([0, 1], [298, 150]);
const LETTERS = "ABCDEFGHI";
const LONGEST = { vi: Math.log(N), binder: 1 };

function drawPartition(svg, state, which, top) {
  const box = part(svg, which);
  write(box, "title", [{ x: 12, y: top + 5, text: which }]);
  const data = state[which].map((k, i) => ({ which, k, i }));
  const groups = marks(box, "g", "point", data)
    .attr("transform", ({ i }) => `translate(${column(i)},${top})`)
    .attr("aria-label", ({ k, i }) => `Point ${i + 1} in ${which}: cluster ${LETTERS[k]}`);
  groups.each(function (d) {
    const one = d3.select(this);
    marks(one, "circle", "reach", [d]).attr("r", 18);
    marks(one, "circle", "dot", [d]).attr("r", 13).attr("fill", hue(d.k));
    write(one, "on", [{ x: 0, y: 5, text: LETTERS[d.k] }]);
  });
}

export function draw(svg, state) {
  const box = part(svg, "balls");
  const x = d3.scaleLinear([0, LONGEST[state.loss]], [44, 348]);
  const at = x(DISTANCES[state.loss](state.a, state.b)).toFixed(1);
  write(part(svg, "values"), "tick", POINTS.map((_, i) => ({ x: column(i), y: 16, text: i + 1 })));
  drawPartition(svg, state, "a", 40);
  drawPartition(svg, state, "b", 84);
  marks(box, "rect", "seen", [0]).attr("x", 44).attr("y", 150).attr("width", at - 44).attr("height", 148);
  const steps = (share) => `M44 298${state.found.map((ball) => `H${x(ball.radius).toFixed(1)}V${y(share(ball)).toFixed(1)}`).join("")}H348`;
  marks(box, "path", "line", [0]).attr("d", steps(({ mass }) => mass));
  marks(box, "path", "faint", [0]).attr("d", steps(({ count }) => count / posterior().rows.length));
  marks(box, "path", "dashed", [0]).attr("d", `M${x(credible(state.found).radius).toFixed(1)} 298V150`);
  write(box, "tick", [0, 0.5, 1].map((p) => ({ x: 38, y: y(p) + 4, anchor: "end", text: p })));
  write(box, "title", [{ x: 44, y: 134, anchor: "start", text: "share within the radius; dashed: 95 %" }]);
  floor(box, x, state.loss === "vi" ? [0, 0.5, 1, 1.5, 2] : [0, 0.25, 0.5, 0.75, 1], 298, "distance from a; shaded: up to b");
}

export function words(state) {
  const { rows, probs, at } = posterior();
  const [vi, binder] = ["vi", "binder"].map((loss) => DISTANCES[loss](state.a, state.b).toFixed(3));
  const radius = DISTANCES[state.loss](state.a, state.b);
  const ball = state.found.findLast((each) => each.radius <= radius + SAME);
  const whole = credible(state.found);
  return (
    `From a to b: variation of information ${vi}, Binder’s loss ${binder}. As near to a are ${plural(ball.count, "partition")} with ` +
    `${percent(ball.mass)} of the posterior; b itself has ${percent(probs[at.get(state.b.join(""))])}. The ball of 95 % has the radius ` +
    `${whole.radius.toFixed(3)}, ${whole.count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} partitions, ` +
    `and b is ${radius <= whole.radius + SAME ? "inside" : "outside"}.`
  );
}

// Acting.

export function controls(panel, svg, state, redraw) {
  const show = () => {
    redraw();
    movable(svg.selectAll("g.point"), { press: ({ which, i }) => act(() => next(state, which, i)) });
  };
  const act = (change) => {
    change();
    show();
  };
  panel.button("Draw b", () => act(() => drawn(state)));
  panel.button("Start again", () => act(() => Object.assign(state, start(state.seed + 1), { loss: state.loss }) && surround(state)));
  panel.choice("Distance", { vi: "Variation of information", binder: "Binder’s loss" }, state.loss, (loss) => act(() => surround(Object.assign(state, { loss }))));
  show();
}
