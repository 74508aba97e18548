// A draw of G with H standard normal, and a partition of the line whose cuts the reader moves. Removes:
// that for each partition other masses are drawn. G is drawn once; a cut only adds up its atoms, and
// whatever the cut, over many draws the masses of the cells are Dirichlet distributed.

import { against, betaCells, chance, clamp, d3, floor, handles, hue, marks, movable, normalCdf, off, part, plural, signed, slowly, write } from "./acting.mjs";

export const CELLS = 10; // of the histogram
const ALPHAS = [0.5, 1, 2, 5, 10, 20];
const LONGEST = 3000; // draws, all of which are kept
const REST = 1e-6; // of the stick, which the last atom takes
const APART = 0.1; // of two cuts, at least
const SPAN = [-3, 3];

export const size = [360, 400];
export const label = "A draw of G, three cells of the line, and the law of the mass of the middle one.";

// A draw of G: its atoms in order, and the masses added up to each.
export function drawG(alpha, random) {
  const atoms = [];
  for (let rest = 1; rest > 0; ) {
    const mass = rest < REST ? rest : rest * random.piece(alpha);
    atoms.push([random.normal(), mass]);
    rest = rest < REST ? 0 : rest - mass;
  }
  atoms.sort((a, b) => a[0] - b[0]);
  return { at: Float64Array.from(atoms, (atom) => atom[0]), sums: d3.cumsum(atoms, (atom) => atom[1]) };
}

// G of the half-line up to x.
export function upTo({ at, sums }, x) {
  const i = d3.bisectRight(at, x);
  return i ? sums[i - 1] : 0;
}

// The masses of the three cells.
const cells = (up, [a, b]) => [up(a), up(b) - up(a), 1 - up(b)];
export const masses = (g, cuts) => cells((x) => upTo(g, x), cuts);
export const base = (cuts) => cells(normalCdf, cuts);

// The state and its steps.

export function start(seed, alpha = 2, cuts = [-0.5, 0.7]) {
  const state = { seed, alpha, cuts };
  restart(state);
  return state;
}

function restart(state) {
  state.random = chance(state.seed);
  state.draws = [];
  another(state);
}

export function another(state) {
  state.draws.push(drawG(state.alpha, state.random));
  if (state.draws.length === 1) return recount(state);
  count(state, state.draws.at(-1));
}

function count(state, g) {
  const mass = masses(g, state.cuts)[1];
  state.total += mass;
  state.counts[Math.min(CELLS - 1, Math.floor(CELLS * mass))] += 1;
}

// For other cuts: the same draws of G, counted again.
export function recount(state) {
  state.counts = Array(CELLS).fill(0);
  state.total = 0;
  const h = base(state.cuts)[1];
  state.law = betaCells(CELLS, state.alpha * h, state.alpha * (1 - h));
  for (const g of state.draws) count(state, g);
}

export function still() {
  const state = start(3);
  while (state.draws.length < 600) another(state);
  return state;
}

// The picture.

const x = d3.scaleLinear(SPAN, [8, 352]);
const letter = (k) => "ABC"[k];
const shades = (k) => hue([5, 1, 2][k]);

function drawMeasure(svg, state) {
  const box = part(svg, "measure");
  const g = state.draws.at(-1);
  const atoms = d3.zip(g.at, g.sums.map((sum, i) => sum - (g.sums[i - 1] ?? 0))).filter(([at, mass]) => mass > 0.002 && Math.abs(at) < 3);
  const y = d3.scaleLinear([0, Math.max(0.2, d3.max(atoms, (atom) => atom[1]))], [110, 26]);
  const cell = ([at]) => d3.bisectRight(state.cuts, at);
  const grid = d3.range(-3, 3.01, 0.1);
  marks(box, "path", "faint", [0]).attr("d", d3.line((t) => x(t).toFixed(1), (t) => (110 - 84 * Math.exp((-t * t) / 2)).toFixed(1))(grid));
  marks(box, "path", "atom", atoms)
    .attr("d", ([at, mass]) => `M${x(at).toFixed(1)} 110V${y(mass).toFixed(1)}`)
    .attr("stroke", (atom) => shades(cell(atom)));
  floor(box, x, [-3, -2, -1, 0, 1, 2, 3], 110, "");
  write(box, "title", [{ x: 8, y: 11, anchor: "start", text: "atoms of one draw of G; thin: H" }]);
  const names = ["left cut", "right cut"];
  handles(box, state.cuts.map((cut, i) => ({ i, at: x(cut), name: names[i], share: (100 * (cut + 3)) / 6, text: signed(cut, 2) })), 110, 25);
}

function drawMasses(svg, state) {
  const box = part(svg, "masses");
  const rows = { G: masses(state.draws.at(-1), state.cuts), H: base(state.cuts) };
  Object.entries(rows).forEach(([name, row], r) => {
    const group = part(box, `row-${name}`);
    const top = 146 + 26 * r;
    const ends = [0, ...d3.cumsum(row)];
    marks(group, "rect", "mass", row)
      .attr("x", (_, k) => (30 + 322 * ends[k]).toFixed(1))
      .attr("y", top)
      .attr("width", (mass) => Math.max(0, 322 * mass).toFixed(1))
      .attr("height", 20)
      .attr("fill", (_, k) => shades(k));
    write(group, "row", [{ x: 8, y: top + 15, anchor: "start", text: name }]);
    const named = row.map((mass, k) => ({ mass, x: 30 + 322 * (ends[k] + mass / 2), y: top + 15, text: `${letter(k)} ${mass.toFixed(2)}` }));
    write(group, "on", named.filter(({ mass }) => mass > 0.14));
  });
}

function drawLaw(svg, state) {
  const box = part(svg, "law");
  const bins = d3.scaleBand(d3.range(CELLS), [30, 352]);
  against(box, { x: bins, seen: state.counts, law: state.law, base: 358, height: 120 });
  const unit = d3.scaleLinear([0, 1], [30, 352]);
  floor(box, unit, [0, 0.25, 0.5, 0.75, 1], 358, "G(B) over the draws; frame: Beta(αH(B), α − αH(B))");
  write(box, "title", [{ x: 352, y: 226, anchor: "end", text: plural(state.draws.length, "draw") }]);
}

export function draw(svg, state) {
  drawMasses(svg, state);
  drawLaw(svg, state);
  drawMeasure(svg, state);
}

export function words(state) {
  const { draws, cuts, counts, law } = state;
  const h = base(cuts)[1];
  const g = masses(draws.at(-1), cuts)[1];
  const [from, to] = cuts.map((cut) => signed(cut, 2));
  const one = `B, from ${from} to ${to}, has mass ${g.toFixed(2)} in this draw of G, and ${h.toFixed(2)} in H.`;
  if (draws.length === 1) return `${one} Move a cut: the same atoms are added up anew.`;
  return `${one} In ${plural(draws.length, "draw")} G(B) averages ${(state.total / draws.length).toFixed(3)}, exactly H(B) = ${h.toFixed(3)}; ${off(counts, law)}.`;
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    movable(svg.selectAll("g.handle"), {
      move: ({ i }, dx) => {
        const [low, high] = i ? [state.cuts[0] + APART, 2.9] : [-2.9, state.cuts[1] - APART];
        state.cuts[i] = clamp(x.invert(x(state.cuts[i]) + dx), [low, high]);
        recount(state);
        panel.show();
      },
      role: "slider",
    });
  };
  panel.button("Draw another G", () => another(state));
  panel.player((most) => {
    const more = Math.max(most, Math.min(50, Math.floor(state.draws.length / 40)));
    for (let i = 0; i < more; i += 1) another(state);
    return state.draws.length < LONGEST && slowly(state.draws.length);
  });
  panel.again(ALPHAS, state, (changed) => restart(Object.assign(state, changed)));
}
