"""Tests of covariance models: what analyse and compare make of them."""

import numpy as np
import pytest

from dpnotes import chains, hyper, predictive, tables, workflow


def blobs():
    """Two groups of independent columns, far apart, in other units than the standardised ones."""
    rng = np.random.default_rng(1)
    return np.repeat([[0.0, 100.0, 3.0], [8.0, 180.0, 3.0]], 20, axis=0) + rng.standard_normal(
        (40, 3)
    ) * [1, 10, 0.1]


def test_the_default_prior_of_independent_columns_is_that_of_one_column_for_each():
    one = workflow.default_prior(1)
    for covariance in ("diagonal", "spherical"):
        many = workflow.default_prior(3, covariance=covariance)
        assert (one.dof, one.scale_dof, one.strength) == (many.dof, many.scale_dof, many.strength)
        assert np.array_equal(many.scale, one.scale * np.eye(3))
        # The mean of a variance is a quarter of that of the data, as under full matrices.
        assert many.scale[0, 0] / (many.dof - 2) == 1 / 4


@pytest.mark.slow
@pytest.mark.parametrize(("covariance", "width"), [("diagonal", 6), ("spherical", 4)])
def test_an_analysis_with_independent_columns(covariance, width):
    x = blobs()
    x[:20, 2] += 0.8  # of one spread in all standardised columns, as balls have
    result = workflow.analyse(x, covariance=covariance, rng=1)
    assert result.fit and result.partition.tolist() == np.repeat([0, 1], 20).tolist()
    assert f"independent within a cluster ({covariance} covariance" in str(result)
    assert result.chains[0].theta[-1].shape[1] == width and result.groups.tolist() == [0, 1]
    covs = result._gaussians[2]
    assert all((cov == np.diag(np.diagonal(cov))).all() for cov in covs)
    if covariance == "spherical":
        assert all((cov == cov[0, 0] * np.eye(3)).all() for cov in covs)
    # The density has the units of the data, and mass one.
    mean, low, high = result.density(x[:5])
    assert ((low <= mean) & (mean <= high)).all()
    assert result.median_model().component.dim == 3


@pytest.mark.parametrize("covariance", ["diagonal", "spherical", "shared"])
def test_a_chain_with_independent_columns_is_read_as_it_was_saved(tmp_path, covariance):
    prior = workflow.default_prior(3, covariance=covariance)
    chain = hyper.sample(prior, blobs() / 10, 10, rng=1)
    chain.save(tmp_path / "chain.npz")
    again = chains.load(tmp_path / "chain.npz")
    assert again.model.prior.covariance == covariance
    point = blobs()[:2] / 10
    assert np.array_equal(again.predictive_draws(point), chain.predictive_draws(point))


def test_a_covariance_that_the_prior_has_not_is_refused():
    prior = workflow.default_prior(3, covariance="diagonal")
    with pytest.raises(ValueError, match="^covariance = 'full': expected 'diagonal', as the prior"):
        workflow.analyse(blobs(), prior=prior, covariance="full", n_sweeps=8)
    with pytest.raises(ValueError, match="^covariance = 'round': expected one of 'full', 'diag"):
        workflow.analyse(blobs(), covariance="round", n_sweeps=8)
    result = workflow.analyse(blobs(), prior=prior, n_sweeps=8, n_chains=2, rng=1)
    assert result.chains[0].theta[-1].shape[1] == 6


@pytest.mark.slow
def test_a_comparison_scores_each_row_by_the_other_folds():
    x, options = blobs(), {"n_sweeps": 60, "n_chains": 2, "rng": 1}
    found = workflow.compare(x, folds=2, **options)
    assert found.names == list(hyper.COVARIANCES) and np.bincount(found.folds).tolist() == [20] * 2
    # The last fold of the last prior, done by hand from the same random numbers.
    rng = np.random.default_rng(1)
    table = tables.prepare(x, columns=None, rng=rng)
    fold = rng.permutation(np.arange(40) % 2)
    assert (fold == found.folds).all()
    for name in found.names:
        prior = workflow.default_prior(3, covariance=name)
        for f in range(2):
            seen = fold != f
            starts = workflow.dispersed(20, 2, rng=rng)
            kernel = hyper.kernel(
                prior, table.z[seen], alpha_prior=(2, 4), split_merge=True, at_once=None
            )
            rng.integers(2**62)
            runs = chains.run_many(kernel, 60, start=starts, rng=rng)
            score = predictive.log_score([run[15:] for run in runs], table.z[~seen])
            where = found.rows[found.names.index(name)][~seen]
            assert np.allclose(where, score.rows, rtol=1e-12)
    d, error = found.difference()
    assert sorted(d)[-1] == 0 and d.min() < 0 < error.max()
    behind = found.rows[d.argmin()] - found.rows[d.argmax()]
    assert d.min() == pytest.approx(behind.mean())
    assert error.max() == pytest.approx(behind.std(ddof=1) / 40**0.5)
    assert "the best" in str(found) and "standard error" in str(found)


def test_correlated_columns_are_predicted_better_by_full_matrices():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 1)) + 0.2 * rng.standard_normal((60, 2))
    found = workflow.compare(x, folds=2, n_sweeps=80, n_chains=2, rng=1)
    d, error = found.difference()
    assert found.names[found.mean.argmax()] == "full" and d[1] < -3 * error[1]


def spheres():
    """Three balls in four columns, ten sd apart in each, and of different sizes."""
    rng = np.random.default_rng(2)
    place, sd = np.repeat([[0, 10, 25], [0.5, 1.0, 2.0]], 20, axis=1)[..., None]
    return place + sd * rng.standard_normal((60, 4))


@pytest.mark.slow
def test_balls_far_apart_are_found_from_dispersed_starts():
    x = spheres()
    result = workflow.analyse(x, covariance="spherical", rng=1)
    assert result.fit and result.partition.tolist() == np.repeat([0, 1, 2], 20).tolist()
    # The posterior mean of the precision, in standardised units, by numbers of the chains alone.
    z = (x - result.centre) / result.spread
    sizes, centres, covs = result._gaussians
    within = [z[20 * k : 20 * k + 20].var(axis=0).mean() for k in range(3)]
    assert sizes == [20] * 3 and np.allclose([c[0, 0] for c in covs], within, rtol=0.15)
    assert np.allclose(centres, [z[20 * k : 20 * k + 20].mean(axis=0) for k in range(3)], atol=0.05)


def test_balls_are_predicted_better_by_one_variance():
    found = workflow.compare(spheres()[:, :3], folds=2, n_sweeps=120, n_chains=2, rng=1)
    d, error = found.difference()
    assert found.names[found.mean.argmax()] == "spherical"


def ellipses():
    """Three groups of one shape in four columns, ten sd apart."""
    rng = np.random.default_rng(3)
    place = np.repeat([[0.0, 0, 0, 0], [10, -10, 10, -10], [-10, 10, 10, 0]], 20, axis=0)
    mixing = np.eye(4) + 0.7 * np.eye(4, k=1)
    return place + rng.standard_normal((60, 4)) @ mixing


@pytest.mark.slow
def test_groups_of_one_shape_are_found_from_dispersed_starts():
    x = ellipses()
    result = workflow.analyse(x, covariance="shared", rng=1)
    assert result.fit and result.partition.tolist() == np.repeat([0, 1, 2], 20).tolist()
    assert "share one covariance matrix" in str(result)
    assert result.chains[0].theta[-1].shape[1] == 4 and result.groups.tolist() == [0, 1, 2]
    z = (x - result.centre) / result.spread
    off = np.concatenate([z[k : k + 20] - z[k : k + 20].mean(axis=0) for k in (0, 20, 40)])
    prior, sd = workflow.default_prior(4, covariance="shared"), off.std(axis=0)
    expected = (prior.scale + off.T @ off) / (prior.dof + 60 - 5)  # the mean, the means fixed
    found = result.median_model().component.cov
    assert np.allclose(found, expected, atol=0.15 * np.outer(sd, sd))
    assert all((cov == result._gaussians[2][0]).all() for cov in result._gaussians[2])
    mean, low, high = result.density(x[:5])
    assert ((low <= mean) & (mean <= high)).all()


def test_of_more_rows_than_are_sampled_mean_field_takes_all_at_the_median_matrix(monkeypatch):
    monkeypatch.setattr(workflow, "MOST_ROWS", 50)
    monkeypatch.setattr(workflow, "SAMPLE", 45)
    result = workflow.analyse(ellipses(), covariance="shared", n_sweeps=40, n_chains=2, rng=1)
    assert np.isfinite(result.field.elbo).all() and len(result.partition) == 60
    assert np.isfinite(result.predictive_logpdf(ellipses()[:3])).all()
    assert "share one covariance matrix" in str(result)


@pytest.mark.parametrize("covariance", ["spherical", "shared"])
def test_what_these_do_not_do_is_refused_by_name(covariance):
    x = blobs()
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match="^missing = 'draw': expected a covariance of 'full'"):
        workflow.analyse(x, covariance=covariance, missing="draw", n_sweeps=8)
    with pytest.raises(ValueError, match="^prior or covariance = one of Gaussians"):
        workflow.analyse(x, covariance=covariance, missing="ignore", n_sweeps=8)
    prior = workflow.default_prior(3, covariance=covariance)
    with pytest.raises(ValueError, match="^missing = 'draw': expected None, or a BasePrior with"):
        hyper.sample(prior, x, 2, missing="draw")


def test_priors_that_are_none_are_refused_before_any_sweep(monkeypatch):
    monkeypatch.setattr(workflow, "_sampled", None)  # a sweep would be an error
    x, right, wrong = blobs(), workflow.default_prior(3), workflow.default_prior(2)
    with pytest.raises(ValueError, match=r"name 1 in priors = 1: expected"):
        workflow.compare(x, {"full": right, 1: right}, n_sweeps=8, n_chains=2)
    with pytest.raises(ValueError, match=r"priors\['a'\] = a prior of 2 column.*one of 3"):
        workflow.compare(x, {"full": right, "a": wrong}, n_sweeps=8, n_chains=2)
    with pytest.raises(ValueError, match="prior = a prior of 2 column.*one of 3"):
        workflow.analyse(x, prior=wrong, n_sweeps=8)


@pytest.mark.slow
def test_a_comparison_of_many_chains_leaves_each_the_draws_that_a_score_asks_for(monkeypatch):
    monkeypatch.setattr(workflow, "SCORED", 4)
    priors = {"full": workflow.default_prior(3)}
    found = workflow.compare(blobs(), priors, folds=2, n_sweeps=8, n_chains=2, rng=1)
    assert np.isfinite(found.rows).all()
