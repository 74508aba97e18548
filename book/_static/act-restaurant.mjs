// Customers sit down one at a time, with the chances shown before each; or one who sits is lifted and
// seated again as if he came last. Both ways have the same law of the number of tables.
// Removes: that the rule, which speaks of the last customer, holds for no other.

import { against, chance, d3, floor, hue, lawOfK, marks, meanOfK, middle, movable, off, part, percent, plural, slowly, write } from "./acting.mjs";

export const CUSTOMERS = 8;
const ALPHAS = [0.1, 0.2, 0.5, 1, 2, 5, 10];
const LONGEST = 20_000; // restaurants

export const size = [360, 356];
export const label = "Tables with customers, the chances of the next one, and the number of tables.";

// The law.

// The chances of one more customer, table by table, and last to open one.
export function chances(sizes, alpha) {
  const total = alpha + d3.sum(sizes);
  return [...sizes, alpha].map((weight) => weight / total);
}

export { lawOfK, meanOfK };

// The state and its steps.

export function start(seed, alpha = 1, mode = "order", n = CUSTOMERS) {
  const state = { seed, alpha, mode, n };
  restart(state);
  return state;
}

// Count afresh. For the second way the restaurant is full.
function restart(state) {
  state.random = chance(state.seed);
  clear(state);
  state.law = lawOfK(state.n, state.alpha);
  enter(state);
  if (state.mode === "order") return;
  while (state.waiting < state.n) place(state);
  lift(state, 0);
}

function clear(state) {
  state.rounds = state.moved = 0;
  state.counts = Array(state.n + 1).fill(0);
}

// An empty restaurant: ``tables`` has the customers of each, by number from nought.
function enter(state) {
  Object.assign(state, { tables: [], waiting: 0 });
}

export const offers = (state) => chances(state.tables.map((table) => table.length), state.alpha);

export function place(state) {
  const k = state.random.choose(offers(state));
  (state.tables[k] ??= []).push(state.waiting);
  state.waiting += 1;
}

export function lift(state, i) {
  state.tables = state.tables.map((table) => table.filter((j) => j !== i)).filter((table) => table.length);
  state.waiting = i;
}

function count(state) {
  state.counts[state.tables.length] += 1;
  state.rounds += 1;
}

// Seat the one who waits. In order: when all sit the restaurant is counted, and the next one is empty.
// Again: the next one is lifted; after as many moves as customers it is counted.
export function step(state) {
  if (state.waiting === state.n) return enter(state);
  place(state);
  if (state.mode === "order") return state.waiting === state.n && count(state);
  state.moved = (state.moved + 1) % state.n;
  if (!state.moved) count(state);
  lift(state, state.waiting % state.n);
}

// Seat the one who waits and lift the one whom the reader names. Whoever looks at the tables and then
// chooses may bend the law, so the count begins anew.
export function pick(state, i) {
  place(state);
  lift(state, i);
  clear(state);
}

// Until one more restaurant is counted.
export function round(state) {
  const { rounds } = state;
  while (state.rounds === rounds) step(state);
}

export function still() {
  const state = start(1);
  while (state.rounds < 500) round(state);
  for (let i = 0; i < 6; i += 1) step(state);
  return state;
}

// The picture.

// Four tables in a row, larger while there is one row. The customers of a table sit so far apart that a
// finger reaches each: in two rows no table has more than four.
const LEFT = 44;
const room = (tables) => (tables > 4 ? { top: 44, radius: 24, apart: 98 } : { top: 92, radius: 34, apart: 0 });

function spots(tables) {
  const { top, radius, apart } = room(tables);
  return d3.range(tables).map((k) => ({ k, radius, x: 47 + 88 * (k % 4), y: top + apart * Math.floor(k / 4) }));
}

function seats(table, { k, x, y, radius }) {
  return table.map((i, j) => {
    const turn = 2 * Math.PI * (j / Math.max(table.length, 5)) - Math.PI / 2;
    return { i, k, x: x + radius * Math.cos(turn), y: y + radius * Math.sin(turn) };
  });
}

function drawTables(svg, state) {
  const box = part(svg, "tables");
  const waits = state.waiting < state.n;
  const p = waits ? offers(state) : [];
  const own = state.tables.length;
  const tables = spots(own + waits);
  marks(box, "circle", "table", tables)
    .attr("cx", ({ x }) => x)
    .attr("cy", ({ y }) => y)
    .attr("r", ({ radius }) => radius - 10)
    .attr("stroke", ({ k }) => (k < own ? hue(k) : "var(--figure-ink)"))
    .attr("stroke-dasharray", ({ k }) => (k < own ? null : "3 2"))
    .attr("fill", ({ k }) => (k < own ? hue(k) : "none"));
  write(box, "on", tables.slice(0, own).map(({ k, x, y }) => ({ x, y: y + 4.5, text: state.tables[k].length })));
  write(box, "share", p.map((chance, k) => ({ x: tables[k].x, y: tables[k].y + tables[k].radius + 22, text: `${k === own ? "new " : ""}${percent(chance)}` })));
  const customers = tables.slice(0, own).flatMap((table) => seats(state.tables[table.k], table)).sort((a, b) => a.i - b.i);
  const people = marks(part(svg, "customers"), "g", "customer", customers, (d) => d.i)
    .attr("transform", ({ x, y }) => `translate(${x.toFixed(1)},${y.toFixed(1)})`)
    .attr("aria-label", ({ i, k }) => `Customer ${i + 1}, table ${k + 1}`);
  people.each(function (d) {
    const one = d3.select(this);
    marks(one, "circle", "reach", [d]).attr("r", 14);
    marks(one, "circle", "dot", [d]).attr("r", 9).attr("fill", "var(--figure-ground)");
    write(one, "out", [{ x: 0, y: 4.5, text: d.i + 1 }]);
  });
}

function drawNumber(svg, state) {
  const box = part(svg, "number-of-tables");
  const values = d3.range(1, state.n + 1);
  const x = d3.scaleBand(values, [LEFT, 352]).padding(0.25);
  against(box, { x, seen: state.counts.slice(1), law: state.law.slice(1), base: 312, height: 104 });
  write(box, "title", [{ x: 352, y: 204, anchor: "end", text: "frame: exact law" }]);
  floor(box, middle(x), values, 312, `tables of ${state.n} customers`);
}

export function draw(svg, state) {
  drawTables(svg, state);
  drawNumber(svg, state);
}

export function words(state) {
  const { waiting, tables, rounds, alpha, n } = state;
  const sentences = [];
  if (waiting < n) {
    const p = offers(state);
    const others = d3.sum(tables, (table) => table.length);
    const how = state.mode === "order" ? "comes in and" : "stands up and";
    const joins = tables.map((table, k) => `table\u00a0${k + 1}:\u00a0${percent(p[k])}`);
    sentences.push(`Customer ${waiting + 1} ${how} finds ${others} seated; ${[...joins, `a new table: ${percent(p.at(-1))}`].join(", ")}.`);
  } else {
    sentences.push(`All ${n} sit, at ${plural(tables.length, "table")}.`);
  }
  if (rounds) {
    const mean = d3.sum(state.counts, (c, k) => c * k) / rounds;
    const what = state.mode === "order" ? plural(rounds, "restaurant") : `${plural(rounds, "round")} of lifting`;
    sentences.push(`After ${what} the number of tables averages ${mean.toFixed(2)}, exactly ${meanOfK(n, alpha).toFixed(2)}; ${off(state.counts, state.law)}.`);
  }
  return sentences.join(" ");
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    button.textContent = state.waiting < state.n ? "Seat the customer" : "Next restaurant";
    if (state.mode === "again") movable(svg.selectAll("g.customer"), { press: ({ i }) => panel.act(() => pick(state, i)) });
  };
  const change = (properties) => {
    // Customers who cannot be lifted are no buttons.
    svg.selectAll("g.customer").remove();
    restart(Object.assign(state, properties));
  };
  const button = panel.button("Seat the customer", () => step(state));
  panel.player((most) => {
    const more = Math.min(200, Math.floor(state.rounds / 40));
    if (most > 1 || more) for (let i = 0; i < Math.max(most, more); i += 1) round(state);
    else step(state);
    return state.rounds < LONGEST && (state.mode === "again" || state.rounds > 0 || slowly(0));
  });
  panel.again(ALPHAS, state, change);
  panel.choice("Way", { order: "in order", again: "lift anyone, seat again" }, state.mode, (mode) => change({ mode }));
}
