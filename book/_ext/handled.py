"""Figures that are handled: ``{handled-figure} restaurant``, with the caption as its content.

The numbers come from ``dpnotes`` while the book is built, for a grid of settings; the module
``figures.mjs`` draws them, here under Node for the static picture and then in the browser.
"""

import functools
import json
import pathlib
import subprocess

import numpy as np
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from dpnotes import crp, sticks
from dpnotes.clusters import NumClusters

from . import foreign, pages

ALPHAS = [0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50]
MODULE = pathlib.Path(__file__).parents[1] / "_static" / "figures.mjs"
# Where the caption, which is parsed apart, goes into the template.
CAPTION = "THE CAPTION"
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


def law(n, alpha, labels):
    """The exact law of K_n where it is visible, and the tables of one restaurant."""
    dist = NumClusters(n, alpha)
    k = np.arange(1, min(n, 600) + 1)
    cdf, pmf = dist.cdf(k), dist.pmf(k)
    shown = np.flatnonzero(pmf > 1e-3 * pmf.max())
    return {
        "mean": round(float(dist.mean()), 2),
        "low": int(k[np.searchsorted(cdf, 0.05)]),
        "high": int(k[np.searchsorted(cdf, 0.95)]),
        "path": int(labels[:n].max()) + 1,
        "first": int(k[shown[0]]),
        "pmf": pmf[shown[0] : shown[-1] + 1].round(5).tolist(),
    }


def growth():
    sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
    laws = []
    for alpha in ALPHAS[:-1]:
        labels = crp.sample(sizes[-1], alpha, rng=5)
        laws.append([law(n, alpha, labels) for n in sizes])
    return {"alpha": ALPHAS[:-1], "n": sizes, "law": laws}, {"alpha": 4, "n": 9}


KINDS = {"restaurant": restaurant, "sticks": stick_breaking, "growth": growth}
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


class HandledFigure(SphinxDirective):
    required_arguments = 1
    has_content = True

    def run(self):
        kind = self.arguments[0]
        if kind not in KINDS:
            raise self.error(f"{kind}: expected one of {', '.join(KINDS)}")
        text, picture, words = figure(kind)
        # A script's text ends at "</"; JSON may write it otherwise.
        script = text.replace("</", "<\\/")
        html = pages.render(
            "handled", kind=kind, picture=picture, words=words, script=script, caption=CAPTION
        )
        caption = nodes.container(classes=["handled-caption"])
        self.state.nested_parse(self.content, self.content_offset, caption)
        before, after = (nodes.raw("", part, format="html") for part in html.split(CAPTION))
        # Where there are no sliders, a link stands for the figure.
        before["handled"] = kind
        return [before, caption, after]


def setup(app):
    app.add_directive("handled-figure", HandledFigure)
    app.add_js_file("figures.mjs", type="module")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
