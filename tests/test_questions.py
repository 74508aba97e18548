"""The page of common questions: each is found by its main words, and its figures are right."""

import csv
import re

import pytest
from conftest import ROOT
from test_search import find  # noqa: F401

from dpnotes.clusters import NumClusters
from dpnotes.sticks import truncation_bound

pytestmark = pytest.mark.book

PAGE = ROOT / "book" / "common-questions.md"


def asked():
    with (ROOT / "tests" / "data" / "questions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def answers():
    """The text below each heading of the page, by the heading."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def label(question):
    return "book/common-questions#" + re.sub(r"[^a-z0-9]+", "-", question.lower()).strip("-")


def test_every_question_is_asked_and_answered_by_a_result():
    assert {row["question"] for row in asked()} == set(answers()) and len(answers()) >= 15
    for question, text in answers().items():
        assert re.search(r"\{(prf:ref|ref|numref|eq)\}`", text), question
        assert 2 <= len(text.strip().splitlines()) <= 6, question


def test_a_question_is_found_by_its_main_words(find):  # noqa: F811
    """Among the first three, and asked in full it comes first, or after the section it quotes."""
    rows = asked()
    for row, hits in zip(rows, find([row["words"] for row in rows]), strict=True):
        assert label(row["question"]) in [hit["label"] for hit in hits[:3]], row
    for question, hits in zip(answers(), find(list(answers())), strict=True):
        assert label(question) in [hit["label"] for hit in hits[:2]], question


def test_the_figures_of_the_page():
    text = answers()
    means = [round(NumClusters(1000, alpha).mean(), 1) for alpha in (1.0, 10.0)]
    assert means == [7.5, 46.7]
    assert "$7.5$ with $\\alpha=1$, and $46.7$ with" in text["Is alpha the number of clusters?"]
    assert 1000 / 2**30 < 1e-6 and truncation_bound(1.0, 30, 1000) <= 1000 / 2**30
    assert "thirty sticks err by less than a millionth" in str(text)
