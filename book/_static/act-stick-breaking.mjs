// A stick is broken by the reader's hand or by draws of Beta(1, alpha). Removes: that the pieces come in
// order of size, and that a stick broken without end takes very many pieces to be nearly used up.

import { against, chance, clamp, d3, floor, handles, hue, marks, middle, movable, off, part, percent, plural, slowly, tenths, write } from "./acting.mjs";

export const LEFT = 0.05; // a stick of which no more is left is done
export const MOST = 24; // pieces; the last class of the histogram has more as well
const ALPHAS = [0.2, 0.5, 1, 2, 4];
const LONGEST = 20_000; // sticks

export const size = [360, 384];
export const label = "A stick that is broken, the shares broken off, and how many pieces use it up.";

// The law.

// By the shares, the pieces.
export function weights(shares) {
  let rest = 1;
  return shares.map((v) => {
    const piece = v * rest;
    rest -= piece;
    return piece;
  });
}

// The law of the number of pieces until at most LEFT is left: in the logarithm of what is left the
// breaks are a Poisson process of rate alpha, and one break more is needed. Entry k is that of k.
export function lawOfPieces(alpha) {
  const rate = alpha * Math.log(1 / LEFT);
  const law = [0, Math.exp(-rate)];
  for (let k = 2; k < MOST; k += 1) law.push((law[k - 1] * rate) / (k - 1));
  return [...law, 1 - d3.sum(law)];
}

export const meanOfPieces = (alpha) => 1 + alpha * Math.log(1 / LEFT);

// The probability that piece 2 is longer than piece 1: the integral over (0, 1) of
// alpha u^alpha / (1 + u), with u = t^5 to be smooth for small alpha too, by midpoints.
export function secondLonger(alpha) {
  const cells = 2000;
  return d3.mean(d3.range(0.5, cells), (i) => (5 * alpha * (i / cells) ** (5 * alpha + 4)) / (1 + (i / cells) ** 5));
}

// The state and its steps.

export function start(seed, alpha = 1) {
  const state = { seed, alpha };
  restart(state);
  return state;
}

function restart(state) {
  Object.assign(state, { random: chance(state.seed), sticks: 0, total: 0, longer: 0, counts: Array(MOST + 1).fill(0), law: lawOfPieces(state.alpha) });
  whole(state);
}

function whole(state) {
  Object.assign(state, { shares: [], chosen: [], rest: 1, hand: 0.5 });
}

export const done = (state) => state.rest <= LEFT;

// Break off a share of what is left, by hand unless it is drawn; a stick that is done is followed by a
// whole one.
export function snap(state, share = state.hand, chosen = true) {
  if (done(state)) return whole(state);
  state.shares.push(share);
  state.chosen.push(chosen);
  state.rest *= 1 - share;
  state.hand = 0.5;
}

export const drawOne = (state) => snap(state, state.random.piece(state.alpha), false);

// A whole stick by draws, counted.
export function stick(state) {
  whole(state);
  while (!done(state)) drawOne(state);
  const [first, second] = state.shares;
  state.sticks += 1;
  state.total += state.shares.length;
  // A stick that one piece uses up has a second piece as well.
  state.longer += (second ?? state.random.piece(state.alpha)) * (1 - first) > first;
  state.counts[Math.min(state.shares.length, MOST)] += 1;
}

export function still() {
  const state = start(2);
  while (state.sticks < 1000) stick(state);
  whole(state);
  for (const share of [0.3, 0.6, 0.25]) snap(state, share);
  return state;
}

// The picture.

const x = d3.scaleLinear([0, 1], [8, 352]);

function drawStick(svg, state) {
  const box = part(svg, "stick");
  const pieces = weights(state.shares);
  const ends = [0, ...d3.cumsum(pieces)];
  write(box, "title", [{ x: 8, y: 15, anchor: "start", text: `${plural(pieces.length, "piece")}, ${percent(state.rest)} left` }]);
  marks(box, "rect", "frame", [0]).attr("x", 8).attr("y", 24).attr("width", 344).attr("height", 34);
  marks(box, "rect", "piece", pieces)
    .attr("x", (_, k) => x(ends[k]).toFixed(1))
    .attr("y", 24)
    .attr("width", (piece) => (344 * piece).toFixed(1))
    .attr("height", 34)
    .attr("fill", (_, k) => hue(k));
  const named = pieces.map((piece, k) => ({ piece, x: x(ends[k] + piece / 2), y: 46, text: k + 1 }));
  write(box, "on", named.filter(({ piece }) => piece > 0.06));
  const hand = { at: x(1 - state.rest * (1 - state.hand)), name: "Next break", share: 100 * state.hand, text: `${percent(state.hand)} of what is left` };
  handles(box, done(state) ? [] : [hand], 20, 70);
}

const density = (v, alpha) => alpha * (1 - v) ** (alpha - 1);

function drawShares(svg, state) {
  const box = part(svg, "shares");
  const top = Math.max(2, state.alpha);
  const y = d3.scaleLinear([0, top], [176, 106]);
  write(box, "title", [{ x: 8, y: 97, anchor: "start", text: "shares broken off, by hand hollow; line: Beta(1, α)" }]);
  const grid = d3.range(0, 0.9951, 0.005).filter((v) => density(v, state.alpha) <= top);
  marks(box, "path", "line", [0]).attr("d", d3.line((v) => x(v).toFixed(1), (v) => y(density(v, state.alpha)).toFixed(1))(grid));
  const last = d3.range(state.shares.length).slice(-12);
  marks(box, "circle", "share", last)
    .attr("cx", (k) => x(state.shares[k]).toFixed(1))
    .attr("cy", 170)
    .attr("r", 5)
    .attr("fill", (k) => (state.chosen[k] ? "var(--figure-ground)" : hue(k)))
    .attr("stroke", (k) => (state.chosen[k] ? hue(k) : "var(--figure-ink)"))
    .attr("stroke-width", (k) => (state.chosen[k] ? 2.5 : 1));
  floor(box, x, [0, 0.25, 0.5, 0.75, 1], 176, "");
}

function drawPieces(svg, state) {
  const box = part(svg, "pieces");
  const values = d3.range(1, MOST + 1);
  const bars = d3.scaleBand(values, [8, 352]).padding(0.2);
  write(box, "title", [{ x: 352, y: 222, anchor: "end", text: "frame: exact law" }]);
  against(box, { x: bars, seen: state.counts.slice(1), law: state.law.slice(1), base: 342, height: 112 });
  floor(box, middle(bars), [1, 5, 10, 15, 20], 342, "pieces until at most 5\u00a0% is left");
  write(box, "most", [{ x: 352, y: 356, anchor: "end", text: `${MOST}+` }]);
}

export function draw(svg, state) {
  drawShares(svg, state);
  drawPieces(svg, state);
  drawStick(svg, state);
}

export function words(state) {
  const { shares, alpha, sticks, rest } = state;
  const pieces = weights(shares);
  const n = pieces.length;
  const sentences = [];
  if (!n) sentences.push("Where do you break the stick?");
  else {
    const order = n < 2 ? "" : `, ${pieces[n - 1] > pieces[n - 2] ? "longer" : "shorter"} than piece ${n - 1}`;
    const end = done(state) ? `${plural(n, "piece")} left at most 5\u00a0%` : `${percent(rest)} is left`;
    sentences.push(`Piece ${n} is ${percent(shares[n - 1])} of what was left and ${percent(pieces[n - 1])} of the stick${order}; ${end}.`);
    const drawn = shares.filter((_, k) => !state.chosen[k]);
    if (drawn.length > 1) sentences.push(`${drawn.length} drawn shares average ${d3.mean(drawn).toFixed(2)}, exactly ${(1 / (1 + alpha)).toFixed(2)}.`);
  }
  if (sticks) {
    sentences.push(
      `${plural(sticks, "stick")} took ${(state.total / sticks).toFixed(2)} pieces on average, exactly ${meanOfPieces(alpha).toFixed(2)}; ` +
        `piece 2 is the longer in ${tenths(state.longer / sticks)}, exactly ${tenths(secondLonger(alpha))}; ${off(state.counts, state.law)}.`,
    );
  }
  return sentences.join(" ");
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    hand.textContent = done(state) ? "A new stick" : "Break it here";
    drawn.disabled = done(state);
    movable(svg.selectAll("g.handle"), {
      move: (_, dx) => panel.act(() => (state.hand = clamp(state.hand + dx / 344 / state.rest, [0.01, 0.99]))),
      press: () => panel.act(() => snap(state)),
      // By one in a hundred of what is left, however short that is.
      stride: () => 3.44 * state.rest,
      role: "slider",
    });
  };
  const hand = panel.button("Break it here", () => snap(state));
  const drawn = panel.button("Draw a share", () => drawOne(state));
  panel.player((most) => {
    const more = Math.max(most, Math.min(200, Math.floor(state.sticks / 20)));
    for (let i = 0; i < more; i += 1) stick(state);
    return state.sticks < LONGEST && slowly(state.sticks);
  });
  panel.again(ALPHAS, state, (changed) => restart(Object.assign(state, changed)));
}
