"""What a kernel of the book's build runs first ($PYTHONSTARTUP): figures are drawings as well.

A kernel under nbval does not: nbval takes only pixels for figures.
"""


def _watch():
    import sys

    shell = get_ipython()  # noqa: F821

    def draw():
        """Before Matplotlib shows its figures, which sets all ways of showing one anew."""
        if "matplotlib.figure" in sys.modules:
            from matplotlib.figure import Figure

            from dpnotes import _svg

            formatter = shell.display_formatter.formatters["image/svg+xml"]
            formatter.for_type(Figure, lambda figure: _svg.themed(figure, "drawing-"))

    shell.events.register("post_execute", draw)


_watch()
del _watch
