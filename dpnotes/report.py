"""An analysis as one page of HTML: the answer, how sure it is, and what it rests on."""

import html as _html
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import Any
from xml.etree import ElementTree

import numpy as np

from . import __version__, _svg, predictive, workflow
from . import _validate as check
from ._types import Floats

Answer = workflow.Analysis | workflow.Approximation

PANELS = 12  # columns that are held up against data, and drawn
PAIRED = 4  # columns up to which all pairs of them are drawn
REPLICAS = 2**24  # numbers in all data sets that are replicated
FEW = 0.1  # weighted draws that are worth less tell nothing
CERTAIN = 0.9
AUTHORS, TITLE = "The Dirichlet Process Notes authors", "Dirichlet Process Notes"
YEAR, ADDRESS = 2026, "https://dirichlet-process-notes.github.io/"
_COUNT = itertools.count()


def html(
    result: Answer,
    *,
    title: str = "How many clusters, and how sure",
    code: str | None = None,
) -> str:
    """Return a report of an analysis: one file of HTML that needs no other, and no script.

    It holds the answer, P(K) with Monte Carlo errors, the data with the partition to report, the
    similarity of rows, data that the fit replicates, what other priors would say, convergence,
    what was done to the data, how to cite, and the code that repeats it.

    Parameters
    ----------
    result : Analysis or Approximation
        As :func:`dpnotes.workflow.analyse` returns it.
    title : str
    code : str, optional
        What to show as the code that repeats the analysis; by default the call that made it.

    Returns
    -------
    str
        The same for the same result and title.

    Raises
    ------
    ValueError
        If result is no analysis, or title or code no text.

    Examples
    --------
    >>> from dpnotes import datasets, report, workflow
    >>> result = workflow.analyse(datasets.galaxies(), n_sweeps=40, n_chains=2, rng=1)
    >>> report.html(result).startswith("<!DOCTYPE html>")
    True
    """
    if not isinstance(result, (workflow.Analysis, workflow.Approximation)):
        check.fail("result", result, "an Analysis, as dpnotes.workflow.analyse returns")
    title = check.text("title", title)
    code = _code(result) if code is None else check.text("code", code)
    with _book_style():
        figures = _Figures("f")
        parts = [_head(result), *(f(result, figures) for f in SECTIONS), _coda(result, code)]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta http-equiv="Content-Security-Policy" content="'
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:\">",
            f'<meta name="generator" content="dpnotes {__version__}">',
            f"<title>{_text(title)}</title>",
            f"<style>\n{_style()}</style>",
            "</head>",
            '<body class="dpnotes-report">',
            "<main>",
            f"<h1>{_text(title)}</h1>",
            *filter(None, parts),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def fragment(result: Answer) -> str:
    """Return the beginning of the report, for a page of somebody else's such as a notebook.

    Parameters
    ----------
    result : Analysis or Approximation

    Returns
    -------
    str
        HTML: the answer, P(K), the data and the clusters. Its ids are used once in a process.

    Raises
    ------
    ValueError
        If result is no analysis.

    Examples
    --------
    >>> from dpnotes import datasets, report, workflow
    >>> result = workflow.analyse(datasets.galaxies(), n_sweeps=40, n_chains=2, rng=1)
    >>> report.fragment(result).startswith("<div")
    True
    """
    if not isinstance(result, (workflow.Analysis, workflow.Approximation)):
        check.fail("result", result, "an Analysis, as dpnotes.workflow.analyse returns")
    with _book_style():
        figures = _Figures(f"d{next(_COUNT)}f")
        parts = [_head(result), _numbers(result, figures), _data(result, figures)]
    return "\n".join(
        ['<div class="dpnotes-report">', f"<style>\n{_style()}</style>", *parts, "</div>"]
    )


def _style() -> str:
    return resources.files("dpnotes").joinpath("report.css").read_text("utf-8")


# Words


def _text(value: object) -> str:
    """Return text as HTML; what is no character to be seen is shown as its code."""
    return _html.escape(check.seen(str(value)))


def _paragraphs(sentences: Iterable[str]) -> str:
    return "\n".join(f"<p>{_text(sentence)}</p>" for sentence in sentences)


def _items(sentences: Iterable[str]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{_text(s)}</li>" for s in sentences) + "\n</ul>"


def _section(name: str, *parts: str) -> str:
    return "\n".join(["<section>", f"<h2>{_text(name)}</h2>", *filter(None, parts), "</section>"])


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; the first cell of each row names it."""
    lines = [
        f'<div class="wide" role="region" tabindex="0" aria-label="{_text(caption)}">',
        "<table>",
        f"<caption>{_text(caption)}</caption>",
        "<thead><tr>" + "".join(f'<th scope="col">{_text(name)}</th>' for name in head),
        "</tr></thead>",
        "<tbody>",
    ]
    for first, *others in rows:
        cells = "".join(f"<td>{_text(cell)}</td>" for cell in others)
        lines.append(f'<tr><th scope="row">{_text(first)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>", "</div>"])


def _pre(name: str, text: str) -> str:
    # A line is broken where it is; all else that is not to be seen is shown.
    shown = "\n".join(map(_text, text.splitlines()))
    region = f'role="region" tabindex="0" aria-label="{_text(name)}"'
    return f'<pre class="wide" {region}><code>{shown}</code></pre>'


# Figures


@contextmanager
def _book_style() -> Iterator[None]:
    """Draw in the book's style, whatever the user's is, and without windows."""
    import matplotlib as mpl

    from . import plotting

    with mpl.rc_context(), warnings.catch_warnings():
        # A font without a character leaves the reader's own to show it.
        warnings.filterwarnings("ignore", message="Glyph")
        mpl.rcdefaults()
        plotting.use_style()
        mpl.rcParams["axes.formatter.use_mathtext"] = False
        yield


class _Figures:
    """Figures drawn one after another, each with ids of its own."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.drawn = prefix, 0

    def __call__(
        self,
        draw: Callable[[Any], object],
        alt: str,
        caption: str,
        size: tuple[float, float] = (4.6, 2.9),
    ) -> str:
        from matplotlib.figure import Figure

        figure = Figure(figsize=size)
        draw(figure)
        self.drawn += 1
        drawing = _drawing(figure, f"{self.prefix}{self.drawn}-", alt)
        if size[0] > 5:  # at its own size on a phone, to be moved about
            drawing = f'<div class="wide" role="region" tabindex="0" aria-label="{_text(alt)}">' + (
                f"{drawing}</div>"
            )
        return f"<figure>\n{drawing}\n<figcaption>{_text(caption)}</figcaption>\n</figure>"


def _drawing(figure: Any, prefix: str, alt: str) -> str:
    """Return a figure as an element of HTML whose ids begin with the prefix."""
    root = _svg.element(figure, prefix, dpi=150)
    width = float(root.attrib.pop("width").removesuffix("pt"))
    root.set("style", f"{root.get('style')};--width: {width / 12:.4g}em")
    root.set("aria-label", check.seen(alt))
    return ElementTree.tostring(root, encoding="unicode")


# What the report says


def _sampled(result: Answer) -> workflow.Analysis:
    return result.sample if isinstance(result, workflow.Approximation) else result


def _head(result: Answer) -> str:
    sampled = _sampled(result)
    first, *answer = result._answer()
    verdict, *advice = result._trust()
    good = "fit" if sampled.fit else "unfit"
    stamp = "Fit to report" if sampled.fit else "Do not report this"
    return "\n".join(
        [
            "<header>",
            f'<p class="answer">{_text(first)}</p>',
            f'<p class="stamp {good}">{stamp}</p>',
            f"<p>{_text(verdict)}</p>",
            *([_items(advice)] if advice else []),
            _paragraphs([*answer, *workflow._shapes(result)]),
            "</header>",
        ]
    )


def _numbers(result: Answer, figures: _Figures) -> str:
    sampled = _sampled(result)
    K = np.unique(sampled.num_clusters).tolist()
    probs = {k: sampled.prob(k) for k in K}
    rows = [(k, f"{p:.4f}", f"{error:.4f}") for k, (p, error) in probs.items()]
    best = max(K, key=lambda k: probs[k])
    return _section(
        "The number of clusters",
        "" if sampled is result else _paragraphs(["Of the sampled rows."]),
        figures(
            lambda figure: sampled.plot("number", ax=figure.add_subplot()),
            f"Bars of the probability of each number of clusters, highest at {best}",
            "The posterior probability of each number of clusters K, with two Monte Carlo "
            "standard errors either way.",
        ),
        _table("Probability of each K", ["K", "P(K | data)", "standard error"], rows),
    )


def _data(result: Answer, figures: _Figures) -> str:
    from . import plotting

    d, drawn = result.x.shape[1], []
    colours = "Blocks are told apart by colour and shape."
    if isinstance(result, workflow.Analysis) and d <= PAIRED:
        unsure = int((result.certainty < CERTAIN).sum())
        colours += f" Hollow: {unsure} row(s) whose block is less certain than {CERTAIN:.0%}."
    some = f" {plotting.LINES} of {len(result.x)} rows." if len(result.x) > plotting.LINES else ""
    if d == 1:
        drawn.append(
            figures(
                lambda figure: plotting.answer(result, ax=figure.add_subplot()),
                f"Histogram of {check.seen(result.names[0])}, with the predictive density",
                "The data, the predictive density with its 90% band, and below, the rows by block.",
            )
        )
    elif d <= PAIRED:
        drawn.append(
            figures(
                lambda figure: _pairs(result, figure),
                "Scatter plots of all pairs of columns, coloured by block",
                colours + (" Contours hold 50 and 90% of the predictive density, dotted those of "
                "its band." if d == 2 and result.kinds is None else ""),
                (4.6, 4.0) if d == 2 else (2.3 * (d - 1) + 0.4, 2.1 * (d - 1) + 0.4),
            )
        )  # fmt: skip
    else:
        if plotting._whole(result):
            drawn.append(
                figures(
                    lambda figure: plotting.components(result, ax=figure.add_subplot()),
                    "Scatter plot of two principal components, coloured by block",
                    f"The first two principal components of the standardised columns. {colours}",
                    (4.6, 4.0),
                )
            )
        drawn.append(
            figures(
                lambda figure: plotting.parallel(result, ax=figure.add_subplot()),
                "Parallel coordinates: a line a row across the columns, coloured by block",
                "A line a row, each column from its least to its greatest value; a gap "
                f"interrupts the line.{some}",
                (min(9.0, 1.2 + 0.6 * d), 3.6),
            )
        )
    return _section("The data and the partition to report", *drawn, _clusters(result))


def _pairs(result: Answer, figure: Any) -> None:
    from . import plotting

    d = result.x.shape[1]
    certain = CERTAIN if isinstance(result, workflow.Analysis) else None
    axes = figure.subplots(d - 1, d - 1, squeeze=False, sharex="col", sharey="row")
    for up, across in np.ndindex(d - 1, d - 1):
        ax = axes[up, across]
        if across > up:
            ax.axis("off")
            continue
        plotting.answer(result, pair=(across, up + 1), certain=certain, ax=ax)
        ax.label_outer()


def _clusters(result: Answer) -> str:
    """The table of clusters, as ``print(result.clusters)`` has it."""
    head, *rows = result.clusters._cells()
    return _table("Clusters of this partition: mean (sd) of each column", head, rows)


def _similarity(result: Answer, figures: _Figures) -> str:
    from . import plotting

    sampled = _sampled(result)
    n = len(sampled.x)
    some = f" {plotting.HEATED} of {n} rows, at even steps." if n > plotting.HEATED else ""
    return _section(
        "Which rows belong together",
        figures(
            lambda figure: sampled.plot("similarity", ax=figure.add_subplot()),
            "Heat map of the probability that two rows share a cluster, in order of blocks",
            "How probable it is that two rows share a cluster; similar rows are neighbours, and "
            f"lines part the blocks.{some}",
            (4.6, 3.8),
        ),
    )


class _Replicas:
    """Data sets that the fit replicates, beside the data, in their units."""

    def __init__(self, sampled: workflow.Analysis) -> None:
        runs = sampled._shown()
        least = min(map(len, runs))
        step = max(1, -(-least * len(runs) * sampled.x.size // REPLICAS))
        runs = [run[: least : min(step, max(1, least // 4))] for run in runs]
        seen: list[Floats] = []

        def kept(z: Floats) -> float:
            seen.append(z)
            return 0.0

        # One pass replicates for all statistics; the first call is of the data.
        predictive.posterior_check(runs, kept, rng=sampled.seed)
        self.shape = len(runs), len(runs[0])
        self.data, *self.others = (sampled._units(z) for z in seen)

    def check(self, statistic: Callable[[Floats], float], j: int) -> predictive.Check:
        observed, *others = (statistic(x[~np.isnan(x[:, j]), j]) for x in (self.data, *self.others))
        return predictive.Check(observed, np.reshape(others, self.shape))


def _moment(power: int) -> Callable[[Floats], float]:
    def moment(x: Floats) -> float:
        spread = x.std()
        return float((((x - x.mean()) / spread) ** power).mean()) if spread > 0 else 0.0

    return moment


def _statistics(kind: str) -> dict[str, Callable[[Floats], float]]:
    """What a column is asked: what the model does not fit by construction."""
    if kind in ("measurement", "amount"):
        of = " of logarithms" if kind == "amount" else ""
        own = np.log if kind == "amount" else np.asarray
        return {
            f"skewness{of}": lambda x: _moment(3)(own(x)),
            f"kurtosis{of}": lambda x: _moment(4)(own(x)),
            "smallest": lambda x: float(x.min(initial=np.inf)),
            "greatest": lambda x: float(x.max(initial=-np.inf)),
        }
    if kind == "count":
        return {
            "variance / mean": lambda x: float(x.var() / x.mean()) if x.any() else 0.0,
            "share of zeros": lambda x: float((x == 0).mean()) if len(x) else 0.0,
        }
    if kind == "yes/no":
        return {"share of yes": lambda x: float(x.mean()) if len(x) else 0.0}
    return {"share of the commonest": lambda x: float(np.bincount(x.astype(np.intp)).max(initial=0)
                                                      / max(1, len(x)))}  # fmt: skip


def _kinds_of(result: Answer) -> list[str]:
    if result.kinds is None:
        return ["measurement"] * len(result.names)
    return [column.kind for column in result.kinds.columns]


def _checks(result: Answer, figures: _Figures) -> str:
    sampled = _sampled(result)
    replicas, kinds = _Replicas(sampled), _kinds_of(sampled)
    shown = range(min(PANELS, len(kinds)))
    rows = []
    for j in shown:
        for name, statistic in _statistics(kinds[j]).items():
            found = replicas.check(statistic, j)
            low, high = np.quantile(found.replicated, [0.05, 0.95])
            rows.append(
                (
                    f"{sampled.names[j]}: {name}",
                    f"{found.observed:.4g}",
                    f"{low:.4g} to {high:.4g}",
                    f"{found.prob:.3f}",
                    f"{found.error:.2g}",
                )
            )
    some = f" The first {PANELS} of {len(kinds)} columns." if len(kinds) > PANELS else ""
    spread = "Values that repeat are spread here, too, as the fit has them." * bool(
        (sampled.width > 0).any()
    )
    across = min(3, len(shown))
    down = -(-len(shown) // across)
    return _section(
        "Held up against the data",
        figures(
            lambda figure: _panels(sampled, replicas, figure, down, across),
            "Histograms of the columns, each with the band of data sets that the fit replicates",
            "Each column of the data (bars), and what the fit would produce anew: predictive mean "
            f"and 90% band of {len(replicas.others)} replicated data sets.{some}",
            (4.6, 2.6) if across == 1 else (2.3 * across, 1.9 * down),
        ),
        _table(
            "Statistics of the data beside those of replicated data sets",
            ["statistic", "data", "replicated (90%)", "tail probability", "standard error"],
            rows,
        ),
        _paragraphs(
            [
                "The tail probability is the share of replicated data sets whose statistic is not "
                "below that of the data. Near 0 or 1 the model does not produce such data; in "
                f"between the statistic shows nothing against it. {spread}"
            ]
        ),
    )


def _panels(
    sampled: workflow.Analysis, replicas: _Replicas, figure: Any, down: int, across: int
) -> None:
    from . import _axes, plotting

    axes = figure.subplots(down, across, squeeze=False)
    for j, ax in enumerate(axes.flat):
        if j >= min(PANELS, len(sampled.names)):
            ax.axis("off")
            continue
        edges = plotting._edges(sampled, j)
        data, *others = (
            np.histogram(x[:, j], bins=edges)[0] / max(1, (~np.isnan(x[:, j])).sum())
            for x in (replicas.data, *replicas.others)
        )
        ax.stairs(data, edges, fill=True, color="0.8")
        low, high = np.quantile(others, [0.05, 0.95], axis=0)
        ax.fill_between(
            edges, np.append(low, low[-1]), np.append(high, high[-1]),
            step="post", color=_axes.COLORS[5], alpha=0.45, linewidth=0,
        )  # fmt: skip
        ax.stairs(np.mean(others, axis=0), edges, color=_axes.COLORS[0], linewidth=1.4)
        plotting._dress(sampled, j, ax, "x")
        if j % across == 0:
            ax.set_ylabel("share of rows")


def _sensitivity(result: Answer, figures: _Figures) -> str:
    sampled = _sampled(result)
    found = sampled.sensitivity
    K = np.arange(found.prob.shape[1])
    rows = []
    for name, prob, error, worth in zip(
        found.names, found.prob, found.error, found.worth, strict=True
    ):
        k = int(prob.argmax())
        said = (k, f"{prob[k]:.3f}", f"{error[k]:.2g}", f"{prob @ K:.2f}")
        rows.append((name, *(said if worth >= FEW else ["?"] * 4), f"{worth:.0%}"))
    (a, b) = sampled.alpha_prior
    return _section(
        "Under other priors",
        _table(
            "What the number of clusters would be",
            ["prior", "most probable K", "P(K | data)", "standard error", "mean K", "draws worth"],
            rows,
        ),
        _paragraphs(
            [
                f"The concentration alpha has a Gamma prior with shape {a:g} and rate {b:g}. The "
                "rows below the first weight the same draws by the ratio of the priors; the last "
                f"column says what share of the draws is left by it. Below {FEW:.0%} it tells "
                "nothing (?), and the analysis has to be run with that prior (alpha_prior, prior)."
            ]
        ),
    )


def _convergence(result: Answer, figures: _Figures) -> str:
    sampled = _sampled(result)
    table = sampled.diagnostics
    done, most = sampled.sweeps
    rows = [
        (name, _number(r, 3), _number(e, 0), "yes" if ok else "no")
        for name, r, e, ok in zip(
            table.names, table.rhat, table.bulk, table.fit(workflow.RHAT, workflow.ESS), strict=True
        )
    ]
    return _section(
        "Convergence",
        _paragraphs(
            [
                f"{len(sampled.chains)} chains of {done} sweeps each (at most {most}), from random "
                "partitions; the first quarter of each is left out. Rows are numbered from 0."
            ]
        ),
        figures(
            lambda figure: sampled.plot("traces", ax=figure.add_subplot()),
            "The number of clusters along each chain",
            "The number of clusters along each chain: lines that cannot be told apart are what "
            "is hoped for.",
            (6.4, 2.6),
        ),
        _table(
            f"Fit: R-hat at most {workflow.RHAT}, and at least {workflow.ESS} effective draws",
            ["quantity", "R-hat", "effective draws", "fit"],
            rows,
        ),
    )


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "does not move"


def _done(result: Answer, figures: _Figures) -> str:
    plain = "Columns are standardised; results are in the units of the data."
    return _section("What was done to the data", _items([*workflow._table(result), plain]))


SECTIONS: list[Callable[[Answer, _Figures], str]] = [
    _numbers,
    _data,
    _similarity,
    _checks,
    _sensitivity,
    _convergence,
    _done,
]


def _code(result: Answer) -> str:
    """Return the call that made the analysis."""
    call = dict(_sampled(result).call)
    if not call:
        return "# The call that made this analysis is not recorded."
    if "random_state" in call:
        lines = _estimator(call)
    else:
        lines = _function({"columns": repr(list(result.names))} | call)
    return "\n".join(
        [*(["from numpy import inf"] if "inf" in call.get("prior", "") else []), *lines]
    )


def _function(call: dict[str, str]) -> list[str]:
    data = call.pop("data")
    imports = ", ".join(["hyper", "workflow"] if "prior" in call else ["workflow"])
    return [
        f"from dpnotes import {imports}",
        "",
        *(["# data: your table; the analysis has no name for it"] if data == "data" else []),
        *(["# rng: your generator, in the state that it had"] if call["rng"] == "rng" else []),
        "result = workflow.analyse(",
        f"    {data},",
        *(f"    {name}={value}," for name, value in call.items()),
        ")",
        "print(result)",
    ]


def _estimator(call: dict[str, str]) -> list[str]:
    seed = "# random_state: your generator, in the state that it had"
    return [
        *(["from dpnotes import hyper"] if "prior" in call else []),
        "from dpnotes.estimators import DPMixtureClusterer",
        "",
        "# X: your table; the analysis has no name for it",
        *([seed] if call["random_state"] == "random_state" else []),
        "model = DPMixtureClusterer(",
        *(f"    {name}={value}," for name, value in call.items()),
        ").fit(X)",
        "print(model.analysis_)",
    ]


def _coda(result: Answer, code: str) -> str:
    version = _sampled(result).chains[0].version
    cite = (
        f"{AUTHORS} ({YEAR}). {TITLE}: the Dirichlet process and its inference, and dpnotes "
        f"(version {version}) [software]. "
    )
    link = f'<a href="{ADDRESS}">{ADDRESS}</a>'
    return "\n".join(
        [
            _section("How to cite", f"<p>{_text(cite)}{link}</p>"),
            _section(
                "The code that repeats it",
                _paragraphs([f"With dpnotes {version} and the same data it makes the same draws."]),
                _pre("Code", code),
            ),
        ]
    )
