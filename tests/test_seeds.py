"""The tool that runs chapters with other seeds finds the assertion that one seed breaks."""

import ast
import pathlib

import nbformat
import numpy as np
import pytest

from tools import seeds

pytestmark = pytest.mark.book

EXACT = "fine = 1 + 1\nassert fine == 2"
LUCKY = """import dpnotes
assert dpnotes.crp.sample(5, 1.0, rng=1).tolist() == seated, "as the author saw it"
one, two = np.random.default_rng([1, 2]).random(2)
for bound in (2, luck):
    assert one < (
        bound
    )"""
LAST = "print('to the end')\nround(one + two, 3)"


def notebook(path, *cells):
    made = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    for i, cell in enumerate(made.cells):
        cell.id = f"{path.stem}-{i}"
    nbformat.write(made, path)
    return path


@pytest.fixture
def two_seeds(monkeypatch):
    monkeypatch.setattr(seeds, "SHIFTS", range(1, 3))


@pytest.fixture
def lucky(tmp_path):
    """A chapter whose assertions hold for its own seeds, and hardly for others."""
    first, _ = np.random.default_rng([1, 2]).random(2)
    setup = f"import numpy as np\nluck = {first + 1e-9}\nseated = [0, 0, 1, 0, 0]"
    return notebook(tmp_path / "lucky.ipynb", setup, EXACT, LUCKY, LAST)


@pytest.mark.slow
def test_an_assertion_that_hangs_on_its_seed_fails(lucky, two_seeds, capsys):
    assert seeds.main([str(lucky), "--show"])
    told = capsys.readouterr().out
    assert "lucky-2, line 2: assert dpnotes.crp.sample(5, 1.0, rng=1).tolist() == seated" in told
    assert "lucky-2, line 5: assert one < (\n" in told
    assert "\n      one = np.float64(0." in told and "\n      bound = 0." in told
    assert "lucky-1" not in told
    # The chapter went on, and its last cell differs from seed to seed.
    assert "lucky-3, printed line 2:" in told and "printed line 1" not in told


@pytest.mark.slow
def test_an_exact_chapter_passes(tmp_path, two_seeds, capsys):
    assert not seeds.main([str(notebook(tmp_path / "exact.ipynb", EXACT))])
    assert "exact: 0 failures" in capsys.readouterr().out


def test_an_error_ends_its_chapter(tmp_path, monkeypatch):
    monkeypatch.setattr(np.random, "default_rng", np.random.default_rng)
    path = notebook(tmp_path / "broken.ipynb", "x = 1\nx / 0", "print('never')")
    failures, printed, _ = seeds.run(path, 1)
    assert failures == [
        "broken-0, line 2: x / 0\n    ZeroDivisionError: division by zero; the chapter ends"
    ]
    assert "broken-1" not in printed


def test_axes_without_data_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(np.random, "default_rng", np.random.default_rng)
    cells = [f"import matplotlib.pyplot as plt\nplt.plot({row})" for row in ("[1, 2]", "[]")]
    failures, _, _ = seeds.run(notebook(tmp_path / "figures.ipynb", *cells), 1)
    assert failures == ["figures-1: axes that show nothing: 1"]


def test_every_shift_changes_every_seed_and_nothing_else():
    drawn = {
        shift: [seeds.shifted(shift, seed).random() for seed in (1, np.int64(2), [1, 50], 2**70)]
        for shift in (*seeds.SHIFTS, 0)
    }
    alone = [seeds.default_rng(seed).random() for seed in (1, 2, [1, 50], 2**70)]
    everything = {x for row in drawn.values() for x in row} | set(alone)
    # A seed followed by zero is the seed itself.
    assert drawn.pop(0) == alone and len(everything) == 4 * (len(seeds.SHIFTS) + 1)
    made = np.random.default_rng(1)
    assert seeds.shifted(1, made) is made


CHAPTERS = sorted((pathlib.Path(__file__).parents[1] / "book").glob("*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_every_seed_of_a_chapter_goes_through_default_rng(path):
    """What SciPy, pandas or scikit-learn seed by themselves the tool could not shift."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"RandomState", "seed", "SeedSequence", "PCG64"}, cell.id
