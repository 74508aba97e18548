// Starts Python in a worker from files that have been checked: they have(address) or not, and
// checked(address) promises the bytes.

export async function startPython({ base, packages }, files) {
  // Pyodide asks for its files by fetch: it gets checked bytes or nothing.
  const fetchUnchecked = self.fetch.bind(self);
  self.fetch = async (request, options) => {
    const address = String(request.url ?? request);
    if (!files.has(address)) return fetchUnchecked(request, options);
    const type = address.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    return new Response(await files.checked(address), { headers: { "Content-Type": type } });
  };
  const importChecked = async (address) => {
    const script = new Blob([await files.checked(address)], { type: "text/javascript" });
    return import(URL.createObjectURL(script));
  };
  const { loadPyodide } = await importChecked(`${base}pyodide.mjs`);
  await importChecked(`${base}pyodide.asm.js`);
  const pyodide = await loadPyodide({
    indexURL: base,
    packages,
    env: { HOME: "/home/pyodide", MPLBACKEND: "agg" },
    stderr: () => {},
  });
  for (const address of files.archives) pyodide.unpackArchive(await files.checked(address), "wheel");
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
  return pyodide;
}
