"""Code that wraps on a narrow screen, each line under its own indentation.

A line of highlighted code becomes a span that the style sheet hangs by its spaces, and may end
where the language has a joint: after an opening bracket or a comma, before the dot of a method.
The newlines stay between the spans, so that what is copied is the code as it was written.
``code.mjs`` does the same for what runs in the page.
"""

import re

BLOCK = re.compile(r"(<div class=\"highlight\"><pre>(?:<span></span>)?)(.*?)(</pre>)", re.DOTALL)
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


def hang(html):
    """Put each line of every code block of a page in a span."""

    def block(found):
        return found[1] + "\n".join(map(hung, found[2].split("\n"))) + found[3]

    return BLOCK.sub(block, html)


def hang_page(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = hang(context["body"])


def setup(app):
    app.connect("html-page-context", hang_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
