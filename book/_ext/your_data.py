"""The page on which a reader's own table is analysed: ``{your-data}``, a form, and what it loads.

Its text stands in the template; the script ``your-data.mjs`` brings it to life, and its Python is
``your_data.py``, of which the files to load are read.
"""

import pathlib

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import live, notebooks, pages

PROGRAM = pathlib.Path(__file__).parents[1] / "_static" / "your_data.py"


class YourData(SphinxDirective):
    """The place of the form."""

    def run(self):
        form = pages.render("your-data", requirement=notebooks.requirement(self.env.app))
        return [nodes.raw("", form, format="html", classes=["your-data-place"])]


def add_script(app, pagename, templatename, context, doctree):
    """Give the page with the form its script and its list of files."""
    if doctree is None or not any(
        "your-data-place" in n["classes"] for n in doctree.findall(nodes.raw)
    ):
        return
    live.add_config(app, live.files_for(app, pagename, PROGRAM.read_text("utf-8")))
    app.add_js_file("your-data.mjs", type="module")
    app.add_css_file("your-data.css")


def setup(app):
    app.add_directive("your-data", YourData)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
