"""The two roads as estimators of scikit-learn: the sampler, and mean field.

They need scikit-learn: ``pip install "dpnotes[sklearn]"``, with the wheel's name in place of
dpnotes where no index has it.
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

try:
    from sklearn.base import BaseEstimator, ClusterMixin, DensityMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError("dpnotes.estimators: expected scikit-learn; install it first") from error

from . import _validate as check
from . import hyper, kinds, meanfield, predictive, streams, tables, workflow
from ._types import Floats, InferenceWarning, Ints
from .components import NormalInverseGamma, WithGaps
from .mixture import DPMixture

RandomState = None | int | np.random.Generator | np.random.RandomState


class _Mixture(ClusterMixin, DensityMixin, BaseEstimator):
    """What both have once they are fitted."""

    def fit_predict(self, X: ArrayLike, y: Any = None, **params: Any) -> Ints:
        """Fit, and return the cluster of each row: shape (n,)."""
        labels: Ints = self.fit(X, **params).labels_
        return labels

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Return the mean log predictive density of the rows."""
        return float(self.score_samples(X).mean())

    missing: str
    _gaps: str  # what else could be done with them

    def _numbers(self, X: ArrayLike, **options: Any) -> Floats:
        """Return a table of numbers, with NaN where gaps are taken."""
        finite = self.missing == "error" or "allow-nan"
        X = _known(X)
        if isinstance(X, np.ma.MaskedArray):  # whose mask scikit-learn does not see
            X = np.where(np.ma.getmaskarray(X), np.nan, np.ma.getdata(X))
        try:
            x: Floats = validate_data(
                self, X, dtype=np.float64, ensure_all_finite=finite, **options
            )
        except (TypeError, ValueError):
            self._refused(X)
            raise
        return x

    def _refused(self, X: Any) -> None:
        """Refuse what is no number by its column and row: scikit-learn names neither."""
        found = check.frame(X)
        named = found is not None
        if found is None:
            cells = np.array(X, dtype=object)
            if cells.ndim != 2:
                return
            found = [f"column {j}" for j in range(cells.shape[1])], list(cells.T)
        for name, column in zip(*found, strict=True):
            values = np.asarray(column)
            kinds._no_dates(f"X: {name}", values.dtype)
            for i, cell in enumerate(values):
                where = f"X: {name}, row {i + 1}"
                if isinstance(cell, str):
                    expected = "a number: write codes for categories, or call workflow.analyse"
                    check.fail(where, cell, expected)
                if check.is_gap(cell) and self.missing == "error":
                    advice = f"a number; drop or fill the gaps, {self._gaps}"
                    check.refuse(where, "NaN", advice)
                if check.is_number(cell) and np.isinf(float(cell)):
                    check.fail(where, float(cell), "a finite number")
                # Of an array scikit-learn wants its own words for this.
                if named and not (check.is_gap(cell) or kinds._is_cell(cell)):
                    check.fail(where, cell, "a number; leave other columns out")

    def _new(self, X: ArrayLike) -> Floats:
        check_is_fitted(self)
        return self._numbers(X, reset=False)

    def __sklearn_tags__(self) -> Any:
        """Say whether NaN is taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "error"
        return tags


class DPMixtureClusterer(_Mixture):
    """Cluster a table by sampling a Dirichlet process mixture.

    It is :func:`dpnotes.workflow.analyse` with the interface of scikit-learn: the same seed gives
    the same draws. Columns with few values are taken, too, as long as all are measurements without
    gaps.

    Parameters
    ----------
    kinds : str or dict of str to str, optional
        What the columns are, as in :func:`dpnotes.workflow.analyse`; categories are codes. By
        default all are measurements.
    missing : {"error", "ignore", "draw"}
        Whether NaN is an error, is integrated out or is drawn, as there.
    covariance : str, optional
        "full", "diagonal", "spherical" or "shared"; by default that of the prior, or "full".
    alpha_prior : (float, float)
        Shape and rate of the Gamma prior of the concentration.
    prior : BasePrior, optional
        In standardised units.
    n_sweeps : int, optional
        The most sweeps of each chain.
    n_chains : int
    n_jobs : int, optional
        How many chains run at once.
    random_state : int, RandomState or numpy.random.Generator, optional

    Attributes
    ----------
    analysis_ : workflow.Analysis or workflow.Approximation
        All that the posterior says.
    labels_ : ndarray of shape (n,)
        The partition to report.
    n_clusters_ : int
        How many clusters it has.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where the columns of the data have names.

    Notes
    -----
    Implements: DP-0192.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes.estimators import DPMixtureClusterer
    >>> x = np.random.default_rng(1).standard_normal((60, 2)) + 9 * (np.arange(60) % 2)[:, None]
    >>> DPMixtureClusterer(random_state=1).fit(x).n_clusters_
    2
    """

    _gaps = kinds.OTHERS

    def __init__(
        self,
        *,
        kinds: kinds.Asked = None,
        missing: str = "error",
        covariance: str | None = None,
        alpha_prior: tuple[float, float] = (2, 4),
        prior: hyper.BasePrior | None = None,
        n_sweeps: int | None = None,
        n_chains: int = 4,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ):
        self.kinds = kinds
        self.missing = missing
        self.covariance = covariance
        self.alpha_prior = alpha_prior
        self.prior = prior
        self.n_sweeps = n_sweeps
        self.n_chains = n_chains
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Sample the posterior given the rows of X.

        Parameters
        ----------
        X : array_like of shape (n, d)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data are not fit for it; the message says what to do.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If the chains do not agree within ``n_sweeps``.
        dpnotes.InferenceWarning
            If clusters run into each other, so that they may be the shape of one group.
        """
        rng = _generator(self.random_state)
        self.analysis_ = workflow._analysed(
            *self._table(X, rng),
            rng,
            n_sweeps=self.n_sweeps,
            n_chains=self.n_chains,
            alpha_prior=self.alpha_prior,
            prior=self.prior,
            covariance=self.covariance,
            n_jobs=self.n_jobs,
            call=self._call,
        )
        self.labels_ = self.analysis_.partition
        self.n_clusters_ = int(self.labels_.max()) + 1
        sampled = getattr(self.analysis_, "sample", self.analysis_)
        if not sampled.fit:
            what = (
                f"{type(self).__name__}: the chains do not agree after {sampled.sweeps[0]} sweeps"
            )
            warnings.warn(f"{what}; print analysis_ for advice", ConvergenceWarning, stacklevel=2)
        self._warn_of_shapes()
        return self

    def _warn_of_shapes(self) -> None:
        if self.analysis_.kinds is None:
            groups = int(self.analysis_.groups.max()) + 1
            if groups < self.n_clusters_:
                what = (
                    f"the {self.n_clusters_} clusters may be {groups} group(s), whose shape takes "
                )
                what += "more than one Gaussian each; see analysis_.groups"
                check.warn(f"{type(self).__name__}: {what}", InferenceWarning)

    def _table(
        self, X: ArrayLike, rng: np.random.Generator
    ) -> tuple[tables.Table, kinds.Kinds | None]:
        """Read the data to fit; columns of measurements with few values are welcome."""
        x = self._numbers(X, ensure_min_samples=tables.LEAST_ROWS)
        names = getattr(self, "feature_names_in_", None)
        columns = None if names is None else names.tolist()
        if self.kinds is None and self.missing == "error":
            return tables.prepare(x, columns=columns, rng=rng, few_values=True), None
        return kinds.prepare(x, columns=columns, kinds=self.kinds, missing=self.missing, rng=rng)

    def _call(self) -> dict[str, str]:
        """Return the parameters as code, as a report shows them; jobs change no answer."""
        asked = self.get_params(deep=False)
        del asked["n_jobs"]
        seed = workflow._shown(asked.pop("random_state"), "random_state")
        return {"random_state": seed} | workflow._asked(DPMixtureClusterer, asked)

    def predict(self, X: ArrayLike) -> Ints:
        """Return the most probable block of each new row, -1 for none: shape (m,)."""
        rows = self._new(X)
        return self.analysis_.predict(rows)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each block, and of none last: shape (m, clusters + 1)."""
        rows = self._new(X)
        return self.analysis_.predict_proba(rows)

    def score_samples(self, X: ArrayLike) -> Floats:
        """Return the log predictive density of each row, in the units of X: shape (m,)."""
        rows = self._new(X)
        return self.analysis_.predictive_logpdf(rows)

    def sample(self, n_samples: int = 1, *, random_state: RandomState = None) -> Floats:
        """Draw rows from the posterior predictive law: shape (n_samples, d)."""
        check_is_fitted(self)
        found = self.analysis_
        fitted = getattr(found, "field", None) or found.chains
        z = predictive.sample(fitted, n_samples, rng=_generator(random_state))
        rows: Floats = found._units(z)
        for j, column in enumerate(found.kinds.columns if found.kinds else ()):
            if column.levels:  # X had these in place of their places
                rows[:, j] = np.array(column.levels)[rows[:, j].astype(np.intp)]
        return rows


class DPMeanField(_Mixture):
    """Cluster a table by mean field for a Dirichlet process mixture of Gaussians.

    It is :func:`dpnotes.meanfield.fit` on standardised columns, with the base measure from which
    the sampler of :class:`DPMixtureClusterer` starts: an approximation, for many rows.

    Parameters
    ----------
    alpha : float
        Concentration, > 0.
    alpha_prior : (float, float), optional
        Shape and rate of a Gamma prior for alpha, as in :func:`dpnotes.meanfield.fit`.
    covariance : str
        "full", "diagonal" or "spherical".
    prior : BasePrior, optional
        In standardised units; its base measure stays where a sampler would start.
    truncation, restarts, tol, max_iter
        As in :func:`dpnotes.meanfield.fit`.
    random_state : int, RandomState or numpy.random.Generator, optional
    missing : str
        With "ignore" cells that are NaN are integrated out, which is right where they are missing
        at random; for ``covariance="diagonal"`` alone. By default a gap is an error.

    Attributes
    ----------
    field_ : meanfield.MeanField
        In standardised units.
    scaler_ : sklearn.preprocessing.StandardScaler
        Which makes these.
    labels_ : ndarray of shape (n,)
        The most probable cluster of each row of the last call, numbered by first row.
    n_clusters_ : int
        How many of them there are.
    elbo_ : float
        In standardised units.
    converged_ : bool
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where the columns of the data have names.

    Notes
    -----
    Implements: DP-0185.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes.estimators import DPMeanField
    >>> x = np.random.default_rng(1).standard_normal((60, 2)) + 9 * (np.arange(60) % 2)[:, None]
    >>> q = DPMeanField(random_state=1).fit(x)
    >>> q.n_clusters_, q.predict([[9, 9], [0, 0], [1e9, 0]]).tolist()
    (2, [1, 0, -1])
    """

    _gaps = "or missing='ignore' with covariance='diagonal', which integrates them out"

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        covariance: str = "full",
        prior: hyper.BasePrior | None = None,
        truncation: int = 20,
        restarts: int = 20,
        tol: float = 1e-8,
        max_iter: int = 1000,
        random_state: RandomState = None,
        missing: str = "error",
        alpha_prior: tuple[float, float] | None = None,
    ):
        self.alpha = alpha
        self.alpha_prior = alpha_prior
        self.covariance = covariance
        self.prior = prior
        self.truncation = truncation
        self.restarts = restarts
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.missing = missing

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the approximation to the rows of X.

        Parameters
        ----------
        X : array_like of shape (n, d)
        y : ignored
        sample_weight : array_like of shape (n,), optional
            How many rows each row stands for.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data are not fit for it, or a parameter is out of range.

        Warns
        -----
        dpnotes.InferenceWarning
            As :func:`dpnotes.meanfield.fit` does.
        """
        check.one_of("missing", self.missing, ("error", "ignore"))
        x = self._numbers(X)
        prior = workflow._prior(x.shape[1], self.prior, self.covariance)
        if prior.covariance == "shared":
            expected = "one of the others: mean field learns no matrix that all clusters share"
            check.fail("covariance", "shared", f"{expected}; DPMixtureClusterer does")
        family = hyper.HyperMixture(1.0, prior).component
        if self.missing == "ignore":
            if not isinstance(family, NormalInverseGamma):
                expected = "'error', or covariance='diagonal': gaps of others do not factor"
                check.fail("missing", self.missing, f"{expected}; DPMixtureClusterer draws them")
            gaps = np.isnan(x).all(axis=0)
            if gaps.any():
                check.refuse(f"X[:, {gaps.argmax()}]", "a column of gaps alone", "some values")
            family = WithGaps(family)
        self.scaler_ = StandardScaler()
        z = self.scaler_.fit_transform(x, sample_weight=sample_weight)
        self.field_ = meanfield.fit(
            DPMixture(self.alpha, family),
            z,
            truncation=self.truncation,
            restarts=self.restarts,
            tol=self.tol,
            max_iter=self.max_iter,
            rng=_generator(self.random_state),
            weights=sample_weight,
            alpha_prior=self.alpha_prior,
        )
        self._stream = streams.Memoised(  # for partial_fit
            self.field_.model,
            truncation=self.truncation,
            init=self.field_,
            alpha_prior=self.alpha_prior,
        ).partial_fit(z, weights=sample_weight)
        self._numbered = np.zeros(0, np.int64)
        self._number(z, sample_weight, np.arange(self.truncation))
        self.converged_ = self.field_.converged
        self.n_iter_ = len(self.field_.elbo)
        return self

    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add rows that were not seen before, and keep what was found.

        The first call is :meth:`fit`, and goes on after one. The units stay those of the first
        rows, and clusters keep their numbers: ``labels_`` are those of the rows of this call, new
        clusters come last. Each row is visited once, by :class:`dpnotes.streams.Memoised`, so the
        first rows should be more than a few. Alpha stays known, or has its prior, as at the first.

        Parameters
        ----------
        X : array_like of shape (n, d)
        y : ignored
        sample_weight : array_like of shape (n,), optional
            How many rows each row stands for.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data are not fit for it; then all is as it was before.
        """
        if not hasattr(self, "field_"):
            return self.fit(X, sample_weight=sample_weight)
        z = self.scaler_.transform(self._new(X))
        self.field_ = self._stream.partial_fit(z, weights=sample_weight).result()
        self._number(z, sample_weight, self._stream._places)
        self.converged_ = False
        self.n_iter_ += 1
        return self

    def _number(self, z: Floats, sample_weight: ArrayLike | None, places: Ints) -> None:
        """Number the clusters of these rows: those known as before, then others by first row.

        The columns of q change places with their sizes; ``places`` says which cluster is where.
        """
        shares = self.field_.responsibilities(z)
        # A row of no weight makes no cluster.
        weighted = slice(None) if sample_weight is None else np.asarray(sample_weight) > 0
        used = np.union1d(places[shares[weighted].argmax(axis=1)], self._numbered)
        column = np.argsort(places)
        found = used[shares[:, column[used]].argmax(axis=1)]
        new = found[np.sort(np.unique(found, return_index=True)[1])]
        self._numbered = np.append(self._numbered, new[~np.isin(new, self._numbered)])
        number = np.empty(len(places), np.int64)
        number[self._numbered] = np.arange(len(self._numbered))
        self.labels_ = number[found]
        self.n_clusters_ = len(self._numbered)
        self._components = column[self._numbered]
        self.elbo_ = float(self.field_.elbo[-1])

    def predict(self, X: ArrayLike) -> Ints:
        """Return the most probable cluster of each new row, -1 for none: shape (m,)."""
        probs = self.predict_proba(X)
        best = probs.argmax(axis=1)
        return np.where(best == self.n_clusters_, -1, best)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each cluster, and of none last: shape (m, clusters + 1)."""
        rows = self._new(X)
        each = self.field_.predict_proba(self.scaler_.transform(rows))
        found = each[:, self._components]
        none = np.delete(each, self._components, axis=1).sum(axis=1)
        return np.column_stack([found, none])

    def score_samples(self, X: ArrayLike) -> Floats:
        """Return the log predictive density of each row, in the units of X: shape (m,)."""
        rows = self._new(X)
        z = self.scaler_.transform(rows)
        return self.field_.predictive_logpdf(z) - ~np.isnan(z) @ np.log(self.scaler_.scale_)

    def sample(self, n_samples: int = 1, *, random_state: RandomState = None) -> Floats:
        """Draw rows from the predictive law: shape (n_samples, d)."""
        check_is_fitted(self)
        z = predictive.sample(self.field_, n_samples, rng=_generator(random_state))
        rows: Floats = self.scaler_.inverse_transform(z)
        return rows


def _known(X: Any) -> Any:
    """Return X as scikit-learn knows it: it finds no names in a batch of Arrow, but in a table."""
    check.in_memory("X", X)
    if hasattr(X, "column_names") and not hasattr(X, "to_batches"):
        from pyarrow import Table

        return Table.from_batches([X])
    return X


def _generator(random_state: Any) -> np.random.Generator:
    """Return the generator of a seed; a RandomState gives one seed, and so moves on."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(int(random_state.randint(2**31)))
    return check.rng("random_state", random_state)
