// The simplex of three faces under the reader's mean and total. Removes: that a draw looks like the mean,
// so that (0.1, 0.1, 0.1) and (10, 10, 10) would be much the same law.

import { against, betaCdf, betaCells, chance, d3, floor, hue, marks, movable, off, part, plural, slowly, tenths, write } from "./acting.mjs";

export const MOSTLY = 0.9; // of the mass on one face
const TOTALS = [0.3, 1, 3, 10, 30, 100];
const CELLS = 10;
const FIRST = 200; // draws after a change
const SHOWN = 400;
const LONGEST = 20_000;
const EDGE = 0.02; // the least coordinate of the mean

export const size = [360, 404];
export const label = "Draws of a Dirichlet distribution on the triangle of three faces, and the law of the first coordinate.";

// The law.

export const parameters = ({ mean, total }) => mean.map((m) => m * total);

// The probability that one face has more than MOSTLY; no two have.
export function lopsided(a) {
  const total = d3.sum(a);
  return d3.sum(a, (one) => 1 - betaCdf(MOSTLY, one, total - one));
}

// Gammas divided by their sum; where all of them are below what a number can hold, one face has it all,
// with the chances of the parameters.
export function drawn(a, random) {
  const y = a.map(random.gamma);
  const sum = d3.sum(y);
  if (sum > 0) return y.map((one) => one / sum);
  const face = random.choose(a);
  return a.map((_, k) => Number(k === face));
}

// The state and its steps.

export function start(seed, mean = [1 / 3, 1 / 3, 1 / 3], total = 3, first = FIRST) {
  const state = { seed, mean: [...mean], total };
  restart(state, first);
  return state;
}

function restart(state, first = FIRST) {
  const a = parameters(state);
  Object.assign(state, { random: chance(state.seed), a, shown: [], n: 0, sums: [0, 0, 0], mostly: 0, counts: Array(CELLS).fill(0) });
  state.law = betaCells(CELLS, a[0], a[1] + a[2]);
  for (let i = 0; i < first; i += 1) another(state);
}

export function another(state) {
  const g = drawn(state.a, state.random);
  state.n += 1;
  state.sums = state.sums.map((sum, k) => sum + g[k]);
  state.mostly += Math.max(...g) > MOSTLY;
  state.counts[Math.min(CELLS - 1, Math.floor(CELLS * g[0]))] += 1;
  state.shown.push(g);
  if (state.shown.length > SHOWN) state.shown.shift();
}

export const still = () => start(1, [0.5, 0.3, 0.2], 1);

// The picture.

const CORNERS = [[180, 26], [58, 236], [302, 236]];
const place = (g) => [0, 1].map((j) => d3.sum(g, (one, k) => one * CORNERS[k][j]));

// The point of the triangle at a place of the drawing, kept off the edges.
function under([px, py]) {
  const top = (236 - py) / 210;
  const right = (px - 58 - 122 * top) / 244;
  const g = [top, 1 - top - right, right].map((one) => Math.max(EDGE, one));
  return g.map((one) => one / d3.sum(g));
}

function drawTriangle(svg, state) {
  const box = part(svg, "triangle");
  marks(box, "path", "side", [0]).attr("d", `M${CORNERS.join("L")}Z`);
  const names = [[180, 17], [46, 241], [314, 241]];
  write(box, "name", names.map(([x, y], k) => ({ x, y, text: `g${"₁₂₃"[k]}` })));
  const last = state.shown.length - 1;
  marks(box, "circle", "draw", state.shown)
    .attr("cx", (g) => place(g)[0].toFixed(1))
    .attr("cy", (g) => place(g)[1].toFixed(1))
    .attr("r", (_, i) => (i === last ? 4.5 : 2.5))
    .attr("fill", (_, i) => hue(i === last ? 1 : 0));
  const [x, y] = place(state.mean);
  const centre = marks(part(svg, "mean"), "g", "point", [state.mean])
    .attr("transform", `translate(${x.toFixed(1)},${y.toFixed(1)})`)
    .attr("aria-label", "Mean")
    .attr("aria-roledescription", "slider in two directions")
    .attr("aria-valuemin", 0)
    .attr("aria-valuemax", 100)
    .attr("aria-valuenow", Math.round(100 * state.mean[0]))
    .attr("aria-valuetext", list(state.mean))
    .attr("role", "slider");
  marks(centre, "circle", "reach", [0]).attr("r", 15);
  marks(centre, "path", "plus", [0]).attr("d", "M-11 0H11M0 -11V11");
  marks(centre, "circle", "grip", [0]).attr("r", 7);
}

function drawFirst(svg, state) {
  const box = part(svg, "first");
  against(box, { x: d3.scaleBand(d3.range(CELLS), [34, 326]), seen: state.counts, law: state.law, base: 362, height: 96 });
  floor(box, d3.scaleLinear([0, 1], [34, 326]), [0, 0.25, 0.5, 0.75, 1], 362, "g₁; frame: exact law, Beta(a₁, a₂ + a₃)");
}

export function draw(svg, state) {
  drawTriangle(svg, state);
  drawFirst(svg, state);
}

const list = (values) => `(${values.map((value) => value.toFixed(2)).join(", ")})`;

export function words({ a, mean, n, sums, mostly, counts, law }) {
  return (
    `Parameters ${list(a)}: the mean is ${list(mean)}, that of ${plural(n, "draw")} ${list(sums.map((sum) => sum / n))}. ` +
    `In ${tenths(mostly / n)} of them one face has more than nine tenths, exactly ${tenths(lopsided(a))}; ${off(counts, law)}.`
  );
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    movable(svg.selectAll("g.point"), {
      move: (_, dx, dy) => {
        const [px, py] = place(state.mean);
        panel.act(() => change({ mean: under([px + dx, py + dy]) }));
      },
      role: "slider",
      across: false,
    });
  };
  const change = (properties) => restart(Object.assign(state, properties));
  panel.button("Draw one", () => another(state));
  panel.player((most) => {
    const more = Math.max(most, Math.min(200, Math.floor(state.n / 40)));
    for (let i = 0; i < more; i += 1) another(state);
    return state.n < LONGEST && slowly(state.n - FIRST);
  });
  panel.button("Mean to the middle", () => change({ mean: [1 / 3, 1 / 3, 1 / 3] }));
  panel.slider("total", TOTALS, state.total, (total) => change({ total }), (total) => `a₀ = ${total}`);
}
