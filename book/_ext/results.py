"""At each result: its tag, its citation, its status, and its links to code, tests and other results.

Also the pages around them: the index of results with its graph, the checks with their source,
``t/DP-0001.html`` for every tag, ``results.json`` and ``results.bib``.
All of it is in the pages themselves; the script only copies and sorts.
"""

import datetime
import html
import json
import pathlib
import re
import sys

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import catalogue  # noqa: E402

BOOK = "Dirichlet Process Notes"


def edition():
    """Version, date and authors of the book, from its citation file."""
    cff = yaml.safe_load((catalogue.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    date = cff["date-released"]
    if isinstance(date, str):
        date = datetime.date.fromisoformat(date)
    return cff["version"], date, " and ".join(a["name"] for a in cff["authors"])


def permalink(app, result):
    return f"{app.config.html_baseurl.rstrip('/')}/t/{result.tag}.html"


def name_of(result):
    """A result's kind and title, without its number: numbers change."""
    kind = catalogue.KINDS[result.prefix]
    return f"{kind}: {result.title}" if result.title else f"{kind} {result.label}"


def bibtex(app, result):
    version, date, authors = edition()
    return "\n".join(
        [
            f"@misc{{dpnotes:{result.tag},",
            f"  author       = {{{{{authors}}}}},",
            f"  title        = {{{{{name_of(result)}}}}},",
            f"  howpublished = {{{BOOK}, version {version}, tag {result.tag}}},",
            f"  year         = {{{date.year}}},",
            f"  month        = {date:%b},".lower(),
            f"  url          = {{{permalink(app, result)}}},",
            "}",
        ]
    )


def plain_citation(app, result):
    version, date, authors = edition()
    title = name_of(result).replace("$", "")
    day = f"{date.day} {date:%B %Y}"
    return f"{authors}. {title} (tag {result.tag}). {BOOK}, version {version}, {day}. {permalink(app, result)}"


class Links:
    """Addresses and numbers of results, relative to one page."""

    def __init__(self, app, docname):
        self.app, self.docname = app, docname
        self.results = app.env.dpnotes_results

    def to(self, docname, anchor=""):
        address = self.app.builder.get_relative_uri(self.docname, docname)
        return address + (f"#{anchor}" if anchor else "")

    def number(self, label):
        """Kind and number, as the page prints them, such as Theorem 6.2."""
        known = self.app.env.proof_list.get(label)
        if known is None:
            return label
        numbers = self.app.env.toc_fignumbers.get(known["docname"], {})
        number = numbers.get(known["countertype"], {}).get(label, ())
        return f"{known['realtype'].title()} {'.'.join(map(str, number))}".strip()

    def result(self, label):
        known = self.app.env.proof_list.get(label)
        text = html.escape(self.number(label))
        if known is None:
            return text
        title = html.escape(self.results[label].title.replace("$", "")) if label in self.results else ""
        return f'<a href="{self.to(known["docname"], label)}" title="{title}">{text}</a>'

    def chapter(self, name):
        title = html.escape(self.app.env.titles[f"book/{name}"].astext())
        return f'<a href="{self.to(f"book/{name}")}">{title}</a>'

    def function(self, name):
        short = html.escape(name.removeprefix("dpnotes."))
        return f'<a href="{self.to("book/api", name)}"><code>{short}</code></a>'

    def check(self, check):
        text = html.escape(check.name)
        return f'<a href="{self.to("book/checks", check.anchor)}"><code>{text}</code></a> ({check.how})'


def row(term, items):
    return f"<dt>{term}</dt><dd>{', '.join(items)}</dd>" if items else ""


def status_of(result):
    text = catalogue.STATUS[result.status]
    if not text:
        return ""
    reason = f' title="{html.escape(result.reason)}"' if result.reason else ""
    return f'<span class="result-status result-{result.status}"{reason}>{text}</span>'


def box(app, links, result):
    """The strip at the foot of a result."""
    tag = result.tag
    errata = "".join(
        f'<p class="result-erratum"><strong>Erratum, {html.escape(date)}.</strong> {html.escape(text)}</p>'
        for date, text in result.errata
    )
    relations = (
        row("Uses", [links.result(u) for u in result.uses])
        + row("Used by", [links.result(u) for u in result.used_by])
        + row("Implemented by", [links.function(f) for f in result.implemented_by])
        + row("Checked by", [links.check(c) for c in result.checked_by])
        + row("Not checked by machine, because", [html.escape(result.reason)] if result.reason else [])
    )
    more = (
        f'<details class="result-more"><summary>Links<span class="visually-hidden"> of {tag}</span></summary>'
        f"<dl>{relations}</dl></details>"
        if relations
        else ""
    )
    return f"""{errata}<div class="result-strip">
<a class="result-tag" href="{links.to("index").rsplit("index", 1)[0]}t/{tag}.html" title="Permanent link to this result">{tag}</a>
{status_of(result)}
<details class="result-cite"><summary>Cite<span class="visually-hidden"> {tag}</span></summary>
<div class="result-citation"><p class="result-copied" role="status"></p>
<pre class="result-bibtex" tabindex="0" aria-label="BibTeX entry">{html.escape(bibtex(app, result))}</pre>
<p class="result-plain">{html.escape(plain_citation(app, result))}</p></div></details>
{more}</div>"""


def add_boxes(app, doctree, docname):
    """Put the strip below each tagged result, and a link to itself in its title."""
    links = Links(app, docname)
    for node in doctree.findall(nodes.Element):
        result = links.results.get(node.get("label", ""))
        if result is None or not result.tag or "proof" not in node.get("classes", []):
            continue
        node.append(nodes.raw("", box(app, links, result), format="html"))


class ResultsIndex(SphinxDirective):
    """All results in one sortable table."""

    def run(self):
        return [nodes.raw("", "", format="html", classes=["results-index"])]


class ResultsGraph(SphinxDirective):
    """What uses what, as a picture."""

    def run(self):
        return [nodes.raw("", "", format="html", classes=["results-graph"])]


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


def index_table(links):
    rows = []
    for result in sorted(links.results.values(), key=lambda r: r.tag or "~"):
        if not result.tag:
            continue
        title = html.escape(result.title.replace("$", ""))
        kind = catalogue.KINDS[result.prefix]
        rows.append(
            f'<tr id="index-{result.tag}"><td>{result.tag}</td>'
            f'<td data-sort="{result.position:04d}">{links.result(result.label)}</td><td>{title}</td>'
            f'<td>{kind}</td><td data-sort="{result.position:04d}">'
            f"{links.chapter(result.chapter)}</td>"
            f"<td>{status_of(result)}</td></tr>"
        )
    heads = "".join(
        f'<th scope="col">{h}</th>' for h in ("Tag", "Result", "Name", "Kind", "Chapter", "Status")
    )
    return (
        '<div class="results-scroll" tabindex="0" role="region" aria-label="Index of results">'
        f'<table class="table results-table"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def graph_svg(links):
    """Results as dots, a column a chapter, later results further right; an arc for each use."""
    names = list(dict.fromkeys(r.chapter for r in links.results.values()))
    place, depth = {}, {name: 0 for name in names}
    for result in links.results.values():
        if result.tag:
            place[result.label] = (24 + 52 * names.index(result.chapter), 40 + 22 * depth[result.chapter])
            depth[result.chapter] += 1
    width, height = 52 * len(names), 60 + 22 * max(depth.values(), default=1)
    arcs, dots, heads = [], [], []
    for label, (x, y) in place.items():
        for used in links.results[label].uses:
            if used in place:
                x0, y0 = place[used]
                bend = 14 if x0 == x else 0
                middle = (x0 + x) / 2 + bend
                arcs.append(f'<path d="M{x0} {y0} Q{middle:.0f} {(y0 + y) / 2 - bend:.0f} {x} {y}"/>')
        known = links.app.env.proof_list.get(label)
        text = f"{links.number(label)}, {links.results[label].title.replace('$', '')}"
        if known:
            address = links.to(known["docname"], label)
            dots.append(
                f'<a href="{address}" aria-label="{html.escape(text)}"><circle class="{links.results[label].prefix}" '
                f'cx="{x}" cy="{y}" r="6"><title>{html.escape(text)}</title></circle></a>'
            )
    for i, _ in enumerate(names):
        heads.append(f'<text x="{24 + 52 * i}" y="20">{i + 1}</text>')
    listing = ", ".join(f"{i + 1} {links.chapter(name)}" for i, name in enumerate(names))
    return (
        '<figure class="results-graph"><div class="results-scroll" tabindex="0" role="region" '
        'aria-label="Graph of what uses what">'
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group" '
        f'aria-label="Each dot is a result, each line a use">'
        f'<g class="arcs">{"".join(arcs)}</g><g class="heads">{"".join(heads)}</g>{"".join(dots)}</svg></div>'
        f"<figcaption>What uses what. Each dot is a result (green a definition, orange an algorithm), "
        f"a column is a chapter ({listing}), "
        "and each line joins a result to one whose statement or proof names it.</figcaption></figure>"
    )


def fill_pages(app, doctree, docname):
    """Write the index, the graph and the lists above the checks, now that numbers are known."""
    links = Links(app, docname)
    by_anchor = {}
    for result in links.results.values():
        for check in result.checked_by:
            by_anchor.setdefault(check.anchor, []).append(links.result(result.label))
    for node in list(doctree.findall(nodes.raw)):
        text = None
        if "results-index" in node["classes"]:
            text = index_table(links)
        elif "results-graph" in node["classes"]:
            text = graph_svg(links)
        elif "check-results" in node["classes"]:
            text = f"<p>Checks {', '.join(by_anchor[node.astext()])}.</p>"
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


LEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<title>{tag}: {name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={address}">
<link rel="canonical" href="{canonical}">
</head><body><main><h1>{tag}</h1><p><a href="{address}">{name}</a>, in <cite>{book}</cite>.</p></main></body></html>
"""


def write_files(app, error):
    """Write a page a tag, and the catalogue for machines."""
    if error or app.builder.format != "html":
        return
    out = pathlib.Path(app.outdir)
    (out / "t").mkdir(exist_ok=True)
    tagged = [r for r in app.env.dpnotes_results.values() if r.tag]
    links = Links(app, "t/lead")
    for result in tagged:
        known = app.env.proof_list.get(result.label)
        if known is None:
            continue
        address = links.to(known["docname"], result.label)
        page = LEAD.format(
            tag=result.tag, name=html.escape(name_of(result)), address=address,
            canonical=permalink(app, result), book=BOOK,
        )  # fmt: skip
        (out / "t" / f"{result.tag}.html").write_text(page, encoding="utf-8")
    tag_of = {r.label: r.tag for r in tagged}
    entries = [
        {
            "tag": r.tag, "label": r.label, "kind": catalogue.KINDS[r.prefix], "title": r.title,
            "chapter": r.chapter, "number": links.number(r.label), "status": r.status,
            "url": permalink(app, r), "uses": [tag_of[u] for u in r.uses if u in tag_of],
            "used_by": [tag_of[u] for u in r.used_by if u in tag_of],
            "implemented_by": r.implemented_by,
            "checked_by": [f"{c.file}::{c.name}" for c in r.checked_by],
        }
        for r in tagged
    ]  # fmt: skip
    (out / "results.json").write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "results.bib").write_text("\n\n".join(bibtex(app, r) for r in tagged) + "\n", encoding="utf-8")


def read_catalogue(app):
    app.env.dpnotes_results = catalogue.load()
    if not hasattr(app.env, "proof_list"):
        app.env.proof_list = {}


def setup(app):
    app.add_directive("results-index", ResultsIndex)
    app.add_directive("results-graph", ResultsGraph)
    app.add_directive("checks", Checks)
    app.add_js_file("results.mjs", type="module")
    app.add_js_file("previews.mjs", type="module")
    app.connect("builder-inited", read_catalogue)
    app.connect("doctree-resolved", add_boxes)
    app.connect("doctree-resolved", fill_pages)
    app.connect("autodoc-process-docstring", link_docstring)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
