// Pages that run: "Run this page", or a cell's own "Run", executes cells in the reader's own browser.
// Nothing is loaded before somebody is about to press; without this script the page is the static page.

import { hang, listing, printed } from "./code.mjs";
import { Edits } from "./edits.mjs";
import { changed, states } from "./stale.mjs";
import { startWorker } from "./start-worker.mjs";

const config = JSON.parse(document.getElementById("live-config").textContent);
const site = new URL(config.site, location.href).href;
const base = new URL(config.base, location.href).href;
// Cells that take minutes here, and how many; "Run this page" leaves them and what needs them as they are.
const long = new Map(config.long);
const minutes = (count) => `about ${count} minute${count === 1 ? "" : "s"}`;
const megabytes = (bytes) => `${Math.max(1, Math.round(bytes / 1e6))} MB`;
const edits = new Edits(site + config.page, config.version);
// Who has no keys is told of none.
const saving = navigator.connection?.saveData;
const keys = !matchMedia("(pointer: coarse)").matches;
const size = megabytes(Object.values(config.files).reduce((sum, file) => sum + (file.size ?? 0), 0));

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function button(label, title, action) {
  const made = element("button", { type: "button", textContent: label, title });
  made.addEventListener("click", action);
  return made;
}

// A button that Python is needed for: who stays on it is about to press, so loading begins.
function runner(...about) {
  const made = button(...about);
  let resting;
  const rest = () => {
    clearTimeout(resting);
    resting = setTimeout(prepare, 200);
  };
  for (const type of ["pointerenter", "focus"]) made.addEventListener(type, rest);
  for (const type of ["pointerleave", "blur"]) made.addEventListener(type, () => clearTimeout(resting));
  return made;
}

// The text of a cell that the reader has changed.
function textOf(code) {
  // innerText knows the line breaks of an edited cell, and nothing of one in a folded solution.
  const seen = code.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  return clean(seen ? code.innerText : code.textContent);
}

function clean(text) {
  return text.replace(/\u00a0/g, " ").replace(/\n$/, "");
}

// Names in a sentence: `x`, `y` and `z`.
function listed(names) {
  return names.flatMap((name, i) => {
    const before = i === 0 ? "" : i === names.length - 1 ? " and " : ", ";
    return [before, element("code", { textContent: name })];
  });
}

// One cell of the page: its code, what it shows, and its own small bar.
class Cell {
  constructor(box, index) {
    this.box = box;
    this.index = index;
    this.code = box.querySelector(".cell_input pre");
    this.firstCode = this.code.innerHTML;
    this.firstSource = clean(this.code.textContent);
    this.output = this.firstOutput = box.querySelector(":scope > .cell_output");
    this.firstNames = config.names[index];
    this.open();
    const kept = edits.get(index);
    if (kept !== null) this.write(kept);
  }

  get source() {
    return this.touched ? textOf(this.code) : this.firstSource;
  }

  // What it needs and gives; of a change that Python has not yet read, as before it.
  get names() {
    return this.source === this.firstSource ? this.firstNames : (this.newNames ?? this.firstNames);
  }

  get edited() {
    return this.source !== this.firstSource;
  }

  write(source) {
    this.code.textContent = source;
    this.touched = true;
  }

  open() {
    const hidden = () => element("span", { className: "visually-hidden", textContent: ` cell ${this.index + 1}` });
    const run = runner("Run", `Run this cell and what it depends on${keys ? " (Shift+Enter)" : ""}`, () => runCell(this));
    run.append(hidden());
    this.undo = button("Reset", "Put this cell back as it was written", () => resetCell(this));
    this.undo.append(hidden());
    this.undo.hidden = true;
    this.mark = element("span", { className: "live-mark", id: `live-mark-${this.index + 1}` });
    this.note = element("span", { className: "live-note" });
    this.bar = element("div", { className: "live-cell" }, run, this.undo, this.mark, this.note);
    // Beside folded code the bar stays in sight; in a folded cell it is folded too.
    const input = this.box.querySelector(".cell_input");
    (input.closest("details.hide") ?? input).after(this.bar);
    this.code.contentEditable = "plaintext-only";
    if (this.code.contentEditable !== "plaintext-only") this.code.contentEditable = "true";
    const attributes = {
      role: "textbox",
      spellcheck: "false",
      autocapitalize: "off",
      autocorrect: "off",
      "aria-multiline": "true",
      "aria-label": `Code of cell ${this.index + 1}${keys ? ". Shift+Enter runs it, Escape leaves it." : ""}`,
      "aria-describedby": this.mark.id,
    };
    for (const [name, value] of Object.entries(attributes)) this.code.setAttribute(name, value);
    this.code.addEventListener("keydown", this.onKey);
    this.code.addEventListener("input", () => {
      this.touched = true;
      onEdit(this);
    });
    this.code.addEventListener("blur", () => this.touched && hang(this.code));
  }

  // Say whether what it shows is what its code, as it stands now, would show.
  judge(now) {
    this.undo.hidden = !this.edited;
    const stale = now.id !== this.shown.id;
    if (stale && !this.stale) this.note.textContent = "";
    this.stale = stale;
    this.box.classList.toggle("live-stale", stale);
    this.mark.replaceChildren(...this.reason(now));
    const first = published[this.index].id;
    this.mend(now.id !== first || this.shown.id !== first);
  }

  reason(now) {
    if (now.source !== this.shown.source) return ["Edited, not run yet."];
    const names = changed(this.shown, now);
    if (!names.length) return [];
    return ["Out of date: ", ...listed(names), ` ${names.length > 1 ? "were" : "was"} changed above.`];
  }

  // A caption speaks of the figure as it was written.
  mend(other) {
    for (const caption of this.box.querySelectorAll("figcaption")) {
      caption.querySelector(".live-edited")?.remove();
      if (other) caption.prepend(element("span", { className: "live-edited", textContent: "Edited; the caption is of the original. " }));
    }
  }

  // The page's own shortcuts, such as "/", stay out of the text; Tab and Escape lead out of it.
  onKey = (event) => {
    if (event.key === "Tab") return;
    event.stopPropagation();
    if (event.key === "Escape") this.code.blur();
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (event.shiftKey) return runCell(this);
    const at = getSelection().getRangeAt(0).cloneRange();
    at.setStart(this.code, 0);
    const line = at.toString().split("\n").pop();
    const deeper = line.trimEnd().endsWith(":") ? "    " : "";
    document.execCommand("insertText", false, `\n${line.match(/^ */)[0]}${deeper}`);
  };

  reset() {
    this.code.innerHTML = this.firstCode;
    this.touched = false;
    this.show(this.firstOutput);
    this.shown = published[this.index];
    this.note.textContent = "";
    this.box.classList.remove("live-running", "live-error");
    edits.set(this.index, this.firstSource, this.firstSource);
  }

  show(output) {
    if (this.output && this.output !== output) this.output.remove();
    if (output) this.box.append(output);
    this.output = output;
  }

  begin() {
    this.box.classList.add("live-running");
    this.box.classList.remove("live-error");
    this.note.textContent = "running …";
    this.fresh = element("div", { className: "cell_output docutils container live-output" });
    this.text = undefined;
  }

  // Text as the static page shows it; the old output stays until there is something new.
  print(text, kind = "stream") {
    if (this.text?.dataset.kind !== kind) {
      this.text = element("pre");
      this.text.dataset.kind = kind;
      const frame = element("div", { className: "highlight" }, this.text);
      this.fresh.append(element("div", { className: `output ${kind} highlight-myst-ansi notranslate` }, frame));
    }
    this.text.append(text);
    this.show(this.fresh);
  }

  // A picture takes the place, the caption and the description of the one it replaces.
  picture(drawing, place) {
    const before = this.firstOutput?.querySelectorAll("svg.drawing, img")[place];
    const frame = before?.closest("figure, .output");
    const svg = new DOMParser().parseFromString(drawing, "text/html").querySelector("svg");
    const same = before && this.shown.id === published[this.index].id;
    const label = before?.getAttribute("aria-label") ?? before?.alt;
    svg.setAttribute("aria-label", same ? label : `Figure drawn by cell ${this.index + 1}`);
    const copy = frame?.cloneNode(true);
    copy?.querySelector("svg.drawing, img").replaceWith(svg);
    this.fresh.append(copy ?? svg);
  }

  // A value that is a table.
  tabulate(html) {
    this.text = undefined;
    this.fresh.append(element("div", { className: "output text_html" }, listing(html)));
  }

  finish({ value, html, figures, error, seconds }) {
    if (html) this.tabulate(html);
    else if (value !== undefined && value !== null) this.print(`${value}\n`, "text_plain");
    figures.forEach((data, place) => this.picture(data, place));
    if (error) this.print(`${error}\n`, "traceback");
    for (const text of this.fresh.querySelectorAll("pre")) printed(text);
    this.show(this.fresh.hasChildNodes() ? this.fresh : null);
    this.end(error ? "stopped at an error" : `ran in ${seconds < 0.1 ? "under 0.1" : seconds.toFixed(1)} s`);
    this.box.classList.toggle("live-error", Boolean(error));
  }

  end(note) {
    this.box.classList.remove("live-running");
    this.note.textContent = note;
  }
}

const QUEUED = "waiting …";

const cells = [...document.querySelectorAll("article.bd-article div.cell")]
  .filter((box) => box.querySelector(".cell_input pre"))
  .map((box, index) => new Cell(box, index));
// What each cell shows, in the page as it was written and now.
const published = states(cells.map((cell) => cell.firstSource), config.names);
for (const cell of cells) cell.shown = published[cell.index];

const bar = element("section", { className: "live-bar" });
bar.setAttribute("aria-label", "Run this page");
const status = element("p", { className: "live-status" });
status.setAttribute("role", "status");
const progress = element("progress", { max: 1, value: 0, hidden: true });
progress.setAttribute("aria-label", "Loading Python");
const start = runner("Run this page", "", runPage);
const stop = button("Stop", "Stop what is running; Python starts afresh next time", stopPage);
const reset = button("Reset page", "Put the page back as it was written", resetPage);
const invitation = `Python runs in your browser, with nothing to install: it loads ${size} once, and shows its first result after 10 to 15 seconds.`;
bar.append(element("div", { className: "live-buttons" }, start, stop, reset), status, progress);
document.querySelector("article.bd-article h1").after(bar);

let worker;
let loading = false; // Python
let running; // the cell that is
let waiting = 0; // requests under way
let left = 0; // cells that the last run of the whole page left out
let stopped = false; // Python was, and a press alone loads it again
let stale = 0; // cells out of date through others
let read = published; // the states of the sources that Python read last
let later; // the time when it is to read them again
let lastAnnounced = 0;

function say(text) {
  status.textContent = text;
}

// How far Python is; where nobody has pressed, what is out of date is said first.
function report(text) {
  if (waiting || !stale) say(text);
}

function look() {
  stop.hidden = waiting === 0 && !loading;
  start.disabled = waiting > 0;
  bar.classList.toggle("live-busy", waiting > 0);
  for (const cell of waiting ? [] : cells) if (cell.note.textContent === QUEUED) cell.end("");
}

// Mark what is out of date; returns how many cells are because of others.
function refresh() {
  const now = states(cells.map((cell) => cell.source), cells.map((cell) => cell.names));
  for (const cell of cells) cell.judge(now[cell.index]);
  const changes = cells.some((cell) => cell.edited || cell.output !== cell.firstOutput);
  reset.hidden = !changes;
  bar.classList.toggle("live-open", changes || waiting > 0);
  return cells.filter((cell) => cell.stale && !cell.edited).length;
}

function announce() {
  const before = stale;
  stale = refresh();
  if (waiting || stale === before) return;
  if (stale) say(`${stale} cell${stale === 1 ? " is" : "s are"} out of date. Run them one by one, or all.`);
  else say("No cell is out of date.");
}

function onEdit(cell) {
  edits.set(cell.index, cell.source, cell.firstSource);
  announce();
  prepare();
  clearTimeout(later);
  later = setTimeout(() => worker?.postMessage({ type: "names", sources: sources() }), 300);
}

function sources() {
  return cells.map((cell) => cell.source);
}

const on = {
  names({ sources, names }) {
    for (const cell of cells) if (cell.source === sources[cell.index]) cell.newNames = names[cell.index];
    const known = cells.map(({ firstSource, firstNames }, i) => (sources[i] === firstSource ? firstNames : names[i]));
    read = states(sources, known);
    announce();
  },
  progress({ loaded, total, name }) {
    progress.hidden = false;
    progress.value = loaded / total;
    // Not every chunk: a screen reader reads each change.
    if (Date.now() - lastAnnounced < 1000) return;
    lastAnnounced = Date.now();
    report(`Loading Python: ${megabytes(loaded)} of ${megabytes(total)} (${name.split("-")[0]})`);
  },
  starting() {
    report("Loaded; starting Python …");
  },
  ready() {
    progress.hidden = true;
    loading = false;
    if (!waiting) report("Python is ready.");
    look();
  },
  running({ index }) {
    progress.hidden = true;
    running = cells[index];
    running.begin();
    say(`Running cell ${index + 1} of ${cells.length} …`);
  },
  text({ text }) {
    running?.print(text);
  },
  finished(result) {
    const cell = cells[result.index];
    cell.shown = read[result.index];
    cell.finish(result);
    running = undefined;
    stale = refresh();
    if (result.error) say(`Cell ${result.index + 1} stopped at an error.`);
  },
  awaiting({ awaited }) {
    left = awaited.length;
    for (const [i, j] of awaited) {
      cells[i].end(i === j ? `left out: takes ${minutes(long.get(i))} here` : `left out: it needs cell ${j + 1}`);
    }
  },
  done({ ok }) {
    waiting -= 1;
    const but = left ? `, but for ${left} cells left out, which take minutes or need one that does` : "";
    const how = keys ? "Shift+Enter" : "its Run";
    if (ok && !waiting) say(`Done${but}. Change any cell; ${how} runs it with what it depends on.`);
    look();
  },
  failed({ message }) {
    halt();
    say(message);
  },
};

function python() {
  if (worker) return worker;
  const script = JSON.stringify(new URL("live-worker.mjs", import.meta.url));
  worker = startWorker(`await import(${script});`);
  worker.addEventListener("message", ({ data }) => on[data.type](data));
  worker.addEventListener("error", (event) => on.failed({ message: event.message || "Python did not start." }));
  worker.postMessage({ type: "start", ...config, base, site });
  loading = true;
  report("Loading Python …");
  return worker;
}

// Load Python before it is asked for, but neither where data are dear nor after "Stop".
function prepare() {
  if (worker || stopped || saving) return;
  python();
  look();
}

function request(index) {
  start.textContent = "Run all";
  waiting += 1;
  left = 0;
  if (loading) report("Loading Python …");
  python().postMessage({ type: "run", sources: sources(), index, long: [...long.keys()] });
  refresh();
  look();
}

function runPage() {
  request(undefined);
}

function runCell(cell) {
  cell.end(QUEUED);
  request(cell.index);
}

function halt() {
  worker?.terminate();
  worker = undefined;
  stopped = true;
  running?.end("stopped");
  running = undefined;
  waiting = 0;
  loading = false;
  progress.hidden = true;
  look();
}

function stopPage() {
  halt();
  say("Stopped. The next run starts Python afresh.");
  start.focus();
}

function resetPage() {
  halt();
  for (const cell of cells) cell.reset();
  stale = refresh();
  start.textContent = "Run this page";
  say(invitation);
  start.focus();
}

function resetCell(cell) {
  cell.reset();
  announce();
  cell.code.focus();
}

const kept = cells.filter((cell) => cell.edited).length;
stale = refresh();
say(kept ? `Your changes to ${kept} cell${kept === 1 ? "" : "s"} of this page were kept in this browser.` : invitation);
look();
