"""The page "Your data": its form, its worker without a network, and what it says of a table.

Its Python is tested as plain Python; in a browser, what a reader sees. The files of Pyodide as in
test_live.py; what needs Pyodide takes minutes: ``make test-table`` runs it.
"""

import contextlib
import csv
import io
import json

import numpy as np
import pytest
from conftest import ROOT
from test_live import CDN, load
from test_policy import COUNT, another_host

from dpnotes import datasets, report, tables, workflow

pytestmark = pytest.mark.book

PAGE = "book/your-data.html"
FAITHFUL = (ROOT / "dpnotes" / "data" / "faithful.csv").read_text(encoding="utf-8")
HOSTILE = "<script>globalThis.ran = 1</script><img src=x onerror='globalThis.ran = 2'>"


def numbers(n, names, seed=1):
    """A table of noise as text."""
    x = np.random.default_rng(seed).standard_normal((n, len(names)))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([f"{value:.5f}" for value in row] for row in x)
    return file.getvalue()


# Its Python.


@pytest.fixture
def desk(monkeypatch):
    """A desk, what it told, and whether it is to stop."""
    import tqdm.auto

    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.auto.tqdm)
    module = load(ROOT / "book" / "_static" / "your_data.py")
    told, stop = [], []
    desk = module.Desk(lambda kind, text: told.append((kind, json.loads(text))), lambda: bool(stop))
    desk.module, desk.told, desk.stop = module, told, stop
    monkeypatch.setattr(workflow, "MOST_SWEEPS", 60)
    monkeypatch.setattr(workflow, "STEP", 10)
    return desk


NONE = ("kinds", "missing", "decimal", "thousands", "covariance")
OPTIONS = {"seed": 1} | dict.fromkeys(NONE)


def opened(desk, text):
    """What the desk tells of a table."""
    desk.told.clear()
    desk.do("open", name="a table.csv", content=text if isinstance(text, bytes) else text.encode())
    ((kind, what),) = desk.told
    return kind, what


def analysed(desk, columns, **options):
    desk.told.clear()
    desk.do("analyse", columns=columns, **(OPTIONS | options))
    return [kind for kind, _ in desk.told if kind != "sweeps"]


GOOD = [f"{i * 1.37 % 7:.3f}" for i in range(1, 31)]


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("a;b\n" + "\n".join(f"{a.replace('.', ',')};x" for a in GOOD), ["a"]),
        ("\ufeffa,b\n" + "\n".join(f"{a},{a}" for a in GOOD), ["a", "b"]),
        ("a,b\n" + "\n".join(f'{a},"two\nlines"' for a in GOOD), ["a"]),
        ("a,b\n" + "\n".join(f"{a},{a if i else 'NA'}" for i, a in enumerate(GOOD)), ["a"]),
        ("a,day\n" + "\n".join(f"{a},2024-05-{i + 1:02}" for i, a in enumerate(GOOD)), ["a"]),
        ("a\n" + "\n".join(GOOD), ["a"]),
        ("a,word\n" + "\n".join(f"{a},high" for a in GOOD), ["a"]),
        (numbers(60, [f"c{j}" for j in range(50)]), [f"c{j}" for j in range(50)]),
        ("id,a\n" + "\n".join(f"{i},{a}" for i, a in enumerate(GOOD)), ["a"]),
    ],
    ids=["semicolons", "mark", "breaks", "gaps", "dates", "one", "text", "fifty", "counter"],
)
def test_the_columns_of_numbers_are_found(desk, text, usable):
    kind, what = opened(desk, text)
    assert kind == "opened" and what["rows"] in (30, 60) and what["large"] == ""
    columns = what["columns"]
    assert [c["name"] for c in columns if c["numbers"] and not c["gaps"]] == usable
    # What is offered is what the package reads.
    x, names = tables.read_csv(io.BytesIO(text.encode()), columns=usable)
    assert names == usable and len(x) == what["rows"]


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("", None, "a file with a header line"),
        (b"\xff\xfe\x00", None, "text in UTF-8"),
        ("a,b\n1,2\n3", None, "line 3"),
        ("a,b\n" + "\n".join(f"{a},{a if i != 4 else ''}" for i, a in enumerate(GOOD)),
         ["a", "b"], "column 'b', line 6 = ''"),
        ("a,b\n" + "\n".join(f"{a},2024-05-01" for a in GOOD), ["b"], "column 'b', line 2"),
        ("a,b\n" + "\n".join(f"{a},{HOSTILE}" for a in GOOD), ["b"], "<script>"),
        ("a\n" + "\n".join(GOOD[:3]), ["a"], "3 row(s)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_told_by_column_and_row(desk, text, columns, said):
    kind, what = opened(desk, text)
    if columns:
        assert analysed(desk, columns) == ["refused"]
        what = desk.told[-1][1]
    else:
        assert kind == "refused"
    assert said in what["text"] and "Traceback" not in what["text"]


def test_it_is_the_analysis_of_the_package(desk):
    opened(desk, FAITHFUL)
    names = ["eruption_min", "waiting_min"]
    kinds = analysed(desk, names)
    assert kinds == ["first", "look", "look", "look", "last"]
    expected = workflow.analyse(datasets.faithful(), columns=names, n_sweeps=60, rng=1)
    last = desk.told[-1][1]
    assert last["text"] == str(expected) and last["fit"] == expected.fit is False
    assert last["law"] == [[k, *expected.prob(k)] for k, *_ in last["law"]]
    assert sum(p for _, p, _ in last["law"]) == pytest.approx(1)
    assert last["partition"] == expected.partition.tolist()
    looks = [what for kind, what in desk.told if kind == "look"]
    assert [look["done"] for look in looks] == [20, 30, 40] and looks[0]["needed"] > 20
    done = [what["done"] for kind, what in desk.told if kind == "sweeps"]
    assert done == sorted(done) and done[-1] == 60
    # Mean field's two groups are those of the sampler, but for a few rows.
    first = next(what for kind, what in desk.told if kind == "first")
    large = [k for k, size in enumerate(np.bincount(first["partition"])) if size >= 0.05 * 272]
    assert first["large"] == len(large) >= 2


WIDTH = ["NA" if i == 7 else f"{i**3 * 0.71 % 5:.3f}" for i in range(30)]
MIXED = "size,width,site,visits\n" + "\n".join(
    f"{'' if i == 3 else a},{b},{'nw'[i % 2]},{i * i % 5}"
    for i, (a, b) in enumerate(zip(GOOD, WIDTH, strict=True))
)


@pytest.mark.parametrize(
    ("columns", "asked", "kinds_told"),
    [
        (["size", "width"], {"missing": "ignore"}, ["first", "last"]),
        (["size", "width"], {"missing": "draw"}, ["last"]),
        (
            ["size", "site", "visits"],
            {"missing": "ignore", "kinds": {"site": "category", "visits": "count"}},
            ["first", "last"],
        ),
    ],
    ids=["ignored", "drawn", "mixed"],
)
def test_gaps_and_columns_of_any_kind_as_the_package_takes_them(
    desk, tmp_path, monkeypatch, columns, asked, kinds_told
):
    _, what = opened(desk, MIXED)
    told = {c["name"]: (c["numbers"], c["gaps"]) for c in what["columns"]}
    assert told == {
        "size": (True, 1), "width": (True, 1), "site": (False, 0), "visits": (True, 0)
    }  # fmt: skip
    monkeypatch.setattr(workflow, "MOST_SWEEPS", 12)
    assert analysed(desk, columns, **asked) == kinds_told
    found = desk.told[-1][1]
    (tmp_path / "a table.csv").write_text(MIXED, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    expected = workflow.analyse("a table.csv", columns=columns, n_sweeps=12, rng=1, **asked)
    assert found["text"] == str(expected)
    assert found["x"][3][0] is None and found["x"][0][0] == float(GOOD[0])
    desk.do("take", what="notebook")
    cells = json.loads(desk.told[-1][1]["text"])["cells"]
    variables = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec("\n".join(c["source"] for c in cells if c["cell_type"] == "code"), variables)
    assert np.array_equal(variables["result"].labels, expected.labels)
    assert np.array_equal(desk.result.labels, expected.labels)
    desk.do("take", what="labels")
    rows = list(csv.DictReader(io.StringIO(desk.told[-1][1]["text"])))
    assert rows[3]["size"] == "" and rows[7]["width"] == "NA"


def test_a_new_worker_is_given_the_table_without_a_word(desk):
    """As the page does after it has ended one that did not answer."""
    desk.keep(name="a table.csv", content=FAITHFUL.encode())
    assert desk.told == []
    analysed(desk, ["eruption_min"])
    assert desk.told[-1][0] == "last" and len(desk.told[-1][1]["partition"]) == 272
    # Without a content it is the table to try.
    desk.keep()
    desk.told.clear()
    desk.do("open")
    assert desk.told[0][1]["name"] == "faithful.csv" and desk.told[0][1]["rows"] == 272


def test_what_is_taken_away(desk, tmp_path, monkeypatch):
    """Labels as the command writes them, a notebook that gives the same answer, a report."""
    opened(desk, FAITHFUL)
    analysed(desk, ["eruption_min", "waiting_min"])
    made = {}
    for what in ("labels", "notebook", "report"):
        desk.do("take", what=what)
        kind, file = desk.told[-1]
        assert kind == "made"
        made[what] = file["text"]
    rows = list(csv.DictReader(io.StringIO(made["labels"])))
    assert list(rows[0]) == ["eruption_min", "waiting_min", "block", "certainty"]
    assert [int(row["block"]) for row in rows] == desk.result.partition.tolist()
    assert all(0 <= float(row["certainty"]) <= 1 for row in rows)
    assert rows[0]["eruption_min"] == "3.6"
    # The notebook, run beside its table.
    (tmp_path / "a table.csv").write_text(FAITHFUL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    cells = json.loads(made["notebook"])["cells"]
    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    pieces = code.removesuffix("\nprint(result.clusters)")
    assert made["report"] == report.html(desk.result, code=pieces)
    variables = {}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, variables)
    assert np.array_equal(variables["result"].labels, desk.result.labels)
    assert out.getvalue().startswith(str(desk.result))


def test_hostile_names_stay_text_in_what_is_taken_away(desk):
    name = HOSTILE + "=1+1"
    opened(desk, f'"{name}"\n' + "\n".join(GOOD))
    analysed(desk, [name])
    desk.do("take", what="report")
    page = desk.told[-1][1]["text"]
    assert "<img" not in page and "&lt;img" in page
    desk.do("take", what="notebook")
    cells = json.loads(desk.told[-1][1]["text"])["cells"]
    assert repr(name) in cells[2]["source"]


def test_stop_keeps_what_there_is(desk, monkeypatch):
    """While mean field works: its best so far. While the sampler does: the sweeps so far."""
    opened(desk, FAITHFUL)
    names = ["eruption_min", "waiting_min"]
    tell = desk.send

    def send(kind, text):
        tell(kind, text)
        if kind == "sweeps" and json.loads(text)["done"] >= 23:  # between two looks
            desk.stop.append(1)

    desk.send = send
    assert analysed(desk, names)[-2:] == ["heard", "last"]
    last = desk.told[-1][1]
    assert 20 <= last["done"] < 60 and last["most"] == 60 and not last["fit"]
    assert last["needed"] % workflow.STEP == 0
    short = workflow.analyse(datasets.faithful(), columns=names, n_sweeps=last["done"], rng=1)
    assert last["law"] == [[k, *short.prob(k)] for k, *_ in last["law"]]
    # It is pressed already when mean field begins.
    assert analysed(desk, names) == ["heard", "first", "stopped"]
    # What is taken away of mean field alone says so.
    for what in ("labels", "notebook", "report"):
        desk.do("take", what=what)
        assert desk.told[-1][0] == "made"
    assert "not to be reported" in desk.told[-1][1]["text"]


def test_mean_field_is_cut_short(desk, monkeypatch):
    monkeypatch.setattr(desk.module, "PATIENCE", 0.0)
    opened(desk, FAITHFUL)
    analysed(desk, ["eruption_min", "waiting_min"])
    first = next(what for kind, what in desk.told if kind == "first")
    assert first["converged"] is False


def test_a_table_too_large_is_told_of_the_command(desk):
    most = desk.module.MOST_ROWS
    _, what = opened(desk, "a\n" + "1.5\n" * (most + 1))
    assert "dpnotes analyse" in what["large"] and str(most + 1) in what["large"]
    wide = desk.module.MOST_CELLS // 400 + 1
    opened(desk, numbers(400, [f"c{j}" for j in range(wide)]))
    assert analysed(desk, [f"c{j}" for j in range(wide)]) == ["refused"]
    assert "dpnotes analyse" in desk.told[-1][1]["text"]


# In a browser, without Python.


class Reader:
    """A reader on the page: other hosts are cut off, Pyodide's address answered from a folder."""

    def __init__(self, browser, site, folder=None, **context):
        self.folder, self.asked, self.wrong = folder, [], []
        context.setdefault("viewport", {"width": 1200, "height": 900})
        self.page = browser.new_context(**context).new_page()
        self.page.context.route("**/*", self.answer)
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.add_init_script(COUNT)
        self.page.goto(site + PAGE)

    def answer(self, route):
        address = route.request.url
        self.asked.append(address)
        if address.startswith(("http://127.0.0.1", "data:", "blob:")):
            return route.continue_()
        file = self.folder and self.folder / address.removeprefix(CDN)
        if not file or not address.startswith(CDN) or not file.exists():
            return route.abort()
        headers = {"Access-Control-Allow-Origin": "*"}
        return route.fulfill(body=file.read_bytes(), headers=headers)

    def button(self, name):
        return self.page.get_by_role("button", name=name)

    def drop(self, text, name="table.csv"):
        content = text if isinstance(text, bytes) else text.encode()
        file = {"name": name, "mimeType": "text/csv", "buffer": content}
        self.page.locator("form [name=file]").set_input_files(file)

    def waits(self, condition, seconds=240):
        self.page.wait_for_function(f"() => {condition}", timeout=1000 * seconds)

    def reads(self, text, **options):
        """Hand a table in; what the page says is wrong with it, or empty."""
        self.drop(text, **options)
        self.waits("document.querySelector('.your-data-status').textContent.includes('Choose') || "
                   "!document.querySelector('.your-data-refused').hidden")  # fmt: skip
        return self.page.locator(".your-data-refused").text_content()

    def shown(self, part):
        return self.page.locator(f".your-data-{part}")

    def text(self, part):
        return self.shown(part).first.text_content()


@pytest.fixture
def visit(browser, site):
    readers = []

    def open_page(folder=None, **context):
        readers.append(Reader(browser, site, folder, **context))
        return readers[-1]

    yield open_page
    for reader in readers:
        reader.page.context.close()
        assert reader.wrong == []


def test_without_scripts_it_says_what_to_do_instead(browser, site):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(site + PAGE)
    without = page.locator(".your-data-without")
    assert without.is_visible() and "dpnotes analyse" in without.inner_text()
    assert not page.locator("form.your-data").is_visible()
    page.context.close()


def test_nothing_is_loaded_before_a_table_comes(visit):
    reader = visit()
    assert not any("pyodide" in address or ".whl" in address for address in reader.asked)
    assert reader.button("Try the sample").is_visible()
    assert not reader.page.locator(".your-data-without").is_visible()
    assert reader.page.evaluate("refused") == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_every_control_has_a_name(visit, width, scheme):
    reader = visit(viewport={"width": width, "height": 740}, color_scheme=scheme)
    reader.page.locator("form.your-data [hidden]").evaluate_all(
        "parts => parts.forEach((part) => (part.hidden = false))"
    )
    reader.page.locator("form.your-data details").evaluate_all(
        "all => all.forEach((one) => (one.open = true))"
    )
    page = reader.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    names = page.evaluate(
        """() => [...document.querySelectorAll("form.your-data :is(input, select, textarea)")]
            .map((field) => [...field.labels].map((l) => l.textContent.trim()).join())"""
    )
    assert len(names) == 7 and all(names)
    assert page.locator(".your-data-status").get_attribute("role") == "status"
    assert page.locator(".your-data-refused").get_attribute("role") == "alert"
    # By keys alone one comes to each button, and sees where one is.
    page.locator("form [name=file]").focus()
    seen = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        name, line = page.evaluate(
            """() => [document.activeElement.name ?? "",
                getComputedStyle(document.activeElement).outlineStyle]"""
        )
        assert line != "none"
        seen.add(name)
    assert {"sample", "text", "paste", "decimal", "missing", "seed", "analyse"} <= seen


def test_a_file_beyond_all_measure_is_not_even_read(visit):
    reader = visit()
    reader.page.evaluate(
        """() => {
            const box = document.querySelector("form [name=file]"), some = new DataTransfer();
            some.items.add(new File([new Uint8Array(51e6)], "<b>big</b>.csv"));
            box.files = some.files;
            box.dispatchEvent(new Event("change"));
        }"""
    )
    reader.shown("refused").filter(has_text="dpnotes analyse").wait_for()
    assert "<b>big</b>.csv" in reader.text("refused")
    assert not any("pyodide" in address for address in reader.asked)


def test_a_folder_is_refused_in_words(visit):
    reader = visit()
    reader.page.evaluate(
        """() => {
            const folder = new File([], "my folder");
            folder.arrayBuffer = () => Promise.reject(new DOMException("", "NotFoundError"));
            const dropped = new Event("drop", { bubbles: true, cancelable: true });
            dropped.dataTransfer = { files: [folder] };
            document.querySelector(".your-data-drop").dispatchEvent(dropped);
        }"""
    )
    reader.shown("refused").filter(has_text="my folder cannot be read").wait_for()
    assert not any("pyodide" in address for address in reader.asked)


# In a browser, with Python.


def law(reader):
    """The number of clusters, its probability and standard error, from the page's table."""
    rows = reader.shown("law").locator("tbody tr").all()
    return {int(k): (float(p), float(e)) for k, p, e in (
        row.locator("th, td").all_text_contents() for row in rows)}  # fmt: skip


@pytest.mark.live
def test_the_sample_table_in_a_browser_agrees_with_the_package(visit, pyodide):
    reader = visit(pyodide)
    reader.button("Try the sample").click()
    reader.waits("document.querySelector('.your-data-columns label')")
    asked = len(reader.asked)
    reader.button("How many clusters").click()
    reader.waits("!document.querySelector('.your-data-answer').hidden")
    assert reader.text("kind").startswith("First answer, by mean field")
    assert not reader.shown("fit").is_visible()
    reader.waits("document.querySelector('.your-data-status').textContent.startsWith('Done')", 3600)
    expected = workflow.analyse(datasets.faithful(), rng=1)
    for k, (p, error) in law(reader).items():
        other, its = expected.prob(k)
        assert abs(p - other) < 4 * np.hypot(error, its) + 0.0005
    fit = reader.shown("fit").is_visible()
    assert fit == ("fit to report" in reader.text("text") and "do NOT" not in reader.text("text"))
    assert fit == expected.fit
    with reader.page.expect_download() as download:
        reader.button("Labels").click()
    blocks = list(csv.DictReader(download.value.path().open(encoding="utf-8")))
    assert len(blocks) == 272 and {"block", "certainty"} <= set(blocks[0])
    # After the page had loaded its files there was no request.
    assert [a for a in reader.asked[asked:] if not a.startswith("blob:")] == []


ATTEMPTS = """async (address) => {
    const tries = {
        fetch: () => fetch(address),
        XMLHttpRequest: () => new Promise((done, failed) => {
            const request = new XMLHttpRequest();
            request.onload = done;
            request.onerror = failed;
            request.open("GET", address);
            request.send();
        }),
        importScripts: () => importScripts(address),
        import: () => import(address),
        WebSocket: () => new Promise((done, failed) => {
            const socket = new WebSocket(address.replace("http", "ws"));
            socket.onopen = done;
            socket.onerror = failed;
        }),
        EventSource: () => new Promise((done, failed) => {
            const source = new EventSource(address);
            source.onopen = done;
            source.onerror = failed;
        }),
        caches: () => caches.open("x").then((cache) => cache.add(address)),
        Worker: () => new Promise((done, failed) => {
            const inner = new Worker(URL.createObjectURL(new Blob([
                `fetch("${address}").then(() => postMessage("came"), () => postMessage("refused"))`,
            ])));
            inner.onerror = failed;
            inner.onmessage = ({ data }) => (data === "came" ? done() : failed());
        }),
    };
    const came = {};
    for (const [name, attempt] of Object.entries(tries)) {
        try {
            await attempt();
            came[name] = "came";
        } catch {
            came[name] = "refused";
        }
    }
    return came;
}"""


@pytest.mark.live
def test_the_worker_has_no_network(visit, pyodide, site):
    reader = visit(pyodide)
    with another_host() as (address, asked):
        assert reader.reads(numbers(30, ["a", "b"])) == ""
        (worker,) = reader.page.workers
        before = len(reader.asked)
        for where in (address, site + "robots.txt"):
            came = worker.evaluate(ATTEMPTS, where)
            assert set(came.values()) == {"refused"} and len(came) == 8
        assert asked == [] and [a for a in reader.asked[before:] if a.startswith("http")] == []
    # It works all the same.
    reader.button("How many clusters").click()
    reader.waits("!document.querySelector('.your-data-answer').hidden")
    reader.button("Stop").click()
    reader.waits("document.querySelector('[name=stop]').hidden", 60)
    assert reader.page.workers == [worker]


@pytest.mark.live
def test_ten_files_and_hostile_ones_in_a_browser(visit, pyodide):
    reader = visit(pyodide)

    def chosen():
        boxes = reader.page.locator("[name=column]:checked").all()
        return [box.get_attribute("value") for box in boxes]

    decimal = [a.replace(".", ",") for a in GOOD]
    files = {
        "semicolons": ("a;b\n" + "\n".join(f"{a};{a}" for a in decimal), ["a", "b"]),
        "mark": ("\ufeffa,b\n" + "\n".join(f"{a},{a}" for a in GOOD), ["a", "b"]),
        "breaks": ('a,b\n' + "\n".join(f'{a},"two\nlines"' for a in GOOD), ["a"]),
        "gaps": ("a,b\n" + "\n".join(f"{a},{a if i else ''}" for i, a in enumerate(GOOD)), ["a"]),
        "dates": ("a,b\n" + "\n".join(f"{a},2024-05-01" for a in GOOD), ["a"]),
        "text": ("a,b\n" + "\n".join(f"{a},word" for a in GOOD), ["a"]),
        "one": ("a\n" + "\n".join(GOOD), ["a"]),
        "fifty": (numbers(60, [f"c{j}" for j in range(50)]), [f"c{j}" for j in range(10)]),
        HOSTILE: (f'a,"{HOSTILE}",=1+1\n' + "\n".join(f"{a},{HOSTILE},=cmd" for a in GOOD), ["a"]),
    }  # fmt: skip
    for name, (text, columns) in files.items():
        assert reader.reads(text, name=name) == "", name
        assert chosen() == columns and reader.text("about").startswith(name)
    assert reader.shown("columns").locator("script, img").count() == 0
    # A column with a gap, and one of text, are refused by column and line.
    assert reader.reads(files["gaps"][0]) == ""
    reader.page.locator("[name=column][value=b]").check()
    reader.button("How many clusters").click()
    reader.shown("refused").filter(has_text="column 'b', line 2 = ''").wait_for(timeout=60_000)
    reader.reads(files[HOSTILE][0])
    reader.page.locator("[name=column]").nth(1).check()
    reader.button("How many clusters").click()
    reader.shown("refused").filter(has_text="<script>").wait_for(timeout=60_000)
    assert reader.page.evaluate("String(globalThis.ran)") == "undefined"
    assert "header line" in reader.reads("")
    big = numbers(90_000, ["a", "b", "c", "d", "e", "f"])
    assert len(big) > 4.5e6
    assert "dpnotes analyse" in reader.reads(big)
    assert reader.button("How many clusters").is_disabled()


@pytest.mark.live
def test_noise_is_one_cluster_or_not_to_be_trusted(visit, pyodide):
    reader = visit(pyodide)
    assert reader.reads(numbers(100, ["a", "b"])) == ""
    reader.button("How many clusters").click()
    reader.waits("document.querySelector('.your-data-status').textContent.startsWith('Done')", 3600)
    found = law(reader)
    one = max(found, key=lambda k: found[k][0]) == 1
    # What it is fit to say may be that the clusters are the shape of one group.
    warned = "may be one group" in reader.text("text")
    assert one or warned or not reader.shown("fit").is_visible()
