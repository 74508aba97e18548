"""The picture of the landing page: ``{landing-picture}``, nine points and the number of clusters.

It is drawn when the book is built, as the figures of the chapters are; all in it is exact.
"""

import functools
import pathlib

import numpy as np
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from dpnotes import exact
from dpnotes.components import Gaussian
from dpnotes.mixture import DPMixture

from . import house, pages

PICTURE = "_static/landing.png"
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
        picture = f"../{PICTURE}"
        with (pathlib.Path(self.env.app.outdir) / PICTURE).open("rb") as file:
            width, height = house.size_of(file)
        html = pages.render(
            "landing",
            picture=picture,
            width=width,
            height=height,
            words=words(),
            caption="THE CAPTION",
        )
        before, after = (nodes.raw("", part, format="html") for part in html.split("THE CAPTION"))
        return [before, *caption.children, after]


def draw(app):
    """Draw it before the page is read, which names its size."""
    import matplotlib.pyplot as plt

    from dpnotes import figures, plotting

    with plt.rc_context():
        plotting.use_style()
        figure, ax = plt.subplots(figsize=(3.8, 1.3))
        figures.clusters.sampled_partitions(*answer(), ax=ax)
        # Without its version equal pictures are equal files.
        path = pathlib.Path(app.outdir, PICTURE)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)


def setup(app):
    app.add_directive("landing-picture", LandingPicture)
    app.connect("builder-inited", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
