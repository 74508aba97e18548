"""What nbval lets through: every chapter is executed, clean, labelled, seeded and accessible."""

import ast
import copy
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import yaml
from nbval import plugin as nbval_plugin

from tools import drawn
from tools import notebooks as tool

pytestmark = pytest.mark.book
ROOT = pathlib.Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
LONGEST = 20
MEDIAN = 6
MACHINE_PATH = re.compile(
    r"(?<![\w.:/])/(home|root|Users|tmp|work|usr|opt|mnt|private)/|[A-Z]:\\\\"
)
DISPLAY = re.compile(r"\$\$(?P<maths>.+?)\$\$(?P<after>[^\n]*)", re.DOTALL)
LABEL = re.compile(r"^\s*\(eq-[a-z0-9-]+\)\s*$")
FORBIDDEN = ("\\begin{align}", "\\begin{align*}", "\\begin{equation}", "\\begin{eqnarray}")
# Functions that draw at random when called without a generator.
GLOBAL_RANDOM = re.compile(
    r"\bnp\.random\.(?!default_rng|Generator)\w+|\brandom\.(random|choice)\("
)
# What makes nbval leave a cell out, or its output unread, wherever it stands in the cell.
MARKER = re.compile(r"nbval|pytest.?validate", re.IGNORECASE)
# What a cell may tell myst-nb; the rest hides or changes what is shown.
MYSTNB = {"image", "figure"}
# How a chapter begins: its question, and the answer in one sentence.
OPENING = re.compile(
    r"\(ch-[a-z-]+\)=\n# [^\n]+\n\n(?P<question>[^:#]+\?)\n\n"
    r":::\{div\} answer\n\*\*In short:\*\* (?P<answer>[^\n]+\.)\n:::"
)
SENTENCE_ENDS = re.compile(r"[.?!] ")
# Words of the question and of the answer, to leave room for the picture.
BRIEF = 50


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def prose(notebook):
    return [c.source for c in notebook.cells if c.cell_type == "markdown"]


def faults(notebook, name):
    """Every rule of the house that a notebook of this name breaks, as sentences."""
    found = []
    cells = code_cells(notebook)
    counts = [c.execution_count for c in cells]
    if counts != list(range(1, len(cells) + 1)):
        found.append(f"cells were not executed once each, in order: {counts}")
    if tool.normalise(copy.deepcopy(notebook), name) != notebook:
        found.append("not in normal form (images, metadata or ids); run make notebooks")
    lengths = sorted(len(c.source.splitlines()) for c in cells)
    if lengths and lengths[-1] > LONGEST:
        found.append(f"a cell of {lengths[-1]} lines; {LONGEST} are allowed")
    # The picture at the beginning is not read as code.
    read = sorted(len(c.source.splitlines()) for c in cells if "tags" not in c.metadata)
    if read and read[len(read) // 2] > MEDIAN:
        found.append(f"median cell of {read[len(read) // 2]} lines; {MEDIAN} are allowed")
    for cell in cells:
        found += cell_faults(cell)
    for text in prose(notebook):
        found += prose_faults(text)
    # Every tag hides, skips, or lets something pass; one folds the code of the first picture.
    tagged = [c for c in notebook.cells if "tags" in c.metadata]
    if tagged and tagged[0] in notebook.cells[1:2] and folds_a_picture(tagged[0]):
        del tagged[0]
    return found + [f"cell {c.id} has tags" for c in tagged]


def folds_a_picture(cell):
    """Whether a cell draws a figure and has the tag that folds its code, and no other."""
    return cell.cell_type == "code" and cell.metadata.tags == ["hide-input"] and draws_figure(cell)


def opening_faults(notebook):
    """What keeps a reader from the question, its answer and the picture of it, as sentences."""
    first, second = notebook.cells[:2]
    opening = OPENING.fullmatch(first.source)
    if not opening:
        return ["the first cell is not title, question and answer"]
    found = []
    if SENTENCE_ENDS.search(opening["answer"]):
        found.append("the answer is more than one sentence")
    found += [
        f"the {part} has more than {BRIEF} words"
        for part in ("question", "answer")
        if len(opening[part].split()) > BRIEF
    ]
    if not ("tags" in second.metadata and folds_a_picture(second)):
        found.append("the second cell is not a picture with its code folded")
    return found


def cell_faults(cell):
    found = []
    where = cell.source.splitlines()[:1]
    if not cell.source.strip():
        found.append("an empty code cell")
    if MARKER.search(cell.source):
        found.append(f"a word to nbval at {where}")
    if set(cell.metadata.get("mystnb", {})) - MYSTNB:
        found.append(f"metadata for myst-nb other than {sorted(MYSTNB)} at {where}")
    if "live" in cell.metadata and not long_in_a_browser(cell.metadata.live):
        found.append(f"metadata for the page that runs other than whole minutes at {where}")
    if any(o.output_type == "error" for o in cell.outputs):
        found.append(f"an error output at {where}")
    if any(o.get("name") == "stderr" for o in cell.outputs):
        found.append(f"output on stderr at {where}")
    if MACHINE_PATH.search(cell.source + json.dumps(cell.outputs)):
        found.append(f"a path of one machine at {where}")
    if GLOBAL_RANDOM.search(cell.source) or "default_rng()" in cell.source:
        found.append(f"an unseeded draw at {where}")
    if "rng" in names(cell.source) and not seeded(cell.source):
        found.append(f"a cell that draws from a generator it did not seed at {where}")
    if draws_figure(cell) and not alt_text(cell):
        found.append(f"a figure without alt text or caption at {where}")
    return found


def long_in_a_browser(live):
    """Whether it is how many minutes a cell takes in a browser, where it runs on its own."""
    return set(live) == {"minutes"} and type(live["minutes"]) is int and live["minutes"] > 0


def names(source):
    return {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}


def seeded(source):
    """Whether the rng of a cell comes from a seed in that cell, or is given to its function."""
    given = any(
        argument.arg == "rng"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for argument in node.args.args
    )
    return given or re.search(r"\brng = np\.random\.default_rng\(\d+\)", source) is not None


def draws_figure(cell):
    return any("Figure" in o.get("data", {}).get("text/plain", "") for o in cell.outputs)


def alt_text(cell):
    mystnb = cell.metadata.get("mystnb", {})
    return mystnb.get("image", {}).get("alt") and mystnb.get("figure", {}).get("caption")


def prose_faults(text):
    found = []
    for display in DISPLAY.finditer(text):
        if not LABEL.match(display["after"]):
            found.append(f"a display without a label eq-...: {display['maths'].strip()[:50]}")
    found += [f"{word} in prose; use aligned in a display" for word in FORBIDDEN if word in text]
    if MACHINE_PATH.search(text):
        found.append("a path of one machine in prose")
    return found


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_chapter_keeps_the_house_rules(path):
    assert faults(nbformat.read(path, as_version=4), path.stem) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_chapter_begins_with_its_answer(path):
    assert opening_faults(nbformat.read(path, as_version=4)) == []


def test_cell_ids_are_unique_across_the_book():
    ids = [cell.id for path in CHAPTERS for cell in nbformat.read(path, as_version=4).cells]
    assert len(set(ids)) == len(ids) > 0


def good_notebook():
    """A small notebook that breaks no rule."""
    figure = {"text/plain": "<Figure size 832x512 with 1 Axes>"}
    shown = nbformat.v4.new_code_cell(
        "plotting.sticks(pi);",
        execution_count=2,
        metadata={"mystnb": {"image": {"alt": "words"}, "figure": {"caption": "words"}}},
        outputs=[nbformat.v4.new_output("display_data", figure)],
    )
    printed = nbformat.v4.new_code_cell(
        "rng = np.random.default_rng(1)\nprint(sum(range(4)))",
        execution_count=1,
        outputs=[nbformat.v4.new_output("stream", name="stdout", text="6\n")],
    )
    words = nbformat.v4.new_markdown_cell("Words.\n\n$$\na = b\n$$ (eq-house-one)\n")
    return tool.normalise(nbformat.v4.new_notebook(cells=[words, printed, shown]), "good")


def test_a_good_notebook_has_no_faults():
    assert faults(good_notebook(), "good") == []


def spoil(change):
    notebook = good_notebook()
    change(*notebook.cells)
    return faults(notebook, "good")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda words, printed, shown: printed.update(execution_count=None), "not executed"),
        (lambda words, printed, shown: printed.update(execution_count=7), "not executed"),
        (
            lambda words, printed, shown: shown.outputs[0].data.update({"image/png": "iVBO"}),
            "normal form",
        ),
        (lambda words, printed, shown: printed.metadata.update(scrolled=True), "normal form"),
        (lambda words, printed, shown: printed.update(id="other"), "normal form"),
        (lambda words, printed, shown: shown.metadata.clear(), "without alt text"),
        (lambda words, printed, shown: shown.metadata.mystnb.pop("image"), "without alt text"),
        (
            lambda words, printed, shown: printed.outputs.append(
                nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])
            ),
            "error output",
        ),
        (lambda words, printed, shown: printed.outputs[0].update(name="stderr"), "stderr"),
        (
            lambda words, printed, shown: printed.outputs[0].update(text="/home/me/x\n"),
            "path of one machine",
        ),
        (lambda words, printed, shown: printed.update(source="np.random.normal()"), "unseeded"),
        (
            lambda words, printed, shown: printed.update(source="rng = np.random.default_rng()"),
            "unseeded",
        ),
        (
            lambda words, printed, shown: printed.update(source="crp.sample(3, 1.0, rng)"),
            "did not seed",
        ),
        (lambda words, printed, shown: printed.update(source="x = 1\n" * 21), "21 lines"),
        (lambda words, printed, shown: words.update(source="$$\na = b\n$$\n"), "without a label"),
        (
            lambda words, printed, shown: words.update(source="\\begin{align}a\\end{align}"),
            "aligned",
        ),
    ],
)
def test_each_fault_is_found(change, complaint):
    assert any(complaint in fault for fault in spoil(change))


# Each spelling of a marker that nbval takes, and some that a later one might.
MARKERS = [
    f"{indent}{before}{marker}"
    for marker in nbval_plugin.comment_markers
    for indent in ("", "    ", "\t")
    for before in ("# ", "#", "## ", "#\t", "#   ")
]
LOOKALIKES = ["# nbval_skip", "# NbVal-Skip", "x = 1  # NBVAL_SKIP", "# NBVAL SKIP: slow", "#nbval"]


@pytest.mark.parametrize("marker", MARKERS + LOOKALIKES)
def test_a_comment_that_silences_nbval_is_refused(marker):
    assert marker in LOOKALIKES or list(nbval_plugin.find_comment_markers(marker))
    for place in (f"{marker}\nprint(6)", f"print(6)\n{marker}", f"text = '''\n{marker}\n'''"):
        found = spoil(lambda words, printed, shown: printed.update(source=place))
        assert any("a word to nbval" in fault for fault in found)


TAGS = [
    *nbval_plugin.metadata_tags,
    *(tag.replace("-", "_") for tag in nbval_plugin.metadata_tags),
    *(f"{do}{_}{what}"
      for do in ("remove", "hide") for _ in "-_" for what in ("cell", "input", "output")),
    *("skip-execution", "remove-stdout", "remove-stderr", "NBVAL_SKIP", "full-width"),
]  # fmt: skip


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("position", range(3))
def test_a_tag_is_refused(tag, position):
    for tags in ([tag], ["else", tag], tag):
        found = spoil(lambda *cells: cells[position].metadata.update(tags=tags))
        assert any("has tags" in fault for fault in found)


def begun_notebook():
    """The small notebook with a first screen, its picture first."""
    words, printed, shown = good_notebook().cells
    words.source = (
        "(ch-good)=\n# A title\n\nWhy?\n\n:::{div} answer\n**In short:** because of $x$.\n:::"
    )
    shown.metadata.tags = ["hide-input"]
    shown.execution_count, printed.execution_count = 1, 2
    return tool.normalise(nbformat.v4.new_notebook(cells=[words, shown, printed]), "good")


def test_the_picture_at_the_beginning_may_fold_its_code():
    assert faults(begun_notebook(), "good") == opening_faults(begun_notebook()) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda words, shown: words.update(source="# A title\n\nWhy?"), "not title, question"),
        (
            lambda words, shown: words.update(source=words.source + "\nMore."),
            "not title, question",
        ),
        (
            lambda words, shown: words.update(source=words.source.replace("of $x$", "of it. Yes")),
            "more than one sentence",
        ),
        (
            lambda words, shown: words.update(source=words.source.replace("of", "of " * 51)),
            "more than 50 words",
        ),
        (lambda words, shown: shown.metadata.pop("tags"), "not a picture"),
        (lambda words, shown: shown.outputs.clear(), "not a picture"),
        (lambda words, shown: shown.metadata.tags.append("else"), "not a picture"),
    ],
)
def test_each_fault_of_a_beginning_is_found(change, complaint):
    notebook = begun_notebook()
    change(*notebook.cells[:2])
    assert any(complaint in fault for fault in opening_faults(notebook))


@pytest.mark.parametrize(
    "option",
    [
        {"remove_code_outputs": True},
        {"remove_code_source": True},
        {"output_stderr": "remove"},
        {"code_prompt_hide": "x"},
        {"merge_streams": False},
    ],
)
def test_other_metadata_for_myst_nb_is_refused(option):
    found = spoil(lambda words, printed, shown: printed.metadata.update(mystnb=option))
    assert any("metadata for myst-nb" in fault for fault in found)


@pytest.mark.parametrize(
    "metadata",
    [
        {"execution": {"allow_errors": True}},
        {"mystnb": {"execution_mode": "off"}},
        {"kernelspec": {"name": "other"}},
        {"file_format": "mystnb"},
    ],
)
def test_what_a_notebook_says_of_its_own_execution_is_refused(metadata):
    notebook = good_notebook()
    notebook.metadata.update(metadata)
    assert any("normal form" in fault for fault in faults(notebook, "good"))


def loosened(addopts, execute, sphinx, files):
    """What in the settings lets a stored output pass unread, as words."""
    allowed = {"--nbval", "--nbval-current-env", "--ignore=book/_ext"}
    touching = re.compile(r"nbval|sanitize|current-env|ignore|deselect|lax|^-k|-p ?no:|^book")
    found = [option for option in addopts if touching.search(option) and option not in allowed]
    found += [] if "--nbval" in addopts else ["no --nbval"]
    wanted = {"execute_notebooks": "cache", "timeout": 300, "stderr_output": "error"}
    found += [] if execute == wanted else [f"execute: {execute}"]
    found += [key for key in sphinx if key.startswith("nb_execution_") and "raise" not in key]
    found += [] if sphinx.get("nb_execution_raise_on_error") is True else ["no raise_on_error"]
    return found + [name for name in files if name != "tests/conftest.py"]


def settings():
    """pytest's options, the execution of the book, and the files that could say otherwise."""
    pytest_options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    others = ("**/conftest.py", "**/pytest.ini", "**/.pytest.ini", "tox.ini", "setup.cfg")
    files = [
        path.relative_to(ROOT).as_posix()
        for pattern in others
        for folder in (ROOT, ROOT / "book", ROOT / "tests", ROOT / "dpnotes")
        for path in folder.glob(pattern.removeprefix("**/"))
    ]
    return (
        pytest_options["ini_options"]["addopts"],
        config["execute"],
        config["sphinx"]["config"],
        files,
    )


def test_no_setting_lets_an_output_pass_unread(pytestconfig):
    assert loosened(*settings()) == []
    assert "book" in pytestconfig.getini("testpaths")
    option = pytestconfig.option
    assert not (option.nbval_lax or option.nbval_sanitize_with or option.sanitize_with)
    for place in ("Makefile", ".github/workflows/site.yml", *map(str, (ROOT / ".ci").rglob("*"))):
        if (ROOT / place).is_file():
            assert not re.search("sanitize|nbval", (ROOT / place).read_text(encoding="utf-8"))
    # What the build takes from its cache was executed for this build.
    book = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nbook:")[2]
    assert book.index("rm -rf _build\n") < book.index("tools.execute") < book.index("build -W")


@pytest.mark.parametrize(
    "change",
    [
        lambda addopts, execute, sphinx, files: addopts.append("--nbval-sanitize-with=x.cfg"),
        lambda addopts, execute, sphinx, files: addopts.append("--sanitize-with=x.cfg"),
        lambda addopts, execute, sphinx, files: addopts.append("--nbval-lax"),
        lambda addopts, execute, sphinx, files: addopts.append("--nbval-kernel-name=other"),
        lambda addopts, execute, sphinx, files: addopts.append("--ignore=book/urn.ipynb"),
        lambda addopts, execute, sphinx, files: addopts.append("--ignore-glob=*.ipynb"),
        lambda addopts, execute, sphinx, files: addopts.append("--deselect=book/urn.ipynb"),
        lambda addopts, execute, sphinx, files: addopts.append("-k not ipynb"),
        lambda addopts, execute, sphinx, files: addopts.append("-p no:nbval"),
        lambda addopts, execute, sphinx, files: addopts.remove("--nbval"),
        lambda addopts, execute, sphinx, files: execute.update(execute_notebooks="off"),
        lambda addopts, execute, sphinx, files: execute.update(exclude_patterns=["book/*"]),
        lambda addopts, execute, sphinx, files: execute.update(allow_errors=True),
        lambda addopts, execute, sphinx, files: execute.update(stderr_output="remove"),
        lambda addopts, execute, sphinx, files: sphinx.update(nb_execution_allow_errors=True),
        lambda addopts, execute, sphinx, files: sphinx.update(nb_execution_mode="off"),
        lambda addopts, execute, sphinx, files: sphinx.pop("nb_execution_raise_on_error"),
        lambda addopts, execute, sphinx, files: files.append("book/conftest.py"),
    ],
)
def test_each_loosened_setting_is_found(change):
    parts = copy.deepcopy(settings())
    change(*parts)
    assert loosened(*parts)


def nbval(path):
    """Run nbval alone on one notebook; return its exit code and report."""
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-o",
            "addopts=",
            "-q",
            "--nbval",
            "--nbval-current-env",
            "--rootdir",
            str(path.parent),
            str(path),
        ],
        capture_output=True,
        text=True,
        cwd=path.parent,
        check=False,
    )
    return run.returncode, run.stdout


def test_one_wrong_digit_in_a_stored_output_fails(tmp_path):
    notebook = good_notebook()
    notebook.cells = notebook.cells[1:2]
    notebook.cells[0].source = "print(sum(range(4)))"
    tool.write(notebook, tmp_path / "right.ipynb")
    notebook.cells[0].outputs[0].text = "7\n"
    tool.write(notebook, tmp_path / "wrong.ipynb")
    assert nbval(tmp_path / "right.ipynb")[0] == 0
    code, report = nbval(tmp_path / "wrong.ipynb")
    assert code == 1 and "mismatch" in report


NOTHING = [
    "plt.gca()",
    "plt.plot([], [])",
    "plt.plot([1, 2], [np.nan, np.nan], 'o')",
    "plt.scatter([], [])",
    "plt.scatter([np.nan], [1])",
    "plt.bar([1, 2], [0, 0])",
    "plt.hlines([], 0, 1)",
    "plt.hlines([np.nan], 0, 1)",
    "plt.imshow([[np.nan]])",
    "plt.text(0.5, 0.5, 'words')",
    "plt.subplots(1, 2)[1][0].plot([1, 2])",
]
SOMETHING = [
    "1",
    "plt.plot([1], [2], '.')",
    "plt.scatter([1, np.nan], [1, 1])",
    "plt.bar([1, 2], [0, 1])",
    "plt.hlines(0, 0, 1)",
    "plt.fill_between([0, 1], [0, 1])",
    "plt.imshow([[1, np.nan]])",
    "plt.contour([[0, 1], [1, 2]], [0.5])",
    "plt.gca().add_patch(plt.Circle((0, 0), 1))",
    "plt.axis('off'); plt.plot([1, 2])",
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("cell", NOTHING + SOMETHING)
def test_axes_without_data_are_seen(cell):
    plt.close("all")
    eval(compile(cell, "cell", "exec"), {"plt": plt, "np": np})
    assert drawn.empty_axes() == (cell in NOTHING)
    plt.close("all")


SIZES = {
    "plt.plot([1, 2])": 10,
    "plt.plot([1, 2]); plt.title('small', fontsize=9)": 9,
    "plt.plot([1, 2]); plt.title(' ', fontsize=9)": 10,
    "plt.plot([1, 2]); plt.title('hidden', fontsize=9, visible=False)": 10,
    "plt.plot([1, 2], label='row'); plt.legend(fontsize=8)": 8,
}


@pytest.mark.parametrize("cell", SIZES)
@pytest.mark.parametrize("width", [3.8, 6])
def test_the_smallest_words_of_figures_are_measured_as_a_phone_shows_them(cell, width):
    plt.close("all")
    with plt.rc_context({"figure.constrained_layout.use": True, "figure.figsize": (width, 3)}):
        eval(compile(cell, "cell", "exec"), {"plt": plt})
        expected = SIZES[cell] / 72 * drawn.COLUMN / (width + 0.1)
        assert drawn.smallest_words() == pytest.approx(expected, rel=0.02)
        # What sticks out of a figure makes all else smaller.
        plt.gcf().text(1.3, 0.5, "sticks out")
        assert drawn.smallest_words() < 0.9 * expected
    plt.close("all")
    assert drawn.smallest_words() == np.inf


DRAWN = {
    "full": "lines = ax.plot([1, 2])",
    "empty": "lines = ax.plot([])",
    "small": "lines = ax.plot([1, 2]); ax.tick_params(labelsize=9)",
}


def test_a_cell_that_draws_nothing_or_too_small_fails(tmp_path):
    figure = {"text/plain": "<Figure size 380x300 with 1 Axes>"}
    for name, line in DRAWN.items():
        cell = nbformat.v4.new_code_cell(
            "import matplotlib.pyplot as plt\n"
            "_, ax = plt.subplots(figsize=(3.8, 3), layout='constrained')\n" + line,
            execution_count=1,
            outputs=[nbformat.v4.new_output("display_data", figure)],
        )
        tool.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    assert nbval(tmp_path / "full.ipynb")[0] == 0
    code, report = nbval(tmp_path / "empty.ipynb")
    assert code == 1 and "axes that show nothing: 1" in report
    code, report = nbval(tmp_path / "small.ipynb")
    assert code == 1 and "words of 10.0 pixels on a phone" in report


def test_the_kernels_under_test_keep_their_names(tmp_path):
    """What looks at the figures leaves no name behind that a chapter could use by mistake."""
    cell = nbformat.v4.new_code_cell(
        "names = {'_watch', 'pathlib', 'runpy', 'np'} & set(globals())\nprint(names)",
        execution_count=1,
        outputs=[nbformat.v4.new_output("stream", name="stdout", text="set()\n")],
    )
    tool.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "names.ipynb")
    assert nbval(tmp_path / "names.ipynb")[0] == 0
