"""What the site needs from Sphinx that no option gives: local maths, clean ids, its own address."""

import copy
import os
import pathlib
import re
import struct

from docutils import nodes

from . import drawings, foreign


def use_address(app, config):
    config.html_baseurl = os.environ.get("BOOK_URL") or config.html_baseurl


# What may not begin a line, and the character that forbids a break before it.
PUNCTUATION = tuple(".,;:!?)’'”-–")
OPENING = tuple("([“‘")  # and what may not end one
WORD_JOINER = "\u2060"
# The end of a proof, on one line with its last word.
END_OF_PROOF = f'<span class="qed">{WORD_JOINER}\u00a0\u25a1</span>'
# A formula of so many signs or fewer stays on one line.
SHORT = 14


def unwrap_bodies(app, doctree):
    """Turn the body of each result and exercise from a section into a container.

    The directives make it a section with the same id on every result of a page;
    ids must be unique, and a result is no section of the table of contents.
    """
    for section in foreign.bodies(doctree):
        body = nodes.container("", *section.children, classes=section["classes"])
        section.parent.replace(section, body)


def name_proofs(app, doctree):
    """Give each proof an id of its own, from the result before it, and a class for its look."""
    label, seen = "", 0
    for node in doctree.findall(nodes.Element):
        if foreign.is_result(node):
            label, seen = node["label"], 0
        elif foreign.is_proof(node):
            seen += 1
            node["ids"] = [f"proof-{label or 'text'}" + (f"-{seen}" if seen > 1 else "")]
            node["classes"] = ["proof-text"]
            first = next(node.findall(nodes.Text))
            rest = nodes.Text(first.astext().removeprefix(foreign.PROOF_BEGINS))
            first.parent.replace(
                first, [nodes.emphasis("", foreign.PROOF_BEGINS, classes=["proof-begins"]), rest]
            )


def close_proofs(app, doctree):
    """Put the square behind the last word of each proof, or beside its last display."""
    for node in doctree.findall(
        lambda node: "proof-text" in getattr(node, "attributes", {}).get("classes", ())
    ):
        while not isinstance(node, nodes.paragraph | nodes.math_block):
            node = node[-1]
        if isinstance(node, nodes.paragraph):
            node.append(nodes.raw("", END_OF_PROOF, format="html"))
        else:
            node["classes"].append("qed")


def keep_punctuation(app, doctree):
    """Let no line begin with the comma behind a formula, or end in the bracket before it."""
    for formula in list(doctree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        if isinstance(after, nodes.Text) and after.astext()[:1] in PUNCTUATION:
            after.parent.replace(after, nodes.Text(WORD_JOINER + after.astext()))
        before = formula.previous_sibling()
        if isinstance(before, nodes.Text) and before.astext()[-1:] in OPENING:
            # A browser breaks between a word joiner and a formula, unless lines do not wrap.
            formula.parent.replace(before, nodes.Text(before.astext()[:-1]))
            held = nodes.inline("", before.astext()[-1], classes=["held"])
            formula.parent.replace(formula, held)
            held += formula


def join_pieces(outputs):
    """Put together what a cell prints, as it was printed, however the kernel cut it up in time.

    MyST-NB alone starts a new line after each piece, also where it was cut within a line.
    """
    joined, streams = [], {}
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
            continue
        if output["output_type"] == "stream":
            output = streams[output["name"]] = copy.copy(output)
        joined.append(output)
    return joined


def mark_short(app, doctree):
    """Give short formulas a class, so that "b > 0" is not torn apart."""
    for formula in doctree.findall(nodes.math):
        signs = re.sub(r"\\[a-zA-Z]+", "x", formula.astext())
        if len(re.sub(r"[\\{}^_\s]", "", signs)) <= SHORT:
            formula["classes"].append("short")


def space_before_links(app, doctree, docname):
    """Take the space that begins a link out of it, so that "Exercise 1.1" is underlined from E."""
    for link in list(doctree.findall(nodes.reference)):
        first = next(link.findall(nodes.Text), None)
        if first is not None and first.astext().startswith(" "):
            first.parent.replace(first, nodes.Text(first.astext().lstrip()))
            link.parent.insert(link.parent.index(link), nodes.Text(" "))


def leave_thebe_out(app, pagename, templatename, context, doctree):
    """Drop the scripts of sphinx-thebe, which Jupyter Book adds to pages that never use them."""
    scripts = context["script_files"]
    scripts[:] = [script for script in scripts if not foreign.is_thebe(script)]


PICTURE = re.compile(r'<img(?![^>]*\swidth=)[^>]*?src="[^"]*_images/(?P<name>[^"/]+\.png)"')


def size_of(file):
    """The width and height of an open PNG file."""
    return struct.unpack(">2I", file.read(24)[16:])


def reserve_places(app, pagename, templatename, context, doctree):
    """Write the size of each picture into the page, so that its place is kept while it loads."""
    files = {name: path for path, name in app.builder.images.items()}

    def sized(match):
        with (app.srcdir / files[match["name"]]).open("rb") as file:
            width, height = size_of(file)
        return f'{match[0]} width="{width}" height="{height}"'

    if "body" in context:
        context["body"] = PICTURE.sub(sized, context["body"])


def setup(app):
    citation = foreign.visit_citation, foreign.depart_citation
    app.add_node(nodes.citation, override=True, html=citation)
    foreign.prepare_katex()
    # Where MyST-NB puts the pixels of figures.
    folder = pathlib.Path(app.outdir).parent / "jupyter_execute"
    foreign.tidy_outputs_after(lambda outputs: join_pieces(drawings.keep(outputs, folder)))
    app.connect("config-inited", use_address)
    app.connect("html-page-context", leave_thebe_out)
    app.connect("html-page-context", reserve_places)
    # Before the collector of the table of contents, which runs at the default 500.
    app.connect("doctree-read", unwrap_bodies, priority=400)
    app.connect("doctree-read", name_proofs, priority=400)
    app.connect("doctree-read", close_proofs)
    app.connect("doctree-read", keep_punctuation)
    app.connect("doctree-read", mark_short)
    app.connect("doctree-resolved", space_before_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
