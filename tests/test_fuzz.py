"""Random calls of every public door leave no NaN, and the tool that makes them finds what is wrong.

The table of doors and of their valid arguments is that of test_bad_input.py.
"""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpnotes import crp, partitions
from tools import fuzz

pytestmark = [pytest.mark.slow, pytest.mark.native]  # a signal stops what takes too long


@pytest.fixture(scope="module", autouse=True)
def elsewhere():
    with fuzz.surroundings():
        yield


@pytest.mark.parametrize("name", sorted(fuzz.doors.DOORS))
@settings(max_examples=5, derandomize=True, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_public_function_returns_nan_for_finite_input(name, seed):
    found = fuzz.faults_of_door(name, np.random.default_rng(seed))
    assert not [fault for fault in found if fault[0] == "NaN"]


@pytest.mark.parametrize("check", fuzz.CHECKS)
@settings(max_examples=5, derandomize=True, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_two_functions_for_one_quantity_agree(check, seed):
    assert not list(fuzz.faults_of_check(check, np.random.default_rng(seed)))


def test_a_small_run_finds_nothing(capsys):
    assert fuzz.run(100, seed=7) == 0
    assert capsys.readouterr().out == "100 calls, 0 faults of 0 kinds\n"


def warns(*_, **__):
    return np.float64(1e308) * 10


def raises(*_, **__):
    raise KeyError("alpha")


def blames_nothing(*_, **__):
    raise ValueError("math domain error")


FAULTS = {
    "NaN": lambda *_, **__: {"a": [np.array([1.0, np.nan])]},
    "warning": warns,
    "raw error": raises,
    "raw error ": blames_nothing,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_door_that_misbehaves_is_told(kind, monkeypatch, capsys):
    call = lambda: (FAULTS[kind], {"alpha": fuzz.doors.ALPHA})
    monkeypatch.setattr(fuzz.doors, "CALLS", {"crp.seat_probs": call})
    monkeypatch.setattr(fuzz, "CHECKS", [lambda rng: iter(())])
    assert fuzz.run(4, seed=1) >= 1
    assert f"0: {kind.strip()}: crp.seat_probs(alpha=" in capsys.readouterr().out


def test_two_answers_that_differ_are_told(monkeypatch, capsys):
    log_eppf = crp.log_eppf
    monkeypatch.setattr(crp, "log_eppf", lambda *given: log_eppf(*given) * (1 + 1e-10))
    found = list(fuzz.faults_of_check(fuzz.eppf_in_five_ways, np.random.default_rng(1)))
    assert {kind for kind, *_ in found} == {"disagreement"}
    assert ("crp.eppf" in shown for _, shown, *_ in found)
    monkeypatch.setattr(partitions, "binder", lambda a, b: np.full(np.shape(b)[:-1], np.nan))
    found = fuzz.faults_of_check(fuzz.partitions_and_their_order, np.random.default_rng(1))
    assert "binder" in next(shown for kind, shown, *_ in found if kind == "disagreement")
    assert not plt.get_fignums()
