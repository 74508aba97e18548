// Pages that run: "Run this page" executes the page's cells in the reader's own browser.
// Nothing is loaded before the button is pressed; without this script the page is the static page.

import { hang, printed } from "./code.mjs";

const config = JSON.parse(document.getElementById("live-config").textContent);
const site = new URL(config.site, location.href).href;
const base = new URL(config.base, location.href).href;
// Cells that take minutes here, and how many; "Run this page" leaves them and what needs them as they are.
const long = new Map(config.long);
const minutes = (count) => `about ${count} minute${count === 1 ? "" : "s"}`;
const megabytes = (bytes) => `${Math.max(1, Math.round(bytes / 1e6))} MB`;
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

// One cell of the page: its code, what it shows, and its own small bar.
class Cell {
  constructor(box, index) {
    this.box = box;
    this.index = index;
    this.code = box.querySelector(".cell_input pre");
    this.firstCode = this.code.innerHTML;
    this.output = this.firstOutput = box.querySelector(":scope > .cell_output");
  }

  get source() {
    // innerText knows the line breaks of an edited cell, and nothing of one in a folded solution.
    const seen = this.code.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    return (seen ? this.code.innerText : this.code.textContent).replace(/\u00a0/g, " ").replace(/\n$/, "");
  }

  open() {
    if (this.bar) return;
    this.firstSource = this.source;
    this.note = element("span", { className: "live-note" });
    const run = button("Run", "Run this cell and what it depends on (Shift+Enter)", () => runCell(this));
    run.append(element("span", { className: "visually-hidden", textContent: ` cell ${this.index + 1}` }));
    this.bar = element("div", { className: "live-cell" }, run, this.note);
    this.box.querySelector(".cell_input").after(this.bar);
    this.code.contentEditable = "plaintext-only";
    if (this.code.contentEditable !== "plaintext-only") this.code.contentEditable = "true";
    this.code.spellcheck = false;
    this.code.setAttribute("role", "textbox");
    this.code.setAttribute("aria-multiline", "true");
    this.code.setAttribute("aria-label", `Code of cell ${this.index + 1}. Shift+Enter runs it, Escape leaves it.`);
    this.code.addEventListener("keydown", this.onKey);
    this.code.addEventListener("blur", this.onLeave);
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

  onLeave = () => hang(this.code);

  close() {
    this.code.innerHTML = this.firstCode;
    for (const name of ["contenteditable", "role", "aria-multiline", "aria-label", "spellcheck"]) {
      this.code.removeAttribute(name);
    }
    this.code.removeEventListener("keydown", this.onKey);
    this.code.removeEventListener("blur", this.onLeave);
    this.bar?.remove();
    this.bar = undefined;
    this.show(this.firstOutput);
    this.box.classList.remove("live-running", "live-error");
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
  picture(data, place) {
    const images = [...(this.firstOutput?.querySelectorAll("img") ?? [])];
    const before = images[place]?.closest("figure, .output") ?? images[place];
    const copy = before ? before.cloneNode(true) : element("img");
    const image = copy.matches("img") ? copy : copy.querySelector("img");
    image.src = `data:image/png;base64,${data}`;
    if (!before || this.source !== this.firstSource) image.alt = `Figure drawn by cell ${this.index + 1}`;
    this.fresh.append(copy);
  }

  finish({ value, figures, error, seconds }) {
    if (value !== undefined && value !== null) this.print(`${value}\n`, "text_plain");
    figures.forEach((data, place) => this.picture(data, place));
    if (error) this.print(`${error}\n`, "traceback");
    for (const text of this.fresh.querySelectorAll("pre")) printed(text);
    this.show(this.fresh.hasChildNodes() ? this.fresh : null);
    this.end(error ? "stopped at an error" : `ran in ${seconds < 0.1 ? "under 0.1" : seconds.toFixed(1)} s`);
    this.box.classList.toggle("live-error", Boolean(error));
  }

  end(note) {
    this.box.classList.remove("live-running");
    if (this.note) this.note.textContent = note;
  }
}

const cells = [...document.querySelectorAll("article.bd-article div.cell")]
  .filter((box) => box.querySelector(".cell_input pre"))
  .map((box, index) => new Cell(box, index));

const bar = element("section", { className: "live-bar" });
bar.setAttribute("aria-label", "Run this page");
const status = element("p", { className: "live-status" });
status.setAttribute("role", "status");
const progress = element("progress", { max: 1, value: 0, hidden: true });
progress.setAttribute("aria-label", "Loading Python");
const start = button("Run this page", "", runPage);
const stop = button("Stop", "Stop what is running; Python starts afresh next time", stopPage);
const reset = button("Reset", "Put the page back as it was written", resetPage);
const invitation = `Python runs in your browser, with nothing to install: it loads ${size} once, and shows its first result after about 15 seconds.`;
bar.append(element("div", { className: "live-buttons" }, start, stop, reset), status, progress);
document.querySelector("article.bd-article h1").after(bar);

let worker;
let running; // the cell that is
let waiting = 0; // requests under way
let left = 0; // cells that the last run of the whole page left out
let lastAnnounced = 0;

function say(text) {
  status.textContent = text;
}

function look() {
  stop.hidden = waiting === 0;
  start.disabled = waiting > 0;
  bar.classList.toggle("live-busy", waiting > 0);
}

const on = {
  progress({ loaded, total, name }) {
    progress.hidden = false;
    progress.value = loaded / total;
    // Not every chunk: a screen reader reads each change.
    if (Date.now() - lastAnnounced < 1000) return;
    lastAnnounced = Date.now();
    say(`Loading Python: ${megabytes(loaded)} of ${megabytes(total)} (${name.split("-")[0]})`);
  },
  starting() {
    say("Loaded; starting Python …");
  },
  ready() {
    progress.hidden = true;
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
    cell.finish(result);
    running = undefined;
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
    if (ok && !waiting) say(`Done${but}. Change any cell; Shift+Enter runs it with what it depends on.`);
    look();
  },
  failed({ message }) {
    halt();
    say(message);
  },
};

function python() {
  if (worker) return worker;
  worker = new Worker(new URL("live-worker.mjs", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }) => on[data.type](data));
  worker.addEventListener("error", (event) => on.failed({ message: event.message || "Python did not start." }));
  worker.postMessage({ type: "start", ...config, base, site });
  say("Loading Python …");
  return worker;
}

function request(index) {
  for (const cell of cells) cell.open();
  bar.classList.add("live-open");
  reset.hidden = false;
  start.textContent = "Run all";
  waiting += 1;
  left = 0;
  python().postMessage({ type: "run", sources: cells.map((cell) => cell.source), index, long: [...long.keys()] });
  look();
}

function runPage() {
  request(undefined);
}

function runCell(cell) {
  request(cell.index);
}

function halt() {
  worker?.terminate();
  worker = undefined;
  running?.end("stopped");
  running = undefined;
  waiting = 0;
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
  for (const cell of cells) cell.close();
  bar.classList.remove("live-open");
  reset.hidden = true;
  start.textContent = "Run this page";
  say(invitation);
  start.focus();
}

reset.hidden = true;
say(invitation);
look();
