"""Keep the numbers of an edition, for those who cite a result by its number.

    python -m tools.numbers second

Run where the edition that is published is built. Appends the number of each result of the site to
book/earlier-numbers.csv; the index of results and the search show it once it has changed.
"""

import csv
import json
import sys

from book._ext import catalogue

TABLE = catalogue.ROOT / "book" / "earlier-numbers.csv"
RESULTS = catalogue.ROOT / "_build" / "html" / "results.json"


def main(edition):
    if edition in {row["edition"] for row in catalogue.table(TABLE.stem)}:
        sys.exit(f"the numbers of the {edition} edition are kept already, and stay as they are")
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        rows = [[edition, result["tag"], result["number"]] for result in results]
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1])
