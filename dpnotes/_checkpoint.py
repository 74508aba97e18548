"""Where a mean-field fit stands, kept in a file from which it goes on."""

import json
import os
import pathlib
from typing import Any, NoReturn

import numpy as np

from . import _record
from . import _validate as check
from ._types import Floats

WHOLE = "a file that meanfield.fit wrote whole as its checkpoint"
# By how much an ELBO, per point and relative, may differ when the same pass is made again.
SAME = 1e-10


class Checkpoint:
    """The place of a fit in its ascents: those that ended, and the one under way.

    Kept are the statistics that gave the last ELBO. The pass that gives it is made again when the
    fit goes on, and other data give another ELBO.

    Attributes
    ----------
    runs : list
        Of each start that ended in an optimum: statistics, sticks, elbo, converged, n.
    ended : int
        How many starts ended.
    """

    def __init__(self, path: Any, every: int, fit: dict[str, Any], rng: Any) -> None:
        self.path, self.every, self.rng = path, every, rng
        self.fit = json.loads(json.dumps(fit))
        self.passes = self.ended = 0
        self.runs: list[tuple[Any, ...]] = []
        self.under_way: tuple[Floats, list[float]] | None = None
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
            for i, (converged, n) in enumerate(facts["runs"]):
                run = [arrays[f"run {i} {part}"] for part in ("statistics", "sticks", "elbo")]
                self.runs.append((*run[:2], run[2].tolist(), converged, n))
            self.under_way = arrays["statistics"], arrays["elbo"].tolist()
            self.rng.bit_generator.state = facts["first"]
        except (KeyError, TypeError, ValueError):
            self._foreign()

    def _foreign(self) -> NoReturn:
        check.fail("checkpoint", os.fspath(self.path), WHOLE)

    def go_on(self) -> None:
        """Put the generator where it was when the file was written."""
        if self.now is not None:
            self.rng.bit_generator.state = self.now

    def take(self, max_iter: int) -> tuple[Floats, list[float]] | None:
        """Return statistics and ELBOs of the ascent that was under way, once."""
        taken, self.under_way = self.under_way, None
        if taken is not None and len(taken[1]) > max_iter:
            check.fail(
                "max_iter", max_iter, f"at least the {len(taken[1])} passes of the checkpoint"
            )
        return taken

    def after_pass(
        self, statistics: Floats, elbo: list[float], before: list[float], n: float
    ) -> None:
        """Compare a pass that is made again with what it gave before; save where it is time."""
        if before and len(elbo) == len(before):
            if not abs(elbo[-1] - before[-1]) <= SAME * (abs(before[-1]) + n):
                shown = f"{os.fspath(self.path)}, where the last ELBO is {before[-1]:.10g}"
                check.refuse("checkpoint", shown, f"{elbo[-1]:.10g}, as these data give")
            return
        self.passes += 1
        if self.path is not None and (self.passes == 1 or self.passes % self.every == 0):
            self._save(statistics, elbo)

    def end(self, runs: list[Any]) -> None:
        """Note that a start ended, in these runs."""
        self.ended += 1
        self.runs += [(r.statistics, r.sticks, r.elbo, r.converged, r.n) for r in runs]

    def _save(self, statistics: Floats, elbo: list[float]) -> None:
        facts = {"format": _record.FORMAT, "fit": self.fit, "ended": self.ended}
        facts |= {"first": _record._listed(self.first)}
        facts |= {"now": _record._listed(self.rng.bit_generator.state)}
        facts |= {"runs": [run[3:] for run in self.runs]}
        arrays = {"statistics": statistics, "elbo": np.array(elbo)}
        for i, run in enumerate(self.runs):
            names = [f"run {i} {part}" for part in ("statistics", "sticks", "elbo")]
            arrays |= dict(zip(names, map(np.asarray, run)))
        _record._write(self.path, facts, arrays, "checkpoint")


def facts_of(model: Any, **options: Any) -> dict[str, Any]:
    """Return what must be the same for a fit to go on."""
    try:
        return {"model": _record.describe(model)} | options
    except LookupError:
        check.fail("model", model, "a model of dpnotes, so that a checkpoint can name it")
