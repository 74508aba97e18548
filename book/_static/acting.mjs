// What figures to act on share: where they stand in the page, axes, bars, controls, words, chance, and
// what makes them usable by pointer, touch and keyboard. Each figure is a module of its own,
// act-KIND.mjs (act.mjs opens it), which exports size, label, start, still, draw, words and controls.

import d3 from "./d3/d3.mjs";

export { d3 };

export const hue = (k) => `var(--figure-${(k % 6) + 1})`;
// In the words, where a line may end at any other space. What rounds to none or to all and is not says so.
export const percent = (p, [under, over] = ["under", "over"]) => {
  const whole = Math.round(100 * p);
  if (!whole && p > 0) return `${under} 1\u00a0%`;
  if (whole === 100 && p < 1) return `${over} 99\u00a0%`;
  return `${whole}\u00a0%`;
};
export const short = (p) => percent(p, ["<", ">"]);
export const tenths = (p) => `${(100 * p).toFixed(1)}\u00a0%`;
// With a minus that is as long as a plus.
export const signed = (value, digits) =>
  (digits === undefined ? value.toLocaleString("en", { maximumFractionDigits: 6 }) : value.toFixed(digits)).replace("-", "−");
export const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));
export const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

// Random numbers from a seed (mulberry32), so that a figure can be tested.
export function chance(seed) {
  let a = seed >>> 0;
  const uniform = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  // By Box and Muller; 1 - u is above nought.
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const choose = (weights) => {
    let left = uniform() * weights.reduce((sum, w) => sum + w, 0);
    const k = weights.findIndex((w) => (left -= w) < 0);
    return k < 0 ? weights.length - 1 : k;
  };
  // By Marsaglia and Tsang; a small shape is drawn one higher and brought down by a power.
  const gamma = (shape) => {
    if (shape < 1) return gamma(shape + 1) * (1 - uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    for (;;) {
      const z = normal();
      const v = (1 + z / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(1 - uniform()) < z * z / 2 + d * (1 - v + Math.log(v))) return d * v;
    }
  };
  // Beta(1, alpha), by inversion.
  const piece = (alpha) => 1 - (1 - uniform()) ** (1 / alpha);
  return { uniform, normal, choose, gamma, piece };
}

// Distribution functions.

// The standard normal, by its power series; beyond eight the tail is below rounding.
export function normalCdf(x) {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let sum = x;
  for (let k = 1, term = x; Math.abs(term) > 1e-17 * Math.abs(sum); k += 1) sum += term *= (x * x) / (2 * k + 1);
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

// By Stirling's series, far enough out.
export function logGamma(x) {
  let shift = 0;
  for (; x < 12; x += 1) shift -= Math.log(x);
  const y = 1 / (x * x);
  return shift + (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y / 1680))) / x;
}

export const logBeta = (a, b) => logGamma(a) + logGamma(b) - logGamma(a + b);

// The law of the number of tables of n customers; entry k is that of k. Customer i + 1 opens one with
// probability alpha / (alpha + i), whatever happened before.
export function lawOfK(n, alpha) {
  let law = [1];
  for (let i = 0; i < n; i += 1) {
    const open = alpha / (alpha + i);
    law = d3.range(i + 2).map((k) => (law[k - 1] ?? 0) * open + (law[k] ?? 0) * (1 - open));
  }
  return law;
}

export const meanOfK = (n, alpha) => d3.sum(d3.range(n), (i) => alpha / (alpha + i));

// Beta(a, b), by the continued fraction, which converges fast below the mean. No mass is at 0 or 1
// unless a parameter is nought.
export function betaCdf(x, a, b) {
  if (x >= 1 || a === 0) return 1;
  if (x <= 0 || b === 0) return 0;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a);
  let [c, d, f] = [1, 0, 1];
  for (let i = 0; i < 500; i += 1) {
    const m = i >> 1;
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    const numerator = i === 0 ? 1 : i % 2 ? odd : even;
    d = 1 / (1 + numerator * d || 1e-300);
    c = 1 + numerator / c || 1e-300;
    f *= c * d;
    if (i && Math.abs(1 - c * d) < 1e-15) break;
  }
  return (Math.exp(a * Math.log(x) + b * Math.log(1 - x) - logBeta(a, b)) / a) * (f - 1);
}

// The value below which Beta(a, b) has mass p, by bisection.
export function betaQuantile(p, a, b) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 50; i += 1) {
    const x = (low + high) / 2;
    if (betaCdf(x, a, b) < p) low = x;
    else high = x;
  }
  return (low + high) / 2;
}

// The masses that Beta(a, b) gives to cells of equal width.
export function betaCells(cells, a, b) {
  const ends = d3.range(cells + 1).map((i) => betaCdf(i / cells, a, b));
  return d3.range(cells).map((i) => ends[i + 1] - ends[i]);
}

// One element for each datum, of a kind and class; those that are there stay, and keep the focus.
export function marks(parent, tag, name, data, key) {
  return parent.selectAll(`${tag}.${name}`).data(data, key).join((enter) => enter.append(tag).attr("class", name));
}

// A group of the drawing, made once.
export const part = (svg, name) => marks(svg, "g", name, [0]);

export function write(parent, name, data) {
  return marks(parent, "text", name, data)
    .attr("x", (d) => d.x.toFixed(1))
    .attr("y", (d) => d.y.toFixed(1))
    .attr("text-anchor", (d) => d.anchor ?? "middle")
    .text((d) => d.text);
}

// A floor with a tick and a number below each value.
export function floor(parent, scale, values, y, words) {
  const [left, right] = scale.range();
  marks(parent, "path", "axis", [0]).attr("d", `M${left} ${y}H${right}`);
  write(parent, "number", values.map((value) => ({ x: scale(value), y: y + 14, text: typeof value === "number" ? signed(value) : value })));
  write(parent, "name", [{ x: (left + right) / 2, y: y + 29, text: words }]);
}

// Bars of what was counted in frames of the exact law, both at the places of a band scale.
export function against(parent, { x, seen, law, base, height }) {
  const total = d3.sum(seen) || 1;
  const shares = seen.map((count) => count / total);
  const scale = d3.scaleLinear([0, Math.max(...law, ...shares)], [0, height]);
  const left = x.domain().map((value) => x(value).toFixed(1));
  for (const [name, bars] of Object.entries({ seen: shares, exact: law }))
    marks(parent, "rect", name, bars)
      .attr("x", (_, i) => left[i])
      .attr("y", (p) => (base - scale(p)).toFixed(1))
      .attr("width", x.bandwidth().toFixed(1))
      .attr("height", (p) => scale(p).toFixed(1));
}

// The same lying on their sides, to the right of a drawing whose classes they have: ``ends`` are the
// edges of the classes. The exact law is one outline, for the classes may be narrow.
export function beside(parent, { ends, seen, law, left, width }) {
  const total = d3.sum(seen) || 1;
  const shares = seen.map((count) => count / total);
  const scale = d3.scaleLinear([0, Math.max(...law, ...shares)], [0, width]);
  const at = law.map((_, i) => [ends[i], ends[i + 1]].sort((a, b) => a - b));
  marks(parent, "rect", "seen", shares)
    .attr("x", left)
    .attr("y", (_, i) => at[i][0].toFixed(1))
    .attr("width", (p) => scale(p).toFixed(2))
    .attr("height", (_, i) => (at[i][1] - at[i][0]).toFixed(1));
  const steps = law.map((p, i) => `V${ends[i].toFixed(1)}H${(left + scale(p)).toFixed(2)}V${ends[i + 1].toFixed(1)}`);
  marks(parent, "path", "exact", [0]).attr("d", `M${left} ${ends[0].toFixed(1)}${steps.join("")}H${left}Z`);
}

// Half the sum of the differences between what was counted and the exact law, in words.
export function off(seen, law) {
  const total = d3.sum(seen);
  const distance = d3.sum(law, (p, i) => Math.abs(p - seen[i] / total)) / 2;
  return `the bars are ${tenths(distance)} off the exact law`;
}

// Where a floor has the numbers of a band scale.
export const middle = (x) => Object.assign((value) => x(value) + x.bandwidth() / 2, { range: x.range });

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// The page's own shortcuts do not see the keys that move a choice.
const keepKeys = (event) => event.key.startsWith("Arrow") && event.stopPropagation();

// What stands above the drawing. ``show(playing)`` draws the state as it is; a figure whose drawing has
// parts to hold puts its own in its place. What the reader does stops the player and is shown.
export class Controls {
  constructor(box, id, show) {
    Object.assign(this, { box, id, show, stop: () => {} });
  }
  act(change) {
    this.stop();
    change();
    this.show();
  }
  press(label, action) {
    const made = element("button", { type: "button", textContent: label });
    made.addEventListener("click", action);
    this.box.append(made);
    return made;
  }
  button(label, change) {
    return this.press(label, () => this.act(change));
  }
  // One of several, as radio buttons.
  choice(legend, options, chosen, change) {
    const set = element("fieldset", {}, element("legend", { textContent: legend, className: "visually-hidden" }));
    for (const [value, words] of Object.entries(options)) {
      const input = element("input", { type: "radio", name: `${this.id}-choice`, value, checked: value === chosen });
      input.addEventListener("change", () => this.act(() => change(value)));
      input.addEventListener("keydown", keepKeys);
      set.append(element("label", {}, input, ` ${words}`));
    }
    this.box.append(set);
  }
  // One of few numbers in order, as a slider; ``words`` names the one that is chosen.
  slider(name, values, chosen, change, words = String) {
    const output = element("output", { textContent: words(chosen) });
    const input = element("input", { type: "range", min: 0, max: values.length - 1, value: values.indexOf(chosen) });
    const say = (text) => {
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    };
    say(words(chosen));
    input.addEventListener("input", () => {
      const value = values[input.value];
      say(words(value));
      this.act(() => change(value));
    });
    input.addEventListener("keydown", keepKeys);
    this.box.append(element("label", {}, `${name} `, input, " ", output));
    return input;
  }
  // Another seed or another concentration: ``changed`` begins again with it.
  again(alphas, state, changed) {
    this.button("Start again", () => changed({ seed: state.seed + 1 }));
    this.slider("α", alphas, state.alpha, (alpha) => changed({ alpha }));
  }
  // Starts and stops: ``step`` does a little more each time, and says whether to go on, or after how
  // many milliseconds. Whoever asked for less motion sees the picture change twice a second.
  player(step, play = "Play") {
    let playing = false;
    let waiting = null;
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const toggle = (on) => {
      playing = on;
      clearTimeout(waiting); // or a pause that is soon over leaves two runs
      made.textContent = on ? "Pause" : play;
      made.setAttribute("aria-pressed", on);
      if (on) next();
      else this.show();
    };
    const next = () => {
      if (!playing) return;
      const on = step(still.matches ? 30 : 1);
      if (on === false) return toggle(false);
      this.show(true);
      if (still.matches || on !== true) waiting = setTimeout(next, still.matches ? 500 : on);
      else requestAnimationFrame(next);
    };
    const made = this.press(play, () => toggle(!playing));
    made.setAttribute("aria-pressed", false);
    this.stop = () => playing && toggle(false);
    return made;
  }
}

// The first few of many are shown one by one.
export const slowly = (done) => (done < 10 ? 120 : true);

const SHAKE = 3; // units of the drawing: as far as a hand that presses may tremble

// How far a group is from a place of the drawing.
const away = (group, x, y) => {
  const { e, f } = group.transform.baseVal[0].matrix;
  return [x - e, y - f];
};

// A finger that goes up or down from what moves across alone scrolls the page; the drag never hears of it.
function swiped(selection) {
  let from;
  let upright;
  selection
    .on("touchstart.swipe", ({ touches: [{ clientX, clientY }] }) => {
      from = [clientX, clientY];
      upright = undefined;
    })
    .on("touchmove.swipe", (event) => {
      const [{ clientX, clientY }] = event.touches;
      upright ??= Math.abs(clientY - from[1]) > Math.abs(clientX - from[0]);
      if (upright) event.stopImmediatePropagation();
    });
}

// Things in the drawing, groups at their places, that are moved: dragged by pointer or finger, or
// pushed by the arrow keys. ``move(d, dx, dy)`` is in the units of the drawing, from where the thing
// is; ``press(d)`` is a click, Enter or Space, and ``remove(d)`` is Delete; what cannot be done is left
// out. A key goes ``stride(d)`` far, which may
// be another distance across than up; what moves ``across`` alone goes up to the right. What is held
// already stays as it is: a finger may be on it.
export function movable(all, { move, press, remove, role = "button", across = role === "slider", stride = () => 4 }) {
  const [up, down] = across ? [[1, 0], [-1, 0]] : [[0, -1], [0, 1]];
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: up, ArrowDown: down };
  let moved = false;
  const selection = all.filter(function () {
    const fresh = !this.held;
    this.held = true;
    return fresh;
  });
  selection
    .attr("tabindex", 0)
    .attr("role", role)
    .on("click", (event, d) => {
      event.stopPropagation();
      if (!moved) press?.(d);
    })
    .on("keydown", (event, d) => {
      const step = steps[event.key];
      if (step && move) {
        const [wide, high = wide] = [stride(d)].flat();
        const times = event.shiftKey ? 5 : 1;
        move(d, times * wide * step[0], times * high * step[1]);
      } else if (press && [" ", "Enter"].includes(event.key)) press(d);
      else if (remove && ["Delete", "Backspace"].includes(event.key)) remove(d);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  if (!move) return;
  if (across) swiped(selection);
  selection
    .classed("movable", true)
    .call(
      d3
        .drag()
        .clickDistance(SHAKE)
        .subject(function () {
          const [x, y] = away(this, 0, 0);
          return { x: -x, y: -y };
        })
        .on("start", () => (moved = false))
        // The pointer is followed, not its steps: beyond an edge they would add up.
        .on("drag", function (event, d) {
          const { x, y, subject } = event;
          moved ||= Math.hypot(x - subject.x, y - subject.y) > SHAKE;
          if (moved) move(d, ...away(this, x, y));
        }),
    )
    .style("touch-action", across ? "pan-y" : "none");
}

// Upright lines that are moved to the left and right, with a grip at their second end: ``at`` in the
// drawing, a ``name`` and the ``text`` of the value; ``share`` is where it stands, from 0 to 100.
export function handles(parent, data, from, to) {
  const groups = marks(parent, "g", "handle", data)
    .attr("transform", (d) => `translate(${d.at.toFixed(1)},0)`)
    .attr("aria-label", (d) => d.name)
    .attr("aria-valuenow", (d) => Math.round(d.share))
    .attr("aria-valuemin", 0)
    .attr("aria-valuemax", 100)
    .attr("aria-valuetext", (d) => d.text)
    .attr("role", "slider");
  groups.each(function (d) {
    const one = d3.select(this);
    marks(one, "rect", "reach", [d]).attr("x", -14).attr("y", Math.min(from, to - 14)).attr("width", 28).attr("height", Math.abs(to - from) + 14);
    marks(one, "path", "line", [d]).attr("d", `M0 ${from}V${to}`);
    marks(one, "circle", "grip", [d]).attr("cy", to).attr("r", 7);
  });
  return groups;
}

// The still picture, when the book is built.
export function picture(figure, document) {
  const svg = d3.select(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
  const state = figure.still();
  svg.attr("viewBox", `0 0 ${figure.size.join(" ")}`).attr("role", "img").attr("aria-label", `${figure.label} ${figure.words(state)}`);
  figure.draw(svg, state);
  return { picture: svg.node().outerHTML, words: figure.words(state) };
}

// The figure in the page, in place of its still picture, which is printed while nobody has acted.
export function open(box, figure) {
  const picture = box.querySelector("svg");
  const status = box.querySelector(".acting-words");
  const still = { picture: picture.cloneNode(true), words: status.textContent };
  const svg = d3.select(picture).attr("role", "group").attr("aria-label", figure.label);
  status.setAttribute("role", "status");
  const state = figure.start(1);
  svg.selectAll("*").remove();
  let acted = false;
  let said = 0;
  // While it plays its words come once a second: a screen reader reads each change.
  const redraw = (playing = false) => {
    acted = true;
    figure.draw(svg, state);
    if (playing && Date.now() - said < 1000) return;
    said = Date.now();
    status.textContent = figure.words(state);
  };
  redraw();
  const panel = new Controls(box.querySelector(".acting-controls"), box.id, redraw);
  figure.controls(panel, svg, state);
  panel.show();
  acted = false;
  addEventListener("beforeprint", () => {
    if (acted) return;
    picture.replaceWith(still.picture);
    status.textContent = still.words;
  });
  addEventListener("afterprint", () => {
    if (acted) return;
    still.picture.replaceWith(picture);
    status.textContent = figure.words(state);
  });
}
