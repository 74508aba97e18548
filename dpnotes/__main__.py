"""The command: ``dpnotes analyse table.csv`` prints how many clusters, and how sure.

Status 0: fit to report; 1: not fit; 2: bad input, or nothing could be written; 130: interrupted
before there was anything to say, or before all was written.
"""

import argparse
import ast
import csv
import io
import json
import os
import pathlib
import re
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import numpy as np

from . import __version__, hyper, kinds, report, tables, workflow
from . import _validate as check

FIT, UNFIT, BAD, INTERRUPTED = 0, 1, 2, 130
Answer = workflow.Analysis | workflow.Approximation
TEXT = r"""(?:'[^'\\\n\r]*'|"[^"\\\n\r]*")"""
VALUE = rf"\d+|{TEXT}|\{{{TEXT}: {TEXT}\}}|\[(?:\.\.\.|{TEXT}(?:, {TEXT})*)\]"
# What messages advise for Python: an argument, = and its value.
ADVICE = re.compile(
    rf"\b(?:n_)?(columns|decimal|thousands|kinds|missing|covariance|sweeps)=({VALUE})"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        What follows ``dpnotes``; the process' own by default.

    Examples
    --------
    >>> from dpnotes.__main__ import main
    >>> main(["analyse", "no such file.csv"])
    2
    """
    asked = _parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, *_: _say(str(message))
        return _run(asked)


def _run(asked: argparse.Namespace) -> int:
    try:
        for option in ("labels", "report"):
            _free(option, getattr(asked, option), asked.overwrite)
        if None not in (asked.labels, asked.report) and (
            os.path.realpath(asked.labels) == os.path.realpath(asked.report)
        ):
            check.fail("--report", asked.report, "another file than --labels")
        source = _source(asked)
        rows = None if asked.labels is None else _rows(source, asked)
        result = _analyse(source, asked)
    except KeyboardInterrupt:
        _say("interrupted before there was anything to say")
        return INTERRUPTED
    except (ValueError, OSError, csv.Error) as error:
        _say(_as_options(str(error)))
        return BAD
    try:
        return _hand_over(asked, rows, result)
    except KeyboardInterrupt:
        _say("interrupted before all was written")
        return INTERRUPTED


def _hand_over(
    asked: argparse.Namespace, rows: tuple[list[str], list[list[Any]]] | None, result: Answer
) -> int:
    """Print the answer and write the files that are asked for; return the exit status."""
    status = FIT if _sampled(result).fit else UNFIT
    try:
        _print(_json(asked, result) if asked.json else _words(asked, result))
    except BrokenPipeError:  # whoever read has enough; Python must not try again when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _say(str(error))
        status = BAD
    try:
        if rows is not None:
            _write_labels(asked.labels, *rows, result)
        if asked.report is not None:
            _write_report(asked, result)
    except OSError as error:
        _say(str(error))
        status = BAD
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dpnotes", description="Dirichlet process mixtures.")
    parser.add_argument("--version", action="version", version=f"dpnotes {__version__}")
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser(
        "analyse",
        help="how many clusters a table has, and how sure that is",
        description="Cluster the rows of a table by a Dirichlet process mixture.",
    )
    one.add_argument("file", help="a CSV or Parquet file; - reads CSV from standard input")
    one.add_argument("--columns", help="names of the columns to use, with commas between")
    one.add_argument("--decimal", help="what stands before the decimals, . or ,")
    one.add_argument("--thousands", help="what stands between groups of three digits")
    one.add_argument("--kinds", help="what columns are, as visits=count,region=category, or auto")
    one.add_argument("--missing", choices=kinds.MISSING, default="error", help="of gaps; error")
    one.add_argument("--covariance", choices=hyper.COVARIANCES, help="of a cluster; full")
    one.add_argument("--sweeps", type=int, help="the most sweeps of each chain")
    one.add_argument("--chains", type=int, default=4, help="number of chains; 4")
    one.add_argument("--seed", type=int, help="the same seed gives the same answer")
    one.add_argument("--json", action="store_true", help="print the answer for a program to read")
    one.add_argument("--labels", metavar="OUT.csv", help="write the rows with block and certainty")
    one.add_argument("--report", metavar="OUT.html", help="write a page with figures of all of it")
    one.add_argument("--overwrite", action="store_true", help="even if there is such a file")
    return parser


def _analyse(source: Any, asked: argparse.Namespace) -> Answer:
    if asked.seed is None:
        asked.seed = int(np.random.default_rng().integers(2**32))
    check.integer("--seed", asked.seed, 0)
    if not hasattr(source, "columns"):
        # What is wrong with the file is said of the file.
        tables._cells("file", _again(source), asked.decimal)
    return workflow.analyse(
        _again(source),
        columns=None if asked.columns is None else _words_of(asked.columns),
        kinds=_kinds(asked.kinds),
        missing=asked.missing,
        decimal=asked.decimal,
        thousands=asked.thousands,
        covariance=asked.covariance,
        n_sweeps=asked.sweeps,
        n_chains=asked.chains,
        rng=asked.seed,
        progress=sys.stderr.isatty(),
    )


class _Input(io.BytesIO):
    """What came in, as it is named in messages."""

    def __repr__(self) -> str:
        return "standard input"


def _source(asked: argparse.Namespace) -> Any:
    """Return a data frame, or a file of text that can be read again and again."""
    if asked.file == "-":
        return _Input(sys.stdin.buffer.read())
    if not asked.file.lower().endswith((".parquet", ".pq")):
        return asked.file
    try:
        import pandas as pd

        return pd.read_parquet(asked.file)
    except ImportError:
        check.fail("file", asked.file, "a CSV file, or pandas and pyarrow to read Parquet with")


def _again(source: Any) -> Any:
    """Return the source from its beginning."""
    if hasattr(source, "seek"):
        source.seek(0)
    return source


def _words_of(line: str) -> list[str]:
    """Return the words of a line of a CSV file."""
    return next(csv.reader([line], skipinitialspace=True, strict=True), [])


def _kinds(line: str | None) -> str | dict[str, str] | None:
    """Return kinds of columns: one word for all, or a name and a kind for each, with = between."""
    if line is None:
        return None
    words = _words_of(line)
    if words and all("=" in word for word in words):
        pairs = [word.rpartition("=")[::2] for word in words]
        if len(dict(pairs)) < len(pairs):
            check.fail("--kinds", line, "each column once")
        return dict(pairs)
    if len(words) != 1:
        check.fail("--kinds", line, "a kind, or names of columns with =kind each, commas between")
    return words[0]


def _write_labels(path: str, header: list[str], rows: list[list[Any]], result: Answer) -> None:
    """Write the rows as they came, each with its block and how certain that is; all or nothing."""
    header = header + [_unused(name, header) for name in ("block", "certainty")]
    certain = _certainty(result)
    with _whole(path) as file:
        writer = csv.writer(file)
        writer.writerow(header)
        blocks = zip(rows, result.partition.tolist(), certain, strict=True)
        writer.writerows([*row, block, shown] for row, block, shown in blocks)


def _write_report(asked: argparse.Namespace, result: Answer) -> None:
    """Write the report as a page, with the command and the code that repeat it; all or nothing."""
    page = report.html(result, code=_code(asked, result))
    with _whole(asked.report) as file:
        file.write(page)


def _code(asked: argparse.Namespace, result: Answer) -> str:
    words = ["dpnotes", "analyse", asked.file, f"--columns={_line(result.names)}"]
    options = "decimal", "thousands", "kinds", "missing", "covariance", "sweeps", "chains", "seed"
    for option in options:
        value = getattr(asked, option)
        usual = value is None or (option, value) == ("missing", "error")
        words += [] if usual else [f"--{option}", str(value)]
    shell = check.seen(shlex.join(words))
    name = repr("your.csv" if asked.file == "-" else asked.file)
    frame = asked.file.lower().endswith((".parquet", ".pq"))
    call = dict(_sampled(result).call) | {"data": name, "rng": str(asked.seed)}
    if frame:
        call["data"] = f"pd.read_parquet({name})"
    return "\n".join(
        [
            "# In a shell:",
            f"#   {shell}",
            "# In Python:",
            *(["import pandas as pd"] if frame else []),
            "from dpnotes import workflow",
            "",
            "result = workflow.analyse(",
            f"    {call.pop('data')},",
            f"    columns={result.names!r},",
            *(f"    {name}={value}," for name, value in call.items()),
            ")",
            "print(result)",
        ]
    )


def _line(names: list[str]) -> str:
    """Return names as a line of a CSV file."""
    file = io.StringIO()
    csv.writer(file, lineterminator="").writerow(names)
    return file.getvalue()


@contextmanager
def _whole(path: str) -> Iterator[TextIO]:
    """Open a file that comes to be once all is written, or not at all."""
    target = pathlib.Path(os.path.realpath(path))  # what a link leads to, not the link
    part = target.with_name(f"{target.name}.{os.urandom(8).hex()}.part")
    try:
        with part.open("x", newline="", encoding="utf-8") as file:
            yield file
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _free(option: str, path: str | None, overwrite: bool) -> None:
    """Refuse a path at which no file can come to be."""
    if path is None:
        return
    target = pathlib.Path(os.path.realpath(path))
    # A device such as /dev/null is not to be replaced by a file.
    if (target.exists() and not target.is_file()) or not target.parent.is_dir():
        check.fail(f"--{option}", path, "a file in a folder that there is")
    if target.exists() and not overwrite:
        check.fail(f"--{option}", path, "a new file; --overwrite replaces it")


def _rows(source: Any, asked: argparse.Namespace) -> tuple[list[str], list[list[Any]]]:
    """Return the names and the rows of the file as they came."""
    if hasattr(source, "columns"):
        return [str(name) for name in source.columns], source.to_numpy(dtype=object).tolist()
    header, rows, _ = tables._cells("file", _again(source), asked.decimal)
    return list(header), list(rows.values())


def _unused(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _certainty(result: Answer) -> list[str]:
    """Return how certain the block of each row is, which mean field does not say."""
    if isinstance(result, workflow.Approximation):
        return ["" for _ in result.partition]
    return [f"{p:.4f}" for p in result.certainty]


def _words(asked: argparse.Namespace, result: Answer) -> str:
    return f"{_as_options(str(result))}\n\nThe same answer: --seed {asked.seed}"


def _as_options(text: str) -> str:
    """Return advice for Python as it is typed in a shell: kinds={'a': 'count'} as --kinds a=count.

    Examples
    --------
    >>> from dpnotes import __main__ as command
    >>> command._as_options("missing='ignore', columns=['a', 'b c'] or [...], n_sweeps=300")
    "--missing ignore, --columns 'a,b c' or [...], --sweeps 300"
    """
    return ADVICE.sub(_option, text)


def _option(advice: re.Match[str]) -> str:
    name, value = advice[1], ast.literal_eval(advice[2])
    if value == [...]:
        return f"--{name} ..."
    if isinstance(value, dict):
        value = _line([f"{column}={kind}" for column, kind in value.items()])
    elif isinstance(value, list):
        value = _line(value)
    return f"--{name} {shlex.quote(str(value))}"


def _json(asked: argparse.Namespace, result: Answer) -> str:
    sampled = _sampled(result)
    K = np.unique(sampled.num_clusters)
    answer: dict[str, Any] = {
        "dpnotes": __version__,
        "method": "sampler" if sampled is result else "mean field; num_clusters of a sample",
        "rows": len(result.x),
        "columns": result.names,
        "seed": asked.seed,
        "sweeps": sampled.sweeps[0],
        "fit_to_report": sampled.fit,
        "num_clusters": {str(k): dict(zip(("prob", "error"), sampled.prob(int(k)))) for k in K},
        "partition": result.partition.tolist(),
    }
    if sampled is result:
        answer["groups"] = None if result.kinds else result.groups.tolist()
        answer["expected_loss"] = dict(zip(("nats", "error"), sampled.expected_loss))
    table = sampled.diagnostics
    answer["diagnostics"] = {
        name: {"rhat": _number(r), "effective_draws": _number(e)}
        for name, r, e in zip(table.names, table.rhat, table.bulk, strict=True)
    }
    return json.dumps(answer, indent=1)


def _number(value: float) -> float | None:
    """Return what JSON can hold: of a quantity that does not move nothing is known."""
    return float(value) if np.isfinite(value) else None


def _sampled(result: Answer) -> workflow.Analysis:
    return result.sample if isinstance(result, workflow.Approximation) else result


def _print(text: str) -> None:
    """Print to the end; what a name holds besides text (colours, bells) is shown, not done."""
    print(_shown(text), flush=True)


def _say(message: str) -> None:
    print(f"dpnotes: {_shown(message)}", file=sys.stderr)


def _shown(text: str) -> str:
    return "\n".join(map(check.seen, text.split("\n")))


if __name__ == "__main__":
    sys.exit(main())
