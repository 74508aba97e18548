// Run pytest inside Pyodide, in Node: node pyodide_suite.mjs PYODIDE ROOT SITE_PACKAGES PURE ARGS...
// PURE names, separated by commas, what is taken from SITE_PACKAGES because Pyodide lacks it here.
import process from "node:process";
import { pathToFileURL } from "node:url";

const [pyodideFolder, root, sitePackages, pure, ...args] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${pyodideFolder}/pyodide.mjs`));
const pyodide = await loadPyodide({
  indexURL: `${pyodideFolder}/`,
  packageCacheDir: pyodideFolder,
  env: { HOME: "/home/pyodide", MPLBACKEND: "agg", PYTHONDONTWRITEBYTECODE: "1" },
});
await pyodide.loadPackage(["numpy", "scipy", "matplotlib", "pandas"], { messageCallback: () => {} });
for (const [path, folder] of [["/root", root], ["/site", sitePackages]]) {
  pyodide.FS.mkdirTree(path);
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: folder }, path);
}
pyodide.FS.mkdir("/pure");
for (const name of pure.split(",")) pyodide.FS.symlink(`/site/${name}`, `/pure/${name}`);
pyodide.globals.set("args", pyodide.toPy(args));
const code = await pyodide.runPythonAsync(`
import os, sys
sys.path[:0] = ["/root", "/root/tests"]
sys.path.append("/pure")
os.chdir("/root")
import pyodide_native
pyodide_native.install()
import pytest, tqdm
tqdm.tqdm.monitor_interval = 0  # its monitor is a thread, which a browser does not have
# The project's options are for its own Python: kernels, processes. A browser has no faulthandler.
options = "-c /dev/null --rootdir=/root -p no:cacheprovider -p no:faulthandler --capture=sys -q"
quiet = ["-W", "ignore::pytest.PytestUnknownMarkWarning", "-o", "doctest_optionflags=NORMALIZE_WHITESPACE"]
int(pytest.main([*options.split(), *quiet, *args]))
`).catch((error) => {
  // Not the stack: it quotes a script of one line and a megabyte.
  console.error(error.message);
  return 3;
});
process.exit(code);
