"""Print the built site: one PDF of the book and one of each chapter.

    python -m tools.pdf            # from _build/html, into _build/html/pdf
    python -m tools.pdf urn growth # these chapters alone

Chromium prints the joined pages, tagged, with an outline and a named destination for each heading
and result. Where a page lies is known only then: the first pages are printed once more, with the
numbers, and take the places of those without. The pages of the site get links to what was made.
"""

import argparse
import concurrent.futures
import io
import itertools
import mimetypes
import pathlib
import re
import sys
import time
import urllib.parse

import pikepdf
import yaml
from markupsafe import Markup

from book._ext import catalogue, cite, pages, printed
from tools import chromium

SITE = catalogue.ROOT / "_build" / "html"
# The host that the pages are read from; every request is answered from the folder of the site.
HOST = "http://site.invalid/"
JOIN = pathlib.Path(__file__).with_name("join.mjs").read_text(encoding="utf-8")
# For a screen: the landing page, whose place the cover takes; what is sorted there, or is code.
LEFT_OUT = {"index", "results", "checks", "api"}
BOOK = "dirichlet-process-notes"
STYLES = re.compile(r'<link\b[^>]*\brel="stylesheet"[^>]*>')
LARGEST = 20e6
MISSING = "no PDF is made: Chromium is missing (on Debian and Ubuntu: apt-get install chromium)"


def parts():
    """The names of the pages that are printed, under the captions of their parts."""
    toc = yaml.safe_load((catalogue.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        names = [pathlib.Path(each["file"]).name for each in part["chapters"]]
        yield {"caption": part["caption"], "names": [n for n in names if n not in LEFT_OUT]}


def answer(site, route):
    """Answer a request of the browser with a file of the site."""
    path = site / urllib.parse.unquote(urllib.parse.urlsplit(route.request.url).path).lstrip("/")
    if not path.is_file():
        return route.fulfill(status=404)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return route.fulfill(path=path, content_type=kind)


def in_head(pattern, text):
    found = re.search(pattern, text)
    return found[1] if found else ""


def edges(titles, address):
    """The rules for the margins: on the pages of each chapter, its name."""
    below = f"@bottom-left {{ content: {printed.quoted(printed.footer(address))} }}"
    rules = [f"@page {{ size: A4; {below} }}"]
    for name, title in titles.items():
        rules.append(f"@page paper-{name} {{ @top-left {{ content: {printed.quoted(title)} }} }}")
    return Markup("\n".join(rules))


def document(site, listed, chapter):
    """Title and text of the page that others are joined in, and the site's address, if any."""
    sources = {n: (site / f"book/{n}.html").read_text(encoding="utf-8") for n in listed}
    titles = {n: printed.title_in(in_head(r"<title>(.*?) &#8212;", t)) for n, t in sources.items()}
    here = in_head(r'property="og:url" content="([^"]+)"', next(iter(sources.values())))
    base = here.rpartition("book/")[0]
    title = titles.get(chapter, cite.BOOK)
    address = here if chapter else base
    text = pages.render(
        "paper",
        title=title,
        chapter=chapter,
        book=cite.BOOK,
        edition=cite.edition(),
        address=address,
        tag_address=base and f"{base}t/DP-0001.html",
        styles=map(Markup, dict.fromkeys(s for t in sources.values() for s in STYLES.findall(t))),
        edges=edges(titles, address),
    )
    return title, text, base


def printing(page):
    return page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)


def destinations(pdf):
    """The page of each named destination, from one on."""
    numbers = {page.objgen: number for number, page in enumerate(pdf.pages, start=1)}
    return {name[1:]: numbers[place[0].objgen] for name, place in pdf.Root.Dests.items()}


def drawn(page):
    """How many marks of a page its tags refer to."""
    marks = pikepdf.parse_content_stream(page, "BDC")
    return sum("/MCID" in operands[1] for operands, _ in marks if len(operands) == 2)


def renew(whole, front):
    """Put the first pages, as they are with the numbers of pages, in the places of those without.

    They are the same marks in the same order, so that the tags of the first printing hold.
    """
    for old, new in zip(whole.pages, front.pages):
        if drawn(old) != drawn(new):
            raise RuntimeError("the first pages came out differently at the second printing")
        for key in ("/Contents", "/Resources"):
            old.obj[key] = whole.copy_foreign(front.make_indirect(new.obj[key]))


def describe(pdf, title):
    """Say in the document what it is; viewers then show its title, and not its file's name."""
    edition = cite.edition()
    pdf.docinfo["/Title"] = title
    pdf.docinfo["/Author"] = ", ".join(edition.authors)
    pdf.docinfo["/Subject"] = f"Version {edition.version}, {edition.date}"
    pdf.docinfo["/Creator"] = "Chromium"
    pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)


def made(browser, site, listed, path, chapter=""):
    """Write the PDF of parts of the book, or of one chapter; its number of pages."""
    names = [name for part in listed for name in part["names"]]
    title, text, base = document(site, names, chapter)
    page = browser.new_page()
    page.set_default_timeout(0)
    page.route("**/*", lambda route: answer(site, route))
    here = f"{HOST}book/joined.html"
    page.route(here, lambda route: route.fulfill(body=text, content_type="text/html"))
    page.goto(here)
    page.add_script_tag(content=JOIN)
    page.evaluate("given => join(given)", {"parts": listed, "site": base, "chapter": chapter})
    with pikepdf.open(io.BytesIO(printing(page))) as whole:
        page.evaluate("pages => number(pages)", destinations(whole))
        with pikepdf.open(io.BytesIO(printing(page))) as front:
            renew(whole, front)
        page.close()
        describe(whole, title)
        whole.save(path, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(whole.pages)


def printed_alone(site, jobs, out):
    """Make several documents with one browser; names, pages, seconds and bytes of each."""
    rows = []
    with chromium.started() as browser:
        for listed, chapter in jobs:
            began, file = time.perf_counter(), out / f"{chapter or BOOK}.pdf"
            count = made(browser, site, listed, file, chapter)
            rows.append((file, count, time.perf_counter() - began))
    return rows


# The theme's entry in the menu of downloads, which opens the dialog of the printer.
BUTTON = re.compile(
    r"<button data-press=\"print\"(?P<more>[^>]*)>(?P<shown>.*?)</button>", re.DOTALL
)


def link(page, name):
    """Let a page lead to its PDF where it offered to print itself."""
    text = page.read_text(encoding="utf-8")

    def to(match):
        more = match["more"].replace("Print to PDF", "Download as PDF")
        return f'<a href="../pdf/{name}.pdf"{more}>{match["shown"]}</a>'

    page.write_text(BUTTON.sub(to, text), encoding="utf-8")


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tools.pdf", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="chapters; without any, all and the book")
    parser.add_argument("--site", type=pathlib.Path, default=SITE)
    given = parser.parse_args(argv)
    if chromium.find() is None:
        sys.exit(MISSING)
    if not (given.site / "book" / "index.html").exists():
        sys.exit(f"no PDF is made: {given.site} has no site; run make book")
    out = given.site / "pdf"
    out.mkdir(exist_ok=True)
    listed = list(parts())
    names = given.chapters or [name for part in listed for name in part["names"]]
    alone = [([{"caption": "", "names": [name]}], name) for name in names]
    # The book takes as long as its chapters: one browser for each.
    jobs = [alone] if given.chapters else [[(listed, "")], alone]
    with concurrent.futures.ProcessPoolExecutor(len(jobs)) as pool:
        done = pool.map(printed_alone, [given.site] * len(jobs), jobs, [out] * len(jobs))
        for file, count, seconds in itertools.chain.from_iterable(done):
            size = file.stat().st_size
            print(f"{file.name}: {count} pages, {size / 1e6:.1f} MB, {seconds:.0f} s")
            if size > LARGEST:
                sys.exit(f"{file} has more than {LARGEST / 1e6:.0f} MB")
    for name in names:
        link(given.site / "book" / f"{name}.html", name)
    if not given.chapters:
        link(given.site / "book" / "index.html", BOOK)


if __name__ == "__main__":
    main()
