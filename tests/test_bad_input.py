"""Every public function refuses nonsense in every argument, by a ValueError that names it."""

import re
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from dpnotes import clusters, components, crp, exact, gibbs, meanfield, measures, mixture
from dpnotes import process, selection, sticks

NONSENSE = {
    "None": None,
    "text": "a",
    "digits": "1",
    "texts": ["1", "2"],
    "empty": [],
    "nested": [[1]],
    "ragged": [[1], [1, 2]],
    "nan": float("nan"),
    "nans": [float("nan")],
    "inf": float("inf"),
    "-1": -1,
    "0": 0,
    "True": True,
    "1.5": 1.5,
    "complex": 1j,
    "object": object(),
    "objects": [None],
    "huge": 10**400,
    "huges": [10**400],
    "long": 10**5000,
    "2**63": [2**63],
    "2**62": [2**62],
    "cube": np.zeros((2, 3, 1)),
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "dict": {"a": 1},
}
# What some arguments take all the same.
NONE = set()
NUMBER = {"1.5", "0", "-1"}
POSITIVE = {"1.5"}
FROM_0 = {"0"}
# What is right in itself but has the wrong length for the other arguments.
FITS = {"empty", "nested", "2**62", "2**63"}
POINTS = {"nested", "2**62", "2**63"}
SIZE = {"None", "0", "empty"}
ALPHA = (2.0, POSITIVE)
COUNT = (3, NONE)
X = np.array([-1.0, 0.2, 0.4, 1.0])
COLUMN = (X, POINTS)

HALVES = measures.Discrete([0, 1], [0.5, 0.5])
MIXED = measures.Mixture([0.5, 0.5], [stats.norm(), HALVES])
LAW = process.Dirichlet([1, 2])
DP = process.DirichletProcess(2, stats.norm())
K = clusters.NumClusters(9, 2.0)
GAUSSIAN = components.Gaussian(0, 1, 0.5)
STUDENT = components.NormalInverseGamma(0, 1, 2, 1)
WISHART = components.NormalInverseWishart(0, 1, 2, 1)
MODEL = mixture.DPMixture(1.0, GAUSSIAN)
CHAIN = gibbs.collapsed(MODEL, X, 5, rng=1)
WALK = gibbs.auxiliary(MODEL, X, 5, rng=1)
POSTERIOR = exact.posterior(MODEL, X)
Q = meanfield.fit(MODEL, X, truncation=2, rng=1)
HALF = [[Fraction(1, 2)] * 2] * 2
EDGES = ([0.0], {"empty", "2**62", "2**63"})
MODULES = [clusters, components, crp, exact, gibbs, meanfield, measures, mixture, process]
MODULES += [selection, sticks]


def component(name, family, points):
    """The methods of a family, on statistics s and parameters theta of the right shape."""
    s = family.features(X)
    theta = family.sample(s, 1), ({"nested"} if name == "Gaussian" else NONE)
    x, s = (X, points), (s, NONE)
    return {
        f"{name}.features": (family.features, dict(x=x)),
        f"{name}.log_marginal": (family.log_marginal, dict(s=s)),
        f"{name}.log_predictive": (family.log_predictive, dict(x=(X, POINTS), s=s)),
        f"{name}.sample": (family.sample, dict(s=s)),
        f"{name}.sample_data": (family.sample_data, dict(theta=theta)),
        f"{name}.natural": (family.natural, dict(theta=theta)),
        f"{name}.expected_natural": (family.expected_natural, dict(s=s)),
        f"{name}.log_prior": (family.log_prior, dict(theta=theta)),
        f"{name}.log_likelihood": (family.log_likelihood, dict(x=x, theta=theta)),
    }


CALLS = {
    "measures.prob": (measures.prob, dict(measure=(stats.norm(), NONE), edges=EDGES)),
    "measures.Discrete": (
        measures.Discrete,
        dict(atoms=([0.0, 1.0], NONE), weights=([0.5, 0.5], NONE)),
    ),
    "Discrete.prob": (HALVES.prob, dict(edges=EDGES)),
    "Discrete.cdf": (HALVES.cdf, dict(x=([0.5], NUMBER | POINTS | {"inf", "cube", "empty"}))),
    "Discrete.pmf": (HALVES.pmf, dict(x=([0.5], NUMBER | POINTS | {"inf", "cube", "empty"}))),
    "Discrete.rvs": (HALVES.rvs, dict(size=(3, SIZE))),
    "measures.Mixture": (
        measures.Mixture,
        dict(weights=([0.5, 0.5], NONE), parts=([stats.norm(), HALVES], NONE)),
    ),
    "Mixture.prob": (MIXED.prob, dict(edges=EDGES)),
    "Mixture.cdf": (MIXED.cdf, dict(x=([0.5], NUMBER | POINTS | {"inf", "cube", "empty"}))),
    "Mixture.rvs": (MIXED.rvs, dict(size=(3, SIZE))),
    "crp.seat_probs": (crp.seat_probs, dict(sizes=([2, 1], {"2**62"}), alpha=ALPHA)),
    "crp.log_rising": (crp.log_rising, dict(alpha=ALPHA, n=COUNT)),
    "crp.log_eppf": (crp.log_eppf, dict(sizes=([2, 1], {"2**62"}), alpha=ALPHA)),
    "crp.eppf": (crp.eppf, dict(sizes=([2, 1], NONE), alpha=ALPHA)),
    "crp.log_ewens": (crp.log_ewens, dict(counts=([2, 1], {"2**62"}), alpha=ALPHA)),
    "crp.tables": (crp.tables, dict(parents=([0, 0], NONE))),
    "crp.sample": (crp.sample, dict(n=COUNT, alpha=ALPHA)),
    "crp.sample_sizes": (crp.sample_sizes, dict(n=COUNT, alpha=ALPHA)),
    "clusters.NumClusters": (clusters.NumClusters, dict(n=COUNT, alpha=ALPHA)),
    "NumClusters.logpmf": (K.logpmf, dict(k=([3], NUMBER | POINTS | {"inf", "cube", "empty"}))),
    "NumClusters.pmf": (K.pmf, dict(k=([3], NUMBER | POINTS | {"inf", "cube", "empty"}))),
    "NumClusters.cdf": (K.cdf, dict(k=([3], NUMBER | POINTS | {"inf", "cube", "empty"}))),
    "NumClusters.sf": (K.sf, dict(k=([3], NUMBER | POINTS | {"inf", "cube", "empty"}))),
    "NumClusters.ppf": (K.ppf, dict(q=([0.5], FROM_0 | {"cube", "nested", "empty"}))),
    "NumClusters.interval": (K.interval, dict(confidence=(0.5, FROM_0))),
    "NumClusters.rvs": (K.rvs, dict(size=(3, SIZE))),
    "clusters.bounds": (clusters.bounds, dict(n=COUNT, alpha=ALPHA)),
    "clusters.stirling": (clusters.stirling, dict(n=(3, FROM_0))),
    "clusters.estimate_alpha": (clusters.estimate_alpha, dict(k=COUNT, n=(9, NONE))),
    "clusters.sample_sizes_given": (
        clusters.sample_sizes_given,
        dict(n=(9, NONE), k=COUNT, size=COUNT),
    ),
    "clusters.homozygosity_test": (
        clusters.homozygosity_test,
        dict(counts=([2, 1], NONE), max_partitions=(9, FROM_0), draws=COUNT),
    ),
    "sticks.weights": (sticks.weights, dict(v=([0.5], {"0", "nested", "cube"}))),
    "sticks.sample": (sticks.sample, dict(alpha=ALPHA, truncation=COUNT)),
    "sticks.sample_until": (sticks.sample_until, dict(alpha=ALPHA, tol=(0.5, NONE))),
    "sticks.sample_labels": (sticks.sample_labels, dict(n=COUNT, alpha=ALPHA)),
    "sticks.expected_remainder": (
        sticks.expected_remainder,
        dict(alpha=ALPHA, truncation=(3, FROM_0)),
    ),
    "sticks.cell_moment": (
        sticks.cell_moment,
        dict(powers=([2, 1], NONE), probs=([0.5, 0.5], NONE), alpha=ALPHA),
    ),
    "sticks.truncation_bound": (
        sticks.truncation_bound,
        dict(alpha=ALPHA, truncation=COUNT, n=COUNT),
    ),
    "sticks.truncation_for": (
        sticks.truncation_for,
        dict(alpha=ALPHA, n=COUNT, tol=(0.1, POSITIVE)),
    ),
    "sticks.label_prob": (sticks.label_prob, dict(labels=([0, 1], NONE), alpha=ALPHA)),
    "sticks.eppf": (
        sticks.eppf,
        dict(sizes=([2, 1], NONE), alpha=ALPHA, truncation=(3, {"None"})),
    ),
    "sticks.eppf_size_biased": (sticks.eppf_size_biased, dict(sizes=([2, 1], NONE), alpha=ALPHA)),
    "sticks.truncation_distance": (
        sticks.truncation_distance,
        dict(alpha=ALPHA, truncation=COUNT, n=COUNT),
    ),
    "sticks.truncation_ratio": (
        sticks.truncation_ratio,
        dict(labels=([[0, 1]], NONE), alpha=ALPHA, truncation=COUNT),
    ),
    "process.Dirichlet": (process.Dirichlet, dict(a=([1.0, 2.0], {"2**62", "2**63"}))),
    "Dirichlet.moment": (LAW.moment, dict(powers=([2, 1], NONE))),
    "Dirichlet.logpdf": (LAW.logpdf, dict(g=([0.5, 0.5], NONE))),
    "Dirichlet.rvs": (LAW.rvs, dict(size=(3, SIZE))),
    "Dirichlet.merge": (LAW.merge, dict(groups=([0, 1], NONE))),
    "Dirichlet.posterior": (LAW.posterior, dict(counts=([2, 1], NONE))),
    "process.DirichletProcess": (
        process.DirichletProcess,
        dict(alpha=ALPHA, base=(stats.norm(), NONE)),
    ),
    "DirichletProcess.marginal": (DP.marginal, dict(edges=EDGES)),
    "DirichletProcess.posterior": (
        DP.posterior,
        dict(theta=([0.5], NUMBER | {"2**62", "2**63"})),
    ),
    "DirichletProcess.sample_urn": (DP.sample_urn, dict(n=COUNT)),
    "DirichletProcess.sample_measure": (DP.sample_measure, dict(tol=(0.1, NONE))),
    "process.joint_prob": (
        process.joint_prob,
        dict(theta=([0, 1], NUMBER | {"2**62", "2**63"}), alpha=ALPHA, base=(HALVES, NONE)),
    ),
    "components.Gaussian": (
        components.Gaussian,
        dict(mean=(0, NUMBER | {"2**62", "2**63"}), var=(1, POSITIVE), noise_var=(1, POSITIVE)),
    ),
    "components.NormalInverseGamma": (
        components.NormalInverseGamma,
        dict(
            mean=(0, NUMBER | {"2**62", "2**63"}),
            strength=(1, POSITIVE | {"2**62", "2**63"}),
            shape=(1, POSITIVE | {"2**62", "2**63"}),
            rate=(1, POSITIVE | {"2**62", "2**63"}),
        ),
    ),
    "components.NormalInverseWishart": (
        components.NormalInverseWishart,
        dict(
            mean=(0, NUMBER | {"2**62", "2**63"}),
            strength=(1, POSITIVE),
            dof=(1, POSITIVE),
            scale=([[1]], POSITIVE | POINTS),
        ),
    ),
    "components.prior_draws": (
        components.prior_draws,
        dict(family=(GAUSSIAN, NONE), size=(3, FROM_0)),
    ),
    **component("Gaussian", GAUSSIAN, POINTS),
    **component("Student", STUDENT, POINTS),
    **component("Wishart", WISHART, {"nested"}),
    "mixture.DPMixture": (mixture.DPMixture, dict(alpha=ALPHA, component=(GAUSSIAN, NONE))),
    "DPMixture.sample": (MODEL.sample, dict(n=COUNT)),
    "DPMixture.statistics": (MODEL.statistics, dict(x=(X, NONE), labels=([0, 1, 0, 2], NONE))),
    "DPMixture.log_joint": (MODEL.log_joint, dict(x=(X, NONE), labels=([0, 1, 0, 2], NONE))),
    "mixture.log_eppf_finite": (
        mixture.log_eppf_finite,
        dict(sizes=([2, 1], {"2**62"}), alpha=ALPHA, n_components=COUNT),
    ),
    "exact.set_partitions": (exact.set_partitions, dict(n=COUNT)),
    "exact.posterior": (exact.posterior, dict(model=(MODEL, NONE), x=COLUMN)),
    "exact.log_evidence": (exact.log_evidence, dict(model=(MODEL, NONE), x=COLUMN)),
    "Posterior.predictive_logpdf": (POSTERIOR.predictive_logpdf, dict(x=COLUMN)),
    "Chain.values": (WALK.values, dict(i=(0, {"0", "-1"}))),
    "Chain.predictive_draws": (CHAIN.predictive_draws, dict(x=COLUMN)),
    "Chain.predictive_logpdf": (CHAIN.predictive_logpdf, dict(x=COLUMN)),
    "chains.concatenate": (chains.concatenate, dict(chains=([CHAIN, CHAIN], NONE))),
    "gibbs.collapsed": (
        gibbs.collapsed,
        dict(
            model=(MODEL, NONE),
            x=(X, NONE),
            n_sweeps=COUNT,
            alpha_prior=((1, 1), {"None"}),
            start=([0, 0, 1, 1], {"None"}),
        ),
    ),
    "gibbs.auxiliary": (
        gibbs.auxiliary,
        dict(
            model=(MODEL, NONE),
            x=(X, NONE),
            n_sweeps=COUNT,
            m=COUNT,
            alpha_prior=((1, 1), {"None"}),
            step=(0.5, POSITIVE | {"None", "2**62", "2**63"}),
            start=([0, 0, 1, 1], {"None"}),
        ),
    ),
    "gibbs.naive": (
        gibbs.naive,
        dict(model=(MODEL, NONE), x=(X, NONE), n_sweeps=COUNT, start=([0, 0, 1, 1], {"None"})),
    ),
    "gibbs.blocked": (
        gibbs.blocked,
        dict(
            model=(MODEL, NONE),
            x=(X, NONE),
            n_sweeps=COUNT,
            truncation=(4, {"None"}),
            start=([0, 0, 1, 1], {"None"}),
        ),
    ),
    "gibbs.sample_alpha": (
        gibbs.sample_alpha,
        dict(alpha=ALPHA, num_clusters=COUNT, n=(9, NONE), prior=((1, 1), NONE)),
    ),
    "components.prior_draws": (components.prior_draws, dict(family=(GAUSSIAN, NONE), size=(3, FROM_0))),
    "exact.exact_sweep": (exact.exact_sweep, dict(posterior=(POSTERIOR, NONE))),
    "exact.finite_chain": (
        exact.finite_chain,
        dict(
            x=([1, 0], NONE),
            theta=([Fraction(1, 3), Fraction(2, 3)], NONE),
            alpha=(1, POSITIVE),
            m=(1, NONE),
        ),
    ),
    "exact.stationary": (exact.stationary, dict(transition=(HALF, {"nested"}))),
    "meanfield.fit": (
        meanfield.fit,
        dict(
            model=(MODEL, NONE),
            x=COLUMN,
            truncation=COUNT,
            tol=(1e-6, {"0", "1.5"}),
            max_iter=COUNT,
            restarts=COUNT,
        ),
    ),
    "meanfield.fit, one start": (
        meanfield.fit,
        dict(model=(MODEL, NONE), x=(X, NONE), truncation=COUNT, init=([0, 0, 1, 1], {"None"})),
    ),
    "meanfield.fit, map": (
        meanfield.fit,
        dict(model=(MODEL, NONE), x=COLUMN, truncation=COUNT, map=(map, NONE)),
    ),
    "MeanField.responsibilities": (Q.responsibilities, dict(x=COLUMN)),
    "MeanField.sample_labels": (Q.sample_labels, dict(x=COLUMN, size=COUNT)),
    "MeanField.predictive_logpdf": (Q.predictive_logpdf, dict(x=COLUMN)),
    "meanfield.elbo": (
        meanfield.elbo,
        dict(
            model=(MODEL, NONE),
            x=(X, NONE),
            responsibilities=(Q.responsibilities(X), NONE),
            sticks=(Q.sticks, NONE),
            statistics=(Q.statistics, NONE),
        ),
    ),
    "selection.bic": (
        selection.bic,
        dict(log_likelihood=(0.5, NUMBER), n_params=(3, FROM_0), n=COUNT),
    ),
    "selection.log_evidence": (
        selection.log_evidence,
        dict(x=(X, NONE), n_components=(1, NONE), bound=(2, POSITIVE)),
    ),
    "selection.max_log_likelihood": (
        selection.max_log_likelihood,
        dict(x=(X, NONE), n_components=(1, NONE), bound=(2, POSITIVE)),
    ),
    "selection.excess": (
        selection.excess,
        dict(n=([3, 4], NONE), n_components=(1, NONE), n_samples=COUNT, bound=(2, POSITIVE)),
    ),
    "selection.slope": (selection.slope, dict(n=([1, 2], NONE), values=([[1, 2], [2, 3]], NONE))),
    "selection.fit_sequence": (
        selection.fit_sequence,
        dict(x=(X, NONE), max_components=(2, NONE), tol=(0.1, POSITIVE)),
    ),
    "selection.fit": (
        selection.fit,
        dict(
            x=(X, NONE),
            n_components=(2, NONE),
            n_starts=COUNT,
            tol=(0.1, POSITIVE),
            max_iter=COUNT,
        ),
    ),
}


def test_every_function_is_here():
    results = {"Fit", "HomozygosityTest", "MeanField", "Posterior", "Chain", "Conjugate"}
    for module in MODULES:
        name = module.__name__.split(".")[1]
        public = [v for k, v in vars(module).items() if not k.startswith("_") and callable(v)]
        public = [v for v in public if f"{v.__module__}.".startswith(f"{module.__name__}.")]
        public = {v.__name__ for v in public if not getattr(v, "_is_protocol", False)} - results
        public &= set(getattr(module, "__all__", public))
        assert {f"{name}.{thing}" for thing in public} <= set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_valid_arguments_are_taken(name):
    call, arguments = CALLS[name]
    call(**{argument: valid for argument, (valid, _) in arguments.items()})


@pytest.mark.parametrize(
    "name, argument", [(name, argument) for name, (_, d) in CALLS.items() for argument in d]
)
def test_nonsense_is_refused_by_name(name, argument):
    call, arguments = CALLS[name]
    valid = {key: value for key, (value, _) in arguments.items()}
    wrong = []
    for kind, value in NONSENSE.items():
        taken, found = kind in arguments[argument][1], "taken"
        try:
            call(**{**valid, argument: value})
        except ValueError as error:
            found = str(error)
            name_shown = r"\w+" if kind in FITS else argument
            named = re.match(rf"{name_shown}(\[[\d, ]*\]|\.component)? = .*: expected ", found)
            if named and not taken:
                continue
        except Exception as error:
            found = repr(error)
        if not (taken and found == "taken"):
            wrong.append(f"{kind}: {found[:160]}")
    assert not wrong, "\n".join(["", *wrong])
