"""Habits of the tests themselves: threads, skips, what importing a test file costs."""

import ast
import os
import re
import shutil
import subprocess
import sys

import pytest
import threadpoolctl
from conftest import ROOT, THREADS

pytestmark = pytest.mark.book
FILES = sorted((ROOT / "tests").glob("test_*.py"))
# Modules whose functions draw, fit or enumerate; their classes are cheap to make.
WORK = {"chains", "diagnostics", "exact", "gibbs", "hyper", "meanfield", "selection", "workflow"}


def test_one_thread_a_process():
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))
    pools = threadpoolctl.threadpool_info()
    assert pools and {pool["num_threads"] for pool in pools} == {1}
    assert {os.environ[name] for name in THREADS} == {"1"}


def run_pytest(folder, *options, **environment):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


SKIPS = """
import pytest

def test_that_runs():
    pass

@pytest.mark.parametrize("n", [1, 2])
def test_that_does_not(n):
    pytest.skip("no such thing here")

@pytest.mark.xfail
def test_known_to_fail():
    assert False
"""
ALLOWED = "# a comment\n\ntests/test_a.py::test_that_does_not*: no such thing*\n"


@pytest.mark.parametrize(
    ("allowed", "strict", "workers", "code"),
    [("", "1", "0", 1), ("", "1", "2", 1), (ALLOWED, "1", "2", 0), ("", "0", "0", 0)],
    ids=["strict", "strict, two workers", "listed", "not strict"],
)
def test_a_skip_that_is_not_listed_fails(tmp_path, allowed, strict, workers, code):
    folder = tmp_path / "tests"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_a.py").write_text(SKIPS)
    (folder / "allowed-skips.txt").write_text(allowed)
    run = run_pytest(tmp_path, "-n", workers, "--rootdir", tmp_path, STRICT_SKIPS=strict)
    assert run.returncode == code, run.stdout + run.stderr
    named = "allowed-skips.txt: tests/test_a.py::test_that_does_not[1]: no such thing here"
    assert (named in run.stdout) == bool(code)


def test_a_file_skipped_whole_fails_too(tmp_path):
    folder = tmp_path / "tests"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_a.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    (folder / "test_b.py").write_text("def test_that_runs():\n    pass\n")
    (folder / "allowed-skips.txt").write_text("")
    run = run_pytest(tmp_path, "-n", "0", "--rootdir", tmp_path, STRICT_SKIPS="1")
    assert run.returncode == 1 and "tests/test_a.py: could not import" in run.stdout


def work_at_import(tree):
    """Calls of the package's working functions that run when a test file is imported."""
    working = {}  # what the file calls it: what it is
    waiting = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dpnotes"):
            for alias in node.names:
                inside = node.module.removeprefix("dpnotes").lstrip(".") or alias.name
                if inside.split(".")[0] in WORK:
                    working[alias.asname or alias.name] = alias.name
        else:
            waiting.append(node)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.FunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
            continue
        if isinstance(node, ast.Call):
            path = ast.unparse(node.func).split(".")
            name = working.get(path[0], path[-1]) if len(path) == 1 else path[-1]
            if path[0] in working and name.islower():
                yield f"line {node.lineno}: {ast.unparse(node)}"
        if node is not None:
            waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_sampler_runs_when_a_test_file_is_imported(path):
    assert list(work_at_import(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from dpnotes import gibbs\nC = gibbs.collapsed(1)", 1),
        ("from dpnotes import gibbs\nC = gibbs.collapsed(1)[2:].labels", 1),
        ("from dpnotes import gibbs as g\n@mark('x', [g.naive(1)])\ndef test(): pass", 1),
        ("from dpnotes.gibbs import collapsed as c\nC = [c(1), c(2)]", 2),
        ("from dpnotes import gibbs\ndef test(x=gibbs.naive(1)): pass", 1),
        ("from dpnotes import gibbs\nclass A:\n    c = gibbs.naive(1)", 1),
        ("from dpnotes import gibbs\ndef test():\n    gibbs.naive(1)", 0),
        ("from dpnotes import gibbs\nMAKE = {'a': lambda: gibbs.naive(1)}", 0),
        ("from dpnotes import hyper, crp\nP = hyper.BasePrior(1)\nS = crp.sample(3, 1)", 0),
    ],
)
def test_work_at_import_is_found(source, found):
    assert len(list(work_at_import(ast.parse(source)))) == found


# The marks of a merge, also in the lines of a notebook.
UNDECIDED = re.compile(r"^\s*\"?(?:(?:<{7}|>{7})(?: |$)|={7}$)", re.MULTILINE)


def test_no_merge_was_left_undecided():
    folders = ("book", "book/_ext", "book/_static", "dpnotes", "tools", "tests", ".")
    kinds = {".md", ".ipynb", ".py", ".csv", ".css", ".mjs", ".yml", ".bib", ".toml"}
    paths = [p for f in folders for p in (ROOT / f).iterdir() if p.suffix in kinds]
    assert len(paths) > 100
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    assert [name for name, text in texts.items() if UNDECIDED.search(text)] == []
