"""Figures as drawings that stand in a page: text as text, ids of their own, a page's colours."""

import io
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

# More marks, or more corners of areas, are drawn as pixels: a drawing of each would weigh more.
MOST, CORNERS = 1000, 4000
# How releases of Matplotlib name the font of a figure's words; the page sets it for all of them.
FONTS = re.compile(r"font-family: 'DejaVu Sans'[^;]*;?|(font: [^;']*)'DejaVu Sans'[^;]*")


def element(figure: Any, prefix: str, **options: Any) -> ElementTree.Element:
    """Return a figure as an element of HTML whose ids begin with the prefix.

    Equal figures give equal elements. The options are those of ``savefig``.
    """
    import matplotlib as mpl

    file = io.StringIO()
    about = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": "dpnotes", "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", metadata=about, **options)
    root = ElementTree.fromstring(file.getvalue())
    for part in root.iter():
        part.tag = part.tag.rpartition("}")[2]
        for name, value in list(part.attrib.items()):
            del part.attrib[name]
            name = name.rpartition("}")[2]
            if name == "id":
                value = prefix + value
            elif name == "href" and value.startswith("#"):
                value = f"#{prefix}{value[1:]}"
            part.set(name, re.sub(r"^url\(#", f"url(#{prefix}", value))
    _own_style(root)
    for name in ("height", "version"):
        del root.attrib[name]
    root.set("role", "img")
    return root


def _own_style(root: ElementTree.Element) -> None:
    """Put what a drawing says of all its lines on its root; it would hold for the whole page."""
    for holder in root.findall("defs"):
        for style in holder.findall("style"):
            holder.remove(style)
        if not len(holder):
            root.remove(holder)
    root.set("style", "stroke-linejoin:round;stroke-linecap:butt")


def _many(mark: Any) -> bool:
    """Whether a mark is drawn piece by piece or corner by corner, and has very many."""
    if hasattr(mark, "get_xydata"):
        dots = mark.get_marker() not in ("", " ", "none", "None", None)
        return bool(dots and len(mark.get_xydata()) > MOST)
    if hasattr(mark, "get_coordinates"):  # the cells of a mesh
        return True
    if hasattr(mark, "get_offsets"):
        paths = mark.get_paths()
        corners = sum(len(path.vertices) for path in paths)
        return max(len(mark.get_offsets()), len(paths)) > MOST or corners > CORNERS
    return False


@contextmanager
def _pixels(figure: Any) -> Iterator[None]:
    """Draw clouds and meshes of a figure as pixels, in a drawing, for as long as it is saved."""
    marks = [m for m in figure.findobj(_many) if not m.get_rasterized()]
    for mark in marks:
        mark.set_rasterized(True)
    try:
        yield
    finally:
        for mark in marks:
            mark.set_rasterized(False)


def themed(figure: Any, prefix: str) -> str:
    """Return a figure in the colours and the type of the page that it will stand in.

    The book's palette, black, white and the greys between them become variables of the style,
    ``--figure-1`` to ``--figure-8``, ``--figure-ink`` and ``--figure-ground``; the font is that
    of the class ``drawing``.
    """
    with _pixels(figure):
        root = element(figure, prefix, bbox_inches="tight", facecolor=figure.get_facecolor())
    for part in root.iter():
        if style := part.get("style"):
            style = FONTS.sub(lambda m: f"{m[1]}var(--figure-font)" if m[1] else "", style)
            style = re.sub(r"#[0-9a-f]{6}\b", _colour, style)
            part.set("style", style.replace(": ", ":").replace("; ", ";").strip("; "))
    _flow(root)
    _light(root)
    del root.attrib["width"]
    root.set("class", "drawing")
    return ElementTree.tostring(root, encoding="unicode")


def _colour(match: re.Match[str]) -> str:
    """Return the variable for a colour; one that no palette has stays as it is."""
    from ._axes import COLORS

    names = {color.lower(): f"var(--figure-{i})" for i, color in enumerate(COLORS, start=1)}
    names |= {"#000000": "var(--figure-ink)", "#ffffff": "var(--figure-ground)"}
    found = match[0]
    red, green, blue = (int(found[i : i + 2], 16) for i in (1, 3, 5))
    if found in names or not red == green == blue:
        return names.get(found, found)
    share = round(100 * (1 - red / 255))
    return f"color-mix(in srgb,var(--figure-ink) {share}%,var(--figure-ground))"


def _flow(root: ElementTree.Element) -> None:
    """Put the letters of formulas into the order of reading, one run for each look and height."""
    for text in root.iter("text"):
        letters = sorted(itertools.chain(*map(_letters, text)), key=lambda a: float(a[0]))
        text[:] = []
        for (y, style), run in itertools.groupby(letters, lambda a: a[2:]):
            x, signs = zip(*(letter[:2] for letter in run))
            part = ElementTree.SubElement(text, "tspan", y=y, style=style, x=" ".join(x))
            part.text = "".join(signs).replace("\u00a0", " ")
        if letters:
            text.text = None
            text.set("style", "white-space:pre")


def _letters(span: ElementTree.Element) -> list[tuple[str, str, str, str]]:
    """Return place, sign, height and look of each letter; a release may join all of a look."""
    about = span.get("y", ""), span.get("style", "")
    places, signs = span.attrib["x"].split(), span.text or ""
    if len(places) != len(signs):  # the rest follows the first
        return [(places[0], signs, *about)]
    return [(x, sign, *about) for x, sign in zip(places, signs, strict=True)]


def _light(root: ElementTree.Element) -> None:
    """Take out what nobody sees: the tenth of a thousandth of a point, ids that nothing names."""
    named = set(re.findall(r"#([^\s)\"]+)", " ".join(_values(root))))
    for part in root.iter():
        part.tail = None
        if part.tag not in ("text", "tspan"):
            part.text = None
        for name, value in list(part.attrib.items()):
            if (name == "id" and value not in named) or value.startswith("rotate(-0 "):
                del part.attrib[name]
            elif name in ("d", "x", "y", "points", "transform", "viewBox", "width", "height"):
                value = re.sub(
                    r"-?\d+\.\d+", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), value
                )
                part.set(name, re.sub(r"\s+", " ", value).strip())
    # What is left of groups that only had a name.
    for group in [g for g in root.iter() if len(g)]:
        for i, child in reversed(list(enumerate(group))):
            if child.tag == "g" and not child.attrib:
                group[i : i + 1] = list(child)


def _values(root: ElementTree.Element) -> Iterator[str]:
    return (value for part in root.iter() for n, value in part.attrib.items() if n != "id")
