import csv
import pathlib

import numpy as np
import pytest

import dpnotes
from dpnotes import datasets

DATA = pathlib.Path(dpnotes.__file__).parent / "data"


@pytest.mark.parametrize(
    "name, shape, total", [("galaxies", (82,), 1708180.0), ("faithful", (272, 2), 20232.677)]
)
def test_rows_and_sums(name, shape, total):
    values = getattr(datasets, name)()
    assert values.shape == shape and values.dtype == float
    assert np.isclose(values.sum(), total, rtol=0, atol=1e-6)
    with (DATA / f"{name}.csv").open(encoding="utf-8") as file:
        rows = [[float(v) for v in row] for row in list(csv.reader(file))[1:]]
    assert np.array_equal(values.reshape(len(rows), -1), rows)


def test_the_78th_galaxy_is_corrected_and_the_velocities_increase():
    velocity = datasets.galaxies()
    assert velocity[77] == 26960 and 26690 not in velocity
    assert (np.diff(velocity) >= 0).all()


def test_the_74th_galaxy_is_that_of_most_copies_and_the_file_says_so():
    assert datasets.galaxies()[73] == 24366
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert "74th value is 24366" in text and "24368" in text


def test_faithful_against_published_means():
    # Means that R prints for datasets::faithful.
    assert datasets.faithful().mean(axis=0).round(4).tolist() == [3.4878, 70.8971]


def test_neal():
    assert datasets.neal().tolist() == [-1.48, -1.4, -1.16, -1.08, -1.02, 0.14, 0.51, 0.53, 0.78]


def test_every_file_has_a_source():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for file in DATA.glob("*.csv"):
        rows = len(file.read_text(encoding="utf-8").splitlines()) - 1
        assert f"| {file.name} | {rows} |" in text
