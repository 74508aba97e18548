"""The map of the book: what each chapter needs, routes through it, and what may be skipped."""

import re

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from . import catalogue, foreign, pages, plain, results

STOP = re.compile(r"([\w-]+): (.+)")


class Place(SphinxDirective):
    """A place that is filled once the numbers of results and sections are known."""

    def run(self):
        return [nodes.raw("", "", format="html", place=self.name)]


class Route(SphinxDirective):
    """Sections to read, one a line: the label of a result in it or of a chapter, and its reason."""

    has_content = True

    def run(self):
        stops = [STOP.fullmatch(line) for line in self.content]
        if not stops or not all(stops):
            raise self.error("expected lines such as def-dp: what the process is")
        stops = [stop.groups() for stop in stops]
        return [nodes.raw("", "", format="html", place=self.name, stops=stops)]


def uses_between_chapters(stated):
    """For each pair (chapter, chapter that it uses), the labels of the results used."""
    used = {}
    for result in stated.values():
        for label in result.uses:
            if stated[label].chapter != result.chapter:
                used.setdefault((result.chapter, stated[label].chapter), set()).add(label)
    return used


def chapter_map(links):
    """The chapters in rows, each chapter below all that it needs."""
    used = uses_between_chapters(links.results)
    names = [path.stem for path in catalogue.chapters()]
    row = {}
    for name in names:
        row[name] = 1 + max((row[other] for other in names if (name, other) in used), default=-1)

    def one(name):
        needs = [(links.chapter(o), len(used[name, o])) for o in names if (name, o) in used]
        return links.chapter(name), needs

    rows = [[one(name) for name in names if row[name] == i] for i in range(max(row.values()) + 1)]
    return pages.render("chapter-map", rows=rows)


def section_of(links, label):
    """The section that states a result, or the page of the chapter with this label."""
    env = links.app.env
    docname = foreign.where_stated(env, label) or f"book/{label.removeprefix('ch-')}"
    if docname not in env.found_docs:
        raise ExtensionError(f"{label}: expected the label of a result or of a chapter")
    section = env.get_doctree(docname).next_node(nodes.section)
    anchor = ""
    if not label.startswith("ch-"):
        section = next(
            node for node in section.findall(nodes.Element)
            if foreign.is_result(node) and node["label"] == label
        )  # fmt: skip
        while not isinstance(section, nodes.section):
            section = section.parent
        anchor = section["ids"][0]
    title = plain.text_of(section.next_node(nodes.title))
    number = foreign.section_number(env, docname, anchor)
    return {"address": links.to(docname, anchor), "text": f"{number}. {title}"}


def route(links, stops):
    return pages.render("route", stops=[(section_of(links, label), why) for label, why in stops])


def skipped(links):
    """What a first reading may skip, by the reason."""
    groups = {}
    for row in catalogue.table("first-reading"):
        groups.setdefault(row["why"], []).append(links.result(row["label"]))
    return pages.render("skipped", groups=groups)


def fill(app, doctree, docname):
    links = results.Links(app, docname)
    for node in list(doctree.findall(nodes.raw)):
        if node.get("place") == "chapter-map":
            text = chapter_map(links)
        elif node.get("place") == "route":
            text = route(links, node["stops"])
        elif node.get("place") == "skipped-results":
            text = skipped(links)
        else:
            continue
        node.parent.replace(node, nodes.raw("", text, format="html"))


def setup(app):
    app.add_directive("chapter-map", Place)
    app.add_directive("skipped-results", Place)
    app.add_directive("route", Route)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
