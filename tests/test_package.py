"""The package as a whole: order of its modules, docstrings, seeds, messages, wheel and lock."""

import ast
import doctest
import functools
import graphlib
import importlib
import inspect
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata

import numpy as np
import pytest
import yaml
from numpydoc.docscrape import ClassDoc, FunctionDoc
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import dpnotes
from dpnotes import _validate as check
from dpnotes import (
    clusters,
    components,
    crp,
    gibbs,
    meanfield,
    measures,
    mixture,
    process,
    selection,
    sticks,
    streams,
)

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "dpnotes"
ORDER = dpnotes.__all__
# Every room, the private ones too; an import points up in this list.
ROOMS = [
    "_types", "_validate", "_deprecated", "_versions", "_threads", "_progress",
    "_numbers", "_svg", "measures", "crp", "clusters", "sticks", "process", "selection",
    "components", "mixture", "exact", "_local", "_sweeps", "_moves", "_record", "chains",
    "gibbs", "hyper", "_dask", "_checkpoint", "_search", "meanfield", "streams", "partitions",
    "peaks", "show", "diagnostics", "predictive", "tables", "kinds", "workflow", "report",
    "estimators", "__main__", "datasets", "_axes", "plotting", "figures",
]  # fmt: skip
# Needs what only an extra brings, so it is no name of ``from dpnotes import *``.
EXTRA = ["estimators"]
# An answer shows itself, and asks for what draws it only then; the page is drawn on use, too.
SHOWN = {(room, "plotting") for room in ("workflow", "report")}
SHOWN |= {("workflow", "report"), ("report", "_axes"), ("_svg", "_axes")}
FILES = sorted(PACKAGE.rglob("*.py"))
DRAWS = ("_axes", "plotting", "figures")
HEAVY = {"scipy", "matplotlib", "seaborn", "arviz_stats", "tqdm", "numba"}


def place(path):
    """A file's dotted name in the package: "crp", "figures.process", "figures"."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def own_modules(node, path):
    """The modules of dpnotes that an import statement names, at any depth of a function."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        # One dot is the folder of the file, each further dot the folder above.
        folders = ["dpnotes", *path.relative_to(PACKAGE).parent.parts]
        start = folders[: len(folders) + 1 - node.level] if node.level else []
        home = ".".join([*start, *filter(None, [node.module])])
        inside = (PACKAGE.parent / home.replace(".", "/")).is_dir()
        names = [f"{home}.{alias.name}" for alias in node.names] if inside else [home]
    else:
        names = []
    return [name.removeprefix("dpnotes.") for name in names if name.startswith("dpnotes.")]


def roots(tree):
    """The packages that a module imports when it is loaded, not inside its functions."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]
        elif not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))


def public(rooms=ORDER):
    """Every public function and class, as (module.name, object)."""
    for room in rooms:
        module = importlib.import_module(f"dpnotes.{room}")
        names = getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
        for name in names:
            thing = getattr(module, name)
            if inspect.ismodule(thing) and thing.__name__ == f"{module.__name__}.{name}":
                yield from public([f"{room}.{name}"])
            elif f"{getattr(thing, '__module__', '')}.".startswith(f"{module.__name__}."):
                yield f"{room}.{name}", thing


PUBLIC = dict(public())


def test_every_module_is_in_the_order():
    rooms = {place(path).split(".")[0] for path in FILES} - {""}
    assert rooms == set(ROOMS) and len(ROOMS) == len(rooms)
    public = [room for room in ROOMS if not room.startswith("_")]
    assert [room for room in public if room not in EXTRA] == ORDER


@pytest.mark.parametrize("path", FILES, ids=lambda path: place(path) or "dpnotes")
def test_imports_point_down(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    room = place(path).split(".")[0]
    above = ROOMS[: ROOMS.index(room)] if room else []
    for node in ast.walk(tree):
        for name in own_modules(node, path):
            other = name.split(".")[0]
            if (room, other) in SHOWN:
                continue
            # A chapter's figures do not use another chapter's.
            inside = other == room != "figures"
            down = other in above or inside or other == "__version__"
            assert down, f"line {node.lineno} imports {name}"
    allowed = {"matplotlib"} if room in DRAWS else set()
    assert HEAVY & set(roots(tree)) <= allowed


@pytest.mark.parametrize("folder", sorted({p.parent for p in FILES} - {PACKAGE}))
def test_imports_inside_a_room_make_no_circle(folder):
    needs = {}
    for path in folder.glob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = [name for node in nodes for name in own_modules(node, path)]
        names = {name.split(".")[1] for name in names if name.startswith(f"{folder.name}.")}
        needs[path.stem] = names & {other.stem for other in folder.glob("*.py")}
    graphlib.TopologicalSorter(needs).prepare()


def test_the_package_loads_light():
    modules = [name for name in ORDER if name != "plotting"]  # figures loads its parts on use
    code = f"""if True:
        import sys, dpnotes
        assert not [name for name in sys.modules if name.startswith("dpnotes.")]
        from dpnotes import {", ".join(modules)}
        heavy = {sorted(HEAVY)!r}
        print(heavy, *(name for name in heavy if name in sys.modules), sep="|")
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == repr(sorted(HEAVY))
    assert set(ORDER) <= set(dir(dpnotes))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        dpnotes.nonsense


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_have_their_sections(name):
    thing = PUBLIC[name]
    is_function = inspect.isfunction(thing)
    assert inspect.getdoc(thing), "no docstring"
    doc = (FunctionDoc if is_function else ClassDoc)(thing)
    # A dataclass or a named tuple is a result: users read its attributes and do not call it.
    result = hasattr(thing, "__dataclass_fields__") or hasattr(thing, "_fields")
    section = doc["Attributes"] if result and not doc["Parameters"] else doc["Parameters"]
    if getattr(thing, "_is_protocol", False):
        return  # nobody makes one
    documented = [n.strip().lstrip("*") for entry in section for n in entry.name.split(",")]
    parameters = list(inspect.signature(thing).parameters)
    if result:
        parameters = [n for n in parameters if not n.startswith("_")]
        assert set(parameters) <= set(documented)
    else:
        assert documented == parameters
    if is_function and name != "plotting.use_style":
        assert doc["Returns"] or doc["Yields"], "no section Returns"
    # A function that checks its arguments itself says when it raises.
    if is_function and "check." in inspect.getsource(thing):
        assert doc["Raises"], "no section Raises"
    if is_function and not name.startswith("figures."):
        assert doc["Examples"], "no section Examples"
    for member, function in vars(thing).items() if not is_function else ():
        if inspect.isfunction(function) and not member.startswith("_"):
            assert inspect.getdoc(function), f"{member} has no docstring"


class Square:
    """The uniform law on the unit square."""

    def rvs(self, size, random_state):
        return np.random.default_rng(random_state).random((size, 2))


SQUARE = process.DirichletProcess(2, Square())
MODEL = mixture.DPMixture(1.0, components.Gaussian(0, 1, 0.5))
X = np.arange(8.0)
CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [5.0, 0.0], [5.0, 1.0], [9.0, 9.0]])


@functools.cache
def chain():
    return gibbs.collapsed(MODEL, X, 20, rng=1)


ONE_SEED = {
    "crp.sample": lambda rng: crp.sample(50, 2.0, rng=rng),
    "crp.sample_sizes": lambda rng: crp.sample_sizes(10**6, 2.0, rng=rng),
    "clusters.NumClusters": lambda rng: clusters.NumClusters(50, 2.0).rvs(20, rng),
    "clusters.sample_sizes_given": lambda rng: clusters.sample_sizes_given(30, 5, 4, rng=rng),
    "sticks.sample": lambda rng: sticks.sample(2.0, 20, rng=rng)[0],
    "sticks.sample_until": lambda rng: sticks.sample_until(2.0, 1e-3, rng=rng),
    "sticks.sample_labels": lambda rng: sticks.sample_labels(50, 2.0, rng=rng),
    "measures.Discrete": lambda rng: measures.Discrete([0, 1], [0.5, 0.5]).rvs(50, rng),
    "process.Dirichlet": lambda rng: process.Dirichlet([1, 2]).rvs(5, rng),
    "process.sample_urn": lambda rng: SQUARE.sample_urn(50, rng=rng),
    "process.sample_measure": lambda rng: SQUARE.sample_measure(rng=rng).atoms,
    "mixture.DPMixture": lambda rng: MODEL.sample(9, rng=rng)[0],
    "gibbs.collapsed": lambda rng: gibbs.collapsed(MODEL, X, 20, rng=rng).labels,
    "gibbs.auxiliary": lambda rng: gibbs.auxiliary(MODEL, X, 20, rng=rng).labels,
    "gibbs.naive": lambda rng: gibbs.naive(MODEL, X, 20, rng=rng).labels,
    "gibbs.blocked": lambda rng: gibbs.blocked(MODEL, X, 20, truncation=9, rng=rng).labels,
    "gibbs.sample_alpha": lambda rng: gibbs.sample_alpha(1.0, 4, 9, (1, 1), rng=rng),
    "components.prior_draws": lambda rng: components.prior_draws(MODEL.component, 5, rng=rng),
    "chains.draw_theta": lambda rng: np.concatenate(chain().draw_theta(rng=rng).theta),
    "meanfield.fit": lambda rng: meanfield.fit(MODEL, X, truncation=6, rng=rng).sticks,
    "streams.Memoised": lambda rng: (
        streams.Memoised(MODEL, truncation=6, rng=rng).partial_fit(X).result().sticks
    ),
    "streams.Stochastic": lambda rng: (
        streams.Stochastic(MODEL, 9, truncation=6, rng=rng).partial_fit(X).result().sticks
    ),
    "selection.fit": lambda rng: selection.fit(CORNERS, 2, rng=rng, n_starts=1).means,
}


@pytest.mark.parametrize("name", ONE_SEED)
def test_one_seed_one_result(name):
    draw = ONE_SEED[name]
    np.random.seed(1)  # noqa: NPY002  (the global state must not matter)
    first = draw(7)
    np.random.seed(2)  # noqa: NPY002
    assert np.array_equal(draw(7), first)
    assert np.array_equal(draw(np.random.default_rng(7)), first)
    assert any(not np.array_equal(draw(seed), first) for seed in range(5))


@pytest.mark.parametrize(
    "value",
    [
        np.arange(1e6),
        np.ones((500, 500)),
        list(range(10**6)),
        [[1.5] * 1_000] * 1_000,
        "a" * 10**6,
        {i: i for i in range(10**5)},
        10**1_000,
    ],
    ids=["array", "matrix", "list", "nested", "text", "dict", "integer"],
)
def test_messages_are_short(value):
    with pytest.raises(ValueError) as error:
        check.fail("x", value, "less")
    message = str(error.value)
    assert len(message) < 250 and "\n" not in message and "..." in message
    assert message.startswith("x = ") and message.endswith(": expected less")


def test_messages_show_small_values_whole():
    cases = [(-1, "-1"), (np.float64(-1.5), "-1.5"), ([1, 2], "[1, 2]"), (None, "None")]
    for value, shown in cases:
        with pytest.raises(ValueError, match=f"^alpha = {re.escape(shown)}: expected more$"):
            check.fail("alpha", value, "more")


def test_an_article_goes_with_its_word():
    words = ["amount", "integer", "count", "numpy.random.Generator", "yes/no"]
    said = ["an amount", "an integer", "a count", "a numpy.random.Generator", "a yes/no"]
    assert [check.an(word) for word in words] == said


@pytest.mark.parametrize("path", FILES, ids=lambda path: place(path) or "dpnotes")
def test_no_message_writes_an_article_before_a_word_it_does_not_know(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for text, value in itertools.pairwise(parts):
            if isinstance(text, ast.Constant) and isinstance(value, ast.FormattedValue):
                assert not re.search(r"\b[Aa]n? $", text.value), ast.unparse(node)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder into which the wheel of the package is installed, alone."""
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy, because setuptools leaves build folders behind.
    source = folder / "source"
    shutil.copytree(PACKAGE, source / "dpnotes", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "install"]
    pip += ["--no-index", "--no-deps", "--no-build-isolation", "--target", folder / "there"]
    subprocess.run([*pip, source], check=True, capture_output=True)
    return folder / "there"


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(installed):
    def files(folder):
        return {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert files(installed / "dpnotes") == files(PACKAGE)
    names = {"bin", "dpnotes", f"dpnotes-{dpnotes.__version__}.dist-info"}
    assert [path.name for path in (installed / "bin").iterdir()] == ["dpnotes"]
    assert {path.name for path in installed.iterdir()} == names


@pytest.mark.slow
def test_the_wheel_imports_every_module(installed):
    code = f"""if True:
        import importlib, pkgutil, sys
        sys.path.insert(0, {str(installed)!r})
        import dpnotes
        for module in pkgutil.walk_packages(dpnotes.__path__, "dpnotes."):
            if not module.name.endswith("__main__"):
                print(module.name, importlib.import_module(module.name).__file__)
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed.parent, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = dict(line.split() for line in run.stdout.splitlines())
    here = (path.relative_to(ROOT).with_suffix("") for path in PACKAGE.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in here}
    assert set(found) == {name for name in names - {"dpnotes"} if not name.endswith("__main__")}
    assert all(path.startswith(str(installed)) for path in found.values())


@pytest.mark.slow
def test_the_description_runs():
    """What a package index shows."""
    failed, tried = doctest.testfile(str(PACKAGE / "README.md"), module_relative=False)
    assert tried > 10 and failed == 0


@pytest.mark.book
def test_the_metadata_lead_to_the_site():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
    assert project["urls"]["Homepage"] == site
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    links = [project["urls"]["Documentation"], *re.findall(r"\]\(([^)]*)\)", text)]
    assert len(links) > 2
    for link in links:
        # An index shows it far from the repository.
        page = link.removeprefix(site).replace(".html", ".md")
        assert link.startswith(site) and (ROOT / page).exists(), link


@pytest.mark.book
def test_one_version_stands_everywhere():
    """A citation names what its reader has; a release has its day in the changelog."""
    version = Version(dpnotes.__version__)
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == dpnotes.__version__
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (latest, day), *before = re.findall(r"^## (\S+) \((\S+)\)$", text, re.MULTILINE)
    assert latest == version.base_version
    assert day == ("unreleased" if version.is_devrelease else str(cited["date-released"]))
    assert all(Version(v) < Version(latest) and d <= str(cited["date-released"]) for v, d in before)


@pytest.mark.book
def test_a_release_is_trusted_without_a_password():
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert {name: job.get("permissions") for name, job in jobs.items()} == {
        "build": None, "publish": {"id-token": "write"},
        "versions": {"contents": "write", "pages": "read"},
    }  # fmt: skip
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    assert "secrets" not in text and "password:" not in text
    assert {"run": "make dist"} in jobs["build"]["steps"]
    # What was built and checked is sent, and nothing else runs beside the right to send it.
    actions = [step["uses"].partition("@")[0] for step in jobs["publish"]["steps"]]
    assert actions == ["actions/download-artifact", "pypa/gh-action-pypi-publish"]


def locked():
    """The lock as {name: version} for this machine; each pin has hashes, and no address."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    pins = {}
    for entry in re.sub(r"#.*", "", text).replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
        if requirement:
            assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in hashes), entry
            pin = Requirement(requirement)
            (specifier,) = pin.specifier
            assert specifier.operator == "==" and "*" not in specifier.version, requirement
            if pin.marker is None or pin.marker.evaluate():
                assert pin.name not in pins, pin.name
                pins[canonicalize_name(pin.name)] = specifier.version
    return pins


@pytest.mark.book
def test_the_lock_is_complete():
    pins = locked()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    ranges = [*project["dependencies"], *itertools.chain.from_iterable(extras)]
    waiting = [(Requirement(r), "pyproject.toml") for r in ranges]
    done = set()
    while waiting:
        need, by = waiting.pop()
        name = canonicalize_name(need.name)
        assert name in pins, f"{by} needs {name}, which is not locked"
        assert need.specifier.contains(pins[name], prereleases=True), f"{by} needs {need}"
        for extra in {"", *need.extras} - {e for n, e in done if n == name}:
            done.add((name, extra))
            try:
                more = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                continue  # an optional part that is not installed here
            for requirement in map(Requirement, more):
                if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                    waiting.append((requirement, name))
