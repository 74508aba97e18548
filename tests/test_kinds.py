"""What each column of a table is taken for, its prior, gaps, and what is said of bad cells."""

import ast
import io
import pathlib
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from dpnotes import _sweeps, chains, datasets, gibbs, kinds, partitions, workflow
from dpnotes.components import MultinomialDirichlet
from dpnotes.mixture import DPMixture

KINDS = {"price": "amount", "visits": "count", "region": "category"}
CENTRES = np.array([0.0, 3.0, 6.0])
REGIONS = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])


def mixed(n=200, seed=1, groups=3):
    """A column of each kind, in three groups or one, by name; and the groups."""
    rng = np.random.default_rng(seed)
    g = rng.integers(0, groups, n)
    codes = (rng.random(n)[:, None] > REGIONS.cumsum(axis=1)[g]).sum(axis=1)
    columns = {
        "size": rng.normal(CENTRES[g], 1),
        "price": np.exp(rng.normal(np.array([0, 1.5, 0])[g], 0.5)),
        "visits": rng.poisson(np.array([1, 6, 2])[g]),
        "ill": rng.random(n) < np.array([0.1, 0.5, 0.9])[g],
        "region": np.array(["north", "south", "west"], dtype=object)[codes],
    }
    return columns, g


class Frame(dict):
    """The least that is a data frame: columns by name."""

    @property
    def columns(self):
        return list(self)


def with_gaps(columns, share, seed=2):
    """The same with cells missing at random, None in columns of objects."""
    rng = np.random.default_rng(seed)
    result = {}
    for name, cells in columns.items():
        cells = np.array(cells, dtype=object)
        cells[rng.random(len(cells)) < share] = None
        result[name] = cells
    return result


def log_joint(columns, labels, asked=KINDS, missing="error"):
    """Log joint density of partitions and the table, less that of the first partition."""
    table, found = kinds.prepare(Frame(columns), kinds=asked, missing=missing, rng=1)
    kernel = gibbs.Collapsed(DPMixture(1.3, found._family()), table.z)
    values = [kernel.log_joint(chains.State(z, 1.3)) for z in labels]
    return np.array(values) - values[0]


def some_partitions(n, seed=3):
    rng = np.random.default_rng(seed)
    return [partitions.canonical(rng.integers(0, k, n)) for k in (1, 2, 3, 5, 8, 20)]


def test_a_table_of_measurements_is_what_it_was():
    x = datasets.faithful()[:30]
    options = dict(n_sweeps=12, n_chains=2, rng=1)
    plain = workflow.analyse(x, **options)
    assert plain.kinds is None
    for more in (
        dict(kinds="measurement"),
        dict(missing="ignore"),
        dict(kinds={"column 0": "auto"}),
    ):
        other = workflow.analyse(x, **options, **more)
        assert other.kinds is None and str(other) == str(plain)
        assert (other.labels == plain.labels).all()


def test_whole_numbers_and_skewed_ones_stay_measurements_unless_asked():
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.poisson(3, 50), np.exp(rng.normal(size=50)), rng.normal(size=50)])
    names = ["visits", "price", "size"]
    table, found = kinds.prepare(x, columns=names, rng=1)
    assert found is None
    said = kinds._hints(table.names, table.x)
    assert len(said) == 2
    assert "visits" in said[0] and "'count'" in said[0]
    assert "price" in said[1] and "'amount'" in said[1]
    assert "may be a count (" in said[0] and "may be an amount (" in said[1]
    report = " ".join(str(workflow.analyse(x, columns=names, n_sweeps=8, rng=1)).split())
    assert all(hint in report for hint in said)
    found = kinds.prepare(x, columns=names, kinds="auto", rng=1)[1]
    assert [column.kind for column in found.columns] == ["count", "amount", "measurement"]
    # One column asked for leaves the others what they were.
    found = kinds.prepare(x, columns=names, kinds={"price": "auto"}, rng=1)[1]
    assert [column.kind for column in found.columns] == ["measurement", "amount", "measurement"]


@pytest.mark.parametrize("cells", [[0, 1], [False, True], [0.0, 1.0]], ids=str)
def test_two_answers_are_yes_and_no(cells):
    columns = {"size": np.random.default_rng(1).normal(size=20), "ill": np.array(cells * 10)}
    found = kinds.prepare(Frame(columns), rng=1)[1]
    assert [column.kind for column in found.columns] == ["measurement", "yes/no"]


def test_a_file_is_read_as_a_frame_is():
    columns, _ = mixed(30)
    columns = with_gaps(columns, 0.1)
    lines = [",".join(columns)]
    for row in zip(*columns.values(), strict=True):
        lines.append(",".join("" if cell is None else str(cell) for cell in row))
    file = io.StringIO("\n".join(lines))
    options = dict(kinds=KINDS, missing="ignore")
    table, found = kinds.prepare(file, **options, rng=1)
    other, same = kinds.prepare(Frame(columns), **options, rng=1)
    assert str(found) == str(same)
    assert np.array_equal(table.x, other.x, equal_nan=True)
    assert np.array_equal(table.z, other.z, equal_nan=True)
    assert [column.missing for column in found.columns] == np.isnan(table.x).sum(axis=0).tolist()


def test_a_word_for_nothing_is_a_level_of_a_category_and_a_gap_among_numbers():
    words = ["none", "some", "?", "-", "NA", "", "null", "None", "NaN", "."] * 4
    sizes = ["1.5", "?", "-", "4", "NA", "6", "null", "none", "2.5", "."] * 4
    lines = [f"{a},{b},{i % 7}" for i, (a, b) in enumerate(zip(words, sizes, strict=True))]
    file = "word,size,x\n" + "\n".join(lines)
    options = dict(kinds={"word": "category", "x": "count"}, missing="ignore", rng=1)
    table, found = kinds.prepare(io.StringIO(file), **options)
    word, size, _ = found.columns
    assert word.levels == ("-", ".", "?", "None", "none", "null", "some")
    assert word.missing == np.isnan(table.x[:, 0]).sum() == 12
    assert size.missing == np.isnan(table.x[:, 1]).sum() == 24
    assert str(word).endswith("; 12 cell(s) missing, also where it says 'NA', 'NaN'.")
    assert str(size).endswith("where it says '-', '.', '?', 'NA', 'none', 'null'.")
    # As in a data frame, where such words are text; and no gap is left to be ignored.
    cells = np.array([None if w in ("", "NA", "NaN") else w for w in words], dtype=object)
    frame = Frame(word=cells, x=np.arange(40) % 7)
    assert np.array_equal(kinds.prepare(frame, **options)[0].x[:, 0], table.x[:, 0], equal_nan=True)
    file = "word,x\n" + "\n".join(f"{'none' if i % 3 else '?'},{i % 7}" for i in range(40))
    options["missing"] = "error"
    assert kinds.prepare(io.StringIO(file), **options)[1].columns[0].levels == ("?", "none")


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_units_names_and_order_change_nothing(share):
    """Up to rounding: a log joint of some 1500 nats has some 1e-12 of its digits wrong."""
    columns, _ = mixed(120)
    columns = with_gaps(columns, share) if share else columns
    labels, missing = some_partitions(120), "ignore" if share else "error"

    def scaled(cells, factor):
        return np.array([None if c is None else c * factor for c in cells], dtype=object)

    before = log_joint(columns, labels, missing=missing)
    assert np.ptp(before) > 10
    for name in ("size", "price"):
        for factor in (2.54, 1e-9):
            after = log_joint(
                {**columns, name: scaled(columns[name], factor)}, labels, missing=missing
            )
            np.testing.assert_allclose(after, before, rtol=0, atol=1e-8)
    renamed = {"north": "z", "south": "a", "west": "m", None: None}
    other = {**columns, "region": np.array([renamed[c] for c in columns["region"]], dtype=object)}
    np.testing.assert_allclose(log_joint(other, labels, missing=missing), before, atol=1e-8)
    turned = dict(reversed(columns.items()))
    np.testing.assert_allclose(log_joint(turned, labels, missing=missing), before, atol=1e-8)
    order = np.random.default_rng(4).permutation(120)
    moved = {name: np.array(cells, dtype=object)[order] for name, cells in columns.items()}
    there = [partitions.canonical(z[order]) for z in labels]
    np.testing.assert_allclose(log_joint(moved, there, missing=missing), before, atol=1e-8)


def test_two_categories_are_yes_and_no():
    columns, _ = mixed(60)
    labels = some_partitions(60)
    yes = {"ill": columns["ill"]}
    names = {"ill": np.where(columns["ill"], "ill", "well").astype(object)}
    before, after = log_joint(yes, labels, {}), log_joint(names, labels, {"ill": "category"})
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "asked", "where", "expected"),
    [
        ({"visits": -1}, KINDS, "visits, row 4", "integer >= 0"),
        ({"visits": 1.5}, KINDS, "visits, row 4", "integer >= 0"),
        ({"price": 0.0}, KINDS, "price, row 4", "> 0"),
        ({"price": "dear"}, KINDS, "price, row 4", "of kind 'amount'"),
        ({"ill": 2}, {**KINDS, "ill": "yes/no"}, "ill, row 4", "0 or 1"),
        ({"size": None}, KINDS, "size, row 4", "missing='ignore'"),
        ({"size": "big"}, KINDS, "size, row 4", "kinds={'size': 'category'}"),
        ({}, {"visits": "count"}, "region, row 1", "kinds={'region': 'category'}"),
        ({}, {**KINDS, "age": "count"}, "kinds = 'age'", "names of columns"),
        ({}, {**KINDS, "size": "real"}, "kinds['size'] = 'real'", "measurement"),
        ({"size": np.inf}, KINDS, "size, row 4", "change the unit"),
        ({"size": 1e9}, KINDS, "size, row 4", "nearer the others"),
        ({"size": 0.5}, {**KINDS, "size": "category"}, "size, row", "text or a whole number"),
    ],
)
def test_bad_cells_are_named(change, asked, where, expected):
    columns = {name: np.array(cells, dtype=object) for name, cells in mixed(40)[0].items()}
    for name, cell in change.items():
        columns[name][3] = cell
    with pytest.raises(ValueError) as error:
        kinds.prepare(Frame(columns), kinds=asked, rng=1)
    assert where in str(error.value) and expected in str(error.value)


@pytest.mark.parametrize(
    ("cells", "kind", "expected"),
    [
        ([0] * 40, "yes/no", "drop a constant column"),
        ([0] * 40, "count", "drop a constant column"),
        ([2.5] * 40, "amount", "drop a constant column"),
        (["a"] * 40, "category", "drop a constant column"),
        ([2.5] * 40, "measurement", "drop a constant column"),
        ([0.3, 0.1 + 0.2] * 20, "amount", "drop a constant column"),
        ([None] * 40, "count", "gaps alone"),
        ([None] * 40, "auto", "gaps alone"),
        ([str(i) for i in range(40)], "category", "40 categories in 40 rows"),
        ([0, 1, 2, 2] * 10, "auto", "count"),
    ],
)
def test_bad_columns_are_named(cells, kind, expected):
    columns = {"size": mixed(40)[0]["size"], "it": np.array(cells, dtype=object)}
    with pytest.raises(ValueError, match="it( |:).*") as error:
        kinds.prepare(Frame(columns), kinds={"it": kind}, missing="ignore", rng=1)
    assert str(error.value).startswith("it ") and expected in str(error.value)


def test_a_gap_in_a_table_of_measurements_says_what_to_do():
    x = np.array(datasets.faithful()[:30])
    x[6, 1] = np.nan
    with pytest.raises(ValueError, match=r"column 1, row 7 .*missing='ignore'"):
        workflow.analyse(x, rng=1)
    result = workflow.analyse(x, missing="ignore", n_sweeps=12, n_chains=2, rng=1)
    assert [column.missing for column in result.kinds.columns] == [0, 1]
    report = " ".join(str(result).split())
    assert "1 of 60 cells are missing" in report and "independent within a cluster" in report
    assert "column 1: measurement (numbers); 1 cell(s) missing." in report


@pytest.mark.parametrize("missing", ["error", "ignore"])
def test_every_kind_is_analysed_where_no_loop_is_compiled(missing, monkeypatch):
    """As in a plain install and in a browser."""
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    columns, g = mixed(30)
    columns = with_gaps(columns, 0.1) if missing == "ignore" else columns
    table, found = kinds.prepare(Frame(columns), kinds=KINDS, missing=missing, rng=1)
    kernel = workflow._kernel(found, table.z, (2, 4))
    assert not kernel.nogil
    result = workflow.analyse(
        Frame(columns), kinds=KINDS, missing=missing, n_sweeps=12, n_chains=2, rng=1
    )
    assert tuple(column.kind for column in result.kinds.columns) == kinds.KINDS
    apart = partitions.variation_of_information(result.partition, g)
    assert apart < partitions.variation_of_information(np.zeros(30, int), g)
    rows = Frame({name: cells[:4] for name, cells in columns.items()})
    assert np.allclose(result.predict_proba(rows).sum(axis=1), 1)


@pytest.fixture(scope="module")
def answer():
    """An analysis of a mixed table with gaps, and the groups."""
    columns, g = mixed(60)
    options = dict(kinds=KINDS, missing="ignore", n_sweeps=24, n_chains=2, rng=1)
    return workflow.analyse(Frame(with_gaps(columns, 0.05)), **options), g


def test_new_rows_are_in_the_units_of_the_data(answer):
    result, g = answer
    new = {"size": [6.0, 0.0], "price": [1.0, None], "visits": [2, 1], "ill": [True, False]}
    new["region"] = ["west", "north"]
    rows = Frame({name: np.array(cells, dtype=object) for name, cells in new.items()})
    named = result.predict(rows)
    for label, group in zip(named, (2, 0), strict=True):
        assert np.median(g[result.partition == label]) == group
    with pytest.raises(ValueError, match=r"region, row 2 = 'east'.*seen before"):
        result.predict(Frame({**rows, "region": np.array(["west", "east"], dtype=object)}))
    with pytest.raises(ValueError, match=r"visits, row 1 = -1.*integer >= 0"):
        result.predict(Frame({**rows, "visits": np.array([-1, 2])}))
    with pytest.raises(ValueError, match=r"x = \['size'\].*region"):
        result.predict(Frame(size=[1.0]))


def test_the_density_is_that_of_the_cells_given(answer):
    """In units of the data: the values of an amount, or of a measurement, have mass 1."""
    result, _ = answer
    grid = np.linspace(-9, 15, 2001)
    for name, x, step in (
        ("size", grid, np.diff(grid)[0]),
        ("price", np.exp(grid), np.exp(grid) * np.diff(grid)[0]),
        ("visits", np.arange(300.0), 1.0),
    ):
        gaps = np.full(len(x), None, dtype=object)
        rows = Frame({other: x.astype(object) if other == name else gaps for other in result.names})
        mean = result.density(rows)[0]
        assert abs((mean * step).sum() - 1) < 0.01


def test_the_report_says_what_was_chosen_and_counts_gaps(answer):
    result, _ = answer
    report = " ".join(str(result).split())
    missing = np.isnan(result.x).sum(axis=0)
    assert missing.sum() > 5
    for name, kind, count in zip(
        ["size", "price", "visits", "ill", "region"],
        ["measurement (numbers)", "amount (as asked)", "count (as asked)", "yes/no (bools)",
         "category of 3 levels (as asked)"],
        missing,
        strict=True,
    ):  # fmt: skip
        assert f"{name}: {kind}{f'; {count} cell(s) missing' if count else ''}." in report
    assert f"{missing.sum()} of 300 cells are missing" in report
    text = str(result.clusters)
    rows = result.partition == 0
    visits = result.x[rows, 2]
    assert f"{np.nanmean(visits):.4g} ({np.nanstd(visits):.2g})" in text
    assert f"{np.nanmean(result.x[rows, 3]):.0%} yes" in text
    assert result.clusters.mean[0, 2] == pytest.approx(np.nanmean(visits))
    with pytest.raises(ValueError, match="groups"):
        _ = result.groups
    with pytest.raises(ValueError, match="prior or covariance"):
        workflow.analyse(Frame(mixed(20)[0]), kinds=KINDS, covariance="full", rng=1)


@pytest.mark.native  # mean field from twenty starts
def test_more_rows_than_are_sampled_are_approximated(monkeypatch):
    columns, g = mixed(90)
    monkeypatch.setattr(workflow, "MOST_ROWS", 80)
    monkeypatch.setattr(workflow, "SAMPLE", 60)
    result = workflow.analyse(Frame(columns), kinds=KINDS, n_sweeps=16, n_chains=2, rng=1)
    assert isinstance(result, workflow.Approximation)
    apart = partitions.variation_of_information(result.partition, g)
    assert apart < partitions.variation_of_information(np.zeros(90, int), g) / 2
    assert "region: category of 3 levels" in " ".join(str(result).split())


def test_the_rows_that_are_sampled_have_a_value_in_every_column(monkeypatch):
    monkeypatch.setattr(workflow, "SAMPLE", 5)
    x = np.column_stack([np.arange(200.0), np.full((200, 2), np.nan)])
    x[77, 1:] = x[100:, 2] = 1.0
    for seed in range(5):
        rows = workflow._some_rows(x, np.random.default_rng(seed))
        assert 77 in rows and len(np.unique(rows)) == len(rows) <= 7
        assert (np.diff(rows) > 0).all() and not np.isnan(x[rows]).all(axis=0).any()
    full = np.arange(200.0)[:, None]
    drawn = np.random.default_rng(1).choice(200, 5, replace=False, shuffle=False)
    assert (workflow._some_rows(full, np.random.default_rng(1)) == np.sort(drawn)).all()


@pytest.mark.slow
@pytest.mark.native  # hundreds of sweeps
def test_known_groups_are_found_and_noise_is_one_cluster():
    for groups in (1, 3):
        columns, g = mixed(seed=1, groups=groups)
        result = workflow.analyse(Frame(columns), kinds=KINDS, rng=1)
        assert result.fit
        assert partitions.variation_of_information(result.partition, g) < 0.2


def refused(data, **options):
    with pytest.raises(ValueError) as caught:
        kinds.prepare(data, rng=1, **options)
    return str(caught.value)


def test_dates_are_no_numbers():
    days = pd.date_range("2020", periods=20)
    for unit in ("ns", "us"):
        for column in (days.astype(f"datetime64[{unit}]"), (days - days[0]).astype(f"m8[{unit}]")):
            frame = pd.DataFrame({"t": column, "b": [0, 1] * 10})
            assert "t" in refused(frame) and "t" in refused(frame, missing="ignore")


def test_whole_numbers_that_no_float_holds_are_names_or_refused():
    codes = ["12345678901234567890", "12345678901234567891", "5", "7"] * 5
    x = np.random.default_rng(1).standard_normal(20)
    text = "k,x\n" + "\n".join(f"{a},{c}" for a, c in zip(codes, x, strict=True))
    table, found = kinds.prepare(io.StringIO(text), kinds={"k": "category"}, rng=1)
    assert len(found.columns[0].levels) == 4 and len(np.unique(table.x[:, 0])) == 4
    frame = pd.DataFrame({"k": 2**60 + 3 * np.arange(20, dtype=np.int64), "b": [0, 1] * 10})
    assert "k, row 2" in refused(frame)


def test_a_pandas_category_of_numbers_is_named():
    frame = pd.DataFrame({"c": pd.Categorical([1, 2, 3, 4] * 5), "x": np.arange(20.0) ** 1.5})
    for options in ({"missing": "ignore"}, {"kinds": "auto"}, {"kinds": {"c": "count"}}):
        assert refused(frame, **options).startswith("c, row 1 = 1")
    assert kinds.prepare(frame, kinds={"c": "category"}, rng=1)[1].columns[0].levels == (1, 2, 3, 4)


def test_a_frame_with_two_columns_of_a_name_is_not_guessed_at():
    rng = np.random.default_rng(1)
    for binary in (False, True):
        x = np.column_stack([rng.standard_normal(20), 50 + rng.standard_normal(20)])
        if binary:
            x = np.column_stack([x, np.arange(20) % 2])
        names = ["a", "b", "c"][: x.shape[1]]
        result = workflow.analyse(pd.DataFrame(x, columns=names), n_sweeps=8, n_chains=2, rng=1)
        doubled = pd.DataFrame(np.column_stack([x, x[:, :1]]), columns=[*names, "a"])
        with pytest.raises(ValueError, match="one column of each"):
            result.predict_proba(doubled)


def with_holes(n=40, seed=1):
    """Two groups of measurements that depend on each other within a group, with gaps."""
    rng = np.random.default_rng(seed)
    g = np.arange(n) % 2
    x = rng.multivariate_normal([0, 0, 0], [[1, 0.9, 0.5], [0.9, 1, 0.5], [0.5, 0.5, 1]], n)
    x = 100 + 10 * (x + np.where(g[:, None], [8, -8, 0], 0))
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, g


@pytest.fixture(scope="module")
def drawn():
    x, g = with_holes()
    return workflow.analyse(x, missing="draw", n_sweeps=24, n_chains=2, rng=1), x, g


def test_gaps_of_measurements_are_drawn_under_a_learned_base_measure(drawn):
    result, x, g = drawn
    gaps = np.isnan(x)
    assert result.kinds is None and (np.isnan(result.x) == gaps).all()
    assert result.partition.tolist() == g.tolist()
    table, found = kinds.prepare(x, missing="draw", rng=np.random.default_rng(1))
    assert found is None
    np.testing.assert_allclose(table.centre, np.nanmean(x, axis=0))
    kernel = workflow._kernel(workflow.default_prior(3), table.z, (2, 4))
    run = chains.run(kernel, 5, rng=2, start=g)
    assert np.shape(run.columns["cells"]) == (5, gaps.sum()) and run.scale.shape == (5, 3, 3)
    seen = diagnostics_of(result)
    assert np.isfinite(seen).all()
    report = " ".join(str(result).split())
    assert f"{gaps.sum()} of 120 cells are missing" in report
    assert "drawn anew in every sweep" in report and "independent" not in report
    for j in range(3):
        assert f"column {j}: {gaps[:, j].sum()} cell(s) missing." in report
    assert "they are apart" in report
    for k in (0, 1):
        seen = x[g == k]
        np.testing.assert_allclose(result.clusters.mean[k], np.nanmean(seen, axis=0))
        np.testing.assert_allclose(result.clusters.sd[k], np.nanstd(seen, axis=0))


def diagnostics_of(result):
    return [result.expected_loss[0], *result.certainty, *result.sensitivity.worth]


def test_new_rows_with_gaps_belong_where_their_cells_say(drawn):
    result, _, _ = drawn
    rows = [[100, 100, 100], [180, np.nan, np.nan], [np.nan, 20, 100], [1e18, np.nan, 100]]
    assert result.predict(rows).tolist() == [0, 1, 1, -1]
    frame = Frame(zip(result.names, np.array(rows).T, strict=True))
    assert result.predict(frame).tolist() == [0, 1, 1, -1]
    frame["column 1"] = np.array(["dear"] * 4, dtype=object)
    with pytest.raises(ValueError, match=r"x\['column 1'\]\[1\]"):
        result.predict(frame)
    grid = np.linspace(-100, 300, 801)
    gaps = np.full(len(grid), np.nan)
    for j in range(3):
        cells = [grid if k == j else gaps for k in range(3)]
        mean = result.density(np.column_stack(cells))[0]
        assert abs(mean.sum() * 0.5 - 1) < 0.02
        logs = result.predictive_logpdf(np.column_stack(cells))
        np.testing.assert_allclose(np.exp(logs), mean, rtol=1e-9)


def test_an_analysis_with_drawn_gaps_is_saved_and_shown(drawn, tmp_path):
    result, x, _ = drawn
    result.save(tmp_path / "it")
    again = workflow.load(tmp_path / "it")
    assert str(again) == str(result) and result.call["missing"] == "'draw'"
    # The centres are means over the draws of completed rows, not of rows with means filled in.
    z = (x - result.centre) / result.spread
    completed = result._completed(z)
    assert len(completed) == 36 and np.ptp(completed, axis=0)[np.isnan(x)].min() > 0
    sizes, centres, covs = result._gaussians
    assert sizes == [20, 20] and np.isfinite(centres).all() and np.isfinite(covs).all()
    each = [workflow._gaussians([one], result.partition, result._prior, 0, 1, np.eye(3))
            for one in completed]  # fmt: skip
    joined = workflow._gaussians(completed, result.partition, result._prior, 0, 1, np.eye(3))
    for part in (1, 2):
        np.testing.assert_allclose(np.mean([e[part] for e in each], axis=0), joined[part])


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        ({}, {"covariance": "diagonal"}, "missing = 'draw': expected 'ignore', which"),
        (
            {"column 0": "amount"},
            {},
            "missing = 'draw': expected 'ignore', .* column 0 is of kind 'amount'",
        ),
        ({}, {"columns": 1}, "missing = 'draw': expected 'ignore', for a gap of one column"),
        ({}, {"twice": True}, "columns = .*: expected none that follows from the others"),
        ({}, {"rows": 9}, "data = 9 row"),
        ({}, {"empty": True}, "column 2 = a column of gaps alone"),
    ],
)
def test_gaps_that_no_sampler_draws_are_named(change, options, expected):
    x, _ = with_holes()
    x = x[: options.pop("rows", 40), : options.pop("columns", 3)]
    if options.pop("twice", False):
        x[:, 2] = 3 - 2 * x[:, 0]
    if options.pop("empty", False):
        x[:, 2] = np.nan
    with pytest.raises(ValueError, match=expected):
        workflow.analyse(x, missing="draw", kinds=change or None, rng=1, **options)


def test_gaps_of_more_rows_than_are_sampled_are_not_drawn(monkeypatch):
    monkeypatch.setattr(workflow, "MOST_ROWS", 30)
    with pytest.raises(ValueError, match="missing = 'draw': expected 'ignore': more than 30 rows"):
        workflow.analyse(with_holes()[0], missing="draw", rng=1)


def test_to_draw_gaps_where_there_are_none_changes_nothing():
    options = dict(n_sweeps=12, n_chains=2, rng=1)
    plain = workflow.analyse(datasets.faithful()[:30], **options)
    other = workflow.analyse(datasets.faithful()[:30], **options, missing="draw")
    assert str(other) == str(plain) and (other.labels == plain.labels).all()


class Dictionary:
    """A dictionary of Arrow in chunks: NumPy makes an array of it that has no gaps."""

    type = "dictionary<values=string, indices=int32, ordered=0>"

    def __init__(self, cells):
        self.cells = cells

    def __len__(self):
        return len(self.cells)

    def to_pylist(self):
        return self.cells

    def __array__(self, dtype=None, copy=None):
        return np.array([cell or "south" for cell in self.cells])


def test_gaps_of_a_dictionary_of_arrow_stay_gaps():
    frame = Frame(side=Dictionary(["north", None, "south"] * 8), size=np.arange(24) * 1.37 % 7)
    table, found = kinds.prepare(frame, kinds={"side": "category"}, missing="ignore", rng=1)
    assert found.columns[0].missing == 8 and np.isnan(table.x[1::3, 0]).all()


def test_text_beside_bools_is_what_is_told_of():
    """Bools are yes and no by themselves: the reader must say what the text is."""
    columns, _ = mixed(30)
    del columns["price"], columns["visits"]
    with pytest.raises(ValueError, match=r"^region, row 1 = .*kinds={'region': 'category'}"):
        workflow.analyse(Frame(columns), n_sweeps=4, rng=1)


def test_a_new_row_is_a_list_of_what_it_says(answer):
    answer = answer[0]
    rows = [[0.1, 1.5, 2, True, "north"], [0.2, 2.5, 3, False, "west"]]
    expected = answer.predict_proba([[0.1, 1.5, 2, 1, "north"], [0.2, 2.5, 3, 0, "west"]])
    for given in (rows, list(map(tuple, rows)), np.array(rows, dtype=object)):
        assert np.array_equal(answer.predict_proba(given), expected)


def readme_rows():
    """Return what README says of each kind of data, by its name: whether it is taken, and how."""
    text = (pathlib.Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    table = text.split("| data | taken | how |\n|---|---|---|\n")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {data: (taken, how) for data, taken, how in rows}


@pytest.mark.book
@pytest.mark.slow
def test_what_readme_says_of_kinds_of_data_is_so(monkeypatch):
    """Each row of its table is done as it says, with gaps and without."""
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    rows, (cells, _) = readme_rows(), mixed(40)
    assert {taken for taken, _ in rows.values()} == {"yes"}
    holes = {name: np.where(np.arange(40) % 9, v, None) for name, v in cells.items()}
    options = dict(n_sweeps=8, n_chains=2, rng=1)
    tried = {"new rows", "rows of counts, as documents"}  # below
    for data, kind, name in [
        ("measurements", "measurement", "size"),
        ("amounts > 0, skewed", "amount", "price"),
        ("counts", "count", "visits"),
        ("yes and no", "yes/no", "ill"),
        ("categories, as text or codes", "category", "region"),
    ]:
        how = rows[data][1]
        asked = re.search(r"`kinds=({.*?})`", how)
        kinds_asked = ast.literal_eval(asked[1]) if asked else None
        assert bool(asked) != ("by default" in how)
        column = next(iter(kinds_asked)) if asked else name
        tried.add(data)
        for given, more in ((cells, {}), (holes, {"missing": "ignore"})):
            frame = pd.DataFrame({column: given[name], "other": given["size"][::-1]})
            frame = frame if name in ("ill", "region") else frame.astype(float)
            result = workflow.analyse(frame, kinds=kinds_asked, **options, **more)
            plain = kind == "measurement" and not more
            assert plain == (result.kinds is None)
            assert plain or result.kinds.columns[0].kind == kind
            if data in ("measurements", "categories, as text or codes") or plain:
                for call in re.findall(r"`(predict\w*)`", rows["new rows"][1]):
                    placed = getattr(result, call)(frame[:3])
                    assert all(np.isfinite(p).all() for p in placed)
    codes = pd.DataFrame({"region": np.arange(40) % 3 + 5, "other": cells["size"]})
    found = workflow.analyse(codes, kinds={"region": "category"}, **options).kinds
    assert found.columns[0].levels == (5, 6, 7)
    assert "`components.MultinomialDirichlet`" in rows["rows of counts, as documents"][1]
    bags = np.random.default_rng(1).multinomial(9, [0.2, 0.3, 0.5], 12)
    model = DPMixture(1.0, MultinomialDirichlet([1, 1, 1]))
    samplers = gibbs.collapsed, gibbs.auxiliary, gibbs.blocked
    assert all(len(run(model, bags, 3, rng=1)) == 3 for run in samplers)
    drawn = pd.DataFrame({"a": holes["size"], "b": cells["size"] + cells["price"]}).astype(float)
    result = workflow.analyse(drawn, missing="draw", **options)  # as the line above the table says
    assert result.partition.shape == (40,) and result.kinds is None
    assert tried == rows.keys()


def test_kinds_are_asked_for_by_the_numbers_of_columns_that_have_no_names():
    columns, _ = mixed(30)
    x = np.column_stack([columns["size"], columns["visits"], columns["price"]])
    asked = {1: "count", np.int64(2): "amount"}
    for data in (x, pd.DataFrame(x), np.ma.masked_array(x)):
        found = kinds.prepare(data, kinds=asked, rng=1)[1]
        assert [column.kind for column in found.columns] == ["measurement", "count", "amount"]
    turned = pd.DataFrame(x, columns=[2, 1, 0])  # whose names are numbers, in another order
    found = kinds.prepare(turned, kinds={2: "measurement", 1: "count"}, rng=1)[1]
    assert [column.kind for column in found.columns] == ["measurement", "count", "measurement"]
    for wrong in ({3: "count"}, {-1: "count"}):
        assert refused(x, kinds=wrong).startswith(f"kinds = {next(iter(wrong))}: expected names")
    assert refused(pd.DataFrame(x, columns=list("abc")), kinds={1: "count"}).startswith("kinds = 1")
    assert "each column once" in refused(x, kinds={1: "count", "column 1": "amount"})
    assert refused(x, kinds={True: "count"}).startswith("kinds = {True")


def test_text_and_gaps_are_told_of_both_remedies():
    """Whichever of them stands first in the file, and in a data frame."""
    size = [f"{v:.3f}" for v in np.random.default_rng(1).normal(size=20)]
    where = "kinds={'region': 'category'}", "missing='ignore'"
    for gap in (0, 9):
        rows = [f"{'' if i == gap else v},{'ns'[i % 2]}" for i, v in enumerate(size)]
        said = refused(io.StringIO("size,region\n" + "\n".join(rows)))
        assert all(word in said for word in where)
        frame = pd.DataFrame({"size": size, "region": list("ns") * 10}).astype({"size": float})
        frame.loc[gap, "size"] = np.nan
        assert all(word in refused(frame) for word in where)
    said = refused(
        io.StringIO("size,region\n" + "\n".join(f"{v},{'ns'[float(v) > 0]}" for v in size))
    )
    assert where[0] in said and where[1] not in said
    # A misprint among numbers, and names of rows, are no categories.
    for cells in ([*size[:-1], "1.2x"], [f"row {i}" for i in range(20)]):
        rows = "\n".join(f"{v},{w}" for v, w in zip(size, cells, strict=True))
        assert "category" not in refused(io.StringIO("size,it\n" + rows))


def test_what_is_not_a_number_of_decimal_is_a_gap():
    cells = [None if i == 3 else Decimal(i * i) / 7 for i in range(20)]
    table, _ = kinds.prepare(Frame(a=cells, b=[0, 1] * 10), missing="ignore", rng=1)
    cells[3] = Decimal("NaN")
    other, found = kinds.prepare(Frame(a=cells, b=[0, 1] * 10), missing="ignore", rng=1)
    assert found.columns[0].missing == 1
    np.testing.assert_array_equal(table.x, other.x)


def test_an_infinite_cell_is_not_told_of_units_alone():
    frame = Frame(a=[np.inf, *range(19)], b=[0, 1] * 10)
    for missing in ("error", "ignore"):
        assert "expected a finite number" in refused(frame, missing=missing)
