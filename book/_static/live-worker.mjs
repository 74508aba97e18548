// Python for one page, in a worker of its own: loads Pyodide, checks every byte, runs cells.
// Messages in: start (once), then names and run. Messages out: progress, starting, ready, names,
// running, text, finished, awaiting, done, failed.

const post = (type, data) => self.postMessage({ type, ...data });
const fetchUnchecked = self.fetch.bind(self);
const known = new Map(); // address: name, sha256, size
const arriving = new Map(); // address: promise of its checked bytes
const amount = { loaded: 0, total: 0 };
let pyodide, page;

const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, "0")).join("");

// Python itself starts while its packages are still on their way.
function add(address, name, { sha256, size = 0 }) {
  const priority = /\.(whl|zip)$/.test(name) && name !== "python_stdlib.zip" ? "low" : "high";
  known.set(address, { name, sha256, priority });
  amount.total += size;
}

async function download(address) {
  const { name, sha256, priority } = known.get(address);
  const answer = await fetchUnchecked(address, { priority }).catch(() => ({ status: "no connection" }));
  if (!answer.ok) throw new Error(`${name} could not be loaded (${answer.status}).`);
  const parts = [];
  const reader = answer.body.getReader();
  for (let part; !(part = await reader.read()).done; ) {
    parts.push(part.value);
    amount.loaded += part.value.length;
    post("progress", { ...amount, name });
  }
  const bytes = await new Blob(parts).arrayBuffer();
  if (hex(await crypto.subtle.digest("SHA-256", bytes)) !== sha256) {
    throw new Error(`${name} is not the file this book was built for, so it was not run.`);
  }
  return bytes;
}

function checked(address) {
  if (!arriving.has(address)) arriving.set(address, download(address));
  return arriving.get(address);
}

// Pyodide asks for its files by fetch: it gets checked bytes or nothing.
self.fetch = async (request, options) => {
  const address = String(request.url ?? request);
  if (!known.has(address)) return fetchUnchecked(request, options);
  const type = address.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  return new Response(await checked(address), { headers: { "Content-Type": type } });
};

async function importChecked(address) {
  const script = new Blob([await checked(address)], { type: "text/javascript" });
  return import(URL.createObjectURL(script));
}

async function start({ base, site, files, packages }) {
  if (!crypto.subtle) throw new Error("Pages run only over https or on this machine.");
  const archives = [];
  for (const [name, file] of Object.entries(files)) {
    const address = new URL(name, file.local ? site : base).href;
    add(address, name, file);
    if (file.local) archives.push(address);
  }
  // All at once; a failure shows where the file is used.
  for (const address of known.keys()) checked(address).catch(() => {});
  const cells = fetchUnchecked(new URL("live_cells.py", import.meta.url));
  const { loadPyodide } = await importChecked(`${base}pyodide.mjs`);
  await importChecked(`${base}pyodide.asm.js`);
  Promise.all(arriving.values()).then(() => post("starting"), () => {});
  pyodide = await loadPyodide({
    indexURL: base,
    packages,
    env: { HOME: "/home/pyodide", MPLBACKEND: "agg" },
    stderr: () => {},
  });
  const lock = JSON.parse(new TextDecoder().decode(await checked(`${base}pyodide-lock.json`)));
  for (const { file_name, sha256 } of Object.values(lock.packages)) {
    if (!known.has(base + file_name)) add(base + file_name, file_name, { sha256 });
  }
  for (const address of archives) pyodide.unpackArchive(await checked(address), "wheel");
  // Its first import builds a cache of fonts and says so, which is no output of the page's. Fonts of
  // PostScript, read one by one in Python, are half of that time, and only a printer's own names them.
  // A cell's figures are shown when it ends; plt.show() need not say that it cannot.
  if (packages.includes("matplotlib")) {
    pyodide.runPython(`
import matplotlib, pathlib, shutil, warnings
for kind in ("afm", "pdfcorefonts"):
    shutil.rmtree(pathlib.Path(matplotlib.get_data_path(), "fonts", kind))
import matplotlib.font_manager
warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")`);
  }
  // Its monitor is a thread, which a browser does not have.
  if (archives.some((address) => address.includes("/tqdm-"))) {
    pyodide.runPython("import tqdm; tqdm.tqdm.monitor_interval = 0");
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
