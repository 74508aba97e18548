"""What no test of an output sees of a cell's figures: axes left empty, and words too small."""

import sys

import numpy as np

# In pixels: how wide the site shows a figure on a phone of 360, and the smallest letters there.
COLUMN, LEGIBLE = 312, 11


def shows(mark):
    """Whether a mark has anything to show: a finite point, or an area."""
    if hasattr(mark, "get_xydata"):
        return np.isfinite(np.ma.filled(mark.get_xydata(), np.nan)).all(axis=1).any()
    if hasattr(mark, "get_offsets"):
        offsets = np.ma.filled(np.ma.asarray(mark.get_offsets(), float), np.nan)
        # Dots: one path at many places. Anything else: many paths at one.
        paths = any(np.isfinite(path.vertices).all(axis=1).any() for path in mark.get_paths())
        return paths and np.isfinite(offsets).all(axis=1).any()
    if hasattr(mark, "get_extents"):
        area = mark.get_extents()
        return area.width * area.height > 0
    return np.isfinite(np.ma.filled(np.ma.asarray(mark.get_array(), float), np.nan)).any()


def figures():
    """The open figures."""
    plt = sys.modules.get("matplotlib.pyplot")
    return [] if plt is None else [plt.figure(number) for number in plt.get_fignums()]


def empty_axes():
    """The number of visible axes of all open figures that show no data."""
    axes = [ax for figure in figures() for ax in figure.axes]
    return sum(
        ax.get_visible()
        and not any(map(shows, (*ax.lines, *ax.patches, *ax.collections, *ax.images)))
        for ax in axes
    )


def smallest_words():
    """The size in pixels of the smallest words of all open figures, as a phone shows them."""
    sizes = [np.inf]
    for figure in figures():
        figure.draw_without_rendering()
        # As it is saved: what sticks out widens it, and its words shrink.
        pad = sys.modules["matplotlib"].rcParams["savefig.pad_inches"]
        scale = COLUMN / (figure.get_tightbbox().width + 2 * pad)
        sizes += [
            text.get_fontsize() / 72 * scale
            for text in figure.findobj(lambda mark: hasattr(mark, "get_fontsize"))
            if text.get_visible() and text.get_text().strip()
        ]
    return min(sizes)


def tell():
    """Give a cell with such a figure one more output, by whose name a comparison fails."""
    complaints = []
    if count := empty_axes():
        complaints.append(f"axes that show nothing: {count}")
    if (size := smallest_words()) < LEGIBLE:
        complaints.append(f"words of {size:.1f} pixels on a phone")
    if complaints:
        from IPython.display import display

        display(dict.fromkeys(complaints, ""), raw=True)
