"""The reference of one module of the package: ``{module-reference} dpnotes.crp``."""

import re

from docutils import nodes
from docutils.parsers.rst import Parser
from docutils.utils import new_document
from sphinx.util.docutils import SphinxDirective

# Docstrings are reStructuredText, and so is what autodoc makes of a module.
AUTODOC = """
.. automodule:: {}
   :members:
   :member-order: bysource
"""
# A terminal shows docstrings as they are, so their formulas are plain letters; a page sets them.
LOW = r"(?<=[A-Za-z∑∏])_(?P<low>\{[^{}]*\}|\d+|[A-Za-z]{1,2})(?![A-Za-z0-9_])"
HIGH = r"(?<=[\w)\]}|]) ?(?:\^|\*\*) ?(?P<high>\{[^{}]*\}|\[[^\]]*\]|-?\d+|[A-Za-z]+(?:_[a-z\d])?)"
SIGNS = {
    r"<=": "≤", r">=": "≥", r"!=": "≠", r"\bR(?=\^d)": "ℝ", r"\bsum(?=_[a-z]\b| f\()": "∑",
    r"\bprod(?=_[a-z]\b| n_)": "∏", r"\bint (?=f\(|∏)": "∫ ",
}  # fmt: skip
SCRIPT = re.compile(f"{LOW}|{HIGH}")
AS_IT_IS = (nodes.literal, nodes.literal_block, nodes.doctest_block, nodes.strong, nodes.math)


def set_scripts(text):
    """A text as nodes, with indices and powers: K_n, x_{n+1}, R^d, 2**25."""
    parts, end = [], 0
    for match in SCRIPT.finditer(text):
        kind = nodes.subscript if match["low"] else nodes.superscript
        inner = (match["low"] or match["high"]).removeprefix("{").removesuffix("}")
        parts += [nodes.Text(text[end : match.start()]), kind("", "", *set_scripts(inner))]
        end = match.end()
    return [*parts, nodes.Text(text[end:])]


def set_formulas(document):
    """Set what stands between words as a formula would be set; code stays as it is."""
    for node in list(document.findall(nodes.Text)):
        around, code = node.parent, False
        while around is not None and not code:
            code = isinstance(around, AS_IT_IS) or around.tagname.startswith("desc_sig")
            around = around.parent
        text = str(node)
        for sign, shown in SIGNS.items():
            text = re.sub(sign, shown, text)
        parts = set_scripts(text)
        if not code and (len(parts) > 1 or text != node):
            node.parent.replace(node, parts)


class ModuleReference(SphinxDirective):
    """What ``automodule`` writes, on a page in Markdown."""

    required_arguments = 1

    def run(self):
        document = self.state.document
        part = new_document(document["source"], document.settings)
        part.reporter = document.reporter
        Parser().parse(AUTODOC.format(self.arguments[0]), part)
        set_formulas(part)
        return part.children


def skip_what_is_of_others(app, what, name, member, skip, options):
    """Leave out what another library puts into a class, and fields, which the class describes."""
    of_others = (getattr(member, "__module__", None) or "").startswith("sklearn.")
    field = (getattr(member, "__doc__", None) or "").startswith("Alias for field number")
    return of_others or field or None


def setup(app):
    app.connect("autodoc-skip-member", skip_what_is_of_others)
    app.add_directive("module-reference", ModuleReference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
