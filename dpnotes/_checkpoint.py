"""Where a mean-field fit stands, kept in a file from which it goes on.

A fit is a row of stages: its starts, and from the best of them moves, an ascent on all the data, or
both. Kept are the ends of the starts, and where the stage under way stands.
"""

import json
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from . import _record
from . import _validate as check
from ._types import Floats

WHOLE = "a file that meanfield.fit wrote whole as its checkpoint"
# By how much an ELBO, per point and relative, may differ when the same pass is made again.
SAME = 1e-10
PARTS = "statistics", "sticks", "elbo"
Run = tuple[Floats, Floats, list[float], bool, float]


class Checkpoint:
    """The place of a fit in its stages: those that ended, and the one under way.

    Of an ascent the statistics are kept that gave the last ELBO, and the table before them, if a
    longer step may follow from both; of moves, the state between two rounds. The pass that gives
    the last ELBO is made again when the fit goes on, and other data give another ELBO.

    Attributes
    ----------
    runs : list
        Of each start that ended in an optimum: statistics, sticks, elbo, converged, n.
    ended : int
        How many stages ended.
    """

    def __init__(self, path: Any, every: int, fit: dict[str, Any], rng: Any) -> None:
        self.path, self.every, self.rng = path, every, rng
        self.fit = json.loads(json.dumps(fit))
        self.passes = self.ended = 0
        self.due = False
        self.runs: list[Run] = []
        self.ascent: tuple[Floats, list[float], list[Floats]] | None = None
        self.moved: Run | None = None
        self.now: Any = None
        if path is not None and not isinstance(path, (str, os.PathLike)):
            check.fail("checkpoint", path, "the path of a file")
        if path is not None and pathlib.Path(path).exists():
            self._read()
        self.first = rng.bit_generator.state

    def _read(self) -> None:
        facts, arrays = _record._known(self.path, WHOLE, {"fit", "ended"}, "checkpoint")
        for name, ours in self.fit.items():
            theirs = facts["fit"].get(name)
            if theirs != ours and not (name == "seed" and None in (theirs, ours)):
                short = name in ("model", "init") or (theirs is None)
                shown = f"another {name}" if short else f"{name} = {theirs}"
                expected = f"the same {name}" if short else f"{name} = {ours}, or another path"
                check.refuse(
                    "checkpoint", f"{os.fspath(self.path)}, of a fit with {shown}", expected
                )
        try:
            self.ended, self.now = facts["ended"], facts["now"]
            self.runs = [_unpacked(f"run {i}", run, arrays) for i, run in enumerate(facts["runs"])]
            if facts["moved"]:
                self.moved = _unpacked("moved", facts["moved"], arrays)
            else:
                place = [arrays[name] for name in ("statistics", "elbo", "trail")]
                self.ascent = place[0], place[1].tolist(), list(place[2])
            self.rng.bit_generator.state = facts["first"]
        except (KeyError, TypeError, ValueError):
            self._foreign()

    def _foreign(self) -> NoReturn:
        check.fail("checkpoint", os.fspath(self.path), WHOLE)

    def go_on(self) -> None:
        """Put the generator where it was when the file was written."""
        if self.now is not None:
            self.rng.bit_generator.state = self.now

    def take(self, max_iter: int) -> tuple[Floats, list[float], list[Floats]] | None:
        """Return statistics, ELBOs and tables of the ascent that was under way, once."""
        taken, self.ascent = self.ascent, None
        if taken is not None and len(taken[1]) > max_iter:
            check.fail(
                "max_iter", max_iter, f"at least the {len(taken[1])} passes of the checkpoint"
            )
        return taken

    def take_moved(self) -> Run | None:
        """Return the state of the moves that were under way, once."""
        taken, self.moved = self.moved, None
        return taken

    def compare(self, value: float, before: float, n: float) -> None:
        """Compare the ELBO of a pass that is made again with what it was before."""
        if not abs(value - before) <= SAME * (abs(before) + n):
            shown = f"{os.fspath(self.path)}, where the last ELBO is {before:.10g}"
            check.refuse("checkpoint", shown, f"{value:.10g}, as these data give")

    def count(self) -> None:
        """Count a pass, and note whether it is time to save."""
        self.passes += 1
        self.due |= self.passes == 1 or self.passes % self.every == 0

    def after_pass(
        self,
        statistics: Floats,
        elbo: list[float],
        trail: list[Floats],
        before: Sequence[float],
        n: float,
    ) -> None:
        """Compare a pass that is made again; count another, and save where it is time."""
        if before and len(elbo) == len(before):
            self.compare(elbo[-1], before[-1], n)
            return
        self.count()
        self._save(None, statistics=statistics, elbo=np.array(elbo), trail=np.array(trail))

    def between_rounds(self, run: Any) -> None:
        """Save the state of moves where it is time."""
        self._save(_packed(run))

    def end(self, runs: Iterable[Any] = ()) -> None:
        """Note that a stage ended, a start in these runs."""
        self.ended += 1
        self.runs += map(_packed, runs)

    def _save(self, moved: Run | None, **arrays: Any) -> None:
        if self.path is None or not self.due:
            return
        self.due = False
        facts = {"format": _record.FORMAT, "fit": self.fit, "ended": self.ended}
        facts |= {"first": _record._listed(self.first)}
        facts |= {"now": _record._listed(self.rng.bit_generator.state)}
        facts |= {"runs": [run[3:] for run in self.runs], "moved": moved and moved[3:]}
        named = {f"run {i}": run for i, run in enumerate(self.runs)}
        named |= {"moved": moved} if moved else {}
        for name, run in named.items():
            arrays |= {f"{name} {part}": np.asarray(a) for part, a in zip(PARTS, run)}
        _record._write(self.path, facts, arrays, "checkpoint")


def _packed(run: Any) -> Run:
    return run.statistics, run.sticks, run.elbo, run.converged, run.n


def _unpacked(name: str, rest: tuple[bool, float], arrays: dict[str, Any]) -> Run:
    statistics, sticks, elbo = (arrays[f"{name} {part}"] for part in PARTS)
    return statistics, sticks, elbo.tolist(), *rest


def facts_of(model: Any, **options: Any) -> dict[str, Any]:
    """Return what must be the same for a fit to go on."""
    try:
        return {"model": _record.describe(model)} | options
    except LookupError:
        check.fail("model", model, "a model of dpnotes, so that a checkpoint can name it")
