"""The search of the book: its index, made with the book, and its page.

Results, definitions, sections, exercises, functions and references are documents of their own.
``search.mjs`` shows what ``finder.mjs`` finds; the same ``finder.mjs`` makes the index here.
"""

import dataclasses
import json
import pathlib
import re
import subprocess

import pybtex.database
from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError

from . import catalogue, foreign, house, plain

HERE = pathlib.Path(__file__).parent
# What stands on these pages is elsewhere too, or is no reading.
BARE = ("book/checks", "book/glossary", "book/results")
# What the sections of a page without a number are.
SECTIONS = {"book/api": "module", "book/common-questions": "question"}
LETTERS = re.compile(r"[{}]|\\[^a-zA-Z]|\\[a-zA-Z]+\s*")


@dataclasses.dataclass
class Entry:
    """One thing that can be found."""

    label: str
    kind: str
    title: str
    address: str
    number: str = ""
    tag: str = ""
    place: str = ""
    terms: list = dataclasses.field(default_factory=list)
    people: list = dataclasses.field(default_factory=list)
    # Numbers of earlier editions, each with its edition.
    earlier: list = dataclasses.field(default_factory=list)
    text: str = ""
    # A result's proof, an exercise's solution.
    proof: str = ""


def classes_of(node):
    return set(node.get("classes", ())) if isinstance(node, nodes.Element) else set()


def one_line(text):
    return " ".join(text.replace(house.WORD_JOINER, "").split())


class Reader:
    """Makes the entries of one page."""

    def __init__(self, app, docname):
        self.app, self.env, self.docname = app, app.env, docname
        self.page = app.builder.get_target_uri(docname)
        self.entries = []

    def read(self):
        # A page begins with one section, its title.
        self.children(self.env.get_and_resolve_doctree(self.docname, self.app.builder), None)
        if self.docname in BARE:
            self.entries = [dataclasses.replace(self.entries[0], text="")]
        for entry in self.entries:
            entry.text, entry.proof = one_line(entry.text), one_line(entry.proof)
        return self.entries

    def add(self, node, kind, title, **more):
        place = self.entries[0].title if self.entries else ""
        address = f"{self.page}#{node['ids'][0]}" if self.entries else self.page
        more.setdefault("label", node["ids"][0])
        title = one_line(title)
        entry = Entry(kind=kind, title=title, address=address, place=place, **more)
        self.entries.append(entry)
        return entry

    def children(self, node, entry, part="text"):
        latest = entry
        for child in node.children:
            # A proof or a solution belongs to what stands before it.
            if {"proof-text", "solution"} & classes_of(child):
                self.children(child, latest, "proof")
            else:
                latest = self.one(child, entry, part) or latest

    def one(self, node, entry, part):
        """Read one node into a part of the entry around it; return the entry that it makes."""
        if isinstance(node, nodes.title) or not isinstance(node, nodes.Element):
            return None
        if isinstance(node, nodes.TextElement):
            if entry is not None and not isinstance(node.parent, nodes.citation):
                setattr(entry, part, f"{getattr(entry, part)} {plain.text_of(node)}")
            return None
        made = self.made_of(node)
        # What a cell computes is not what the book says.
        if "cell" not in classes_of(node):
            self.children(node, made or entry, "text" if made else part)
        return made

    def made_of(self, node):
        if isinstance(node, nodes.section):
            return self.section(node)
        if foreign.is_result(node):
            return self.result(node)
        if foreign.is_exercise(node):
            return self.exercise(node)
        if isinstance(node, addnodes.desc) and node[0]["ids"]:
            return self.function(node[0])
        if isinstance(node, nodes.citation):
            # Its title says it all.
            self.add(node, "reference", plain.text_of(node[-1]))
        return None

    def section(self, node):
        title = plain.text_of(node.next_node(nodes.title))
        if not self.entries:
            number = foreign.section_number(self.env, self.docname, "")
            label = next((i for i in node["ids"] if i.startswith(("ch-", "app-"))), self.docname)
            kind = "chapter" if number else "appendix"
            number = f"Chapter {number}" if number else ""
            return self.add(node, kind, title, label=label, number=number)
        number = foreign.section_number(self.env, self.docname, node["ids"][0])
        label = f"{self.docname}#{node['ids'][0]}"
        if not number:
            kind = SECTIONS.get(self.docname, "appendix")
            return self.add(node, kind, title, label=label)
        return self.add(node, "section", title, label=label, number=f"Section {number}")

    def result(self, node):
        result = self.env.dpnotes_results.get(node["label"])
        number = foreign.number_of(self.env, node["label"])
        title = plain.with_formulas(result.title) or number
        kind = "definition" if result.prefix == "def" else "result"
        return self.add(
            node, kind, title, label=result.label, number=number, tag=result.tag,
            earlier=result.earlier(number),
        )  # fmt: skip

    def exercise(self, node):
        number = foreign.exercise_number(self.env, node)
        title = plain.text_of(node[0]).strip(" ()") if isinstance(node[0], nodes.title) else ""
        return self.add(node, "exercise", title or number, number=number)

    def function(self, signature):
        name = signature["ids"][0]
        return self.add(signature, "function", name.removeprefix("dpnotes."), label=name)


def authors(app):
    """Last names of the authors of each reference, by its key."""
    found = {}
    for file in app.config.bibtex_bibfiles:
        entries = pybtex.database.parse_file(pathlib.Path(app.srcdir, file), "bibtex").entries
        for key, entry in entries.items():
            people = entry.persons.get("author", [])
            found[key] = [LETTERS.sub("", " ".join(p.last_names)) for p in people]
    return found


def sentences(doctree):
    """What each sentence of a page says, the labels of results in it, and the keys it cites."""
    for paragraph in doctree.findall(nodes.paragraph):
        text, labels, keys = "", [], []
        for part in [*paragraph.children, nodes.Text("\n")]:
            text += plain.text_of(part)
            if isinstance(part, addnodes.pending_xref):
                domain = part.get("refdomain")
                labels += [part["reftarget"]] * (domain == "prf")
                keys += part["reftarget"].split(",") * (domain == "cite")
            elif isinstance(part, nodes.Text) and "\n" in part:
                yield text.lower(), labels, keys
                text, labels, keys = "", [], []


def name_people(app, entries):
    """Give results the names of those whom a sentence cites beside their label or title."""
    last_names = authors(app)
    titles = {entry.title.lower(): entry.label for entry in entries.values() if entry.tag}
    # "Consistency" is said of many things.
    titles = {title: label for title, label in titles.items() if " " in title}
    for docname in sorted(app.env.found_docs):
        for text, labels, keys in sentences(app.env.get_doctree(docname)):
            if not keys:
                continue
            people = [name for key in keys for name in last_names.get(key.strip(), ())]
            titled = [label for title, label in titles.items() if title in text]
            for label in {*labels, *titled} & entries.keys():
                known = entries[label].people
                known += [name for name in people if name not in known]


def entries_of(app):
    found = {}
    for docname in sorted(app.env.found_docs):
        for entry in Reader(app, docname).read():
            found[entry.label] = entry
    name_people(app, found)
    for row in catalogue.table("index-terms"):
        if row["label"] in found:
            found[row["label"]].terms.append(row["term"])
    return list(found.values())


def write_index(app, error):
    if error or app.builder.format != "html":
        return
    given = {
        "entries": [vars(entry) for entry in entries_of(app)],
        "synonyms": [row["same"].split("; ") for row in catalogue.table("synonyms")],
    }
    done = subprocess.run(
        [foreign.NODE, HERE / "search_index.mjs"],
        input=json.dumps(given), capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        raise ExtensionError(f"the index of the search cannot be made:\n{done.stderr[-2000:]}")
    pathlib.Path(app.outdir, "search.json").write_text(done.stdout, encoding="utf-8")


def replace_search(app):
    foreign.make_no_search(app.builder)


def pages(app):
    yield "search", {"title": "Search"}, "search-page.html"


def setup(app):
    # Before the theme's own, whose buttons and field ours replace.
    app.config.templates_path.insert(0, str(HERE / "templates" / "components"))
    app.add_js_file("search.mjs", type="module")
    app.connect("builder-inited", replace_search)
    app.connect("html-collect-pages", pages)
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
