"""Pages that run: what each chapter needs to be executed in the reader's browser.

A page with code cells gets the script ``live.mjs`` and a list of what to load when the reader asks
for it: Pyodide's own files with their hashes, the wheel of ``dpnotes`` built with the book, and the
plain-Python packages that Pyodide lacks, packed from those installed here.
"""

import ast
import functools
import hashlib
import importlib.metadata
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import zipfile

import dpnotes
import nbformat
from sphinx.errors import ExtensionError

HERE = pathlib.Path(__file__).parent
PYODIDE = json.loads((HERE / "pyodide.json").read_text(encoding="utf-8"))
CDN = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE['version']}/full/"
PACKAGE = pathlib.Path(dpnotes.__file__).parent
# Modules of packages that Pyodide lacks and the book serves itself, and what those need from it.
OWN = {"arviz_stats": ["numpy", "scipy"], "tqdm": [], "seaborn": ["pandas", "matplotlib"]}
SKIPPED = {"tests", "test", "__pycache__"}


class Code:
    """What one piece of code names, and which modules it imports."""

    def __init__(self, *nodes):
        self.names, self.modules, self.ours = set(), set(), set()
        for node in (n for root in nodes for n in ast.walk(root)):
            if isinstance(node, ast.Name):
                self.names.add(node.id)
            elif isinstance(node, ast.Attribute):
                self.names.add(node.attr)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {alias.name for alias in node.names}
                self.names |= names
                home = getattr(node, "module", None)
                if getattr(node, "level", 0) or (home or "").startswith("dpnotes"):
                    self.ours |= names | {(home or "").rpartition(".")[2]}
                else:
                    self.modules |= {name.split(".")[0] for name in ([home] if home else names)}


@functools.cache
def package_code():
    """For each module of the package: the code outside functions, and its functions by name."""
    found = {}
    for path in sorted(PACKAGE.glob("*.py")):
        outside, functions = [], {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            # A class's own special methods run without being named.
            methods = [n for n in getattr(node, "body", ()) if isinstance(n, ast.FunctionDef)]
            methods = [n for n in methods if isinstance(node, ast.ClassDef) and not n.name.startswith("__")]
            for function in [node] if isinstance(node, ast.FunctionDef) else methods:
                functions.setdefault(function.name, []).append(Code(function))
            if isinstance(node, ast.ClassDef):
                outside.append(Code(*(n for n in node.body if n not in methods)))
            elif not isinstance(node, ast.FunctionDef):
                outside.append(Code(node))
        found[path.stem] = outside, functions
    return found


def modules_needed(source):
    """Top-level modules that a page may import, itself or through what it names of the package."""
    package = package_code()
    code, ours = [Code(ast.parse(source))], set()
    while True:
        names = set().union(*(c.names for c in code))
        ours = {m for m in set().union(*(c.ours for c in code)) if m in package}
        reached = list(code[:1])
        for outside, functions in map(package.get, sorted(ours)):
            reached += outside
            reached += [c for name in sorted(names & functions.keys()) for c in functions[name]]
        if len(reached) == len(code):
            return set().union(*(c.modules for c in code))
        code = reached


def packages_needed(source):
    """Pyodide's packages for a page, and the book's own archives besides ``dpnotes``."""
    modules = modules_needed(source) | {"numpy"}
    own = sorted(modules & OWN.keys())
    modules.update(name for module in own for name in OWN[module])
    return sorted(modules & PYODIDE["packages"].keys()), own


def entry(path):
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "local": True}


def build_wheel(folder):
    """Build the wheel of the package from a copy, so that the sources stay clean."""
    with tempfile.TemporaryDirectory() as copy:
        root = PACKAGE.parent
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(root / name, copy)
        shutil.copytree(PACKAGE, pathlib.Path(copy, "dpnotes"), ignore=shutil.ignore_patterns("__pycache__"))
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
                   "--disable-pip-version-check", "--wheel-dir", str(folder), copy]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExtensionError(f"the wheel of dpnotes does not build:\n{done.stderr[-2000:]}")
    return next(folder.glob("dpnotes-*.whl"))


def pack(module, folder):
    """Pack an installed package of plain Python; the same files give the same archive."""
    distribution = importlib.metadata.distribution(module.replace("_", "-"))
    target = folder / f"{module}-{distribution.version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(distribution.files):
            if ".." in file.parts or SKIPPED & set(file.parts):
                continue
            if file.suffix in (".so", ".pyd"):
                raise ExtensionError(f"{file} is compiled and cannot run in a browser")
            archive.writestr(zipfile.ZipInfo(str(file)), file.read_binary(), zipfile.ZIP_DEFLATED)
    return target


def cells_of(path):
    notebook = nbformat.read(path, as_version=4)
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def prepare(app):
    """Build the archives, and copy Pyodide where the book is to serve it itself."""
    app.dpnotes_live = {}
    if app.builder.format != "html":
        return
    folder = pathlib.Path(app.outdir, "live")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    app.dpnotes_live["dpnotes"] = build_wheel(folder)
    where = app.config.live_pyodide
    if not urllib.parse.urlsplit(where).scheme:
        copy_pyodide(pathlib.Path(app.srcdir, where), folder / "pyodide")


def copy_pyodide(source, target):
    target.mkdir()
    for name, file in PYODIDE["files"].items():
        content = (source / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise ExtensionError(f"{source / name} is not the file of Pyodide {PYODIDE['version']}")
        (target / name).write_bytes(content)


def add_script(app, pagename, templatename, context, doctree):
    """Give a page with cells its script and its list of files."""
    path = pathlib.Path(app.env.doc2path(pagename)) if doctree else None
    if path is None or path.suffix != ".ipynb":
        return
    folder = pathlib.Path(app.outdir, "live")
    packages, own = packages_needed(cells_of(path))
    for module in own:
        if module not in app.dpnotes_live:
            app.dpnotes_live[module] = pack(module, folder)
    names = dict.fromkeys([*PYODIDE["core"], *(f for p in packages for f in PYODIDE["packages"][p])])
    files = {name: PYODIDE["files"][name] for name in names}
    for module in ("dpnotes", *own):
        files[app.dpnotes_live[module].name] = entry(app.dpnotes_live[module])
    root = app.builder.get_relative_uri(pagename, "index").rpartition("/")[0]
    site = f"{root}/live/" if root else "live/"
    remote = urllib.parse.urlsplit(app.config.live_pyodide).scheme
    base = app.config.live_pyodide.rstrip("/") + "/" if remote else f"{site}pyodide/"
    config = {"base": base, "site": site, "packages": packages, "files": files}
    # A script's text ends at "</"; JSON may write it otherwise.
    text = json.dumps(config, separators=(",", ":")).replace("</", "<\\/")
    app.add_js_file(None, body=text, type="application/json", id="live-config")
    app.add_js_file("live.mjs", type="module")


def setup(app):
    # Where Pyodide comes from: an address, or a folder here, whose files the book then serves itself.
    app.add_config_value("live_pyodide", CDN, "html")
    app.connect("builder-inited", prepare)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
