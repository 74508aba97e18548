"""Figures to act on: ``{acting-figure} gibbs``, with the caption as its content.

The module ``act-gibbs.mjs`` draws the figure and knows what can be done with it; ``acting.mjs`` has
what such figures share. Here they draw the still picture, for print and for readers without
scripts.
"""

import functools
import json
import pathlib
import subprocess

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from . import foreign, pages

HERE = pathlib.Path(__file__).parent
STATIC = HERE.parent / "_static"
KINDS = sorted(path.stem.removeprefix("act-") for path in STATIC.glob("act-*.mjs"))
DRAW = """
const files = process.argv.slice(1).map((file) => import(file));
const [shared, figure, paper] = await Promise.all(files);
process.stdout.write(JSON.stringify(shared.picture(figure, paper.paper)));
"""


@functools.cache
def still(kind):
    """The still picture of a figure, and its words."""
    files = STATIC / "acting.mjs", STATIC / f"act-{kind}.mjs", HERE / "paper_dom.mjs"
    command = [foreign.NODE, "--input-type=module", "-e", DRAW, *(file.as_uri() for file in files)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExtensionError(f"the figure {kind} cannot be drawn:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


class Numbered(SphinxDirective):
    """A figure with a number whose picture is HTML: of a kind, with its caption as content."""

    required_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required}  # noqa: RUF012

    def figure(self, name, kind, html):
        body = nodes.raw("", html, format="html")
        # Where there are no scripts of the page, a link stands for the figure.
        body[name] = kind
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        # What is parsed is paragraphs; a caption holds their text.
        caption = nodes.caption("", "", *(child for part in parsed for child in part))
        figure = nodes.figure("", body, caption, classes=[f"{name}-figure"])
        self.add_name(figure)
        return figure


class ActingFigure(Numbered):
    def run(self):
        kind = self.arguments[0]
        if kind not in KINDS:
            raise self.error(f"{kind}: expected one of {', '.join(KINDS)}")
        return [self.figure("acting", kind, pages.render("acting", kind=kind, **still(kind)))]


def setup(app):
    app.add_directive("acting-figure", ActingFigure)
    app.add_js_file("act.mjs", type="module")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
