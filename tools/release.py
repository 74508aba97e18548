"""Keep a version of the book for good, and let every version know of the others.

    python -m tools.release record           # the statements of this version, before it is built
    python -m tools.release publish FOLDER   # the built site as FOLDER/v0.2, beside those before it
    python -m tools.release tell FOLDER      # once versions stand below a site that was built anew

``record`` appends a hash of each statement to book/statements.csv, which only grows.
``publish`` refuses to replace a version. Each page of each version says which one it is, and leads
to the same page of the others, or says that they have none; the newest stands at the top, too.
"""

import csv
import json
import os
import re
import shutil
import sys
from pathlib import Path

from book._ext import catalogue, cite, pages

SITE = catalogue.ROOT / "_build" / "html"
TABLE = catalogue.ROOT / "book" / "statements.csv"
LISTED = "versions.json"
# What is put into a page, so that it can be taken out and put in anew; it stands above the text.
BEGIN, END = "<!-- versions -->", "<!-- /versions -->"
PUT = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
# What stands at the top is the newest, whatever its number.
TOP = "the newest"
ARTICLE = '<article class="bd-article'
TAGS = "t/"


def short(version):
    """The name of a version's folder, v0.2 for 0.2.0; 0.2.1 mends the package and has no book."""
    return "v" + ".".join(version.split(".")[:2])


def record(version, table=TABLE):
    """Append what each result says in this version."""
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    kept = sorted((row["tag"], row["hash"]) for row in rows if row["version"] == version)
    results = sorted((r.tag, r.hash) for r in catalogue.load().values() if r.tag)
    if kept == results:  # a release that was begun before
        return
    if kept:
        sys.exit(f"the statements of version {version} are kept already, and stay as they are")
    with table.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([version, tag, said] for tag, said in results)


def versions(folder):
    """The versions in a folder, the newest first, each with its name and date."""
    path = folder / LISTED
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def choice(folder, listed, name, path, page):
    """The line above a page of one version, with the way to the others."""
    others = []
    for each in listed:
        there = (folder / each["name"] / page).is_file()
        target = folder / each["name"] / (page if there else "index.html")
        address = os.path.relpath(target, path.parent).replace(os.sep, "/")
        others.append({**each, "address": address, "there": there})
    old = name not in (TOP, others[0]["name"])
    return pages.render("versions", here=name, old=old, newest=others[0], versions=others,
                        shown=page.startswith(TAGS))  # fmt: skip


def missing(listed, text):
    """What is said at an address that leads nowhere, such as that of a version that is not here."""
    base = re.search(r'data-content_root="([^"]*)"', text)[1]
    others = [{**each, "address": f"{base}{each['name']}/index.html"} for each in listed]
    return pages.render("versions", here=None, versions=others)


def tell(folder):
    """Let each page of each version, and of the newest at the top, know of all."""
    listed = versions(folder)
    kept = {folder / each["name"]: each["name"] for each in listed}
    for path in sorted(folder.rglob("*.html")):
        base = next((parent for parent in path.parents if parent in kept), folder)
        page = path.relative_to(base).as_posix()
        text = PUT.sub("", path.read_text(encoding="utf-8"))
        # The page of a tag has no article: there it stands below what the page says.
        before, place, after = text.partition("</main>" if page.startswith(TAGS) else ARTICLE)
        if place:
            line = (
                missing(listed, text)
                if page == "404.html"
                else choice(folder, listed, kept.get(base, TOP), path, page)
            )
            path.write_text(f"{before}{BEGIN}{line}{END}{place}{after}", encoding="utf-8")


def publish(folder, site=SITE, edition=None):
    """Put the built site beside the versions before it, and at the top."""
    edition = edition or cite.edition()
    name, listed = short(edition.version), versions(folder)
    missing = [each["name"] for each in listed if not (folder / each["name"]).is_dir()]
    if missing:
        sys.exit(f"{folder} lists {', '.join(missing)}, which is not there; put it back first")
    if name in {each["name"] for each in listed} or (folder / name).exists():
        sys.exit(f"{name} is published, and stays as it is; a mended book is a new version")
    shutil.copytree(site, folder / name)
    # Addresses of earlier versions that the newest does not have stay alive.
    shutil.copytree(site, folder, dirs_exist_ok=True)
    this = {"version": edition.version, "name": name, "date": str(edition.date)}
    text = json.dumps([this, *listed], indent=1)
    (folder / LISTED).write_text(text + "\n", encoding="utf-8")
    tell(folder)


def main(argv):
    if argv == ["record"]:
        record(cite.edition().version)
    elif len(argv) == 2 and argv[0] == "publish":
        publish(Path(argv[1]))
    elif len(argv) == 2 and argv[0] == "tell":
        tell(Path(argv[1]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
