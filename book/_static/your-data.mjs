// The page "Your data": a table is read and analysed by Python in the reader's own browser, in a
// worker that has no network. Nothing is loaded before a table has come.

import { Files } from "./python-files.mjs";
import { startWorker } from "./start-worker.mjs";

// More is no table for a browser; how much of one it has time for, Python says.
const MOST_BYTES = 50e6;
// Python computes until it looks whether to go on; where it does not, it is ended.
const PATIENCE = 30_000;
const HUES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#7f7f7f"];
// What a column may be taken for; by itself it is a measurement, or yes/no where it holds 0 and 1.
const KINDS = [["", "measurement"], ["amount", "amount > 0"], ["count", "count"], ["yes/no", "yes/no"], ["category", "category"]];
const POLICY = "default-src 'none'; script-src blob: 'wasm-unsafe-eval'; worker-src blob:; connect-src blob:";

const form = document.getElementById("your-data-form");
const find = (name) => form.querySelector(`.your-data-${name}`);
const [tablePart, columnPart, answerPart] = form.querySelectorAll(".your-data-part");
const { sample, paste, analyse, stop, file, text } = form.elements;
const config = JSON.parse(document.getElementById("live-config").textContent);
config.site = new URL(config.site, location.href).href;
config.base = new URL(config.base, location.href).href;
const megabytes = (bytes) => `${Math.max(1, Math.round(bytes / 1e6))} MB`;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

let starting; // promise of a worker with Python
let worker, frame, token, watchdog;
let table = {}; // what was opened last; without a content it is the sample
let answered = false;

let spoken = 0;
function say(words, often = false) {
  // Not every sweep: a screen reader reads each change.
  if (often && Date.now() - spoken < 1500) return;
  spoken = Date.now();
  find("bar").hidden = !words;
  find("status").textContent = words;
}

function move(value) {
  const progress = form.querySelector("progress");
  if (value === undefined) progress.removeAttribute("value");
  else progress.value = value;
}

function refuse(words) {
  find("refused").textContent = words;
  find("refused").hidden = !words;
}

let tooLarge = false; // the table, for a browser
function busy(now) {
  for (const button of [sample, paste, file]) button.disabled = now;
  analyse.disabled = now || tooLarge;
  for (const button of find("files").querySelectorAll("button")) button.disabled = now;
  form.querySelector("progress").hidden = !now;
}

// Load Python's files, each of which the page checks; only then begin its worker.
async function load() {
  say("Loading Python …");
  const files = new Files(config, ({ loaded, total, name }) => {
    move(loaded / total);
    say(`Loading Python: ${megabytes(loaded)} of ${megabytes(total)} (${name.split("-")[0]})`, true);
  });
  const own = ["python.mjs", "your-data-worker.mjs", "your_data.py"].map((name) =>
    fetch(new URL(name, import.meta.url)).then((answer) => {
      if (!answer.ok) throw new Error(`${name} could not be loaded (${answer.status}).`);
      return answer.text();
    }),
  );
  const [bytes, ...texts] = await Promise.all([files.all(), ...own]);
  const blobs = new Map(files.addresses.map((address, i) => [address, new Blob([bytes[i]])]));
  return { blobs, archives: files.archives, texts };
}

// A frame whose policy lets nothing be loaded from anywhere, for the worker that begins in it.
function cell() {
  frame = element("iframe", { hidden: true, title: "Python" });
  document.body.append(frame);
  frame.contentDocument.head.append(element("meta", { httpEquiv: "Content-Security-Policy", content: POLICY }));
  return frame.contentWindow;
}

const module = (code) => JSON.stringify(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
let loading;

async function python() {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  const { blobs, archives, texts } = await loading;
  say("Starting Python …");
  move();
  const [start, serve, program] = texts;
  const code = `const [{ startPython }, { serve }] = await Promise.all([import(${module(start)}), import(${module(serve)})]);
    serve(startPython);`;
  worker = startWorker(code, cell().Worker);
  let begun = false;
  return new Promise((ready, failed) => {
    worker.addEventListener("message", ({ data }) => {
      if (data.type === "ready") {
        begun = true;
        ready();
      } else if (data.type === "failed" && !begun) failed(new Error(data.message));
      else on[data.type](data);
    });
    worker.addEventListener("error", (event) => failed(new Error(event.message || "Python did not start.")));
    worker.postMessage({ type: "start", config, blobs, archives, program, table });
  });
}

// Have Python do something; it goes on as long as a blob of the page's is there.
async function ask(task, options = {}) {
  busy(true);
  refuse("");
  try {
    starting ??= python();
    await starting;
    token = URL.createObjectURL(new Blob(["go on"]));
    worker.postMessage({ type: "do", task, options, token });
  } catch (error) {
    on.failed(error);
  }
}

function withdraw() {
  if (token) URL.revokeObjectURL(token);
  token = undefined;
}

// Without its worker the page is as before Python came; its files are kept, and the next worker is
// given the table that is open. What the worker found is gone but for what is shown.
function end() {
  clearTimeout(watchdog);
  withdraw();
  worker?.terminate();
  frame?.remove();
  worker = starting = undefined;
  busy(false);
  stop.hidden = find("files").hidden = true;
}

const minutes = (seconds) =>
  seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;

let needed; // sweeps, as the chains were last seen
const on = {
  opened({ name, rows, columns, large }) {
    find("about").textContent = `${name}: ${rows} rows, ${columns.length} column${columns.length === 1 ? "" : "s"}.`;
    const usable = columns.filter((column) => column.numbers && !column.gaps);
    const chosen = new Set(usable.slice(0, 10));
    find("columns").replaceChildren(
      ...columns.map((column) => {
        const box = element("input", { type: "checkbox", name: "column", value: column.name, checked: chosen.has(column) });
        const cells = column.cells.map((content) => content || "(empty)").join(", ");
        const notes = [];
        if (column.gaps) notes.push(`${column.gaps} gap${column.gaps === 1 ? "" : "s"}`);
        if (!column.numbers) notes.push("not all plain numbers");
        const note = `${cells}, …${notes.length ? ` (${notes.join("; ")})` : ""}`;
        const name = column.name || "(no name)";
        const kind = element("select", { name: "kind" }, ...KINDS.map(([value, words]) => new Option(words, value)));
        kind.setAttribute("aria-label", `What ${name} is`);
        const label = element("label", {}, box, element("b", { textContent: name }), element("span", { textContent: note }));
        return element("div", {}, label, kind);
      }),
    );
    columnPart.hidden = false;
    answerPart.hidden = true;
    if (usable.length > 10) find("about").textContent += " The first ten columns of numbers are chosen: few columns that matter say more than many.";
    if (large) refuse(large);
    say(large ? "Too large for a browser." : "Choose columns, and ask.");
    tooLarge = Boolean(large);
    columnPart.querySelector("input, button")?.focus({ preventScroll: true });
  },
  first({ large, converged, clusters, ...seen }) {
    show(seen, clusters);
    const plural = large === 1 ? "cluster" : "clusters";
    find("kind").textContent =
      `First answer, by mean field: ${large} ${plural} with at least 5% of the rows. It is one approximation, without its uncertainty` +
      `${converged ? "" : ", cut short after some seconds"}: not to be reported. The sampler, which follows, has that.`;
    find("fit").hidden = find("law").hidden = find("text").hidden = true;
  },
  sweeps({ done, most, each }) {
    stop.hidden = false;
    const aim = Math.min(most, needed ?? Math.min(500, most));
    move(Math.min(1, done / aim));
    const left = minutes((aim - done) * each);
    const what = needed === undefined ? "first look at the chains in about" : "enough, as far as can be told, in about";
    say(`Sampling: sweep ${done} of each chain, of at most ${most}; ${what} ${left}.`, true);
  },
  look(seen) {
    needed = seen.needed;
    found(seen, `After ${seen.done} sweeps of each chain, and still sampling: not yet to be reported.`);
  },
  last(seen) {
    const { done, most, fit } = seen;
    const why = done < most ? "The sampler" : `The sampler, ended at its limit of ${most} sweeps`;
    found(seen, fit ? `The sampler's answer, after ${done} sweeps of each chain.` : `${why}, stopped after ${done} sweeps of each chain: not to be reported.`);
    find("fit").hidden = !fit;
    say(fit ? "Done: fit to report." : "Done: not fit to report.");
  },
  heard() {
    clearTimeout(watchdog);
    say("Stopping: the answer so far is on its way …");
  },
  stopped({ text }) {
    say(answered ? "Stopped. What mean field found stands below." : text);
  },
  refused({ text }) {
    say("");
    refuse(text);
  },
  made({ name, text }) {
    const link = element("a", { download: name, href: URL.createObjectURL(new Blob([text])) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    say(`${name} is made.`);
  },
  failed({ message }) {
    end();
    say("");
    refuse(`${message} Try again, or use the command dpnotes.`);
  },
  done({ task }) {
    clearTimeout(watchdog);
    withdraw();
    busy(false);
    stop.hidden = true;
    if (task === "analyse" && answered) find("files").hidden = false;
  },
};

function found({ law, text, clusters, ...seen }, words) {
  show(seen, clusters);
  find("kind").textContent = words;
  find("text").hidden = find("law").hidden = false;
  find("text").textContent = text;
  const most = Math.max(...law.map(([, p]) => p));
  find("law").querySelector("tbody").replaceChildren(
    ...law.map(([k, p, error]) => {
      const bar = element("span", { className: "your-data-share" });
      bar.style.inlineSize = `${(100 * p) / most}%`;
      return element("tr", {}, element("th", { scope: "row", textContent: k }), element("td", {}, bar, p.toFixed(3)), element("td", { textContent: error.toFixed(3) }));
    }),
  );
}

function show(seen, clusters) {
  answerPart.hidden = false;
  answered = true;
  find("clusters").textContent = clusters;
  draw(seen);
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// The rows in two of the columns, or in one, each in the colour of its cluster.
function draw({ names, x, partition }) {
  const width = 320, height = names.length > 1 ? 240 : 90, edge = 8;
  const span = [0, 1].map((j) => {
    const values = x.map((row) => row[j]).filter(Number.isFinite);
    return [Math.min(...values), Math.max(...values)];
  });
  const at = (value, [low, high], room) => edge + ((room - 2 * edge) * (value - low)) / (high - low || 1);
  const points = x.flatMap((row, i) => {
    if (row.slice(0, 2).includes(null)) return []; // a gap has no place
    // One column: rows of a cluster on a line of their own.
    const y = names.length > 1 ? height - at(row[1], span[1], height) : 12 + (66 * (partition[i] % 8)) / 8;
    return svg("circle", { cx: at(row[0], span[0], width).toFixed(1), cy: y.toFixed(1), r: 2.2, fill: HUES[partition[i] % HUES.length] });
  });
  const count = new Set(partition).size;
  const label = `${points.length} rows in ${count} cluster${count === 1 ? "" : "s"}, each in its colour`;
  find("axes").replaceChildren(svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...points));
  find("picture").querySelector("figcaption").textContent =
    names.length > 1 ? `${names[1]} (upwards) by ${names[0]}, in the colours of the clusters` : `${names[0]}, a line a cluster`;
}

function open(name, bytes) {
  if (bytes.byteLength > MOST_BYTES) {
    say("");
    return refuse(`${name} has ${megabytes(bytes.byteLength)}, too much for a browser. The command does it: dpnotes analyse YOUR.csv --columns NAME,NAME`);
  }
  begin({ name, content: new Uint8Array(bytes) });
}

function begin(chosen) {
  answered = false;
  answerPart.hidden = columnPart.hidden = true;
  table = chosen;
  ask("open", table);
}

async function take(chosen) {
  if (!chosen) return;
  refuse("");
  say("Reading the table …"); // what stood here was said of the table before
  let bytes;
  try {
    bytes = await chosen.arrayBuffer();
  } catch {
    say("");
    return refuse(`${chosen.name} cannot be read: it is a folder, or no longer there. Choose one file, a table.`);
  }
  open(chosen.name, bytes);
}
file.addEventListener("change", () => take(file.files[0]));
paste.addEventListener("click", () => open("pasted.csv", new TextEncoder().encode(text.value).buffer));
sample.addEventListener("click", () => begin({}));

const drop = find("drop");
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  tablePart.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle("your-data-over", type === "dragenter" || type === "dragover");
    if (type === "drop" && !file.disabled) take(event.dataTransfer.files[0]);
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = [...form.querySelectorAll("[name=column]:checked")];
  if (!chosen.length) return refuse("Choose at least one column.");
  const kinds = chosen.map((box) => [box.value, box.closest("div").querySelector("select").value]).filter(([, kind]) => kind);
  const { decimal, thousands, missing, covariance, seed } = form.elements;
  answered = false;
  needed = undefined;
  find("files").hidden = true;
  answerPart.hidden = true;
  say("Mean field first, in some seconds …");
  move();
  stop.hidden = false;
  ask("analyse", {
    columns: chosen.map((box) => box.value),
    kinds: kinds.length ? Object.fromEntries(kinds) : undefined,
    missing: missing.value || undefined,
    decimal: decimal.value || undefined,
    thousands: thousands.value || undefined,
    covariance: covariance.value || undefined,
    seed: Number(seed.value),
  });
});

stop.addEventListener("click", () => {
  withdraw();
  say("Stopping …");
  watchdog = setTimeout(() => {
    end();
    say(answered ? "Stopped. What was found so far stands below." : "Stopped.");
  }, PATIENCE);
});

for (const button of find("files").querySelectorAll("button")) {
  button.addEventListener("click", () => ask("take", { what: button.name }));
}
