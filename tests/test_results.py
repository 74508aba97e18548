"""The triangle of result, function and test, checked in every direction."""

import ast
import json
import re
import subprocess

import pytest
from conftest import ROOT

from book._ext import catalogue

pytestmark = pytest.mark.book

TAG = re.compile(r"DP-\d{4}")


@pytest.fixture(scope="module")
def results():
    return catalogue.load()


def test_labels_are_unique():
    labels = [r.label for path in catalogue.chapters() for r in catalogue.stated_in(path, 0)]
    assert len(labels) == len(set(labels)) > 0


def test_every_result_has_a_tag(results):
    assert [r.label for r in results.values() if r.prefix in catalogue.TAGGED and not r.tag] == []


def test_tags_are_consecutive_and_their_labels_unique():
    rows = catalogue.table("tags")
    assert [row["tag"] for row in rows] == [f"DP-{i:04d}" for i in range(1, len(rows) + 1)]
    assert len({row["label"] for row in rows}) == len(rows)


def test_every_tag_leads_to_a_result(results):
    assert [r["label"] for r in catalogue.table("tags") if r["label"] not in results] == []


@pytest.mark.parametrize("name", ["tags", "earlier-numbers"])
def test_tags_and_numbers_are_only_ever_appended(name):
    """Each published version of the table is the beginning of the table now.

    Before a branch is merged nobody has seen its tags, and they may move.
    """

    def git(*words):
        return subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )

    versions = git("log", "--first-parent", "--format=%H", "--", f"book/{name}.csv")
    if versions.returncode or not versions.stdout:
        pytest.skip("no git history here to compare the table with")
    now = [",".join(row.values()) for row in catalogue.table(name)]
    for commit in versions.stdout.split():
        then = git("show", f"{commit}:book/{name}.csv").stdout.splitlines()[1:]
        assert then == now[: len(then)], commit


def test_an_edition_numbers_each_result_once(results):
    tags = {r.tag for r in results.values()}
    rows = catalogue.table("earlier-numbers")
    assert [row for row in rows if row["tag"] not in tags] == []
    for column in ("tag", "number"):
        assert len({(row["edition"], row[column]) for row in rows}) == len(rows) > 0
    kinds = "|".join(catalogue.KINDS.values())
    assert [row for row in rows if not re.fullmatch(rf"({kinds}) \d+\.\d+", row["number"])] == []


def test_no_number_of_a_result_is_written_by_hand():
    """A reference follows its result; numbers in other books stand beside a citation."""
    kinds = "|".join([*catalogue.KINDS.values(), "Exercise", "Thm", "Prop", "Eq"])
    by_hand = re.compile(rf"\b(?:{kinds})s?\.?[ ~\u00a0]\(?\d+\.\d+", re.IGNORECASE)
    book = [ROOT / "README.md", *ROOT.glob("book/*.md"), *ROOT.glob("book/*.ipynb")]
    found = [
        (path.name, line.strip())
        for path in [*book, *ROOT.glob("dpnotes/**/*.py")]
        for line in path.read_text(encoding="utf-8").splitlines()
        if by_hand.search(line) and "{cite" not in line
    ]
    assert found == []


def test_functions_name_tags_that_exist():
    known = {row["tag"] for row in catalogue.table("tags")}
    unknown = [(f, t) for f, tags in catalogue.implementations() for t in tags if t not in known]
    assert unknown == []


def test_tests_name_tags_that_exist_and_say_how():
    known = {row["tag"] for row in catalogue.table("tags")}
    found = catalogue.checks()
    assert [(c.name, t) for c, tags in found for t in tags if t not in known] == []
    assert [c.name for c, _ in found if c.how not in ("exact", "numerical")] == []
    assert found


def test_every_claim_is_checked_or_says_why_not(results):
    bare = [
        r.label
        for r in results.values()
        if r.prefix in catalogue.CLAIMS and r.status == "prose" and not r.reason
    ]
    assert bare == []


def test_a_reason_belongs_to_an_unchecked_result(results):
    by_tag = {r.tag: r for r in results.values()}
    rows = catalogue.table("prose-only")
    assert [r["tag"] for r in rows if r["tag"] not in by_tag] == []
    assert [r["tag"] for r in rows if by_tag[r["tag"]].checked_by] == []


def test_errata_name_tags_that_exist(results):
    tags = {r.tag for r in results.values()}
    assert [row for row in catalogue.table("errata") if row["tag"] not in tags] == []


def test_every_claim_has_its_proof(results):
    claims = ("thm", "lem", "prp", "cor")
    assert [r.label for r in results.values() if r.prefix in claims and not r.has_proof] == []


def test_no_proof_uses_a_later_result(results):
    forward = [
        (r.label, used)
        for r in results.values()
        if r.prefix in ("thm", "lem", "prp", "cor")
        for used in r.uses
        if used in results and results[used].position > r.position
    ]
    assert forward == []


def test_results_use_only_results_that_exist(results):
    assert [(r.label, u) for r in results.values() for u in r.uses if u not in results] == []


# The reader of the sources, on sources that are wrong on purpose.
CELL = """````{prf:theorem} Two
:label: thm-two
Uses {prf:ref}`thm-one`.
````

````{prf:proof}
By {prf:ref}`the lemma <lem-three>`.
```{note}
```
````
"""


def test_directives_are_read_with_title_label_and_uses(tmp_path):
    path = tmp_path / "chapter.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": CELL}]}))
    (result,) = catalogue.stated_in(path, 5)
    assert (result.title, result.label, result.position) == ("Two", "thm-two", 5)
    assert result.has_proof and result.uses == ["thm-one", "lem-three"]


# Where a package hands on some names of a module, the others are its own affair.
INNER = ("family", "gaps", "gaussian", "one_parameter")


def test_a_title_has_the_apostrophes_of_the_text():
    title = catalogue.typeset("The notes' step, Neal's $G'$ and the urn's")
    assert title == "The notes’ step, Neal’s $G'$ and the urn’s"


def test_every_public_function_is_in_the_reference():
    text = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^```\{module-reference\} (\S+)$", text, re.MULTILINE)
    homes = {
        catalogue.public_name(path, node.name).rpartition(".")[0]
        for path in (ROOT / "dpnotes").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_")
    }
    inner = {f"dpnotes.components.{module}" for module in INNER}
    public = sorted(home for home in homes - inner if "._" not in home)
    assert sorted(listed) == public


def test_a_function_of_a_sub_package_has_its_public_name(tmp_path, monkeypatch):
    """What the package around a file imports from it is named there; the rest in its own module."""
    files = {
        "__init__.py": "",
        "crp.py": '"""Implements: DP-0001."""',
        "components/__init__.py": "from .gaussian import Gaussian",
        "components/gaussian.py": """
class Gaussian:
    def log_marginal(self):
        \"\"\"Implements: DP-0002, DP-0003.\"\"\"

def helper():
    \"\"\"Implements: DP-0004.\"\"\"
""",
        "figures/__init__.py": '"""Implements: DP-0005."""',
        "figures/process.py": 'def urn_path():\n    """Implements: DP-0006."""',
    }
    for name, text in files.items():
        path = tmp_path / "dpnotes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(catalogue, "ROOT", tmp_path)
    assert catalogue.implementations() == [
        ("dpnotes.components.Gaussian.log_marginal", ["DP-0002", "DP-0003"]),
        ("dpnotes.components.gaussian.helper", ["DP-0004"]),
        ("dpnotes.crp", ["DP-0001"]),
        ("dpnotes.figures", ["DP-0005"]),
        ("dpnotes.figures.process.urn_path", ["DP-0006"]),
    ]
