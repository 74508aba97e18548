// Python for one page, in a worker of its own: loads Pyodide, checks every byte, runs cells.
// Messages in: start (once), then names and run. Messages out: progress, starting, ready, names,
// running, text, finished, awaiting, done, failed.

import { Files } from "./python-files.mjs";
import { startPython } from "./python.mjs";

const post = (type, data) => self.postMessage({ type, ...data });
let pyodide, page;

async function start(config) {
  const files = new Files(config, (amount) => post("progress", amount));
  // All at once; a failure shows where the file is used.
  files.all().then(() => post("starting"), () => {});
  const cells = fetch(new URL("live_cells.py", import.meta.url));
  pyodide = await startPython(config, files);
  const { base } = config;
  const lock = JSON.parse(new TextDecoder().decode(await files.checked(`${base}pyodide-lock.json`)));
  for (const { file_name, sha256 } of Object.values(lock.packages)) {
    if (!files.has(base + file_name)) files.add(base + file_name, file_name, { sha256 });
  }
  for (const stream of ["setStdout", "setStderr"]) {
    const decoder = new TextDecoder();
    const write = (bytes) => {
      post("text", { text: decoder.decode(bytes, { stream: true }) });
      return bytes.length;
    };
    pyodide[stream]({ write });
  }
  const namespace = pyodide.globals.get("dict")();
  pyodide.runPython(await (await cells).text(), { globals: namespace });
  namespace.get("widen")(pyodide.pyimport("numpy"));
  page = namespace.get("Page")();
  post("ready");
}

// What to run: one cell with what it needs, or all but the long ones and what awaits these.
function planned(sources, index, long) {
  const list = pyodide.toPy(sources);
  if (index !== undefined) return { plan: page.plan(list, index).toJs(), keep: [] };
  const [plan, awaited] = page.plan_all(list, pyodide.toPy(long)).toJs({ dict_converter: Array.from });
  post("awaiting", { awaited });
  return { plan, keep: long };
}

// What each cell needs and gives, as lists, which workers can send.
function names({ sources }) {
  post("names", { sources, names: page.read(pyodide.toPy(sources)).toJs() });
}

async function run({ sources, index, long }) {
  names({ sources });
  const { plan, keep } = planned(sources, index, long);
  for (const i of plan) {
    if (keep.includes(i)) {
      page.keep(i);
      continue;
    }
    post("running", { index: i });
    // What a reader imports beyond the page's own packages, where Pyodide has it.
    await pyodide.loadPackagesFromImports(sources[i], { messageCallback: () => {} }).catch(() => {});
    const began = performance.now();
    const result = page.run(i, sources[i]);
    const { value, html, figures, error } = result.toJs({ dict_converter: Object.fromEntries });
    result.destroy();
    post("finished", { index: i, value, html, figures, error, seconds: (performance.now() - began) / 1000 });
    if (error) return post("done", { ok: false });
  }
  post("done", { ok: true });
}

const tasks = { start, names, run };
let queue = Promise.resolve();
self.onmessage = ({ data }) => {
  queue = queue
    .then(() => tasks[data.type](data))
    .catch((error) => post("failed", { message: error.message }));
};
