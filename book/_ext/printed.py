"""What paper says of a page at its edges: the chapter above, version, address and number below.

A style sheet cannot know the chapter: no browser has ``string-set``. So each page carries one rule.
"""

import html
import re

from . import cite

TAGS = re.compile(r"<[^>]*>")


def quoted(text):
    """A text as a string of CSS that may stand in HTML."""
    text = re.sub(r'[\\"]', r"\\\g<0>", " ".join(text.split()))
    return '"' + text.replace("<", "\\3c ") + '"'


def footer(address):
    """Which edition is read, and where."""
    return " · ".join(filter(None, [f"{cite.BOOK}, version {cite.edition().version}", address]))


def edges(title, address):
    """The rule for the margins of a page."""
    return (
        f"@page {{ @top-left {{ content: {quoted(title)} }} "
        f"@bottom-left {{ content: {quoted(footer(address))} }} }}"
    )


def title_in(head):
    """The title of a page as text, from its HTML."""
    return html.unescape(TAGS.sub("", head))


def add_edges(app, pagename, templatename, context, doctree):
    # Sphinx gives the index no title but in its template.
    title = title_in(context.get("title", "Index"))
    # Page 404 has none: it is shown wherever nothing is.
    address = "" if pagename == "404" else cite.address(app, app.builder.get_target_uri(pagename))
    style = f'<style media="print">{edges(title, address)}</style>\n'
    context["metatags"] = context.get("metatags", "") + style


def setup(app):
    app.add_css_file("print.css", media="print", priority=900)
    app.add_js_file("print.mjs", type="module")
    app.connect("html-page-context", add_edges)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
