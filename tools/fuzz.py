"""Call every public door at random, with values far out and with nonsense, and compare answers.

    python -m tools.fuzz --calls 10000 --seed 1     # all of them
    python -m tools.fuzz --seed 1 --only 4711       # one call again, with its traceback

Half the calls take a door and its valid arguments from the table in tests/test_bad_input.py, and
change them: numbers from 5e-324 to 1.8e308, data scaled, moved, constant or tied, other lengths, an
argument of nonsense. What comes back must be free of NaN, or a ValueError that names an argument.
The other half ask two functions for one quantity. Warnings of NumPy are faults everywhere.
"""

import argparse
import contextlib
import dataclasses
import io
import os
import pathlib
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from dpnotes import (
    _sweeps,
    clusters,
    components,
    crp,
    diagnostics,
    exact,
    gibbs,
    hyper,
    meanfield,
    mixture,
    partitions,
    predictive,
    process,
    sticks,
    workflow,
)
from dpnotes.components.gaussian import is_gaussian

sys.path.append(str(pathlib.Path(__file__).parents[1] / "tests"))
import test_bad_input as doors

# Of its own that a call may take: an analysis by 17 chains without compiled loops takes 25.
SECONDS = 60
FLOATS = [5e-324, 1e-300, 1e-160, 1e-20, 1e-8, 0.5, 1.0, 3.0, 1e8, 1e20, 1e160, 1e300, 1.797e308]
COUNTS = [0, 1, 2, 3, 5, 17, 300, 2**31, 10**15, 2**53]
EXTREME = ["tiny", "huge", "wide", "far", "constant", "tied", "one row", "repeated", "columns"]


# -- values far out ---------------------------------------------------------------------------


def changed(value, rng):
    """A value of the same kind, often far out and not always valid."""
    if isinstance(value, (bool, str, type(None))) or rng.random() < 0.3:
        return value
    if isinstance(value, (int, np.integer)):
        return int(rng.choice(COUNTS))
    if isinstance(value, float):
        return float(rng.choice(FLOATS) * rng.choice([1, 1 + 2**-52])) * (-1 if value < 0 else 1)
    if isinstance(value, Fraction):
        return Fraction(int(rng.choice(COUNTS)), int(rng.choice(COUNTS[1:])))
    if isinstance(value, dict):
        return {key: changed(each, rng) for key, each in value.items()}
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(changed(each, rng) for each in value)
    if isinstance(value, (list, np.ndarray)):
        return changed_array(value, rng)
    if isinstance(value, mixture.DPMixture):
        return model(rng, 1)
    if isinstance(value, components.Gaussian):
        return family(rng, 1)
    if isinstance(value, hyper.BasePrior):
        return base_prior(rng, len(value.scale))
    if isinstance(value, hyper.HyperMixture):
        return hyper.HyperMixture(positive(rng), base_prior(rng, 1))
    if value is doors.NORMAL:
        return stats.norm(changed(-1.0, rng), changed(1.0, rng))
    return value


def changed_array(value, rng):
    if isinstance(value[0] if len(value) else None, components.Gaussian):
        return [family(rng, int(rng.integers(1, 3))) for _ in range(rng.integers(1, 4))]
    try:
        array = np.array(value)
    except ValueError:
        return value
    if array.dtype.kind == "f":
        return far_out(array, rng)
    if array.dtype.kind != "i" or array.size == 0:
        return value
    how = rng.integers(5)
    if how == 0:
        return array[: rng.integers(1, len(array) + 1)]
    if how == 1:
        return np.repeat(array, max(1, rng.choice([2, 60]) // len(array)), axis=0)
    if how == 2:
        return np.zeros_like(array) + rng.choice(array.ravel())
    if how == 3:
        return rng.choice(np.array(COUNTS), array.shape)
    return rng.permutation(array)


def far_out(x, rng, how=None):
    """Data of another scale or place, constant, with ties, or of another shape."""
    how = how or rng.choice(EXTREME)
    if x.ndim == 0 or x.size == 0:
        return x
    with np.errstate(all="ignore"):
        return {
            "tiny": lambda: x * 10.0 ** -rng.integers(5, 320),
            "huge": lambda: np.clip(x * 10.0 ** rng.integers(5, 308), -1.79e308, 1.79e308),
            "wide": lambda: x * 10.0 ** rng.integers(-300, 300, x.shape),
            "far": lambda: x + 10.0 ** rng.integers(2, 300),
            "constant": lambda: np.full_like(x, x.flat[0]),
            "tied": lambda: x[rng.integers(0, len(x), len(x))],
            "one row": lambda: x[:1],
            "repeated": lambda: np.repeat(x, max(1, 60 // len(x)), axis=0),
            "columns": lambda: np.repeat(x[..., None], 5, axis=-1),
        }[how]()


def positive(rng, spread=300):
    return float(10.0 ** rng.uniform(-spread, spread))


def positives(rng, size, spread=300):
    """Numbers of one size or of many."""
    return 10.0 ** rng.uniform(-spread, spread, size if rng.integers(2) else 1) * np.ones(size)


def gaussian(rng, dim, spread=300):
    """A Gaussian family, with a prior that may lie far out."""
    mean = rng.choice([0.0, 1.0, -positive(rng, min(spread, 150))])
    kind = rng.integers(5)
    if kind == 0:
        return components.Gaussian([mean] * dim, positive(rng, spread), positive(rng, spread))
    strength, shape = positive(rng, min(spread, 12)), positive(rng, min(spread, 3))
    if kind == 1:
        scale = np.eye(dim) * positive(rng, spread)
        return components.NormalInverseWishart([mean] * dim, strength, dim - 1 + shape, scale)
    if kind == 3:
        cov = np.eye(dim) * positive(rng, spread)
        return components.CorrelatedGaussian([mean] * dim, strength, cov)
    if kind == 2:
        rate = positive(rng, spread)
        return components.SphericalNormalInverseGamma([mean] * dim, strength, shape, rate)
    return components.NormalInverseGamma([mean] * dim, strength, shape, positive(rng, spread))


PAIRS = "PoissonGamma", "ExponentialGamma", "GeometricBeta", "BernoulliBeta"


def family(rng, dim, spread=300):
    """A family of any kind for so many columns."""
    kind = rng.choice(["gaussian", "log", "product", "pair", "pair", "codes", "counts"])
    if kind == "log":
        return components.LogNormal(gaussian(rng, dim, min(spread, 6)))
    if kind == "product":
        first = int(rng.integers(1, dim + 1))
        dims = [first, dim - first] if first < dim else [dim]
        return components.Product([family(rng, d, spread) for d in dims])
    if kind == "pair":
        made = getattr(components, rng.choice(PAIRS))
        return made(positives(rng, dim, spread), positives(rng, dim, spread))
    if kind == "codes":
        return components.CategoricalDirichlet(positives(rng, (dim, 3), spread))
    if kind == "counts" and dim > 1:
        return components.MultinomialDirichlet(positives(rng, dim, spread))
    return gaussian(rng, dim, spread)


def model(rng, dim, spread=300):
    return mixture.DPMixture(positive(rng, spread), family(rng, dim, spread))


def base_prior(rng, dim, spread=300):
    scale = np.eye(dim) * positive(rng, spread)
    pair = positive(rng, min(spread, 3)), positive(rng, min(spread, 3))
    dof = dim + 1 + positive(rng, min(spread, 3))
    return hyper.BasePrior(dof, scale, pair, var=positive(rng, spread))


def rows(kind, n, rng):
    """Rows that a family takes, with all that may be odd about them."""
    if isinstance(kind, components.Product):
        return np.hstack([rows(family, n, rng) for family in kind.families])
    shape = n, kind.dim
    if is_gaussian(kind):
        x = rng.normal(size=shape)
        for _ in range(rng.integers(3)):
            x = far_out(x, rng, rng.choice(["tiny", "huge", "far", "constant"]))
        return np.clip(x, -1e100, 1e100)
    if isinstance(kind, components.BernoulliBeta | components.CategoricalDirichlet):
        return rng.integers(0, 2, shape) * 1.0
    if isinstance(kind, components.LogNormal):
        return 10.0 ** (rng.uniform(-1, 1, shape) * rng.choice([1e-9, 1, 100]))
    x = rng.exponential(rng.choice([1, 10, 1e6, 1e12]), shape)
    if isinstance(kind, components.ExponentialGamma):
        return x * positive(rng, 100)
    return np.floor(rng.choice([x, np.full(shape, x[0, 0]), rng.choice(COUNTS, shape)]))


# -- one door ---------------------------------------------------------------------------------


def door(name, rng):
    """One call of this door, as a function, its arguments' names and what they are."""
    call, table = doors.CALLS[name]()
    given = {key: changed(value, rng) for key, value in doors.values(table).items()}
    if "x" in given and isinstance(given.get("model"), mixture.DPMixture) and rng.integers(2):
        given["x"] = rows(given["model"].component, len(doors.X), rng)
    if given and rng.random() < 0.2:
        kinds = doors.nonsense()
        kind = rng.choice(sorted(set(kinds) - {"long", "class", "function"}))
        given[rng.choice(sorted(given))] = kinds[kind]
    return lambda: call(**given), given


def faults_of_door(name, rng):
    """What is wrong with one call: nothing, or its kind and what was seen."""
    plt.close("all")
    call, given = door(name, rng)
    shown = f"{name}({', '.join(f'{key}={short(value)}' for key, value in given.items())})"
    try:
        with listening() as heard, limited(), contextlib.redirect_stdout(io.StringIO()):
            result = call()
    except ValueError as error:
        # A table calls a column by its name.
        names = "|".join([*given, "x", "data", "path", "header", "[^=]*, row [0-9]+"])
        if name.startswith(("kinds.", "tables.", "workflow.")):
            names = "[^=]*"
        if not re.match(rf"({names})(\[.*\])*(\.component)? = .*: expected ", str(error)):
            yield "raw error", shown, repr(error), trace()
    except TimeoutError:
        yield "slow", shown, f"more than {SECONDS} s", trace()
    except Exception as error:
        yield "raw error", shown, repr(error), trace()
    else:
        if not_a_number(result) and name not in GAPS:
            yield "NaN", shown, short(result), ""
    yield from warned(shown, heard)


GAPS = {"datasets.penguins"}  # whose missing cells are NaN


def not_a_number(result):
    """Whether there is a NaN in a result, or in what a record of the package holds."""
    if type(result).__module__.startswith("dpnotes."):
        if not dataclasses.is_dataclass(result) and not isinstance(result, tuple):
            return False
        result = vars(result) if dataclasses.is_dataclass(result) else tuple(result)
    return doors.not_a_number(result)


def short(value):
    with np.printoptions(threshold=8, edgeitems=3), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return " ".join(repr(value).split())[:160]
        except ValueError:
            return "a very long integer"


def trace():
    return traceback.format_exc()


@contextlib.contextmanager
def listening():
    """Collect the warnings of NumPy, not the package's own words to whoever called it."""
    heard = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield heard
        finally:
            heard += [
                w
                for w in caught
                if issubclass(w.category, RuntimeWarning)
                # Nor is it a matter of ours what Matplotlib cannot place on its canvas.
                and w.filename != __file__
                and "matplotlib" not in w.filename
            ]


def warned(shown, heard):
    for warning in heard:
        where = f"{pathlib.Path(warning.filename).name}:{warning.lineno}"
        yield "warning", shown, f"{warning.message} ({where})", ""


@contextlib.contextmanager
def limited():
    """Stop what takes too long."""

    def stop(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# -- two functions for one quantity -----------------------------------------------------------

CHECKS = []


def check(function):
    """A generator of (what is compared, one value, the other, their tolerance)."""
    CHECKS.append(function)
    return function


def points(kind, rng, most=6):
    """A few rows that a family takes, some of them equal."""
    n = int(rng.integers(1, most + 1))
    x = rows(kind, n, rng)
    return x[rng.integers(0, n, n)] if rng.random() < 0.3 else x


def sizes(rng, most=6):
    return rng.integers(1, rng.choice([2, 4, 20]), rng.integers(1, most)).tolist()


@check
def eppf_in_five_ways(rng):
    blocks, alpha = sizes(rng), positive(rng)
    log = crp.log_eppf(blocks, alpha)
    # The exact probability may be too small for a float.
    fraction = crp.eppf(blocks, alpha)
    yield "crp.eppf", log, log_of(fraction), 1e-13
    yield "sticks.eppf_size_biased", np.exp(log), sticks.eppf_size_biased(blocks, alpha), 1e-11
    yield "sticks.eppf", np.exp(log), sticks.eppf(blocks, alpha), 1e-11
    yield "exact", fraction, sticks.eppf(blocks, Fraction(alpha)), 0
    yield "order", log, crp.log_eppf(blocks[::-1], alpha), 1e-13
    labels = np.repeat(np.arange(len(blocks)), blocks)
    ratio = 1.0
    for i in range(len(labels)):
        seats = crp.seat_probs(np.bincount(labels[:i]) if i else [1], alpha)
        ratio *= 1.0 if i == 0 else seats[labels[i]]
    yield "crp.seat_probs", np.exp(log), ratio, 1e-11


@check
def finite_mixtures(rng):
    blocks, alpha = sizes(rng, 5), positive(rng)
    K = len(blocks)
    log = mixture.log_eppf_finite(blocks, alpha, K + 1)
    n, a = sum(blocks), Fraction(alpha) / (K + 1)
    weight = Fraction(1)
    for block in blocks:
        for i in range(block):
            weight *= a + i
    for i in range(n):
        weight /= Fraction(alpha) + i
    for i in range(K):
        weight *= K + 1 - i
    yield "log_eppf_finite", log, log_of(weight), 1e-13


@check
def law_of_the_number_of_clusters(rng):
    n, alpha = int(rng.choice([1, 2, 3, 10, 60, 300])), positive(rng)
    law, k = clusters.NumClusters(n, alpha), np.arange(1, n + 1)
    pmf = law.pmf(k)
    yield "sum", pmf.sum(), 1.0, 1e-11
    log = law.logpmf(k)
    yield "logpmf", np.exp(log), pmf, 1e-11, 1e-11 * np.abs(log) * pmf
    yield "cdf", law.cdf(k), np.cumsum(pmf), 1e-11
    yield "sf", law.sf(k), 1 - np.cumsum(pmf), 1e-11, 1e-11
    yield "mean", law.mean(), k @ pmf, 1e-10
    yield "var", law.var(), (k - law.mean()) ** 2 @ pmf, 1e-9, 1e-12 * n**2
    yield "one block", law.logpmf(1), crp.log_eppf([n], alpha), 1e-11
    yield "all apart", law.logpmf(n), crp.log_eppf([1] * n, alpha), 1e-11
    yield "ewens", law.logpmf(n), crp.log_ewens([n], alpha), 1e-11
    lower, upper = clusters.bounds(n, alpha)
    yield "bounds", lower <= law.mean() * (1 + 1e-15) and law.mean() <= upper * (1 + 1e-15), 1, 0
    if n > 2:
        estimate = clusters.estimate_alpha(int(rng.integers(2, n)), n)[0]
        yield "finite estimate", np.isfinite(estimate) and estimate > 0, 1, 0


@check
def moments_of_cells(rng):
    powers = rng.integers(0, 5, rng.integers(1, 4)).tolist()
    alpha, probs = positive(rng), rng.dirichlet(np.ones(len(powers)))
    moment = sticks.cell_moment(powers, probs, alpha)
    law = process.Dirichlet(alpha * probs)
    yield "sticks against Dirichlet", moment, law.moment(powers), 1e-11
    order = rng.permutation(len(powers))
    other = sticks.cell_moment(np.array(powers)[order], probs[order], alpha)
    yield "order of cells", moment, other, 1e-11


@check
def labels_of_sticks(rng):
    alpha, labels = positive(rng), rng.integers(0, 4, rng.integers(1, 8)).tolist()
    exactly = sticks.label_prob(labels, Fraction(alpha))
    yield "label_prob", sticks.label_prob(labels, alpha), float(exactly), 1e-12
    part = partitions.canonical(labels)[None]
    T = int(part.max()) + int(rng.integers(1, 4))
    some = sticks.eppf(np.bincount(part[0]), Fraction(alpha), truncation=T)
    every = sticks.eppf(np.bincount(part[0]), Fraction(alpha))
    try:
        ratio = sticks.truncation_ratio(part, alpha, T)[0]
    except ValueError as error:
        yield "too large a ratio", "no ratio is too large" in str(error), True, 0
    else:
        yield "truncation_ratio", ratio, float(some / every), 1e-11
    yield "truncated", sticks.eppf(np.bincount(part[0]), alpha, truncation=T), float(some), 1e-11
    distance = sticks.truncation_distance(alpha, T, len(labels))
    bound = sticks.truncation_bound(alpha, T, len(labels))
    yield "distance within bound", distance <= bound * (1 + 1e-12), True, 0


@check
def marginal_and_predictive(rng):
    kind = family(rng, int(rng.choice([1, 1, 2, 3])), 20)
    x = points(kind, rng)
    s = np.cumsum(kind.features(x), axis=0)
    marginal = kind.log_marginal(s)
    near = 1e-11 * (np.abs(marginal).max() + 1) + rounding(kind, x)
    order = rng.permutation(len(x))
    again = kind.log_marginal(kind.features(x[order]).sum(axis=0))
    yield "order of rows", again, marginal[-1], 1e-11, near
    before = np.vstack([np.zeros_like(s[:1]), s[:-1]])
    steps = np.diagonal(kind.log_predictive(x, before))
    # Sums of squares about the prior mean have no more digits than this.
    if not gaussians(kind) or np.abs(x).max() < 100 * np.ptp(x):
        yield "predictive", np.cumsum(steps), marginal, 1e-7, near


@check
def families_made_of_families(rng):
    kind = family(rng, int(rng.choice([1, 2])), 20)
    x = points(kind, rng)
    product = components.Product([kind])
    s = product.features(x).sum(axis=0, keepdims=True)
    theta = product.sample(s, rng=1)
    yield "features", product.features(x), kind.features(x), 0
    yield "sample", theta, kind.sample(s, rng=1), 0
    yield "log_marginal", product.log_marginal(s), kind.log_marginal(s), 0
    yield "log_predictive", product.log_predictive(x, s), kind.log_predictive(x, s), 0
    yield "log_likelihood", product.log_likelihood(x, theta), kind.log_likelihood(x, theta), 0
    yield "log_prior", product.log_prior(theta), kind.log_prior(theta), 0
    yield "expected_natural", product.expected_natural(s), kind.expected_natural(s), 0
    made = mixture.DPMixture(1.0, product), mixture.DPMixture(1.0, kind)
    yield "log joint", *(each.log_joint(x, np.zeros(len(x), int)) for each in made), 0


@check
def draws(rng):
    """What is drawn is a parameter, or a row that the family takes."""
    kind = family(rng, int(rng.choice([1, 2])), rng.choice([5, 20, 100]))
    x = points(kind, rng)
    for s in (kind.features(x).sum(axis=0, keepdims=True), np.zeros((1, kind.n_features))):
        theta = kind.sample(s, rng=rng)
        yield "finite parameters", np.isfinite(theta).all(), True, 0
        new = kind.sample_data(theta, rng=rng)
        yield "finite data", np.isfinite(kind.features(new)).all(), True, 0
        density = kind.log_likelihood(new, theta) + kind.log_prior(theta)
        yield "density", np.isfinite(density).all(), True, 0
        if gaussians(kind):  # whose weights are asked for where points are near the origin only
            continue
        natural = kind.features(new) @ kind.natural(theta).T
        terms = np.abs(kind.features(new)) @ np.abs(kind.natural(theta)).T
        near = 1e-11 * (1 + terms) + rounding(kind, new)
        near = near + 1e-14 * np.sqrt(np.abs(new).max())  # of what a large count is off its mean
        yield "natural", natural, kind.log_likelihood(new, theta), 1e-9, near


def gaussians(kind):
    """Whether squares of coordinates, or of their logarithms, are among the features."""
    if isinstance(kind, components.Product):
        return any(map(gaussians, kind.families))
    return is_gaussian(kind) or isinstance(kind, components.LogNormal)


def rounding(kind, x):
    """What rounding of sums moves logarithms by, where what they measure is small beside them."""
    if isinstance(kind, components.Product):
        return sum(rounding(family, x[:, c]) for family, c in zip(kind.families, kind._columns))
    if isinstance(kind, components.LogNormal):
        return rounding(kind.family, np.log(x))
    if is_gaussian(kind):
        return 1e-13 * len(x) * float(np.ptp(x)) ** 2 / kind._noise
    if isinstance(kind, components.BernoulliBeta):  # zeros are counted by a difference
        return min(1e-2, 1e-15 * len(x) / min(kind.a.min(), kind.b.min()))
    if isinstance(kind, components.MultinomialDirichlet):
        relative = kind.features(x)[:, -1]
        # Nor has a share more digits, nor a sum of densities relative to the prior mean.
        return 1e-15 * x.sum() + 4e-15 * np.abs(relative).sum()
    return 1e-13 * float(np.abs(kind.features(x)[:, kind.n_features - kind.common :]).sum())


@check
def log_joints(rng):
    made = model(rng, int(rng.choice([1, 2])), 20)
    x = points(made.component, rng, 5)
    labels = partitions.canonical(rng.integers(0, 3, len(x)))
    value = made.log_joint(x, labels)
    near = 1e-9 * (abs(value) + 1) + rounding(made.component, x)
    order = rng.permutation(len(x))
    moved = partitions.canonical(labels[order])
    yield "order of rows", value, made.log_joint(x[order], moved), 1e-9, near
    posterior = exact.posterior(made, x)
    yield "evidence", posterior.log_evidence, exact.log_evidence(made, x), 1e-9, near
    yield "sum", posterior.probs.sum(), 1.0, 1e-9
    row = np.flatnonzero((posterior.labels == labels).all(axis=1))[0]
    if near < 1:  # beyond it no digit of the difference is left
        want = np.exp(value - posterior.log_evidence)
        yield "posterior", posterior.probs[row], want, 1e-6, 1e-9 * (1 + abs(value))
    chain = gibbs.collapsed(made, x, 2, rng=1)
    joint = [made.log_joint(x, row) for row in chain.labels]
    yield "chain", chain.log_joint, joint, 1e-9, near
    q = meanfield.fit(made, x, truncation=3, rng=1, restarts=1, max_iter=20)
    slack = 1e-9 * (1 + abs(posterior.log_evidence)) + rounding(made.component, x)
    yield "ELBO below evidence", q.elbo[-1] <= posterior.log_evidence + slack, True, 0
    falls = np.diff(q.elbo).min(initial=0)
    yield "ELBO never falls", falls >= -slack - 1e-9 * np.abs(q.elbo).max(), True, 0
    yield "rows sum to 1", q.responsibilities(x).sum(axis=1), 1.0, 1e-12


@check
def law_of_alpha(rng):
    """Mean field with a Gamma prior of alpha: the ELBO rises, and is found both ways."""
    made = mixture.DPMixture(1.0, gaussian(rng, int(rng.choice([1, 2])), 10))
    x, prior = points(made.component, rng, 5), tuple(10.0 ** rng.uniform(-100, 100, 2))
    truncated = bool(rng.integers(2))
    options = {"truncation": 3, "restarts": 1, "max_iter": 20, "truncated_model": truncated}
    q = meanfield.fit(made, x, rng=1, alpha_prior=prior, **options)
    near = 1e-9 * (1 + np.abs(q.elbo).max()) + rounding(q.model.component, x)
    yield "ELBO never falls", np.diff(q.elbo).min(initial=0) >= -near, True, 0
    laws = {"alpha_prior": prior, "alpha_posterior": q.alpha_posterior}
    gamma = q.responsibilities(x)
    value = meanfield.elbo(q.model, x, gamma, q.sticks, q.statistics, **laws)
    yield "ELBO", value, q.elbo[-1], 1e-9, near


@check
def samplers(rng):
    """All leave finite draws, whose joint density is that of the model."""
    made = model(rng, int(rng.choice([1, 2])), 10)
    x = points(made.component, rng, 5)
    sampler = getattr(gibbs, rng.choice(["auxiliary", "naive", "blocked"]))
    chain = sampler(made, x, 3, rng=1)
    near = 1e-9 * (np.abs(chain.log_joint) + 1)
    yield "log joint", chain.log_joint, [made.log_joint(x, z) for z in chain.labels], 1e-9, near
    yield "theta", all(np.isfinite(theta).all() for theta in chain.theta), True, 0
    yield "density", np.isfinite(chain.predictive_logpdf(x)).all(), True, 0


@check
def held_out(rng):
    made = model(rng, int(rng.choice([1, 2])), 10)
    x, y = points(made.component, rng, 4), rows(made.component, 2, rng)
    posterior = exact.posterior(made, x)
    score = predictive.log_score(posterior, y)
    both = [exact.log_evidence(made, np.vstack([x, row])) for row in y]
    near = 1e-9 * (1 + np.abs(both) + abs(posterior.log_evidence))
    near = near + rounding(made.component, np.vstack([x, y]))
    yield "evidence", score.rows, np.array(both) - posterior.log_evidence, 1e-7, near
    chain = gibbs.collapsed(made, x, 4, rng=1)
    scored = predictive.log_score([chain, chain], y)
    yield "chain", scored.rows, chain.predictive_logpdf(y), 1e-12, 1e-12
    kept = bool(rng.integers(2))
    for fitted, given in [(posterior, {}), (chain, {}), (field(made, x), {"x": x})]:
        whole = predictive.posterior_check(fitted, len, kept=kept, size=4, rng=1, **given)
        yield "number of rows", (whole.prob, whole.error), (1, 0), 0
        least = predictive.posterior_check(fitted, np.min, kept=kept, size=4, rng=1, **given)
        yield "share", 0 <= least.prob <= 1, True, 0


def field(made, x):
    return meanfield.fit(made, x, truncation=3, rng=1, restarts=2, max_iter=20)


@check
def shape_of_a_gaussian(rng):
    x = rng.standard_t(3, size=(8, int(rng.integers(1, 4))))
    one = predictive.gaussian_shape(x, size=4, rng=1)
    turn = np.linalg.qr(rng.normal(size=(x.shape[1],) * 2))[0]
    moved = (x @ turn)[::-1] * positive(rng, 290) if rng.integers(2) else x + 1e3
    two = predictive.gaussian_shape(moved, size=4, rng=1)
    for name, a, b in zip(one._fields, one, two):
        yield name, a.observed, b.observed, 1e-8, 1e-8
        yield "replicates", a.replicated, b.replicated, 0


@check
def reweighted(rng):
    n, most = int(rng.choice([5, 100, 10**6, 2**53])), 4
    alpha, new, shape, rate = 10.0 ** rng.uniform(-8, 8, 4)
    K = np.arange(1, most + 1)
    same = workflow.reweight(K, n, alpha, alpha)
    yield "same alpha", same[0][1:], 1 / most, 1e-12
    prob = workflow.reweight(K, n, alpha, new)[0][1:]
    weight = np.exp((log := K * (np.log(new) - np.log(alpha))) - log.max())
    yield "another alpha", prob, weight / weight.sum(), 1e-11
    # alpha^K times its prior depends on K plus the shape alone.
    shape = min(shape, 1e5)
    one = workflow.reweight(K, n, 1.0, (shape + 1, rate))[0]
    other = workflow.reweight(K + 1, n, 1.0, (shape, rate))[0]
    yield "shape and K", one[1:], other[2:], 1e-9
    prior = workflow.reweight(K, n, alpha, (shape, rate))[0][1:]
    scaled = np.log(workflow.reweight(K, n, 1.0, (shape, rate))[0][1:] + 1e-300)
    scaled = scaled - K * np.log(alpha)
    scaled = np.exp(scaled - scaled.max())
    yield "alpha of the draws", prior, scaled / scaled.sum(), 1e-9, 1e-12


@check
def learned_bases(rng):
    dim = int(rng.choice([1, 2]))
    prior = base_prior(rng, dim, 3)
    x = rng.normal(size=(5, dim)) * positive(rng, 3)
    chain = hyper.sample(prior, x, 3, rng=1)
    joint = []
    for t, z in enumerate(chain.labels):
        base = prior.family(chain.mean[t], float(chain.strength[t]), chain.scale[t])
        joint.append(mixture.DPMixture(float(chain.alpha[t]), base).log_joint(x, z))
    yield "log joint", chain.log_joint, joint, 1e-9, 1e-9 * (1 + np.abs(joint))
    yield "density", np.isfinite(chain.predictive_logpdf(x)).all(), True, 0


@check
def scaled_data(rng):
    """With a prior scaled likewise, a scale changes the density by its power alone."""
    x = np.clip(points(components.Gaussian(0, 1, 1), rng), -1e50, 1e50)
    var, noise, alpha = positive(rng, 20), positive(rng, 20), positive(rng, 5)
    c = 2.0 ** rng.integers(-100, 100)
    one = mixture.DPMixture(alpha, components.Gaussian(0.0, var, noise))
    other = mixture.DPMixture(alpha, components.Gaussian(0.0, var * c**2, noise * c**2))
    labels = np.zeros(len(x), int)
    value, scaled = one.log_joint(x, labels), other.log_joint(x * c, labels)
    near = 1e-12 * (abs(value) + len(x) * abs(np.log(c)) + 1)
    yield "scale", scaled, value - len(x) * np.log(c), 1e-9, near
    walk = np.cumsum(rng.normal(size=(2, 50)), axis=1)
    for name in ("ess", "rhat", "autocorrelation_time"):
        f = getattr(diagnostics, name)
        yield name, f(walk * c), f(walk), 1e-9
    yield "mcse", diagnostics.mcse(walk * c), c * diagnostics.mcse(walk), 1e-9


@check
def partitions_and_their_order(rng):
    n = int(rng.integers(1, 8))
    draws = np.array([partitions.canonical(rng.integers(0, 4, n)) for _ in range(4)])
    order = rng.permutation(n)
    moved = np.array([partitions.canonical(row) for row in draws[:, order]])
    for name in ("variation_of_information", "binder"):
        loss = getattr(partitions, name)
        yield name, loss(draws[0], draws), loss(moved[0], moved), 1e-12, 1e-12
        yield f"{name}, symmetric", loss(draws[0], draws[1]), loss(draws[1], draws[0]), 1e-12, 1e-12
        yield f"{name} of itself", loss(draws[0], draws[0]), 0.0, 0, 1e-12
    similar = partitions.similarity(draws)
    yield "similarity", similar[np.ix_(order, order)], partitions.similarity(moved), 1e-15


def log_of(fraction):
    """log of a fraction that may be too small for a float."""
    top, bottom = fraction.as_integer_ratio()
    shift = top.bit_length() - bottom.bit_length()
    scaled = fraction / Fraction(2) ** shift
    off = scaled - 1
    if shift in (0, 1) and abs(fraction - 1) < Fraction(1, 10):
        return float(np.log1p(float(fraction - 1)))
    return float(np.log1p(float(off))) + shift * float(np.log(2.0))


def agree(one, other, near):
    """Whether two numbers or arrays are the same; infinities too, but never NaN."""
    same = np.asarray(one == other)
    if np.ndim(near) == 0 and near == 0:  # exactly, fractions too
        return bool(same.all())
    one, other = np.asarray(one, float), np.asarray(other, float)
    with np.errstate(invalid="ignore"):
        return bool((same | (np.abs(one - other) <= near)).all())


def faults_of_check(function, rng):
    try:
        with listening() as heard, limited():
            for what, one, other, relative, *absolute in function(rng):
                # Below the smallest normal number a float has fewer digits.
                near = relative * np.abs(other) + (absolute[0] if absolute else 0.0) + 1e-300
                if not agree(one, other, near if relative else 0):
                    shown = f"{function.__name__}: {what}"
                    yield "disagreement", shown, f"{short(one)} and {short(other)}", ""
    except ValueError as error:
        # Some of the data are refused, with the reason.
        if not re.match(r"[\w.]+(\[.*\])* = .*: expected ", str(error)):
            yield "raw error", function.__name__, repr(error), trace()
    except TimeoutError:
        yield "slow", function.__name__, f"more than {SECONDS} s", trace()
    except Exception as error:
        yield "raw error", function.__name__, repr(error), trace()
    yield from warned(function.__name__, heard)


# -- many calls -------------------------------------------------------------------------------


def faults(seed, number):
    """The faults of one call, which its number alone decides."""
    rng = np.random.default_rng([seed, number])
    if number % 2:
        return list(faults_of_check(CHECKS[rng.integers(len(CHECKS))], rng))
    names = sorted(doors.CALLS)
    return list(faults_of_door(names[rng.integers(len(names))], rng))


@contextlib.contextmanager
def surroundings():
    """A folder for what is written, and loops that run as they stand: compiling takes longer.

    A run that may be as long as it needs is a short one.
    """
    compiled, before = _sweeps.compiled, pathlib.Path.cwd()
    sweeps, step = workflow.MOST_SWEEPS, workflow.STEP
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        _sweeps.compiled = lambda *parts: None
        workflow.MOST_SWEEPS, workflow.STEP = 60, 10
        try:
            yield
        finally:
            _sweeps.compiled = compiled
            workflow.MOST_SWEEPS, workflow.STEP = sweeps, step
            os.chdir(before)
            plt.close("all")


def run(calls, seed, only=None):
    """Print the faults of so many calls, each kind and place once, and return their number."""
    seen = Counter()
    with surroundings():
        for number in range(calls) if only is None else [only]:
            for kind, call, said, where in faults(seed, number):
                place = (kind, re.sub(r"[-\d.e+]+", "0", said)[:60], call.split("(")[0])
                seen[place] += 1
                if seen[place] == 1:
                    print(f"{number}: {kind}: {call}\n    {said}", flush=True)
                    if only is not None:
                        print(where)
    print(f"{calls if only is None else 1} calls, {sum(seen.values())} faults of {len(seen)} kinds")
    return len(seen)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one call, to see it again")
    given = parser.parse_args()
    plt.switch_backend("agg")
    sys.exit(bool(run(given.calls, given.seed, given.only)))


if __name__ == "__main__":
    main()
