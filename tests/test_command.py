"""The command, as a process and as a function: what it prints, writes, and returns."""

import contextlib
import csv
import html
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from dpnotes import __main__ as command
from dpnotes import datasets, tables, workflow
from dpnotes.__main__ import _as_options, main

BRIEF = ["--columns", "length,waiting", "--seed", "1", "--sweeps", "40", "--chains", "2"]
NOTES = ["", "=1+1", "two\nlines", 'a "quote", a comma', "<script>alert(1)</script>"]


@pytest.fixture
def table(tmp_path):
    """Old Faithful with a column of hostile text."""
    path = tmp_path / "faithful.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["length", "waiting", "block"])
        for i, row in enumerate(datasets.faithful()):
            rows.writerow([*row.tolist(), NOTES[i % 5]])
    return path


@pytest.fixture
def expected():
    x = datasets.faithful()
    names = ["length", "waiting"]
    return workflow.analyse(x, columns=names, n_sweeps=40, n_chains=2, rng=1)


def process(*arguments, **options):
    command = [sys.executable, "-m", "dpnotes", "analyse", *map(str, arguments)]
    given = {"capture_output": True, "text": True, "timeout": 300} | options
    return subprocess.run(command, check=False, **given)


def words(analysis):
    """What an analysis says, with its advice as it is typed in a shell."""
    said = str(analysis).replace("n_sweeps=", "--sweeps ")
    assert "--sweeps " in said
    return said


def test_it_prints_the_words_of_the_analysis(table, expected, capsys):
    status = main(["analyse", str(table), *BRIEF])
    out, err = capsys.readouterr()
    assert out == f"{words(expected)}\n\nThe same answer: --seed 1\n" and err == ""
    assert status == 1 and not expected.fit


def test_its_numbers_for_programs_are_those_of_the_analysis(table, expected, capsys):
    assert main(["analyse", str(table), *BRIEF, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["partition"] == expected.partition.tolist() and found["rows"] == 272
    assert found["columns"] == ["length", "waiting"] and found["fit_to_report"] is False
    for k in np.unique(expected.num_clusters):
        assert tuple(found["num_clusters"][str(k)].values()) == expected.prob(int(k))
    assert found["diagnostics"]["alpha"]["rhat"] == expected.diagnostics.rhat[2]
    assert list(found["expected_loss"].values()) == list(expected.expected_loss)
    assert found["groups"] == expected.groups.tolist()


@pytest.mark.parametrize(
    ("covariance", "words"),
    [("spherical", "(spherical covariance matrices)"), ("shared", "share one covariance matrix")],
)
def test_the_covariance_model_is_asked_for_by_name(table, capsys, covariance, words):
    assert main(["analyse", str(table), *BRIEF, "--covariance", covariance]) == 1
    assert words in " ".join(capsys.readouterr().out.split())
    with pytest.raises(SystemExit):
        main(["analyse", str(table), "--covariance", "round"])


def test_messages_name_the_argument_of_the_command(tmp_path, capsys):
    empty = tmp_path / "empty.csv"
    empty.write_text("a\n")
    for file in (empty, tmp_path / "none.csv"):
        assert main(["analyse", str(file)]) == 2
        assert capsys.readouterr().err.startswith("dpnotes: file = ")


def test_status_is_zero_when_it_is_fit_to_report(table, capsys):
    calm = np.random.default_rng(1).standard_normal((40, 1)) + 20.0 * (np.arange(40) % 2)[:, None]
    table.write_text("a\n" + "\n".join(map(str, calm.ravel())) + "\n")
    assert main(["analyse", str(table), "--seed", "1"]) == 0
    assert "fit to report" in capsys.readouterr().out


def test_labels_keep_the_rows_as_they_came(table, expected, tmp_path):
    out = tmp_path / "out.csv"
    main(["analyse", str(table), *BRIEF, "--labels", str(out)])
    before = list(csv.reader(io.StringIO(table.read_text("utf-8"))))
    header, *after = csv.reader(io.StringIO(out.read_text("utf-8"), newline=""))
    assert header == ["length", "waiting", "block", "block_", "certainty"]
    assert [row[:2] for row in after] == [row[:2] for row in before[1:]]
    assert [row[2] for row in after] == [NOTES[i % 5] for i in range(272)]
    assert [int(row[3]) for row in after] == expected.partition.tolist()
    # Certainty by its definition, of three rows.
    z, blocks = expected.labels, expected.partition
    for i in (0, 1, 200):
        mates = [j for j in range(272) if j != i and blocks[j] == blocks[i]]
        true = np.mean([(z[:, j] == z[:, i]).mean() for j in mates])
        assert abs(float(after[i][4]) - true) < 1e-4


def test_a_row_alone_is_as_certain_as_it_is_alone(tmp_path, table, capsys):
    x = np.append(np.random.default_rng(1).standard_normal(30), 500.0)
    table.write_text("a\n" + "\n".join(map(str, x)) + "\n")
    out = tmp_path / "out.csv"
    arguments = ["--seed", "1", "--sweeps", "100", "--chains", "2"]
    main(["analyse", str(table), *arguments, "--labels", str(out)])
    last = out.read_text().splitlines()[-1].split(",")
    z = workflow.analyse(x, n_sweeps=100, n_chains=2, rng=1).labels
    assert float(last[2]) == pytest.approx(np.mean([(r == r[-1]).sum() == 1 for r in z]), abs=1e-4)
    assert float(last[2]) > 0.9


def test_no_file_is_overwritten_unless_told(table, tmp_path, capsys):
    out = tmp_path / "out.csv"
    out.write_text("mine")
    assert main(["analyse", str(table), *BRIEF, "--labels", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err and out.read_text() == "mine"
    assert main(["analyse", str(table), *BRIEF, "--labels", str(out), "--overwrite"]) == 1
    assert out.read_text().startswith("length")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faithful.csv", "out.csv"]


@pytest.mark.parametrize(
    "content, said",
    [
        ("", "header line"),
        ("a,b\n1,x\n", "expected a number"),
        ("a\n1.5\n3.5\n", "2 row(s)"),
        ("a\x1b[31m,b\n" + "1,x\n" * 20, r"\x1b[31m"),
    ],
)
def test_a_bad_file_is_told_in_a_line(table, capsys, content, said):
    table.write_text(content)
    assert main(["analyse", str(table)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("dpnotes: ") and said in err and "\x1b" not in err


@pytest.mark.parametrize("option", [["--seed", "-1"], ["--sweeps", "3"], ["--columns", "none"]])
def test_bad_options_are_told(table, capsys, option):
    assert main(["analyse", str(table), *BRIEF, *option]) == 2
    assert capsys.readouterr().err.startswith("dpnotes: ")


def test_without_a_seed_it_tells_its_own(table, capsys):
    brief = [word for word in BRIEF if word not in ("--seed", "1")]
    main(["analyse", str(table), *brief])
    first = capsys.readouterr().out
    main(["analyse", str(table), *brief, "--seed", first.split()[-1]])
    assert capsys.readouterr().out == first


def test_ctrl_c_leaves_what_there_is(table, capsys, monkeypatch):
    looks = []

    def interrupted(self, runs):
        looks.append(len(runs[0]))
        if len(looks) == 2:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(workflow._Rule, "__call__", interrupted)
    brief = ["--columns", "length,waiting", "--seed", "1", "--chains", "2", "--sweeps", "2000"]
    assert main(["analyse", str(table), *brief]) == 1
    out, err = capsys.readouterr()
    assert "do NOT report" in out and "interrupted" in err.lower()


@pytest.mark.parametrize("when", ["_words", "_write_labels", "_write_report"])
def test_ctrl_c_while_the_answer_is_written_says_so(table, tmp_path, capsys, monkeypatch, when):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, when, interrupted)
    labels, page = tmp_path / "out.csv", tmp_path / "it.html"
    asked = ["analyse", str(table), *BRIEF, "--labels", str(labels), "--report", str(page)]
    assert main(asked) == 130
    out, err = capsys.readouterr()
    assert err == "dpnotes: interrupted before all was written\n"
    # What was written before is whole, and nothing else is there.
    assert ("The same answer" in out, labels.exists(), page.exists()) == (
        when != "_words", when == "_write_report", False
    )  # fmt: skip
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.native
def test_standard_input_and_a_pipe(table, expected):
    found = process("-", *BRIEF, input=table.read_text("utf-8"))
    assert found.stdout.startswith(words(expected)) and found.returncode == 1 and found.stderr == ""
    closed = f'"{sys.executable}" -m dpnotes analyse "{table}" {" ".join(BRIEF)}; echo $? >&2'
    found = subprocess.run(["bash", "-c", f"({closed}) | true"], capture_output=True, text=True)
    assert found.stderr == "1\n"


@pytest.mark.native
def test_a_bad_file_ends_the_process_with_a_line_and_status_2(table):
    table.write_text("a,b\n1,2\n3\n")
    found = process(table)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("dpnotes: line 3 = ['3']") and found.stderr.count("\n") == 1


@pytest.mark.native
def test_ctrl_c_before_the_first_draws_says_so(table):
    command = [sys.executable, "-m", "dpnotes", "analyse", "-"]
    run = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(8)  # by then it reads, and waits for more
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
    finally:
        run.kill()
    assert (
        run.returncode == 130 and err == "dpnotes: interrupted before there was anything to say\n"
    )


@pytest.mark.native
def test_ctrl_c_while_it_samples_leaves_what_there_is_and_says_so(table, tmp_path):
    """As a process that tells when it looks at its draws, and would never be content."""
    told = """if True:
        import sys
        from dpnotes import __main__, workflow

        def look(self, runs):
            print("looks at", len(runs[0]), file=sys.stderr, flush=True)
            return False

        workflow._Rule.__call__ = look
        sys.exit(__main__.main())
    """
    labels, page = tmp_path / "out.csv", tmp_path / "it.html"
    asked = ["--columns", "length,waiting", "--seed", "1", "--chains", "2", "--sweeps", "1000000"]
    asked += ["--labels", str(labels), "--report", str(page)]
    run = subprocess.Popen(
        [sys.executable, "-c", told, "analyse", str(table), *asked],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert run.stderr.readline().startswith("looks at")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=300)
    finally:
        run.kill()
    assert run.returncode == 1, err
    assert "do NOT report" in out and "The same answer: --seed 1" in out
    assert "interrupted" in err and "Traceback" not in err
    rows = labels.read_text(encoding="utf-8").count("\n")
    assert rows > 272 and "do NOT report" in page.read_text(encoding="utf-8")


@pytest.mark.native
@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_leaves_no_half_file(table, tmp_path):
    with pathlib.Path("/dev/full").open("w") as full:
        found = process(table, *BRIEF, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert found.returncode == 2 and "No space left" in found.stderr
    # A limit on the size of files stands for a disk that fills up while the labels are written.
    out = tmp_path / "out.csv"
    limited = f'ulimit -f 4; "{sys.executable}" -m dpnotes analyse "{table}" {" ".join(BRIEF)}'
    limited += f' --labels "{out}"'
    found = subprocess.run(
        ["bash", "-c", limited], capture_output=True, text=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert found.returncode == 2 and "dpnotes: " in found.stderr
    assert [p.name for p in tmp_path.glob("*.csv*")] == ["faithful.csv"]
    assert not list(tmp_path.glob("*.part"))


def test_parquet_where_pandas_reads_it(table, tmp_path, capsys, expected, monkeypatch):
    frame = pd.DataFrame(datasets.faithful(), columns=["length", "waiting"]).assign(day="Mon")
    monkeypatch.setattr(pd, "read_parquet", lambda path: frame)
    out = tmp_path / "out.csv"
    assert main(["analyse", "faithful.parquet", *BRIEF, "--labels", str(out)]) == 1
    assert capsys.readouterr().out.startswith(words(expected))
    assert out.read_text().splitlines()[:2][0] == "length,waiting,day,block,certainty"

    def missing(path):
        raise ImportError

    monkeypatch.setattr(pd, "read_parquet", missing)
    assert main(["analyse", "faithful.parquet"]) == 2
    assert "pyarrow" in capsys.readouterr().err


def test_decimal_commas(table, capsys):
    x = datasets.faithful()
    german = "length;waiting\n" + "\n".join(f"{a};{b}".replace(".", ",") for a, b in x)
    table.write_text(german)
    assert main(["analyse", str(table), *BRIEF, "--decimal", ","]) == 1
    assert np.array_equal(tables.read_csv(table, decimal=",")[0], x)


@pytest.mark.parametrize("where", ["missing/out.csv", "."])
def test_labels_that_cannot_be_written_are_told_before_it_samples(
    table, capsys, tmp_path, monkeypatch, where
):
    monkeypatch.setattr(workflow, "analyse", None)
    arguments = ["--labels", str(tmp_path / where), "--overwrite"]
    assert main(["analyse", str(table), *BRIEF, *arguments]) == 2
    assert "a file in a folder" in capsys.readouterr().err


def test_labels_of_a_file_with_decimal_commas(table, tmp_path, capsys):
    x = np.random.default_rng(1).standard_normal(30).round(3)
    table.write_text("len\n" + "\n".join(str(v).replace(".", ",") for v in x) + "\n")
    out = tmp_path / "out.csv"
    few = ["--decimal", ",", "--sweeps", "40", "--chains", "2", "--seed", "1"]
    assert main(["analyse", str(table), *few, "--labels", str(out)]) == 1
    found = list(csv.reader(io.StringIO(out.read_text())))
    assert [row[0] for row in found[1:]] == [str(v).replace(".", ",") for v in x]


def test_names_of_columns_are_read_as_a_line_of_a_csv_file(table, capsys):
    for columns in ("length, waiting", '"length",waiting'):
        assert main(["analyse", str(table), *BRIEF, "--columns", columns]) == 1
    for columns in ('"length', "length\nwaiting"):
        assert main(["analyse", str(table), *BRIEF, "--columns", columns]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.native
def test_the_answer_is_printed_though_the_labels_cannot_be_written(table, tmp_path, capsys):
    out = tmp_path / "out.csv"
    full = "a,b\n" + "\n".join(f"{i % 7 + i / 9},{i * i % 11 + i / 5}" for i in range(400)) + "\n"
    table.write_text(full)
    limited = f'ulimit -f 4; "{sys.executable}" -m dpnotes analyse "{table}" --seed 1 --sweeps 40'
    limited += f' --chains 2 --labels "{out}"'
    found = subprocess.run(
        ["bash", "-c", limited], capture_output=True, text=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert found.returncode == 2 and "400 rows" in found.stdout and not out.exists()


@pytest.fixture
def mixed(tmp_path):
    """Measurements with a gap, counts, and a category with a comma in its name."""
    rng = np.random.default_rng(1)
    path = tmp_path / "mixed.csv"
    lines = ["size,width,visits,'the region,'\n".replace("'", '"')]
    for i in range(40):
        size = "" if i == 3 else f"{rng.normal(8 * (i % 2)):.3f}"
        lines.append(f"{size},{rng.normal():.3f},{rng.poisson(3)},{'nw'[i % 2]}\n")
    path.write_text("".join(lines))
    return path


FEW = ["--seed", "1", "--sweeps", "12", "--chains", "2"]


def again(page):
    """What the code of a report prints, with its advice as it is typed in a shell."""
    code = html.unescape(re.search(r"<code>(# In a shell:.*?)</code>", page.read_text(), re.S)[1])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    return _as_options(printed.getvalue())


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (
            ["--kinds", 'visits=count,"the region,=category"', "--missing", "ignore"],
            {"kinds": {"visits": "count", "the region,": "category"}, "missing": "ignore"},
        ),
        (["--columns", "size,width", "--missing", "draw"],
         {"columns": ["size", "width"], "missing": "draw"}),
        (["--columns", "width,visits", "--kinds", "auto"],
         {"columns": ["width", "visits"], "kinds": "auto"}),
    ],
    ids=["mixed", "drawn", "auto"],
)  # fmt: skip
def test_columns_of_any_kind_and_gaps(mixed, capsys, tmp_path, options, asked):
    page = tmp_path / "it.html"
    assert main(["analyse", str(mixed), *options, *FEW, "--report", str(page)]) == 1
    out = capsys.readouterr().out
    result = workflow.analyse(str(mixed), n_sweeps=12, n_chains=2, rng=1, **asked)
    said = _as_options(str(result))
    assert out == f"{said}\n\nThe same answer: --seed 1\n" and again(page) == f"{said}\n"


def test_columns_of_any_kind_and_gaps_with_decimal_commas(mixed, tmp_path, capsys):
    """It is the same table as with points, and the report repeats it."""
    asked = ["analyse", str(mixed), "--kinds", 'visits=count,"the region,=category"', *FEW]
    asked += ["--missing", "ignore"]
    assert main(asked) == 1
    points = capsys.readouterr().out
    rows = csv.reader(io.StringIO(mixed.read_text()))
    german = [[cell.replace(".", ",") for cell in row] for row in rows]
    with mixed.open("w", newline="") as file:
        csv.writer(file).writerows(german)
    assert main(asked) == 2 and "column 'size', line 2" in capsys.readouterr().err
    page = tmp_path / "it.html"
    assert main([*asked, "--decimal", ",", "--report", str(page)]) == 1
    assert capsys.readouterr().out == points
    assert points.startswith(again(page))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--kinds", "visits=counts"], "kinds['visits'] = 'counts'"),
        (["--kinds", "visits,size"], "--kinds = 'visits,size'"),
        (["--kinds", "visit=count"], "kinds = 'visit'"),
        (["--kinds", "size=count,size=amount"], "--kinds = 'size=count,size=amount'"),
        (["--missing", "ignore", "--decimal", "x"], "decimal = 'x'"),
        (["--missing", "draw", "--columns", "size,visits", "--kinds", "visits=count"],
         "missing = 'draw': expected 'ignore'"),
        (["--columns", "size,width"], "column 'size', line 5"),
        (["--missing", "ignore"], "column 'the region,', line 2 = 'n'"),
        # What to do is said as it is typed.
        (["--missing", "ignore"], "say --kinds '\"the region,=category\"'"),
        (["--columns", "size,width"], "or --missing ignore"),
    ],
)  # fmt: skip
def test_bad_kinds_and_gaps_are_told(mixed, capsys, options, said):
    assert main(["analyse", str(mixed), *options, *FEW]) == 2
    assert said in capsys.readouterr().err
    assert main(["analyse", "no such file.csv", "--missing", "ignore"]) == 2
    assert "file = 'no such file.csv'" in capsys.readouterr().err


def test_labels_and_report_are_not_one_file_by_two_names(table, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workflow, "analyse", None)
    asked = ["--labels", f"{tmp_path}/out", "--report", f"{tmp_path}/./out"]
    assert main(["analyse", str(table), *BRIEF, *asked]) == 2
    assert "another file than --labels" in capsys.readouterr().err


def test_a_link_leads_to_the_new_labels(table, tmp_path):
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    assert main(["analyse", str(table), *BRIEF, "--labels", str(link), "--overwrite"]) == 1
    assert link.is_symlink() and "certainty" in target.read_text()


@pytest.mark.native  # a browser has none of these
def test_what_is_no_file_is_not_replaced_by_one(table, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workflow, "analyse", None)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main(["analyse", str(table), *BRIEF, "--labels", str(pipe), "--overwrite"]) == 2
    assert f"--labels = '{pipe}': expected a file" in capsys.readouterr().err
