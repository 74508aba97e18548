// What figures to act on share: where they stand in the page, axes, bars, controls, words, chance, and
// what makes them usable by pointer, touch and keyboard. Each figure is a module of its own,
// act-KIND.mjs (act.mjs opens it), which exports size, label, start, still, draw, words and controls.

import d3 from "./d3/d3.mjs";

export { d3 };

export const hue = (k) => `var(--figure-${(k % 6) + 1})`;
export const percent = (p) => (p < 0.005 ? "under 1 %" : `${Math.round(100 * p)} %`);
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
  return { uniform, normal, choose };
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
  write(parent, "number", values.map((value) => ({ x: scale(value), y: y + 14, text: value })));
  write(parent, "name", [{ x: (left + right) / 2, y: y + 29, text: words }]);
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// What stands above the drawing.
export class Controls {
  constructor(box, id) {
    Object.assign(this, { box, id });
  }
  button(label, action) {
    const made = element("button", { type: "button", textContent: label });
    made.addEventListener("click", action);
    this.box.append(made);
    return made;
  }
  // One of several, as radio buttons.
  choice(legend, options, chosen, action) {
    const set = element("fieldset", {}, element("legend", { textContent: legend, className: "visually-hidden" }));
    for (const [value, words] of Object.entries(options)) {
      const input = element("input", { type: "radio", name: `${this.id}-choice`, value, checked: value === chosen });
      input.addEventListener("change", () => action(value));
      // The page's own shortcuts do not see the keys that move the choice.
      input.addEventListener("keydown", (event) => event.key.startsWith("Arrow") && event.stopPropagation());
      set.append(element("label", {}, input, ` ${words}`));
    }
    this.box.append(set);
  }
  // Starts and stops: ``step`` does a little more each time, and says whether to go on. Whoever asked
  // for less motion sees the picture change twice a second.
  player(labels, step) {
    let playing = false;
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const toggle = (on) => {
      playing = on;
      made.textContent = labels[on ? 1 : 0];
      made.setAttribute("aria-pressed", on);
      if (on) next();
    };
    const next = () => {
      if (!playing) return;
      if (!step(still.matches ? 30 : 1)) return toggle(false);
      if (still.matches) setTimeout(next, 500);
      else requestAnimationFrame(next);
    };
    const made = this.button(labels[0], () => toggle(!playing));
    made.setAttribute("aria-pressed", false);
    made.stop = () => playing && toggle(false);
    return made;
  }
}

// Things in the drawing that are moved: dragged by pointer or finger, or pushed by the arrow keys.
// ``move(d, dx, dy)`` is in the units of the drawing, ``press(d)`` is a click, Enter or Space, and
// ``remove(d)`` is Delete. What is held already stays as it is: a finger may be on it.
export function movable(all, { move, press, remove }) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let moved;
  const selection = all.filter(function () {
    const fresh = !this.held;
    this.held = true;
    return fresh;
  });
  selection
    .attr("tabindex", 0)
    .attr("role", "button")
    .call(
      d3
        .drag()
        .on("start", () => (moved = false))
        .on("drag", (event, d) => {
          moved = true;
          move(d, event.dx, event.dy);
        }),
    )
    .on("click", (event, d) => {
      event.stopPropagation();
      if (!moved) press(d);
    })
    .on("keydown", (event, d) => {
      const step = steps[event.key];
      if (step) move(d, ...step.map((one) => one * (event.shiftKey ? 20 : 4)));
      else if (event.key === "Enter" || event.key === " ") press(d);
      else if (event.key === "Delete" || event.key === "Backspace") remove(d);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
}

// The still picture, when the book is built.
export function picture(figure, document) {
  const svg = d3.select(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
  const state = figure.still();
  svg.attr("viewBox", `0 0 ${figure.size.join(" ")}`).attr("role", "img").attr("aria-label", `${figure.label} ${figure.words(state)}`);
  figure.draw(svg, state);
  return { picture: svg.node().outerHTML, words: figure.words(state) };
}

// The figure in the page, in place of its still picture.
export function open(box, figure) {
  const svg = d3.select(box).select("svg").attr("role", "group").attr("aria-label", figure.label);
  const status = box.querySelector(".acting-words");
  status.setAttribute("role", "status");
  const state = figure.start(1);
  svg.selectAll("*").remove();
  let said = 0;
  // While it plays its words come once a second: a screen reader reads each change.
  const redraw = (playing = false) => {
    figure.draw(svg, state);
    if (playing && Date.now() - said < 1000) return;
    said = Date.now();
    status.textContent = figure.words(state);
  };
  figure.controls(new Controls(box.querySelector(".acting-controls"), box.id), svg, state, redraw);
  redraw();
}
