"""What machines read of a page: its description, how it is cited, and the map of the site."""

import json
import pathlib
import urllib.parse

from docutils import nodes
from markupsafe import Markup

from . import cite, pages, plain

LENGTH = 160
CARD = "_static/card.png"


def description(doctree):
    """The first paragraph of a page, or its beginning."""
    paragraph = doctree.next_node(nodes.paragraph)
    text = " ".join(plain.text_of(paragraph).replace("\u2060", "").split()) if paragraph else ""
    return text if len(text) <= LENGTH else text[:LENGTH].rpartition(" ")[0] + " …"


def linked_data(work, text):
    """A work in the vocabulary of schema.org."""
    this = cite.edition()
    book = {
        "@type": "Book",
        "name": cite.BOOK,
        "version": this.version,
        "inLanguage": "en",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "author": [{"@type": "Organization", "name": name} for name in this.authors],
        "datePublished": f"{this.date:%Y-%m-%d}",
    }
    if not work.title:
        about = {**book, "url": work.address, "description": text}
    else:
        about = {
            "@type": "Chapter",
            "name": work.title,
            "url": work.address,
            "description": text,
            "isPartOf": book,
        }
    # A script's text ends at "</"; JSON may write it otherwise.
    return json.dumps({"@context": "https://schema.org", **about}).replace("</", "<\\/")


def add_meta(app, pagename, templatename, context, doctree):
    if pagename == "404":
        # It is shown at any address, so that its links start from the site's own.
        root = urllib.parse.urlsplit(app.config.html_baseurl).path.rstrip("/") + "/"
        context["metatags"] = Markup('<base href="{}">\n').format(root)
    if doctree is None:
        return
    in_book = pagename != app.config.root_doc
    work = cite.chapter(app, pagename) if in_book else cite.book(app)
    text = description(doctree)
    context["metatags"] += pages.render(
        "head",
        work=work,
        book=cite.BOOK,
        edition=cite.edition(),
        address=cite.address(app, app.builder.get_target_uri(pagename)),
        description=text,
        card=cite.address(app, CARD),
        linked_data=Markup(linked_data(work, text)),
    )


def draw_card(path):
    """The picture that goes with a link to the book: sticks, broken from one."""
    from matplotlib.figure import Figure

    from dpnotes import sticks

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="#fbfbf8")
    ax = figure.add_axes((0.06, 0.14, 0.88, 0.2))
    left = 0.0
    for i, weight in enumerate(sticks.sample(2.0, 8, rng=3)):
        ax.barh(0, weight, left=left, color=f"C{i}", edgecolor="white")
        left += weight
    ax.set(xlim=(0, 1))
    ax.set_axis_off()
    figure.text(0.06, 0.66, cite.BOOK, fontsize=54, weight="bold", color="#1d2733")
    words = "Every statement proved, every number checked, every result cited for good"
    figure.text(0.06, 0.5, words, fontsize=22, color="#48566b")
    # Without its version and date equal pictures are equal files.
    figure.savefig(path, metadata={"Software": None})


def write_files(app, error):
    """Write the map of the site, the word to robots, and the picture."""
    if error or app.builder.format != "html":
        return
    out = pathlib.Path(app.outdir)
    addresses = [
        cite.address(app, app.builder.get_target_uri(name)) for name in sorted(app.env.found_docs)
    ]
    date = f"{cite.edition().date:%Y-%m-%d}"
    sitemap = pages.render("sitemap", addresses=addresses, date=date)
    (out / "sitemap.xml").write_text(sitemap, encoding="utf-8")
    robots = f"User-agent: *\nAllow: /\nSitemap: {cite.address(app, 'sitemap.xml')}\n"
    (out / "robots.txt").write_text(robots, encoding="utf-8")
    draw_card(out / CARD)


def not_found(app):
    yield "404", {"title": "Page not found"}, "not-found.html"


def setup(app):
    app.connect("html-page-context", add_meta)
    app.connect("html-collect-pages", not_found)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
