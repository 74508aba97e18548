// Evidence and BIC for two components against one, while the data grow in number. Removes: that BIC is the
// evidence, or nearly, so that its odds may be read as odds. For data of one component it charges three
// quarters of log n too much; where there are two, what it errs by stays bounded.

import { chance, clamp, d3, floor, handles, marks, movable, normalCdf, part, percent, signed, tenths, write } from "./acting.mjs";

export const BOUND = 2; // each mean is uniform up to here, the weight from 0 to 1; both variances are 1
export const SIZES = d3.range(2, 9).map((k) => Math.round(10 ** (k / 2)));
const APARTS = [0, 1, 2, 3];
const SHARES = [0.1, 0.3, 0.5];
const LONGEST = 20; // samples
const SMALL = 40; // in logarithms: what adds no digit
const CLEAR = 6; // two components that are better than one by more have a peak of their own

export const size = [360, 400];
export const label = "Data, and the logarithm of the odds for two components against one, by the evidence and by BIC.";

// The law.

// Points whose weighted sum of f is that over the data, for smooth f: Chebyshev's, with weights that
// reproduce the first moments of the data.
export function nodes(x, order) {
  const n = x.length;
  if (n <= order) return { n, at: x, weights: Array(n).fill(1) };
  const [low, high] = d3.extent(x);
  const [centre, radius] = [(low + high) / 2, (high - low) / 2];
  const angles = d3.range(order).map((i) => (Math.PI * (i + 0.5)) / order);
  const moments = Array(order).fill(0);
  for (const one of x) {
    const y = (one - centre) / radius;
    let [before, now] = [1, y];
    for (let k = 1; k < order; k += 1) {
      moments[k] += now;
      [before, now] = [now, 2 * y * now - before];
    }
  }
  return {
    n,
    at: angles.map((a) => centre + radius * Math.cos(a)),
    weights: angles.map((a) => n / order + (2 / order) * d3.sum(moments, (m, k) => m * Math.cos(k * a))),
  };
}

// Gauss and Legendre's rule, by Newton's method.
function legendre(order) {
  return d3.range(order).map((i) => {
    let t = Math.cos((Math.PI * (i + 0.75)) / (order + 0.5));
    let slope = 0;
    for (let step = 0; step < 8; step += 1) {
      let [before, now] = [1, t];
      for (let k = 2; k <= order; k += 1) [before, now] = [now, ((2 * k - 1) * t * now - (k - 1) * before) / k];
      slope = (order * (t * now - before)) / (t * t - 1);
      t -= now / slope;
    }
    return [t, 2 / ((1 - t * t) * slope * slope)];
  });
}

const FIVE = legendre(5);
const MANY = legendre(24);

const panels = (edges) =>
  d3.pairs(edges).flatMap(([a, b]) => FIVE.map(([t, w]) => ({ at: (a + b) / 2 + ((b - a) / 2) * t, weight: (w * (b - a)) / 2 })));

// The edges, and more about each centre, ever farther apart.
function around(edges, centres, width) {
  const [low, high] = d3.extent(edges);
  const steps = [0];
  for (let step = width; step <= high - low; step *= 3) steps.push(step, -step);
  const more = centres.flatMap((centre) => steps.map((step) => clamp(centre + step, [low, high])));
  return d3.sort(new Set([...edges, ...more]));
}

// The log likelihood ratio to N(0, 1) of a mixture whose minor part is known at the nodes.
function logRatio({ at, weights }, minor, share, major) {
  let sum = 0;
  for (let j = 0; j < at.length; j += 1) sum += weights[j] * Math.log(minor[j] + (1 - share) * Math.exp(major * (at[j] - major / 2)));
  return sum;
}

// The share and mean of the minor component on panels that shrink towards nought, where the likelihood
// of data from one component has a ridge, and towards a peak if there is one; each with the best
// other mean, by two steps of scoring, and its log likelihood ratio.
function rows(data, peak) {
  const { n, at, weights } = data;
  const root = Math.sqrt(n);
  let shares = d3.range(Math.max(Math.ceil(Math.log(4 * BOUND * BOUND * root) / Math.log(3)) + 1, 2), -1, -1).map((k) => 0.5 * 3 ** -k);
  let means = d3.range(Math.max(Math.ceil(Math.log2(2 * BOUND * n ** 0.25)), 2), -1, -1).map((k) => BOUND * 2 ** -k);
  shares = [0, ...shares];
  means = [...means.map((m) => -m).reverse(), ...means];
  if (peak) {
    shares = around(shares, [Math.min(peak[0], 1 - peak[0])], 0.5 / root);
    means = around(means, peak.slice(1), 1 / root);
  }
  const mean = d3.sum(at, (x, j) => x * weights[j]) / n;
  const columns = panels(means);
  return panels(shares).flatMap(({ at: share, weight }) =>
    columns.map((column) => {
      const minor = at.map((x) => share * Math.exp(column.at * (x - column.at / 2)));
      let major = (mean - share * column.at) / (1 - share);
      for (let step = 0; step < 2; step += 1) {
        let score = 0;
        for (let j = 0; j < at.length; j += 1) {
          const own = (1 - share) * Math.exp(major * (at[j] - major / 2));
          score += (weights[j] * own * (at[j] - major)) / (own + minor[j]);
        }
        major += score / (n * (1 - share));
      }
      const value = logRatio(data, minor, share, clamp(major, [-BOUND, BOUND]));
      return { share, mean: column.at, major, minor, value, log: Math.log(weight * column.weight) };
    }),
  );
}

function integral(data, all) {
  const most = d3.max(all, ({ value, log }) => value + log);
  let sum = 0;
  for (const { share, major, minor, value, log } of all) {
    if (value + log < most - SMALL) continue;
    const scale = 8 / (Math.sqrt(data.n) * (1 - share));
    const [low, high] = [Math.max(major - scale, -BOUND), Math.min(major + scale, BOUND)];
    if (high <= low) continue;
    for (const [t, w] of MANY) {
      const point = (low + high + t * (high - low)) / 2;
      sum += ((w * (high - low)) / 2) * Math.exp(logRatio(data, minor, share, point) + log - most);
    }
  }
  // Either component may be the minor one.
  return most + Math.log(sum) + Math.log(2) - 2 * Math.log(2 * BOUND);
}

// Three equations.
function solve(matrix, right) {
  const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];
  const dot = (one, other) => d3.sum(one, (a, i) => a * other[i]);
  const [a, b, c] = matrix;
  const sides = [cross(b, c), cross(c, a), cross(a, b)];
  return d3.range(3).map((j) => d3.sum(sides, (side, i) => right[i] * side[j]) / dot(a, sides[0]));
}

// The highest log likelihood ratio near a start (share, its mean, the other mean), by Newton's method,
// damped until it rises, within the bounds.
function climb(data, start) {
  const limits = [[0, 1], [-BOUND, BOUND], [-BOUND, BOUND]];
  const value = ([s, a, b]) => {
    let sum = 0;
    for (let j = 0; j < data.at.length; j += 1) {
      const x = data.at[j];
      sum += data.weights[j] * Math.log(s * Math.exp(a * (x - a / 2)) + (1 - s) * Math.exp(b * (x - b / 2)));
    }
    return sum;
  };
  let point = start.map((p, i) => clamp(p, limits[i]));
  let best = value(point);
  let damping = 1e-3;
  for (let step = 0; step < 200 && damping < 1e12; step += 1) {
    const [s, a, b] = point;
    const slope = [0, 0, 0];
    const bend = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
    data.at.forEach((x, j) => {
      const [one, other] = [Math.exp(a * (x - a / 2)), Math.exp(b * (x - b / 2))];
      const sum = s * one + (1 - s) * other;
      const first = [(one - other) / sum, (s * one * (x - a)) / sum, ((1 - s) * other * (x - b)) / sum];
      const second = [
        [0, (one * (x - a)) / sum, (-other * (x - b)) / sum],
        [(one * (x - a)) / sum, (s * one * ((x - a) ** 2 - 1)) / sum, 0],
        [(-other * (x - b)) / sum, 0, ((1 - s) * other * ((x - b) ** 2 - 1)) / sum],
      ];
      for (let i = 0; i < 3; i += 1) {
        slope[i] += data.weights[j] * first[i];
        for (let k = 0; k < 3; k += 1) bend[i][k] += data.weights[j] * (first[i] * first[k] - second[i][k]);
      }
    });
    // What would leave the bounds stays.
    const free = point.map((p, i) => !((p <= limits[i][0] && slope[i] < 0) || (p >= limits[i][1] && slope[i] > 0)));
    const matrix = bend.map((row, i) => row.map((h, k) => (i === k ? (free[i] ? h + damping * data.n : 1) : free[i] && free[k] ? h : 0)));
    const by = solve(matrix, slope.map((g, i) => (free[i] ? g : 0)));
    const next = point.map((p, i) => clamp(p + by[i], limits[i]));
    const higher = value(next);
    if (higher > best) {
      const rise = higher - best;
      [point, best, damping] = [next, higher, damping / 8];
      if (rise < 1e-13 * data.n) break;
    } else damping *= 4;
  }
  return { point, value: best };
}

// For the first n data: logarithms of the odds for two components against one, by the evidence and by BIC,
// with the fits. The likelihood may have a peak for either sign of the minor component's mean.
export function compare(x) {
  const n = x.length;
  let data = nodes(x, 40);
  let all = rows(data);
  const mean = d3.mean(x);
  const one = clamp(mean, [-BOUND, BOUND]);
  const fitted = n * one * (mean - one / 2);
  const fine = nodes(x, 120);
  const starts = [-1, 1].map((sign) => d3.greatest(all.filter((row) => row.mean * sign > 0), (row) => row.value));
  const peak = d3.greatest(starts.map((row) => climb(fine, [row.share, row.mean, row.major])), ({ value }) => value);
  if (d3.max(all, ({ value }) => value) > fitted + CLEAR) {
    data = fine;
    all = rows(data, peak.point);
  }
  const root = Math.sqrt(n);
  const inside = normalCdf(root * (BOUND - mean)) - normalCdf(root * (-BOUND - mean));
  const single = (n * mean * mean) / 2 + Math.log((2 * Math.PI) / n) / 2 + Math.log(inside) - Math.log(2 * BOUND);
  const ratios = [single, integral(data, all)];
  const highest = [fitted, Math.max(fitted, peak.value)];
  return { n, ratios, highest, fits: [[1, one, one], peak.point], evidence: ratios[1] - ratios[0], bic: highest[1] - highest[0] - Math.log(n) };
}

// The state and its steps.

export function start(seed, truth = { apart: 0, share: 0.3 }) {
  const state = { ...truth, random: chance(seed) };
  sample(state);
  restart(state);
  return state;
}

function sample(state) {
  const { uniform, normal } = state.random;
  const all = d3.range(SIZES.at(-1));
  state.numbers = { u: all.map(uniform), z: all.map(normal) };
}

// The same random numbers, however far apart the groups are.
export const drawn = ({ numbers: { u, z }, apart, share }) => z.map((one, i) => one + (u[i] < share ? apart / 2 : -apart / 2));

function restart(state) {
  Object.assign(state, { x: drawn(state), found: [], past: [] });
  go(state, 0);
}

// To a number of data; what is found is kept.
export function go(state, at) {
  state.at = at;
  for (let k = 0; k <= at; k += 1) state.found[k] ??= compare(state.x.slice(0, SIZES[k]));
}

export function truth(state, change) {
  Object.assign(state, change);
  restart(state);
}

// Other data of the same law; whole paths are kept.
export function other(state) {
  const { found, past } = state;
  sample(state);
  restart(state);
  state.past = found.length === SIZES.length ? [...past, found] : past;
}

// More data, or else other data.
export function step(state) {
  if (state.at < SIZES.length - 1) go(state, state.at + 1);
  else other(state);
}

export const paths = ({ found, past }) => (found.length === SIZES.length ? [...past, found] : past);

export function still() {
  const state = start(1);
  while (paths(state).length < 3) step(state);
  return state;
}

// The picture.

const value = d3.scaleLinear([-5, 5], [16, 344]);
const CELL = 0.25;
const along = d3.scalePoint(d3.range(SIZES.length), [48, 330]);
const HEIGHTS = [352, 196];

function drawData(svg, { x, at, found }) {
  const box = part(svg, "data");
  const { n, fits } = found[at];
  const cells = d3.rollup(x.slice(0, n), (all) => all.length, (one) => Math.floor(one / CELL));
  const bars = [...cells].map(([k, count]) => [k * CELL, count / (n * CELL)]).filter(([left]) => Math.abs(left + CELL / 2) < 5);
  const curves = fits.map(([share, one, other]) =>
    d3.range(-5, 5.01, 0.1).map((v) => [v, (share * Math.exp(-0.5 * (v - one) ** 2) + (1 - share) * Math.exp(-0.5 * (v - other) ** 2)) / Math.sqrt(2 * Math.PI)]),
  );
  const most = Math.max(0.45, ...bars.map(([, height]) => height));
  const up = d3.scaleLinear([0, most], [118, 26]);
  write(box, "title", [{ x: 8, y: 14, anchor: "start", text: `${n.toLocaleString("en")} data; line: two components; dashed: one` }]);
  marks(part(box, "bars"), "rect", "draw", bars)
    .attr("x", ([left]) => value(left).toFixed(1))
    .attr("width", (value(CELL) - value(0) - 0.5).toFixed(1))
    .attr("y", ([, height]) => up(height).toFixed(1))
    .attr("height", ([, height]) => (118 - up(height)).toFixed(1))
    .attr("fill", "var(--figure-1)");
  const lines = part(box, "fits");
  // Over all bars; the dashed one lies on the other, which is wider: of one group they are nearly the same.
  for (const [name, curve] of [["two", curves[1]], ["dashed", curves[0]]])
    marks(lines, "path", name, [curve]).attr("d", d3.line(([v]) => value(v).toFixed(1), ([, p]) => up(p).toFixed(1)));
  lines.select(".two").attr("stroke", "var(--figure-2)").attr("stroke-width", 4);
  lines.select(".dashed").attr("stroke-width", 2);
  floor(box, value, [-4, -2, 0, 2, 4], 118, "x");
}

function drawOdds(svg, state) {
  const { at, found, past } = state;
  const box = part(svg, "odds");
  const seen = found.slice(0, at + 1);
  const most = d3.max([seen, ...past].flat(), ({ evidence, bic }) => Math.max(evidence, bic));
  const odds = d3.scaleLinear([-11, Math.max(7, most)], HEIGHTS);
  const curve = (which) => d3.line((_, k) => along(k).toFixed(1), (one) => odds(one[which]).toFixed(1));
  write(box, "title", [{ x: 8, y: 176, anchor: "start", text: "log of the odds: evidence, and dashed BIC" }]);
  write(box, "tick", odds.ticks(4).map((one) => ({ x: 36, y: odds(one) + 4, anchor: "end", text: signed(one) })));
  // Where there is room below nought.
  const sides = [{ y: HEIGHTS[1] + 10, text: "for two" }, { y: HEIGHTS[0] - 8, text: "for one" }].slice(0, odds(0) < 330 ? 2 : 1);
  // Between the first two places of the line.
  write(box, "words", sides.map((one) => ({ ...one, x: (along(0) + along(1)) / 2 })));
  marks(box, "path", "axis", [0]).attr("d", `M48 ${odds(0).toFixed(1)}H352`);
  marks(box, "path", "faint", past.flatMap((path) => [["evidence", path], ["bic", path]])).attr("d", ([which, path]) => curve(which)(path));
  marks(box, "path", "band", [seen]).attr("d", d3.area((_, k) => along(k).toFixed(1), (one) => odds(one.bic).toFixed(1), (one) => odds(one.evidence).toFixed(1)));
  marks(box, "path", "line", [seen]).attr("d", curve("evidence"));
  marks(box, "path", "dashed", [seen]).attr("d", curve("bic"));
  for (const [name, which] of [["now", "evidence"], ["hollow", "bic"]])
    marks(box, "circle", name, [found[at]]).attr("cx", along(at).toFixed(1)).attr("cy", (one) => odds(one[which]).toFixed(1)).attr("r", 4);
  const ends = d3.range(0, SIZES.length, 2);
  floor(box, along, [], 364, "number of data n");
  write(box, "number", ends.map((k) => ({ x: along(k), y: 379, text: SIZES[k].toLocaleString("en") })));
  handles(part(svg, "size"), [{ at: along(at), name: "Number of data", text: `${SIZES[at].toLocaleString("en")} data`, share: (100 * at) / (SIZES.length - 1) }], HEIGHTS[1], 355);
}

export function draw(svg, state) {
  drawData(svg, state);
  drawOdds(svg, state);
}

// The probability that belongs to odds, in words.
function probability(log) {
  if (Math.abs(log) > 6.9) return log > 0 ? "over 99.9\u00a0%" : "under 0.1\u00a0%";
  const p = 1 / (1 + Math.exp(-log));
  return p < 0.1 ? tenths(p) : percent(p);
}

export const excess = ({ evidence, bic }) => evidence - bic;

export function words(state) {
  const { apart, share, at, found } = state;
  const { n, evidence, bic } = found[at];
  const of = apart ? `two groups ${apart} apart, ${percent(share)} in one` : "one group";
  const charge = excess(found[at]);
  const sentences = [
    `${n.toLocaleString("en")} data of ${of}: two components have the probability ${probability(evidence)} against one, by BIC ${probability(bic)}; ` +
      `in logarithms of the odds BIC ${charge < 0 ? "gives" : "takes"} ${Math.abs(charge).toFixed(2)} too much.`,
  ];
  const whole = paths(state);
  if (!whole.length) sentences.push("Move the line, or play.");
  else {
    const grown = d3.mean(whole, (path) => excess(path.at(-1)) - excess(path[2]));
    const log = Math.log(SIZES.at(-1) / SIZES[2]);
    sentences.push(
      `From ${SIZES[2]} to 10,000 data that grew by ${signed(grown, 2)}${whole.length > 1 ? `, the mean of ${whole.length} samples` : ""}` +
        `${apart ? "." : `; three quarters of the logarithm grow by ${(0.75 * log).toFixed(2)}.`}`,
    );
  }
  return sentences.join(" ");
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    play.disabled = paths(state).length >= LONGEST;
    share.disabled = !state.apart;
    const step = along.step();
    movable(svg.selectAll("g.handle"), {
      move: (_, dx) => panel.act(() => go(state, clamp(Math.round((along(state.at) + dx - along(0)) / step), [0, SIZES.length - 1]))),
      role: "slider",
      stride: () => step,
    });
  };
  panel.button("More data", () => step(state));
  const play = panel.player(() => {
    step(state);
    return paths(state).length < LONGEST && (state.past.length ? 60 : 400);
  });
  panel.button("Other data", () => other(state));
  panel.slider("groups apart", APARTS, state.apart, (apart) => truth(state, { apart }));
  const share = panel.slider("share of one", SHARES, state.share, (share) => truth(state, { share }), percent);
}
