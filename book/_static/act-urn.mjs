// An urn with two values, H({0}) = H({1}) = 1/2, one ball at a time; and many runs, each of which goes
// on from the balls that the reader drew or put in: where the share of 1s ends is random, and its law is
// that of Pólya's urn. Removes: that by the law of large numbers every run ends near H.

import { against, chance, d3, floor, hue, marks, off, part, percent, plural, short, slowly, write } from "./acting.mjs";

export const N = 199; // balls of a run, so that each class has as many shares as another
export const BINS = 10;
const ALPHAS = [0.2, 0.5, 1, 2, 5, 10, 20];
const LONGEST = 4000; // runs
const KEPT = 24; // runs whose paths are shown

export const size = [360, 392];
export const label = "An urn with balls 0 and 1, the chances of the next draw, paths of the share of 1s, and where they end.";

// The law.

// A fresh 0, a copy of a 0, a copy of a 1, a fresh 1.
export function chances({ alpha, balls }) {
  const ones = d3.sum(balls, (ball) => ball.value);
  return [alpha / 2, balls.length - ones, ones, alpha / 2].map((weight) => weight / (alpha + balls.length));
}

// The law of the number of 1s among the next ``more`` draws, beta-binomial with parameters a and b.
export function betaBinomial(more, a, b) {
  const law = [1];
  for (let j = 0; j < more; j += 1) law[0] *= (b + j) / (a + b + j);
  for (let k = 0; k < more; k += 1) law.push((law[k] * ((more - k) / (k + 1)) * (a + k)) / (b + more - k - 1));
  return law;
}

const bin = (ones) => Math.floor((BINS * ones) / (N + 1));

// The law of the share of 1s among N balls that begin with the reader's, in classes.
export function lawOfShare({ alpha, begun }) {
  const ones = d3.sum(begun, (ball) => ball.value);
  const law = Array(BINS).fill(0);
  betaBinomial(N - begun.length, alpha / 2 + ones, alpha / 2 + begun.length - ones).forEach((p, k) => (law[bin(ones + k)] += p));
  return law;
}

// The state and its steps.

export function start(seed, alpha = 2) {
  const state = { random: chance(seed), alpha, begun: [] };
  restart(state);
  return state;
}

// Count afresh, from the balls begun with.
function restart(state) {
  Object.assign(state, { runs: 0, total: 0, least: N, most: 0, paths: [], counts: Array(BINS).fill(0), law: lawOfShare(state) });
  begin(state);
}

function begin(state) {
  state.balls = [...state.begun];
  state.path = d3.cumsum(state.balls, (ball) => ball.value);
}

function drawn({ alpha, balls, random }) {
  const k = random.choose(chances({ alpha, balls }));
  return { value: k > 1 ? 1 : 0, fresh: k === 0 || k === 3 };
}

// One ball more for the reader's beginning: drawn, or of a value that the reader gives. The balls of a
// first run that was halted belong to it, for they are the ones that are seen. The last ball of a run is
// left to chance.
export function step(state, ball) {
  if (!state.runs) state.begun = [...state.balls];
  if (state.begun.length >= N - 1) return;
  ball ??= drawn({ ...state, balls: state.begun });
  state.begun.push(ball);
  restart(state);
}

// One ball more for the run; after the last the run is counted, and the next draw begins another.
export function go(state) {
  if (state.balls.length === N) begin(state);
  const ball = drawn(state);
  state.balls.push(ball);
  state.path = [...state.path, (state.path.at(-1) ?? 0) + ball.value];
  if (state.balls.length < N) return;
  const ones = state.path.at(-1);
  state.runs += 1;
  state.total += ones;
  state.least = Math.min(state.least, ones);
  state.most = Math.max(state.most, ones);
  state.counts[bin(ones)] += 1;
  state.paths = [...state.paths.slice(1 - KEPT), state.path];
}

export function still() {
  const state = start(1);
  while (state.runs < 300) go(state);
  return state;
}

// The picture.

const share = d3.scaleLinear([0, 1], [44, 352]);
const time = d3.scaleLog([1, N], [112, 236]);
const bins = d3.scaleBand(d3.range(BINS), share.range());
const MARKS = [...new Set(d3.range(36).map((i) => Math.round(N ** (i / 35))))];
const FEWEST = 0.0005; // of the width of the bar, below which a part is not drawn

function drawChances(svg, state) {
  const box = part(svg, "chances");
  const { alpha, balls } = state;
  const p = chances(state);
  const ends = [0, ...d3.cumsum(p)];
  const x = d3.scaleLinear([0, 1], [8, 352]);
  const parts = p.map((width, i) => ({ from: x(ends[i]), width: x(width) - 8, i, value: i > 1 ? 1 : 0 }));
  marks(box, "rect", "part", parts)
    .attr("x", (d) => d.from.toFixed(1))
    .attr("y", 22)
    .attr("width", (d) => (d.width < FEWEST ? 0 : d.width).toFixed(1))
    .attr("height", 20)
    .attr("stroke", (d) => hue(d.value))
    .attr("fill", (d) => (d.i % 3 ? hue(d.value) : "var(--figure-ground)"));
  const count = [balls.length - d3.sum(balls, (ball) => ball.value), d3.sum(balls, (ball) => ball.value)];
  // The two stand on one line: the sum below the stroke is carried out, or they meet when the urn is full.
  const below = +(alpha + balls.length).toFixed(1);
  const fraction = (value) => {
    const whole = p[2 * value] + p[2 * value + 1];
    const is = short(whole);
    return `${value}:  (${alpha / 2} + ${count[value]}) / ${below} ${/^[<>]/.test(is) ? "" : "= "}${is}`;
  };
  write(box, "title", [
    { x: 8, y: 15, anchor: "start", text: `Ball ${balls.length + 1} is a copy (full) or fresh from H (hollow)` },
    { x: 8, y: 58, anchor: "start", text: fraction(0) },
    { x: 352, y: 58, anchor: "end", text: fraction(1) },
  ]);
}

function drawBalls(svg, { balls }) {
  const last = balls.slice(-18);
  const groups = marks(part(svg, "balls"), "g", "ball", last).attr("transform", (_, i) => `translate(${17 + 19.2 * i},80)`);
  groups.each(function (ball) {
    const group = d3.select(this);
    marks(group, "circle", "disc", [ball])
      .attr("r", 8.5)
      .attr("stroke", hue(ball.value))
      .attr("fill", ball.fresh ? "var(--figure-ground)" : hue(ball.value));
    write(group, ball.fresh ? "out" : "on", [{ x: 0, y: 4.5, text: ball.value }]);
    marks(group, "text", ball.fresh ? "on" : "out", []);
  });
}

const line = (path) => {
  const at = [...MARKS.filter((n) => n < path.length), path.length];
  return d3.line(
    (n) => share(path[n - 1] / n).toFixed(1),
    (n) => time(n).toFixed(1),
  )(at);
};

function drawPaths(svg, state) {
  const box = part(svg, "paths");
  const [left, right] = share.range();
  const half = share(0.5);
  marks(box, "rect", "frame", [0]).attr("x", left).attr("y", 106).attr("width", right - left).attr("height", 136);
  marks(box, "path", "dashed", [0]).attr("d", `M${half} 106V242`);
  marks(box, "path", "faint", state.paths).attr("d", line);
  marks(box, "path", "line", state.balls.length ? [state.path] : []).attr("d", line);
  const ticks = [1, 10, 100].map((n) => ({ x: 38, y: time(n) + 4, anchor: "end", text: n }));
  write(box, "number", [...ticks, { x: 38, y: time(3.2) + 4, anchor: "end", text: "ball" }]);
}

function drawEnds(svg, state) {
  const box = part(svg, "ends");
  against(box, { x: bins, seen: state.counts, law: state.law, base: 346, height: 92 });
  floor(box, share, [0, 0.25, 0.5, 0.75, 1], 346, `share of 1s among ${N} balls; frame: exact law`);
}

export function draw(svg, state) {
  drawChances(svg, state);
  drawBalls(svg, state);
  drawPaths(svg, state);
  drawEnds(svg, state);
}

const onesOf = (balls) => d3.sum(balls, (ball) => ball.value);

export function words({ alpha, balls, begun, runs, total, least, most, counts, law }) {
  if (runs) {
    const n = begun.length;
    const ones = onesOf(begun);
    const exactly = (ones + ((N - n) * (alpha / 2 + ones)) / (alpha + n)) / N;
    const from = n ? plural(n, "ball") : "the empty urn";
    return (
      `${plural(runs, "run")} from ${from} to ${N}: the share of 1s ends between ${(least / N).toFixed(2)} and ${(most / N).toFixed(2)}, ` +
      `on average at ${(total / runs / N).toFixed(3)}, exactly ${exactly.toFixed(3)}; ${off(counts, law)}.`
    );
  }
  const p = chances({ alpha, balls });
  const which = balls.length ? `The urn has ${plural(balls.length, "ball")}, ${onesOf(balls)} of them 1. The next` : "The first";
  return `${which} ball is a 1 with chance ${percent(p[2] + p[3])}: ${percent(p[2])} as a copy, ${percent(p[3])} fresh from H.`;
}

// Acting.

export function controls(panel, svg, state) {
  panel.button("Draw a ball", () => step(state));
  panel.player((most) => {
    // One ball at a time at first, so that each is seen; later many runs.
    const draws = Math.max((state.balls.length < 20 ? 1 : 2) * most, Math.floor((N * Math.min(state.runs, 100)) / 10));
    for (let i = 0; i < draws; i += 1) go(state);
    return state.runs < LONGEST && (state.runs > 0 || slowly(state.balls.length - state.begun.length));
  }, "Play on");
  for (const value of [0, 1]) panel.button(`Put in a ${value}`, () => step(state, { value, fresh: false }));
  panel.button("Empty it", () => {
    state.begun = [];
    restart(state);
  });
  panel.slider("α", ALPHAS, state.alpha, (alpha) => {
    state.alpha = alpha;
    restart(state);
  });
}
