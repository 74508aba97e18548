"""Code that wraps on a narrow screen, each line under its own indentation.

A line of highlighted code becomes a span that the style sheet hangs by its spaces, and may end
where the language has a joint: after an opening bracket or a comma, before the dot of a method.
The newlines stay between the spans, so that what is copied is the code as it was written.
``code.mjs`` does the same for what runs in the page.
"""

import re
from html import unescape

BLOCK = re.compile(
    r'(<div class="output [^"]*">)?(<div class="highlight"><pre)>((?:<span></span>)?)(.*?)(</pre>)',
    re.DOTALL,
)
# What is printed in columns keeps them: it scrolls in a box that the keyboard reaches.
COLUMNS = re.compile(r"^ *\S.* {2,}\S.*$", re.MULTILINE)
FITS = 38
TABLE = ' class="columns" tabindex="0" role="region" aria-label="Printed table"'
LISTING = re.compile(r'<table class="listing">.*?</table>', re.DOTALL)
TAG = re.compile(r"<[^>]*>")
JOINT = re.compile(r"(?<=[(\[{,]</span>)(?=<span)|(?=<span class=\"o\">\.</span>)")


def hung(line):
    """One line of highlighted code in its span; Pygments closes at its end what it opens."""
    if not line:
        return ""
    text = TAG.sub("", line)
    indent = len(text) - len(text.lstrip(" "))
    style = f' style="--indent: {indent}"' if indent else ""
    return f'<span class="code-line"{style}>{JOINT.sub("<wbr>", line)}</span>'


def in_columns(text):
    """Whether a printed text has columns, and lines that are too long for a phone."""
    return len(COLUMNS.findall(text)) > 1 and max(map(len, text.split("\n"))) > FITS


def hang(html):
    """Put each line of every code block of a page in a span, and printed tables in boxes."""

    def block(found):
        output, begin, empty, body, end = found.groups(default="")
        if output and in_columns(unescape(TAG.sub("", body))):
            return f"{output}{begin}{TABLE}>{empty}{body}{end}"
        return f"{output}{begin}>{empty}" + "\n".join(map(hung, body.split("\n"))) + end

    return LISTING.sub(rf"<div{TABLE}>\g<0></div>", BLOCK.sub(block, html))


def hang_page(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = hang(context["body"])


def setup(app):
    app.connect("html-page-context", hang_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
