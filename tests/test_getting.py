"""Taking the book away: what is downloaded, what installs it, and that both work elsewhere."""

import collections
import concurrent.futures
import functools
import html.parser
import json
import os
import re
import subprocess
import urllib.parse
import venv
import zipfile

import nbformat
import pytest
from conftest import ROOT

import dpnotes
from book._ext import catalogue, live

pytestmark = pytest.mark.book

CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))
# What Jupyter would print as it stands: directives, roles, options, targets, fences of colons.
UNKNOWN = re.compile(r"^`{3,}\{|\{[\w:.-]+\}`|^:[\w-]+:|^\(.*\)=$|^:{3,}|^\$\$ *\(", re.MULTILINE)
LINK = re.compile(r"\[((?:[^][]|\[[^][]*\])*)\]\((\S+?)\)")
WORDS = re.compile(r"[^\W_]+")


@functools.cache
def results():
    return catalogue.load()


def downloaded(html, name):
    return nbformat.read(html / "_sources" / "book" / f"{name}.ipynb", as_version=4)


def text_of(notebook):
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def address_of(html):
    """Where the built site says that it lives."""
    text = (html / "book" / "index.html").read_text(encoding="utf-8")
    return re.search(r'<link rel="canonical" href="(\S+)book/index.html"', text)[1]


class Article(html.parser.HTMLParser):
    """The links of a chapter's text, as pairs of words and address; its numbers, in order."""

    def __init__(self, text, page):
        super().__init__()
        self.page, self.links, self.numbers, self.link = page, set(), [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        have = dict(attributes)
        classes = set((have.get("class") or "").split())
        if tag == "a" and "reference" in classes and classes & {"internal", "external"}:
            self.link = [urllib.parse.urljoin(self.page, have["href"]), ""]
        self.number = bool(tag == "span" and classes & {"caption-number", "eqno"})

    def handle_endtag(self, tag):
        if tag == "a" and self.link:
            self.links.add((normal(self.link[1]), self.link[0]))
            self.link = None

    def handle_data(self, data):
        if self.number:
            self.numbers.append(data.strip())
            self.number = False
        if self.link:
            self.link[1] += data


def normal(text):
    return " ".join(WORDS.findall(text))


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_downloaded_notebook_is_plain_markdown(html, name):
    notebook = downloaded(html, name)
    nbformat.validate(notebook)
    text = text_of(notebook)
    assert UNKNOWN.findall(text) == []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert cell.source.count("$$") % 2 == 0, cell.source
            # Jupyter takes a formula out before it reads the signs of a quotation.
            assert not re.search(r"^> \$\$$", cell.source, re.MULTILINE), cell.source
    # A proof ends once.
    page = (html / "book" / f"{name}.html").read_text(encoding="utf-8")
    assert "□" not in text and text.count("$\\square$") == page.count('"fold fold-proof"') > 0
    # Solutions are folded.
    assert text.count("<details>") == text.count("</details>") > 0


@pytest.mark.parametrize("name", CHAPTERS)
def test_its_code_is_the_chapters_after_a_cell_that_installs(html, name):
    ours = nbformat.read(ROOT / "book" / f"{name}.ipynb", as_version=4)
    first, *cells = [c for c in downloaded(html, name).cells if c.cell_type == "code"]
    assert first == downloaded(html, name).cells[0]
    wheel = f"live/dpnotes-{dpnotes.__version__}-py3-none-any.whl"
    assert f'%pip install --quiet "dpnotes[fast] @ {address_of(html)}{wheel}"' in first.source
    assert (html / wheel).exists()
    code = [c for c in ours.cells if c.cell_type == "code"]
    assert [c.source for c in cells] == [c.source for c in code]

    def said(cell):
        return [{**o, "data": {**o.get("data", {}), "image/png": 0}, "metadata": {}}
                for o in cell.outputs]  # fmt: skip

    assert list(map(said, cells)) == list(map(said, code))


@pytest.mark.parametrize("name", CHAPTERS)
def test_its_numbers_and_links_are_those_of_the_page(html, name):
    text, base = text_of(downloaded(html, name)), address_of(html)
    address = f"{base}book/{name}.html"
    page = (html / "book" / f"{name}.html").read_text(encoding="utf-8")
    page = page[page.index("<article") : page.index("</article")]
    # A summary that folds takes no link.
    page = re.sub(r'<p class="admonition-title">Solution to.*?</p>', "", page, flags=re.DOTALL)
    article = Article(page, address)
    numbers = collections.Counter(article.numbers)
    # Displays.
    tags = re.findall(r"\\tag\{(.*?)\}", text)
    assert tags == [n.strip("()") for n in article.numbers if n.startswith("(")] != []
    # Results, exercises and figures, with those that solutions repeat.
    for number in re.findall(r"^(?:> )?\*\*(\w+\.? \d+\.\d+)\.?\*\*", text, re.MULTILINE):
        numbers[number] -= 1
    left = [n for n, times in numbers.items() if times and re.match(r"\w+\.? \d", n)]
    assert left == []
    # Cross references and citations.
    links = {(normal(words), place) for words, place in LINK.findall(text)}
    own = {tag for tag, _ in links if re.fullmatch(r"DP \d{4}|On the page", tag)}
    assert {link for link in links if link[0] not in own} == article.links
    tagged = [r for r in results().values() if r.chapter == name and r.tag]
    assert {(r.tag.replace("-", " "), f"{base}t/{r.tag}.html") for r in tagged} <= links


def test_one_archive_holds_all_notebooks_and_the_data(html):
    with zipfile.ZipFile(html / "notebooks.zip") as archive:
        inside = {path.partition("/")[2]: archive.read(path) for path in archive.namelist()}
    for name in CHAPTERS:
        path = html / "_sources" / "book" / f"{name}.ipynb"
        assert inside.pop(f"{name}.ipynb") == path.read_bytes()
    for path in (ROOT / "dpnotes" / "data").iterdir():
        assert inside.pop(f"data/{path.name}") == path.read_bytes()
    wheel = f"live/dpnotes-{dpnotes.__version__}-py3-none-any.whl"
    need = f"dpnotes[fast] @ {address_of(html)}{wheel}"
    assert inside.pop("requirements.txt").decode().split("\n") == [need, ""]
    assert set(inside) == {"README.md", "LICENSE", "runtime.txt"}
    page = (html / "book" / "posterior.html").read_text(encoding="utf-8")
    assert re.search(r'href="\S*/notebooks\.zip"', page)


@pytest.mark.parametrize("name", ["index", "in-practice", "api"])
def test_a_page_says_how_to_install_in_one_line(html, name):
    """By the wheel that the site serves."""
    text = (html / "book" / f"{name}.html").read_text(encoding="utf-8")
    (line,) = re.findall(
        r"pip install <?[^\n<]*?(https?://[^\n<]+)", re.sub(r"</?span[^>]*>", "", text)
    )
    assert line.startswith(address_of(html))
    assert (html / line.removeprefix(address_of(html))).exists()


def python_of(folder):
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An environment with Jupyter's kernel and what runs a notebook, and nothing of ours."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "venv", with_pip=True)
    run = [python_of(folder / "venv"), "-m", "pip", "install", "--quiet", "ipykernel", "nbclient"]
    subprocess.run(run, check=True, env=clean())
    return folder


def clean():
    """The environment without what leads to this copy of the book."""
    ours = ("PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in ours}


def execute(folder, notebook, name):
    """Run a notebook in an empty folder of its own by the environment's Jupyter."""
    where = folder / name
    where.mkdir()
    (where / f"{name}.ipynb").write_text(notebook, encoding="utf-8")
    command = [python_of(folder / "venv").with_name("jupyter-execute"), "--inplace"]
    done = subprocess.run(
        [*command, "--timeout=900", f"{name}.ipynb"],
        cwd=where,
        env=clean(),
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else f"{name}: {done.stderr[-2000:]}"


@pytest.mark.live
def test_every_downloaded_notebook_runs_in_an_empty_environment(html, site, empty):
    """The first cell of the first installs from the served site; the others find it there."""

    def local(name):
        path = html / "_sources" / "book" / f"{name}.ipynb"
        return path.read_text(encoding="utf-8").replace(address_of(html), site)

    def installed():
        code = (
            "from importlib.metadata import distribution as of;"
            "print(of('dpnotes').read_text('direct_url.json'))"
        )
        run = [python_of(empty / "venv"), "-c", code]
        done = subprocess.run(run, cwd=empty, env=clean(), capture_output=True, text=True)
        return json.loads(done.stdout)["url"] if done.returncode == 0 else None

    def work(name):
        cells = live.cells_of(ROOT / "book" / f"{name}.ipynb")
        return sum(minutes for _, minutes in live.long_cells(cells)), len(cells)

    first, *others = sorted(CHAPTERS, key=work)
    assert installed() is None
    assert execute(empty, local(first), first) == ""
    assert installed() == f"{site}live/dpnotes-{dpnotes.__version__}-py3-none-any.whl"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = pool.map(lambda name: execute(empty, local(name), name), others[::-1])
    assert [c for c in complaints if c] == []
