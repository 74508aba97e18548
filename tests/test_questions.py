"""The page of common questions: each is found by its main words, and its figures are right."""

import csv
import re

import numpy as np
import pytest
from conftest import ROOT
from test_search import find  # noqa: F401

from dpnotes import crp, exact
from dpnotes.clusters import NumClusters
from dpnotes.components import NormalInverseGamma
from dpnotes.mixture import DPMixture
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


def test_to_say_that_rows_are_apart_is_to_condition_on_it():
    """The factor on the page, and that the draws that agree are what is left of the posterior."""
    alpha, family = 1.7, NormalInverseGamma(0.0, 0.5, 2.0, 1.0)
    x = np.array([-0.4, 0.1, 0.3, 2.0])
    rows = exact.set_partitions(4)
    prior = np.array([np.exp(crp.log_eppf(np.bincount(row), alpha)) for row in rows])
    agree = rows[:, 0] != rows[:, 1]
    assert prior[agree].sum() == pytest.approx(alpha / (1 + alpha))
    factor = "by $\\alpha/(1+\\alpha)$"
    assert factor in answers()["May I say which rows belong together or apart?"]
    seen = family.features(x[:, None])
    fits = [
        sum(float(family.log_marginal(seen[row == k].sum(axis=0))) for k in set(row))
        for row in rows
    ]
    restricted = np.where(agree, prior, 0) / prior[agree].sum() * np.exp(fits)
    found = exact.posterior(DPMixture(alpha, family), x)
    np.testing.assert_array_equal(found.labels, rows)
    kept = np.where(agree, found.probs, 0)
    np.testing.assert_allclose(restricted / restricted.sum(), kept / kept.sum(), atol=1e-12)
