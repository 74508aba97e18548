"""The search: what is found first, and how it is asked, read and left."""

import csv
import json
import re
import subprocess

import pytest
from conftest import ROOT
from test_site import visit

pytestmark = pytest.mark.book

CHAPTER = "book/posterior.html"


def rows(path):
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def find(html):
    """What the built site finds for each of some queries, without a browser."""
    foreign = pytest.importorskip("book._ext.foreign")

    def found(queries):
        command = [foreign.NODE, ROOT / "tests" / "find.mjs", html]
        done = subprocess.run(
            command, input=json.dumps(queries), capture_output=True, text=True, check=False,
            encoding="utf-8",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return found


@pytest.fixture(scope="session")
def entries(html):
    index = json.loads((html / "search.json").read_text(encoding="utf-8"))
    return list(index["mini"]["storedFields"].values())


def missed(find, name):
    """The queries of a list that find first none of what they may, and what they find."""
    wanted = rows(f"tests/data/{name}.csv")
    found = find([row["query"] for row in wanted])
    first = [hits[0]["label"] if hits else None for hits in found]
    return [
        (row["query"], label)
        for row, label in zip(wanted, first, strict=True)
        if label not in row["first"].split("|")
    ], len(wanted)


def test_fifty_queries_find_what_they_must(find):
    assert missed(find, "queries") == ([], 50)


@pytest.mark.parametrize(
    "name", ["queries-textbooks", "queries-web", "queries-readers", "queries-student"]
)
def test_the_words_of_others_find_it_too(find, name):
    """Of headings of textbooks, pages on the web, half remembered, and of one who had read it."""
    wrong, asked = missed(find, name)
    assert asked == 50 and len(wrong) <= 5, wrong


def test_every_tag_and_every_number_leads_to_its_result(find, html):
    results = json.loads((html / "results.json").read_text(encoding="utf-8"))
    by_tag = find([r["tag"] for r in results])
    by_number = find([r["number"].lower() for r in results])
    for result, *found in zip(results, by_tag, by_number, strict=True):
        assert [hits[0]["label"] for hits in found] == [result["label"]] * 2


def test_a_number_of_an_earlier_edition_leads_to_its_result_too(find, html):
    """After what is called so now, if anything is; and it says why it is there."""
    results = json.loads((html / "results.json").read_text(encoding="utf-8"))
    called = {r["number"]: [r["label"]] for r in results}
    was = {}
    for result in results:
        for edition, number in result["numbers"].items():
            if number != result["number"]:
                was[number, result["label"]] = f"{number} in the {edition} edition"
                called.setdefault(number, []).append(result["label"])
    asked = sorted({number for number, _ in was})
    for number, hits in zip(asked, find([n.lower() for n in asked]), strict=True):
        first = hits[: len(called[number])]
        assert [hit["label"] for hit in first] == called[number]
        formerly = [was.get((number, hit["label"])) for hit in first]
        assert [hit.get("formerly") for hit in first] == formerly


def test_every_function_is_found_by_its_name_and_not_by_a_word(find, entries):
    functions = [e for e in entries if e["kind"] == "function"]
    found = find([e["label"] for e in functions])
    assert [hits[0]["label"] for hits in found] == [e["label"] for e in functions]
    chapters = [e["title"] for e in entries if e["kind"] == "chapter"]
    kinds = {hits[0]["kind"] for hits in find(chapters)}
    assert kinds and not kinds & {"function", "module", "reference"}


def test_a_misspelt_name_and_a_half_typed_word_are_found(find):
    found = find(["Sethurman", "blackwel", "exchangeabi", "Dirichlet proces"])
    labels = [[hit["label"] for hit in hits[:3]] for hits in found]
    for wanted, hits in zip(
        ("thm-sethuraman", "def-urn", "cor-crp-exchangeable", "def-dp"), labels, strict=True
    ):
        assert wanted in hits


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("label swiching", "label switching"),
        ("poyla urn", "polya urn"),
        ("gibs sampling", "gibbs sampling"),
        ("stickbreaking", "stick breaking"),
        ("xyzzyx ewens", "ewens"),
        ("Why does the Dirichlet process have atoms?", "why dirichlet process atoms"),
    ],
)
def test_what_is_meant_is_found(find, asked, meant):
    """Letters left out or swapped, words run together or unknown, whole sentences."""
    found = [[hit["label"] for hit in hits] for hits in find([asked, meant])]
    assert found[0] == found[1] and found[0]


def test_a_formula_is_found_however_it_is_written(find):
    wanted = {
        "E[K_n]": "prp-tables-moments",
        r"\psi(\alpha+n)-\psi(\alpha)": "prp-tables-moments",
        "H(A)(1-H(A))/(1+alpha)": "prp-dp-moments",
        "alpha^K prod (n_k - 1)!": "thm-eppf",
        "(alpha/(1+alpha))^T": "prp-stick-remainder",
    }
    assert {
        q: hits[0]["label"] for q, hits in zip(wanted, find(list(wanted)), strict=True)
    } == wanted


def test_a_sign_with_its_index_is_marked_and_no_lone_letter(find):
    marked = [part["text"] for part in find(["E[K_n]"])[0][0]["snippet"]["parts"] if part["marked"]]
    assert set(marked) == {"Kₙ"}


def test_terms_and_synonyms_name_what_there_is(entries):
    labels = {entry["label"] for entry in entries}
    assert [row for row in rows("book/index-terms.csv") if row["label"] not in labels] == []
    same = [row["same"].split("; ") for row in rows("book/synonyms.csv")]
    assert [phrases for phrases in same if len(phrases) < 2] == []


def test_what_is_shown_is_text(entries):
    """No TeX, no formula twice, no sign that only HTML needs."""
    wrong = [
        (e["label"], found[0])
        for e in entries
        if (found := re.search(r"\\[a-z]{2,}|\$|\u2060|<[a-z/]", e["title"] + " " + e["text"]))
        # Docstrings may show TeX and code.
        and e["kind"] not in ("function", "module")
    ]
    assert wrong == []
    for entry in entries:
        if entry["label"] == "prp-tables-moments":
            assert entry["text"].count("E Kₙ = ∑ᵢ₌₁ⁿα/(α+i-1)") == 1


@pytest.mark.parametrize(
    ("tex", "line"),
    [
        (r"\frac{\alpha}{\alpha+n}H", "α/(α+n)H"),
        (r"x_{n+1}\in\mathbb{R}^2", "xₙ₊₁ ∈ R²"),
        (r"\mathbf 1\{\text{the } i\text{-th}\}", "1{the i-th}"),
        (r"\begin{aligned}a&\le b\\[6pt]&=\sqrt{c+d}\end{aligned}", "a ≤ b = √(c+d)"),
        (r"\theta^*_k", "θ*ₖ"),
        (r"\binom{n}{k}x^{\alpha-1}", "(n choose k)x^(α-1)"),
    ],
)
def test_a_formula_becomes_a_line(tex, line):
    from book._ext import plain

    assert plain.line_of(tex) == line


def search_for(page, words):
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    page.locator(".search-hits li").first.wait_for()


def test_the_search_works_by_keyboard(browser, site):
    page, wrong = visit(browser, site + CHAPTER)
    search_for(page, "sethuraman")
    page.wait_for_function("() => document.querySelector('.search-hits a')?.href.includes('thm-')")
    focused = "() => document.activeElement.textContent"
    page.keyboard.press("ArrowDown")
    first = page.evaluate(focused)
    page.keyboard.press("ArrowDown")
    second = page.evaluate(focused)
    page.keyboard.press("ArrowUp")
    assert first.startswith("Sethuraman Theorem 11.8") and first != second
    assert page.evaluate(focused) == first
    page.keyboard.press("Escape")
    assert not page.locator("dialog.search-dialog").is_visible()
    search_for(page, "thm 6.3")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/restaurant.html#thm-eppf")
    page.context.close()
    assert wrong == []


def test_a_hit_by_an_earlier_number_says_so(browser, site):
    page, wrong = visit(browser, site + CHAPTER)
    search_for(page, "Theorem 6.2")
    link = page.locator(".search-hits a").first
    link.locator("text=in the first edition").wait_for()
    where, address = link.locator(".search-where").inner_text(), link.get_attribute("href")
    where = where.replace("\u00a0", " ")
    page.context.close()
    assert where.startswith("Theorem 6.9 · Theorem 6.2 in the first edition") and wrong == []
    assert address.endswith("book/restaurant.html#thm-ewens")


def test_a_screen_reader_hears_what_is_found(browser, site):
    page, _ = visit(browser, site + CHAPTER)
    page.get_by_role("button", name="Search this book").first.click()
    dialog = page.get_by_role("dialog", name="Search this book")
    field = dialog.get_by_role("searchbox", name="Search this book")
    field.fill("ewens")
    dialog.get_by_role("link").first.wait_for()
    said = dialog.get_by_role("status").inner_text()
    count = dialog.get_by_role("listitem").count()
    field.fill("xyzzyx")
    page.wait_for_function("() => !document.querySelector('.search-hits li')")
    nothing = dialog.get_by_role("status").inner_text()
    elsewhere = dialog.get_by_role("link").all_inner_texts()
    field.press("ArrowDown")
    focused = page.evaluate("document.activeElement.textContent")
    page.context.close()
    assert said in (f"{count} results", f"The first {count} results")
    assert nothing == "Nothing found for “xyzzyx”. Try fewer words, or another name for it."
    assert elsewhere == ["results", "glossary", "common questions", "functions"]
    assert focused == "results"


def test_on_a_phone_the_query_stays_in_sight(browser, site):
    page, _ = visit(browser, site + CHAPTER, viewport={"width": 360, "height": 640})
    search_for(page, "number of clusters")
    # At once: what is typed may still be on its way, and the list is then made anew.
    field, last, width = page.evaluate(
        """() => {
            const last = [...document.querySelectorAll(".search-hits li")].at(-1);
            last.scrollIntoView({ behavior: "instant" });
            const dialog = document.querySelector("dialog");
            const field = dialog.querySelector(".search-query").getBoundingClientRect();
            const top = last.getBoundingClientRect().top;
            return [[field.top, field.bottom], top, dialog.scrollWidth];
        }"""
    )
    page.context.close()
    assert 0 <= field[0] < field[1] < last < 640
    assert width <= 360


def test_the_search_has_an_address(browser, site):
    page, wrong = visit(browser, site + "search.html?q=P%C3%B3lya+urn")
    page.locator(".search-hits li").first.wait_for()
    title = page.locator(".search-hits a").first.inner_text()
    page.locator(".search-hits a").first.click()
    page.wait_for_url("**/book/urn.html#def-urn")
    page.context.close()
    assert title.startswith("Blackwell–MacQueen urn") and wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [CHAPTER, "search.html"])
def test_what_is_found_is_accessible(browser, site, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, _ = visit(browser, site + name, color_scheme=scheme)
    search_for(page, "number of clusters")
    panel = {"include": [["dialog, .search-page"]]}
    tags = ["wcag2a", "wcag2aa", "best-practice"]
    found = axe.run(page, context=panel, options={"runOnly": tags, "resultTypes": ["violations"]})
    page.context.close()
    assert [(v["id"], v["nodes"][0]["target"]) for v in found.response["violations"]] == []


def test_accents_do_not_matter(find):
    plain = find(["Polya", "Meila", "de Finetti", "naive"])
    accented = find(["Pólya", "Meila\u0306", "de Finetti\u0301", "naïve"])
    assert plain == accented and all(plain)


def test_a_command_its_sign_and_its_words_find_the_same(find):
    first = {hits[0]["label"] for hits in find(["digamma", "psi", "ψ", r"\psi"])}
    assert first == {"lem-digamma-log"}
    by_sign, by_command = find(["ψ(α+n)", r"\psi(\alpha + n)"])
    assert by_sign and [e["label"] for e in by_sign] == [e["label"] for e in by_command]


def test_a_bare_number_is_a_result_first(find):
    assert [hit["label"] for hit in find(["6.3"])[0][:1]] == ["thm-eppf"]
