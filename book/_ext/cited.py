"""Below each entry of the bibliography: the sections that cite it."""

from docutils import nodes
from sphinx import addnodes

from . import foreign, pages, results


def section_around(node):
    """The section of the table of contents that a node stands in."""
    while not isinstance(node, nodes.section):
        node = node.parent
    return node


def citing_sections(links):
    """For each key, the sections that cite it as links, in the order of the book."""
    env, found = links.app.env, {}
    for docname in results.chapters(env):
        page = foreign.title_of(env, docname)
        for node in env.get_doctree(docname).findall(addnodes.pending_xref):
            if node.get("refdomain") != "cite":
                continue
            section = section_around(node)
            anchor = "" if isinstance(section.parent, nodes.document) else section["ids"][0]
            number = foreign.section_number(env, docname, anchor)
            link = {"address": links.to(docname, anchor), "text": number or page, "title": page}
            for key in node["reftarget"].split(","):
                known = found.setdefault(key.strip(), [])
                if link["text"] not in [other["text"] for other in known]:
                    known.append(link)
    return found


def add_links(app, doctree, docname):
    entries = list(doctree.findall(nodes.citation))
    if not entries:
        return
    cited = citing_sections(results.Links(app, docname))
    keys = {c.citation_id: c.key for c in app.env.get_domain("cite").citations}
    for entry in entries:
        sections = cited.get(keys[entry["ids"][0]], [])
        if sections:
            text = pages.render("cited", sections=sections)
            entry[-1].append(nodes.raw("", text, format="html"))


def setup(app):
    app.connect("doctree-resolved", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
