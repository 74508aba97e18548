"""The reference of one module of the package: ``{module-reference} dpnotes.crp``."""

from docutils.parsers.rst import Parser
from docutils.utils import new_document
from sphinx.util.docutils import SphinxDirective

# Docstrings are reStructuredText, and so is what autodoc makes of a module.
AUTODOC = """
.. automodule:: {}
   :members:
   :member-order: bysource
"""


class ModuleReference(SphinxDirective):
    """What ``automodule`` writes, on a page in Markdown."""

    required_arguments = 1

    def run(self):
        document = self.state.document
        part = new_document(document["source"], document.settings)
        part.reporter = document.reporter
        Parser().parse(AUTODOC.format(self.arguments[0]), part)
        return part.children


def setup(app):
    app.add_directive("module-reference", ModuleReference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
