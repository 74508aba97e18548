"""The picture of the landing page: ``{landing-picture}``, nine points and the number of clusters.

It is drawn when the book is built, as the figures of the chapters are; all in it is exact.
"""

import functools
import html

import numpy as np
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from dpnotes import exact
from dpnotes.components import Gaussian
from dpnotes.mixture import DPMixture

from . import pages

MODEL = DPMixture(0.5, Gaussian([1.6, 1.6], 4.0, 1.0))
# The numbers of clusters for which a partition is shown.
SHOWN = 2, 3, 4


@functools.cache
def answer():
    """Nine points, their most probable partition into 2, 3 and 4 clusters, and the law of K."""
    centres = np.repeat([[0, 0], [3.2, 0.8], [1.6, 3.2]], 3, axis=0)
    x = centres + 0.75 * np.random.default_rng(8).normal(size=(9, 2))
    posterior = exact.posterior(MODEL, x)
    counts = posterior.labels.max(axis=1) + 1
    best = [np.argmax(np.where(counts == k, posterior.probs, 0)) for k in SHOWN]
    return x, posterior.labels[best], posterior.num_clusters


def words():
    """What the picture shows."""
    law = answer()[-1]
    bars = [f"{k} with {100 * law[k]:.0f} per cent" for k in np.flatnonzero(law >= 0.005)]
    return (
        "The same nine points three times, coloured as two, three and four clusters; beside them "
        f"bars for the number of clusters: {', '.join(bars)}."
    )


class LandingPicture(SphinxDirective):
    has_content = True

    def run(self):
        caption = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, caption)
        page = pages.render("landing", picture=picture(), caption="THE CAPTION")
        before, after = (nodes.raw("", part, format="html") for part in page.split("THE CAPTION"))
        return [before, *caption.children, after]


@functools.cache
def picture():
    """Draw it, as the figures of the chapters are drawn."""
    import matplotlib.pyplot as plt

    from dpnotes import _svg, figures, plotting

    with plt.rc_context():
        plotting.use_style()
        figure, ax = plt.subplots(figsize=(3.8, 1.3))
        figures.clusters.sampled_partitions(*answer(), ax=ax)
        drawing = _svg.themed(figure, "landing-")
        plt.close(figure)
    return drawing.replace("<svg ", f'<svg aria-label="{html.escape(words())}" ', 1)


def setup(app):
    app.add_directive("landing-picture", LandingPicture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
