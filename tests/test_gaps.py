"""Missing cells through everything that takes a family: integrated out, exactly."""

import dataclasses
import functools
import itertools
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_families import EVERY as FAMILIES
from test_families import MIXED, points
from test_families import SAMPLERS as SAMPLERS_BY_NAME
from test_hyper import proper_prior

from dpnotes import (
    _sweeps,
    chains,
    crp,
    diagnostics,
    exact,
    gibbs,
    hyper,
    meanfield,
    partitions,
    predictive,
)
from dpnotes.components import (
    BernoulliBeta,
    CategoricalDirichlet,
    ConjugateFamily,
    Gaussian,
    GeometricBeta,
    LogNormal,
    MultinomialDirichlet,
    NormalInverseGamma,
    NormalInverseWishart,
    PoissonGamma,
    Product,
    SphericalNormalInverseGamma,
    WithGaps,
    prior_draws,
)
from dpnotes.components.gaussian import sums_of
from dpnotes.mixture import DPMixture

pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")

each = pytest.mark.parametrize("name", FAMILIES)
NAN = np.nan


@pytest.fixture(autouse=True)
def not_compiled(request, monkeypatch):
    """Loops over few points run as they stand, save where the compiled ones are compared."""
    if "compiled" not in request.node.name:
        monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)


def punched(family, x, share=0.3, seed=1):
    """Take out a share of the cells; of columns that depend on each other, all or none."""
    x, rng, start = np.array(x, float), np.random.default_rng(seed), 0
    for part, _ in WithGaps(family)._of_rows(x):
        x[rng.random(len(x)) < share, start : start + part.dim] = NAN
        start += part.dim
    x[0] = np.where(np.isnan(x).all(axis=0), points(family, 1)[0], x[0])
    return x


@each
def test_without_gaps_it_is_the_family(name):
    family = FAMILIES[name]
    gaps, x = WithGaps(family), points(family, 6)
    assert isinstance(gaps, ConjugateFamily)
    labels = [0, 0, 1, 0, 2, 1]
    one, other = DPMixture(1.2, family), DPMixture(1.2, gaps)
    assert other.log_joint(x, labels) == pytest.approx(one.log_joint(x, labels), abs=1e-9)
    assert exact.log_evidence(other, x) == pytest.approx(exact.log_evidence(one, x), abs=1e-9)
    s, t = (f.features(x[:4]).sum(axis=0)[None] for f in (family, gaps))
    expected = family.log_predictive(x, s)
    np.testing.assert_allclose(gaps.log_predictive(x, t), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.checks("DP-0231", how="exact")
@each
def test_the_missing_are_as_if_columns_had_rows_of_their_own(name):
    """The evidence of a cluster is the product of those of each column's values."""
    family = FAMILIES[name]
    gaps, x = WithGaps(family), punched(family, points(family, 8))
    seen = [
        part.log_marginal(part.features(c[~np.isnan(c[:, 0])]).sum(axis=0))
        for part, c in gaps._of_rows(x)
    ]
    assert gaps.log_marginal(gaps.features(x).sum(axis=0)) == pytest.approx(sum(seen), abs=1e-8)
    # And its methods agree with each other.
    rng = np.random.default_rng(2)
    features, theta = gaps.features(x), gaps.sample_prior(4, rng)
    likelihood = gaps.log_likelihood(x, theta)
    np.testing.assert_allclose(features @ gaps.natural(theta).T, likelihood, rtol=1e-9, atol=1e-9)
    s = np.array([features[:3].sum(axis=0), features[3:5].sum(axis=0), 0 * features[0]])
    before, after = gaps.log_marginal(s), gaps.log_marginal(s + features[:, None])
    np.testing.assert_allclose(gaps.log_predictive(x, s), after - before, rtol=1e-9, atol=1e-8)
    sets = rng.integers(0, 3, len(x))
    measured, sums = sums_of(gaps, x, sets, 3)
    apart = [gaps.log_marginal(features[sets == k].sum(axis=0)) for k in range(3)]
    np.testing.assert_allclose(measured.log_marginal(sums), apart, rtol=1e-9, atol=1e-8)


TOTAL = 5  # of a row of counts, whose law is given its total
COUNTS = [c for c in itertools.product(range(TOTAL + 1), repeat=3) if sum(c) == TOTAL]
HALF, STEP = np.arange(-25, 25, 0.1), 0.1
LINE = np.sinh(np.arange(-5.5, 5.5, STEP))  # which reaches far out
SIDE = np.sinh(np.arange(-4.2, 4.2, 1.5 * STEP))
PLANE = np.dstack(np.meshgrid(SIDE, SIDE)).reshape(-1, 2)
ON_LINE = np.log(np.hypot(1, LINE) * STEP)
ON_PLANE = np.log(np.hypot(1, PLANE) * 1.5 * STEP).sum(axis=1)
CELLS = {
    # A family, a group of its columns, all values that these take (or enough, where they are
    # infinitely many), and the log of the step from one to the next.
    "bernoulli": (BernoulliBeta([0.5, 2], [1, 0.3]), [1], range(2), 0),
    "categorical": (CategoricalDirichlet([[1, 2, 0.5], [0.3, 0.3, 0.3]]), [1], range(3), 0),
    "multinomial": (FAMILIES["multinomial"], [0, 1, 2], COUNTS, 0),
    "poisson": (PoissonGamma([1.5, 3], [2, 2.5]), [1], range(80), 0),
    "geometric": (GeometricBeta([6, 8], [2, 0.7]), [1], range(200), 0),
    "exponential": (FAMILIES["exponential"], [1], np.exp(HALF), HALF + np.log(STEP)),
    "product": (Product([Gaussian(0, 1, 0.5), PoissonGamma(2, 1.5)]), [1], range(120), 0),
    "gaussian": (Gaussian([0.5, -1], 2, 0.3), [1], LINE, ON_LINE),
    "variances": (NormalInverseGamma([0, 1], 1, 9, 2), [1], LINE, ON_LINE),
    "wishart": (NormalInverseWishart([0, 1], 0.5, 9, np.eye(2)), [0, 1], PLANE, ON_PLANE),
    "spherical": (SphericalNormalInverseGamma([0, 1], 1, 9, 2), [0, 1], PLANE, ON_PLANE),
    "correlated": (FAMILIES["correlated"], [0, 1], PLANE, ON_PLANE),
    "log-normal": (
        LogNormal(NormalInverseGamma([0, 1], 1, 9, 2)),
        [1],
        np.exp(LINE),
        LINE + ON_LINE,
    ),
}


@pytest.mark.checks("DP-0231", how="exact")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (CELLS[n][2] is PLANE)) for n in CELLS]
)
def test_to_average_over_the_law_of_a_cell_is_to_delete_it(name):
    """The posterior given the other cells is that given all, averaged over the missing one."""
    family, columns, values, step = CELLS[name]
    x = points(family, 3, seed=3)
    model = DPMixture(1.2, family)
    filled = []
    for value in values:
        x[2, columns] = value
        filled.append(exact.posterior(model, x))
    log_evidence = np.array([p.log_evidence for p in filled]) + step
    total = np.logaddexp.reduce(log_evidence)
    average = np.exp(log_evidence - total) @ [p.probs for p in filled]
    x[2, columns] = NAN
    deleted = exact.posterior(DPMixture(1.2, WithGaps(family)), x)
    assert deleted.log_evidence == pytest.approx(total, abs=5e-9)
    np.testing.assert_allclose(deleted.probs, average, atol=5e-9)


def test_every_family_has_a_cell_deleted():
    shown = {type(case[0]) for case in CELLS.values()}
    assert shown == {type(family) for family in FAMILIES.values()}


@pytest.mark.checks("DP-0230", "DP-0231", how="exact")
@pytest.mark.parametrize("looks_at", ["nothing", "the seen", "the gaps", "both"])
def test_only_a_mechanism_that_looks_at_no_gap_may_be_left_out(looks_at):
    """The posterior with the mechanism, by all ways to fill the gaps."""
    family = CategoricalDirichlet([[1, 2, 0.5], [0.3, 0.7, 0.4]])
    x = np.array([[0, 0], [0, 1], [1, 1], [2, NAN], [0, NAN], [1, 2]])
    gap, model = np.isnan(x[:, 1]), DPMixture(0.9, family)
    of = {"nothing": (0, 0), "the seen": (1, 0), "the gaps": (0, 1), "both": (1, 1)}[looks_at]
    total = evidence = 0.0
    for cells in itertools.product(range(3), repeat=gap.sum()):
        filled = x.copy()
        filled[gap, 1] = cells
        posterior = exact.posterior(model, filled)
        p = np.array([0.2, 0.4, 0.6])[(filled @ of).astype(int) % 3]
        weight = np.exp(posterior.log_evidence) * np.where(gap, p, 1 - p).prod()
        total, evidence = total + weight * posterior.probs, evidence + weight
    left_out = exact.posterior(DPMixture(0.9, WithGaps(family)), x)
    off = np.abs(total / evidence - left_out.probs).max()
    assert off < 1e-12 if looks_at in ("nothing", "the seen") else off > 1e-3


@each
def test_a_row_of_gaps_sits_as_the_restaurant_has_it(name):
    family, alpha = FAMILIES[name], 1.3
    x = points(family, 5)
    x[4] = NAN
    result = exact.posterior(DPMixture(alpha, WithGaps(family)), x)
    rest = exact.posterior(DPMixture(alpha, family), x[:4])
    assert result.log_evidence == pytest.approx(rest.log_evidence, abs=1e-9)
    np.testing.assert_allclose(result.similarity[:4, :4], rest.similarity, atol=1e-9)
    alone = result.block_probs[1 << 4]
    assert alone == pytest.approx(alpha / (alpha + 4), abs=1e-9)


@each
def test_the_sweep_has_the_joint_density_of_the_model(name):
    family = FAMILIES[name]
    model = DPMixture(1.3, WithGaps(family))
    x = punched(family, points(family, 7))
    kernel = gibbs.Collapsed(model, x)
    assert not isinstance(kernel._seat.inner, _sweeps.AnyFamily)
    for labels in ([0, 0, 1, 0, 2, 1, 1], [0] * 7, list(range(7))):
        value = kernel.log_joint(chains.State(np.array(labels), 1.3))
        assert value == pytest.approx(model.log_joint(x, labels), rel=1e-10)


@each
def test_a_sweep_weighs_by_its_predictive_density(name):
    """After points came and went; the plain loop through ``log_predictive`` is the other one."""
    family = WithGaps(FAMILIES[name])
    x = punched(FAMILIES[name], points(FAMILIES[name], 12))
    uniforms, labels = np.random.default_rng(5).random((6, 12)), np.full(12, -1)
    seat = _sweeps.Seating(family, x)
    plain = _sweeps.Seating.__new__(_sweeps.Seating)
    kinds = dict(_sweeps.KINDS)
    del _sweeps.KINDS[WithGaps]
    try:
        plain.__init__(family, x)
    finally:
        _sweeps.KINDS.update(kinds)
    assert isinstance(plain.inner, _sweeps.AnyFamily)
    other = labels
    for u in uniforms:
        labels, other = seat(labels, 2.0, u), plain(other, 2.0, u)
        np.testing.assert_array_equal(labels, other)
    assert labels.max() > 0


FEW = {
    "mixed": Product([NormalInverseGamma(0.5, 1, 6, 1), PoissonGamma(3, 2), MIXED[1]]),
    "codes": CategoricalDirichlet([[1, 2, 0.5], [0.3, 0.3, 0.3]]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_every_sampler_agrees_with_enumeration(name):
    model = DPMixture(1.2, WithGaps(FEW[name]))
    x = punched(FEW[name], points(FEW[name], 4, seed=4))
    target, pairs = exact.posterior(model, x), np.triu_indices(4, 1)
    truth = [*target.num_clusters[1:], *target.similarity[pairs]]
    for called, sampler in SAMPLERS_BY_NAME.items():
        chain = sampler(model, x, 400, rng=5)
        same = chain.labels[:, :, None] == chain.labels[:, None, :]
        draws = [chain.num_clusters == k for k in range(1, 5)] + list(same[:, *pairs].T)
        for draw, value in zip(draws, truth, strict=True):
            error = np.sqrt(value * (1 - value) / len(draw)) + 1e-9
            if 0 < draw.mean() < 1:
                error = max(error, diagnostics.mcse(draw.astype(float)))
            assert abs(draw.mean() - value) < 4.5 * error, called


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [gibbs.collapsed, gibbs.auxiliary])
def test_geweke(sampler):
    """The sampler does not see two of the cells that the model draws."""

    def with_holes(model, x, n, **options):
        x = x.copy()
        x[1, 0] = x[2, 1] = NAN
        return sampler(model, x, n, **options)

    family = WithGaps(Product([PoissonGamma(3, 2), BernoulliBeta([1, 2], 1.5)]))
    test = diagnostics.geweke_mixture(with_holes, DPMixture(1.2, family), 3, 400, rng=6)
    assert test.p_value > 0.005


@each
def test_mean_field_climbs_to_below_the_evidence(name):
    model = DPMixture(1.2, WithGaps(FAMILIES[name]))
    x = punched(FAMILIES[name], points(FAMILIES[name], 6, seed=4))
    q = meanfield.fit(model, x, truncation=4, restarts=4, rng=1)
    assert (np.diff(q.elbo) > -1e-9 * np.abs(q.elbo).max()).all()
    evidence = exact.log_evidence(model, x)
    assert evidence - 8 < q.elbo[-1] < evidence
    probs = q.responsibilities(x)
    value = meanfield.elbo(q.model, x, probs, q.sticks, q.statistics)
    assert q.elbo[-1] == pytest.approx(value, abs=1e-8)
    assert np.isfinite(q.predictive_logpdf(x)).all()


def test_mean_field_far_out_and_in_blocks():
    family = Product([NormalInverseGamma([0, 0], 0.1, 2, 1), PoissonGamma(1, 1e-3)])
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=(60, 2)), rng.poisson(900, 60)])
    x[::2, :2] += 8
    x = punched(family, x)
    near = meanfield.fit(DPMixture(1, WithGaps(family)), x, truncation=5, rng=1)
    far = Product([NormalInverseGamma([1e9, 1e9], 0.1, 2, 1), PoissonGamma(1, 1e-3)])
    moved = x + [1e9, 1e9, 0]
    result = meanfield.fit(DPMixture(1, WithGaps(far)), moved, truncation=5, rng=1)
    assert result.elbo[-1] == pytest.approx(near.elbo[-1], abs=1e-3)
    blocks = [x[:10], x[10:], np.full((1, 3), NAN)]
    again = meanfield.fit(DPMixture(1, WithGaps(family)), blocks, truncation=5, rng=1)
    whole = meanfield.fit(DPMixture(1, WithGaps(family)), np.vstack(blocks), truncation=5, rng=1)
    assert again.elbo[-1] == pytest.approx(whole.elbo[-1], abs=1e-6)


@pytest.mark.native  # compiles
@pytest.mark.parametrize("name", ["gaussian", "variances", "bernoulli", "mixed"])
def test_compiled_or_not_the_chain_is_the_same(name, monkeypatch):
    family = FEW.get(name) or FAMILIES[name]
    model = DPMixture(1.2, WithGaps(family))
    x = punched(family, points(family, 20))
    compiled = gibbs.collapsed(model, x, 15, rng=1)
    assert gibbs.Collapsed(model, x).nogil
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    plain = gibbs.collapsed(model, x, 15, rng=1)
    np.testing.assert_array_equal(compiled.labels, plain.labels)


# What counts as a gap, and what is refused.

TWO = DPMixture(1.0, WithGaps(NormalInverseGamma([0, 0], 1, 3, 1)))


def test_masked_cells_and_those_of_pandas_are_gaps():
    x = np.array([[0.1, 2.0], [0.3, NAN], [NAN, 1.9]])
    expected = exact.posterior(TWO, x).probs
    masked = np.ma.masked_invalid(x)
    whole = pd.DataFrame({"a": pd.array([1, 3, None], "Int64"), "b": [2.0, NAN, 1.9]})
    hidden = [[np.ma.masked if np.isnan(v) else v for v in row] for row in x.tolist()]
    rows = masked.astype(object), list(masked), hidden, list(map(tuple, hidden))
    for value in (masked, *rows, x.tolist(), pd.DataFrame(x), pd.DataFrame(x).convert_dtypes()):
        np.testing.assert_allclose(exact.posterior(TWO, value).probs, expected, rtol=1e-12)
    by_hand = np.array([[1, 2.0], [3, NAN], [NAN, 1.9]])
    same = exact.posterior(TWO, by_hand).probs
    np.testing.assert_allclose(exact.posterior(TWO, whole).probs, same, rtol=1e-12)
    q = meanfield.fit(TWO, masked, truncation=3, rng=1)
    assert q.elbo[-1] == meanfield.fit(TWO, x, truncation=3, rng=1).elbo[-1]


def test_none_is_a_gap_and_a_word_in_a_list_is_named_where_it_stands():
    x = np.array([[0.1, 2.0], [0.3, NAN], [NAN, 1.9]])
    rows = [[None if np.isnan(v) else v for v in row] for row in x.tolist()]
    expected = exact.posterior(TWO, x).probs
    for value in (rows, np.array(rows, dtype=object), pd.DataFrame(rows, dtype=object)):
        np.testing.assert_array_equal(exact.posterior(TWO, value).probs, expected)
    for model in (TWO, DPMixture(1.0, TWO.component.family)):
        with pytest.raises(ValueError, match=r"^x\[1, 1\] = 'two': expected"):
            exact.posterior(model, [[0.1, 2.0], [0.3, "two"], [1.0, 1.9]])


def test_bools_of_polars_and_arrow_are_named_also_with_gaps():
    class Bools:
        """As these have them: NumPy makes objects of bools and None."""

        def __init__(self, **kind):
            self.__dict__ |= kind

        def __array__(self, dtype=None, copy=None):
            return np.array([True, None, False], dtype=object)

    for column in (Bools(dtype="Boolean"), Bools(type="bool")):
        table = {"a": [1.0, 2, 3], "b": column}
        frame = type("Frame", (dict,), {"columns": property(list)})(table)
        with pytest.raises(ValueError, match=r"^x\['b'\] = a column of bools"):
            TWO.component.features(frame)


@pytest.mark.parametrize("kind", ["boolean", "Int64", "Float64", "object"])
def test_a_missing_value_of_pandas_is_named_by_its_column_and_row(kind):
    column = pd.array([1, pd.NA, 1], dtype=kind)
    table = pd.DataFrame({"a": [1.0, 2, 3], "b": column})
    cell = r"x\['b'\]\[1\] = .*: expected a finite number"
    if kind == "boolean":
        cell = r"x\['b'\] = a column of bools: expected numbers"
    with pytest.raises(ValueError, match=cell):
        Gaussian([0, 0], 1, 1).features(table)
    if kind == "boolean":
        with pytest.raises(ValueError, match=cell):
            WithGaps(Gaussian([0, 0], 1, 1)).features(table)
    else:
        assert WithGaps(Gaussian([0, 0], 1, 1)).features(table)[:, 3].tolist() == [1, 0, 1]


DOORS = {
    "collapsed": lambda model, x: gibbs.collapsed(model, x, 2, rng=1),
    "auxiliary": lambda model, x: gibbs.auxiliary(model, x, 2, rng=1),
    "blocked": lambda model, x: gibbs.blocked(model, x, 2, rng=1),
    "mean field": lambda model, x: meanfield.fit(model, x, rng=1),
    "posterior": exact.posterior,
    "evidence": exact.log_evidence,
    "odds": exact.split_odds,
    "joint": lambda model, x: model.log_joint(x, [0] * len(x)),
}
BAD = {
    "x[1, 1] = nan: expected a finite number": (
        TWO.component.family,
        [[0.0, 1.0], [2.0, NAN]],
    ),
    "x[:, 1] = a column of gaps alone": (TWO.component, [[0.0, NAN], [2.0, NAN]]),
    "x[1, 0] = inf": (TWO.component, [[0.0, 1.0], [np.inf, NAN]]),
    "x[1, 2] = nan: expected a number, or none in columns 1 to 2": (
        WithGaps(Product([Gaussian(0, 1, 1), NormalInverseWishart([0, 1], 1, 4, np.eye(2))])),
        [[0.0, 1.0, 1.0], [NAN, 2.0, NAN]],
    ),
    "x[2, 1] = 0.5: expected 0 or 1": (
        WithGaps(BernoulliBeta([1, 1], 1)),
        [[0.0, NAN], [1.0, NAN], [NAN, 0.5]],
    ),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("message", BAD)
def test_what_is_no_gap_is_refused_by_row_and_column(message, door):
    family, x = BAD[message]
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        DOORS[door](DPMixture(1.0, family), np.array(x))


def test_a_family_takes_gaps_once():
    for wrong in (TWO.component, 3, Gaussian):
        with pytest.raises(ValueError, match="^family = "):
            WithGaps(wrong)
    with pytest.raises(ValueError, match=r"^families\[0\] = .*WithGaps takes the Product"):
        Product([TWO.component])


def test_it_is_written_as_it_is_made_and_saved_with_a_chain(tmp_path):
    family = WithGaps(Product([LogNormal(Gaussian(0, 1, 1)), MultinomialDirichlet([1, 1])]))
    assert repr(eval(repr(family))) == repr(family)
    x = np.array([[1.0, 2, 3], [NAN, 0, 1], [2.0, NAN, NAN]])
    chain = gibbs.collapsed(DPMixture(1.0, family), x, 6, rng=1)
    chain.save(tmp_path / "chain.npz")
    again = chains.load(tmp_path / "chain.npz")
    assert repr(again.model) == repr(chain.model)
    both = chains.concatenate([chain, gibbs.collapsed(chain.model, x, 4, start=again)])
    assert len(both) == 10
    assert np.isfinite(both.predictive_logpdf([[NAN, 1, 2], [1.0, NAN, NAN]])).all()
    assert np.isfinite(both.log_joint).all()
    check = predictive.posterior_check(both, lambda data: np.isnan(data).sum(), rng=1)
    assert check.observed == 3 and (check.replicated == 3).all()


def test_a_bad_cell_of_a_new_row_is_named_where_it_stands():
    family = WithGaps(
        Product([Gaussian(0, 1, 1), PoissonGamma(1, 1), CategoricalDirichlet([1, 1])])
    )
    x = np.array([[0.0, 1, 0], [NAN, 2, 1], [1.0, NAN, NAN]])
    chain = gibbs.collapsed(DPMixture(1.0, family), x, 2, rng=1)
    for row, where in (([0, 1.5, 1], "1, 1"), ([0, NAN, 2], "1, 2")):
        for predict in (chain.predict, chain.predict_proba):
            with pytest.raises(ValueError, match=rf"^x\[{where}\] = "):
                predict([x[0], row], [0, 0, 1])


def test_new_rows_may_have_any_gaps():
    model = DPMixture(1.0, WithGaps(NormalInverseGamma([0, 0], 1, 3, 1)))
    x = prior_draws(Gaussian([0, 0], 1, 1), 5, rng=1)
    target = exact.posterior(model, x)
    density = target.predictive_logpdf([[NAN, NAN], [0.5, NAN]])
    assert density[0] == pytest.approx(0, abs=1e-12)
    one = exact.log_evidence(model, np.vstack([x, [[0.5, NAN]]])) - target.log_evidence
    assert density[1] == pytest.approx(one, abs=1e-10)
    chain = gibbs.collapsed(model, x, 10, rng=1)
    assert (np.abs(chain.predictive_logpdf([[NAN, NAN]])) < 1e-12).all()


# Cells of a covariance matrix's rows, drawn.

WISHART = NormalInverseWishart([0.2, -0.1], 0.5, 4, [[0.6, 0.3], [0.3, 0.8]])
DRAWN = DPMixture(1.2, WISHART)
FIVE = np.array([[0.1, 0.2], [1.5, 1.0], [1.3, NAN], [-1.0, -2.5], [NAN, 0.1]])
STEPS = np.linspace(-5, 5, 41)
REACH, JACOBIAN = np.sinh(STEPS), np.cosh(STEPS)  # a grid that reaches far out


def by_quadrature(x):
    """Return P(K = 1, ...), the similarity, and E tanh of the missing cells, by a sum over a grid.

    Each cell is averaged over its law: the posterior given full data, weighed by their evidence.
    """
    gaps, logs, values = np.argwhere(np.isnan(x)), [], []
    full = x.copy()
    for at in np.ndindex(*[len(STEPS)] * len(gaps)):
        full[tuple(gaps.T)] = REACH[list(at)]
        result = exact.posterior(DRAWN, full)
        logs.append(result.log_evidence + np.log(JACOBIAN[list(at)]).sum())
        pairs = result.similarity[np.triu_indices(len(x), 1)]
        values.append([*result.num_clusters[1:], *pairs, *np.tanh(REACH[list(at)])])
    weights = np.exp(np.array(logs) - max(logs))
    return weights @ np.array(values) / weights.sum()


def of_draws(chain):
    same = chain.labels[:, :, None] == chain.labels[:, None, :]
    n = chain.labels.shape[1]
    counts = [chain.num_clusters == k for k in range(1, n + 1)]
    cells = np.tanh(np.array(chain.columns["cells"])).T
    return [*counts, *same[:, *np.triu_indices(n, 1)].T, *cells]


@pytest.mark.slow
@pytest.mark.parametrize("split_merge", [False, True])
@pytest.mark.parametrize("gaps", ["one cell", "a row's one cell each"])
def test_cells_drawn_give_the_posterior_with_the_cell_integrated_out(gaps, split_merge):
    x = FIVE[:3] if gaps == "one cell" else FIVE[[0, 2, 4]]
    chain = gibbs.collapsed(DRAWN, x, 1500, rng=2, missing="draw", split_merge=split_merge)
    for draw, value in zip(of_draws(chain), by_quadrature(x), strict=True):
        assert abs(draw.mean() - value) < 4.5 * diagnostics.mcse(draw.astype(float))


def test_a_row_of_gaps_alone_says_nothing_of_the_others():
    x = np.vstack([FIVE[[0, 1, 3]], [[NAN, NAN]]])
    rest = exact.posterior(DRAWN, x[:3])
    chain = gibbs.collapsed(DRAWN, x, 1500, rng=3, missing="draw")
    same = chain.labels[:, :, None] == chain.labels[:, None, :]
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        draws = same[:, i, j].astype(float)
        assert abs(draws.mean() - rest.similarity[i, j]) < 4.5 * diagnostics.mcse(draws)
    alone = (same[:, 3].sum(axis=1) == 1).astype(float)
    assert abs(alone.mean() - 1.2 / 4.2) < 4.5 * diagnostics.mcse(alone)


THREE = NormalInverseWishart([0, 1, 2], 0.5, 5, [[3, 1, 0.5], [1, 2, -0.4], [0.5, -0.4, 2]])


def weights_of_seats(family, clusters, row, alpha):
    """Return the weight of each cluster of rows, the last without any, by the cells of a row.

    Their law is that of a smaller matrix: the margin of NIW is NIW, with fewer degrees.
    """
    seen = np.flatnonzero(~np.isnan(row))
    weights = np.array([len(block) or alpha for block in clusters])
    if len(seen):
        scale, dof = family.scale[np.ix_(seen, seen)], family.dof - family.dim + len(seen)
        part = NormalInverseWishart(family.mean[seen], family.strength, dof, scale)
        s = [part.features(b[:, seen]).sum(axis=0) if len(b) else np.zeros(part.n_features)
             for b in clusters]  # fmt: skip
        weights = weights * np.exp(part.log_predictive(row[None, seen], s)[0])
    return weights / weights.sum()


def seated_apart(row):
    """Return seven points, then a row, in two clusters beside the row's own, and what draws it."""
    x = np.random.default_rng(1).normal(size=(8, 3)) * [1, 2, 1] + [0, 1, 2]
    x[7] = row
    missing = np.nonzero(np.isnan(x))
    seat = _sweeps.Seating(THREE, np.where(np.isnan(x), 1.0, x))
    return x, np.array([0, 0, 1, 0, 1, 0, 1, 2]), _sweeps.Cells(seat, missing)


@pytest.mark.parametrize("row", [[0.5, NAN, 1.0], [NAN, 4.0, NAN], [NAN, 0.0, 1.0], [NAN] * 3])
def test_a_row_is_weighed_by_the_law_of_the_cells_it_has(row):
    x, labels, cells = seated_apart(row)
    weights = weights_of_seats(THREE, [x[:7][labels[:7] == k] for k in range(3)], x[7], 1.5)
    edges = np.append(0, weights.cumsum())
    for k in range(3):
        for uniform in edges[k] + (edges[k + 1] - edges[k]) * np.array([1e-9, 1 - 1e-9]):
            uniforms, normals = cells.draws(np.random.default_rng(1))
            uniforms[0, 0] = uniform
            assert cells(labels, 1.5, (uniforms, normals))[7] == k


@pytest.mark.parametrize("k", range(3))
def test_missing_cells_of_a_row_have_their_law_given_the_others_and_the_seat(k):
    """One after another, by their distribution functions, by quadrature: uniform."""
    (x, labels, cells), n = seated_apart([NAN, 5.0, NAN]), 4000
    weights = weights_of_seats(THREE, [x[:7][labels[:7] == j] for j in range(3)], x[7], 1.5)
    rng, grid, found = np.random.default_rng(3), np.sinh(np.linspace(-6, 6, 301)), []
    for _ in range(n):
        uniforms, normals = cells.draws(rng)
        uniforms[0, 0] = weights[:k].sum() + weights[k] / 2
        assert cells(labels, 1.5, (uniforms, normals))[7] == k
        found.append(cells.seat.cells(cells.missing))
    members = (labels[:7] == k).astype(float)[None]  # none of the third
    part = NormalInverseWishart([0, 1], 0.5, 4, THREE.scale[:2, :2])

    def share_below(value, family, *rows):
        s = members @ family.features(x[:7, : family.dim])
        density = np.exp(family.log_predictive(np.column_stack(rows), s)[:, 0])
        sums = (density * np.hypot(1, grid)).cumsum()
        middle = (sums - density * np.hypot(1, grid) / 2) / sums[-1]
        return np.interp(np.arcsinh(value), np.arcsinh(grid), middle)

    line, of = np.full(len(grid), 5.0), np.array(found)
    first = share_below(of[:, 0], part, grid, line)
    second = [share_below(b, THREE, np.full(len(grid), a), line, grid) for a, b in found]
    for shares in (first, np.array(second)):
        assert stats.kstest(shares, "uniform").pvalue > 0.005
        assert abs(np.abs(shares - 0.5).mean() - 0.25) < 4 * np.sqrt(1 / 48 / n)
    assert abs(stats.spearmanr(first, second)[0]) < 4 / np.sqrt(n)
    widths = [np.abs(np.subtract(v, 0.5)) for v in (first, second)]  # one chi-square for both
    assert abs(stats.spearmanr(*widths)[0]) < 4 / np.sqrt(n)


def by_matrices(family, x, labels, cells, alpha, uniforms, normals):
    """Draw seats and cells row by row, each from the matrices of its clusters' rows as they are."""
    gap, full, z = np.isnan(x), x.copy(), labels.copy()
    full[gap] = cells
    slots, K = list(range(len(x) + 1)), int(z.max()) + 1
    for i, u, normal in zip(np.flatnonzero(gap.any(axis=1)), uniforms, normals, strict=True):
        left, z[i] = z[i], -1
        if not (z == left).any():
            r, K = slots.index(left), K - 1
            slots[r], slots[K] = slots[K], left
        clusters = [full[z == k] for k in slots[: K + 1]]
        weights = weights_of_seats(family, clusters, x[i], alpha)
        r = int(np.searchsorted(weights.cumsum(), u[0]))
        K, z[i] = K + (r == K), slots[r]
        block, s, m = clusters[r], ~gap[i], gap[i]
        n, strength = len(block), family.strength
        mean = (strength * family.mean + block.sum(axis=0)) / (strength + n)
        away = np.vstack([block, family.mean]) - mean
        scale = family.scale + (away.T * np.append(np.ones(n), strength)) @ away
        scale *= (strength + n + 1) / (strength + n)
        inverse, seen = np.linalg.inv(scale[np.ix_(s, s)]), full[i, s] - mean[s]
        across = scale[np.ix_(m, s)] @ inverse
        shape = (family.dof + n - family.dim + 1 + s.sum()) / 2
        width = (1 + seen @ inverse @ seen) / (2 * _sweeps.gamma(shape, u, normal))
        root = np.linalg.cholesky(width * (scale[np.ix_(m, m)] - across @ scale[np.ix_(s, m)]))
        full[i, m] = mean[m] + across @ seen + root @ normal[_sweeps.TRIES + s.sum() :]
    return partitions.canonical(z), full[gap]


@pytest.mark.parametrize("seed", range(4))
def test_seats_and_cells_are_those_drawn_row_by_row_from_the_matrices(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(12, 3)) * [1, 2, 1] + [0, 1, 2] + 4 * rng.integers(0, 2, (12, 1))
    x[rng.random(x.shape) < 0.4] = NAN
    missing, labels = np.nonzero(np.isnan(x)), partitions.canonical(rng.integers(0, 5, 12))
    drawn = _sweeps.Cells(_sweeps.Seating(THREE, np.where(np.isnan(x), 1.0, x)), missing)
    values = np.ones(len(missing[0]))
    for _ in range(5):
        draws = drawn.draws(rng)
        expected, cells = by_matrices(THREE, x, labels, values, 1.5, *draws)
        labels = drawn(labels, 1.5, draws)
        np.testing.assert_array_equal(labels, expected)
        values = drawn.seat.cells(missing)
        np.testing.assert_allclose(values, cells, rtol=1e-9)


def test_a_row_whose_leaving_rounding_hides_is_taken_out_by_adding_up_the_others(monkeypatch):
    """Its cluster is so wide for it that taking it out leaves digits of rounding alone."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(12, 3)) * [1, 2, 1] + [0, 1, 2]
    x[0] = [1e5, NAN, -1e5]
    missing, labels = np.nonzero(np.isnan(x)), np.array([0] * 8 + [1] * 4)
    refused, release = [], _sweeps._factor_out

    def counted(*arguments):
        refused.append(not release(*arguments))
        return not refused[-1]

    monkeypatch.setattr(_sweeps, "_factor_out", counted)
    drawn = _sweeps.Cells(_sweeps.Seating(THREE, np.where(np.isnan(x), 1.0, x)), missing)
    draws = drawn.draws(rng)
    draws[0][0, 0] = 1 - 1e-9  # the last of the seats that have a weight: a cluster of its own
    values = np.ones(len(missing[0]))
    expected, cells = by_matrices(THREE, x, labels, values, 1.5, *draws)
    np.testing.assert_array_equal(drawn(labels, 1.5, draws), expected)
    assert any(refused)
    np.testing.assert_allclose(drawn.seat.cells(missing), cells, rtol=1e-9)


def test_a_sweep_that_runs_out_of_room_begins_again_with_the_cells_it_had(monkeypatch):
    """Rooms that are full in the middle of it give what one that never is full gives."""
    rng = np.random.default_rng(4)
    x = 9 * rng.normal(size=(14, 3))
    x[rng.random(x.shape) < 0.4] = NAN
    missing, found, rooms = np.nonzero(np.isnan(x)), [], []
    for room in (64, 2, 3, 4, 5):
        monkeypatch.setattr(_sweeps, "SLOTS", room)
        drawn = _sweeps.Cells(_sweeps.Seating(THREE, np.where(np.isnan(x), 1.0, x)), missing)
        labels, at = np.array([0] * 7 + [1] * 7), np.random.default_rng(5)
        labels = drawn(labels, 9.0, drawn.draws(at))
        found.append((labels.tolist(), drawn.seat.cells(missing).tolist()))
        rooms.append(len(drawn.seat.work[2]))
    assert max(found[0][0]) > 3 and min(rooms) > 4
    for labels, cells in found[1:]:
        assert labels == found[0][0]
        np.testing.assert_allclose(cells, found[0][1], rtol=1e-12)


@pytest.mark.parametrize("shape", [0.05, 0.7, 1.0, 3.3, 4000.0])
def test_gammas_made_of_normals_and_uniforms(shape):
    rng = np.random.default_rng(1)
    uniforms, normals = rng.random((4000, 2 + _sweeps.TRIES)), rng.normal(size=(4000, 20))
    made = [_sweeps.gamma(shape, u, z) for u, z in zip(uniforms.tolist(), normals.tolist())]
    assert stats.kstest(made, "gamma", (shape,)).pvalue > 0.005
    refused = _sweeps.gamma(shape, [0.0] * 20, [-1e3] * 20)
    assert 0 < refused < np.inf
    assert _sweeps.gamma(1e-4, [1 - 2**-53] * 20, [0.0] * 20) > 0


def test_rows_made_lower_triangular_have_the_same_products():
    m = np.random.default_rng(1).normal(size=(4, 4))
    m[0, 1], m[0, 0], m[3] = 0, -1, -m[3]
    for last in range(5):
        turned = m.copy()
        _sweeps.lower(turned, last)
        factor = np.linalg.cholesky(m[:last] @ m[:last].T)
        np.testing.assert_allclose(turned[:last, :last], factor, atol=1e-13)
        np.testing.assert_allclose(np.triu(turned[:last], 1), 0, atol=1e-15)
        np.testing.assert_array_equal(turned[last:], m[last:])


@pytest.mark.native  # compiles
@pytest.mark.parametrize("room", [2, 16])
def test_compiled_or_not_and_in_however_much_room_the_drawn_cells_are_the_same(room, monkeypatch):
    monkeypatch.setattr(_sweeps, "SLOTS", room)
    family = NormalInverseWishart([0, 0], 1, 5, 0.1 * np.eye(2))
    x = np.random.default_rng(1).normal(size=(30, 2)) * 3
    x[::3, 0] = x[1::3, 1] = NAN
    run = functools.partial(gibbs.collapsed, DPMixture(4, family), x, 6, rng=1, missing="draw")
    compiled = run()
    monkeypatch.setattr(_sweeps, "compiled", lambda *parts: None)
    plain = run()
    assert compiled.num_clusters.max() > 3
    np.testing.assert_array_equal(compiled.labels, plain.labels)
    np.testing.assert_allclose(compiled.columns["cells"], plain.columns["cells"], rtol=1e-9)


def test_geweke_where_a_row_has_drawn_cells():
    def with_holes(model, x, n, **options):
        x = x.copy()
        x[1, 0] = NAN
        return gibbs.collapsed(model, x, n, missing="draw", **options)

    model = DPMixture(1.2, NormalInverseWishart([0, 0], 1, 8, 6 * np.eye(2)))
    test = diagnostics.geweke_mixture(with_holes, model, 3, 500, rng=6)
    assert test.p_value > 0.005


@pytest.mark.slow
@pytest.mark.parametrize("drawn", [False, True])
def test_geweke_finds_a_gap_that_is_filled_in(drawn):
    """With the value that was seen last."""

    def filled(model, x, n, **options):
        x = x.copy()
        x[1:, 0] = x[0, 0]
        return gibbs.collapsed(model, x, n, **options)

    family = NormalInverseWishart([0, 0], 1, 8, 6 * np.eye(2))
    product = WithGaps(Product([Gaussian(0, 1, 0.5), BernoulliBeta([1], 1.5)]))
    model = DPMixture(1.2, family if drawn else product)
    test = diagnostics.geweke_mixture(filled, model, 3, 1000, rng=6)
    assert test.p_value < 1e-4


def test_drawn_cells_are_of_the_record(tmp_path):
    whole = gibbs.collapsed(DRAWN, FIVE, 12, rng=1, missing="draw")
    assert np.array(whole.columns["cells"]).shape == (12, 2)
    first = gibbs.collapsed(DRAWN, FIVE, 5, rng=1, missing="draw")
    first.save(tmp_path / "chain.npz")
    again = gibbs.collapsed(
        DRAWN, FIVE, 7, start=chains.load(tmp_path / "chain.npz"), missing="draw"
    )
    joined = chains.concatenate([first, again])
    np.testing.assert_array_equal(joined.labels, whole.labels)
    np.testing.assert_array_equal(joined.columns["cells"], whole.columns["cells"])
    full = FIVE.copy()
    full[np.isnan(full)] = whole.columns["cells"][3]
    assert whole.log_joint[3] == pytest.approx(DRAWN.log_joint(full, whole.labels[3]), rel=1e-12)
    kernel = gibbs.Collapsed(DRAWN, FIVE, missing="draw")
    assert kernel.log_joint(whole[3].state()) == pytest.approx(whole.log_joint[3], rel=1e-12)
    assert whole.draw_theta(rng=1).theta[-1].shape == (whole.num_clusters[-1], 6)
    assert np.isfinite(whole.predictive_logpdf(FIVE[:2])).all()


def test_a_new_row_is_weighed_beside_the_cells_of_each_draw():
    """Draw by draw, by the statistics of the rows that the draw completes."""
    chain, new = gibbs.collapsed(DRAWN, FIVE, 6, rng=1, missing="draw"), np.array([[0.7, -0.4]])
    found, full = chain.predictive_draws(new)[:, 0], FIVE.copy()
    for labels, cells, value in zip(chain.labels, chain.columns["cells"], found, strict=True):
        full[np.isnan(FIVE)] = cells
        features = WISHART.features(full)
        s = np.array([*(features[labels == k].sum(axis=0) for k in range(labels.max() + 1)),
                      np.zeros(WISHART.n_features)])  # fmt: skip
        weights = np.append(np.bincount(labels), 1.2) / 6.2
        density = weights @ np.exp(WISHART.log_predictive(new, s)[0])
        assert value == pytest.approx(np.log(density), rel=1e-10)


def test_drawn_cells_go_on_only_in_the_same_gaps():
    chain = gibbs.collapsed(DRAWN, FIVE, 2, rng=1, missing="draw")
    other = np.where(np.isnan(FIVE), 0.5, FIVE)
    other[0, 1] = other[3, 0] = NAN  # as many, elsewhere
    with pytest.raises(
        ValueError, match=r"^start = a chain whose gaps are at \[\[2, 1\], \[4, 0\]\]"
    ):
        gibbs.collapsed(DRAWN, other, 2, start=chain, missing="draw")
    moved = FIVE + 1.0  # other values, the same gaps
    assert len(gibbs.collapsed(DRAWN, moved, 2, start=chain, missing="draw")) == 2


def test_cells_are_drawn_under_a_learned_base_measure():
    prior = hyper.BasePrior(5, 0.5 * np.eye(2), (2, 4), scale_dof=3)
    run = functools.partial(hyper.sample, prior, FIVE, missing="draw", split_merge=True)
    whole = run(10, rng=1)
    assert {"cells", "mean", "scale"} <= whole.columns.keys()
    first = run(4, rng=1)
    again = run(6, start=first)
    np.testing.assert_array_equal(whole.labels[4:], again.labels)
    np.testing.assert_array_equal(whole.mean[4:], again.mean)


def test_the_base_measure_is_drawn_given_the_cells_of_the_state_and_no_others():
    """Also where another state was there before, or none, as after a run is taken up again."""
    prior = hyper.BasePrior(5, 0.5 * np.eye(2), (2, 4), scale_dof=3)
    model, rng = hyper.HyperMixture(1.0, prior), np.random.default_rng(1)
    seat = hyper.Collapsed(model, FIVE, missing="draw")
    start = seat.start(np.array([0, 0, 1, 1, 0]), rng)
    state = start._replace(columns={**start.columns, "cells": np.array([3.0, -2.0])})
    fresh = hyper.Base(hyper.Collapsed(model, FIVE, missing="draw"))
    for before in ([9.0, 9.0], [3.0, -2.0]):
        seat.log_joint(start._replace(columns={**start.columns, "cells": np.array(before)}))
        found = hyper.Base(seat).sweep(state, np.random.default_rng(2))
        expected = fresh.sweep(state, np.random.default_rng(2))
        np.testing.assert_array_equal(found.theta, expected.theta)
    x = FIVE.copy()
    x[np.isnan(x)] = [3.0, -2.0]
    whole = hyper.Base(hyper.Collapsed(model, x)).sweep(
        start._replace(columns={k: v for k, v in start.columns.items() if k != "cells"}),
        np.random.default_rng(2),
    )
    np.testing.assert_allclose(whole.theta, expected.theta, rtol=1e-9)


def test_a_gap_far_from_a_cluster_in_the_other_cell_finds_it_at_once():
    """A row whose cell is drawn anew with its seat does not stay where its last cell was."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 2)) * 0.1
    x[:20, 0] += 20
    x[0, 0] = NAN
    model = DPMixture(1.0, NormalInverseWishart([10, 0], 0.01, 4, 0.04 * np.eye(2)))
    chain = gibbs.collapsed(model, x, 400, rng=1, start=[0] * 20 + [1] * 20, missing="draw")
    with_first = chain.labels[:, 0] == chain.labels[:, 5]
    assert 0.3 < with_first.mean() < 0.7


def test_what_draws_no_cells_says_so():
    with pytest.raises(ValueError, match=r"^missing = 'draw': .*WithGaps integrates"):
        gibbs.collapsed(DPMixture(1, NormalInverseGamma([0, 0], 1, 2, 1)), FIVE, 2, missing="draw")
    with pytest.raises(ValueError, match=r"^missing = 'mean': .*draw"):
        gibbs.collapsed(DRAWN, FIVE, 2, missing="mean")
    with pytest.raises(ValueError, match=r"^x\[2, 1\] = nan"):
        gibbs.collapsed(DRAWN, FIVE, 2)
    with pytest.raises(ValueError, match="column of gaps alone"):
        gibbs.collapsed(DRAWN, FIVE[[2, 2]], 2, missing="draw")
    prior = hyper.BasePrior(4, 1, (2, 4))
    with pytest.raises(ValueError, match=r"^missing = 'draw': .*drop the rows") as told:
        hyper.sample(prior, FIVE[:, :1], 2, missing="draw")
    assert "WithGaps" not in str(told.value)
    assert len(hyper.sample(prior, FIVE[:4, :1], 2, rng=1)) == 2
    prior = hyper.BasePrior(4, np.eye(2), (2, 4), covariance="diagonal")
    with pytest.raises(ValueError, match=r"^missing = 'draw': .*covariance='full'") as told:
        hyper.sample(prior, FIVE, 2, missing="draw")
    assert "WithGaps" not in str(told.value)
    prior = hyper.BasePrior(4, np.eye(2), (2, 4), covariance="full")
    assert len(hyper.sample(prior, FIVE, 2, rng=1, missing="draw")) == 2
    kernel = gibbs.Collapsed(DRAWN, FIVE, missing="draw")
    with pytest.raises(ValueError, match=r"^kernel = one that draws missing cells"):
        gibbs.Slice(kernel)
    with pytest.raises(ValueError, match=r"^state.columns = .*2 missing ones"):
        kernel.sweep(chains.State(np.zeros(5, int), 1.0), np.random.default_rng(1))


# New rows beside drawn cells, and gaps of their own.


def test_a_new_row_with_gaps_is_weighed_by_the_cells_it_has():
    """As the margin of the density of whole rows, by quadrature, draw by draw."""
    chain = gibbs.collapsed(DRAWN, FIVE, 12, rng=1, missing="draw")
    grid = np.linspace(-9, 9, 4001)
    for row in ([0.4, NAN], [NAN, -1.0]):
        filled = np.where(np.isnan(row), np.sinh(grid)[:, None], row)
        dense = np.exp(chain.predictive_draws(filled)) * np.cosh(grid)
        np.testing.assert_allclose(
            np.exp(chain.predictive_draws([row])[:, 0]), dense.sum(axis=1) * 0.0045, rtol=1e-6
        )
        rows = chain.predict_similarity([row])
        similarity, alone = chain.predict_similarity(filled)
        weights = np.exp(chain.predictive_logpdf(filled)) * np.cosh(grid)
        weights /= weights.sum()
        np.testing.assert_allclose(rows[0][0], weights @ similarity, rtol=1e-6)
        np.testing.assert_allclose(rows[1][0], weights @ alone, rtol=1e-6)
        whole = chain.draw_theta(rng=2)
        drawn = whole.density_draws([row], rng=3)[:, 0]
        dense = whole.density_draws(filled, rng=3) * np.cosh(grid)
        np.testing.assert_allclose(drawn, dense.sum(axis=1) * 0.0045, rtol=1e-5)


def test_a_new_row_of_gaps_alone_is_a_customer_without_data():
    chain = gibbs.collapsed(DRAWN, FIVE, 50, rng=1, missing="draw")
    labels = np.array([0, 0, 1, 1, 0])
    proba = chain.predict_proba([[NAN, NAN], [1e18, NAN]], labels)
    np.testing.assert_allclose(proba[0], np.array([3, 2, 1.2]) / 6.2, rtol=1e-12)
    assert (chain.predict([[1e18, NAN], [NAN, -1e300]], labels) == -1).all()
    np.testing.assert_allclose(chain.predictive_draws([[NAN, NAN]]), 0, atol=1e-12)
    full = gibbs.collapsed(DRAWN, FIVE[:2], 5, rng=1)
    with pytest.raises(ValueError, match=r"^x\[0, 1\] = nan"):
        full.predict([[0.0, NAN]], [0, 1])


@pytest.mark.slow
def test_drawn_cells_and_a_learned_base_measure_give_the_exact_posterior():
    """The strength is learned: by quadrature over it, beside the gap, and over all partitions."""
    scale, mean = np.array([[0.6, 0.3], [0.3, 0.8]]), np.array([0.2, -0.1])
    prior = hyper.BasePrior(4, scale, (2, 4), centre=mean, var=1e-9)
    x, cells, gammas = FIVE[:3], REACH[::2], np.geomspace(1e-3, 6, 25)
    logs, values, full = [], [], x.copy()
    for strength in gammas:
        model = DPMixture(1.2, NormalInverseWishart(mean, strength, 4, scale))
        for cell in cells:
            full[2, 1] = cell
            result = exact.posterior(model, full)
            jacobian = 2 * np.log(strength) - 4 * strength + np.log(np.hypot(1, cell))
            logs.append(result.log_evidence + jacobian)
            pairs = result.similarity[np.triu_indices(3, 1)]
            values.append([*result.num_clusters[1:], *pairs, np.tanh(cell), strength])
    weights = np.exp(np.array(logs) - max(logs))
    truth = weights @ np.array(values) / weights.sum()
    chain = hyper.sample(prior, x, 4000, rng=1, alpha=1.2, missing="draw")
    for draw, value in zip([*of_draws(chain), chain.strength], truth, strict=True):
        assert abs(draw.mean() - value) < 4.5 * diagnostics.mcse(np.asarray(draw, float))


@pytest.mark.slow
def test_geweke_where_cells_are_drawn_under_a_learned_base_measure():
    prior, hole = proper_prior(2), (1, 0)

    def data(chain, x):
        punched = x.copy()
        punched[hole] = NAN
        return dataclasses.replace(chain, x=punched, columns=chain.columns | {"cells": [x[[1], 0]]})

    def draw(rng):
        mean = prior.centre + rng.standard_normal(2) * np.sqrt(prior.var)
        strength = rng.gamma(prior.strength[0]) / prior.strength[1]
        half = np.linalg.cholesky(prior.scale / prior.scale_dof) @ rng.normal(size=(2, 6))
        scale, labels = half @ half.T, crp.sample(4, 1.3, rng=rng)
        family = prior.family(mean, strength, scale)
        theta = family.sample_prior(labels.max() + 1, rng)
        x = family.sample_data(theta[labels], rng)
        base = {"mean": [mean], "strength": [strength], "scale": [scale]}
        model = hyper.HyperMixture(1.3, prior)
        return chains.Chain(model, x, labels[None], np.array([1.3]), [theta], base), x

    def step(state, x, rng):
        start = data(state, x)
        state = hyper.sample(prior, start.x, 1, rng=rng, alpha=1.3, start=start, missing="draw")
        return state, state._family(0).sample_data(state.theta[0][state.labels[0]], rng)

    def statistics(state, x):
        K, m, k = state.num_clusters[-1], state.mean[-1], state.strength[-1]
        W, together = state.scale[-1], state.labels[-1][0] == state.labels[-1][1]
        return [K, K * m[0], m[0] ** 2, np.log(k), W[0, 1], np.log(np.linalg.det(W)), together,
                np.abs(x[hole]), x[hole] * x[1, 1], x[hole] * x[0, 0] > 0]  # fmt: skip

    test = diagnostics.geweke(draw, step, statistics, 2000, rng=1)
    assert test.p_value > 1e-3, test.z.round(1)
