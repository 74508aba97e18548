"""What machines read of a page: its description, how it is cited, and the map of the site."""

import json
import pathlib
import re
import urllib.parse

from docutils import nodes
from markupsafe import Markup

from . import cite, pages, plain

LENGTH = 160
SENTENCES = re.compile(rf".{{40,{LENGTH - 1}}}[.?!](?= )")
CARD = "_static/card.png"
# Pages that a search engine has no use for.
UNLISTED = ("404", "search")
RELATIVE = re.compile(r'((?:href|src|action|data-content_root)=")(?:\./)?(?![/#]|\w+:)')


def opening(node):
    """Whether a node is a paragraph of the text, and not of a box or a citation in it."""
    return isinstance(node, nodes.paragraph) and isinstance(node.parent, nodes.section)


def answering(node):
    """Whether a node is the answer to the question that begins a page."""
    return isinstance(node, nodes.container) and "answer" in node["classes"]


def description(doctree):
    """The sentences that begin a page, as many as fit; without any, what the book is."""
    found = doctree and [doctree.next_node(opening), doctree.next_node(answering)]
    text = " ".join(map(plain.text_of, filter(None, found or []))) or cite.edition().abstract
    text = " ".join(text.replace("\u2060", "").split())
    if len(text) <= LENGTH:
        return text
    whole = SENTENCES.match(text)
    return whole[0] if whole else text[:LENGTH].rpartition(" ")[0] + " …"


def linked_data(app, work, address, text):
    """A work in the vocabulary of schema.org."""
    this = cite.edition()
    common = {
        "inLanguage": "en",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "author": [{"@type": "Organization", "name": name} for name in this.authors],
        "datePublished": f"{this.date:%Y-%m-%d}",
        "version": this.version,
    }
    book = {"@type": "Book", "name": cite.BOOK, **common}
    if address:
        book["url"] = cite.book(app).address
    if this.doi:
        book["sameAs"] = f"https://doi.org/{this.doi}"
    about = book
    if work.title:
        kind = "CreativeWork" if work.tag else "Chapter"
        about = {"@type": kind, "name": work.title, **common, "isPartOf": book}
    about = {"@context": "https://schema.org", **about, "description": text}
    if address:
        about["url"] = address
    # A script's text ends at "</"; JSON may write it otherwise.
    return json.dumps(about, ensure_ascii=False).replace("</", "<\\/")


def head(app, work, address, text):
    """The tags of a page at an address, which is empty where nothing says where the site lives."""
    return pages.render(
        "head",
        work=work,
        title=plain.with_formulas(work.title) or cite.BOOK,
        book=cite.BOOK,
        edition=cite.edition(),
        address=address,
        description=text,
        card=cite.address(app, CARD),
        linked_data=Markup(linked_data(app, work, address, text)),
    )


def add_head(app, pagename, templatename, context, doctree):
    if pagename in UNLISTED:
        context["metatags"] = '<meta name="robots" content="noindex">\n'
        context["pageurl"] = ""
        return
    chapter = doctree is not None and pagename != app.config.root_doc
    work = cite.chapter(app, pagename) if chapter else cite.book(app)
    address = cite.address(app, app.builder.get_target_uri(pagename))
    tags = head(app, work, address, description(doctree))
    # Sphinx gives none to pages that it makes itself.
    context["metatags"] = context.get("metatags", "") + tags


def draw_card(path):
    """The picture that goes with a link to the book: a stick, broken at random."""
    from matplotlib.figure import Figure

    from dpnotes import sticks
    from dpnotes._axes import COLORS

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="#fbfbf8")
    ax = figure.add_axes((0.06, 0.14, 0.88, 0.2))
    weights = sticks.sample(2.0, 6, rng=3)
    left = 0.0
    for weight, color in zip([*weights, 1 - weights.sum()], [*COLORS[:6], "#c5ccd6"]):
        ax.barh(0, weight, left=left, color=color, edgecolor="white")
        left += weight
    ax.set(xlim=(0, 1))
    ax.margins(0)
    ax.set_axis_off()
    figure.text(0.06, 0.66, cite.BOOK, fontsize=54, weight="bold", color="#1d2733")
    words = "Every statement proved, every number checked, every result citable"
    figure.text(0.06, 0.5, words, fontsize=21, color="#48566b")
    # Without its version and date equal pictures are equal files.
    figure.savefig(path, metadata={"Software": None})


def write_files(app, error):
    """Write the page at the site's own address, its map, the word to robots, and the picture."""
    if error or app.builder.format != "html":
        return
    out = pathlib.Path(app.outdir)
    root = app.builder.get_target_uri(app.config.root_doc)
    canonical = cite.address(app, root)
    text = description(app.env.get_doctree(app.config.root_doc))
    tags = head(app, cite.book(app), canonical, text)
    lead = pages.render(
        "lead", title=cite.BOOK, name=cite.BOOK, address=root, head=Markup(tags),
        canonical=canonical, book="", history=[], errata=[],
    )  # fmt: skip
    (out / "index.html").write_text(lead + "\n", encoding="utf-8")
    robots = "User-agent: *\nAllow: /\n"
    if app.config.html_baseurl:
        names = sorted(app.env.found_docs)
        addresses = [cite.address(app, app.builder.get_target_uri(name)) for name in names]
        sitemap = pages.render("sitemap", addresses=addresses, date=cite.edition().date)
        (out / "sitemap.xml").write_text(sitemap + "\n", encoding="utf-8")
        robots += f"Sitemap: {cite.address(app, 'sitemap.xml')}\n"
    (out / "robots.txt").write_text(robots, encoding="utf-8")
    draw_card(out / CARD)
    # Hosts show it at any address, so that its links start from the site's own.
    path = out / "404.html"
    base = urllib.parse.urlsplit(app.config.html_baseurl).path.rstrip("/") + "/"
    text = RELATIVE.sub(rf"\1{base}", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")


def not_found(app):
    yield "404", {"title": "Page not found"}, "not-found.html"


def setup(app):
    app.connect("html-page-context", add_head)
    app.connect("html-collect-pages", not_found)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
