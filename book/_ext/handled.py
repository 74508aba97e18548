"""Figures that are handled: ``{handled-figure} restaurant``, with the caption as its content.

The numbers come from ``dpnotes`` while the book is built, for a grid of settings; the module
``figures.mjs`` draws them, here under Node for the static picture and then in the browser.
"""

import functools
import json
import pathlib
import subprocess

import numpy as np
from sphinx.errors import ExtensionError

from dpnotes import crp, sticks

from . import foreign, pages
from .acting import Numbered

ALPHAS = [0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50]
MODULE = pathlib.Path(__file__).parents[1] / "_static" / "figures.mjs"
# Pieces below this share are too thin to draw.
THIN = 0.002


def restaurant():
    """The tables of sixty customers; one seed, so that the customers' chances are shared."""
    sizes = list(range(1, 61))
    labels = [crp.sample(sizes[-1], alpha, rng=1).tolist() for alpha in ALPHAS]
    return {"alpha": ALPHAS, "n": sizes, "labels": labels}, {"alpha": 4, "n": 29}


def visible(shares):
    shares = np.asarray(shares)
    cut = np.flatnonzero(1 - np.cumsum(shares) < THIN)
    end = cut[0] + 1 if len(cut) else len(shares)
    return shares[: min(end, 400)].round(4).tolist()


def stick_breaking():
    """Five broken sticks and five restaurants of the same concentration, drawn apart."""
    sizes, draws = [10, 30, 100, 300, 1000, 10_000], range(5)
    pieces = [[visible(sticks.sample(a, 400, rng=[1, i])) for i in draws] for a in ALPHAS]
    tables = []
    for alpha in ALPHAS:
        labels = [crp.sample(sizes[-1], alpha, rng=[2, i]) for i in draws]
        tables.append([[visible(np.bincount(z[:n]) / n) for z in labels] for n in sizes])
    ends = [[round(1 - (a / (1 + a)) ** k, 3) for k in range(1, 5)] for a in ALPHAS]
    return {"alpha": ALPHAS, "n": sizes, "sticks": pieces, "tables": tables, "ends": ends}, {
        "alpha": 4,
        "n": 4,
    }


KINDS = {"restaurant": restaurant, "sticks": stick_breaking}
DRAW = """
import { readFileSync } from "node:fs";
const { draw } = await import(process.argv[1]);
const { kind, data, at } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(draw(kind, data, at)));
"""


@functools.cache
def figure(kind):
    """The script's data and the static picture with its words."""
    data, at = KINDS[kind]()
    text = json.dumps({"kind": kind, "at": at, "data": data}, separators=(",", ":"))
    command = [foreign.NODE, "--input-type=module", "-e", DRAW, MODULE.as_uri()]
    done = subprocess.run(
        list(map(str, command)), input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ExtensionError(f"the figure {kind} cannot be drawn:\n{done.stderr[-2000:]}")
    drawn = json.loads(done.stdout)
    return text, drawn["picture"], drawn["words"]


class HandledFigure(Numbered):
    def run(self):
        kind = self.arguments[0]
        if kind not in KINDS:
            raise self.error(f"{kind}: expected one of {', '.join(KINDS)}")
        text, picture, words = figure(kind)
        # A script's text ends at "</"; JSON may write it otherwise.
        script = text.replace("</", "<\\/")
        html = pages.render("handled", kind=kind, picture=picture, words=words, script=script)
        return [self.figure("handled", kind, html)]


def setup(app):
    app.add_directive("handled-figure", HandledFigure)
    app.add_js_file("figures.mjs", type="module")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
