"""Figures in the page: drawings, each with ids of its own, in the page's colours and letters."""

import html as entities
import json
import re

import pytest
from test_site import CHAPTERS, ROOT, visit

from book._ext import drawings

pytestmark = pytest.mark.book
FIGURE = re.compile(r'<svg [^>]*class="drawing"[^>]*>.*?</svg>', re.DOTALL)


def described(name):
    """The descriptions of a chapter's figures, as its notebook has them."""
    cells = json.loads((ROOT / name).with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    images = [cell["metadata"].get("mystnb", {}).get("image", {}) for cell in cells]
    return [image["alt"] for image in images if image]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_figure_of_a_chapter_stands_in_its_page(html, name):
    text = (html / name).read_text(encoding="utf-8")
    found = [re.search(r'aria-label="([^"]*)"', svg)[1] for svg in FIGURE.findall(text)]
    assert [entities.unescape(label) for label in found] == described(name) != []
    assert "_images/" not in text.partition("<article")[2].partition("</article>")[0]
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for svg in FIGURE.findall(text):
        assert 'role="img"' in svg
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) <= set(ids)


def test_ids_are_told_apart_and_words_are_left_alone(tmp_path):
    (tmp_path / f"{'0' * 64}.svg").write_text(
        '<svg class="drawing"><path id="drawing-a"/><use href="#drawing-a"/>drawing-a</svg>'
    )
    image = f'<img alt="One &amp; two" src="../_images/{"0" * 64}.png" width="3"/>'
    files = {f"{'0' * 64}.png": tmp_path / f"{'0' * 64}.png"}
    text = drawings.inlined(f"{image}{image}<img src='x.png'>", files)
    assert text.count('aria-label="One &amp; two"') == 2 and text.endswith("<img src='x.png'>")
    assert re.findall(r'id="([^"]+)"', text) == ["drawing-1-a", "drawing-2-a"]
    assert re.findall(r'href="([^"]+)"', text) == ["#drawing-1-a", "#drawing-2-a"]
    assert text.count(">drawing-a<") == 2


CONTRAST = """() => {
    const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
            .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const root = getComputedStyle(document.documentElement);
    const probe = document.createElement("i");
    document.body.append(probe);
    const of = (name) => {
        probe.style.color = `var(${name})`;
        return luminance(getComputedStyle(probe).color);
    };
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const ground = of("--pst-color-background");
    return ["ink", 1, 2, 3, 4, 5, 6, 7].map((name) => ratio(of(`--figure-${name}`), ground));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_and_hues_stand_out_from_the_page(browser, site, scheme):
    page, _ = visit(browser, f"{site}book/urn.html", color_scheme=scheme)
    ink, *hues = page.evaluate(CONTRAST)
    used = page.locator("svg.drawing text").first.evaluate("(t) => getComputedStyle(t).fill")
    page.context.close()
    # Okabe and Ito's light hues on white are fainter; lines in them are told apart by more.
    assert ink > 10 and min(hues) > (2 if scheme == "light" else 4)
    assert used == ("rgb(20, 24, 30)" if scheme == "light" else "rgb(223, 227, 232)")
