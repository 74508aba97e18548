"""Figures as drawings that stand in the page: sharp at any zoom, in the colours of its theme.

The kernels of the build give each figure as pixels, which a downloaded notebook holds, and as a
drawing, which takes their place in the page (``dpnotes._svg``). Its words are text, set in the
letters of Matplotlib's font that a figure may need.
"""

import base64
import copy
import hashlib
import os
import pathlib
import re

from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib import get_data_path

STARTUP = pathlib.Path(__file__).parents[2] / "tools" / "drawing_startup.py"
FONTS = {"DejaVuSans": "figures.woff", "DejaVuSans-Oblique": "figures-oblique.woff"}
# ASCII, the accents of Latin-1, Greek, and what formulas in figures are made of.
LETTERS = [*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x391, 0x3CA)]
SIGNS = "′‘’“”–—…•⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉ℓℝℕ→←↑↓−∗∙√∞∑∏∫≈≠≤≥∈∼∣·×"
IMAGE = re.compile(r'<img\b[^>]*src="[^"]*_images/(?P<name>[0-9a-f]{64})\.png"[^>]*>')
ALT = re.compile(r'\balt="([^"]*)"')


def subset_fonts(app):
    """Write the letters of a figure's words as fonts for the page."""
    if app.builder.format != "html":
        return
    folder = pathlib.Path(app.outdir, "_static")
    folder.mkdir(parents=True, exist_ok=True)
    source = pathlib.Path(get_data_path(), "fonts", "ttf")
    for name, target in FONTS.items():
        font = TTFont(source / f"{name}.ttf", recalcTimestamp=False)
        options = subset.Options(hinting=False, notdef_outline=True, layout_features=["kern"])
        options.drop_tables += ["FFTM"]
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[*LETTERS, *map(ord, SIGNS)])
        subsetter.subset(font)
        font.flavor = "woff"
        font.save(folder / target)
    (folder / "figures-license.txt").write_bytes((source / "LICENSE_DEJAVU").read_bytes())


def keep(outputs, folder):
    """Write the drawing of each figure into a folder, under the name of its pixels.

    What MyST-NB gets is the pixels: it would link a drawing, and not put it into the page.
    """
    return [without_drawing(output, folder) for output in outputs]


def without_drawing(output, folder):
    data = output.get("data", {})
    if not {"image/png", "image/svg+xml"} <= data.keys():
        return output
    pixels = base64.b64decode(data["image/png"])
    path = folder / f"{hashlib.sha256(pixels).hexdigest()}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(data["image/svg+xml"]), encoding="utf-8")
    output = copy.copy(output)
    output["data"] = {kind: text for kind, text in data.items() if kind != "image/svg+xml"}
    return output


def inlined(text, files):
    """A page with drawings in the place of pixels, each with ids of its own."""
    count = 0

    def drawn(match):
        nonlocal count
        path = files.get(f"{match['name']}.png")
        path = path and path.with_suffix(".svg")
        if path is None or not path.exists():
            return match[0]
        count += 1
        svg = path.read_text(encoding="utf-8")
        svg = re.sub('(id="|#)drawing-', rf"\1drawing-{count}-", svg)
        label = ALT.search(match[0])
        return svg.replace("<svg ", f'<svg aria-label="{label[1] if label else ""}" ', 1)

    return IMAGE.sub(drawn, text)


def put_into_page(app, pagename, templatename, context, doctree):
    if "body" in context:
        files = {name: app.srcdir / path for path, name in app.builder.images.items()}
        context["body"] = inlined(context["body"], files)


def setup(app):
    os.environ["PYTHONSTARTUP"] = str(STARTUP)
    app.connect("builder-inited", subset_fonts)
    app.connect("html-page-context", put_into_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
