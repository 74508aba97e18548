// One point at a time is lifted out and seated anew, by the right step or by that of the notes. Points
// in the plane, clusters N(theta, NOISE I) with theta ~ N(0, SPREAD I), and alpha = 1.

import { against, chance, clamp, d3, floor, hue, marks, middle, movable, off, part, percent, plural, short, signed, slowly, write } from "./acting.mjs";

export const ALPHA = 1;
export const SPREAD = 4;
export const NOISE = 0.25;
export const MOST = 8; // points whose partitions are counted
const FIRST = [[-1.6, 0.5], [-1.1, 1.0], [-0.5, 0.3], [1.1, -0.5], [1.8, -0.9], [2.1, 0.9]];
const LONGEST = 20_000; // sweeps

export const size = [360, 446];
export const label = "Points in the plane, the chances of a lifted point, and the number of clusters.";

// The law.

const density = ([x, y], [a, b], variance) =>
  Math.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * variance)) / (2 * Math.PI * variance);

// The law of a cluster's parameter given its points: its mean and its variance in each direction.
export function posterior(points) {
  const variance = 1 / (1 / SPREAD + points.length / NOISE);
  const mean = [0, 1].map((j) => (variance / NOISE) * points.reduce((sum, x) => sum + x[j], 0));
  return { mean, variance };
}

// The density of a point given the others of its cluster; of none, the prior predictive.
export function predictive(x, others) {
  const { mean, variance } = posterior(others);
  return density(x, mean, variance + NOISE);
}

// Every partition of the points, as the string of its labels in order of appearance, with its
// posterior probability: alpha^K, a factorial and a marginal likelihood for each cluster.
export function exact(points) {
  const weights = new Map();
  const grow = (labels, clusters, weight) => {
    if (labels.length === points.length) return weights.set(labels.join(""), weight);
    const x = points[labels.length];
    for (let k = 0; k <= clusters.length; k += 1) {
      const others = clusters[k] ?? [];
      const more = [...clusters];
      more[k] = [...others, x];
      grow([...labels, k], more, weight * (others.length || ALPHA) * predictive(x, others));
    }
  };
  grow([], [], 1);
  const total = d3.sum(weights.values());
  return new Map([...weights].map(([labels, weight]) => [labels, weight / total]));
}

// The law of the number of clusters; entry k is that of k.
export function lawOfK(points) {
  const law = Array(points.length + 1).fill(0);
  for (const [labels, p] of exact(points)) law[Math.max(...labels) + 1] += p;
  return law;
}

// The state and its steps.

function canonical(labels) {
  const names = new Map();
  return labels.map((z) => (z < 0 ? z : names.set(z, names.get(z) ?? names.size).get(z)));
}

const members = (state, k) => state.points.filter((_, i) => state.labels[i] === k);
const clusters = (state) => d3.range(Math.max(...state.labels) + 1);

export function start(seed, points = FIRST, mode = "right") {
  const state = { seed, points: points.map((x) => [...x]), mode };
  restart(state);
  return state;
}

// Count afresh; every point sits alone, so that either step has to find the clusters.
function restart(state) {
  state.random = chance(state.seed);
  state.labels = d3.range(state.points.length);
  state.lifted = state.offers = null;
  state.next = 0;
  clear(state);
  state.law = lawOfK(state.points);
  drawParameters(state);
}

function clear(state) {
  state.sweeps = 0;
  state.counts = Array(state.points.length + 1).fill(0);
}

const draw2 = ({ mean, variance }, { normal }) => mean.map((m) => m + Math.sqrt(variance) * normal());

function drawParameters(state) {
  state.theta = clusters(state).map((k) => draw2(posterior(members(state, k)), state.random));
}

// Take a point out, and say where it may go: to each cluster of the others with n_k times its
// likelihood, or to one of its own. The notes draw a parameter for that one from H, and forget the
// parameter of a point that sat alone.
export function lift(state, i = state.next) {
  if (state.lifted !== null) return;
  const old = state.labels[i];
  state.labels[i] = -1;
  const names = [...new Set(state.labels.filter((z) => z >= 0))].sort((a, b) => a - b);
  state.theta = names.map((k) => state.theta[k]);
  state.labels = state.labels.map((z) => names.indexOf(z));
  state.next = state.lifted = i;
  state.from = names.indexOf(old);
  const x = state.points[i];
  const fresh = draw2(posterior([]), state.random);
  const notes = state.mode === "notes";
  state.offers = [
    ...names.map((_, k) => {
      const others = members(state, k);
      return notes
        ? { n: others.length, at: state.theta[k], likelihood: density(x, state.theta[k], NOISE) }
        : { n: others.length, at: posterior(others).mean, likelihood: predictive(x, others) };
    }),
    { n: ALPHA, likelihood: notes ? density(x, fresh, NOISE) : predictive(x, []), fresh },
  ];
  const total = d3.sum(state.offers, (o) => o.n * o.likelihood);
  for (const offer of state.offers) offer.chance = (offer.n * offer.likelihood) / total;
}

// Lift the one whom the reader names. Whoever looks at the clusters and then chooses may bend the law,
// so the count begins anew.
export function pick(state, i) {
  if (i !== state.next) clear(state);
  lift(state, i);
}

// Seat the lifted point by these chances; after the last point a sweep is done, and counted.
export function seat(state) {
  if (state.lifted === null) return;
  const k = state.random.choose(state.offers.map((o) => o.chance));
  if (k === state.offers.length - 1) state.theta[k] = state.offers[k].fresh;
  state.labels[state.lifted] = k;
  const labels = canonical(state.labels);
  const theta = [];
  state.labels.forEach((z, i) => (theta[labels[i]] = state.theta[z]));
  Object.assign(state, { labels, theta, next: (state.lifted + 1) % labels.length, lifted: null, offers: null });
  if (state.next) return;
  drawParameters(state);
  state.counts[clusters(state).length] += 1;
  state.sweeps += 1;
}

export function sweep(state) {
  do {
    lift(state);
    seat(state);
  } while (state.next);
}

export function still() {
  const state = start(1);
  while (state.sweeps < 1000) sweep(state);
  lift(state, 2);
  return state;
}

// The picture.

const x = d3.scaleLinear([-4, 4], [8, 352]);
const y = d3.scaleLinear([-2.6, 2.6], [232, 8]);
const letter = (k) => "ABCDEFGH"[k];
const cross = ([a, b], r) => `M${x(a) - r} ${y(b) - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;

function drawPlane(svg, state) {
  const plane = part(svg, "plane");
  marks(plane, "rect", "frame", [0]).attr("x", 8).attr("y", 8).attr("width", 344).attr("height", 224);
  const { lifted, offers } = state;
  const out = lifted === null ? [] : [state.points[lifted]];
  // From a lifted point to where it may go.
  const ways = out.length ? offers.slice(0, -1).map((o, k) => [out[0], o.at, o.chance, k]) : [];
  marks(part(plane, "ways"), "path", "way", ways)
    .attr("d", ([a, b]) => `M${x(a[0])} ${y(a[1])}L${x(b[0])} ${y(b[1])}`)
    .attr("stroke", ([, , , k]) => hue(k))
    .attr("stroke-width", ([, , p]) => (0.5 + 5 * p).toFixed(2));
  const notes = state.mode === "notes";
  const crosses = part(plane, "crosses");
  marks(crosses, "path", "theta", notes ? state.theta : [])
    .attr("d", (theta) => cross(theta, 6))
    .attr("stroke", (_, k) => hue(k));
  marks(crosses, "path", "fresh", notes && out.length ? [offers[offers.length - 1].fresh] : []).attr("d", (theta) => cross(theta, 6));
  const dots = marks(part(plane, "points"), "g", "point", state.points.map((at, i) => ({ at, i, k: state.labels[i] })))
    .attr("transform", ({ at }) => `translate(${x(at[0]).toFixed(1)},${y(at[1]).toFixed(1)})`)
    .attr("aria-label", ({ at, i, k }) => `Point ${i + 1} at ${at.map((a) => signed(a, 1)).join(", ")}, ${k < 0 ? "lifted" : `cluster ${letter(k)}`}`);
  dots.each(function (d) {
    const dot = d3.select(this);
    marks(dot, "circle", "reach", [d]).attr("r", 15);
    marks(dot, "circle", "dot", [d]).attr("r", 9).attr("fill", d.k < 0 ? "var(--figure-ground)" : hue(d.k)).attr("stroke-dasharray", d.k < 0 ? "3 2" : null);
    write(dot, d.k < 0 ? "out" : "on", [{ x: 0, y: 4.5, text: d.k < 0 ? d.i + 1 : letter(d.k) }]);
    marks(dot, "text", d.k < 0 ? "on" : "out", []);
  });
}

function drawOffers(svg, state) {
  const box = part(svg, "offers");
  const offers = state.offers ?? [];
  const what = state.mode === "notes" ? "n × density at the cross" : "n × predictive density";
  write(box, "title", [{ x: 8, y: 256, anchor: "start", text: offers.length ? what : "lift one to see its chances" }]);
  const own = offers.length - 1;
  const row = (i) => 266 + 19 * i;
  const name = (i) => (i === own ? "new" : letter(i));
  write(box, "row", offers.map((o, i) => ({ x: 8, y: row(i) + 12, anchor: "start", text: name(i) })));
  write(box, "product", offers.map((o, i) => ({ x: 40, y: row(i) + 12, anchor: "start", text: `${i === own ? "α" : o.n} × ${o.likelihood < 0.001 ? "0.000…" : o.likelihood.toFixed(3)}` })));
  marks(box, "rect", "bar", offers)
    .attr("x", 108)
    .attr("y", (_, i) => row(i) + 1)
    .attr("width", (o) => (44 * o.chance).toFixed(1))
    .attr("height", 14)
    .attr("fill", (_, i) => (i === own ? "var(--figure-ink)" : hue(i)));
  write(box, "share", offers.map((o, i) => ({ x: 112 + 44 * o.chance, y: row(i) + 12, anchor: "start", text: short(o.chance) })));
}

function drawNumber(svg, state) {
  const box = part(svg, "number-of-clusters");
  const n = state.points.length;
  const k = d3.scaleBand(d3.range(1, n + 1), [214, 352]).padding(0.25);
  against(box, { x: k, seen: state.counts.slice(1), law: state.law.slice(1), base: 412, height: 134 });
  write(box, "title", [{ x: 214, y: 256, anchor: "start", text: "frame: exact law" }]);
  floor(box, middle(k), d3.range(1, n + 1), 412, "clusters K");
}

export function draw(svg, state) {
  drawOffers(svg, state);
  drawNumber(svg, state);
  drawPlane(svg, state);
}

export function words(state) {
  const step = state.mode === "notes" ? "the notes’ step" : "the right step";
  const sentences = [];
  if (state.lifted !== null) {
    const own = state.offers.length - 1;
    const chances = state.offers.map((o, k) => `${k === own ? "a cluster of its own" : letter(k)} ${percent(o.chance)}`);
    sentences.push(`Point ${state.lifted + 1} is lifted; its chances are ${chances.join(", ")}.`);
  }
  if (state.sweeps) {
    const mean = d3.sum(state.counts, (c, k) => c * k) / state.sweeps;
    const exactly = d3.sum(state.law, (p, k) => p * k);
    sentences.push(
      `After ${plural(state.sweeps, "sweep")} of ${step}, K averages ${mean.toFixed(2)}, exactly ${exactly.toFixed(2)}; ` +
        `${off(state.counts, state.law)}.`,
    );
  } else if (state.lifted === null) {
    sentences.push(`${plural(state.points.length, "point")}, each alone. Lift one, or play ${step}.`);
  }
  return sentences.join(" ");
}

// Acting.

export function controls(panel, svg, state) {
  const { show } = panel;
  panel.show = (playing) => {
    show(playing);
    step.textContent = state.lifted === null ? "Lift a point" : "Seat it";
    add.disabled = state.points.length >= MOST;
    taken.disabled = state.lifted === null || state.points.length <= 2;
    movable(svg.selectAll("g.point"), {
      move: ({ i }, dx, dy) =>
        panel.act(() => {
          const [a, b] = state.points[i];
          state.points[i] = [clamp(x.invert(x(a) + dx), x.domain()), clamp(y.invert(y(b) + dy), y.domain())];
          restart(state);
        }),
      press: ({ i }) =>
        panel.act(() => {
          if (state.lifted !== null) seat(state);
          else pick(state, i);
        }),
      remove: ({ i }) => {
        panel.act(() => remove(i));
        svg.selectAll("g.point").nodes()[Math.min(i, state.points.length - 1)].focus();
      },
    });
  };
  const place = (at) => {
    if (state.points.length >= MOST) return;
    state.points.push(at);
    restart(state);
  };
  const remove = (i) => {
    if (state.points.length <= 2) return;
    state.points.splice(i, 1);
    restart(state);
  };
  const step = panel.button("Lift a point", () => {
    if (state.lifted === null) lift(state);
    else seat(state);
  });
  panel.player((most) => {
    // Few sweeps at first, so that each is seen.
    const more = Math.max(most, Math.min(100, Math.floor(state.sweeps / 40)));
    for (let i = 0; i < more; i += 1) sweep(state);
    return state.sweeps < LONGEST && slowly(state.sweeps);
  });
  panel.button("Start again", () => {
    state.seed += 1;
    restart(state);
  });
  const add = panel.button("Add a point", () => {
    const { normal } = state.random;
    place([clamp(1.5 * normal(), x.domain()), clamp(normal(), y.domain())]);
  });
  const taken = panel.button("Remove it", () => remove(state.lifted));
  panel.choice("Step", { right: "right step", notes: "the notes’ step" }, state.mode, (mode) => {
    state.mode = mode;
    restart(state);
  });
  svg.select("rect.frame").on("click", (event) => {
    const [a, b] = d3.pointer(event, svg.node());
    panel.act(() => place([x.invert(a), y.invert(b)]));
  });
}
