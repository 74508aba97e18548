// A draw of data while alpha and the scale of H are moved, by the same random numbers throughout.
// Removes: that alpha sets the number of humps, so that as many clusters are seen as there are. Alpha
// sets how many there are, and the scale of H, against the noise, how many of them can be told apart.

import { against, chance, clamp, d3, floor, hue, lawOfK, marks, meanOfK, middle, movable, off, part, plural, slowly, write } from "./acting.mjs";

export const N = 40; // points
const ALPHAS = [0.1, 10];
const SCALES = [0.3, 6]; // deviations of H, where that of the noise is 1
const LONGEST = 5000;
const GRID = d3.range(-20, 20.01, 0.2);

export const size = [360, 428];
export const label = "Data of a mixture and their density, under an alpha and a scale of H, and the law of the number of clusters.";

// The law. Customer i + 1 opens a table if u falls in the first alpha of alpha + i, and else follows
// one of those before; the same numbers serve any alpha and any scale.

export function numbers(random) {
  const each = (draw) => d3.range(N).map(draw);
  return { u: each(random.uniform), at: each(random.normal), noise: each(random.normal) };
}

export function drawn({ u, at, noise }, alpha, scale) {
  const labels = [];
  let k = 0;
  for (let i = 0; i < N; i += 1) {
    const place = u[i] * (alpha + i) - alpha;
    labels.push(place < 0 ? k++ : labels[Math.min(i - 1, Math.floor(place))]);
  }
  const theta = at.slice(0, k).map((one) => scale * one);
  const sizes = Array(k).fill(0);
  for (const one of labels) sizes[one] += 1;
  return { labels, theta, sizes, x: labels.map((one, i) => theta[one] + noise[i]) };
}

// That of another observation of one of the clusters there are, in proportion to their sizes.
export const density = ({ theta, sizes }, x) =>
  d3.sum(theta, (t, k) => (sizes[k] * Math.exp(-0.5 * (x - t) ** 2)) / (N * Math.sqrt(2 * Math.PI)));

export function peaks(draw) {
  const heights = GRID.map((x) => density(draw, x));
  return heights.filter((h, i) => h > (heights[i - 1] ?? 0) && h >= (heights[i + 1] ?? 0)).length;
}

// The state and its steps.

export function start(seed, alpha = 1, scale = 1) {
  const state = { random: chance(seed), alpha, scale };
  state.numbers = numbers(state.random);
  move(state, alpha, scale);
  return state;
}

// The draw goes with the reader, who has seen it: it is not counted.
function move(state, alpha, scale) {
  const draw = drawn(state.numbers, alpha, scale);
  Object.assign(state, { alpha, scale, draw, runs: 0, counts: Array(N).fill(0), clusters: 0, humps: 0, spread: 0 });
  state.law = lawOfK(N, alpha).slice(1);
}

export function another(state) {
  state.numbers = numbers(state.random);
  state.draw = drawn(state.numbers, state.alpha, state.scale);
  const k = state.draw.theta.length;
  state.runs += 1;
  state.counts[k - 1] += 1;
  state.clusters += k;
  state.humps += peaks(state.draw);
  state.spread += d3.variance(state.draw.x);
}

export function still() {
  const state = start(1, 1.5, 3);
  for (let i = 0; i < 500; i += 1) another(state);
  return state;
}

// The picture.

const PLANE = { left: 40, right: 164, top: 24, floor: 144 };
const ROOM = 9; // for the grip, which would hide the numbers beside the plane
const MANY = 30; // more clusters have a probability below one in a million under any alpha of the plane
const across = d3.scaleLog(ALPHAS, [PLANE.left + ROOM, PLANE.right - ROOM]).clamp(true);
const upright = d3.scaleLog(SCALES, [PLANE.floor - ROOM, PLANE.top + ROOM]).clamp(true);
const bars = d3.scaleBand(d3.range(1, MANY + 1), [190, 350]);
const line = d3.scaleLinear([-18, 18], [12, 348]).clamp(true);

function drawPlane(svg, { alpha, scale }) {
  const box = part(svg, "plane");
  const { left, right, top, floor: low } = PLANE;
  marks(box, "rect", "frame", [0]).attr("x", left).attr("y", top).attr("width", right - left).attr("height", low - top);
  write(box, "title", [{ x: 8, y: 14, anchor: "start", text: "scale of H" }]);
  write(box, "tick", [0.3, 1, 3, 6].map((value) => ({ x: left - 6, y: upright(value) + 4, anchor: "end", text: value })));
  floor(box, across, [0.1, 1, 10], low, "α");
  const grip = marks(part(svg, "choice"), "g", "begin", [0])
    .attr("transform", `translate(${across(alpha).toFixed(1)},${upright(scale).toFixed(1)})`)
    .attr("aria-label", "α and the scale of H")
    .attr("aria-roledescription", "slider in two directions")
    .attr("aria-valuemin", ALPHAS[0])
    .attr("aria-valuemax", ALPHAS[1])
    .attr("aria-valuenow", alpha.toFixed(2))
    .attr("aria-valuetext", `α ${alpha.toFixed(2)}, scale ${scale.toFixed(2)}`)
    .attr("role", "slider");
  marks(grip, "circle", "reach", [0]).attr("r", 15);
  marks(grip, "circle", "grip", [0]).attr("r", 7);
}

function drawLaw(svg, { counts, law }) {
  const box = part(svg, "law");
  write(box, "title", [{ x: 352, y: 14, anchor: "end", text: "frame: exact law" }]);
  against(box, { x: bars, seen: counts.slice(0, MANY), law: law.slice(0, MANY), base: PLANE.floor, height: 116 });
  floor(box, middle(bars), [1, 10, 20, 30], PLANE.floor, "clusters of 40 points");
}

function drawData(svg, { draw: { labels, theta, sizes, x } }) {
  const box = part(svg, "data");
  const heights = GRID.filter((at) => Math.abs(at) <= 18).map((at) => [at, density({ theta, sizes }, at)]);
  const up = d3.scaleLinear([0, Math.max(0.12, ...heights.map(([, h]) => h))], [290, 214]);
  write(box, "title", [{ x: 8, y: 202, anchor: "start", text: "density, and below the points by cluster" }]);
  const curve = heights.map(([at, h]) => `${line(at).toFixed(1)} ${up(h).toFixed(1)}`);
  marks(box, "path", "line", [0]).attr("d", `M${curve.join("L")}`);
  marks(box, "path", "axis", [0]).attr("d", `M${line.range()[0]} 290H${line.range()[1]}`);
  const row = Math.min(14, 92 / theta.length);
  marks(box, "circle", "draw", labels)
    .attr("cx", (_, i) => line(x[i]).toFixed(1))
    .attr("cy", (k) => (296 + row * (k + 0.5)).toFixed(1))
    .attr("r", 3)
    .attr("fill", (k) => hue(k));
  floor(part(svg, "below"), line, [-15, -10, -5, 0, 5, 10, 15], 392, "x, in deviations of the noise");
}

export function draw(svg, state) {
  drawPlane(svg, state);
  drawLaw(svg, state);
  drawData(svg, state);
}

// What is expected of the variance of the points of a draw.
export const spread = (alpha, scale) => 1 + (scale * scale * alpha) / (1 + alpha);

export function words({ alpha, scale, draw, runs, clusters, humps, counts, law, ...state }) {
  const now = `α = ${alpha.toFixed(2)}, scale ${scale.toFixed(2)}: ${plural(draw.theta.length, "cluster")}, and the density has ${plural(peaks(draw), "peak")}.`;
  if (!runs) return `${now} Move the grip up and down, then to the sides: the random numbers stay.`;
  return (
    `${now} In ${plural(runs, "draw")} there are ${(clusters / runs).toFixed(2)} clusters on average, exactly ${meanOfK(N, alpha).toFixed(2)} whatever the scale, ` +
    `and ${(humps / runs).toFixed(2)} peaks; the variance of the points averages ${(state.spread / runs).toFixed(2)}, exactly ${spread(alpha, scale).toFixed(2)}; ${off(counts, law)}.`
  );
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    play.disabled = state.runs >= LONGEST;
    movable(svg.selectAll("g.begin"), {
      move: (_, dx, dy) => to(across(state.alpha) + dx, upright(state.scale) + dy),
      role: "slider",
      across: false,
    });
  };
  const to = (px, py) => panel.act(() => move(state, clamp(across.invert(px), ALPHAS), clamp(upright.invert(py), SCALES)));
  panel.button("Draw again", () => another(state));
  const play = panel.player((most) => {
    const more = Math.max(most, Math.min(20, Math.floor(state.runs / 10)));
    for (let i = 0; i < more && state.runs < LONGEST; i += 1) another(state);
    return state.runs < LONGEST && slowly(state.runs);
  });
  svg.select("rect.frame").on("click", (event) => to(...d3.pointer(event, svg.node())));
}
