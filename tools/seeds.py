"""Run chapters with other seeds: what their cells assert must hold for each.

    python -m tools.seeds                           # every chapter, ten seeds
    python -m tools.seeds book/urn.ipynb            # only this one
    python -m tools.seeds book/urn.ipynb --show     # and what its cells print, seed by seed

A seed that a cell writes, default_rng(1) or rng=1, becomes (1, 1), (1, 2), ..., (1, 10);
each chapter and seed has a process of its own, two at a time.
An assertion that fails does not stop the chapter: its line and values are told at the end.
"""

import argparse
import ast
import contextlib
import functools
import io
import linecache
import multiprocessing
import pathlib
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor

import matplotlib.pyplot as plt
import nbformat
import numpy as np

from .drawn import empty_axes

BOOK = pathlib.Path(__file__).parents[1] / "book"
SHIFTS = range(1, 11)
default_rng = np.random.default_rng


def shifted(shift, seed=None):
    """numpy.random.default_rng, save that a seed of integers gets one more: the shift."""
    made = (np.random.Generator, np.random.BitGenerator, np.random.SeedSequence)
    if seed is None or isinstance(seed, made):
        return default_rng(seed)
    return default_rng([*np.ravel(seed).tolist(), shift])


class Recorded(ast.NodeTransformer):
    """Let a cell go on after an assertion that fails."""

    def visit_Assert(self, node):
        call = ast.parse(f"__failed__({node.lineno})").body
        caught = ast.ExceptHandler(ast.Name("AssertionError", ast.Load()), None, call)
        guarded = ast.Try([node], [caught], [], [])
        for new in ast.walk(guarded):
            if not hasattr(new, "lineno"):
                ast.copy_location(new, node)
        return ast.fix_missing_locations(guarded)


def values(assertion, frame):
    """What the sides of an assertion's comparisons are, as lines of text."""
    found = {}
    for node in ast.walk(assertion):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                # A name that only a comprehension knows has no value here.
                with contextlib.suppress(Exception):
                    name = ast.unparse(side)
                    value = repr(eval(name, frame.f_globals, frame.f_locals))
                    found |= {name: value} if value != name else {}
    return [f"    {name} = {value}" for name, value in found.items()]


def run_cell(source, name, namespace, failures):
    """Run one cell, show what its last expression is, and keep each assertion that fails."""
    tree = ast.parse(source)
    asserted = {node.lineno: node for node in ast.walk(tree) if isinstance(node, ast.Assert)}

    def failed(lineno):
        node = asserted[lineno]
        line = f"{name}, line {lineno}: {ast.get_source_segment(source, node)}"
        failures.append("\n".join([line, *values(node, sys._getframe(1))]))

    namespace["__failed__"] = failed
    # So that a traceback can quote the cell.
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    body = Recorded().visit(tree).body
    shown = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), name, "exec"), namespace)
    if shown is not None:
        value = eval(compile(ast.Expression(shown.value), name, "eval"), namespace)
        if value is not None:
            print(repr(value))


def run(path, shift):
    """The failures of a chapter with seeds shifted, and what each of its code cells prints."""
    plt.switch_backend("Agg")
    np.random.default_rng = functools.partial(shifted, shift)
    failures, printed, namespace = [], {}, {"__name__": "__main__"}
    started = time.perf_counter()
    path = path.resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            out = io.StringIO()
            try:
                with contextlib.redirect_stdout(out):
                    run_cell(cell.source, cell.id, namespace, failures)
            except Exception as error:
                frames = traceback.extract_tb(error.__traceback__)
                at = [frame for frame in frames if frame.filename == cell.id][-1:]
                line = f"{cell.id}, line {at[0].lineno}: {at[0].line}" if at else cell.id
                failures.append(f"{line}\n    {type(error).__name__}: {error}; the chapter ends")
                break
            finally:
                if count := empty_axes():
                    failures.append(f"{cell.id}: axes that show nothing: {count}")
                plt.close("all")
            printed[cell.id] = out.getvalue().splitlines()
    return failures, printed, time.perf_counter() - started


def spread(printed):
    """The lines that differ between the seeds, one under the other."""
    for cell in printed[0]:
        for i, lines in enumerate(zip(*(p.get(cell, []) for p in printed), strict=False)):
            if len(set(lines)) > 1:
                yield f"  {cell}, printed line {i + 1}:"
                yield from (f"    {line}" for line in lines)


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tools.seeds")
    parser.add_argument("chapters", nargs="*", type=pathlib.Path)
    parser.add_argument("--show", action="store_true", help="print what differs between seeds")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    chapters = asked.chapters or sorted(BOOK.glob("*.ipynb"))
    context = multiprocessing.get_context("spawn")
    total = 0
    with ProcessPoolExecutor(2, mp_context=context, max_tasks_per_child=1) as pool:
        waiting = {c: [pool.submit(run, c, shift) for shift in SHIFTS] for c in chapters}
        for chapter, runs in waiting.items():
            failures, printed, seconds = zip(*(r.result() for r in runs), strict=True)
            count = sum(map(len, failures))
            total += count
            print(f"{chapter.stem}: {count} failures, {sum(seconds):.0f} s", flush=True)
            for shift, told in zip(SHIFTS, failures, strict=True):
                for failure in told:
                    print(f"  seed (…, {shift}), {failure}".replace("\n", "\n  "), flush=True)
            if asked.show:
                print(*spread(printed), sep="\n", flush=True)
    print(f"{total} failures in {time.perf_counter() - started:.0f} s")
    return total > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
