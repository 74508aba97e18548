"""Pages that run: every chapter in a browser and the package's own tests, all in Pyodide.

The files of Pyodide stand in ../shared/pyodide; where they are absent these tests are skipped.
The chapters one by one and the package's suite take minutes: ``make test-live`` runs them, and
``make test-slow`` the suite's slow tests in Pyodide, half an hour of them.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import sysconfig
import types
import zipfile

import nbformat
import numpy as np
import pytest
from conftest import ROOT, serve

pytestmark = pytest.mark.book

CDN = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))
# Python's own packages for the suite in Pyodide, from this environment: all plain Python.
PURE = (
    "pytest _pytest py.py pluggy iniconfig packaging pygments hypothesis _hypothesis_globals.py "
    "_hypothesis_pytestplugin.py _hypothesis_ftz_detector.py sortedcontainers attr attrs mpmath "
    "sympy yaml arviz_stats tqdm seaborn"
).split()
# The package's test files. A file with a test about the book needs libraries of the book.
OF_THE_BOOK = "pytest.mark.book\n"
OF_THE_PACKAGE = sorted(
    f"tests/{path.name}"
    for path in (ROOT / "tests").glob("test_*.py")
    # The estimators need scikit-learn, which Pyodide lacks here, and Dask has processes.
    if OF_THE_BOOK not in path.read_text(encoding="utf-8")
    and path.stem not in ("test_estimators", "test_dask")
)


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cells = load(ROOT / "book" / "_static" / "live_cells.py")


# Which cells a cell depends on.


@pytest.mark.parametrize(
    ("source", "needs", "gives"),
    [
        ("x = y + 1", {"y"}, {"x"}),
        ("rng = seed(1)\ny = rng.normal()", {"seed"}, {"rng", "y"}),
        ("[k for k in z]", {"z"}, set()),
        ("x = {k: [v for v in k] for k in {y for y in z}}", {"z"}, {"x"}),
        ("def f(a):\n    return a + b", {"b"}, {"f"}),
        ("x += 1", {"x"}, {"x"}),
        ("x[0] = 1", {"x"}, {"x"}),
        ("x.append(2)", {"x"}, {"x"}),
        ("import numpy as np\nnp.seterr(all='raise')", set(), {"np"}),
        ("if c:\n    x = 1\ny = x", {"c", "x"}, {"x", "y"}),
        # What a block binds before it reads it is its own; a loop may run not once.
        ("for k in z:\n    a = k\n    w.append(a)\nb = k", {"z", "w", "k"}, {"k", "a", "w", "b"}),
        ("for k in z:\n    w.append(k)", {"z", "w"}, {"k", "w"}),
        ("if c.any():\n    x = 1\nelse:\n    x = 2\ny = x", {"c"}, {"x", "y"}),
        ("while a:\n    x = 1\n    x + 1\nx", {"a", "x"}, {"x"}),
        ("with f(a) as b:\n    x = b\ny = x", {"f", "a"}, {"b", "x", "y"}),
        ("try:\n    x = f()\nexcept E as e:\n    print(e)\nx", {"f", "E", "print", "x"}, {"x"}),
        ("1 +", set(), set()),
    ],
)
def test_what_a_cell_needs_and_gives(source, needs, gives):
    found_needs, found_gives, _ = cells.names(source)
    assert (found_needs, found_gives) == (needs, gives)


def run(page, sources, index):
    plan = page.plan(sources, index)
    for i in plan:
        assert page.run(i, sources[i])["error"] is None
    return plan


def test_a_cell_runs_what_it_depends_on_and_no_more():
    page = cells.Page()
    sources = ["a = 1", "b = a + 1", "c = 5", "d = b + 1", "a = 10", "e = a"]
    assert run(page, sources, 3) == [0, 1, 3] and page.variables["d"] == 3
    assert run(page, sources, 3) == [3]
    assert run(page, sources, 5) == [4, 5]
    # Cell 4 wrote over the a that cell 1 reads, but b is still right.
    assert run(page, sources, 3) == [3]
    assert run(page, sources, 1) == [0, 1]
    # The new b came from a later run than d's.
    assert run(page, sources, 3) == [3]
    sources[0] = "a = 2"
    assert run(page, sources, 3) == [0, 1, 3] and page.variables["d"] == 4


def test_a_change_reaches_through_cells_and_through_overwriting():
    page = cells.Page()
    sources = ["x = 1", "y = x", "x = 100", "z = x + y"]
    assert run(page, sources, 3) == [0, 1, 2, 3] and page.variables["z"] == 101
    sources[1] = "y = x + 1"
    assert run(page, sources, 3) == [0, 1, 2, 3] and page.variables["z"] == 102


def run_all(page, sources, long):
    chosen, awaited = page.plan_all(sources, long)
    for i in chosen:
        if i in long:
            page.keep(i)
        else:
            assert page.run(i, sources[i])["error"] is None
    return chosen, awaited


def test_a_long_cell_runs_on_its_own_and_then_serves_the_page():
    page = cells.Page()
    sources = ["a = 1", "b = a + 1", "c = 5", "d = b + 1", "e = d + c", "f = c"]
    left = [0, 2, 5], {1: 1, 3: 1, 4: 1}
    assert run_all(page, sources, [1]) == left == run_all(page, sources, [1])
    assert run(page, sources, 4) == [1, 3, 4] and page.variables["e"] == 8
    # Run once it is kept, however often the page runs.
    for _ in range(3):
        assert run_all(page, sources, [1]) == ([0, 1, 2, 3, 4, 5], {})
    assert run(page, sources, 3) == [3]
    sources[0] = "a = 10"
    assert run_all(page, sources, [1]) == left
    assert run(page, sources, 4) == [1, 3, 4] and page.variables["e"] == 17


def test_a_long_cell_whose_results_are_overwritten_does_not_serve():
    page = cells.Page()
    sources = ["b = 2", "d = b + 1", "b = 7"]
    run(page, sources, 1)
    assert run_all(page, sources, [0]) == ([0, 1, 2], {})
    assert run_all(page, sources, [0]) == ([2], {0: 0, 1: 0})


def test_the_cells_that_take_minutes_are_listed_from_their_metadata(live):
    notebook = [nbformat.v4.new_code_cell("1", metadata=m) for m in ({}, {"live": {"minutes": 3}})]
    assert live.long_cells(notebook) == [(1, 3)]


def test_what_cells_need_and_give_is_read_for_a_page_at_once():
    """A module is no thing that a call on it changes."""
    sources = ["import numpy as np\nx = 1", "np.seterr(all='raise')\nx += 1", "1 +"]
    assert cells.Page.read(sources) == [[[], ["np", "x"]], [["np", "x"], ["x"]], [[], []]]


def test_an_error_is_trimmed_to_the_page():
    page = cells.Page()
    page.run(0, "import json\ndef f():\n    return json.loads('{')")
    error = page.run(1, "f()")["error"]
    assert 'File "cell 2", line 1' in error and "return json.loads" in error
    assert "json/decoder" not in error and error.splitlines()[-1].startswith("json.decoder.")
    assert "SyntaxError" in page.run(2, "1 +")["error"]
    assert page.run(3, "7")["value"] == "7" and page.run(3, "7;")["value"] is None
    table = "from dpnotes import show\nshow.table(['a'], [['<b>']])"
    assert "<td" not in page.run(4, table)["html"] and "&lt;b&gt;" in page.run(4, table)["html"]
    assert page.run(4, table + ";")["html"] is page.run(5, "7")["html"] is None


def test_64_bit_integers_are_taken_where_the_machine_has_32():
    seen = []

    def narrow(*arguments, **keywords):
        seen.append([getattr(a, "dtype", a) for a in arguments])
        return np.bincount(*arguments, **keywords)

    numpy = types.SimpleNamespace(bincount=narrow, repeat=narrow, asarray=np.asarray, intp=np.int32)
    cells.widen(numpy)
    assert numpy.bincount(np.array([0, 1, 1], np.int64), minlength=3).tolist() == [1, 2, 0]
    assert seen == [[np.dtype(np.int32)]]


# What a page loads.


@pytest.fixture
def live():
    """The extension as it is, with the package as it stands."""
    live = pytest.importorskip("book._ext.live")
    live.pieces.cache_clear()
    yield live
    live.pieces.cache_clear()


def test_a_page_loads_only_the_packages_it_needs(live):
    seats = "import numpy as np\nfrom dpnotes import crp\ncrp.sample(5, 1.0, rng=1)"
    assert live.packages_needed(seats) == (["numpy"], [])
    crp = "from dpnotes import crp\ncrp.log_eppf([1, 2], 1.0)"
    assert live.packages_needed(crp) == (["numpy", "scipy"], [])
    chain = "from dpnotes import diagnostics, plotting\ndiagnostics.ess(x)"
    needed = ["matplotlib", "numpy", "scipy"], ["arviz_stats", "tqdm"]
    assert live.packages_needed(chain) == needed


def test_what_a_page_loads_follows_the_package_into_its_rooms(live, tmp_path, monkeypatch):
    """Through sub-packages, private modules and what a function calls; not into its neighbours."""
    files = {
        "__init__.py": "",
        "_threads.py": "def one():\n    import threadpoolctl",
        "components/__init__.py": "from .gaussian import Gaussian",
        "components/gaussian.py": "class Gaussian:\n    def log(self):\n        import scipy",
        "figures/__init__.py": "",
        "figures/sampling.py": """
from dpnotes import plotting
def heat(): plotting.heat_map()
def bars(): pass
""",
        "plotting.py": "import matplotlib.pyplot\ndef heat_map():\n    import seaborn as sns",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(live, "PACKAGE", tmp_path)
    assert live.packages_needed("from dpnotes import components\ncomponents.Gaussian()") == (
        ["numpy", "scipy"],
        [],
    )
    bars = "from dpnotes.figures import sampling\nsampling.bars()"
    assert live.packages_needed(bars) == (["matplotlib", "numpy"], [])
    heat = "from dpnotes.figures import sampling\nsampling.heat()"
    assert live.packages_needed(heat) == (["matplotlib", "numpy", "pandas"], ["seaborn"])
    # What a browser does not have is not asked for.
    assert live.packages_needed("from dpnotes import _threads\n_threads.one()") == (["numpy"], [])


def test_the_listed_hashes_are_those_of_the_release(pyodide):
    listed = json.loads((ROOT / "book" / "_ext" / "pyodide.json").read_text(encoding="utf-8"))
    lock = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
    released = {p["file_name"]: p["sha256"] for p in lock["packages"].values()}
    wheels = set(listed["files"]) - set(listed["core"])
    assert listed["version"] == lock["info"]["version"] and len(wheels) > 10
    assert {name: listed["files"][name]["sha256"] for name in wheels} == {
        name: released[name] for name in wheels
    }


def test_the_wheel_holds_the_package_as_it_is(html):
    (wheel,) = (html / "live").glob("dpnotes-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {n: archive.read(n) for n in archive.namelist() if n.startswith("dpnotes/")}
    here = {
        str(p.relative_to(ROOT)): p.read_bytes()
        for p in (ROOT / "dpnotes").rglob("*")
        if p.suffix in (".py", ".typed", ".csv", ".md", ".css")
    }
    assert packed == here


# In a browser.


class Reader:
    """A reader on one page: other hosts are cut off, Pyodide's address answered from a folder."""

    def __init__(self, browser, address, folder, spoil=None, **context):
        self.asked, self.wrong, self.folder, self.spoil = [], [], folder, spoil
        context.setdefault("viewport", {"width": 1200, "height": 900})
        self.page = browser.new_context(**context).new_page()
        self.page.context.route("**/*", self.answer)
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.goto(address)
        self.page.locator(".live-bar").wait_for()
        self.cells = self.page.locator("article.bd-article div.cell:has(.cell_input)")

    def answer(self, route):
        address = route.request.url
        if address.startswith(("http://127.0.0.1", "data:", "blob:")):
            return route.continue_()
        self.asked.append(address)
        file = self.folder / address.removeprefix(CDN)
        if not address.startswith(CDN) or not file.exists():
            self.wrong.append(address)
            return route.abort()
        body = file.read_bytes()
        if file.name == self.spoil:
            body = body[:-1] + b"!"
        headers = {"Access-Control-Allow-Origin": "*"}
        return route.fulfill(body=body, headers=headers)

    def texts(self):
        """What each cell shows as text, and its pictures' descriptions."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll("article.bd-article div.cell")]
                .filter((cell) => cell.querySelector(".cell_input pre"))
                .map((cell) => [
                  [...cell.querySelectorAll(":scope > .cell_output :is(pre, table.listing)")]
                    .map((p) => p.matches("pre") ? p.textContent
                      : p.outerHTML.replaceAll("\\n", "") + "\\n").join(""),
                  [...cell.querySelectorAll(":scope > .cell_output svg.drawing")]
                    .map((i) => i.getAttribute("aria-label"))])"""
        )

    def press(self, name):
        self.page.locator(".live-bar").get_by_role("button", name=name).click()

    def says(self, words, seconds=120):
        self.page.wait_for_function(
            "words => document.querySelector('.live-status').textContent.includes(words)",
            arg=words,
            timeout=1000 * seconds,
        )

    def write(self, index, text):
        code = self.cells.nth(index).locator(".cell_input pre")
        code.focus()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        return code

    def shows(self, index, words, seconds=60):
        output = self.cells.nth(index).locator(":scope > .cell_output")
        output.filter(has_text=words).wait_for(timeout=1000 * seconds)


@pytest.fixture
def open_page(browser, site, pyodide):
    readers = []

    def open_one(name, site=site, **options):
        readers.append(Reader(browser, f"{site}{name}.html", pyodide, **options))
        return readers[-1]

    yield open_one
    for reader in readers:
        reader.page.context.close()


def committed(name):
    """The text outputs and tables of a chapter as its notebook has them."""
    notebook = nbformat.read(ROOT / "book" / f"{name}.ipynb", as_version=4)
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            text = ""
            for output in cell.outputs:
                if output.output_type == "stream":
                    text += output.text
                elif output.output_type == "execute_result":
                    html = output.data.get("text/html", "").replace("\n", "")
                    text += (html or output.data["text/plain"]) + "\n"
            texts.append(text)
    return texts


def left_out(name):
    """The cells of a chapter that do not run with the page: long ones, and what needs them."""
    notebook = nbformat.read(ROOT / "book" / f"{name}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    long = [i for i, cell in enumerate(code) if "live" in cell.metadata]
    return set(cells.Page().plan_all([cell.source for cell in code], long)[1])


def run_whole_page(reader, texts, out=frozenset()):
    before = reader.texts()
    assert reader.asked == []
    reader.press("Run this page")
    reader.page.wait_for_function(
        r"""() => /^(Done|Cell \d+ stopped)|not the file|could not|did not/
            .test(document.querySelector(".live-status").textContent)""",
        timeout=600_000,
    )
    after = reader.texts()
    assert reader.page.locator(".live-status").inner_text().startswith("Done"), [
        text for text, _ in after if "Traceback" in text
    ]
    assert [text.rstrip() for text, _ in after] == [text.rstrip() for text in texts]
    # Nothing that is seen is left from before, but in cells that do not run with the page.
    notes = [cell.locator(".live-note").inner_text() for cell in reader.cells.all()]
    assert {i for i, note in enumerate(notes) if note.startswith("left out")} == set(out)
    for i, cell in enumerate(reader.cells.all()):
        old = cell.locator(":scope > .cell_output:not(.live-output)").count()
        assert old <= (i in out)
    assert [alts for _, alts in after] == [alts for _, alts in before]
    drawn = reader.page.locator(".live-output svg.drawing").count()
    assert drawn == sum(len(alts) for i, (_, alts) in enumerate(after) if i not in out)
    assert reader.wrong == []


def test_a_page_is_run_changed_stopped_and_reset(open_page):
    reader = open_page("book/urn")
    run_whole_page(reader, committed("urn"))
    before = reader.texts()

    # Change a cell; Shift+Enter runs it. "/" is a letter here, not the theme's search.
    reader.write(2, "x = 6")
    reader.page.keyboard.press("Enter")
    reader.page.keyboard.type("print(x / 2, type(np).__name__)")
    reader.page.keyboard.press("Shift+Enter")
    reader.shows(2, "3.0 module")
    assert reader.page.locator("dialog[open], .search-button__wrapper.show").count() == 0

    # A picture of the reader's own.
    reader.write(2, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    reader.page.keyboard.press("Shift+Enter")
    reader.cells.nth(2).locator(".live-output svg.drawing").wait_for()
    assert reader.texts()[2] == ["", ["Figure drawn by cell 3"]]

    # An error shows the cell's own lines.
    reader.write(2, "np.ones(3) + np.ones(2)")
    reader.page.keyboard.press("Shift+Enter")
    reader.shows(2, "ValueError: operands could not be broadcast")
    assert 'File "cell 3", line 1' in reader.texts()[2][0]

    # A runaway loop shows what it prints, and stops. After it Python starts afresh,
    # and a cell alone runs first what it depends on: the imports of the page.
    reader.write(2, "print('still here')\nwhile True: pass")
    reader.page.keyboard.press("Shift+Enter")
    reader.shows(2, "still here")
    reader.press("Stop")
    reader.says("Stopped")
    reader.write(2, "print(np.arange(3).sum())")
    reader.page.keyboard.press("Shift+Enter")
    reader.shows(2, "3", seconds=120)
    reader.says("Done")

    reader.press("Reset page")
    assert reader.texts() == before
    assert reader.page.locator(".live-mark:not(:empty)").count() == 0
    assert reader.wrong == []


def test_a_file_that_is_not_the_listed_one_is_not_run(open_page):
    reader = open_page("book/urn", spoil="pyodide.asm.js")
    reader.press("Run this page")
    reader.says("pyodide.asm.js is not the file")
    assert reader.page.locator(".live-output").count() == 0


# These run whole in the test above and in the one below.
ELSEWHERE = ("urn", "in-practice")


@pytest.mark.live
@pytest.mark.parametrize("name", [name for name in CHAPTERS if name not in ELSEWHERE])
def test_a_chapter_shows_in_the_browser_what_is_committed(open_page, name):
    run_whole_page(open_page(f"book/{name}"), committed(name), left_out(name))


@pytest.mark.live
def test_a_chapter_shows_what_is_committed_and_a_cell_left_out_runs_on_its_own(open_page):
    """With fewer sweeps: here the analysis of a table draws other numbers than compiled."""
    reader = open_page("book/in-practice")
    sources = [cell.inner_text() for cell in reader.page.locator(".cell_input pre").all()]
    (index,) = [i for i, source in enumerate(sources) if "analyse(velocity" in source]
    run_whole_page(reader, committed("in-practice"), left_out("in-practice"))
    assert reader.page.locator(".live-status").inner_text().startswith("Done, but")
    reader.write(
        index, "galaxies = workflow.analyse(velocity, n_sweeps=40, rng=1)\nprint(galaxies)"
    )
    reader.page.keyboard.press("Shift+Enter")
    reader.shows(index, "do NOT report", seconds=120)
    assert reader.wrong == []


CONF = """
import sys
sys.path.insert(0, {root!r})
extensions = ["myst_nb", "book._ext.live"]
html_theme = "sphinx_book_theme"
html_static_path = [{static!r}]
nb_execution_mode = "off"
live_pyodide = {pyodide!r}
"""


def test_a_site_that_serves_pyodide_itself_asks_no_other_host(open_page, pyodide, tmp_path):
    """One line of configuration: the folder of Pyodide's files."""
    cell = nbformat.v4.new_code_cell("import numpy as np\nprint(np.arange(4).sum())")
    text = nbformat.v4.new_markdown_cell("# A page")
    nbformat.write(nbformat.v4.new_notebook(cells=[text, cell]), tmp_path / "index.ipynb")
    static = ROOT / "book" / "_static"
    conf = CONF.format(root=str(ROOT), static=str(static), pyodide=str(pyodide))
    (tmp_path / "conf.py").write_text(conf, encoding="utf-8")
    html = tmp_path / "html"
    subprocess.run([sys.executable, "-m", "sphinx", "-q", tmp_path, html], check=True)
    with serve(html) as site:
        reader = open_page("index", site=site)
        run_whole_page(reader, ["6"])
        assert reader.asked == []


# A package of one file, whose archive is that file.
OTHER_PACKAGE = """
import pathlib, shutil
from book._ext import live
live.PACKAGE = pathlib.Path({package!r})
live.build_wheel = lambda to: pathlib.Path(shutil.copy(live.PACKAGE / "it.py", to / "dpnotes-1"))
"""


def test_a_site_that_is_built_again_has_what_its_pages_load(tmp_path):
    """Pages that did not change are not written anew, unless the package did."""
    package, source, html = (tmp_path / name for name in ("package", "source", "html"))
    package.mkdir()
    source.mkdir()
    cell = nbformat.v4.new_code_cell("import seaborn")
    text = nbformat.v4.new_markdown_cell("# A page")
    nbformat.write(nbformat.v4.new_notebook(cells=[text, cell]), source / "index.ipynb")
    conf = CONF.format(root=str(ROOT), static=str(ROOT / "book" / "_static"), pyodide=CDN)
    conf += OTHER_PACKAGE.format(package=str(package))
    (source / "conf.py").write_text(conf, encoding="utf-8")
    written = []
    for code in ("x = 1", "x = 1", "x = 2"):
        (package / "it.py").write_text(code, encoding="utf-8")
        subprocess.run([sys.executable, "-m", "sphinx", "-q", source, html], check=True)
        written.append((html / "index.html").stat().st_mtime_ns)
        config = re.search(
            r'id="live-config"[^>]*>(.*?)</script>', (html / "index.html").read_text()
        )
        files = {k: f["sha256"] for k, f in json.loads(config[1])["files"].items() if "local" in f}
        assert {k.partition("-")[0] for k in files} == {"dpnotes", "seaborn"}
        served = {k: (html / "live" / k).read_bytes() for k in files}
        assert {k: hashlib.sha256(content).hexdigest() for k, content in served.items()} == files
    assert written[0] == written[1] < written[2]


# Figures that are handled.

FIGURES = {"restaurant": "restaurant", "stick-breaking": "sticks"}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_moved_by_keys(browser, site, name):
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    page.goto(f"{site}book/{name}.html")
    figure = page.locator(f"#handled-{FIGURES[name]}")
    slider = figure.get_by_role("slider")
    assert slider.count() == 2
    seen = set()
    for _ in range(3):
        seen.add(figure.locator("svg").inner_html())
        slider.first.press("ArrowRight")
    words, picture = figure.locator(".handled-words").inner_text(), figure.locator("svg")
    assert len(seen) == 3 and picture.get_attribute("aria-label") == words
    assert words.startswith(f"With α = {slider.first.get_attribute('aria-valuetext').split()[-1]}")
    before = words
    slider.last.press("End")
    assert figure.locator(".handled-words").inner_text() != before
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.context.close()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_static_picture_without_scripts(browser, site, name):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{site}book/{name}.html")
    figure = page.locator(f"#handled-{FIGURES[name]}")
    assert figure.locator("svg").bounding_box()["height"] > 40
    # Like every figure it has a number, and a caption as wide as the others.
    caption = page.locator("figure", has=figure).locator("figcaption")
    assert re.fullmatch(r"Fig\. \d+\.\d+ ", caption.locator(".caption-number").text_content())
    other = page.locator("figure.align-default:not(.handled-figure) figcaption").first
    assert abs(caption.bounding_box()["width"] - other.bounding_box()["width"]) < 40
    assert figure.locator("svg").get_attribute("aria-label").startswith("With α = ")
    assert figure.locator("input").count() == 0
    page.context.close()


def test_a_page_without_scripts_is_the_plain_page(browser, site):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{site}book/urn.html")
    assert page.locator(".live-bar, .live-cell, [contenteditable]").count() == 0
    page.context.close()


# The package's own tests in Pyodide, in Node.


def node():
    """Node from the wheel that also typesets the maths."""
    return pytest.importorskip("book._ext.foreign").NODE


def suite_in_pyodide(pyodide, *arguments):
    site_packages = pathlib.Path(sysconfig.get_path("purelib"))
    pure = [*PURE, f"hypothesis-{importlib.metadata.version('hypothesis')}.dist-info"]
    command = [
        node(),
        ROOT / "tests" / "pyodide_suite.mjs",
        pyodide,
        ROOT,
        site_packages,
        ",".join(pure),
    ]
    done = subprocess.run(
        [*map(str, command), *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr)[-60000:]


def test_the_package_runs_in_pyodide(pyodide):
    """The quick part, full of counts: what 32-bit integers touch first."""
    code, report = suite_in_pyodide(pyodide, "tests/test_crp.py", "-m", "not native and not slow")
    assert code == 0, report


# What a test may be skipped for in Pyodide; all else that it lacks is marked native.
WITHOUT = ["could not import 'sklearn"]
# Test files and doctests, in parts that run side by side.
PARTS = [
    OF_THE_PACKAGE[:1],
    OF_THE_PACKAGE[1:14],
    OF_THE_PACKAGE[14:21],
    OF_THE_PACKAGE[21:27],
    OF_THE_PACKAGE[27:33],
    OF_THE_PACKAGE[33:],
    ["dpnotes"],
]
WITH_SLOW = [path for path in OF_THE_PACKAGE if "mark.slow" in (ROOT / path).read_text("utf-8")]
RUNS = [pytest.param("not slow", part, id=f"quick-{part[0]}") for part in PARTS]
RUNS += [
    pytest.param("slow", WITH_SLOW[i::4], id=f"slow-{i}", marks=pytest.mark.slow) for i in range(4)
]


def collected(*arguments):
    """How many tests there are for the Python that runs this one."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts="]
    command += ["-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return sum("::" in line for line in done.stdout.splitlines())


@pytest.mark.live
@pytest.mark.parametrize(("speed", "part"), RUNS)
def test_the_package_passes_its_own_tests_in_pyodide(pyodide, speed, part):
    chosen = f"not native and {speed}"
    options = ["--doctest-modules", "--ignore=dpnotes/estimators.py", "-m", chosen]
    code, report = suite_in_pyodide(pyodide, *part, *options, "-r", "s")
    assert code == 0, report
    skipped = re.findall(r"^SKIPPED \[(\d+)\] (.*)", report, re.MULTILINE)
    assert [why for _, why in skipped if not any(known in why for known in WITHOUT)] == []
    (passed,) = re.findall(r"(\d+) passed", report)
    assert int(passed) + sum(int(times) for times, _ in skipped) == collected(*part, *options)
