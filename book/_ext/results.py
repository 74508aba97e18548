"""At each result: its tag, citation and status, and its links to code, tests and other results.

Also the pages around them: the index of results, the checks with their source,
``t/DP-0001.html`` for every tag, ``results.json`` and ``results.bib``.
All of it is in the pages themselves; the script only copies and sorts.
"""

import json
import pathlib

from docutils import nodes
from markupsafe import Markup
from sphinx.util.docutils import SphinxDirective

from . import catalogue, cite, foreign, head, pages, plain, repository


class Links:
    """Addresses and texts of what a page links to, for ``templates/links.html``."""

    def __init__(self, app, docname):
        self.app, self.docname = app, docname
        self.results = app.env.dpnotes_results

    def to(self, docname, anchor=""):
        address = self.app.builder.get_relative_uri(self.docname, docname)
        return address + (f"#{anchor}" if anchor else "")

    def tag(self, tag):
        return f"{self.to('index').rsplit('index', 1)[0]}t/{tag}.html"

    def result(self, label):
        title = self.results[label].title.replace("$", "") if label in self.results else ""
        docname = foreign.where_stated(self.app.env, label)
        if docname is None:
            return {"address": None, "text": label, "title": title}
        text = foreign.number_of(self.app.env, label)
        return {"address": self.to(docname, label), "text": text, "title": title}

    def chapter(self, name):
        docname = f"book/{name}"
        number = foreign.section_number(self.app.env, docname, "")
        title = foreign.title_of(self.app.env, docname)
        return {"address": self.to(docname), "text": title, "number": number}

    def function(self, name):
        return {"address": self.to("book/api", name), "text": name.removeprefix("dpnotes.")}

    def check(self, check):
        address = self.to("book/checks", check.anchor)
        return {"address": address, "text": check.name, "how": check.how}


def box(app, links, result):
    """The strip at the foot of a result."""
    work = cite.result(app, result)
    return pages.render(
        "box",
        result=result,
        permalink=links.tag(result.tag),
        status=catalogue.STATUS[result.status],
        formats=cite.formats(work),
        report=repository.report(app, result.tag, work.address),
        earlier=result.earlier(foreign.number_of(app.env, result.label)),
        uses=[links.result(u) for u in result.uses],
        used_by=[links.result(u) for u in result.used_by],
        implemented_by=[links.function(f) for f in result.implemented_by],
        checked_by=[links.check(c) for c in result.checked_by],
    )


def add_boxes(app, doctree, docname):
    """Put the strip below each tagged result."""
    links = Links(app, docname)
    for node in doctree.findall(nodes.Element):
        result = links.results.get(node["label"]) if foreign.is_result(node) else None
        if result is not None and result.tag:
            node.append(nodes.raw("", box(app, links, result), format="html"))


def chapters(env):
    """The pages that are cited as part of the book, in its order."""
    names = [name for name in env.found_docs if name.startswith("book/") and name != "book/index"]
    number = {name: env.toc_secnumbers.get(name, {}).get("", (99,)) for name in names}
    return sorted(names, key=lambda name: (number[name], name))


def add_page_citation(app, doctree, docname):
    """Put the citations of the page and of the book at its foot."""
    works = [("Cite this book", cite.book(app))]
    if docname in chapters(app.env):
        work = cite.chapter(app, docname)
        works.insert(0, (f"Cite this {work.chapter.split()[0].lower()}", work))
    text = pages.render("cite-page", works=[(name, cite.formats(work)) for name, work in works])
    section = doctree.next_node(nodes.section)
    if section is not None:
        section.append(nodes.raw("", text, format="html"))


class ResultsIndex(SphinxDirective):
    """All results in one sortable table."""

    def run(self):
        return [nodes.raw("", "", format="html", classes=["results-index"])]


class Checks(SphinxDirective):
    """Every test that checks a result, with its source."""

    def run(self):
        parts = []
        files = {}
        for check in {c: None for r in self.env.dpnotes_results.values() for c in r.checked_by}:
            files.setdefault(check.file, []).append(check)
        for file, checks in sorted(files.items()):
            section = nodes.section(ids=[nodes.make_id(file)])
            section += nodes.title("", "", nodes.literal("", file))
            for check in checks:
                target = nodes.container(ids=[check.anchor], classes=["check"])
                target += nodes.raw("", check.anchor, format="html", classes=["check-results"])
                target += nodes.literal_block(check.source, check.source, language="python")
                section += target
            parts.append(section)
        return parts


def tagged(app):
    return [result for result in app.env.dpnotes_results.values() if result.tag]


def index_table(links):
    rows = [
        {
            "result": result,
            "order": f"{result.position:04d}",
            "permalink": links.tag(result.tag),
            "link": links.result(result.label),
            "kind": catalogue.KINDS[result.prefix],
            "chapter": links.chapter(result.chapter),
            "status": catalogue.STATUS[result.status],
            "earlier": result.earlier(links.result(result.label)["text"]),
        }
        for result in sorted(tagged(links.app), key=lambda r: r.tag)
    ]
    return pages.render("index", rows=rows)


def fill_pages(app, doctree, docname):
    """Write the index and the lists above the checks, now that numbers are known."""
    links = Links(app, docname)
    by_anchor = {}
    for result in links.results.values():
        for check in result.checked_by:
            by_anchor.setdefault(check.anchor, []).append(links.result(result.label))
    for node in list(doctree.findall(nodes.raw)):
        text = None
        if "results-index" in node["classes"]:
            text = index_table(links)
        elif "check-results" in node["classes"]:
            text = pages.render("checked", results=by_anchor[node.astext()])
        if text is not None:
            node.parent.replace(node, nodes.raw("", text, format="html"))


def link_docstring(app, what, name, obj, options, lines):
    """Turn the tags of ``Implements: DP-0001.`` into links to the results."""
    by_tag = {r.tag: r for r in app.env.dpnotes_results.values() if r.tag}

    def link(match):
        result = by_tag.get(match[0])
        return f"{match[0]} (:prf:ref:`{result.label}`)" if result else match[0]

    for i, line in enumerate(lines):
        if line.strip().startswith("Implements:"):
            lines[i] = catalogue.TAG.sub(link, line)


def write_files(app, error):
    """Write a page a tag, and the catalogue for machines."""
    if error or app.builder.format != "html":
        return
    out = pathlib.Path(app.outdir)
    (out / "t").mkdir(exist_ok=True)
    results = tagged(app)
    links = Links(app, "t/lead")
    for result in results:
        link = links.result(result.label)
        if link["address"]:
            work = cite.result(app, result)
            name = plain.with_formulas(work.title)
            tags = head.head(app, work, work.address, f"{name}. {cite.place(work)}.")
            page = pages.render(
                "lead", title=f"{name} ({result.tag})", name=name, address=link["address"],
                head=Markup(tags), canonical=work.address, book=cite.BOOK,
                history=result.history, errata=result.errata,
            )  # fmt: skip
            (out / "t" / f"{result.tag}.html").write_text(page + "\n", encoding="utf-8")
    tag_of = {r.label: r.tag for r in results}
    entries = [
        {
            "tag": r.tag, "label": r.label, "kind": catalogue.KINDS[r.prefix], "title": r.title,
            "chapter": r.chapter, "number": links.result(r.label)["text"],
            "numbers": dict(r.numbers), "status": r.status,
            "url": cite.result(app, r).address, "uses": [tag_of[u] for u in r.uses if u in tag_of],
            "used_by": [tag_of[u] for u in r.used_by if u in tag_of],
            "implemented_by": r.implemented_by,
            "checked_by": [f"{c.file}::{c.name}" for c in r.checked_by],
        }
        for r in results
    ]  # fmt: skip
    (out / "results.json").write_text(
        json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    works = [cite.book(app), *(cite.chapter(app, name) for name in chapters(app.env))]
    works += [cite.result(app, r) for r in results]
    (out / "results.bib").write_text("\n\n".join(map(cite.bibtex, works)) + "\n", encoding="utf-8")


def name_book(app, config):
    """Let a page say how the book is cited: ``{{ book_in_words }}``."""
    words = {"book_in_words": cite.in_words(cite.book(app))}
    config.myst_substitutions = {**config.myst_substitutions, **words}


def read_catalogue(app):
    app.env.dpnotes_results = catalogue.load()


def setup(app):
    app.add_directive("results-index", ResultsIndex)
    app.add_directive("checks", Checks)
    app.add_js_file("results.mjs", type="module")
    app.add_js_file("previews.mjs", type="module")
    # Once the address of the site is known.
    app.connect("config-inited", name_book, priority=600)
    app.connect("builder-inited", read_catalogue)
    app.connect("doctree-resolved", add_boxes)
    app.connect("doctree-resolved", fill_pages)
    app.connect("doctree-resolved", add_page_citation)
    app.connect("autodoc-process-docstring", link_docstring)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
