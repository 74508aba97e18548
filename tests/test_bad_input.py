"""Every public door refuses nonsense in every argument, by a ValueError that names it.

What is tested is read off ``dpnotes.__all__``: a public function, class, method or argument that
the table ``CALLS`` does not know fails a test.
"""

import doctest
import inspect
import pathlib
import re
import tempfile
import warnings
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import dpnotes
from dpnotes import (
    _sweeps,
    chains,
    clusters,
    components,
    crp,
    datasets,
    diagnostics,
    exact,
    figures,
    gibbs,
    hyper,
    kinds,
    meanfield,
    measures,
    mixture,
    partitions,
    peaks,
    plotting,
    predictive,
    process,
    report,
    selection,
    show,
    sticks,
    streams,
    tables,
    workflow,
)

# Few clusters, passes and starts are on purpose here.
pytestmark = pytest.mark.filterwarnings("ignore::dpnotes.InferenceWarning")


def nonsense():
    """What to call a public door with, made afresh, for a generator can be read but once."""
    return {
        "None": None,
        "text": "a",
        "digits": "1",
        "texts": ["1", "2"],
        "bytes": b"1",
        "empty": [],
        "nested": [[1]],
        "ragged": [[1], [1, 2]],
        "nan": float("nan"),
        "nans": [float("nan")],
        "inf": float("inf"),
        "-1": -1,
        "0": 0,
        "-0.0": -0.0,
        "True": True,
        "bools": np.array([True, False]),
        "1.5": 1.5,
        "3.0": 3.0,
        "1e300": 1e300,
        "1e-300": 1e-300,
        "10**15": 10**15,
        "Decimal": Decimal("1.5"),
        "Fraction": Fraction(3, 2),
        "complex": 1j,
        "object": object(),
        "objects": [None],
        "huge": 10**400,
        "huges": [10**400],
        "long": 10**5000,
        "2**63": [2**63],
        "2**62": [2**62],
        "0-d": np.array(1.5),
        "cube": np.zeros((2, 3, 1)),
        "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
        "NaT": np.datetime64("NaT"),
        "masked": np.ma.array([1, 2], mask=[True, False]),
        "series": pd.Series(["a", "b"], name="s"),
        "frame": pd.DataFrame({"a": ["x", "y"]}),
        "dict": {"a": 1},
        "set": {1},
        "generator": (i for i in range(2)),
        "function": lambda *args, **more: None,
        "class": int,
        "RandomState": np.random.RandomState(1),
    }


# An argument is a valid value and the kinds of nonsense that may be no nonsense to it.
NOTHING = set()
POSITIVE = {"1.5", "3.0", "1e300", "1e-300", "10**15", "Decimal", "Fraction", "0-d"}
NUMBER = POSITIVE | {"0", "-0.0", "-1"}
ROW = {"2**62", "2**63", "bools"}  # numbers, shape (n,)
POINTS = ROW | {"nested"}  # shape (n,) or (n, 1)
NUMBERS = NUMBER | POINTS | {"cube", "empty"}
SIZE = {"None", "0", "empty"}
# What is right in itself but does not fit the other arguments, so that these may get the blame.
FITS = POINTS | {"series", "empty", "cube", "10**15"}
CALLABLE = {"function", "class"}
# Whatever numpy.random.default_rng takes.
SEEDS = {"None", "0", "10**15", "huge", "huges", "long", "empty", "nested", "2**62", "2**63"}

ALPHA = 2.0, POSITIVE
COUNT = 3, {"10**15"}
RNG = 1, SEEDS
FLAG = False, {"True"}
MARKS = {"decimal": (None, {"None"}), "thousands": (None, {"None"})}  # of data that are no file
TEXT = "a", {"text", "digits"}
WHAT = "answer", NOTHING
AX = None, {"None"}
X = np.array([-1.0, 0.2, 0.4, 1.0])
DATA = X, POINTS
LABELS = [0, 0, 1, 1]
COSTS = [1, 2], NOTHING
EDGES = [0.0], {"empty"} | ROW
HALVES = measures.Discrete([0, 1], [0.5, 0.5])
NORMAL = stats.norm()


def model():
    return mixture.DPMixture(1.0, components.Gaussian(0, 1, 0.5))


def memoised():
    stream = streams.Memoised(model(), truncation=2, rng=1)
    return stream.partial_fit(X, name="a").partial_fit(X)


class Walk:
    """A family that is not conjugate."""

    def sample_prior(self, size, rng=None):
        return np.random.default_rng(rng).standard_normal((size, 1))

    def log_prior(self, theta):
        return stats.norm.logpdf(theta[:, 0])

    def log_likelihood(self, x, theta):
        return stats.norm.logpdf(x, theta[:, 0])


class Bare:
    """A kernel of one's own."""

    model, x = model(), X[:, None]

    def start(self, labels, rng):
        return chains.State(np.maximum(labels, 0), 1.0)

    def sweep(self, state, rng):
        return state


@cache
def chain():
    return gibbs.collapsed(model(), X, 5, rng=1)


@cache
def walk():
    return gibbs.auxiliary(model(), X, 5, rng=1)


@cache
def posterior():
    return exact.posterior(model(), X)


@cache
def q():
    return meanfield.fit(model(), X, truncation=2, rng=1)


@cache
def folder():
    return tempfile.TemporaryDirectory(prefix="bad-input-")


def saved():
    path = pathlib.Path(folder().name) / "chain.npz"
    chain().save(path)
    return path


def kept():
    path = pathlib.Path(folder().name) / "kept.npz"
    analysis().save(path)
    return path


def written():
    path = pathlib.Path(folder().name) / "table.csv"
    path.write_text("a\n" + "\n".join(map(str, range(3, 9))))
    return path


@cache
def analysis():
    return workflow.analyse(datasets.galaxies()[::4], n_sweeps=16, n_chains=2, rng=1)


@cache
def two_columns():
    return workflow.analyse(datasets.faithful()[::9], n_sweeps=16, n_chains=2, rng=1)


def approximation():
    rows = analysis()
    z = (rows.x - rows.centre) / rows.spread
    # One start: where loops are not compiled the medians differ, and two starts may disagree.
    field = meanfield.fit(rows.median_model(), z, truncation=12, restarts=1, rng=1)
    return workflow.Approximation(
        rows.x, rows.names, rows.width, rows.centre, rows.spread, field, rows
    )


def prior(d=1):
    return hyper.BasePrior(4, np.eye(d), (1, 1))


def hyper_model():
    return hyper.HyperMixture(1.0, prior())


def table():
    return np.random.default_rng(1).normal(size=12)


def state(kernel):
    rng = np.random.default_rng(1)
    return kernel.sweep(kernel.start(np.full(4, -1), rng), rng)


GAPS = {"nans", "masked", "objects"}  # the last is None in a list
# Families with one parameter, which is any number > 0.
ANY_POSITIVE = (
    "Gaussian",
    "CorrelatedGaussian",
    "ExponentialGamma",
    "PoissonGamma",
    "Product",
    "WithGaps",
)


def family(kind, *, points=POINTS):
    """The calls of a family's methods, on statistics s and parameters theta of the right shape."""
    made = {
        "Gaussian": lambda: components.Gaussian(0, 1, 0.5),
        "NormalInverseGamma": lambda: components.NormalInverseGamma(0, 1, 2, 1),
        "CorrelatedGaussian": lambda: components.CorrelatedGaussian(0, 1, 0.5),
        "SphericalNormalInverseGamma": lambda: components.SphericalNormalInverseGamma(0, 1, 2, 1),
        "NormalInverseWishart": lambda: components.NormalInverseWishart(0, 1, 2, 1),
        "BernoulliBeta": lambda: components.BernoulliBeta(1, 1),
        "GeometricBeta": lambda: components.GeometricBeta(1, 1),
        "ExponentialGamma": lambda: components.ExponentialGamma(1, 1),
        "PoissonGamma": lambda: components.PoissonGamma(1, 1),
        "CategoricalDirichlet": lambda: components.CategoricalDirichlet([1, 1]),
        "MultinomialDirichlet": lambda: components.MultinomialDirichlet([1, 1]),
        "LogNormal": lambda: components.LogNormal(components.NormalInverseGamma(0, 1, 2, 1)),
        "Product": lambda: components.Product([components.PoissonGamma(1, 1)]),
        "WithGaps": lambda: components.WithGaps(components.PoissonGamma(1, 1)),
    }[kind]()
    gaussian = hasattr(made, "measured_from")
    data = X if gaussian else np.repeat([[0.0], [1.0]], made.dim, axis=1)
    data = data + (kind == "LogNormal")
    s = made.features(data)
    one = kind in ANY_POSITIVE
    theta = made.sample(s, rng=1), {"nested"} if one else NOTHING
    # A density is 0 where theta is on the edge of what a family's parameters are.
    edge = theta[0], {"nested"} if kind in ("BernoulliBeta", "GeometricBeta") else theta[1]
    x, s = (data, points), (s, NOTHING)
    arguments = {
        "features": dict(x=x),
        "measured_from": dict(origin=([1.0], NUMBER | {"2**62", "2**63"})),
        "log_marginal": dict(s=s),
        "log_predictive": dict(x=x, s=s),
        "sample": dict(s=s, rng=RNG),
        "sample_prior": dict(size=(3, {"0"}), rng=RNG),
        "sample_data": dict(theta=theta, rng=RNG),
        "natural": dict(theta=theta),
        "expected_natural": dict(s=s),
        "log_prior": dict(theta=edge),
        "log_likelihood": dict(x=x, theta=edge),
    }
    return {name: (getattr(made, name), a) for name, a in arguments.items() if hasattr(made, name)}


def methods(room, kind, **options):
    names = [n for n in dir(getattr(components, kind)) if not n.startswith("_")]
    names = [n for n in names if callable(getattr(getattr(components, kind), n)) and n != "rebased"]
    return {f"{room}.{kind}.{n}": lambda n=n: family(kind, **options)[n] for n in names}


@cache
def waiting():
    """The family that the documentation of components.Conjugate defines."""
    names = {}
    for piece in doctest.DocTestParser().get_examples(components.Conjugate.__doc__):
        exec(piece.source, names)
    return names["Waiting"](2, 1)


def kernel(room, kind, make, *more):
    """The calls of a kernel's methods."""
    return {
        f"{room}.{kind}.start": lambda: (make().start, dict(labels=(LABELS, ROW), rng=GENERATOR)),
        f"{room}.{kind}.sweep": lambda: (
            make().sweep,
            dict(state=(state(make()), NOTHING), rng=GENERATOR),
        ),
    } | {
        f"{room}.{kind}.{method}": lambda method=method: (
            getattr(make(), method),
            dict(state=(state(make()), NOTHING)),
        )
        for method in more
    }  # fmt: skip


GENERATOR = np.random.default_rng(1), NOTHING
SAMPLER = dict(
    n_sweeps=(3, NOTHING),
    rng=RNG,
    start=(LABELS, {"None"}),
    progress=FLAG,
)
MODEL = dict(model=(model(), NOTHING))
STREAM = dict(
    truncation=(2, NOTHING),
    rng=RNG,
    restarts=(3, NOTHING),
    init=(None, {"None"}),
    truncated_model=FLAG,
)
# A block's, text or an integer.
NAME = {"text", "digits", "-1", "0", "10**15", "huge", "long"}
GAMMA = (1, 1), {"None"}
NAMES = {"None", "text", "digits", "huges"} | ROW  # of one column, which may be numbered

CALLS = {
    # measures
    "measures.prob": lambda: (measures.prob, dict(measure=(NORMAL, NOTHING), edges=EDGES)),
    "measures.Discrete": lambda: (
        measures.Discrete,
        dict(atoms=([0.0, 1.0], NOTHING), weights=([0.5, 0.5], NOTHING)),
    ),
    "measures.Discrete.prob": lambda: (HALVES.prob, dict(edges=EDGES)),
    "measures.Discrete.cdf": lambda: (HALVES.cdf, dict(x=([0.5], NUMBERS | {"inf"}))),
    "measures.Discrete.pmf": lambda: (HALVES.pmf, dict(x=([0.5], NUMBERS | {"inf"}))),
    "measures.Discrete.mean": lambda: (HALVES.mean, {}),
    "measures.Discrete.rvs": lambda: (HALVES.rvs, dict(size=(3, SIZE), random_state=RNG)),
    "measures.Mixture": lambda: (
        measures.Mixture,
        dict(weights=([0.5, 0.5], NOTHING), parts=([NORMAL, HALVES], NOTHING)),
    ),
    **{
        f"measures.Mixture.{name}": lambda name=name, a=arguments: (
            getattr(measures.Mixture([0.5, 0.5], [NORMAL, HALVES]), name),
            a,
        )
        for name, arguments in {
            "prob": dict(edges=EDGES),
            "cdf": dict(x=([0.5], NUMBERS | {"inf"})),
            "mean": {},
            "rvs": dict(size=(3, SIZE), random_state=RNG),
        }.items()
    },
    # crp
    "crp.seat_probs": lambda: (crp.seat_probs, dict(sizes=([2, 1], {"2**62"}), alpha=ALPHA)),
    "crp.log_rising": lambda: (crp.log_rising, dict(alpha=ALPHA, n=COUNT)),
    "crp.log_eppf": lambda: (crp.log_eppf, dict(sizes=([2, 1], {"2**62"}), alpha=ALPHA)),
    "crp.eppf": lambda: (crp.eppf, dict(sizes=([2, 1], NOTHING), alpha=ALPHA)),
    "crp.log_ewens": lambda: (crp.log_ewens, dict(counts=([2, 1], {"2**62"}), alpha=ALPHA)),
    "crp.tables": lambda: (crp.tables, dict(parents=([0, 0], NOTHING))),
    "crp.sample": lambda: (crp.sample, dict(n=COUNT, alpha=ALPHA, rng=RNG)),
    "crp.sample_sizes": lambda: (crp.sample_sizes, dict(n=COUNT, alpha=ALPHA, rng=RNG)),
    # clusters
    "clusters.NumClusters": lambda: (clusters.NumClusters, dict(n=COUNT, alpha=ALPHA)),
    **{
        f"clusters.NumClusters.{name}": lambda name=name, a=arguments: (
            getattr(clusters.NumClusters(9, 2.0), name),
            a,
        )
        for name, arguments in {
            "support": {},
            "mean": {},
            "var": {},
            "std": {},
            "logpmf": dict(k=([3], NUMBERS | {"inf"})),
            "pmf": dict(k=([3], NUMBERS | {"inf"})),
            "cdf": dict(k=([3], NUMBERS | {"inf"})),
            "sf": dict(k=([3], NUMBERS | {"inf"})),
            "logcdf": dict(k=([3], NUMBERS | {"inf"})),
            "logsf": dict(k=([3], NUMBERS | {"inf"})),
            **{
                name: dict(q=([0.5], {"0", "-0.0", "1e-300", "cube", "nested", "empty"}))
                for name in ("ppf", "isf")
            },
            "median": {},
            "expect": dict(func=(None, {"None", "function"})),
            "moment": dict(order=(2, {"0"})),
            "stats": dict(moments=("mv", NOTHING)),
            "entropy": {},
            "interval": dict(confidence=(0.5, {"0", "-0.0", "1e-300"})),
            "rvs": dict(size=(3, SIZE), random_state=RNG),
        }.items()
    },
    "clusters.bounds": lambda: (clusters.bounds, dict(n=COUNT, alpha=ALPHA)),
    "clusters.stirling": lambda: (clusters.stirling, dict(n=(3, {"0"}))),
    "clusters.estimate_alpha": lambda: (
        clusters.estimate_alpha,
        dict(k=(3, NOTHING), n=(9, {"10**15"})),
    ),
    "clusters.sample_sizes_given": lambda: (
        clusters.sample_sizes_given,
        dict(n=(9, NOTHING), k=(3, NOTHING), size=COUNT, rng=RNG),
    ),
    "clusters.homozygosity_test": lambda: (
        clusters.homozygosity_test,
        dict(
            counts=([2, 1], NOTHING),
            max_partitions=(9, {"0"}),
            draws=COUNT,
            rng=RNG,
        ),
    ),
    # sticks
    "sticks.weights": lambda: (
        sticks.weights,
        dict(v=([0.5], {"0", "-0.0", "1e-300", "nested", "cube"})),
    ),
    "sticks.sample": lambda: (sticks.sample, dict(alpha=ALPHA, truncation=COUNT, rng=RNG)),
    "sticks.sample_until": lambda: (
        sticks.sample_until,
        dict(alpha=ALPHA, tol=(0.5, {"1e-300"}), rng=RNG),
    ),
    "sticks.sample_labels": lambda: (sticks.sample_labels, dict(n=COUNT, alpha=ALPHA, rng=RNG)),
    "sticks.expected_remainder": lambda: (
        sticks.expected_remainder,
        dict(alpha=ALPHA, truncation=(3, {"0", "10**15"})),
    ),
    "sticks.cell_moment": lambda: (
        sticks.cell_moment,
        dict(powers=([2, 1], NOTHING), probs=([0.5, 0.5], NOTHING), alpha=ALPHA),
    ),
    "sticks.truncation_bound": lambda: (
        sticks.truncation_bound,
        dict(alpha=ALPHA, truncation=COUNT, n=COUNT),
    ),
    "sticks.truncation_for": lambda: (
        sticks.truncation_for,
        dict(alpha=ALPHA, n=COUNT, tol=(0.1, POSITIVE)),
    ),
    "sticks.label_prob": lambda: (sticks.label_prob, dict(labels=([0, 1], NOTHING), alpha=ALPHA)),
    "sticks.eppf": lambda: (
        sticks.eppf,
        dict(sizes=([2, 1], NOTHING), alpha=ALPHA, truncation=(3, {"None"})),
    ),
    "sticks.eppf_size_biased": lambda: (
        sticks.eppf_size_biased,
        dict(sizes=([2, 1], NOTHING), alpha=ALPHA),
    ),
    "sticks.truncation_distance": lambda: (
        sticks.truncation_distance,
        dict(alpha=ALPHA, truncation=COUNT, n=COUNT),
    ),
    "sticks.truncation_ratio": lambda: (
        sticks.truncation_ratio,
        dict(labels=([[0, 1]], NOTHING), alpha=ALPHA, truncation=COUNT),
    ),
    # process
    "process.Dirichlet": lambda: (process.Dirichlet, dict(a=([1.0, 2.0], ROW))),
    **{
        f"process.Dirichlet.{name}": lambda name=name, a=arguments: (
            getattr(process.Dirichlet([1, 2]), name),
            a,
        )
        for name, arguments in {
            "mean": {},
            "var": {},
            "cov": {},
            "moment": dict(powers=([2, 1], NOTHING)),
            "logpdf": dict(g=([0.5, 0.5], NOTHING)),
            "rvs": dict(size=(3, SIZE), random_state=RNG),
            "merge": dict(groups=([0, 1], NOTHING)),
            "posterior": dict(counts=([2, 1], NOTHING)),
        }.items()
    },
    "process.DirichletProcess": lambda: (
        process.DirichletProcess,
        dict(alpha=ALPHA, base=(NORMAL, NOTHING)),
    ),
    **{
        f"process.DirichletProcess.{name}": lambda name=name, a=arguments: (
            getattr(process.DirichletProcess(2, NORMAL), name),
            a,
        )
        for name, arguments in {
            "marginal": dict(edges=EDGES),
            "posterior": dict(theta=([0.5], NUMBER | ROW)),
            "predictive": {},
            "sample_urn": dict(n=COUNT, rng=RNG),
            "sample_measure": dict(tol=(0.1, {"1e-300"}), rng=RNG),
        }.items()
    },
    "process.joint_prob": lambda: (
        process.joint_prob,
        dict(theta=([0, 1], NUMBER | ROW), alpha=ALPHA, base=(HALVES, NOTHING)),
    ),
    # selection
    "selection.bic": lambda: (
        selection.bic,
        dict(log_likelihood=(0.5, NUMBER), n_params=(3, {"0", "10**15"}), n=COUNT),
    ),
    "selection.log_evidence": lambda: (
        selection.log_evidence,
        dict(x=(X, ROW), n_components=(1, NOTHING), bound=(2, POSITIVE)),
    ),
    "selection.max_log_likelihood": lambda: (
        selection.max_log_likelihood,
        dict(x=(X, ROW), n_components=(1, NOTHING), bound=(2, POSITIVE)),
    ),
    "selection.excess": lambda: (
        selection.excess,
        dict(
            n=([3, 4], NOTHING),
            n_components=(1, NOTHING),
            n_samples=COUNT,
            bound=(2, POSITIVE),
            rng=RNG,
        ),
    ),
    "selection.slope": lambda: (
        selection.slope,
        dict(n=([1, 2], NOTHING), values=([[1, 2], [2, 3]], NOTHING)),
    ),
    "selection.fit_sequence": lambda: (
        selection.fit_sequence,
        dict(x=(X, NOTHING), max_components=(2, NOTHING), tol=(0.1, POSITIVE)),
    ),
    "selection.fit": lambda: (
        selection.fit,
        dict(
            x=(X, NOTHING),
            n_components=(2, NOTHING),
            rng=RNG,
            n_starts=(3, NOTHING),
            tol=(0.1, POSITIVE),
            max_iter=COUNT,
        ),
    ),
    # components
    "components.prior_draws": lambda: (
        components.prior_draws,
        dict(family=(components.Gaussian(0, 1, 0.5), NOTHING), size=(3, {"0"}), rng=RNG),
    ),
    "components.Gaussian": lambda: (
        components.Gaussian,
        dict(mean=(0, NUMBER | ROW), var=(1, POSITIVE), noise_var=(1, POSITIVE)),
    ),
    "components.NormalInverseGamma": lambda: (
        components.NormalInverseGamma,
        dict(
            mean=(0, NUMBER | ROW),
            strength=(1, POSITIVE | ROW),
            shape=(1, POSITIVE | ROW),
            rate=(1, POSITIVE | ROW),
        ),
    ),
    "components.CorrelatedGaussian": lambda: (
        components.CorrelatedGaussian,
        dict(mean=(0, NUMBER | ROW), strength=(1, POSITIVE), cov=([[1]], POSITIVE | POINTS)),
    ),
    "components.SphericalNormalInverseGamma": lambda: (
        components.SphericalNormalInverseGamma,
        dict(
            mean=(0, NUMBER | ROW), strength=(1, POSITIVE), shape=(1, POSITIVE), rate=(1, POSITIVE)
        ),
    ),
    "components.NormalInverseWishart": lambda: (
        components.NormalInverseWishart,
        dict(
            mean=(0, NUMBER | ROW),
            strength=(1, POSITIVE),
            dof=(1, POSITIVE),
            scale=([[1]], POSITIVE | POINTS),
        ),
    ),
    **{
        f"components.{kind}": lambda kind=kind: (
            getattr(components, kind),
            dict(a=(1, POSITIVE | ROW), b=(1, POSITIVE | ROW)),
        )
        for kind in ("BernoulliBeta", "GeometricBeta", "ExponentialGamma", "PoissonGamma")
    },
    "components.CategoricalDirichlet": lambda: (
        components.CategoricalDirichlet,
        dict(alpha=([1, 1], NOTHING)),
    ),
    "components.MultinomialDirichlet": lambda: (
        components.MultinomialDirichlet,
        dict(alpha=([1, 1], NOTHING), total=(1, {"0", "10**15"})),
    ),
    "components.LogNormal": lambda: (
        components.LogNormal,
        dict(family=(components.Gaussian(0, 1, 0.5), NOTHING)),
    ),
    "components.Product": lambda: (
        components.Product,
        dict(families=([components.Gaussian(0, 1, 0.5)], NOTHING)),
    ),
    **{
        name: call
        for kind in ("BernoulliBeta", "CategoricalDirichlet")
        for name, call in methods("components", kind, points={"nested"}).items()
    },
    **methods("components", "GeometricBeta"),
    **methods("components", "LogNormal"),
    **methods("components", "ExponentialGamma"),
    **methods("components", "PoissonGamma"),
    **methods("components", "MultinomialDirichlet", points=NOTHING),
    **methods("components", "Product"),
    "components.WithGaps": lambda: (
        components.WithGaps,
        dict(family=(components.Gaussian(0, 1, 0.5), NOTHING)),
    ),
    **methods("components", "WithGaps", points=POINTS | GAPS),
    **methods("components", "Gaussian"),
    **methods("components", "NormalInverseGamma"),
    **methods("components", "CorrelatedGaussian"),
    **methods("components", "SphericalNormalInverseGamma"),
    **methods("components", "NormalInverseWishart"),
    **{
        f"components.Conjugate.{name}": lambda name=name, a=arguments: (getattr(waiting(), name), a)
        for name, arguments in {
            "sample_prior": dict(size=(3, {"0"}), rng=RNG),
            "log_likelihood": dict(x=([1.0, 2.0], POINTS), theta=([[1.0]], {"nested"})),
            "log_predictive": dict(x=([1.0, 2.0], POINTS), s=([[1.0, 2.0]], NOTHING)),
        }.items()
    },
    # mixture
    "mixture.DPMixture": lambda: (
        mixture.DPMixture,
        dict(alpha=ALPHA, component=(components.Gaussian(0, 1, 0.5), NOTHING)),
    ),
    **{
        f"{name}.{method}": lambda made=made, method=method, a=arguments: (
            getattr(made(), method),
            a,
        )
        for name, made in {"mixture.DPMixture": model, "hyper.HyperMixture": hyper_model}.items()
        for method, arguments in {
            "sample": dict(n=(3, NOTHING), rng=RNG),
            "statistics": dict(
                x=DATA, labels=(LABELS, NOTHING), weights=([3, 0, 1, 0.5], {"None"})
            ),
            "log_joint": dict(x=DATA, labels=(LABELS, NOTHING)),
        }.items()
    },
    "mixture.log_eppf_finite": lambda: (
        mixture.log_eppf_finite,
        dict(sizes=([2, 1], {"2**62"}), alpha=ALPHA, n_components=COUNT),
    ),
    # exact
    "exact.set_partitions": lambda: (exact.set_partitions, dict(n=(3, NOTHING))),
    "exact.posterior": lambda: (exact.posterior, dict(**MODEL, x=DATA)),
    "exact.log_evidence": lambda: (exact.log_evidence, dict(**MODEL, x=DATA)),
    "exact.Posterior.predictive_logpdf": lambda: (posterior().predictive_logpdf, dict(x=DATA)),
    "exact.split_odds": lambda: (exact.split_odds, dict(**MODEL, x=DATA, size=(1, NOTHING))),
    "exact.exact_sweep": lambda: (exact.exact_sweep, dict(posterior=(posterior(), NOTHING))),
    "exact.exact_split_merge": lambda: (
        exact.exact_split_merge,
        dict(posterior=(posterior(), NOTHING), scans=(1, {"0"})),
    ),
    "exact.finite_chain": lambda: (
        exact.finite_chain,
        dict(
            x=([1, 0], NOTHING),
            theta=([Fraction(1, 3), Fraction(2, 3)], NOTHING),
            alpha=(1, POSITIVE),
            m=(1, NOTHING),
            keep=FLAG,
        ),
    ),
    "exact.stationary": lambda: (
        exact.stationary,
        dict(transition=([[Fraction(1, 2)] * 2] * 2, {"nested"})),
    ),
    "exact.exact_autocorrelation": lambda: (
        exact.exact_autocorrelation,
        dict(
            posterior=(posterior(), NOTHING),
            values=(posterior().labels.max(axis=1), NOTHING),
            noise=(1.0, POSITIVE | {"0", "-0.0"}),
            lags=(3, NOTHING),
        ),
    ),
    # chains
    "chains.cycle": lambda: (
        lambda kernel, moves: chains.cycle(kernel, moves),
        dict(kernel=(Bare(), NOTHING), moves=(gibbs.Alpha((1, 1)), NOTHING)),
    ),
    "chains.turns": lambda: (
        lambda kernel, moves: chains.turns(kernel, moves),
        dict(kernel=(Bare(), NOTHING), moves=(gibbs.Alpha((1, 1)), NOTHING)),
    ),
    "chains.run": lambda: (
        chains.run,
        dict(
            kernel=(Bare(), NOTHING),
            n_sweeps=(3, NOTHING),
            rng=RNG,
            start=(LABELS, {"None"}),
            alpha=(1.0, POSITIVE | {"None"}),
            progress=FLAG,
            watch=(None, {"None"} | CALLABLE),
            every=COUNT,
            sampler=("my own", {"text", "digits"}),
        ),
    ),
    "chains.run_many": lambda: (
        chains.run_many,
        dict(
            kernel=(Bare(), NOTHING),
            n_sweeps=(3, NOTHING),
            n_chains=(1, {"10**15"}),
            rng=RNG,
            start=([LABELS], {"None", "objects"}),
            alpha=(1.0, POSITIVE | {"None"}),
            n_jobs=(None, {"None"}),
            map=(map, CALLABLE),
            progress=FLAG,
            watch=(None, {"None"} | CALLABLE),
            every=COUNT,
            sampler=("my own", {"text", "digits"}),
        ),
    ),
    "chains.concatenate": lambda: (
        chains.concatenate,
        dict(chains=([chain(), chain()], NOTHING)),
    ),
    "chains.load": lambda: (chains.load, dict(path=(saved(), {"text", "digits"}))),
    "chains.Chain.save": lambda: (chain().save, dict(path=(saved(), {"text", "digits"}))),
    "chains.Chain.state": lambda: (chain().state, {}),
    "chains.Chain.values": lambda: (walk().values, dict(i=(0, {"0", "-1"}))),
    "chains.Chain.draw_theta": lambda: (chain().draw_theta, dict(rng=RNG)),
    "chains.Chain.predictive_draws": lambda: (chain().predictive_draws, dict(x=DATA, rng=RNG)),
    "chains.Chain.predictive_logpdf": lambda: (chain().predictive_logpdf, dict(x=DATA, rng=RNG)),
    **{
        f"chains.Chain.{name}": lambda name=name: (
            getattr(chain(), name),
            dict(x=DATA, partition=([0] * len(chain().x), NOTHING), rng=RNG),
        )
        for name in ("predict", "predict_proba")
    },
    "chains.Chain.predict_similarity": lambda: (
        chain().predict_similarity,
        dict(x=DATA, rng=RNG),
    ),
    "chains.Chain.density_draws": lambda: (chain().density_draws, dict(x=DATA, rng=RNG)),
    "chains.Chain.scalars": lambda: (
        lambda others: chain().scalars(others),
        dict(others=(chain(), NOTHING)),
    ),
    # gibbs
    "gibbs.Collapsed": lambda: (gibbs.Collapsed, dict(**MODEL, x=DATA, missing=(None, {"None"}))),
    "gibbs.SplitMerge": lambda: (
        gibbs.SplitMerge,
        dict(kernel=(gibbs.Collapsed(model(), X), NOTHING), proposals=COUNT, scans=(2, {"0"})),
    ),
    "gibbs.SplitMerge.sweep": lambda: (
        gibbs.SplitMerge(gibbs.Collapsed(model(), X)).sweep,
        dict(state=(chains.State(np.array([0] * len(X)), 1.0), NOTHING), rng=GENERATOR),
    ),
    "gibbs.Slice": lambda: (
        gibbs.Slice,
        dict(kernel=(gibbs.Collapsed(model(), X), NOTHING)),
    ),
    "gibbs.Alpha": lambda: (gibbs.Alpha, dict(prior=((1, 1), NOTHING))),
    "gibbs.Alpha.sweep": lambda: (
        gibbs.Alpha((1, 1)).sweep,
        dict(state=(chains.State(np.array([0, 0]), 1.0), NOTHING), rng=GENERATOR),
    ),
    "gibbs.Auxiliary": lambda: (
        gibbs.Auxiliary,
        dict(**MODEL, x=DATA, m=(3, NOTHING), step=(0.5, POSITIVE | ROW | {"None"})),
    ),
    "gibbs.Naive": lambda: (gibbs.Naive, dict(**MODEL, x=DATA)),
    "gibbs.Blocked": lambda: (
        gibbs.Blocked,
        dict(
            **MODEL,
            x=DATA,
            truncation=(4, {"None"}),
            reorder=(True, {"True"}),
            alpha_prior=GAMMA,
        ),
    ),
    **kernel("gibbs", "Collapsed", lambda: gibbs.Collapsed(model(), X), "log_joint"),
    **kernel("gibbs", "Slice", lambda: gibbs.Slice(gibbs.Collapsed(model(), X))),
    **kernel("gibbs", "Auxiliary", lambda: gibbs.Auxiliary(model(), X)),
    **kernel("gibbs", "Naive", lambda: gibbs.Naive(model(), X)),
    **kernel("gibbs", "Blocked", lambda: gibbs.Blocked(model(), X, truncation=4)),
    "gibbs.collapsed": lambda: (
        gibbs.collapsed,
        dict(
            **MODEL,
            x=DATA,
            **SAMPLER,
            alpha_prior=GAMMA,
            split_merge=FLAG,
            missing=(None, {"None"}),
        ),
    ),
    "gibbs.auxiliary": lambda: (
        gibbs.auxiliary,
        dict(
            **MODEL,
            x=DATA,
            **SAMPLER,
            m=(3, NOTHING),
            alpha_prior=GAMMA,
            step=(0.5, POSITIVE | ROW | {"None"}),
        ),
    ),
    "gibbs.naive": lambda: (gibbs.naive, dict(**MODEL, x=DATA, **SAMPLER)),
    "gibbs.blocked": lambda: (
        gibbs.blocked,
        dict(
            **MODEL,
            x=DATA,
            **SAMPLER,
            truncation=(4, {"None"}),
            reorder=(True, {"True"}),
            alpha_prior=GAMMA,
        ),
    ),
    "gibbs.sample_alpha": lambda: (
        gibbs.sample_alpha,
        dict(
            alpha=ALPHA,
            num_clusters=(3, NOTHING),
            n=(9, {"10**15"}),
            prior=((1, 1), NOTHING),
            rng=RNG,
        ),
    ),
    # hyper
    "hyper.BasePrior": lambda: (
        hyper.BasePrior,
        dict(
            dof=(4, POSITIVE),
            scale=(1.0, POSITIVE | POINTS),
            strength=((1, 1), NOTHING),
            centre=(0.0, NUMBER | ROW),
            var=(1.0, POSITIVE | {"inf"}),
            scale_dof=(1, POSITIVE | {"None"}),
            covariance=("diagonal", NOTHING),
        ),
    ),
    "hyper.BasePrior.family": lambda: (
        prior().family,
        dict(
            mean=([0.0], NUMBER | ROW),
            strength=(1.0, POSITIVE | ROW),
            scale=([[1.0]], {"nested"}),
        ),
    ),
    "hyper.BasePrior.update": lambda: (
        prior().update,
        dict(theta=([[0.0, 1.0]], NOTHING), strength=(1.0, POSITIVE), rng=RNG),
    ),
    "hyper.HyperMixture": lambda: (hyper.HyperMixture, dict(alpha=ALPHA, prior=(prior(), NOTHING))),
    "hyper.Collapsed": lambda: (
        hyper.Collapsed,
        dict(model=(hyper_model(), NOTHING), x=DATA, missing=(None, {"None"})),
    ),
    **kernel("hyper", "Collapsed", lambda: hyper.Collapsed(hyper_model(), X), "log_joint"),
    "hyper.Base": lambda: (
        hyper.Base,
        dict(kernel=(hyper.Collapsed(hyper_model(), X), NOTHING)),
    ),
    "hyper.Base.sweep": lambda: (
        hyper.Base(hyper.Collapsed(hyper_model(), X)).sweep,
        dict(state=(state(hyper.Collapsed(hyper_model(), X)), NOTHING), rng=GENERATOR),
    ),
    "hyper.kernel": lambda: (
        hyper.kernel,
        dict(
            prior=(prior(), NOTHING),
            x=DATA,
            alpha=ALPHA,
            alpha_prior=GAMMA,
            split_merge=FLAG,
            at_once=(False, {"True", "None"}),
            missing=(None, {"None"}),
        ),
    ),
    "hyper.sample": lambda: (
        hyper.sample,
        dict(
            prior=(prior(), NOTHING),
            x=DATA,
            **SAMPLER,
            alpha=ALPHA,
            alpha_prior=GAMMA,
            split_merge=FLAG,
            missing=(None, {"None"}),
        ),
    ),
    # meanfield
    "meanfield.MeanField": lambda: (
        meanfield.MeanField,
        dict(
            **MODEL,
            statistics=(q().statistics, NOTHING),
            sticks=(q().sticks, NOTHING),
            elbo=(q().elbo, ROW),
            converged=FLAG,
            restart_elbos=(q().restart_elbos, ROW),
            seed=(1, {"None", "0", "10**15", "huge", "long"}),
            version=TEXT,
            alpha_posterior=GAMMA,
        ),
    ),
    "meanfield.MeanField.responsibilities": lambda: (q().responsibilities, dict(x=DATA)),
    **{
        f"meanfield.MeanField.{name}": lambda name=name: (getattr(q(), name), dict(x=DATA))
        for name in ("assign", "predict", "predict_proba")
    },
    "meanfield.MeanField.predict_similarity": lambda: (
        q().predict_similarity,
        dict(x=DATA, old=DATA),
    ),
    "meanfield.MeanField.sample_labels": lambda: (
        q().sample_labels,
        dict(x=DATA, size=(3, NOTHING), rng=RNG),
    ),
    "meanfield.MeanField.predictive_logpdf": lambda: (q().predictive_logpdf, dict(x=DATA)),
    "meanfield.fit": lambda: (
        meanfield.fit,
        dict(
            **MODEL,
            x=DATA,
            truncation=(3, NOTHING),
            rng=RNG,
            tol=(1e-6, POSITIVE | {"0", "-0.0"}),
            max_iter=COUNT,
            restarts=(3, NOTHING),
            init=(None, {"None"}),
            truncated_model=FLAG,
            memoised=FLAG,
            moves=FLAG,
            map=(map, CALLABLE),
            progress=FLAG,
            weights=([3, 0, 1, 0.5], {"None"}),
            checkpoint=(None, {"None", "text", "digits"}),
            checkpoint_every=COUNT,
            alpha_prior=GAMMA,
        ),
    ),
    "meanfield.elbo": lambda: (
        meanfield.elbo,
        dict(
            **MODEL,
            x=(X, NOTHING),
            responsibilities=(q().responsibilities(X), NOTHING),
            sticks=(q().sticks, NOTHING),
            statistics=(q().statistics, NOTHING),
            weights=([3, 0, 1, 0.5], {"None"}),
            alpha_prior=((1, 1), NOTHING),
            alpha_posterior=((3, 2), NOTHING),
        ),
    ),
    # streams
    "streams.Memoised": lambda: (
        streams.Memoised,
        dict(**MODEL, **STREAM, alpha_prior=((2, 4), {"None"})),
    ),
    "streams.Memoised.partial_fit": lambda: (
        memoised().partial_fit,
        dict(x=DATA, name=("b", NAME | {"None"}), weights=([3, 0, 1, 0.5], {"None"})),
    ),
    "streams.Memoised.remove": lambda: (memoised().remove, dict(name=("a", {"text"}))),
    "streams.Memoised.result": lambda: (memoised().result, {}),
    "streams.Stochastic": lambda: (
        streams.Stochastic,
        dict(
            **MODEL,
            size=(9, POSITIVE),
            **STREAM,
            offset=(10, POSITIVE | {"0", "-0.0"}),
            decay=(0.7, NOTHING),
        ),
    ),
    "streams.Stochastic.partial_fit": lambda: (
        streams.Stochastic(model(), 9, truncation=2, rng=1).partial_fit,
        dict(x=DATA, weights=([3, 0, 1, 0.5], {"None"})),
    ),
    "streams.Stochastic.result": lambda: (
        streams.Stochastic(model(), 9, truncation=2, rng=1).partial_fit(X).result,
        {},
    ),
    # partitions
    "partitions.canonical": lambda: (partitions.canonical, dict(labels=(LABELS, POINTS))),
    "partitions.similarity": lambda: (
        partitions.similarity,
        dict(labels=([LABELS, LABELS], POINTS), weights=([1, 2], {"None"})),
    ),
    **{
        f"partitions.{name}": lambda name=name: (
            getattr(partitions, name),
            dict(a=(LABELS, NOTHING), b=([LABELS, LABELS], NOTHING), costs=COSTS),
        )
        for name in ("variation_of_information", "binder")
    },
    "partitions.expected_loss": lambda: (
        partitions.expected_loss,
        dict(
            labels=([LABELS, LABELS], NOTHING),
            centre=(LABELS, NOTHING),
            loss=("vi", NOTHING),
            costs=COSTS,
            weights=([1, 2], {"None"}),
        ),
    ),
    **{
        f"partitions.{name}": lambda name=name: (
            getattr(partitions, name),
            dict(
                labels=([LABELS, LABELS], POINTS),
                loss=("vi", NOTHING),
                costs=COSTS,
                weights=([1, 2], {"None"}),
                rng=RNG,
                restarts=(3, NOTHING),
            ),
        )
        for name in ("point_estimate", "search")
    },
    "partitions.subpartition": lambda: (
        partitions.subpartition,
        dict(
            labels=([LABELS, LABELS], POINTS),
            level=(0.5, {"1e-300"}),
            weights=([1, 2], {"None"}),
            rng=RNG,
            restarts=(3, NOTHING),
        ),
    ),
    "partitions.match": lambda: (
        partitions.match,
        dict(labels=([LABELS, LABELS], NOTHING), centre=(LABELS, NOTHING)),
    ),
    "partitions.credible_ball": lambda: (
        partitions.credible_ball,
        dict(
            labels=([LABELS, LABELS], NOTHING),
            centre=(LABELS, NOTHING),
            level=(0.5, {"1e-300"}),
            loss=("vi", NOTHING),
            weights=([1, 2], {"None"}),
        ),
    ),
    "partitions.seriation": lambda: (
        partitions.seriation,
        dict(similarity=([[1, 0], [0, 1]], {"nested"})),
    ),
    # peaks
    "peaks.ridge": lambda: (
        peaks.ridge,
        dict(mean=([[0.0], [1.0]], {"nested"}), cov=(np.ones((2, 1, 1)), {"cube"})),
    ),
    "peaks.valleys": lambda: (
        peaks.valleys,
        dict(
            weight=([1.0, 2.0], ROW),
            mean=([[0.0], [1.0]], {"nested"}),
            cov=(np.ones((2, 1, 1)), {"cube"}),
        ),
    ),
    "peaks.groups": lambda: (
        peaks.groups,
        dict(
            weight=([1.0, 2.0], ROW),
            mean=([[0.0], [1.0]], {"nested"}),
            cov=(np.ones((2, 1, 1)), {"cube"}),
            share=(0.5, {"1e-300"}),
        ),
    ),
    # diagnostics
    **{
        f"diagnostics.{name}": lambda name=name: (
            getattr(diagnostics, name),
            dict(x=([[1.0, 2, 1, 3], [1, 2, 3, 1]], NOTHING)),
        )
        for name in ("rhat", "autocorrelation", "autocorrelation_time")
    },
    "diagnostics.mcse": lambda: (
        diagnostics.mcse,
        dict(x=([[1.0, 2, 1, 3], [1, 2, 3, 1]], NOTHING), quantile=(0.5, {"None", "1e-300"})),
    ),
    "diagnostics.similarity_mcse": lambda: (
        diagnostics.similarity_mcse,
        dict(labels=([LABELS] * 4, NOTHING)),
    ),
    "diagnostics.ess": lambda: (
        diagnostics.ess,
        dict(x=([[1.0, 2, 1, 3], [1, 2, 3, 1]], NOTHING), kind=("bulk", NOTHING)),
    ),
    "diagnostics.mixing": lambda: (
        diagnostics.mixing,
        dict(quantities=({"K": [[1.0, 2, 1, 3], [1, 2, 3, 1]]}, NOTHING)),
    ),
    "diagnostics.Mixing.fit": lambda: (
        diagnostics.mixing({"K": [[1.0, 2, 1, 3], [1, 2, 3, 1]]}).fit,
        dict(rhat=(1.01, POSITIVE), ess=(400.0, POSITIVE)),
    ),
    "diagnostics.geweke": lambda: (
        diagnostics.geweke,
        dict(
            draw=(lambda rng: (rng.normal(), rng.normal()), CALLABLE),
            step=(lambda theta, x, rng: (rng.normal(), rng.normal()), CALLABLE),
            statistics=(lambda theta, x: [theta, x], CALLABLE),
            n_draws=(9, NOTHING),
            rng=RNG,
            names=(["a", "b"], {"None", "texts"}),
        ),
    ),
    "diagnostics.geweke_mixture": lambda: (
        diagnostics.geweke_mixture,
        dict(
            sampler=(gibbs.collapsed, CALLABLE),
            **MODEL,
            n=(3, NOTHING),
            n_draws=(9, NOTHING),
            rng=RNG,
            alpha_prior=GAMMA,
        ),
    ),
    # predictive
    "predictive.log_score": lambda: (
        predictive.log_score,
        dict(fitted=(chain(), NOTHING), x=DATA, rng=RNG),
    ),
    "predictive.posterior_check": lambda: (
        predictive.posterior_check,
        dict(
            fitted=(q(), NOTHING),
            statistic=(np.max, CALLABLE),
            x=DATA,
            kept=FLAG,
            size=(4, NOTHING),
            rng=RNG,
        ),
    ),
    "predictive.sample": lambda: (
        predictive.sample,
        dict(fitted=(chain(), NOTHING), size=(3, NOTHING), rng=RNG),
    ),
    "predictive.gaussian_shape": lambda: (
        predictive.gaussian_shape,
        dict(x=DATA, size=(4, NOTHING), rng=RNG),
    ),
    # tables
    "tables.prepare": lambda: (
        tables.prepare,
        dict(data=(table(), NOTHING), columns=(["a"], NAMES), rng=RNG, few_values=FLAG, **MARKS),
    ),
    "tables.read_csv": lambda: (
        tables.read_csv,
        dict(
            path=(written(), NOTHING),
            columns=(["a"], {"None", "text"}),
            decimal=(".", {"None"}),
            thousands=(" ", {"None"}),
        ),
    ),
    "tables.standardise": lambda: (
        tables.standardise,
        dict(x=(table(), NOTHING), names=(["a"], NAMES)),
    ),
    "tables.spread_ties": lambda: (
        tables.spread_ties,
        dict(x=(table(), POINTS | {"bools"}), rng=RNG),
    ),
    # show
    "show.table": lambda: (
        show.table,
        dict(names=(["a", "b"], {"texts"}), rows=([[1, 0.5]], NOTHING), digits=(4, {"0"})),
    ),
    # kinds
    "kinds.prepare": lambda: (
        kinds.prepare,
        dict(
            data=(table(), NOTHING),
            columns=(["a"], NAMES),
            kinds=("measurement", {"None"}),
            missing=("ignore", NOTHING),
            rng=RNG,
            **MARKS,
        ),
    ),
    # workflow
    "workflow.default_prior": lambda: (
        workflow.default_prior,
        dict(dim=(2, NOTHING), covariance=("diagonal", NOTHING)),
    ),
    "workflow.analyse": lambda: (
        workflow.analyse,
        dict(
            data=(table(), NOTHING),
            columns=(["a"], NAMES),
            kinds=("measurement", {"None"}),
            missing=("ignore", NOTHING),
            n_sweeps=(8, {"None"}),
            n_chains=(2, NOTHING),
            rng=RNG,
            alpha_prior=((2, 4), {"None"}),
            prior=(prior(), {"None"}),
            covariance=("full", {"None"}),
            n_jobs=(None, {"None"}),
            map=(map, CALLABLE),
            progress=FLAG,
            watch=(None, {"None"} | CALLABLE),
            **MARKS,
        ),
    ),
    "workflow.compare": lambda: (
        workflow.compare,
        dict(
            data=(table(), NOTHING),
            priors=({"a": prior()}, {"None"}),
            columns=(["a"], NAMES),
            folds=(2, NOTHING),
            n_sweeps=(8, {"None"}),
            n_chains=(2, NOTHING),
            rng=RNG,
            alpha_prior=((2, 4), {"None"}),
            n_jobs=(None, {"None"}),
            map=(map, CALLABLE),
        ),
    ),
    "workflow.Comparison.difference": lambda: (
        workflow.Comparison(["a"], np.zeros((1, 4)), np.zeros(4, int), np.ones(1, bool)).difference,
        {},
    ),
    "workflow.reweight": lambda: (
        workflow.reweight,
        dict(
            num_clusters=([1, 1, 2, 2], NOTHING),
            n=(4, {"10**15"}),
            alpha=ALPHA,
            new=((1, 1), POSITIVE),
        ),
    ),
    "workflow.dispersed": lambda: (
        workflow.dispersed,
        dict(n=(9, NOTHING), n_chains=(3, NOTHING), rng=RNG),
    ),
    "workflow.Analysis.prob": lambda: (analysis().prob, dict(k=(3, {"0", "10**15"}))),
    "workflow.Analysis.large": lambda: (analysis().large, dict(share=(0.5, {"1e-300"}))),
    "workflow.Analysis.median_model": lambda: (analysis().median_model, {}),
    "workflow.Analysis.similarity": lambda: (analysis().similarity, {}),
    "workflow.Analysis.density": lambda: (
        analysis().density,
        dict(grid=DATA, level=(0.5, {"1e-300"}), rng=RNG),
    ),
    "workflow.Analysis.predictive_logpdf": lambda: (
        analysis().predictive_logpdf,
        dict(grid=DATA),
    ),
    **{
        f"workflow.{kind}.{name}": lambda made=made, name=name: (
            getattr(made(), name),
            dict(x=DATA),
        )
        for kind, made in (("Analysis", analysis), ("Approximation", approximation))
        for name in ("predict", "predict_proba", "predict_similarity")
    },
    "workflow.Approximation.predictive_logpdf": lambda: (
        approximation().predictive_logpdf,
        dict(grid=DATA),
    ),
    "workflow.Analysis.save": lambda: (
        analysis().save,
        dict(path=(pathlib.Path(folder().name) / "analysis.npz", {"text", "digits"})),
    ),
    "workflow.Approximation.save": lambda: (
        approximation().save,
        dict(path=(pathlib.Path(folder().name) / "approximation.npz", {"text", "digits"})),
    ),
    "workflow.load": lambda: (workflow.load, dict(path=(kept(), {"text", "digits"}))),
    "workflow.Analysis.plot": lambda: (two_columns().plot, dict(what=WHAT, **SCATTER, ax=AX)),
    # Of one column, and without certainty.
    "workflow.Approximation.plot": lambda: (
        approximation().plot,
        dict(what=WHAT, pair=(None, {"None"}), certain=(None, {"None"}), ax=AX),
    ),
    # report
    "report.html": lambda: (
        report.html,
        dict(result=(analysis(), NOTHING), title=TEXT, code=("a", {"None", "text", "digits"})),
    ),
    "report.fragment": lambda: (report.fragment, dict(result=(analysis(), NOTHING))),
    # datasets
    **{
        f"datasets.{n}": lambda n=n: (getattr(datasets, n), {})
        for n in "galaxies faithful neal death_notices role_conflict penguins".split()
    },
}

# Figures take ax=None or Axes, always.
ROWS = {"a": [1.0, 2.0], "b": [2.0, 3.0]}, NOTHING
PAIR = [1.0, 2.0], NOTHING
SCATTER = {
    "pair": ((0, 1), {"generator", "None"}),
    "certain": (0.5, {"None", "0", "-0.0", "1e-300", "0-d"}),
}
FIT = selection.Fit(np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1)), 0.0, 2, 0.0, 1)
FIGURES = {
    "plotting.answer": dict(result=(two_columns, NOTHING), **SCATTER),
    "plotting.components": dict(result=(two_columns, NOTHING)),
    "plotting.parallel": dict(result=(two_columns, NOTHING)),
    "plotting.cluster_laws": dict(laws=ROWS),
    "plotting.densities": dict(grid=PAIR, curves=ROWS, x=(X, ROW | {"None"})),
    "plotting.density_bands": dict(
        grid=PAIR, draws=([[1, 2], [2, 3]], NOTHING), exact=PAIR, x=(X, ROW)
    ),
    "plotting.traces": dict(traces=ROWS, ylabel=TEXT),
    "plotting.replicates": dict(
        replicated=({"a": [1.0, 2.0]}, NOTHING), observed=(1.5, NUMBER), xlabel=TEXT
    ),
    "plotting.autocorrelations": dict(estimates=ROWS, exact=([1, 0.5], ROW | {"None"})),
    "plotting.similarity_heatmap": dict(
        similarity=([[1, 0], [0, 1]], {"nested"}), labels=([0, 1], {"None"})
    ),
    "plotting.partition_panels": dict(
        x=([[0, 0], [1, 1]], NOTHING), partitions=({"a": [0, 0], "b": [0, 1]}, NOTHING)
    ),
    "figures.process.ternary": dict(points=([[0.5, 0.5, 0]], NOTHING), label=TEXT),
    "figures.process.unit_bars": dict(groups=({"a": [[0.5, 0.5]]}, NOTHING)),
    "figures.process.gamma_shares": dict(gammas=([[1, 2, 1.5]], {"nested"})),
    "figures.process.cell_masses": dict(edges=([0, 1, 2], NOTHING), masses=PAIR, label=TEXT),
    "figures.process.cell_draws": dict(masses=([[0.5, 0.5]], NOTHING), base=PAIR),
    "figures.process.random_cdfs": dict(
        x=PAIR, cdfs=([[0.5, 1]], NOTHING), base_cdf=PAIR, label=TEXT
    ),
    "figures.process.beta_densities": dict(h=(0.5, {"1e-300"}), alphas=([1, 2], ROW)),
    "figures.process.base_and_spikes": dict(alpha=ALPHA, base=(NORMAL, NOTHING), theta=(X, ROW)),
    "figures.process.posterior_bands": dict(
        alpha=ALPHA,
        base=(NORMAL, NOTHING),
        theta=([0.5, 1], ROW),
        sizes=([0, 2], NOTHING),
        truth=(None, {"None"} | CALLABLE),
    ),
    "figures.process.posterior_of_set": dict(
        alpha=ALPHA, h=(0.5, {"1e-300"}), inside=(3, {"0", "10**15"}), outside=(3, {"0", "10**15"})
    ),
    "figures.process.urn_path": dict(theta=(X, ROW)),
    "figures.process.urn_shares": dict(shares=([[1, 0.5]], {"nested"}), limits=(None, {"None"})),
    "figures.clusters.restaurant": dict(labels=(LABELS, NOTHING)),
    "figures.clusters.next_table": dict(labels=(LABELS, NOTHING), alpha=ALPHA),
    "figures.clusters.sampled_partitions": dict(
        x=([[0, 0], [1, 1]], NOTHING), draws=([[0, 0]], NOTHING), law=([0, 1], NOTHING)
    ),
    "figures.clusters.table_shares": dict(labels=(LABELS, NOTHING), max_tables=COUNT),
    "figures.clusters.observed_and_exact": dict(
        names=(["a", "b"], {"texts"}), observed=PAIR, error=PAIR, exact=PAIR, label=TEXT
    ),
    "figures.clusters.forest": dict(parents=([0, 0], NOTHING)),
    "figures.clusters.tables_growth": dict(n=(9, NOTHING), alphas=([1, 2], ROW), rng=RNG),
    "figures.clusters.tables_mean_bounds": dict(alpha=ALPHA),
    "figures.clusters.tables_law": dict(law=(clusters.NumClusters(9, 2.0), NOTHING)),
    "figures.clusters.approximation_errors": dict(n=PAIR, errors=ROWS),
    "figures.clusters.estimate_law": dict(alpha=(1.0, POSITIVE), sizes=([10, 100], NOTHING)),
    "figures.clusters.null_histogram": dict(values=(X, ROW), observed=(0.5, NUMBER), label=TEXT),
    "figures.clusters.stick_pieces": dict(groups=({"a": [[0.5, 0.5]]}, NOTHING)),
    "figures.clusters.half_line": dict(breaks=([0.5, 1], ROW), points=([0.5, 1], ROW)),
    "figures.clusters.measure_cdfs": dict(
        measures=({"a": HALVES}, NOTHING), base=(NORMAL, NOTHING)
    ),
    "figures.clusters.log_curves": dict(x=PAIR, curves=ROWS, xlabel=TEXT, ylabel=TEXT),
    "figures.clusters.chain_speed": dict(
        chains=({"a": [1.0, 2, 1, 3]}, NOTHING), seconds=({"a": 1.0}, {"dict"})
    ),
    "figures.clusters.growth_band": dict(paths=([[1, 2], [1, 1]], NOTHING), alpha=ALPHA),
    "figures.sampling.mixture_draws": dict(
        draws=({1.0: ([[0.0], [1.0]], [0, 1], [[0.0], [1.0]])}, NOTHING)
    ),
    "figures.sampling.similarity_table": dict(similarity=([[1, 0], [0, 1]], NOTHING), x=PAIR),
    "figures.sampling.certain_points": dict(
        x=([[0, 0], [1, 1], [2, 2]], NOTHING), labels=([0, 1, -1], NOTHING)
    ),
    "figures.sampling.predictive_density": dict(
        grid=PAIR, logpdf=PAIR, prior_logpdf=PAIR, x=(X, ROW)
    ),
    "figures.sampling.jensen": dict(concentration=ALPHA, others=(1.0, POSITIVE), values=PAIR),
    "figures.sampling.geweke_scores": dict(scores=ROWS, names=(["a", "b"], {"texts"})),
    "figures.sampling.one_cluster_fading": dict(n=PAIR, one=PAIR, error=PAIR, outside=PAIR),
    "figures.sampling.elbo_traces": dict(traces=ROWS, log_evidence=(1.0, NUMBER | {"None"})),
    "figures.sampling.elbo_by_truncation": dict(
        truncations=PAIR, full=PAIR, truncated=PAIR, log_evidence=(1.0, NUMBER)
    ),
    "figures.sampling.bound_by_pass": dict(
        plain=([1, 2], ROW), memoised=([1, 2, 3], ROW), n_blocks=COUNT
    ),
    "figures.sampling.blurred_atoms": dict(
        measure=(measures.Discrete([0.0, 1.0], [0.5, 0.5]), NOTHING),
        theta=([0.0, 1.0], NOTHING),
        x=PAIR,
        noise_sd=ALPHA,
        label=TEXT,
    ),
    "figures.sampling.reseating": dict(
        others=PAIR, labels=([0, 1], NOTHING), point=(0.5, NUMBER), chances=([0.5, 0.5, 0], NOTHING)
    ),
    "figures.sampling.draws_and_report": dict(
        draws=([[0, 1], [0, 0]], NOTHING), report=([0, 0], NOTHING), together=([0.5], ROW)
    ),
    "figures.sampling.stick_and_atoms": dict(
        weights=([0.5, 0.25], NOTHING), atoms=PAIR, base=(stats.norm(), NOTHING)
    ),
    "figures.sampling.number_of_clusters": dict(laws=({"a": [0, 0.5, 0.5]}, NOTHING)),
    "figures.practice.data_and_fits": dict(x=(X, ROW), fits=({"a": FIT}, NOTHING)),
    "figures.practice.growth_in_log_n": dict(
        n=PAIR, values=({"a": [[1, 2], [2, 3]]}, NOTHING), lines=({"b": 1.0}, {"dict"}), ylabel=TEXT
    ),
    "figures.practice.laws_with_errors": dict(
        laws=({"a": ([0, 1.0], [0, 0.1]), "b": ([0, 1.0], None)}, NOTHING)
    ),
    "figures.practice.sensitivity": dict(
        alphas=PAIR, draws=({"a": [[1, 2], [2, 3]]}, NOTHING), prior=([1, 2], {"None"})
    ),
    "figures.practice.scores": dict(rows=ROWS),
    "figures.practice.seconds": dict(n=PAIR, times=ROWS),
    "figures.practice.data": dict(x=(X, ROW), xlabel=TEXT),
    "figures.practice.table": dict(
        x=([[1, np.nan], [2, 3]], GAPS | {"bools"}),
        names=(["a", "b"], {"texts"}),
        groups=({"g": 1, "h": 1}, NOTHING),
    ),
    "figures.practice.counts": dict(x=([0, 1, 1], ROW), laws=ROWS),
    "figures.practice.filled_in": dict(x=([[1, np.nan], [2, 3]], GAPS | {"bools"})),
    "figures.practice.bars": dict(values=([1, 2], ROW), xlabel=TEXT, ylabel=TEXT),
    "figures.practice.near_truth": dict(
        weights=([0, 0.5], {"bools"}), levels=([0.5, 0.1], ROW), half=(2.0, POSITIVE)
    ),
}


def figure(name, arguments):
    room, function = name.rsplit(".", 1)
    room = plotting if room == "plotting" else getattr(figures, room.split(".")[1])
    made = {key: (v() if v is two_columns else v, taken) for key, (v, taken) in arguments.items()}
    ax = {} if function == "partition_panels" else {"ax": AX}
    return getattr(room, function), made | ax


CALLS |= {name: partial(figure, name, arguments) for name, arguments in FIGURES.items()}
CALLS |= {
    "plotting.use_style": lambda: (plotting.use_style, {}),
    "figures.practice.running_times": lambda: (
        figures.practice.running_times,
        dict(sizes=([20], NOTHING), truncation=(2, NOTHING), rng=RNG),
    ),
}

RECORDS = {  # what functions return: their constructors put things together, and check nothing
    "clusters.HomozygosityTest",
    "selection.Fit",
    "exact.Posterior",
    "chains.State",
    "chains.Chain",
    "partitions.CredibleBall",
    "partitions.PointEstimate",
    "partitions.Subpartition",
    "diagnostics.Geweke",
    "diagnostics.Mixing",
    "predictive.Score",
    "predictive.Check",
    "predictive.Shape",
    "workflow.Approximation",
    "tables.Table",
    "show.Listing",
    "kinds.Column",
    "kinds.Kinds",
    "workflow.Analysis",
    "workflow.Clusters",
    "workflow.Sensitivity",
    "workflow.Comparison",
}
OLD = {"chains.Chain.to_dict"}
# Unchecked, as its documentation says: a sampler calls it in every sweep.
UNCHECKED = {"rebased"}


def doors():
    """Yield the name and the function of every public door, and of methods without the object."""
    for room in dpnotes.__all__:
        module = getattr(dpnotes, room)
        rooms = {room: module}
        if room == "figures":
            rooms = {f"figures.{part}": getattr(module, part) for part in module.__all__}
        for room, module in rooms.items():
            own = [n for n, v in vars(module).items() if of(module, v) and not n.startswith("_")]
            for name in getattr(module, "__all__", own):
                thing = getattr(module, name)
                if not inspect.isclass(thing):
                    yield f"{room}.{name}", thing
                elif not getattr(thing, "_is_protocol", False):
                    yield from class_doors(f"{room}.{name}", thing)


def of(module, thing):
    return callable(thing) and getattr(thing, "__module__", None) == module.__name__


def class_doors(name, kind):
    if name not in RECORDS and kind is not components.Conjugate:
        yield name, kind
    for method in dir(kind):
        value = inspect.getattr_static(kind, method)
        skipped = method.startswith("_") or method in UNCHECKED or hasattr(tuple, method)
        if inspect.isfunction(value) and not skipped:
            yield f"{name}.{method}", value


DOORS = {name: door for name, door in doors() if name not in OLD}


def arguments_of(door):
    return [name for name in inspect.signature(door).parameters if name != "self"]


@pytest.fixture(scope="module", autouse=True)
def not_compiled():
    """Loops over four points run as they stand: to compile them takes longer than all the tests.

    A chain is the same either way (test_sweeps.py).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_sweeps, "compiled", lambda *parts: None)
        # Without a number of sweeps a run goes on until it may be reported; here it need not.
        patch.setattr(workflow, "MOST_SWEEPS", 60)
        patch.setattr(workflow, "STEP", 10)
        yield


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    """Files that a call writes go to a folder of their own, and figures are closed."""
    monkeypatch.chdir(folder().name)
    yield
    plt.close("all")


def values(arguments):
    return {name: value for name, (value, _) in arguments.items()}


@pytest.mark.parametrize("name", DOORS)
def test_every_door_and_every_argument_is_in_the_table(name):
    _, arguments = CALLS[name]()
    assert sorted(arguments) == sorted(arguments_of(DOORS[name]))


def test_the_table_names_nothing_else():
    assert CALLS.keys() == DOORS.keys()


def not_a_number(result):
    """Whether a result has a NaN in it, as far as one can look into it."""
    if isinstance(result, dict):
        return any(map(not_a_number, result.values()))
    if isinstance(result, (list, tuple)):
        return any(map(not_a_number, result))
    if isinstance(result, (float, np.ndarray, np.floating)):
        result = np.asarray(result)
        return result.dtype.kind == "f" and bool(np.isnan(result).any())
    return False


@pytest.mark.parametrize("name", DOORS)
def test_valid_arguments_are_taken(name):
    call, arguments = CALLS[name]()
    with np.errstate(all="raise"):
        result = call(**values(arguments))
    assert not_a_number(result) == (name == "datasets.penguins")  # which has gaps


@pytest.mark.parametrize("name", DOORS)
def test_an_argument_that_is_none_is_a_wrong_call(name):
    call, arguments = CALLS[name]()
    with pytest.raises(TypeError):
        call(**values(arguments), no_such_argument=1)


def found(call, arguments, name, value):
    """What a call says to a value: taken, NaN, or its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            result = call(**{**values(arguments), name: value})
        return "NaN" if not_a_number(result) else "taken"
    except ValueError as error:
        return str(error)
    except Exception as error:
        return repr(error)


# What a message calls an argument: a table's columns have names of their own.
CALLED = {"data": r"data|x|[^=]*, row 1", "x": r"x|[^=]*, row 1", "path": "path|header"}


@pytest.mark.parametrize(
    ("name", "argument"),
    [(name, argument) for name, door in DOORS.items() for argument in arguments_of(door)],
)
def test_nonsense_is_refused_by_name(name, argument):
    call, arguments = CALLS[name]()
    wrong = []
    for kind, value in nonsense().items():
        said = found(call, arguments, argument, value)
        blamed = [argument, CALLED.get(argument, argument), *(arguments if kind in FITS else [])]
        if kind == "class" and kind in arguments[argument][1]:
            continue  # the error is the class's own
        if re.match(rf"({'|'.join(blamed)})(\[.*\])*(\.component)? = .*: expected ", said):
            continue
        valid, taken = arguments[argument]
        # Bools are numbers in an array, where they count.
        listed = kind == "bools" and isinstance(valid, (list, np.ndarray))
        if said != "taken" or not (kind in taken or listed):
            wrong.append(f"{kind}: {said[:200]}")
    assert not wrong, "\n".join(["", *wrong])


def far(size=3 * 10**7):
    """So many points that take no room."""
    return np.broadcast_to(0.5, size)


def many(n=10**5):
    """Two draws of n clusters."""
    return np.arange(2 * n).reshape(2, n)


def whole(n=16_000):
    return np.broadcast_to(1.0, (n, n))


# Work that would not end, or not find room: refused with its size, before it begins.
HUGE = {
    "chains.run": (lambda: chains.run(Bare(), 2**31), "n_sweeps"),
    "chains.run_many": (lambda: chains.run_many(Bare(), 2**28), "n_sweeps"),
    "gibbs.collapsed": (lambda: gibbs.collapsed(model(), X, 2**31), "n_sweeps"),
    "gibbs.auxiliary": (lambda: gibbs.auxiliary(model(), X, 3, m=10**9), "m"),
    "hyper.sample": (lambda: hyper.sample(prior(), X, 2**31), "n_sweeps"),
    "workflow.analyse": (lambda: workflow.analyse(table(), n_sweeps=10**9), "n_sweeps"),
    "workflow.dispersed": (lambda: workflow.dispersed(10**8, 4), "n_chains"),
    "workflow.reweight": (
        lambda: workflow.reweight([1, 1, 1, 10**9], 10**9, 1.0, (1, 1)),
        "num_clusters",
    ),
    "Chain.predictive_draws": (lambda: chain().predictive_draws(far()), "x"),
    "Chain.predictive_logpdf": (lambda: chain().predictive_logpdf(far()), "x"),
    "Chain.density_draws": (lambda: chain().density_draws(far()), "x"),
    "MeanField.sample_labels": (lambda: q().sample_labels(X, 10**9), "size"),
    "partitions.similarity": (lambda: partitions.similarity(many()), "labels"),
    "partitions.point_estimate": (lambda: partitions.point_estimate(many()), "labels"),
    "partitions.match": (lambda: partitions.match(many(), many()[0]), "labels"),
    "diagnostics.similarity_mcse": (
        lambda: diagnostics.similarity_mcse(np.broadcast_to(0, (4, 16_000))),
        "labels",
    ),
    "partitions.seriation": (lambda: partitions.seriation(whole()), "similarity"),
    "plotting.similarity_heatmap": (lambda: plotting.similarity_heatmap(whole()), "similarity"),
    "exact.split_odds": (lambda: exact.split_odds(model(), np.arange(60.0), size=30), "size"),
    "exact.finite_chain": (
        lambda: exact.finite_chain([1, 0], [Fraction(1, 3), Fraction(2, 3)], m=40),
        "m",
    ),
    "exact.finite_chain, fewer": (
        lambda: exact.finite_chain([1, 0], [Fraction(1, 3), Fraction(2, 3)], m=17),
        "m",
    ),
    "exact.finite_chain, states": (
        lambda: exact.finite_chain([1, 0, 1], [Fraction(k, 9) for k in range(1, 9)]),
        "theta",
    ),
    "exact.exact_autocorrelation": (
        lambda: exact.exact_autocorrelation(
            posterior(), posterior().labels.max(axis=1), lags=10**9
        ),
        "lags",
    ),
    "diagnostics.geweke_mixture": (
        lambda: diagnostics.geweke_mixture(gibbs.collapsed, model(), 3, 10**9),
        "n_draws",
    ),
    "components.prior_draws": (lambda: components.prior_draws(Walk(), 10**9), "size"),
    "crp.sample_sizes": (lambda: crp.sample_sizes(10**9, 1e8), "alpha"),
    "clusters.stirling": (lambda: clusters.stirling(2**31), "n"),
    "NumClusters.cdf": (lambda: clusters.NumClusters(2**53, 1e15).cdf(3), "alpha"),
    "sticks.truncation_distance": (lambda: sticks.truncation_distance(1.0, 5, 2**31), "n"),
    "figures.clusters.tables_growth": (
        lambda: figures.clusters.tables_growth(10**12, [1.0]),
        "n",
    ),
    "figures.clusters.estimate_law": (
        lambda: figures.clusters.estimate_law(1e6, [10**12]),
        "alpha",
    ),
}


@pytest.mark.parametrize("name", HUGE)
def test_work_that_would_not_end_is_refused_with_its_size(name):
    call, argument = HUGE[name]
    with pytest.raises(ValueError, match=rf"^{argument} = .*: expected .*\d"):
        call()


class Strange(Bare):
    """A kernel that returns something else."""

    def __init__(self, **change):
        self.__dict__.update(change)

    def sweep(self, state, rng):
        return self.returned(state)


def eager(function, tasks):
    return list(map(function, tasks))


def changed(**change):
    return lambda: chains.run(Strange(returned=lambda state: state._replace(**change)), 3)


# Points whose spread in a block is rounded away, at the scale of this noise.
NARROW = mixture.DPMixture(1.0, components.Gaussian(1.0, 1e18, 1e-180))
LOST = np.array([0.4, 0.2, 0.2, 0.2])

MISUSED = {
    "a scale of two columns for one": (
        lambda: prior().family([0.0], 1.0, np.eye(2)),
        r"scale = array of shape \(2, 2\)",
    ),
    "means of two columns for one": (
        lambda: prior().family([0.0, 1.0], 1.0, [[1.0]]),
        r"mean = array of shape \(2,\)",
    ),
    "a centre beyond floats": (
        lambda: hyper.BasePrior(4, 1.0, (1, 1), centre=1.7e308),
        "centre = 1.7e",
    ),
    "a strength beyond floats": (
        lambda: hyper.BasePrior(4, 1.0, (1e-200, 1e200)),
        "strength = ",
    ),
    "too many points to list partitions": (
        lambda: exact.posterior(model(), np.arange(11.0)),
        "x = 11 points",
    ),
    "too many points for the recursion": (
        lambda: exact.log_evidence(model(), np.arange(16.0)),
        "x = 16 points",
    ),
    "too many tosses": (lambda: exact.finite_chain([1] * 9, [Fraction(1, 2)]), "x = 9 points"),
    "too many partitions": (lambda: exact.set_partitions(11), "n = 11"),
    "too few points to split": (
        lambda: exact.exact_split_merge(exact.posterior(model(), [1.0])),
        "posterior = one of 1 points",
    ),
    **{
        f"lost digits in {name}": (call, "x = sums of squares so large that no digits are left")
        for name, call in {
            "posterior": lambda: exact.posterior(NARROW, LOST),
            "log_evidence": lambda: exact.log_evidence(NARROW, LOST),
            "split_odds": lambda: exact.split_odds(NARROW, LOST),
            "log_joint": lambda: NARROW.log_joint(LOST, [0, 1, 1, 1]),
        }.items()
    },
    "sums of features of no points": (
        lambda: meanfield.elbo(model(), X, np.full((4, 1), 1.0), [[1, 1]], [[1e200, 1e200, 1]]),
        "statistics = ",
    ),
    "covariance matrices too narrow for floats": (
        lambda: gibbs.auxiliary(
            mixture.DPMixture(1.0, components.NormalInverseWishart([0, 0], 1, 1.001, np.eye(2))),
            np.column_stack([X, X]),
            50,
            rng=1,
        ),
        "dof = 1.001",
    ),
    "no State": (lambda: chains.run(Strange(returned=lambda state: 1), 3), "kernel.sweep = 1"),
    "other labels": (changed(labels=np.zeros(3, int)), "state.labels = array"),
    "labels that are no integers": (changed(labels=np.zeros(4)), "state.labels = array"),
    "no number": (changed(alpha="x"), "state.alpha = 'x'"),
    "a number out of range": (changed(alpha=0.0), "state.alpha = 0.0"),
    "parameters for no cluster": (changed(theta=np.zeros((9, 1))), "state.theta = 9 parameters"),
    "a class": (lambda: chains.run(Bare, 3), "kernel = <class"),
    "workers twice": (lambda: chains.run_many(Bare(), 3, n_jobs=2, map=eager), "n_jobs = 2"),
    "no chain": (lambda: chains.run_many(Bare(), 3, start=[]), r"start = \[\]"),
    "one chain alone": (
        lambda: diagnostics.mixing({"K": [1.0, 2.0, 1.0, 3.0]}),
        r"quantities\['K'\] = 1 chain",
    ),
    "no such kind": (lambda: diagnostics.ess(np.arange(9.0), kind="mode"), "kind = 'mode'"),
    "no data": (lambda: chains.run(Strange(x=[1, 2]), 3), "kernel.x = list"),
    "no kernel": (lambda: chains.run(gibbs.Alpha((1, 1)), 3), "kernel = <dpnotes.gibbs.Alpha"),
    "no folder": (lambda: chain().save("nowhere/chain.npz"), "path = .*nowhere/chain.npz"),
    "no path": (lambda: chains.load(5), "path = 5"),
    "no columns": (lambda: two_columns().density([1.0, 2.0]), "grid = array of shape"),
    "more than all": (lambda: two_columns().large(share=2), "share = 2"),
    "no such column": (lambda: plotting.answer(two_columns(), pair=(0, 5)), r"pair = \(0, 5\)"),
    "no whole number": (lambda: workflow.reweight([1, 1.7, 2, 2], 4, 1.0, 2.0), "num_clusters = "),
    "a ratio beyond floats": (lambda: sticks.truncation_ratio([[0, 0, 0]], 1e300, 2), "alpha = 1e"),
    "a family that is not conjugate": (
        lambda: gibbs.collapsed(mixture.DPMixture(1.0, Walk()), X, 3),
        "model.component = ",
    ),
}


# Families of Gaussians with one column and variances unknown.
UNKNOWN = ["NormalInverseGamma", "SphericalNormalInverseGamma", "NormalInverseWishart"]


@pytest.mark.parametrize("kind", UNKNOWN)
@pytest.mark.parametrize("name", ["sample_data", "natural", "log_likelihood", "log_prior"])
@pytest.mark.parametrize("theta", [[[0.0, -0.5]], [[0.0, 0.0]], [[0.0, np.inf]]])
def test_parameters_that_are_no_variances_are_refused(kind, name, theta):
    call, arguments = family(kind)[name]
    given = {key: value for key, (value, _) in arguments.items()} | {"theta": theta}
    if kind != "NormalInverseWishart" and name.startswith("log") and np.isfinite(theta).all():
        assert (call(**given) == -np.inf).all()  # for a walk, which may propose one
        return
    with pytest.raises(ValueError, match="^theta = .*: expected "):
        call(**given)


def test_matrices_that_are_not_positive_definite_are_refused():
    made = components.NormalInverseWishart([0, 0], 1, 3, np.eye(2))
    theta = [[0.0, 0.0, 1.0, 2.0, 2.0, 1.0]]  # invertible all the same
    for call in (made.sample_data, made.natural, made.log_prior):
        with pytest.raises(ValueError, match="^theta = .*: expected .*positive definite"):
            call(theta)
    with pytest.raises(ValueError, match="^theta = .*: expected .*positive definite"):
        made.log_likelihood([[0.0, 0.0]], theta)


@pytest.mark.parametrize("kind", ["Gaussian", *UNKNOWN])
@pytest.mark.parametrize("name", ["log_marginal", "log_predictive", "sample", "expected_natural"])
@pytest.mark.parametrize(
    "s", [[1e285, 1e285, 1e285], [1e-117, 2e283, 4e-113], [1e100, 1e160, 1e190], [3e16, 0, 0]]
)
def test_statistics_of_no_points_are_refused(kind, name, s):
    call, arguments = family(kind)[name]
    given = {key: value for key, (value, _) in arguments.items()} | {"s": [s]}
    with pytest.raises(ValueError, match="^s = .*: expected sums over at most"):
        call(**given)


@pytest.mark.parametrize("value", [5e-324, 1e-301, 2e300, 1.7e308])
def test_scales_whose_inverse_or_sum_is_no_float_are_refused(value):
    made = {
        "var": lambda: components.Gaussian(0, value, 1),
        "noise_var": lambda: components.Gaussian(0, 1, value),
        "strength": lambda: components.NormalInverseGamma(0, value, 1, 1),
        "shape": lambda: components.NormalInverseGamma(0, 1, value, 1),
        "rate": lambda: components.NormalInverseGamma(0, 1, 1, value),
        "dof": lambda: components.NormalInverseWishart(0, 1, value, 1),
        "scale": lambda: components.NormalInverseWishart(0, 1, 1, value),
    }
    for name, make in made.items():
        with pytest.raises(ValueError, match=f"^{name} = .*: expected from 1e-300 to 1e\\+300"):
            make()


@pytest.mark.parametrize("name", MISUSED)
def test_what_is_misused_is_named(name):
    call, words = MISUSED[name]
    with pytest.raises(ValueError, match=f"^{words}.*: expected "):
        call()
