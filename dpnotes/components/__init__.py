"""Families for the clusters of a mixture, behind one interface.

A family is a law F(theta) for one observation and a prior H for theta. In a conjugate one, what a
cluster must remember of its points is a vector of statistics that add: the column sums of
``features(x)`` over its rows. Column 0 counts the points, and counts may be fractional.
Everything else is a function of that vector:

============================ ======================== ======================================
``features(x)``              (n, d) -> (n, p)         statistics of each point
``log_marginal(s)``          (..., p) -> (...)        log of int prod_i f(x_i | t) H(dt)
``log_predictive(x, s)``     (n, d), (K, p) -> (n, K) log density of one more point
``sample(s, rng)``           (K, p) -> (K, q)         theta from its posterior
``natural(theta)``           (K, q) -> (K, p)         log f(x | theta) = features @ natural
``expected_natural(s)``      (K, p) -> (K, p)         its mean under the posterior of theta
``sample_prior(size, rng)``  -> (size, q)             theta from H
``sample_data(theta, rng)``  (n, q) -> (n, d)         one point from each F(theta)
``log_likelihood(x, theta)`` (n, d), (K, q) -> (n, K) log f(x | theta)
``log_prior(theta)``         (K, q) -> (K,)           log density of H
============================ ======================== ======================================

Nobody needs them all. What a caller asks for has a name, and any object with these methods will
do; :class:`Conjugate` derives some of them from the others, and shows a family of your own.

=========================  =================================================================
:class:`Prior`             draws of theta from H
:class:`Family`            Neal's Algorithm 8 with a random walk
:class:`Additive`          sums per cluster, which all but the first two need
:class:`Marginal`          exact posteriors, the joint density of a partition
:class:`Predictive`        the collapsed sampler, predictive densities
:class:`Conditional`       every sampler that draws theta given the points of its cluster
:class:`Generative`        data from the model
:class:`ConjugateFamily`   mean field; all of the above
:class:`LearnableFamily`   learning the base measure
=========================  =================================================================

These are in the package; within a cluster, columns are independent in all but three of them.

===================================== =========================== ==================================
:class:`Gaussian`                     measurements                mean unknown, variance known
:class:`CorrelatedGaussian`           measurements that correlate mean unknown, one matrix known
:class:`SphericalNormalInverseGamma`  measurements                mean, one variance of all columns
:class:`NormalInverseGamma`           measurements                mean and variance of each column
:class:`NormalInverseWishart`         measurements that correlate mean and covariance matrix
:class:`LogNormal`                    amounts > 0                 any of these for the logarithms
:class:`ExponentialGamma`             waiting times               rate of each column
:class:`PoissonGamma`                 counts                      rate of each column
:class:`GeometricBeta`                failures before a success   probability of each column
:class:`BernoulliBeta`                0 and 1                     probability of each column
:class:`CategoricalDirichlet`         codes 0, ..., L - 1         probabilities of each column
:class:`MultinomialDirichlet`         rows of counts              probabilities of the columns
:class:`Product`                      columns of several kinds    a family for each group of columns
:class:`WithGaps`                     cells may be missing        any of these; a gap integrates out
===================================== =========================== ==================================

The features of the Gaussian families are those of x minus the prior mean, or minus another origin
(``measured_from``): squares of large numbers have no digits left for small differences, so that
samplers, exact answers and mean field measure from where the data are. So it is with the densities
of large counts, which are relative to the mean. Parameters theta are in the units of the data.
``common`` counts the trailing columns of ``natural(theta)`` that are the same for every theta;
they cancel in responsibilities.
"""

from .family import (
    Additive,
    Conditional,
    Conjugate,
    ConjugateFamily,
    Family,
    Generative,
    LearnableFamily,
    Marginal,
    Predictive,
    Prior,
    prior_draws,
)
from .gaps import WithGaps
from .gaussian import (
    CorrelatedGaussian,
    Gaussian,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalNormalInverseGamma,
)
from .one_parameter import BernoulliBeta, ExponentialGamma, GeometricBeta, PoissonGamma
from .products import LogNormal, Product
from .urns import CategoricalDirichlet, MultinomialDirichlet

__all__ = [
    "Prior",
    "Family",
    "Additive",
    "Marginal",
    "Predictive",
    "Conditional",
    "Generative",
    "ConjugateFamily",
    "LearnableFamily",
    "Conjugate",
    "prior_draws",
    "Gaussian",
    "CorrelatedGaussian",
    "SphericalNormalInverseGamma",
    "NormalInverseGamma",
    "NormalInverseWishart",
    "BernoulliBeta",
    "GeometricBeta",
    "ExponentialGamma",
    "PoissonGamma",
    "CategoricalDirichlet",
    "MultinomialDirichlet",
    "LogNormal",
    "Product",
    "WithGaps",
]
