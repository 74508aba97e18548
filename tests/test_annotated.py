"""The annotated page quotes the lecture notes: every line, in order, and nothing else."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTES = ROOT / "tests" / "data" / "lecture-notes.md"
PAGE = ROOT / "book" / "annotated-notes.md"
pytestmark = pytest.mark.book


def plain(line):
    """The line without its layout: marks of lists, emphasis, displays and stops."""
    line = re.sub(r"^\s*(#|\*)\s", "", line).replace(r"\allowbreak", "").replace(r"\.", ".")
    return re.sub(r"\*\*+|[\s$;:,.]", "", line)


def quoted(page):
    return [line[2:] for line in page.splitlines() if line.startswith("> ")]


def missing(notes, page):
    """Lines of the notes that the page's quotations lack where they should come."""
    text, lost = "".join(map(plain, quoted(page))), []
    for line in filter(None, map(plain, notes.splitlines())):
        if text.startswith(line):
            text = text.removeprefix(line)
        else:
            lost.append(line)
    return lost + ([text] if text else [])


def test_the_page_quotes_every_line_of_the_notes_and_nothing_else():
    assert missing(NOTES.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8")) == []


def test_a_line_left_out_and_a_line_made_up_are_found():
    notes, page = NOTES.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8")
    quotes = quoted(page)
    assert missing(notes, page.replace(f"> {quotes[20]}\n", ""))
    assert missing(notes, page.replace("; equivalent to", "; exactly equivalent to"))
    assert missing(notes, page.replace(quotes[-1], quotes[-1] + " q"))


def test_every_quotation_is_judged():
    """What follows a quotation begins with one of the three marks."""
    page = PAGE.read_text(encoding="utf-8")
    answers = re.findall(r"^> .*\n\n(.)", page, flags=re.MULTILINE)
    assert len(answers) == len(quoted(page)) and set(answers) <= set("✓✗→")
