"""Give every new result its permanent tag, and put tags where authors wrote labels.

    python -m tools.tags

Appends to book/tags.csv, in the order of the book, each labelled result that has no tag yet;
lines once written never change. In ``Implements:`` lines, in ``@pytest.mark.checks(...)`` and in
the first column of book/prose-only.csv a label of a tagged result is replaced by its tag.
"""

import re

from book._ext import catalogue
from book._ext.catalogue import ROOT

TAGS = ROOT / "book" / "tags.csv"
PLACES = re.compile(r"Implements: [^\n]+|@pytest\.mark\.checks\([^)]*\)")
FIRST_COLUMN = re.compile(r"^[^,\n]+", re.MULTILINE)


def append_new_tags():
    rows = catalogue.table("tags")
    known = {row["label"] for row in rows}
    number = max((int(row["tag"].removeprefix("DP-")) for row in rows), default=0)
    with TAGS.open("a", encoding="utf-8") as file:
        for label, result in catalogue.load().items():
            if result.prefix in catalogue.TAGGED and label not in known:
                number += 1
                file.write(f"DP-{number:04d},{label}\n")
                print(f"DP-{number:04d} {label}")


def replace_labels():
    tag_of = {row["label"]: row["tag"] for row in catalogue.table("tags")}
    label = re.compile(r"\b(?:" + "|".join(catalogue.KINDS) + r")-[a-z0-9-]+\b")

    def replace(place):
        return label.sub(lambda m: tag_of.get(m[0], m[0]), place[0])

    places = dict.fromkeys([*ROOT.glob("dpnotes/**/*.py"), *ROOT.glob("tests/test_*.py")], PLACES)
    places[ROOT / "book" / "prose-only.csv"] = FIRST_COLUMN
    for path, where in places.items():
        text = path.read_text(encoding="utf-8")
        new = where.sub(replace, text)
        if new != text:
            path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    append_new_tags()
    replace_labels()
