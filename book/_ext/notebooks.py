"""Chapters to take away: notebooks in plain Markdown, which any Jupyter shows and runs.

Their text is written from the same tree as the page, so that its numbers and links are the page's.
They take the place of the sources that the download button gives, and ``notebooks.zip`` holds
them all, with the data.
"""

import base64
import html
import pathlib
import re
import textwrap
import urllib.parse
import zipfile

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import catalogue, cite, foreign, house, live, pages, plain, repository

ARCHIVE = "notebooks.zip"
# The folder in the archive, and what it holds besides the notebooks.
FOLDER = "dirichlet-process-notes"
DATA = live.PACKAGE / "data"
SPECIAL = re.compile(r"[\\`*_<$]")
ELEMENT = re.compile(r"<[^>]*>")
MARKS = {nodes.emphasis: "*", nodes.strong: "**"}
# A display on its own lines, which a quotation would break up.
DISPLAY = re.compile(r"^\$\$$.*?^\$\$$", re.MULTILINE | re.DOTALL)
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}


class Chapter:
    """One chapter as a notebook, from its resolved tree."""

    def __init__(self, app, docname, doctree):
        self.app, self.env, self.docname = app, app.env, docname
        self.page = app.builder.get_target_uri(docname)
        self.source = nbformat.read(app.env.doc2path(docname), as_version=4)
        self.name = docname.rpartition("/")[2]
        self.cells, self.waiting = [], []
        if first := first_cell(app, docname):
            self.cells.append(nbformat.v4.new_code_cell(first, id=f"{self.name}-install"))
        self.section(doctree, 0)
        self.flush()

    def notebook(self):
        return nbformat.v4.new_notebook(cells=self.cells, metadata=self.source.metadata)

    def flush(self):
        """What waits becomes a cell."""
        if text := "\n\n".join(filter(None, self.waiting)):
            name = f"{self.name}-text-{len(self.cells)}"
            self.cells.append(nbformat.v4.new_markdown_cell(text, id=name))
        self.waiting = []

    def section(self, node, level):
        for child in node.children:
            if isinstance(child, nodes.section):
                self.flush()
                self.section(child, level + 1)
            elif isinstance(child, nodes.title):
                anchor = "" if level == 1 else node["ids"][0]
                number = foreign.section_number(self.env, self.docname, anchor)
                self.waiting.append(f"{'#' * level} {number}. {self.inline(child)}")
            elif foreign.is_cell(child):
                self.code(child)
            elif foreign.is_solution(child):
                title = plain.text_of(child[0])
                self.box(child, lambda text, title=title: folded(title, text), hidden=True)
            elif foreign.is_exercise(child):
                number = foreign.exercise_number(self.env, child)
                title = f"**{number}**{self.inline(child[0])}"
                self.box(child, lambda text, title=title: quoted(f"{title}\n\n{text}"))
            elif foreign.is_result(child):
                title = self.title(child)
                self.box(child, lambda text, title=title: quoted(f"{title}\n\n{text}"))
            elif any(map(foreign.is_named_proof, child.children)):
                self.flush()
                self.waiting = [self.block(child)]
                self.flush()
            else:
                self.waiting.append(self.block(child))

    def box(self, node, written, hidden=False):
        """A box as cells of its own: cuts it where it holds code."""
        self.flush()
        body = [part for child in node.children[1:] for part in parts(child)]
        for child in body:
            if foreign.is_cell(child):
                self.wrap(written)
                self.code(child, hidden)
            else:
                self.waiting.append(self.block(child))
        self.wrap(written)

    def wrap(self, written):
        if text := "\n\n".join(filter(None, self.waiting)):
            self.waiting = [written(text)]
        self.flush()

    def title(self, node):
        """A result's number, name and tag."""
        result = self.env.dpnotes_results[node["label"]]
        title = f"**{foreign.number_of(self.env, node['label'])}**{self.inline(node[0])}"
        link = self.link(result.tag, f"t/{result.tag}.html") if result.tag else ""
        return " · ".join(filter(None, (title, link)))

    def code(self, node, hidden=False):
        """A cell as it stands, with the figures that were drawn for the page, and captions."""
        self.flush()
        cell = self.source.cells[node["cell_index"]]
        images = list(node.findall(nodes.image))
        for output in cell.outputs:
            if images and "Figure" in output.get("data", {}).get("text/plain", ""):
                image = images.pop(0)
                content = pathlib.Path(self.app.srcdir, image["uri"]).read_bytes()
                output["data"]["image/png"] = base64.b64encode(content).decode()
                output["metadata"]["image/png"] = {"alt": image.get("alt", "")}
        tags = cell.metadata.get("tags", [])
        cell.metadata.clear()
        if hidden:
            cell.metadata |= {"collapsed": True, "jupyter": {"outputs_hidden": True}}
        if hidden or HIDDEN & set(tags):
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
        self.cells.append(cell)
        for caption in node.findall(nodes.caption):
            self.waiting.append(self.block(caption))
        self.flush()

    def blocks(self, children):
        return "\n\n".join(filter(None, map(self.block, children)))

    def block(self, node):
        """A paragraph, list, display … in Markdown; what has no form of its own gives its text."""
        if isinstance(node, nodes.raw):
            return self.handled(node)
        if isinstance(node, (nodes.comment, nodes.target)):
            return ""
        if isinstance(node, nodes.caption):
            number = foreign.figure_number(self.env, self.docname, node.parent)
            return f"**{number}.** {self.inline(node)}"
        if isinstance(node, nodes.math_block):
            number = foreign.equation_number(self.env, self.docname, node)
            tag = f"\n\\tag{{{number}}}" if number else ""
            return f"$$\n{node.astext().strip()}{tag}\n$$"
        if isinstance(node, nodes.literal_block):
            language = node.get("language", "").replace("ipython3", "python")
            fence = "```" if "```" not in node.astext() else "````"
            language = "" if language in ("none", "default") else language
            return f"{fence}{language}\n{node.astext()}\n{fence}"
        if isinstance(node, (nodes.bullet_list, nodes.enumerated_list)):
            return self.list(node)
        if isinstance(node, nodes.block_quote):
            return quoted(self.blocks(node.children))
        if isinstance(node, nodes.table):
            return self.table(node)
        if isinstance(node, nodes.image):
            return self.inline(node)
        if foreign.is_named_proof(node):
            # depths.py has put its marks around what the proof says.
            said = [child for child in node.children if not isinstance(child, nodes.raw)]
            end = " " if said and isinstance(said[-1], nodes.paragraph) else "\n\n"
            return f"{self.blocks(node.children)}{end}$\\square$"
        if isinstance(node, nodes.TextElement):
            return self.inline(node)
        return self.blocks(node.children)

    def handled(self, node):
        if kind := node.get("handled"):
            link = self.link("On the page", f"{self.page}#handled-{kind}")
            return f"*{link} this figure has sliders.*"
        if kind := node.get("acting"):
            link = self.link("On the page", f"{self.page}#acting-{kind}")
            return f"*{link} this figure is there to act on.*"
        return ""

    def list(self, node):
        start = node.get("start", 1)
        numbered = isinstance(node, nodes.enumerated_list)
        items = []
        for i, item in enumerate(node.children):
            mark = f"{start + i}. " if numbered else "- "
            text = textwrap.indent(self.blocks(item.children), " " * len(mark))
            items.append(mark + text.lstrip(" "))
        loose = any(len(item.children) > 1 for item in node.children)
        return ("\n\n" if loose else "\n").join(items)

    def table(self, node):
        rows = [
            "| " + " | ".join(map(self.entry, row.findall(nodes.entry))) + " |"
            for row in node.findall(nodes.row)
        ]
        rule = "|" + "---|" * len(next(node.findall(nodes.row)).children)
        return "\n".join([rows[0], rule, *rows[1:]])

    def entry(self, node):
        """What stands in a cell of a table: on one line, without the sign that ends it."""
        return " ".join(self.blocks(node.children).split()).replace("|", "\\vert ")

    def inline(self, node):
        return "".join(map(self.words, node.children))

    def words(self, node):
        if isinstance(node, nodes.Text):
            text = node.astext().replace(house.WORD_JOINER, "")
            return SPECIAL.sub(r"\\\g<0>", text)
        if isinstance(node, nodes.raw):
            if node.astext() == house.END_OF_PROOF:  # block writes it, after a display too
                return ""
            return html.unescape(ELEMENT.sub("", node.astext()))
        if isinstance(node, nodes.math):
            return f"${node.astext().strip()}$"
        if isinstance(node, nodes.literal):
            return f"`{node.astext()}`"
        if isinstance(node, nodes.reference):
            path = node.get("refuri") or f"#{node['refid']}"
            return self.link(self.inline(node), urllib.parse.urljoin(self.page, path))
        mark = MARKS.get(type(node), "")
        return f"{mark}{self.inline(node)}{mark}"

    def link(self, text, path):
        """A link to the site, or to another; the text alone where nothing says where we are."""
        whole = path if urllib.parse.urlsplit(path).scheme else cite.address(self.app, path)
        return f"[{text}]({whole})" if whole else text


def parts(node):
    """What a box holds, with the cells in it on the same level as the text around them."""
    if foreign.is_cell(node) or not any(map(foreign.is_cell, node.findall(nodes.container))):
        return [node]
    return [part for child in node.children for part in parts(child)]


def quoted(text):
    """A quotation; each display on one line, whose signs would else stand in its formula."""
    text = DISPLAY.sub(lambda match: " ".join(match[0].split()), text)
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def folded(title, text):
    return f"<details>\n<summary><b>{title}</b></summary>\n\n{text}\n\n</details>"


def requirement(app):
    """What pip takes to install the wheel that the site serves; empty without an address."""
    wheel = live.wheel_address(app)
    return wheel and f"dpnotes[fast] @ {wheel}"


def first_cell(app, docname):
    """The cell that installs what a chapter needs; none where nothing says where the site lives."""
    if not requirement(app):
        return ""
    work = cite.chapter(app, docname)
    return "\n".join(
        [
            f"# {work.chapter} of {cite.BOOK}: {work.address}",
            "# Installs its package where it is missing.",
            "from importlib.util import find_spec",
            "",
            'if find_spec("dpnotes") is None:',
            f'    %pip install --quiet "{requirement(app)}"',
        ]
    )


class Install(SphinxDirective):
    """The line that installs the package."""

    def run(self):
        return [nodes.literal_block("", "", language="shell", classes=["install-line"])]


def fill_install_lines(app, doctree, docname):
    """Write the line with the site's address and the wheel's name; without a site, the sources'."""
    line = f"pip install {live.wheel_address(app) or '.'}"
    for node in list(doctree.findall(nodes.literal_block)):
        if "install-line" in node["classes"]:
            node.replace_self(nodes.literal_block(line, line, language="shell"))


def take(app, doctree, docname):
    """Keep a chapter's notebook until Sphinx has copied the sources, among which it goes."""
    if app.builder.format == "html" and app.env.doc2path(docname).endswith(".ipynb"):
        app.dpnotes_notebooks[docname] = Chapter(app, docname, doctree).notebook()


def write_notebooks(app, error):
    """Put the notebooks in the place of the sources, and all of them into one archive."""
    if error or app.builder.format != "html":
        return
    out = pathlib.Path(app.outdir)
    for docname, notebook in app.dpnotes_notebooks.items():
        path = out / "_sources" / f"{docname}.ipynb"
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
    files = {path.name: path.read_bytes() for path in (out / "_sources/book").glob("*.ipynb")}
    files |= {f"data/{path.name}": path.read_bytes() for path in DATA.iterdir()}
    files["LICENSE"] = (catalogue.ROOT / "LICENSE").read_bytes()
    readme = pages.render("archive", book=cite.book(app), version=cite.edition().version)
    files["README.md"] = readme.encode()
    # What Binder reads.
    files["requirements.txt"] = f"{requirement(app)}\n".encode()
    files["runtime.txt"] = b"python-3.12\n"
    with zipfile.ZipFile(out / ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            # Without a date equal files make equal archives.
            info = zipfile.ZipInfo(f"{FOLDER}/{name}")
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)


def offer(app, pagename, templatename, context, doctree):
    """Beside the download of one notebook: all of them, and where else it opens."""
    if doctree is None or not app.env.doc2path(pagename).endswith(".ipynb"):
        return
    archive = context["pathto"](ARCHIVE, 1)
    places = [("all .ipynb (.zip)", "Download all notebooks, with the data", archive)]
    for name, address in repository.opened(app, f"{pagename.rpartition('/')[2]}.ipynb"):
        places.append((f"open in {name}", f"Open the notebook in {name}", address))
    foreign.add_downloads(context, places)


def begin(app):
    app.dpnotes_notebooks = {}


def setup(app):
    app.add_directive("install-line", Install)
    app.connect("builder-inited", begin)
    app.connect("doctree-resolved", fill_install_lines)
    # Once all else has changed the tree.
    app.connect("doctree-resolved", take, priority=900)
    # After the theme's own, at 501.
    app.connect("html-page-context", offer, priority=600)
    app.connect("build-finished", write_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
