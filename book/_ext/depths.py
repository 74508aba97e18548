"""Two depths of reading: everything, or the statements alone.

Proofs, cells that show nothing and long outputs stand in ``<details>``, open: without scripts the
page is whole. ``depths.mjs`` closes them for a reader who asks for the statements. A result that a
first reading may pass over says so.
"""

import re

from docutils import nodes

from . import catalogue, foreign, pages

# An output of more lines is long.
LONG = 12
ROW = re.compile(r"<tr\b")


def fold(kind, children, summary):
    """Put ``<details>`` around some children of a node; in the tree they stay where they are."""
    first, last = children[0], children[-1]
    opening = pages.render("fold", kind=kind, summary=summary)
    first.parent.insert(first.parent.index(first), nodes.raw("", opening, format="html"))
    last.parent.insert(last.parent.index(last) + 1, nodes.raw("", "</details>", format="html"))


def lines_in(node):
    """How many lines of text and rows of tables a reader sees."""
    texts = [block.astext().strip("\n") for block in node.findall(nodes.literal_block)]
    tables = [len(ROW.findall(html.astext())) for html in node.findall(nodes.raw)]
    return sum(text.count("\n") + 1 for text in texts) + sum(tables)


def fold_cells(doctree):
    """Fold cells that show nothing (imports, definitions, silent checks), and long outputs."""
    for cell in list(doctree.findall(nodes.container)):
        if "cell" not in cell["classes"]:
            continue
        outputs = [part for part in cell.children if "cell_output" in part["classes"]]
        if not outputs:
            fold("cell", cell.children, f"Preparation, {lines_in(cell)} lines of code")
        for output in outputs:
            if lines_in(output) > LONG:
                fold("output", output.children, f"Output, {lines_in(output)} lines")


def fold_proofs(env, doctree):
    """Fold each proof, whose name is that of the result before it."""
    name = "Proof"
    for node in list(doctree.findall(nodes.Element)):
        if foreign.is_result(node):
            name = f"Proof of {foreign.number_of(env, node['label'])}"
        elif "proof-text" in node.get("classes", ()):
            fold("proof", node.children, name)


def fold_all(app, doctree, docname):
    fold_cells(doctree)
    fold_proofs(app.env, doctree)


def mark_skipped(app, doctree, docname):
    """Say at a result that a first reading may pass over it, and why."""
    why = {row["label"]: row["why"] for row in catalogue.table("first-reading")}
    for node in doctree.findall(nodes.Element):
        if foreign.is_result(node) and node["label"] in why:
            text = pages.render("skip", why=why[node["label"]])
            node.insert(1, nodes.raw("", text, format="html"))


def add_switch(app, pagename, templatename, context, doctree):
    """Give a page with folds the switch and its script."""
    folded = doctree is not None and any(
        html.astext() == "</details>" for html in doctree.findall(nodes.raw)
    )
    context["folded"] = folded
    if folded:
        app.add_js_file("depths.mjs", type="module")


def setup(app):
    app.connect("doctree-resolved", fold_all)
    app.connect("doctree-resolved", mark_skipped)
    app.connect("html-page-context", add_switch)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
