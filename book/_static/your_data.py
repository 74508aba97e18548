"""The page "Your data" inside the browser: it reads a table and hands it to ``dpnotes``.

The worker loads this file into Pyodide; the tests load it into plain Python.
"""

import csv
import html
import importlib.resources
import io
import json
import pathlib
import tempfile
import time
import traceback
import warnings

import numpy as np
import tqdm.auto

import dpnotes
from dpnotes import __main__ as command
from dpnotes import hyper, kinds, meanfield, report, tables, workflow
from dpnotes.mixture import DPMixture

CHAINS = 4
ROOM = 2**26  # labels of all chains that a browser has room for
MOST_ROWS, MOST_CELLS = 5000, 20_000  # of the columns that are analysed: minutes, not hours
PATIENCE = 15.0  # seconds until mean field's best so far is taken
RESTARTS, TOL = 5, 1e-6  # of mean field, which is to be quick here
PREVIEWED, DRAWN = 3, 2000  # cells of a column, and rows, that the page shows


class Named(io.BytesIO):
    """What came in, as it is named in messages."""

    def __init__(self, name, content):
        super().__init__(content)
        self.shown = name

    def __repr__(self):
        return self.shown


class Bar:
    """The package's progress bar, which tells the page, and hears whether its reader presses Stop.

    Without a total, as mean field has none, it lets go after ``PATIENCE`` seconds.
    """

    def __init__(self, desk, total=None, unit=""):
        self.desk, self.total, self.done, self.began = desk, total, 0, time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def update(self, steps=1):
        self.done += steps
        spent = time.monotonic() - self.began
        if self.total is not None:
            done = self.done // CHAINS
            self.desk.tell("sweeps", done=done, most=self.total // CHAINS, each=spent / done)
        if self.desk.stopped():
            self.desk.tell("heard")
            raise KeyboardInterrupt
        if self.total is None and spent > PATIENCE:
            raise KeyboardInterrupt


class Desk:
    """One table, and what was found in it.

    ``send(kind, text)`` is called with what the page is to show, as JSON; ``stopped()`` says
    whether its reader has pressed Stop.
    """

    def __init__(self, send, stopped):
        self.send, self.stopped = send, stopped
        self.name, self.content, self.result = "", b"", None
        tqdm.auto.tqdm = lambda total=None, unit="": Bar(self, total, unit)

    def tell(self, kind, **what):
        self.send(kind, json.dumps(what))

    def do(self, task, **options):
        """Do what the page asks for; whatever goes wrong is told in words."""
        try:
            getattr(self, task)(**options)
        except (ValueError, OSError, csv.Error) as error:
            self.tell("refused", text=str(error))
        except KeyboardInterrupt:
            self.tell("stopped", text="Stopped before there was anything to say.")
        except MemoryError:
            self.tell("refused", text="The browser has no room for this table." + self.elsewhere())
        except Exception:
            self.tell("refused", text="This is a mistake of the page:\n" + traceback.format_exc())

    def keep(self, name="faithful.csv", content=None):
        """Take a table without a word; by default the one to try."""
        if content is None:
            content = (importlib.resources.files(dpnotes) / "data" / "faithful.csv").read_bytes()
        self.name, self.content, self.result = name, bytes(content), None

    def open(self, **table):
        """Tell which columns a table has, and which of them are numbers."""
        self.keep(**table)
        header, rows, separator = tables._cells("table", self.source(), None)
        by_name = list(zip(header, *rows.values(), strict=True))
        filled = [
            (column, *(cell for cell in cells if cell.lower() not in tables.GAPS))
            for column, *cells in by_name
        ]
        usable = tables._usable(filled, separator, None, None)
        columns = [
            {
                "name": column,
                "numbers": column in usable,
                "gaps": len(cells) + 1 - len(without),
                "cells": cells[:PREVIEWED],
            }
            for (column, *cells), without in zip(by_name, filled, strict=True)
        ]
        large = "" if len(rows) <= MOST_ROWS else self.too_large(f"{len(rows)} rows")
        self.tell("opened", name=self.name, rows=len(rows), columns=columns, large=large)

    def source(self):
        return Named(self.name, self.content)

    def too_large(self, size):
        limits = f"{MOST_ROWS} rows and {MOST_CELLS} numbers"
        return f"{size}: a browser takes too long for more than {limits}.{self.elsewhere()}"

    def elsewhere(self):
        """The way that is open to a table of any size."""
        return (
            " The command does it on your own machine, many times as fast:\n"
            "dpnotes analyse YOUR.csv --columns NAME,NAME --labels labels.csv"
        )

    def analyse(self, covariance, seed, **asked):
        """Find an answer by mean field, then by the sampler; tell each as it comes."""
        self.asked = {name: value for name, value in asked.items() if value is not None}
        self.covariance, self.seed, self.result = covariance, seed, None
        table, found = kinds.prepare(self.source(), **self.asked, rng=seed)
        n = len(table.x)
        if n > MOST_ROWS or table.x.size > MOST_CELLS:
            raise ValueError(self.too_large(f"{n} rows, {table.x.size} numbers"))
        self.sweeps = min(workflow.MOST_SWEEPS, ROOM // (CHAINS * n))
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            if found is not None or not np.isnan(table.z).any():  # mean field draws no gaps
                self.approximate(table, found)
            if self.stopped():
                raise KeyboardInterrupt
            self.result = workflow.analyse(
                self.source(),
                **self.asked,
                covariance=covariance,
                n_sweeps=self.sweeps,
                n_chains=CHAINS,
                rng=seed,
                progress=True,
                watch=lambda result: self.show("look", result),
            )
            self.show("last", self.result)

    def approximate(self, table, found):
        """Mean field with the base measure from which the sampler starts."""
        if found is None:
            prior = workflow._prior(table.z.shape[1], None, self.covariance)
            family = hyper.HyperMixture(1.0, prior).component
        else:
            family = found._family()
        field = meanfield.fit(
            DPMixture(1.0, family),
            table.z,
            restarts=RESTARTS,
            tol=TOL,
            rng=self.seed,
            progress=True,
        )
        # Of all rows, so that no sample of them has been analysed.
        self.result = workflow.Approximation(*table[:-1], field, None, found)
        large = int((self.result.clusters.share >= 0.05).sum())
        self.tell("first", large=large, converged=field.converged, **self.described(self.result))

    def show(self, kind, result):
        """Tell what the chains say, and how many sweeps such chains need."""
        K = np.unique(result.num_clusters).tolist()
        done, most = result.sweeps
        self.tell(
            kind,
            text=str(result),
            fit=result.fit,
            law=[[k, *result.prob(k)] for k in K],
            done=done,
            most=most,
            needed=next_look(done, result._needed),
            **self.described(result),
        )

    def described(self, result):
        """A summary of the clusters, and the rows with their clusters for a picture."""
        rows = slice(None, None, -(-len(result.x) // DRAWN))
        return {
            "clusters": str(result.clusters),
            "names": result.names,
            "x": np.where(np.isnan(x := result.x[rows]), None, x).tolist(),  # JSON has no NaN
            "partition": result.partition[rows].tolist(),
        }

    def take(self, what):
        """Make a file of the answer, to be taken away."""
        name, text = {"labels": self.labels, "notebook": self.notebook, "report": self.report}[
            what
        ]()
        self.tell("made", name=name, text=text)

    def labels(self):
        """The rows as they came with block and certainty, as the command writes them."""
        header, rows, _ = tables._cells("table", self.source(), self.asked.get("decimal"))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "labels.csv")
            command._write_labels(str(path), list(header), list(rows.values()), self.result)
            return f"{self.stem}-labels.csv", path.read_text(encoding="utf-8")

    @property
    def stem(self):
        return pathlib.PurePath(self.name).stem or "table"

    def report(self):
        """The package's report of the sampler's answer; mean field's alone is no report."""
        if isinstance(self.result, workflow.Analysis):
            return f"{self.stem}-report.html", report.html(self.result, code="\n".join(self.code()))
        words = (
            "By mean field, which is one approximation without its uncertainty: not to be reported."
        )
        text = html.escape(f"{self.name}\n\n{words}\n\n{self.result.clusters}")
        page = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><pre>{text}</pre></html>'
        return f"{self.stem}-mean-field.html", page

    def code(self):
        """The same analysis in Python, in two pieces."""
        done = self.result.sweeps[0] if isinstance(self.result, workflow.Analysis) else self.sweeps
        options = {"rng": self.seed, "n_sweeps": done, "n_chains": CHAINS}
        options |= {} if self.covariance is None else {"covariance": self.covariance}
        call = "".join(f"    {key}={value!r},\n" for key, value in (self.asked | options).items())
        return [
            "from dpnotes import workflow",
            f"result = workflow.analyse(\n    {self.name!r},\n{call})\nprint(result)",
        ]

    def notebook(self):
        """The same analysis for any Jupyter; its numbers agree with these within their errors."""
        title = '# How many clusters?\n\nThe analysis of the page "Your data", again.'
        texts = [("markdown", title), *(("code", code) for code in self.code())]
        texts.append(("code", "print(result.clusters)"))
        cells = [cell(f"cell-{i}", *text) for i, text in enumerate(texts)]
        book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        return f"{self.stem}.ipynb", json.dumps(book, indent=1)


def next_look(done, wanted):
    """Return at how many sweeps, of those at which the chains are looked at, there are enough."""
    look = workflow.STEP * (done // workflow.STEP + 1)  # a reader may have stopped between two
    while look < wanted or not workflow._due(look):
        look += workflow.STEP
    return look


def cell(name, kind, text):
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "metadata": {}, "source": text, **code}
