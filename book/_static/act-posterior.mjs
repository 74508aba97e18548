// Data are dropped on the line; the posterior of G's distribution function, and of the mass of an
// interval B. H is standard normal. Removes: that a datum draws mass to its neighbourhood. It adds to the
// sets that contain it, and takes from all others in proportion, near or far.

import { against, betaCells, betaQuantile, chance, clamp, d3, floor, handles, marks, movable, normalCdf, part, plural, signed, write } from "./acting.mjs";

export const MOST = 60; // data
export const BAND = [0.05, 0.95];
const CELLS = 20;
const ALPHAS = [0.5, 1, 2, 5, 10, 20];
const SPAN = [-3, 3];
const APART = 0.1; // of the ends of B, at least
const PAUSE = 150; // milliseconds from datum to datum
// The law that the button and Play draw from, that of the chapter's own example.
const HUMPS = [[0.4, -1.5], [0.6, 1]];
const WIDTH = 0.4;

export const size = [360, 404];
export const label = "Data on the line, the posterior of the distribution function of G, and the law of the mass of an interval.";

// The law: the parameters of the Beta law of G of a set, given the mass of H and the number of data there.
const beta = ({ alpha, data }, h, inside) => [alpha * h + inside, alpha * (1 - h) + data.length - inside];

// That of G of the half-line up to x, or of what lies before x.
export function upTo(state, x, before = false) {
  const inside = d3.sum(state.data, (t) => (before ? t < x : t <= x));
  return beta(state, normalCdf(x), inside);
}

// That of G(B), with the data or with those of them that are given.
export function ofB(state, data = state.data) {
  const [from, to] = state.ends;
  const inside = d3.sum(data, (t) => from < t && t <= to);
  return beta({ ...state, data }, normalCdf(to) - normalCdf(from), inside);
}

const mean = ([a, b]) => a / (a + b);

// The state and its steps.

export function start(seed, alpha = 2, data = [], ends = [0, 0.8]) {
  return { random: chance(seed), alpha, data: [...data], ends: [...ends], last: data.length - 1 };
}

export function drop(state, x = fromHumps(state.random)) {
  if (state.data.length === MOST) return;
  state.last = state.data.push(clamp(x, SPAN)) - 1;
}

export const fromHumps = ({ choose, normal }) => HUMPS[choose(HUMPS.map(([weight]) => weight))][1] + WIDTH * normal();

export const still = () => start(1, 2, [-1.6, -1.2, 0.5, 1.1, 1.3]);

// The picture.

const x = d3.scaleLinear(SPAN, [34, 352]);
const y = d3.scaleLinear([0, 1], [176, 24]);

// The places where the distribution function is drawn: a grid, and each datum from below and above.
function places(state) {
  const grid = d3.range(-3, 3.01, 0.125).map((t) => [t, false]);
  const jumps = state.data.flatMap((t) => [[t, true], [t, false]]);
  return [...grid, ...jumps].sort((a, b) => a[0] - b[0] || b[1] - a[1]).map(([t, before]) => ({ t, law: upTo(state, t, before) }));
}

function drawFunction(svg, state) {
  const box = part(svg, "function");
  marks(box, "rect", "frame", [0]).attr("x", 34).attr("y", 24).attr("width", 318).attr("height", 152);
  const at = places(state);
  const edge = (p) => at.map(({ t, law }) => [x(t), y(betaQuantile(p, ...law))].map((v) => v.toFixed(1)).join(" "));
  const [low, high] = BAND.map(edge);
  marks(box, "path", "band", [0]).attr("d", `M${low.join("L")}L${high.reverse().join("L")}Z`);
  const grid = d3.range(-3, 3.01, 0.125);
  marks(box, "path", "dashed", [0]).attr("d", d3.line((t) => x(t).toFixed(1), (t) => y(normalCdf(t)).toFixed(1))(grid));
  marks(box, "path", "line", [0]).attr("d", d3.line(({ t }) => x(t).toFixed(1), ({ law }) => y(mean(law)).toFixed(1))(at));
  write(box, "title", [{ x: 34, y: 11, anchor: "start", text: "G(−∞, x]: mean and 90\u00a0% band; dashed: H" }]);
  write(box, "number", [0, 0.5, 1].map((p) => ({ x: 29, y: y(p) + 4, anchor: "end", text: p })));
  floor(box, x, [-3, -2, -1, 0, 1, 2, 3], 200, "");
}

function drawData(svg, state) {
  const data = state.data.map((t, i) => ({ t, i }));
  const groups = marks(part(svg, "data"), "g", "datum", data)
    .attr("transform", ({ t }) => `translate(${x(t).toFixed(1)},188)`)
    .attr("aria-label", ({ t, i }) => `Datum ${i + 1} at ${signed(t, 2)}`);
  groups.each(function (d) {
    const one = d3.select(this);
    marks(one, "circle", "reach", [d]).attr("r", 14);
    marks(one, "circle", "dot", [d]).attr("r", 6).attr("fill", d.i === state.last ? "var(--figure-2)" : "var(--figure-1)");
  });
}

function drawMass(svg, state) {
  const box = part(svg, "mass");
  const prior = betaCells(CELLS, ...ofB(state, []));
  const posterior = betaCells(CELLS, ...ofB(state));
  const bins = d3.scaleBand(d3.range(CELLS), [34, 352]);
  against(box, { x: bins, seen: posterior, law: prior, base: 362, height: 110 });
  floor(box, d3.scaleLinear([0, 1], [34, 352]), [0, 0.25, 0.5, 0.75, 1], 362, "G(B), B between the blue grips; frame: the prior");
}

export function draw(svg, state) {
  drawFunction(svg, state);
  drawMass(svg, state);
  const names = ["left end of B", "right end of B"];
  const ends = state.ends.map((end, i) => ({ i, at: x(end), name: names[i], share: (100 * (end + 3)) / 6, text: signed(end, 2) }));
  handles(part(svg, "ends"), ends, 200, 25);
  drawData(svg, state);
}

export function words(state) {
  const { data, ends, last } = state;
  const [from, to] = ends.map((end) => signed(end, 2));
  const law = ofB(state);
  const [low, high] = BAND.map((p) => betaQuantile(p, ...law).toFixed(2));
  const is = `G(B), B from ${from} to ${to}, has mean ${mean(law).toFixed(3)}, and lies between ${low} and ${high} with probability 90\u00a0%.`;
  if (!data.length) return `No data: ${is} Drop one on the line.`;
  const inside = d3.sum(data, (t) => ends[0] < t && t <= ends[1]);
  const without = mean(ofB(state, data.filter((_, i) => i !== last))).toFixed(3);
  const at = data[last];
  const where = ends[0] < at && at <= ends[1] ? "inside" : "outside";
  return (
    `${plural(data.length, "draw")} of G, ${inside} in B: ${is} The orange one, at ${signed(at, 2)}, lies ${where} B; ` +
    `without it the mean would be ${without}. Anywhere else ${where} B it would count the same.`
  );
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    button.disabled = play.disabled = state.data.length === MOST;
    taken.disabled = !state.data.length;
    movable(svg.selectAll("g.handle"), {
      move: ({ i }, dx) => {
        const bounds = i ? [state.ends[0] + APART, 2.9] : [-2.9, state.ends[1] - APART];
        panel.act(() => (state.ends[i] = clamp(x.invert(x(state.ends[i]) + dx), bounds)));
      },
      role: "slider",
    });
    movable(svg.selectAll("g.datum"), {
      move: ({ i }, dx) =>
        panel.act(() => {
          state.data[i] = clamp(x.invert(x(state.data[i]) + dx), SPAN);
          state.last = i;
        }),
      press: ({ i }) => panel.act(() => (state.last = i)),
      remove: ({ i }) => {
        panel.act(() => remove(i));
        svg.selectAll("g.datum").nodes()[Math.min(i, state.data.length - 1)]?.focus();
      },
      across: true,
    });
  };
  const remove = (i) => {
    state.data.splice(i, 1);
    state.last = state.data.length - 1;
  };
  const button = panel.button("Drop a datum", () => drop(state));
  const play = panel.player((most) => {
    for (let i = 0; i < most; i += 10) drop(state);
    return state.data.length < MOST && PAUSE;
  });
  const taken = panel.button("Take out the orange one", () => remove(state.last));
  panel.button("Clear", () => Object.assign(state, { data: [], last: -1 }));
  panel.slider("α", ALPHAS, state.alpha, (alpha) => (state.alpha = alpha));
  svg.select("rect.frame").on("click", (event) => panel.act(() => drop(state, x.invert(d3.pointer(event, svg.node())[0]))));
}
