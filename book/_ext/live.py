"""Pages that run: what each chapter needs to be executed in the reader's browser.

A page with code cells gets the script ``live.mjs`` and a list of what to load when the reader asks
for it: Pyodide's own files with their hashes, the wheel of ``dpnotes`` built with the book, and the
plain-Python packages that Pyodide lacks, packed from those installed here. A cell whose metadata
hold ``{"live": {"minutes": 3}}`` takes so long there, and does not run with the whole page.
"""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import zipfile

import nbformat
from sphinx.errors import ExtensionError

import dpnotes

from . import cite

HERE = pathlib.Path(__file__).parent
PYODIDE = json.loads((HERE / "pyodide.json").read_text(encoding="utf-8"))
CDN = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE['version']}/full/"
PACKAGE = pathlib.Path(dpnotes.__file__).parent
# Modules of packages that Pyodide lacks and the book serves itself, and what those need from it.
OWN = {"arviz_stats": ["numpy", "scipy"], "tqdm": [], "seaborn": ["pandas", "matplotlib"]}
# The first date that an archive can hold, in seconds.
FIRST_DATE = "315532800"
SKIPPED = {"tests", "test", "__pycache__"}


def names_in(code):
    """Every name in a piece of code: variables, attributes, what it imports and from where.

    What it imports stands there twice, as "crp" and as "import crp".
    """
    found = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            paths = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            parts = {part for path in paths for part in path.split(".")}
            found |= parts | {f"import {part}" for part in parts}
    return found


@functools.cache
def pieces():
    """The package in pieces: for each, the names that lead to it and the names in it.

    To a function or class lead its module's name and its own; to other code, its module's. A
    module of the package itself must be imported; one of a sub-package may load on use.
    """
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        inner = path.stem != "__init__" and path.parent != PACKAGE
        module = path.parent.name if path.stem == "__init__" else path.stem
        module = module if inner else f"import {module}"
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            found.append(({module, getattr(node, "name", module)}, names_in(node)))
    return found


def names_reached(source):
    """The names on a page, and those in what they lead to in the package."""
    names, size = names_in(ast.parse(source)), 0
    while len(names) > size:
        size = len(names)
        names.update(*(inside for way, inside in pieces() if way <= names))
    return names


def packages_needed(source):
    """Pyodide's packages for a page, and the book's own archives besides ``dpnotes``."""
    names = names_reached(source) | {"numpy"}
    own = sorted(names & OWN.keys())
    names.update(name for module in own for name in OWN[module])
    return sorted(names & PYODIDE["packages"].keys()), own


def entry(path):
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "local": True}


def build_wheel(folder):
    """Build the wheel from a copy: the sources stay clean, and equal files make equal wheels."""
    with tempfile.TemporaryDirectory() as copy:
        root = PACKAGE.parent
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(root / name, copy)
        shutil.copytree(
            PACKAGE, pathlib.Path(copy, "dpnotes"), ignore=shutil.ignore_patterns("__pycache__")
        )
        options = "--quiet --no-deps --no-build-isolation --disable-pip-version-check"
        command = [sys.executable, "-m", "pip", "wheel", *options.split(), "-w", str(folder), copy]
        env = {**os.environ, "SOURCE_DATE_EPOCH": FIRST_DATE}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise ExtensionError(f"the wheel of dpnotes does not build:\n{done.stderr[-2000:]}")
    return next(folder.glob("dpnotes-*.whl"))


def wheel_address(app):
    """Where the site serves the wheel; empty where nothing says where the site lives."""
    wheel = app.dpnotes_live.get("dpnotes")
    return wheel and cite.address(app, f"live/{wheel.name}")


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
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@functools.cache
def page_class():
    """The class ``Page`` of the file that runs cells in the browser; it also reads them here."""
    path = HERE.parent / "_static" / "live_cells.py"
    spec = importlib.util.spec_from_file_location("live_cells", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Page


def version_of(sources):
    """A name of a page's code: what a reader changed is kept for this code alone."""
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:12]


def long_cells(cells):
    """The cells that take minutes in a browser, with how many; their metadata say so."""
    minutes = [cell.metadata.get("live", {}).get("minutes") for cell in cells]
    return [(i, m) for i, m in enumerate(minutes) if m]


def name_package(app, config):
    """Let the configuration change with the package: pages name its archive by its content."""
    content = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and not SKIPPED & set(path.parts):
            content.update(path.read_bytes())
    config.live_package = content.hexdigest()


def prepare(app):
    """Build the archives, and copy Pyodide where the book is to serve it itself."""
    app.dpnotes_live = {}
    if app.builder.format != "html":
        return
    folder = pathlib.Path(app.outdir, "live")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    app.dpnotes_live["dpnotes"] = build_wheel(folder)
    app.dpnotes_live |= {module: pack(module, folder) for module in OWN}
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


# The place of the bar, so that nothing moves when it comes.
PLACE = '</h1><div class="live-place"></div>'


def files_for(app, pagename, source):
    """What a page loads to run some code: where from, Pyodide's packages, and every file."""
    packages, own = packages_needed(source)
    names = dict.fromkeys(
        [*PYODIDE["core"], *(f for p in packages for f in PYODIDE["packages"][p])]
    )
    files = {name: PYODIDE["files"][name] for name in names}
    for module in ("dpnotes", *own):
        files[app.dpnotes_live[module].name] = entry(app.dpnotes_live[module])
    root = app.builder.get_relative_uri(pagename, "index").rpartition("/")[0]
    site = f"{root}/live/" if root else "live/"
    remote = urllib.parse.urlsplit(app.config.live_pyodide).scheme
    base = app.config.live_pyodide.rstrip("/") + "/" if remote else f"{site}pyodide/"
    return {"base": base, "site": site, "packages": packages, "files": files}


def add_config(app, config):
    """Write into a page what its script is to know."""
    # A script's text ends at "</"; JSON may write it otherwise.
    text = json.dumps(config, separators=(",", ":")).replace("</", "<\\/")
    app.add_js_file(None, body=text, type="application/json", id="live-config")


def add_script(app, pagename, templatename, context, doctree):
    """Give a page with cells its script and its list of files."""
    path = pathlib.Path(app.env.doc2path(pagename)) if doctree else None
    if path is None or path.suffix != ".ipynb":
        return
    cells = cells_of(path)
    sources = [cell.source for cell in cells]
    config = files_for(app, pagename, "\n".join(sources))
    config |= {"page": pagename, "version": version_of(sources), "long": long_cells(cells)}
    config["names"] = page_class().read(sources)
    add_config(app, config)
    app.add_js_file("live.mjs", type="module")
    context["body"] = context["body"].replace("</h1>", PLACE, 1)


def setup(app):
    # Where Pyodide comes from: an address, or a folder, whose files the book then serves itself.
    app.add_config_value("live_pyodide", CDN, "html")
    # Set by name_package; where it changes, every page is written anew.
    app.add_config_value("live_package", "", "html")
    app.connect("config-inited", name_package)
    app.connect("builder-inited", prepare)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
