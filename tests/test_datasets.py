import csv
import pathlib

import numpy as np
import pytest
from scipy import stats

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


def test_death_notices_have_the_mixture_that_was_published():
    counts = datasets.death_notices()
    assert np.bincount(counts.astype(np.intp)).tolist() == [
        162, 267, 271, 185, 111, 61, 27, 8, 3, 1,
    ]  # fmt: skip
    # At Hasselblad's estimates, and near them only, the likelihood of two Poisson laws is largest.
    weights, rates = np.array([0.36, 0.64]), np.array([1.256, 2.663])
    for _ in range(200):
        each = weights * stats.poisson(rates).pmf(counts[:, None])
        share = each / each.sum(axis=1, keepdims=True)
        weights, rates = share.mean(axis=0), counts @ share / share.sum(axis=0)
    np.testing.assert_allclose(weights, [0.36, 0.64], atol=5e-4)
    np.testing.assert_allclose(rates, [1.256, 2.663], atol=1e-3)


def test_answers_have_the_likelihoods_that_were_published():
    """What the R package poLCA prints for one class and for two."""
    x = datasets.role_conflict()
    assert x.shape == (216, 4) and set(np.unique(x)) == {0, 1}
    weights, p = np.array([1.0]), x.mean(axis=0)[None]
    for expected in (-543.6498, -504.4677):
        for _ in range(2000):
            each = weights * np.exp(x @ np.log(p).T + (1 - x) @ np.log1p(-p).T)
            share = each / each.sum(axis=1, keepdims=True)
            weights, p = share.mean(axis=0), share.T @ x / share.sum(axis=0)[:, None]
        assert np.log(each.sum(axis=1)).sum() == pytest.approx(expected, abs=1e-4)
        weights, p = np.array([0.5, 0.5]), np.array([[0.7, 0.4, 0.4, 0.2], [0.95, 0.9, 0.9, 0.7]])


def test_penguins():
    x, species = datasets.penguins()
    assert x.shape == (344, 6) and species.dtype == np.int64
    assert np.bincount(species.astype(np.intp)).tolist() == [152, 68, 124]
    assert np.isnan(x).sum(axis=0).tolist() == [2, 2, 2, 2, 11, 0]
    # Means that the data's own page gives for each species: bill length, flipper, mass.
    expected = [[38.79, 189.95, 3700.66], [48.83, 195.82, 3733.09], [47.50, 217.19, 5076.02]]
    means = [np.nanmean(x[species == k][:, [0, 2, 3]], axis=0).round(2) for k in range(3)]
    np.testing.assert_allclose(means, expected, atol=0.01)
    assert set(np.unique(x[species == 2, 5])) == {0} and set(np.unique(x[species == 1, 5])) == {1}
    with (DATA / "penguins.csv").open(encoding="utf-8") as file:
        for row, cells, k in zip(csv.DictReader(file), x, species, strict=True):
            shown = [row[n] for n in datasets.MEASURED]
            assert [v == "NA" for v in shown] == np.isnan(cells[:4]).tolist()
            assert [float(v) for v in shown if v != "NA"] == cells[:4][
                ~np.isnan(cells[:4])
            ].tolist()
            assert {"male": 1.0, "female": 0.0, "NA": -1.0}[row["sex"]] == np.nan_to_num(
                cells[4], nan=-1
            )
            assert datasets.ISLANDS[int(cells[5])] == row["island"]
            assert datasets.SPECIES[k] == row["species"]


def test_every_file_has_a_source():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for file in DATA.glob("*.csv"):
        rows = len(file.read_text(encoding="utf-8").splitlines()) - 1
        assert f"| {file.name} | {rows} |" in text
