"""Links to the repository, where the one setting names it; where none does, nothing is shown.

``repository: url`` in ``_config.yml``, or the environment variable ``BOOK_REPOSITORY``: the address
of a repository on GitHub, such as https://github.com/owner/name.
"""

import os
import urllib.parse

import yaml

from . import catalogue, cite, foreign

# The branch on which the workflow puts the notebooks as they are downloaded.
NOTEBOOKS = "notebooks"


def use_repository(app, config):
    settings = yaml.safe_load((catalogue.ROOT / "_config.yml").read_text(encoding="utf-8"))
    named = os.environ.get("BOOK_REPOSITORY") or settings["repository"]["url"]
    config.book_repository = (named or "").rstrip("/")


def url(app):
    return app.config.book_repository


def report(app, what, address):
    """The address of a form that reports an error, filled in; empty without a repository."""
    body = f"Where: {address}\nVersion: {cite.edition().version}\n\nWhat is wrong:\n"
    query = urllib.parse.urlencode({"title": f"Error: {what}", "body": body})
    return f"{url(app)}/issues/new?{query}" if url(app) else ""


def source(app, docname):
    """The address of a page's source."""
    path = app.env.doc2path(docname, base=False)
    return f"{url(app)}/blob/main/{path}"


def opened(app, notebook):
    """Where else a notebook opens, as pairs of a name and an address."""
    place = urllib.parse.urlsplit(url(app))
    if place.netloc != "github.com":
        return []
    name = place.path.strip("/")
    return [
        ("Colab", f"https://colab.research.google.com/github/{name}/blob/{NOTEBOOKS}/{notebook}"),
        ("Binder", f"https://mybinder.org/v2/gh/{name}/{NOTEBOOKS}?labpath={notebook}"),
    ]


def add_links(app, pagename, templatename, context, doctree):
    """What the foot of every page links to."""
    if not url(app):
        return
    links = [("Repository", url(app))]
    if doctree is not None:
        links.append(("Source of this page", source(app, pagename)))
    title = foreign.title_of(app.env, pagename) if doctree is not None else pagename
    address = cite.address(app, app.builder.get_target_uri(pagename))
    links.append(("Report an error", report(app, title, address)))
    context["repository_links"] = links


def setup(app):
    app.add_config_value("book_repository", "", "html")
    app.connect("config-inited", use_repository)
    app.connect("html-page-context", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
