"""Links from the first mention of a term in each chapter to its entry in the glossary.

They are made when a page is written: sources and the search know nothing of them.
"""

import dataclasses
import re

from docutils import nodes
from sphinx import addnodes

from . import foreign

PAGE = "book/glossary"


def left_out(node):
    """Whether paragraphs in a node are no text: headings of a table, the caption of a figure."""
    return isinstance(node, (nodes.thead, nodes.figure))


@dataclasses.dataclass
class Entry:
    """One entry of the glossary: its names with their ids, and the results that it leads to."""

    ids: dict
    results: set


def entries(env):
    for item in env.get_doctree(PAGE).findall(nodes.definition_list_item):
        terms = [child for child in item if isinstance(child, nodes.term)]
        links = item.findall(addnodes.pending_xref)
        yield Entry(
            {term.astext(): term["ids"][0] for term in terms},
            {link["reftarget"] for link in links if link.get("refdomain") == "prf"},
        )


def pattern(name):
    """What finds a name in a text: with a capital letter, in the plural, with or without hyphen."""
    words = (re.escape(word) for word in re.split(r"[\s-]", name))
    found = re.sub("['’]", "['’]", r"[\s-]".join(words))
    if name[0].islower():
        found = f"[{name[0].upper()}{name[0]}]{found[1:]}"
    return found + "(?:e?s)?"


def finder(names):
    """What finds any of the names as words of their own, the longest first, each by its number."""
    by_length = sorted(enumerate(names), key=lambda pair: -len(pair[1]))
    either = "|".join(f"(?P<name{i}>{pattern(name)})" for i, name in by_length)
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])")


def around(node):
    while node.parent is not None:
        node = node.parent
        yield node


def link_terms(app, doctree, docname):
    """Make the first mention of each term in the text of a chapter a link.

    Text is what stands in a paragraph as it is: no heading, caption, link, code, formula, or word
    set off because it is explained there. The result that states what a term means is left alone.
    """
    if PAGE not in app.env.all_docs or not foreign.section_number(app.env, docname, ""):
        return
    names = [(name, entry) for entry in entries(app.env) for name in entry.ids]
    find = finder([name for name, _ in names])
    page = app.builder.get_relative_uri(docname, PAGE)
    linked = []
    for text in list(doctree.findall(nodes.Text)):
        above = list(around(text))
        if not isinstance(text.parent, nodes.paragraph) or any(map(left_out, above)):
            continue
        stated = {node["label"] for node in above if foreign.is_result(node)}
        parts, end = [], 0
        for match in find.finditer(text):
            name, entry = names[int(match.lastgroup.removeprefix("name"))]
            if entry in linked or entry.results & stated:
                continue
            linked.append(entry)
            address = f"{page}#{entry.ids[name]}"
            parts += [
                nodes.Text(text[end : match.start()]),
                nodes.reference("", match[0], internal=True, refuri=address, classes=["term"]),
            ]
            end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def setup(app):
    app.connect("doctree-resolved", link_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
