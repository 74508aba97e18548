"""A page that a reader changes: what is out of date, what is kept, what is put back.

On a small page of its own, which is changed in a browser; the files of Pyodide as in test_live.py.
"""

import json
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT, serve
from test_live import CONF, Reader

pytestmark = pytest.mark.book

# A picture of one point.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FIGURE = {"mystnb": {"figure": {"caption": "A line.", "name": "fig-line"}}}
# The cells of the page: their source, what they print, their metadata.
PAGE = [
    ("import numpy as np", "", {}),
    ("x = 2", "", {}),
    ("y = x + 1\nprint(y)", "3", {}),
    ("import matplotlib.pyplot as plt\nplt.plot([x, y])\nplt.show()", None, FIGURE),
    ("z = np.zeros(2)\nprint(z)", "[0. 0.]", {}),
    ("print(y, z)", "3 [0. 0.]", {}),
]


def notebook(page):
    cells = [nbformat.v4.new_markdown_cell("# A page")]
    for source, text, metadata in page:
        if text is None:
            outputs = [nbformat.v4.new_output("display_data", data={"image/png": PIXEL})]
        else:
            outputs = [nbformat.v4.new_output("stream", text=f"{text}\n")] if text else []
        cells.append(nbformat.v4.new_code_cell(source, outputs=outputs, metadata=metadata))
    metadata = {"language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


@pytest.fixture(scope="session")
def small(pyodide, tmp_path_factory):
    """The address of a site of one small page, and of the same page in another version."""
    folder = tmp_path_factory.mktemp("small")
    nbformat.write(notebook(PAGE), folder / "index.ipynb")
    static = ROOT / "book" / "_static"
    conf = CONF.format(root=str(ROOT), static=str(static), pyodide=str(pyodide))
    (folder / "conf.py").write_text(conf, encoding="utf-8")
    html = folder / "html"
    subprocess.run([sys.executable, "-m", "sphinx", "-q", folder, html], check=True)
    with serve(html) as address:
        yield address


@pytest.fixture
def open_small(browser, small, pyodide):
    readers = []

    def open_one(**context):
        readers.append(Reader(browser, f"{small}index.html", pyodide, **context))
        return readers[-1]

    yield open_one
    for reader in readers:
        reader.page.context.close()
        assert reader.wrong == []


def marks(reader):
    """What each cell says of its being out of date."""
    return [mark.inner_text() for mark in reader.page.locator(".live-mark").all()]


def run(reader, index):
    reader.cells.nth(index).get_by_role("button", name="Run").click()


def bar(reader, index):
    return reader.cells.nth(index).locator(".live-cell")


def test_every_cell_has_its_own_run_which_loads_python(open_small):
    reader = open_small()
    runs = [
        box.get_by_role("button", name=f"Run cell {i + 1}", exact=True)
        for i, box in enumerate(reader.cells.all())
    ]
    assert [button.count() for button in runs] == [1] * len(PAGE)
    # By keys alone; it runs what the cell needs, and no more.
    runs[2].focus()
    reader.page.keyboard.press("Enter")
    reader.says("Done")
    assert reader.page.locator(".live-status").get_attribute("role") == "status"
    ran = [bar(reader, i).inner_text().find("ran in") >= 0 for i in range(len(PAGE))]
    assert ran == [False, True, True, False, False, False]
    assert reader.texts()[2] == ["3\n", []]


def test_a_change_marks_what_used_the_changed_names(open_small):
    reader = open_small()
    assert marks(reader) == [""] * 6
    # Before Python is loaded.
    reader.write(1, "x = 5")
    of_x = ["", "Edited, not run yet.", "Out of date: x was changed above."]
    of_x += ["Out of date: x and y were changed above.", "", "Out of date: y was changed above."]
    assert marks(reader) == of_x
    reader.says("3 cells are out of date")
    code = reader.cells.nth(2).locator("[role=textbox]")
    described = reader.page.locator(f"#{code.get_attribute('aria-describedby')}")
    assert described.inner_text() == of_x[2]
    # A change that is taken back is none.
    reader.write(1, "x = 2")
    assert marks(reader) == [""] * 6
    reader.write(1, "x = 5")
    run(reader, 2)
    reader.shows(2, "6", seconds=120)
    assert marks(reader) == ["", "", "", of_x[3], "", of_x[5]]
    # What a change gives anew is known once Python has read it.
    reader.write(4, "z = 1\ny = 7")
    of_z = "Out of date: y and z were changed above."
    reader.page.locator(".live-mark", has_text=of_z).wait_for()
    assert marks(reader)[4:] == ["Edited, not run yet.", of_z]
    run(reader, 5)
    reader.shows(5, "7 1")
    assert marks(reader) == ["", "", "", of_x[3], "", ""]
    reader.press("Reset page")
    assert marks(reader) == [""] * 6


def test_a_caption_says_when_its_figure_is_another(open_small):
    reader = open_small()
    caption = reader.page.locator("figcaption")
    before = caption.inner_text()
    reader.write(1, "x = 5")
    assert caption.inner_text().startswith("Edited; the caption is of the original.")
    image = reader.page.locator("figure :is(svg.drawing, img)")
    first = image.get_attribute("alt")
    run(reader, 3)
    reader.page.locator("figure svg.drawing").wait_for(timeout=120_000)
    assert caption.inner_text().startswith("Edited; the caption is of the original.")
    assert image.get_attribute("aria-label") == "Figure drawn by cell 4" != first
    # The code as it was written, but a figure of the change.
    reader.write(1, "x = 2")
    assert caption.inner_text().startswith("Edited")
    run(reader, 3)
    reader.page.wait_for_function("() => !document.querySelector('.live-edited')")
    assert caption.inner_text() == before
    assert image.get_attribute("aria-label") == first


def kept(reader):
    return reader.page.evaluate(
        """() => Object.entries(localStorage)
            .filter(([key]) => key.startsWith("edit ")).map(([, value]) => value)"""
    )


def test_changes_survive_a_reload_and_are_put_back(open_small):
    reader = open_small()
    reader.write(1, "x = 5")
    reader.write(4, "z = 0")
    reader.write(2, PAGE[2][0])
    assert sorted(kept(reader)) == ["x = 5", "z = 0"]
    before = marks(reader)
    reader.page.reload()
    reader.says("changes to 2 cells")
    assert marks(reader) == before
    assert [reader.cells.nth(i).locator("pre").first.inner_text() for i in (1, 4)] == [
        "x = 5",
        "z = 0",
    ]
    # One cell, and no more; only changed ones offer it.
    resets = [box.get_by_role("button", name="Reset").count() for box in reader.cells.all()]
    assert resets == [0, 1, 0, 0, 1, 0]
    reader.cells.nth(1).get_by_role("button", name="Reset").click()
    assert kept(reader) == ["z = 0"] and marks(reader)[:4] == [""] * 4
    run(reader, 4)
    reader.says("Done")
    assert reader.texts()[4] == ["", []]
    # The page, for good.
    reader.press("Reset page")
    assert kept(reader) == [] and reader.texts()[4] == ["[0. 0.]\n", []]
    reader.page.reload()
    assert marks(reader) == [""] * 6


def test_changes_belong_to_one_version_of_a_page(open_small):
    reader = open_small()
    reader.write(1, "x = 5")
    version = '"version":"'
    text = reader.page.request.get(reader.page.url).text()
    assert version in text
    reader.page.route(
        "**/index.html", lambda r: r.fulfill(body=text.replace(version, version + "1"))
    )
    reader.page.reload()
    assert marks(reader) == [""] * 6 and kept(reader) == ["x = 5"]


def test_a_browser_that_keeps_nothing_runs_all_the_same(open_small):
    reader = open_small()
    blocked = """for (const name of ["getItem", "setItem", "removeItem"]) {
        const own = Storage.prototype[name];
        Storage.prototype[name] = function (key, value) {
          if (key.startsWith("edit ")) throw new Error("blocked");
          return own.call(this, key, value);
        };
      }"""
    reader.page.add_init_script(blocked)
    reader.page.reload()
    reader.write(1, "x = 5")
    assert marks(reader)[1] == "Edited, not run yet." and kept(reader) == []


def test_a_touch_screen_hears_of_no_keys(open_small):
    reader = open_small(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    reader.write(1, "x = 5")
    reader.cells.nth(2).get_by_role("button", name="Run").tap()
    reader.shows(2, "6", seconds=120)
    reader.says("Done")
    assert "Shift" not in reader.page.locator("article").inner_html()
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    for button in reader.page.locator("article button:visible:is(.live-bar *, .live-cell *)").all():
        assert min(button.bounding_box()[side] for side in ("width", "height")) >= 24
    with_keys = open_small()
    assert "Shift+Enter" in with_keys.page.locator("article").inner_html()


def asked(reader):
    """What the page asks for from now on."""
    addresses = []
    reader.page.on("request", lambda request: addresses.append(request.url))
    return addresses


def test_python_is_loaded_for_who_is_about_to_press(open_small):
    reader = open_small()
    addresses = asked(reader)
    # Somebody who passes by.
    button = reader.page.locator(".live-bar button").first
    button.hover()
    reader.page.mouse.move(0, 0)
    reader.page.wait_for_timeout(500)
    assert addresses == []
    button.hover()
    reader.says("Python is ready")
    assert len([a for a in addresses if a.endswith(".wasm")]) == 1
    assert reader.page.locator(".live-output").count() == 0
    run(reader, 2)
    reader.says("Done")
    assert len([a for a in addresses if a.endswith(".wasm")]) == 1


def test_all_files_are_asked_for_before_any_has_come(open_small):
    """None waits for another: the interpreter is held back, yet all wheels are on their way."""
    reader = open_small()
    addresses, held = asked(reader), []
    reader.page.context.route("**/*.asm.wasm", lambda route: held.append(route))
    config = json.loads(reader.page.locator("#live-config").text_content())
    assert {name.split("-")[0] for name in config["files"]} >= {"numpy", "matplotlib", "dpnotes"}
    # What no cell of this page uses.
    assert not any(name.startswith(("scipy", "pandas")) for name in config["files"])
    with reader.page.expect_response(lambda answer: "/matplotlib-" in answer.url):
        run(reader, 2)
    names = [address.rsplit("/", 1)[1] for address in addresses]
    assert [names.count(name) for name in config["files"]] == [1] * len(config["files"])
    held.pop().continue_()
    reader.shows(2, "3", seconds=120)


@pytest.mark.parametrize("saves", [False, True])
def test_a_change_loads_python_but_where_data_are_dear(open_small, saves):
    reader = open_small()
    connection = f"{{get: () => ({{saveData: {str(saves).lower()}}})}}"
    reader.page.add_init_script(f"Object.defineProperty(navigator, 'connection', {connection})")
    reader.page.reload()
    addresses = asked(reader)
    reader.write(1, "x = 5")
    reader.page.wait_for_timeout(500)
    assert bool(addresses) is not saves
    assert marks(reader)[2] == "Out of date: x was changed above."
