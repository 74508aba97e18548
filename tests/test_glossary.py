"""The glossary: each entry leads on and is used, and only plain first mentions are linked."""

import html.parser
import json
import re
import types
import urllib.parse

import pytest
from docutils import nodes
from sphinx import addnodes
from test_site import CHAPTERS

pytestmark = pytest.mark.book
glossary = pytest.importorskip("book._ext.glossary")

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Reader(html.parser.HTMLParser):
    """The words of an article's paragraphs, with what is around them and the term they lead to.

    A word that a link, a formula or another mark sets apart is not theirs.
    """

    def __init__(self, text):
        super().__init__()
        self.around, self.words, self.terms = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        classes = given.get("class", "").split()
        if "term" in classes and tag == "a":
            self.terms.append((given["href"].partition("#")[2], list(self.around)))
        if tag not in VOID:
            self.around.append((tag, classes, given.get("id")))

    def handle_endtag(self, tag):
        while tag not in VOID and self.around.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = [tag for tag, _, _ in self.around]
        term = tags[-2:] == ["p", "a"] and "term" in self.around[-1][1]
        left_out = {"thead", "figure", "script", "style"} & set(tags)
        # What is folded is text, but the links and the citation below a result are none.
        left_out |= {t for t, classes, _ in self.around if t == "details" and "fold" not in classes}
        if (term or tags[-1:] == ["p"]) and "article" in tags and not left_out:
            mark = {"admonition-title", "skip-mark"}
            if not any(mark.intersection(classes) for _, classes, _ in self.around):
                ids = {name for _, _, name in self.around}
                self.words.append((data, self.terms[-1][0] if term else None, ids))


class Entries(html.parser.HTMLParser):
    """The entries of the glossary as it is built: names by id, and addresses of links."""

    def __init__(self, text):
        super().__init__()
        self.entries, self.part, self.inside = [], None, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        get = dict(attributes).get
        classes = (get("class") or "").split()
        self.inside |= tag == "dl" and "glossary" in classes
        if not self.inside:
            return
        if tag == "dt":
            if self.part != "dt":
                self.entries.append(({}, []))
            self.id = get("id")
            self.entries[-1][0][self.id] = ""
        if tag in ("dt", "dd"):
            self.part = tag
        if tag == "a" and "headerlink" in classes:
            self.id = None
        elif tag == "a" and self.part == "dd":
            self.entries[-1][1].append(get("href"))

    def handle_endtag(self, tag):
        self.inside &= tag != "dl"

    def handle_data(self, data):
        if self.inside and self.part == "dt" and self.id:
            self.entries[-1][0][self.id] += data.strip()


@pytest.fixture(scope="module")
def entries(html):
    page = (html / "book" / "glossary.html").read_text(encoding="utf-8")
    found = Entries(page).entries
    assert 40 <= len(found) <= 70
    return found


@pytest.fixture(scope="module")
def chapters(html):
    return {name: Reader((html / name).read_text(encoding="utf-8")) for name in CHAPTERS}


def entry_of(entries):
    return {i: number for number, (names, _) in enumerate(entries) for i in names}


def test_every_entry_leads_to_a_result_that_is_there(html, entries):
    for names, links in entries:
        assert links, f"nothing behind {list(names.values())}"
        for link in links:
            parts = urllib.parse.urlsplit(link)
            page = (html / "book" / parts.path).read_text(encoding="utf-8")
            assert not parts.fragment or f'id="{parts.fragment}"' in page, link


def test_every_entry_is_used(entries, chapters):
    used = {term for page in chapters.values() for term, _ in page.terms}
    assert [names for names, _ in entries if not used & set(names)] == []
    assert used <= set(entry_of(entries))


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_term_is_linked_once_a_chapter_and_only_in_plain_text(entries, chapters, name):
    number, page = entry_of(entries), chapters[name]
    linked = [number[term] for term, _ in page.terms]
    assert len(linked) == len(set(linked)) > 5
    for term, around in page.terms:
        tags = [tag for tag, _, _ in around]
        classes = {c for _, some, _ in around for c in some}
        assert tags[-1] == "p" and "article" in tags, term
        assert not {"a", "pre", "code", "figure", "figcaption", "thead", "strong", "em"} & set(tags)
        assert not {f"h{i}" for i in range(1, 7)} & set(tags)
        assert not {"math", "katex", "caption", "admonition-title", "cell", "sidebar"} & classes


@pytest.mark.parametrize("name", CHAPTERS)
def test_it_is_the_first_mention_outside_its_own_definition(entries, chapters, name):
    every = sorted({n for names, _ in entries for n in names.values()}, key=len, reverse=True)
    either = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, every)) + r")(?![\w-])")
    number, words = entry_of(entries), chapters[name].words
    by_name = {n: k for k, (names, _) in enumerate(entries) for n in names.values()}
    own = [{link.partition("#")[2] for link in links} for _, links in entries]
    seen = set()
    for text, term, ids in words:
        if term:
            seen.add(number[term])
            continue
        for match in either.findall(" ".join(text.split())):
            entry = by_name[match]
            assert entry in seen or own[entry] & ids, (match, text)


def test_the_search_knows_nothing_of_the_links(html):
    index = json.loads((html / "search.json").read_text(encoding="utf-8"))
    found = list(index["mini"]["storedFields"].values())
    (page,) = [e for e in found if e["label"] == "app-glossary"]
    assert page["text"] == ""
    (start,) = [e for e in found if e["label"] == "ch-urn"]
    assert "  " not in start["text"] and " ." not in start["text"]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("base measure", "Base measures, a base\nmeasure", ["Base measures", "base\nmeasure"]),
        ("base measure", "database measure, base measured", []),
        ("mean field", "mean-field and mean field", ["mean-field", "mean field"]),
        ("R-hat", "R-hat", ["R-hat"]),
        ("DP", "a DPM, dp, DPs", ["DPs"]),
        ("atom", "non-atomic, non-atom, atom-like, atoms", ["atoms"]),
        ("Binder's loss", "Binder’s loss, Binder's losses", ["Binder’s loss", "Binder's losses"]),
        ("Bayes factor", "bayes factor", []),
    ],
)
def test_a_name_is_found_as_it_is_written(name, text, found):
    assert [match[0] for match in glossary.finder([name]).finditer(text)] == found


def test_the_longest_name_is_meant():
    find = glossary.finder(["Dirichlet process", "Dirichlet process mixture", "mixture"])
    found = find.finditer("a Dirichlet process mixture, a mixture, the Dirichlet process")
    assert [match.lastgroup for match in found] == ["name1", "name2", "name0"]


def paragraph(*children):
    return nodes.paragraph("", "", *children)


def linked(*blocks, number=(1,)):
    """The links of a chapter of these blocks, under a glossary of two entries."""
    item = nodes.definition_list_item(
        "",
        nodes.term("", "urn", ids=["term-urn"]),
        nodes.term("", "Pólya urn", ids=["term-Polya-urn"]),
        nodes.definition("", addnodes.pending_xref("", refdomain="prf", reftarget="def-urn")),
    )
    other = nodes.definition_list_item("", nodes.term("", "stick", ids=["term-stick"]))
    pages = {glossary.PAGE: nodes.section("", item, other)}
    app = types.SimpleNamespace(
        env=types.SimpleNamespace(
            all_docs=pages, get_doctree=pages.get, toc_secnumbers={"book/x": {"": number}}
        ),
        builder=types.SimpleNamespace(get_relative_uri=lambda here, page: "glossary.html"),
    )
    doctree = nodes.section("", *blocks)
    before = doctree.astext()
    glossary.link_terms(app, doctree, "book/x")
    assert doctree.astext() == before
    return [(a.astext(), a["refuri"]) for a in doctree.findall(nodes.reference) if a["classes"]]


def test_what_is_no_text_is_passed_over():
    text = nodes.Text
    blocks = [
        nodes.title("", "The urn"),
        nodes.literal_block("", "urn"),
        paragraph(nodes.literal("", "urn"), nodes.math("", "urn"), nodes.strong("", "urn")),
        paragraph(nodes.reference("", "urn", refuri="x"), nodes.emphasis("", "urn")),
        nodes.figure("", paragraph(text("an urn")), nodes.caption("", "urn")),
        nodes.thead("", paragraph(text("urn"))),
        nodes.container("", paragraph(text("urn")), classes=["proof"], label="def-urn"),
        nodes.container("", paragraph(text("a Pólya urn")), classes=["proof"], label="def-other"),
        paragraph(text("the urn again, and a stick")),
        paragraph(text("sticks")),
    ]
    assert linked(*blocks) == [
        ("Pólya urn", "glossary.html#term-Polya-urn"),
        ("stick", "glossary.html#term-stick"),
    ]


def test_only_chapters_are_linked():
    assert linked(paragraph(nodes.Text("an urn")), number=()) == []
