// Paths of the number of tables that go on from where the reader puts them: m customers at k tables.
// Removes: that a path which is ahead comes back to the mean, or that some day no table opens. Whether
// a table opens depends on the number of customers alone, so what is ahead stays ahead, by as much.

import { beside, chance, clamp, d3, marks, meanOfK, movable, off, part, percent, plural, signed, slowly, write } from "./acting.mjs";

export const N = 10_000; // customers
export const BAND = [0.05, 0.95];
const ALPHAS = [0.5, 1, 2, 5, 10];
const MOST = 1000; // customers that the reader seats
const FEWEST = 1e-18; // probability of a class, below which the law is cut off
const RARE = 5e-4; // of either tail, which goes into the last class that is drawn
const KEPT = 16; // paths shown
const LONGEST = 5000; // runs
const GRID = [...new Set(d3.range(41).map((i) => Math.round(N ** (i / 40))))]; // where the band is drawn

export const size = [360, 300];
export const label = "The number of tables against the number of customers, from where the reader begins, and its law at the end.";

// The law.

// Whether customer n + 1 opens a table.
export const opens = (n, alpha) => alpha / (alpha + n);

export { meanOfK };

// The law of the tables that open after m customers, at each n of the grid from there on: n, the
// number that entry 0 is that of, and the probabilities.
export function lawsFrom(m, alpha) {
  const laws = [{ n: m, first: 0, law: [1] }];
  let [first, law] = [0, [1]];
  for (let n = m; n < N; n += 1) {
    const p = opens(n, alpha);
    law.push(0);
    for (let k = law.length - 1; k > 0; k -= 1) law[k] = law[k] * (1 - p) + law[k - 1] * p;
    law[0] *= 1 - p;
    while (law.at(-1) < FEWEST) law.pop();
    if (GRID.includes(n + 1)) {
      first = law.findIndex((mass) => mass >= FEWEST);
      laws.push({ n: n + 1, first, law: law.slice(first) });
    }
  }
  return laws;
}

export function quantile({ first, law }, p) {
  let sum = 0;
  return first + law.findIndex((mass) => (sum += mass) >= p);
}

// The state and its steps.

export function start(seed, alpha = 2, from = { m: 1, k: 1 }) {
  const state = { seed, alpha, from };
  restart(state);
  return state;
}

function restart(state) {
  const { alpha, from, seed } = state;
  const laws = lawsFrom(from.m, alpha);
  const { first, law } = laws.at(-1);
  // The classes that are drawn: each number of tables between the tails.
  const low = quantile(laws.at(-1), RARE);
  const high = quantile(laws.at(-1), 1 - RARE);
  const drawn = d3.range(low, high + 1).map((k) => law[k - first]);
  drawn[0] += d3.sum(law.slice(0, low - first));
  drawn[drawn.length - 1] += 1 - d3.sum(drawn);
  Object.assign(state, { random: chance(seed), laws, low: from.k + low, law: drawn, mean: from.k + meanOfK(N, alpha) - meanOfK(from.m, alpha) });
  Object.assign(state, { counts: Array(drawn.length).fill(0), runs: 0, total: 0, paths: [] });
  begin(state);
}

// A path: the customers who opened tables after those that the reader seated.
function begin(state) {
  Object.assign(state, { n: state.from.m, path: [] });
}

export const tables = (state) => state.from.k + state.path.length;

// Seat customers until one opens a table, or all sit; after the last one the path is counted.
export function step(state) {
  if (state.n === N) begin(state);
  for (let open = false; !open && state.n < N; state.n += 1) {
    open = state.random.uniform() < opens(state.n, state.alpha);
    if (open) state.path.push(state.n + 1);
  }
  if (state.n < N) return;
  const k = tables(state);
  state.runs += 1;
  state.total += k;
  state.counts[clamp(k - state.low, [0, state.counts.length - 1])] += 1;
  state.paths = [...state.paths.slice(1 - KEPT), state.path];
}

export function run(state) {
  const { runs } = state;
  while (state.runs === runs) step(state);
}

export function still() {
  const state = start(1, 2, { m: 20, k: 12 });
  while (state.runs < 500) run(state);
  return state;
}

// The picture.

const PLANE = { left: 34, right: 268, top: 26, floor: 256 };
const x = d3.scaleLog([1, N], [PLANE.left, PLANE.right]);
const highest = (alpha) => Math.ceil(1.6 * meanOfK(N, alpha)) + 4;
const upright = ({ alpha }) => d3.scaleLinear([0, highest(alpha)], [PLANE.floor, PLANE.top]).clamp(true);
const point = (a, b) => `${a.toFixed(1)} ${b.toFixed(1)}`;

// Half the height is the reader's, and nobody sits at more tables than one.
export const bounded = (state, m, k) => {
  const seated = Math.round(clamp(m, [1, MOST]));
  return { m: seated, k: Math.round(clamp(k, [1, Math.min(seated, highest(state.alpha) / 2)])) };
};

function drawPlane(svg, state, y) {
  const box = part(svg, "plane");
  const { from, laws, alpha } = state;
  marks(box, "rect", "frame", [0]).attr("x", PLANE.left).attr("y", PLANE.top).attr("width", 234).attr("height", 230);
  const edge = (p) => laws.map((law) => point(x(law.n), y(from.k + quantile(law, p))));
  const [low, high] = BAND.map(edge);
  marks(box, "path", "band", [0]).attr("d", `M${low.join("L")}L${high.reverse().join("L")}Z`);
  let [sum, n] = [0, 0];
  const means = GRID.map((to) => {
    for (; n < to; n += 1) sum += opens(n, alpha);
    return point(x(to), y(sum));
  });
  marks(box, "path", "dashed", [0]).attr("d", `M${means.join("L")}`);
  const line = (path, last = N) => {
    const climbs = path.map((at, i) => `H${x(at).toFixed(1)}V${y(from.k + i + 1).toFixed(1)}`);
    return `M${point(x(from.m), y(from.k))}${climbs.join("")}H${x(last).toFixed(1)}`;
  };
  marks(box, "path", "faint", state.paths).attr("d", (path) => line(path));
  marks(box, "path", "line", [state.path]).attr("d", (path) => line(path, state.n));
  marks(box, "path", "axis", [0]).attr("d", `M${PLANE.left} ${PLANE.floor}H${PLANE.right}`);
  write(box, "number", [1, 10, 100, 1000, N].map((value) => ({ x: x(value), y: 270, text: value.toLocaleString("en") })));
  write(box, "tick", y.ticks(5).map((k) => ({ x: 25, y: y(k) + 4, anchor: "end", text: k })));
  write(box, "title", [
    { x: 8, y: 14, anchor: "start", text: "tables; dashed: the mean" },
    { x: PLANE.right, y: 286, anchor: "end", text: "customers" },
    { x: 352, y: 14, anchor: "end", text: `at ${N.toLocaleString("en")}; line: exact law` },
  ]);
}

function drawEnd(svg, state, y) {
  const ends = d3.range(state.law.length + 1).map((i) => y(state.low + i - 0.5));
  beside(part(svg, "end"), { ends, seen: state.counts, law: state.law, left: 272, width: 80 });
}

export function draw(svg, state) {
  const y = upright(state);
  drawPlane(svg, state, y);
  drawEnd(svg, state, y);
  const { m, k } = state.from;
  const grip = marks(part(svg, "beginning"), "g", "begin", [state.from])
    .attr("transform", `translate(${x(m).toFixed(1)},${y(k).toFixed(1)})`)
    .attr("aria-label", "Where the paths begin")
    .attr("aria-roledescription", "slider in two directions")
    .attr("aria-valuemin", 1)
    .attr("aria-valuemax", MOST)
    .attr("aria-valuenow", m)
    .attr("aria-valuetext", `${plural(m, "customer")} at ${plural(k, "table")}`)
    .attr("role", "slider");
  marks(grip, "circle", "reach", [0]).attr("r", 15);
  marks(grip, "circle", "grip", [0]).attr("r", 7);
}

// How far ahead of the mean, in words.
function ahead(by) {
  const much = signed(Math.abs(by), 1);
  return much === "0.0" ? "as many as the mean" : `${much} ${by > 0 ? "more" : "fewer"} than the mean`;
}

export function words(state) {
  const { alpha, from, runs, n, total, mean, counts, law } = state;
  const lead = from.k - meanOfK(from.m, alpha);
  const begun = `${plural(from.m, "customer")} at ${plural(from.k, "table")}`;
  if (runs) {
    return (
      `${plural(runs, "path")} from ${begun}, ${ahead(lead)}: ${N.toLocaleString("en")} customers have ${(total / runs).toFixed(2)} tables on average, ` +
      `exactly ${mean.toFixed(2)}, which is again ${ahead(lead)}; ${off(counts, law)}.`
    );
  }
  const next = `Customer ${(n + 1).toLocaleString("en")} opens another with chance ${percent(opens(n, alpha))}, however many there are.`;
  if (n === from.m) return `${plural(from.m, "customer")} ${from.m === 1 ? "sits" : "sit"} at ${plural(from.k, "table")}, ${ahead(lead)}. ${next}`;
  return `Customer ${n.toLocaleString("en")} has opened table ${tables(state)}. ${next}`;
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    movable(svg.selectAll("g.begin"), {
      move: (_, dx, dy) => {
        const y = upright(state);
        const { m, k } = state.from;
        panel.act(() => change({ from: bounded(state, x.invert(x(m) + dx), y.invert(y(k) + dy)) }));
      },
      role: "slider",
      across: false,
      // By one customer at least, and by one table.
      stride: () => [Math.max(4, x(state.from.m + 1) - x(state.from.m)), PLANE.floor - upright(state)(1)],
    });
  };
  const change = (properties) => {
    Object.assign(state, properties);
    state.from = bounded(state, state.from.m, state.from.k);
    restart(state);
  };
  panel.button("Next table", () => step(state));
  panel.player((most) => {
    const more = Math.max(most, Math.min(20, Math.floor(state.runs / 10)));
    if (!state.runs && most === 1) step(state);
    else for (let i = 0; i < more; i += 1) run(state);
    return state.runs < LONGEST && (state.runs > 0 || slowly(state.path.length));
  });
  panel.again(ALPHAS, state, change);
  svg.select("rect.frame").on("click", (event) => {
    const [a, b] = d3.pointer(event, svg.node());
    panel.act(() => change({ from: bounded(state, x.invert(a), upright(state).invert(b)) }));
  });
}
