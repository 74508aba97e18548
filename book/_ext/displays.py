r"""Displays that break where the column ends.

In the sources a long display is broken into the rows of an ``aligned``, for the narrowest column.
A row that carries on the one before it (it begins with a relation, an operation or words) becomes
a piece of one line here, and the browser begins a new line only before a piece that does not fit:
on a phone, on a desk and in print alike, without a script. What is read aloud, searched and copied
is the one display of the source.
"""

import re

from . import foreign, plain

ALIGNED = re.compile(r"\s*\\begin\{aligned\}(.*)\\end\{aligned\}\s*", re.DOTALL)
SPACE = r"(?:\s|\\quad|\\qquad|\\[ ,;:!]|\{\})*"
SPACES = re.compile(SPACE)
CLOSED = re.compile(rf"[,.;]{SPACE}$")
RELATIONS = set(
    r"= < > : \le \ge \ne \in \sim \to \approx \equiv \propto \mapsto \subset \subseteq"
    r" \mid \ll \gg \iff \implies".split()
)
OPERATIONS = set(r"+ - \pm \times \cdot \otimes \cup \cap".split())
WORDS = r"\text"
# What KaTeX gives to the eye.
SHOWN = re.compile(r'<span class="katex-html".*</span>(?=</span></span>$)', re.DOTALL)


def rows_of(body):
    """The rows of an ``aligned``, each as its cells, cut where no brace is open."""
    rows, depth = [[""]], 0
    for token in plain.TOKEN.findall(body):
        depth += (token in ("{", r"\begin")) - (token in ("}", r"\end"))
        if depth == 0 and token.startswith(r"\\"):
            rows.append([""])
        elif depth == 0 and token == "&":
            rows[-1].append("")
        else:
            rows[-1][-1] += token
    return [row for row in rows if text_of(row)]


def text_of(row):
    return SPACES.sub("", "".join(row), count=1).rstrip()


def carries_on(row, before):
    """Whether a row carries on the row before it, rather than begin another equation."""
    first = plain.TOKEN.match(text_of(row))[0]
    indented = not row[0].strip()
    if indented and first == WORDS:
        return True
    if CLOSED.search(text_of(before)):
        return False
    # In front of what is aligned a minus is a sign: "-x &= y" begins anew.
    return first in RELATIONS or (indented and first in OPERATIONS)


def lines_of(tex):
    """The lines of a display, each as its pieces; None if the display stays as it is."""
    found = ALIGNED.fullmatch(tex)
    rows = rows_of(found[1]) if found else []
    # More than two columns are a table.
    if any(len(row) > 2 for row in rows):
        return None
    lines = []
    for before, row in zip([None, *rows], rows, strict=False):
        text = text_of(row)
        if before and carries_on(row, before):
            # With nothing before it an operation is a sign, and a relation stands too close.
            lines[-1].append((r"\quad " if text.startswith(WORDS) else "{}") + text)
        else:
            lines.append([text])
    return lines if any(len(line) > 1 for line in lines) else None


def typeset(render, tex, options=None):
    """HTML of a formula by KaTeX's ``render``, a display in lines and pieces where it has them."""
    lines = lines_of(tex) if options else None
    if lines is None:
        return render(tex, options)
    spoken = render(tex, {**options, "output": "mathml"})
    shown = [
        "".join(SHOWN.search(render(piece, {**options, "output": "html"}))[0] for piece in line)
        for line in lines
    ]
    return (
        '<span class="katex-display in-lines"><span class="katex">'
        + spoken.replace('class="katex"', 'class="katex-mathml"', 1)
        + "".join(f'<span class="line">{line}</span>' for line in shown)
        + "</span></span>"
    )


def setup(app):
    foreign.typeset_by(typeset)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
