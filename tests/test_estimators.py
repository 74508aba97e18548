"""The estimators of scikit-learn, as its users use them."""

import functools
import html
import json
import pickle
import sys
import types
import warnings

import numpy as np
import pandas as pd
import pytest

sklearn = pytest.importorskip("sklearn")
from scipy.special import digamma  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_digits, load_iris, load_wine  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402
from sklearn.metrics import adjusted_rand_score  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

from dpnotes import __main__ as command  # noqa: E402
from dpnotes import datasets, meanfield, report, streams, workflow  # noqa: E402
from dpnotes.components import (  # noqa: E402
    CorrelatedGaussian,
    SphericalNormalInverseGamma,
    WithGaps,
)
from dpnotes.estimators import DPMeanField, DPMixtureClusterer  # noqa: E402
from dpnotes.mixture import DPMixture  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore::dpnotes.InferenceWarning", "ignore::sklearn.exceptions.ConvergenceWarning"
)
BRIEF = DPMixtureClusterer(n_sweeps=40, n_chains=2, random_state=1)
QUICK = DPMeanField(truncation=6, restarts=4, random_state=1)
BOTH = pytest.mark.parametrize("estimator", [BRIEF, QUICK], ids=["sampler", "mean field"])


def groups(n=60, d=2, seed=1):
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    return rng.standard_normal((n, d)) + 9.0 * truth[:, None], truth


@pytest.mark.slow
@pytest.mark.native
@BOTH
def test_scikit_learn_finds_nothing_to_object_to(estimator):
    checks = check_estimator(clone(estimator), on_fail=None, on_skip=None)
    assert len(checks) > 40
    left = {c["check_name"]: str(c["exception"]) for c in checks if c["status"] != "passed"}
    # Asked for only where SciPy's array interface is switched on.
    known = {"check_array_api_input"}
    if isinstance(estimator, DPMeanField):
        # It wants 1e-7 from any starts; ours are drawn row by row, so that twice a row is two.
        # Where all starts find one optimum: test_weights_stand_for_repeated_rows.
        known |= {"check_sample_weight_equivalence_on_dense_data"}
    assert left.keys() == known, left


@BOTH
def test_two_groups_are_found_and_new_rows_are_placed(estimator):
    x, truth = groups()
    fitted = clone(estimator).fit(x)
    assert adjusted_rand_score(truth, fitted.labels_) == 1 and fitted.n_clusters_ == 2
    assert clone(estimator).fit_predict(x).tolist() == fitted.labels_.tolist()
    new = [[0, 0], [9, 9], [1e18, 0], [-1e160, 1e160]]
    assert fitted.predict(new).tolist() == [0, 1, -1, -1]
    probs = fitted.predict_proba(new)
    assert probs.shape == (4, 3) and np.allclose(probs.sum(axis=1), 1, atol=1e-12)
    scores = fitted.score_samples(new[:3])
    assert np.isfinite(scores).all() and scores[2] < scores[0] - 20
    assert fitted.score(x) == pytest.approx(fitted.score_samples(x).mean(), abs=1e-12)


def test_the_same_seed_gives_the_draws_of_the_analysis():
    x = load_iris().data
    fitted = clone(BRIEF).fit(x)
    other = workflow.analyse(x, n_sweeps=40, n_chains=2, rng=1)
    for ours, theirs in zip(fitted.analysis_.chains, other.chains, strict=True):
        assert (ours.labels == theirs.labels).all() and (ours.alpha == theirs.alpha).all()
    assert (fitted.labels_ == other.partition).all()
    rows = x[::30] + 0.01
    assert np.allclose(fitted.score_samples(rows), np.log(other.density(rows)[0]), atol=1e-10)


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        (lambda: load_wine(as_frame=True).data, {}, []),
        (lambda: pd.DataFrame(datasets.faithful(), columns=["length", "waiting"]), {}, []),
        (
            lambda: load_digits(as_frame=True).data[["pixel_0_3", "pixel_2_3", "pixel_4_4"]],
            {"kinds": "count"},
            ["--kinds", "count"],
        ),
    ],
    ids=["wine", "faithful", "counts"],
)
def test_estimator_and_command_keep_the_same_posterior(
    tmp_path, monkeypatch, capsys, frame, options, words
):
    """The same numbers from a file and from memory, by the same seed: all that is saved."""
    frame, found, analyse = frame(), [], workflow.analyse

    @functools.wraps(analyse)
    def seen(*given, **options):
        found.append(analyse(*given, **options))
        return found[0]

    monkeypatch.setattr(workflow, "analyse", seen)
    frame.to_csv(tmp_path / "it.csv", index=False)
    brief = ["--seed", "1", "--sweeps", "12", "--chains", "2", *words]
    assert command.main(["analyse", str(tmp_path / "it.csv"), "--json", *brief]) == 1
    printed = json.loads(capsys.readouterr().out)
    fitted = clone(BRIEF).set_params(n_sweeps=12, **options).fit(frame)
    assert printed["partition"] == fitted.labels_.tolist()
    assert printed["columns"] == fitted.feature_names_in_.tolist()
    files = []
    for result, name in ((found[0], "command.npz"), (fitted.analysis_, "estimator.npz")):
        result.save(tmp_path / name)
        with np.load(tmp_path / name) as file:
            files.append({key: file[key] for key in file.files})
    ours, theirs = files
    assert ours.keys() == theirs.keys() and len(ours) > 8
    facts = [json.loads(str(file.pop("facts"))) for file in files]
    calls = [fact["Analysis"].pop("call") for fact in facts]
    assert facts[0] == facts[1] and calls[0] != calls[1]
    for key in ours:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)


NOISE = {
    "Gaussian": lambda rng: rng.standard_normal((100, 1)),
    "uniform": lambda rng: rng.random((100, 1)),
    "t": lambda rng: rng.standard_t(3, (100, 1)),
}


@pytest.mark.slow
@pytest.mark.native
@pytest.mark.parametrize("law", NOISE)
def test_noise_is_one_group_or_not_to_be_trusted_by_estimator_and_command(law, tmp_path, capsys):
    """What has another shape than one Gaussian takes several; then both say so.

    The page says what the command says, word for word: tests/test_your_data.py.
    """
    x = NOISE[law](np.random.default_rng(1))
    path = tmp_path / "noise.csv"
    pd.DataFrame(x, columns=["x"]).to_csv(path, index=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = DPMixtureClusterer(random_state=1).fit(x)
    said = [str(w.message) for w in caught if "clusters may be" in str(w.message)]
    unfit = [w for w in caught if w.category is ConvergenceWarning]
    large = [k for k, size in enumerate(np.bincount(fitted.labels_)) if size >= 5]
    assert unfit or len(set(fitted.analysis_.groups[large].tolist())) == 1
    assert unfit or len(said) == (fitted.n_clusters_ > 1)
    status = command.main(["analyse", str(path), "--seed", "1"])
    words = " ".join(capsys.readouterr().out.split())
    sizes = np.sort(np.bincount(fitted.labels_))[::-1].tolist()
    assert status == bool(unfit) and f"One partition to report: sizes {sizes}" in words
    assert status or ("run into each other" in words) == bool(said)


def test_its_report_shows_the_code_that_repeats_it():
    x, _ = groups()
    prior = workflow.default_prior(2, covariance="diagonal")
    asked = {"prior": prior, "covariance": "diagonal", "alpha_prior": (1, 1), "n_jobs": 1}
    for options in ({}, asked):
        fitted = clone(BRIEF).set_params(**options).fit(x)
        code = report._code(fitted.analysis_)
        assert "n_jobs" not in code and code in html.unescape(report.html(fitted.analysis_))
        found = {"X": x}
        exec(code.replace("print(model.analysis_)", ""), found)
        assert np.array_equal(found["model"].analysis_.labels, fitted.analysis_.labels)
        assert found["model"].get_params().keys() == fitted.get_params().keys()
    fitted = clone(BRIEF).set_params(random_state=np.random.RandomState(1)).fit(x)
    code = report._code(fitted.analysis_)
    assert "# random_state: your generator" in code and "random_state=random_state," in code


@BOTH
def test_densities_are_in_the_units_of_the_data(estimator):
    x, _ = groups(d=1)
    fitted, larger = clone(estimator).fit(x), clone(estimator).fit(1000 * x)
    y = np.linspace(-400, 400, 20_001)[:, None]
    total = np.trapezoid(np.exp(fitted.score_samples(y)), y.ravel())
    assert abs(total - 1) < 2e-3  # tails of t laws beyond the grid
    assert np.allclose(
        larger.score_samples(1000 * y[::500]) + np.log(1000),
        fitted.score_samples(y[::500]),
        atol=1e-6,
    )


@BOTH
def test_drawn_rows_have_the_moments_of_the_density(estimator):
    x, _ = groups(d=1)
    fitted = clone(estimator).fit(x)
    drawn = fitted.sample(4000, random_state=1).ravel()
    assert (drawn == fitted.sample(4000, random_state=1).ravel()).all()
    y = np.linspace(-400, 400, 20_001)
    density = np.exp(fitted.score_samples(y[:, None]))
    for a, b in [(-20, 0), (0, 4.5), (4.5, 9)]:
        inside = (a <= drawn) & (drawn < b)
        share = np.trapezoid(np.where((a <= y) & (y <= b), density, 0), y)
        assert abs(inside.mean() - share) < 4 * np.sqrt(share * (1 - share) / 4000) + 1e-3


@BOTH
def test_columns_with_few_values_are_welcome(estimator):
    x, truth = groups()
    x[:, 0] = truth
    assert adjusted_rand_score(truth, clone(estimator).fit_predict(x)) == 1


@BOTH
def test_a_frame_is_remembered_by_its_names(estimator):
    x, _ = groups()
    frame = pd.DataFrame(x, columns=["mass", "height"])
    fitted = clone(estimator).fit(frame)
    assert fitted.feature_names_in_.tolist() == ["mass", "height"] and fitted.n_features_in_ == 2
    assert (fitted.predict(frame) == clone(estimator).fit(x).predict(x)).all()
    for wrong in (frame[["height", "mass"]], frame.rename(columns={"mass": "weight"})):
        with pytest.raises(ValueError, match="feature names"):
            fitted.predict(wrong)
    if isinstance(fitted, DPMixtureClusterer):
        assert fitted.analysis_.names == ["mass", "height"]


class Batch:
    """What a record batch of Arrow offers, and a table made of some."""

    def __init__(self, frame):
        self.frame, self.column_names = frame, list(frame.columns)


@BOTH
def test_a_batch_of_arrow_keeps_its_names(estimator, monkeypatch):
    arrow = types.ModuleType("pyarrow")
    for name in ("Table", "RecordBatch", "Array", "ChunkedArray"):
        setattr(arrow, name, type(name, (), {}))
    arrow.Table.from_batches = lambda batches: batches[0].frame
    monkeypatch.setitem(sys.modules, "pyarrow", arrow)
    x, _ = groups(n=40)
    frame = pd.DataFrame(x, columns=["a", "b"])
    fitted = clone(estimator).fit(Batch(frame))
    assert fitted.feature_names_in_.tolist() == ["a", "b"]
    assert (fitted.labels_ == clone(estimator).fit(frame).labels_).all()
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(Batch(frame.rename(columns={"a": "c"})))
    assert (fitted.predict(Batch(frame)) == fitted.predict(frame)).all()


class Lazy:
    """What a plan of polars offers."""

    def collect(self):
        raise AssertionError

    collect_schema = collect


@BOTH
def test_a_plan_of_polars_is_told_to_be_collected(estimator):
    with pytest.raises(ValueError, match=r"^X = Lazy: expected a table in memory; .* collect\(\)"):
        clone(estimator).fit(Lazy())


@BOTH
def test_it_is_cloned_pickled_and_piped(estimator):
    x, truth = groups()
    fitted = clone(estimator).fit(x)
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict_proba(x) == fitted.predict_proba(x)).all()
    assert clone(fitted).get_params() == estimator.get_params()
    with pytest.raises(NotFittedError):
        clone(fitted).predict(x)
    pipe = make_pipeline(StandardScaler(), clone(estimator)).set_output(transform="pandas")
    pipe.fit(pd.DataFrame(x, columns=["a", "b"]))
    assert pipe[-1].feature_names_in_.tolist() == ["a", "b"]
    assert adjusted_rand_score(truth, pipe[-1].labels_) == 1


@BOTH
def test_clusters_may_be_balls(estimator):
    x, truth = groups()
    fitted = clone(estimator).set_params(covariance="spherical").fit(x)
    assert adjusted_rand_score(truth, fitted.labels_) == 1
    if isinstance(fitted, DPMeanField):
        model = fitted.field_.model
    else:
        model = fitted.analysis_.median_model()
    assert isinstance(model.component, SphericalNormalInverseGamma)
    x[3, 0] = np.nan
    expected = "^missing = 'ignore': expected 'error', or covariance='diagonal': gaps of others"
    with pytest.raises(ValueError, match=expected):
        DPMeanField(covariance="spherical", missing="ignore").fit(x)


def test_clusters_may_share_a_covariance_matrix_which_mean_field_refuses_to_learn():
    x, truth = groups()
    fitted = clone(BRIEF).set_params(covariance="shared").fit(x)
    assert adjusted_rand_score(truth, fitted.labels_) == 1
    assert isinstance(fitted.analysis_.median_model().component, CorrelatedGaussian)
    with pytest.raises(ValueError, match="^covariance = 'shared': expected one of the others"):
        DPMeanField(covariance="shared").fit(x)


@BOTH
def test_parameters_are_chosen_by_the_score_of_rows_held_out(estimator):
    rng = np.random.default_rng(1)
    x, _ = groups(80)
    x = x @ [[1, 0.99], [0, 0.14]] + 0 * rng.random()  # nearly a line within each group
    among = {"covariance": ["full", "diagonal", "spherical"]}
    search = GridSearchCV(clone(estimator), among, cv=2).fit(x)
    assert search.best_params_ == {"covariance": "full"}
    scores = cross_val_score(clone(estimator), x, cv=2)
    assert scores.shape == (2,) and np.isfinite(scores).all()


def test_what_has_not_converged_says_so():
    x = load_iris().data
    with pytest.warns(ConvergenceWarning, match="after 40 sweeps"):
        clone(BRIEF).fit(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        assert DPMixtureClusterer(random_state=1).fit(groups()[0]).analysis_.fit


@BOTH
def test_random_states_of_all_kinds(estimator):
    x, _ = groups(20)
    fit = lambda state: (
        clone(estimator).set_params(random_state=state).fit(x).sample(3, random_state=7)
    )
    assert (fit(5) == fit(np.random.default_rng(5))).all()
    state = np.random.RandomState(5)
    first = fit(state)
    assert (first == fit(np.random.RandomState(5))).all() and (first != fit(state)).any()
    with pytest.raises(ValueError, match="random_state"):
        fit("a")


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"covariance": "round"}, "covariance"),
        ({"prior": 3}, "prior"),
        ({"alpha_prior": (0, 1)}, "alpha_prior"),
        ({"n_chains": 1}, "n_chains"),
    ],
)
def test_parameters_are_checked_when_it_fits(bad, message):
    with pytest.raises(ValueError, match=message):
        clone(BRIEF).set_params(**bad).fit(groups()[0])


def test_weights_stand_for_repeated_rows():
    x, _ = groups(30)
    times = np.arange(30) % 3
    repeated = DPMeanField(random_state=1, tol=0, restarts=5).fit(np.repeat(x, times, axis=0))
    weighted = DPMeanField(random_state=1, tol=0, restarts=5).fit(x, sample_weight=times)
    assert np.allclose(weighted.score_samples(x), repeated.score_samples(x), atol=1e-8)
    assert weighted.elbo_ == pytest.approx(repeated.elbo_, abs=1e-7)
    with pytest.raises(ValueError, match="weight"):
        clone(QUICK).fit(x, sample_weight=-times)
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), clone(QUICK).set_fit_request(sample_weight=True))
        pipe[0].set_fit_request(sample_weight=True)
        pipe.fit(x, sample_weight=times)
        assert pipe[-1].field_.statistics[:, 0].sum() == pytest.approx(times.sum())


def test_mean_field_is_that_of_the_package():
    x, _ = groups()
    fitted = clone(QUICK).fit(x)
    model = fitted.field_.model
    z = fitted.scaler_.transform(x)
    other = meanfield.fit(model, z, truncation=6, restarts=4, rng=1)
    assert fitted.elbo_ == other.elbo[-1] and fitted.n_iter_ == len(other.elbo)


def parts():
    """Three blocks, whose rows have two groups, the same two, and a third."""
    x = [groups(40, seed=seed)[0] for seed in (1, 2, 3)]
    x[2][:7] = [40, -40] + x[2][:7] / 9
    return x


def test_blocks_are_added_as_by_the_package():
    one, *more = parts()
    weights = np.random.default_rng(0).integers(1, 4, size=40)
    whole, fitted = clone(QUICK).fit(one), clone(QUICK).partial_fit(one)
    assert (whole.labels_ == fitted.labels_).all() and whole.elbo_ == fitted.elbo_
    q = fitted.field_
    stream = streams.Memoised(q.model, truncation=6, init=q)
    stream.partial_fit(fitted.scaler_.transform(one))
    for block in more:
        stream.partial_fit(fitted.scaler_.transform(block), weights=weights)
        for estimator in (whole, fitted):  # it goes on after fit, too
            assert estimator.partial_fit(block, sample_weight=weights) is estimator
            assert estimator.elbo_ == stream.elbo[-1]
            assert estimator.field_.statistics.tolist() == stream.result().statistics.tolist()
    assert fitted.n_iter_ == len(q.elbo) + 2 and not fitted.converged_
    np.testing.assert_allclose(stream.result().statistics[:, 0].sum(), 40 + 2 * weights.sum())


def test_clusters_keep_their_numbers_while_blocks_come():
    one, two, three = parts()
    one = np.delete(one, np.arange(1, 20, 2), axis=0)
    fitted = clone(QUICK).partial_fit(one)
    first = fitted.labels_
    assert fitted.n_clusters_ == 2 and first[0] == 0 and first.sum() == 10
    # Now the second is the largest, and rows without weight are placed in the first.
    second = np.arange(40) % 2
    fitted.partial_fit(two, sample_weight=100 * second)
    assert fitted.labels_.tolist() == second.tolist() and fitted.n_clusters_ == 2
    assert fitted.predict_proba(one).shape == (30, 3)
    assert (fitted.predict(one) == first).all()
    fitted.partial_fit(three)
    assert fitted.labels_.tolist() == [2] * 7 + (np.arange(7, 40) % 2).tolist()
    assert fitted.n_clusters_ == 3
    assert (fitted.predict(one) == first).all()


def test_a_block_that_is_refused_changes_nothing():
    one, two, _ = parts()
    fitted = clone(QUICK).partial_fit(one)
    before = fitted.field_
    with pytest.raises(ValueError, match="features"):
        fitted.partial_fit(two[:, :1])
    with pytest.raises(ValueError, match="NaN"):
        fitted.partial_fit(np.where(two > 2, np.nan, two))
    with pytest.raises(ValueError, match=r"^weights = "):
        fitted.partial_fit(two, sample_weight=[1, 2])
    assert fitted.field_ is before and fitted.predict(one).tolist() == fitted.labels_.tolist()


def test_alpha_goes_on_as_it_was_fitted():
    """With its prior: more rows change its law, whose shape is that of the prior and the sticks."""
    one, two, _ = parts()
    fitted = clone(QUICK).set_params(alpha_prior=(2, 4)).fit(one)
    before = fitted.field_.alpha_posterior
    shape, rate = fitted.set_params(alpha_prior=None).partial_fit(two).field_.alpha_posterior
    assert shape == before[0] == 2 + QUICK.truncation and rate != before[1]
    a, b = fitted.field_.sticks.T
    assert rate == pytest.approx(4 - (digamma(b) - digamma(a + b)).sum(), rel=1e-9)
    known = clone(QUICK).fit(one).set_params(alpha_prior=(2, 4)).partial_fit(two)
    assert known.field_.alpha_posterior is None


def test_rows_of_no_weight_make_no_cluster():
    x, truth = groups(30)
    fitted = DPMeanField(random_state=1).fit(x, sample_weight=1.0 - truth)
    assert set(fitted.labels_[truth == 0]) == set(range(fitted.n_clusters_))


@pytest.mark.parametrize(
    "options",
    [
        {"missing": "draw"},
        {"missing": "ignore"},
        {"missing": "ignore", "kinds": {"column 2": "count", "column 3": "category"}},
    ],
    ids=str,
)
def test_kinds_and_gaps_are_those_of_the_analysis(options):
    x, truth = groups(n=40)
    rng = np.random.default_rng(1)
    x[3, 0] = x[4, 1] = np.nan
    if "kinds" in options:
        x = np.column_stack([x, rng.poisson(3, 40), [1.0, 2, 5, 2] * 10])
    fitted = clone(BRIEF).set_params(n_sweeps=12, **options).fit(x)
    other = workflow.analyse(x, n_sweeps=12, n_chains=2, rng=1, **options)
    assert (fitted.analysis_.labels == other.labels).all()
    assert adjusted_rand_score(truth, fitted.labels_) == 1
    rows = x[:6].copy()
    rows[1, 1] = np.nan
    assert (fitted.predict(rows) == other.predict(rows)).all()
    assert np.allclose(fitted.score_samples(rows), other.predictive_logpdf(rows))
    drawn = fitted.sample(50, random_state=1)
    assert abs(drawn[:, 0].mean() - np.nanmean(x[:, 0])) < 4 * 4.6 / 50**0.5
    if "kinds" in options:
        assert (drawn[:, 2] % 1 == 0).all() and set(drawn[:, 3]) == {1, 2, 5}
    with pytest.raises(ValueError, match="NaN"):
        clone(BRIEF).fit(x)
    with pytest.raises(ValueError, match="^missing = 'drop'"):
        clone(BRIEF).set_params(missing="drop").fit(x)


def gappy(n=200, seed=1):
    """Two groups of rows, and the same with cells missing."""
    x, truth = groups(n=n)
    holes = x.copy()
    holes[np.random.default_rng(seed).random(x.shape) < 0.2] = np.nan
    return x, holes, truth


def test_mean_field_integrates_gaps_out_where_columns_are_independent():
    _, x, truth = gappy(n=60)
    few = {"truncation": 5, "restarts": 2}
    estimator = DPMeanField(covariance="diagonal", missing="ignore", random_state=1, **few)
    fitted = estimator.fit(x)
    seen = ~np.isnan(x).all(axis=1)
    assert adjusted_rand_score(truth[seen], fitted.labels_[seen]) > 0.9
    # It is mean field of the family with gaps, on columns standardised by the cells they have.
    z = (x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0)
    family = WithGaps(fitted.field_.model.component.family)
    q = meanfield.fit(DPMixture(1.0, family), z, **few, rng=1)
    assert fitted.elbo_ == pytest.approx(float(q.elbo[-1]), rel=1e-9)
    # The density of a row is that of the cells it has, in their units.
    grid = np.linspace(-60, 60, 6001)
    whole = np.exp(fitted.score_samples(np.column_stack([np.full(6001, 1.5), grid])))
    part = np.exp(fitted.score_samples([[1.5, np.nan]]))[0]
    assert part == pytest.approx(whole.sum() * (grid[1] - grid[0]), rel=1e-3)
    assert fitted.score_samples([[np.nan, np.nan]])[0] == pytest.approx(0, abs=1e-9)
    heavy = clone(estimator).fit(x, sample_weight=np.full(len(x), 2))
    assert heavy.elbo_ == pytest.approx(clone(estimator).fit(x.repeat(2, axis=0)).elbo_, rel=1e-6)


@pytest.mark.parametrize("options", [{"missing": "ignore"}, {"missing": "draw"}], ids=str)
def test_gaps_that_mean_field_cannot_integrate_out_are_refused_by_name(options):
    with pytest.raises(ValueError, match=r"^missing = '(ignore|draw)': expected .*'error'"):
        DPMeanField(**options).fit(gappy()[1])
    x = gappy()[1]
    x[:, 1] = np.nan
    with pytest.raises(ValueError, match=r"^X\[:, 1\] = a column of gaps alone"):
        DPMeanField(covariance="diagonal", missing="ignore").fit(x)


@pytest.mark.parametrize(
    "estimator",
    [BRIEF, DPMeanField(covariance="diagonal", truncation=4, restarts=2, random_state=1)],
    ids=str,
)
def test_masked_cells_are_gaps(estimator):
    """What is under a mask is no value, and never taken for one."""
    full, x, _ = gappy(n=40)
    masked = np.ma.masked_array(full, mask=np.isnan(x))
    with pytest.raises(ValueError, match="NaN"):
        clone(estimator).fit(masked)
    ignoring = clone(estimator).set_params(missing="ignore")
    if isinstance(estimator, DPMixtureClusterer):
        ignoring.set_params(n_sweeps=8)
    one, other = (clone(ignoring).fit(table) for table in (masked, x))
    assert (one.labels_ == other.labels_).all()
    assert np.array_equal(one.predict_proba(masked), other.predict_proba(x))


@pytest.mark.parametrize("estimator", [BRIEF, DPMeanField()], ids=str)
def test_a_cell_of_text_is_named(estimator):
    frame = pd.DataFrame({"size": np.arange(20.0), "region": ["a", "b"] * 10})
    with pytest.raises(ValueError, match=r"^X: region, row 1 = 'a': .*codes .*workflow\.analyse"):
        clone(estimator).fit(frame)


@pytest.mark.parametrize("estimator", [BRIEF, DPMeanField()], ids=["sampler", "mean field"])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (np.nan, " = NaN: expected a number; drop or fill the gaps, or missing='ignore'"),
        (-np.inf, " = -inf: expected a finite number"),
        ("five", " = 'five': expected a number: write codes"),
    ],
)
def test_a_cell_that_is_no_finite_number_is_named(estimator, named, cell, said):
    x = groups()[0].astype(object)
    good, x[7, 1] = x.astype(float), cell
    table = pd.DataFrame(x, columns=["a", "b"]) if named else x.tolist() if cell == "five" else x
    where = f"X: {'b' if named else 'column 1'}, row 8"
    with pytest.raises(ValueError, match=f"^{where}{said}"):
        clone(estimator).fit(table)
    fitted = clone(QUICK).fit(pd.DataFrame(good, columns=["a", "b"]) if named else good)
    with pytest.raises(ValueError, match=f"^{where}{said}"):
        fitted.predict(table)


@pytest.mark.parametrize("estimator", [BRIEF, DPMeanField()], ids=["sampler", "mean field"])
def test_a_column_of_dates_is_named(estimator):
    days = pd.date_range("2020", periods=60)
    for column in (days, days - days[0], days.tz_localize("UTC")):
        table = pd.DataFrame({"a": groups()[0][:, 0], "day": column})
        with pytest.raises(ValueError, match=r"^X: day.* = .*: expected"):
            clone(estimator).fit(table)


def test_kinds_by_the_numbers_of_columns():
    x = np.column_stack([groups()[0][:, 0], np.arange(60) % 7])
    found = clone(BRIEF).set_params(kinds={1: "count"}, n_sweeps=8).fit(x).analysis_.kinds
    assert [column.kind for column in found.columns] == ["measurement", "count"]
