"""The report of an analysis: what it says, that it is sound HTML, and what an analysis shows."""

import collections
import dataclasses
import html.parser
import json
import pathlib
import re
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import dpnotes
from dpnotes import _validate as check
from dpnotes import chains, datasets, meanfield, mixture, predictive, report, workflow
from dpnotes.__main__ import main
from dpnotes.components import (
    MultinomialDirichlet,
    NormalInverseGamma,
    NormalInverseWishart,
    PoissonGamma,
    Product,
    WithGaps,
    gaussian,
)

ROOT = pathlib.Path(__file__).parents[1]
HOSTILE = [
    '<script>alert("1")</script>',
    "a$x^2$ & $\\frac{1}{2}$",
    "=1+1\nid='f1-x'",
    "_b\x00\x1b[31m",
]
LEVELS = ["<b>&amp;", "$y_1$", "two\nlines"]


def run(data, **options):
    return workflow.analyse(data, n_sweeps=40, n_chains=2, rng=1, **options)


@pytest.fixture(scope="module")
def one():
    return run(datasets.galaxies(), columns=HOSTILE[:1])


@pytest.fixture(scope="module")
def two():
    return run(datasets.faithful()[::3], columns=["length", "waiting"])


def mixed_table():
    rng = np.random.default_rng(3)
    half = np.arange(60) % 2
    table = pd.DataFrame(
        {
            HOSTILE[0]: rng.standard_normal(60) + 6 * half,
            HOSTILE[1]: np.array(LEVELS, dtype=object)[rng.integers(0, 2, 60) + half],
            HOSTILE[2]: rng.poisson(1 + 5 * half),
            HOSTILE[3]: rng.random(60) < 0.3 + 0.4 * half,
            "amount": np.exp(rng.standard_normal(60)),
        }
    )
    table.iloc[::7, 0] = np.nan
    return table


KINDS = {HOSTILE[1]: "category", HOSTILE[2]: "count", "amount": "amount"}


@pytest.fixture(scope="module")
def mixed():
    return run(mixed_table(), kinds=KINDS, missing="ignore")


@pytest.fixture(scope="module")
def many():
    x = np.random.default_rng(2).standard_normal((40, 6))
    x[::2] += 5
    return run(x)


ALL = ["one", "two", "mixed", "many"]


@pytest.fixture(scope="module")
def pages(request):
    kept = {}

    def page(name):
        if name not in kept:
            kept[name] = report.html(request.getfixturevalue(name), title=HOSTILE[0])
        return kept[name]

    return page


class Page(html.parser.HTMLParser):
    """A page's tags, ids, what it refers to, its text, and its tables by caption."""

    VOID = "meta", "link", "br", "img", "hr"

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.used, self.addresses = collections.Counter(), [], [], []
        self.text, self.open, self.levels, self.figures = [], [], [], []
        self.tables, self.scopes = {}, collections.Counter()
        self.caption = self.cell = None
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_starttag(self, tag, attributes):
        get = dict(attributes)
        self.tags[tag] += 1
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [get["id"]] if "id" in get else []
        for value in filter(None, get.values()):
            self.used += re.findall(r"url\(#([^)]+)\)", value)
            self.used += [value[1:]] if value.startswith("#") and tag == "use" else []
        for name in ("href", "src", "xlink:href", "data", "action", "srcset", "poster"):
            if get.get(name) and not get[name].startswith("#"):
                self.addresses.append((tag, get[name]))
        assert not [name for name in get if name.startswith("on")]
        if tag == "svg":
            assert get["role"] == "img" and get["aria-label"]
        if tag == "th":
            self.scopes[get["scope"]] += 1
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "tr" and self.caption:
            self.tables[self.caption].append([])
        if tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "caption":
            self.caption = self.text[-1]
            self.tables[self.caption] = []
        if tag in ("td", "th"):
            self.tables[self.caption][-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)
        if self.cell is not None:
            self.cell += data


@pytest.mark.parametrize("name", ALL)
def test_a_report_is_sound_and_needs_no_other_file(name, pages):
    text = pages(name)
    page = Page(text)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert page.levels == [1, *[2] * 9]
    assert (
        len(page.ids) == len(set(page.ids)) > 50 and set(page.used) <= set(page.ids) and page.used
    )
    assert page.tags["figcaption"] == page.tags["figure"] == page.tags["svg"] >= 5
    assert page.tags["caption"] == page.tags["table"] >= 5 and page.scopes["row"] > 20
    links = [address for address in page.addresses if not address[1].startswith("data:image/png")]
    assert links == [("a", report.ADDRESS)]
    assert {"script", "iframe", "object", "img", "link"}.isdisjoint(page.tags)
    assert "default-src 'none'" in text and "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert len(text) < 2e6


@pytest.mark.parametrize("name", ALL)
def test_hostile_names_are_shown_as_text(name, pages, request):
    result, page = request.getfixturevalue(name), Page(pages(name))
    said = " ".join(page.text)
    for column in result.names:
        shown = check.seen(column)
        assert shown in said
        # In a figure, as it is: no mathematics, only cut.
        for most in (24, 14):
            if check.seen(column, most) in page.text:
                break
        else:
            raise AssertionError(column)
    if name == "mixed":
        for level in LEVELS:
            assert check.seen(level) in page.text
    assert "\x00" not in pages(name) and "\x1b" not in pages(name)


@pytest.mark.parametrize("name", ["two", "mixed"])
def test_its_numbers_are_those_of_the_analysis(name, pages, request):
    result, page = request.getfixturevalue(name), Page(pages(name))
    head, *rows = page.tables["Probability of each K"]
    assert head == ["K", "P(K | data)", "standard error"]
    assert [int(row[0]) for row in rows] == np.unique(result.num_clusters).tolist()
    for k, p, error in rows:
        assert [f"{v:.4f}" for v in result.prob(int(k))] == [p, error]
    (table,) = (t for caption, t in page.tables.items() if caption.startswith("Fit: R-hat"))
    mixing = result.diagnostics
    assert [row[0] for row in table[1:]] == list(mixing.names)
    shown = [f"{r:.3f}" if np.isfinite(r) else "does not move" for r in mixing.rhat]
    assert [row[1] for row in table[1:]] == shown
    assert [row[3] for row in table[1:]] == ["yes" if ok else "no" for ok in mixing.fit(1.01, 400)]
    found = result.sensitivity
    rows = page.tables["What the number of clusters would be"][1:]
    assert [row[0] for row in rows] == found.names
    for row, prob, error, worth in zip(rows, found.prob, found.error, found.worth, strict=True):
        k = int(prob.argmax())
        mean = f"{prob @ np.arange(len(prob)):.2f}"
        told = [str(k), f"{prob[k]:.3f}", f"{error[k]:.2g}", mean] if worth >= 0.1 else ["?"] * 4
        assert row[1:] == [*told, f"{worth:.0%}"]
    said = " ".join(" ".join(page.text).split())
    for sentence in [*result._answer(), *workflow._table(result), *result._trust()]:
        assert " ".join(check.seen(sentence).split()) in said
    table = page.tables["Clusters of this partition: mean (sd) of each column"]
    assert [[check.seen(c) for c in row] for row in result.clusters._cells()] == table


def test_the_checks_are_those_of_the_module(two, pages):
    """Each row, by ``predictive.posterior_check`` with the statistic alone."""
    rows = Page(pages("two")).tables["Statistics of the data beside those of replicated data sets"]
    assert len(rows) == 1 + 2 * 4

    def kurtosis(z):
        return ((z[:, 1] - z[:, 1].mean()) ** 4).mean() / z[:, 1].var() ** 2

    found = predictive.posterior_check(two._shown(), kurtosis, rng=two.seed)
    low, high = np.quantile(found.replicated, [0.05, 0.95])
    assert rows[6] == [
        "waiting: kurtosis",
        f"{found.observed:.4g}",
        f"{low:.4g} to {high:.4g}",
        f"{found.prob:.3f}",
        f"{found.error:.2g}",
    ]
    least = predictive.posterior_check(two._shown(), lambda z: z[:, 0].min(), rng=two.seed)
    assert rows[3][1] == f"{two.centre[0] + two.spread[0] * least.observed:.4g}"


def test_replicas_are_in_the_units_of_the_data(mixed):
    replicas = report._Replicas(mixed)
    x = mixed.x
    exact = [0, 1, 2, 3]
    spread = mixed.width > 0
    assert not spread.any()  # no ties here, so the data come back as they are
    assert np.allclose(replicas.data, x, equal_nan=True) and x.shape[1] == len(exact) + 1
    for other in replicas.others:
        assert np.array_equal(np.isnan(other), np.isnan(x))
        assert (other[:, 4] > 0).all() and set(other[:, 3]) <= {0, 1}
        assert (other[:, 2] >= 0).all() and (other[:, 2] == np.floor(other[:, 2])).all()
    assert len(replicas.others) == replicas.shape[0] * replicas.shape[1] >= 8


def test_the_same_result_gives_the_same_bytes_whatever_the_style(two, pages):
    plt.close("all")
    with plt.rc_context({"svg.fonttype": "path", "font.size": 30, "axes.facecolor": "red"}):
        assert report.html(two, title=HOSTILE[0]) == pages("two")
        assert plt.rcParams["font.size"] == 30
    assert plt.get_fignums() == []


def test_the_code_repeats_the_analysis(two, mixed, tmp_path):
    path = tmp_path / "it's.csv"
    pd.DataFrame(two.x, columns=two.names).to_csv(path, index=False)
    first = run(str(path))
    found = {}
    exec(report._code(first).replace("print(result)", ""), found)
    assert np.array_equal(found["result"].labels, first.labels)
    found = {"data": mixed_table()}
    exec(report._code(mixed).replace("print(result)", ""), found)
    assert np.array_equal(found["result"].labels, mixed.labels)
    prior = workflow.default_prior(2, covariance="diagonal")
    other = run(two.x, columns=two.names, prior=prior, alpha_prior=(1, 1))
    assert "alpha_prior=(1.0, 1.0)" in report._code(other)
    found = {"data": two.x}
    exec(report._code(other).replace("print(result)", ""), found)
    assert np.array_equal(found["result"].labels, other.labels)


def test_a_generator_is_told_of_not_made_up(two):
    result = workflow.analyse(two.x, n_sweeps=8, n_chains=2, rng=np.random.default_rng(1))
    assert "rng: your generator" in report._code(result) and "rng=rng" in report._code(result)


def test_what_to_cite_is_what_the_citation_file_says():
    import yaml

    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert report.AUTHORS == ", ".join(author["name"] for author in cff["authors"])
    assert (report.TITLE, report.ADDRESS) == (cff["title"], cff["url"])
    assert report.YEAR == cff["date-released"].year and "doi" not in cff


def test_certainty_by_its_definition(two, mixed):
    for result in (two, mixed):
        z, blocks = result.labels, result.partition
        for i in (0, 1, 20, 41):
            mates = [j for j in range(len(blocks)) if j != i and blocks[j] == blocks[i]]
            true = np.mean([(z[:, j] == z[:, i]).mean() for j in mates])
            assert result.certainty[i] == pytest.approx(true)
    # A row that is alone in its block.
    x = np.append(np.random.default_rng(1).standard_normal(30), 500.0)
    far = run(x)
    assert (far.partition == far.partition[-1]).sum() == 1
    alone = np.mean([(row == row[-1]).sum() == 1 for row in far.labels])
    assert far.certainty[-1] == pytest.approx(alone)


def test_a_short_form_in_a_notebook(two):
    first, second = two._repr_html_(), two._repr_html_()
    pages = Page(first), Page(second)
    assert pages[0].levels == [2, 2] and pages[0].tags["svg"] == 2
    assert set(pages[0].ids).isdisjoint(pages[1].ids)
    assert "<body" not in first and "Number of clusters" in first
    # Its style holds inside it alone.
    style = re.search("<style>(.*?)</style>", first, re.DOTALL)[1]
    for selector in re.findall(r"(?m)^ *([^@{}]+) \{", style):
        assert all("dpnotes-report" in part for part in selector.split(","))


def test_figures_on_axes_of_ones_own(two, many):
    for what in ("answer", "number", "similarity", "traces", "components", "parallel"):
        ax = plt.figure().gca()
        assert two.plot(what, ax=ax) is ax
        assert ax.lines or ax.patches or ax.collections
    ax = many.plot("answer", pair=(2, 4), ax=plt.figure().gca())
    assert (ax.get_xlabel(), ax.get_ylabel()) == (many.names[2], many.names[4])
    with pytest.raises(ValueError, match="^what = 'nonsense'"):
        two.plot("nonsense")
    plt.close("all")


def test_a_figure_of_the_number_of_clusters(two):
    ax = two.plot("number", ax=plt.figure().gca())
    K = np.arange(1, two.num_clusters.max() + 1)
    assert [bar.get_height() for bar in ax.patches] == [two.prob(int(k))[0] for k in K]
    (errors,) = ax.collections
    for (_, (low, high)), k in zip(((s[:, 0], s[:, 1]) for s in errors.get_segments()), K):
        p, error = two.prob(int(k))
        assert (low, high) == pytest.approx((p - 2 * error, p + 2 * error))
    plt.close("all")


def test_a_figure_of_the_traces(two):
    ax = two.plot("traces", ax=plt.figure().gca())
    for line, row in zip(ax.lines, two.num_clusters, strict=True):
        assert line.get_ydata().tolist() == row.tolist()
        assert line.get_xdata().tolist() == list(range(11, 41))  # the first quarter is left out
    plt.close("all")


def test_hollow_rows_are_the_uncertain_ones(two):
    ax = two.plot("answer", certain=0.9, ax=plt.figure().gca())
    hollow = [line for line in ax.lines if line.get_fillstyle() == "none"]
    drawn = np.concatenate([line.get_xydata() for line in hollow])
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, two.x[two.certainty < 0.9]))
    assert sum(len(line.get_xdata()) for line in ax.lines) == len(two.x)
    plt.close("all")


@pytest.mark.parametrize("name", ["one", "two", "many"])
def test_what_a_figure_has_no_use_for_is_refused(name, request):
    result = request.getfixturevalue(name)
    whats = ["number", "similarity", "traces", "parallel", "components"]
    for what in [*whats[name == "one" :], *(["answer"] if name == "one" else [])]:
        for option in ({"pair": (0, 1)}, {"certain": 0.5}):
            (argument,) = option
            with pytest.raises(ValueError, match=f"^{argument} = .*: expected None for"):
                result.plot(what, **option)
    z = (result.x - result.centre) / result.spread
    field = meanfield.fit(result.median_model(), z, truncation=20, restarts=1, rng=1)
    few = workflow.Approximation(
        result.x, result.names, result.width, result.centre, result.spread, field, result
    )
    with pytest.raises(ValueError, match="certain = 0.5: expected None"):
        few.plot("answer", certain=0.5)
    plt.close("all")


def test_versions(capsys):
    dpnotes.show_versions()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"dpnotes: {dpnotes.__version__}"
    assert f"numpy: {np.__version__}" in lines and "polars: " in "\n".join(lines)


# Saved and loaded


@pytest.mark.parametrize("name", ["two", "mixed"])
def test_a_loaded_analysis_is_the_saved_one(name, pages, request, tmp_path):
    result, path = request.getfixturevalue(name), tmp_path / "result.npz"
    result.save(path)
    loaded = workflow.load(path)
    assert report.html(loaded, title=HOSTILE[0]) == pages(name)
    assert str(loaded) == str(result) and loaded.call == result.call
    rows = mixed_table() if name == "mixed" else result.x
    assert np.array_equal(loaded.predict_proba(rows), result.predict_proba(rows))
    assert [p.name for p in tmp_path.iterdir()] == ["result.npz"]
    with np.load(path, allow_pickle=False) as file:  # no object, which only pickle could hold
        assert not [name for name in file.files if file[name].dtype == object]


@pytest.fixture(scope="module")
def approximations():
    """Of measurements, and of a mixed table with counts so large that densities are relative."""
    x = np.random.default_rng(4).standard_normal((90, 2)) + 8 * (np.arange(90) % 2)[:, None]
    table = mixed_table()
    table[HOSTILE[2]] = table[HOSTILE[2]] * 10_000 + 10**7
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(workflow, "MOST_ROWS", 50)
        patch.setattr(workflow, "SAMPLE", 40)
        warnings.simplefilter("ignore")  # starts that end in different optima
        return {
            "measurements": (run(x), x),
            "mixed": (run(table, kinds=KINDS, missing="ignore"), table),
        }


@pytest.mark.parametrize("name", ["measurements", "mixed"])
def test_a_loaded_approximation_is_the_saved_one(name, approximations, tmp_path):
    result, data = approximations[name]
    path = tmp_path / "result.npz"
    assert isinstance(result, workflow.Approximation)
    result.save(path)
    loaded = workflow.load(path)
    text = report.html(result)
    assert report.html(loaded) == text and str(loaded) == str(result)
    assert "The mean of alpha is" in text and "its median. The mean" in " ".join(text.split())
    for method in ("predict_proba", "predictive_logpdf"):
        assert np.array_equal(getattr(loaded, method)(data), getattr(result, method)(data))
    assert repr(loaded.field) == repr(result.field)
    assert loaded.sample.call == result.sample.call
    assert (loaded.kinds is None) == (result.kinds is None) == (name == "measurements")
    if result.kinds is not None:
        assert list(map(vars, loaded.kinds.columns)) == list(map(vars, result.kinds.columns))
    with np.load(path, allow_pickle=False) as file:
        assert not [name for name in file.files if file[name].dtype == object]


def test_places_from_which_a_fit_measures_are_kept(approximations, tmp_path):
    """Clusters so far apart that each is measured from a place of its own."""
    result, x = approximations["measurements"]
    family = NormalInverseWishart(np.zeros(2), 0.01, 4, np.eye(2))
    far = x + 1e9 * (np.arange(90) % 3)[:, None]
    field = meanfield.fit(mixture.DPMixture(1.0, family), far, truncation=12, restarts=1, rng=1)
    assert isinstance(field.model.component, gaussian.Islands)
    result, path = dataclasses.replace(result, field=field), tmp_path / "far.npz"
    result.save(path)
    loaded = workflow.load(path).field
    assert np.array_equal(loaded.predict_proba(far), field.predict_proba(far))
    assert repr(loaded) == repr(field)


COUNTS = np.where(np.arange(90) % 2, 1e9, 3e12) + 1e4 * np.arange(90)
SHARES = np.round(1e12 * np.random.default_rng(1).dirichlet([20, 30, 50], 90))
FAR = {
    "counts": (PoissonGamma(1, 1e-9), COUNTS[:, None]),
    "documents": (MultinomialDirichlet(np.ones(3)), SHARES),
    "product": (
        Product([PoissonGamma(1, 1e-9), NormalInverseGamma(0, 0.1, 2, 1)]),
        np.column_stack([COUNTS, 1e7 + np.arange(90)]),
    ),
    "gaps": (WithGaps(NormalInverseGamma(np.zeros(1), 0.1, 2, 1)), 1e7 + np.arange(90.0)[:, None]),
}


@pytest.mark.filterwarnings("ignore")  # of optima
@pytest.mark.parametrize("name", FAR)
def test_the_place_from_which_a_family_measures_is_kept(name, approximations, tmp_path):
    family, x = FAR[name]
    field = meanfield.fit(mixture.DPMixture(1.0, family), x, truncation=5, restarts=1, rng=1)
    assert gaussian.place(field.model.component) != gaussian.place(family)
    result, path = approximations["measurements"][0], tmp_path / "far.npz"
    dataclasses.replace(result, field=field).save(path)
    loaded = workflow.load(path).field
    assert np.array_equal(loaded.predict_proba(x), field.predict_proba(x))
    assert np.array_equal(loaded.predictive_logpdf(x), field.predictive_logpdf(x))


def test_an_approximation_that_is_not_whole_is_refused(approximations, tmp_path):
    path, other = tmp_path / "result.npz", tmp_path / "other.npz"
    approximations["measurements"][0].save(path)
    with np.load(path) as file:
        arrays = dict(file)
    facts = json.loads(str(arrays["facts"]))
    own = facts["Approximation"]

    def refused(facts, arrays):
        np.savez(other, **(arrays | {"facts": np.array(json.dumps(facts))}))
        with pytest.raises(ValueError, match="wrote whole, or Approximation.save"):
            workflow.load(other)

    for name in ("own width", "own field sticks", "own sample x", "chain 0 labels"):
        refused(facts, {k: v for k, v in arrays.items() if k != name})
    refused(facts, arrays | {"own field sticks": arrays["own field sticks"][:3]})
    refused(facts, arrays | {"own more": np.zeros(3)})
    for q in ({"place": [1.0, 2.0, 3.0]}, {"model": {"kind": "os.system"}}, {"more": 1}):
        refused(facts | {"Approximation": own | {"field": own["field"] | q}}, arrays)
    refused(facts | {"Approximation": own | {"sample": {}}}, arrays)
    refused(facts | {"Analysis": {}}, arrays)


def test_a_file_that_is_not_known_is_refused(two, tmp_path):
    path, other = tmp_path / "result.npz", tmp_path / "other.npz"
    two.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    facts = json.loads(str(arrays["facts"]))

    def refused(facts, arrays, words):
        np.savez(other, **(arrays | {"facts": np.array(json.dumps(facts))}))
        with pytest.raises(ValueError, match=words):
            workflow.load(other)

    refused(facts | {"format": 2}, arrays, "of format 2: expected format 1; update dpnotes")
    whole = "expected a file that Analysis.save wrote whole"
    refused(facts | {"Analysis": facts["Analysis"] | {"more": 1}}, arrays, whole)
    refused(facts | {"chains": []}, arrays, whole)
    for name in ("own width", "chain 1 labels", "x"):
        refused(facts, {k: v for k, v in arrays.items() if k != name}, whole)
    model = facts["chains"][0] | {"model": {"kind": "os.system"}}
    refused(facts | {"chains": [model, facts["chains"][1]]}, arrays, whole)
    # Chains and analyses are not mistaken for one another.
    two.chains[0].save(other)
    with pytest.raises(ValueError, match=whole):
        workflow.load(other)
    with pytest.raises(ValueError, match=re.escape("Chain.save")):
        chains.load(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=whole):
        workflow.load(path)


# The command

BRIEF = ["--seed", "1", "--sweeps", "40", "--chains", "2"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "faithful.csv"
    pd.DataFrame(datasets.faithful()[::3], columns=["length", "waiting"]).to_csv(path, index=False)
    return path


def test_the_command_writes_the_report(table, tmp_path, two, capsys):
    out = tmp_path / "report.html"
    assert main(["analyse", str(table), *BRIEF, "--report", str(out)]) == 1
    page = Page(out.read_text("utf-8"))
    assert (
        page.tables["Probability of each K"]
        == Page(report.html(two)).tables["Probability of each K"]
    )
    code = "\n".join(page.text)
    assert f"#   dpnotes analyse {table} --columns=length,waiting --sweeps 40" in code
    found = {}
    exec(code[code.index("# In a shell:") : code.index("print(result)")], found)
    assert np.array_equal(found["result"].labels, two.labels)
    before = out.read_bytes()
    assert main(["analyse", str(table), *BRIEF, "--report", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err and out.read_bytes() == before
    assert main(["analyse", str(table), *BRIEF, "--report", str(out), "--overwrite"]) == 1
    assert out.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faithful.csv", "report.html"]


def test_a_report_that_cannot_be_written_leaves_nothing(table, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(report, "html", lambda result, code: "\ud800")  # no UTF-8
    out = tmp_path / "report.html"
    with pytest.raises(UnicodeEncodeError):
        main(["analyse", str(table), *BRIEF, "--report", str(out)])
    assert [p.name for p in tmp_path.iterdir()] == ["faithful.csv"]
    monkeypatch.setattr(workflow, "analyse", None)
    for path in (tmp_path, tmp_path / "missing" / "report.html"):
        assert main(["analyse", str(table), *BRIEF, "--report", str(path), "--overwrite"]) == 2
    same = ["--labels", str(out), "--report", str(out)]
    assert main(["analyse", str(table), *BRIEF, *same]) == 2
    assert "another file" in capsys.readouterr().err


def test_ctrl_c_leaves_a_report_of_what_there_is(table, tmp_path, capsys, monkeypatch):
    def interrupted(self, runs):
        if len(runs[0]) >= 500:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(workflow._Rule, "__call__", interrupted)
    out = tmp_path / "report.html"
    brief = ["--seed", "1", "--sweeps", "2000", "--chains", "2"]
    assert main(["analyse", str(table), *brief, "--report", str(out)]) == 1
    assert "Do not report this" in out.read_text("utf-8")
    assert "interrupted" in capsys.readouterr().err.lower()


# In a browser


@pytest.mark.book
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["two", "mixed"])
def test_it_is_accessible(browser, pages, tmp_path, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    path = tmp_path / "report.html"
    # What axe runs is not of the page.
    text = re.sub(r'<meta http-equiv="Content-Security[^>]*>', "", pages(name))
    path.write_text(text, encoding="utf-8")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(path.as_uri())
    tags = ["wcag2a", "wcag2aa", "best-practice"]
    found = axe.run(page, options={"runOnly": tags, "resultTypes": ["violations"]})
    assert [(v["id"], v["nodes"][0]["target"]) for v in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    context.close()


@pytest.mark.book
def test_a_browser_fetches_nothing_and_runs_nothing(browser, pages, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(pages("mixed"), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(path.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert said == []
    # Print is dark on white, even where the screen is not.
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.querySelector('svg')).filter") == "none"
    context.close()


def test_a_seed_of_several_numbers_is_shown_as_code():
    assert workflow._shown([np.int64(1), 2], "rng") == "[1, 2]"
    assert workflow._shown((1, 2), "rng") == "(1, 2)" and workflow._shown(None, "rng") == "rng"
