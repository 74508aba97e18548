"""How to cite the book, a chapter and a result: in BibTeX, in plain text and in RIS."""

import dataclasses
import datetime
import functools
import re

import yaml

from . import catalogue, foreign, plain

BOOK = "Dirichlet Process Notes"
BOOK_KEY = "dpnotes"
# In English, whatever the machine speaks.
MONTHS = (
    "January February March April May June July August September October November December"
).split()
# What TeX would not print as it stands in a title; formulas stay as they are.
SPECIAL = re.compile(r"(?<!\\)[&%#]")


@dataclasses.dataclass(frozen=True)
class Work:
    """What is cited: the book itself if ``title`` is empty; ``address`` is empty without a site."""

    key: str
    address: str
    title: str = ""
    chapter: str = ""
    tag: str = ""


@dataclasses.dataclass(frozen=True)
class Edition:
    version: str
    date: datetime.date
    authors: list
    abstract: str
    doi: str


@functools.cache
def edition():
    """Version, date, authors and DOI of the book, from its citation file; a DOI may be lacking."""
    cff = yaml.safe_load((catalogue.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    authors = [author["name"] for author in cff["authors"]]
    return Edition(
        cff["version"], cff["date-released"], authors, cff["abstract"], cff.get("doi", "")
    )


def address(app, path):
    """Where a page of the site is found for good; empty where nothing says where the site lives."""
    base = app.config.html_baseurl
    return f"{base.rstrip('/')}/{path}" if base else ""


def book(app):
    return Work(BOOK_KEY, address(app, ""))


DOORS = {"your-data": "Page"}  # neither chapters nor appendices


def chapter(app, docname):
    """A chapter, an appendix or another page as what is cited."""
    name = docname.rpartition("/")[2]
    number = foreign.section_number(app.env, docname, "")
    return Work(
        f"{BOOK_KEY}:{name}",
        address(app, app.builder.get_target_uri(docname)),
        foreign.title_of(app.env, docname),
        f"Chapter {number}" if number else DOORS.get(name, "Appendix"),
    )


def result(app, stated):
    kind = catalogue.KINDS[stated.prefix]
    docname = f"book/{stated.chapter}"
    # Numbers change, so that a result is named by its kind and title.
    title = f"{kind}: {stated.title}" if stated.title else f"{kind} {stated.label}"
    return Work(
        f"{BOOK_KEY}:{stated.tag}",
        address(app, f"t/{stated.tag}.html"),
        title,
        f"Chapter “{foreign.title_of(app.env, docname)}”" if docname in app.env.titles else "",
        stated.tag,
    )


def place(work):
    """Where in the book a work stands."""
    return ", ".join(part for part in (work.chapter, work.tag and f"tag {work.tag}") if part)


def tex(text):
    """A text as TeX is given it: its quotes and apostrophes are made of straight ones."""
    text = SPECIAL.sub(r"\\\g<0>", text)
    return text.replace("“", "``").replace("”", "''").replace("’", "'")


def bibtex(work):
    this = edition()
    names = " and ".join(f"{{{name}}}" for name in this.authors)
    fields = {"author": names, "title": f"{{{tex(work.title or BOOK)}}}"}
    if work.title:
        fields |= {"booktitle": BOOK, "note": tex(place(work))}
    fields |= {
        "edition": f"Version {this.version}",
        "publisher": this.authors[0],
        "year": this.date.year,
        "doi": this.doi,
        "url": work.address,
    }
    kind = "incollection" if work.title else "book"
    lines = [f"  {name:<9} = {{{value}}}," for name, value in fields.items() if value]
    month = f"  month     = {MONTHS[this.date.month - 1][:3].lower()},"
    return "\n".join([f"@{kind}{{{work.key},", *lines, month, "}"])


def in_words(work):
    """A citation as one line of text."""
    this = edition()
    day = f"{this.date.day} {MONTHS[this.date.month - 1]} {this.date.year}"
    parts = [
        ", ".join(this.authors),
        work.title and f"{plain.with_formulas(work.title)} ({place(work)})",
        f"{BOOK}, version {this.version}, {day}",
        this.doi and f"https://doi.org/{this.doi}",
        work.address,
    ]
    return ". ".join(filter(None, parts))


def ris(work):
    this = edition()
    fields = [("TY", "CHAP" if work.title else "BOOK")]
    fields += [("AU", name) for name in this.authors]
    fields.append(("TI", plain.with_formulas(work.title) or BOOK))
    if work.title:
        fields += [("T2", BOOK), ("N1", place(work))]
    fields += [
        ("ET", f"Version {this.version}"),
        ("PB", this.authors[0]),
        ("PY", str(this.date.year)),
        ("DA", f"{this.date:%Y/%m/%d}"),
        ("DO", this.doi),
        ("UR", work.address),
    ]
    return "\n".join([f"{tag}  - {value}" for tag, value in fields if value] + ["ER  - "])


def formats(work):
    """The three ways to cite a work, with the name of each."""
    return [("BibTeX", bibtex(work)), ("plain text", in_words(work)), ("RIS", ris(work))]
