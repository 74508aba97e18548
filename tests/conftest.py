"""Threads and skips of every run; for the built site, a local port and a browser."""

import contextlib
import fnmatch
import functools
import os
import pathlib
import re
import threading

# One thread a process, before NumPy is loaded here, in a worker or in a notebook's kernel:
# the workers share the cores, and threads over small blocks would fight for them.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))
# nbval does not look at figures; its kernels do.
STARTUP = pathlib.Path(__file__).parents[1] / "tools" / "kernel_startup.py"
os.environ["PYTHONSTARTUP"] = str(STARTUP)

import pytest  # noqa: E402

ROOT = pathlib.Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
PYODIDE = ROOT.parent / "shared" / "pyodide"


def unlisted_skips(skipped):
    """Return what was skipped and is not in allowed-skips.txt, as sorted ``test: reason``."""
    allowed = (ROOT / "tests" / "allowed-skips.txt").read_text(encoding="utf-8").splitlines()
    allowed = [line for line in allowed if line and not line.startswith("#")]
    found = set()
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        found.add(f"{report.nodeid}: {str(reason).removeprefix('Skipped: ')}")
    return sorted(s for s in found if not any(fnmatch.fnmatchcase(s, line) for line in allowed))


def pytest_sessionfinish(session):
    """With STRICT_SKIPS=1 a skip that nobody has allowed fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    worker = hasattr(session.config, "workerinput")
    if os.environ.get("STRICT_SKIPS") != "1" or worker or reporter is None:
        return
    for skip in unlisted_skips(reporter.stats.get("skipped", ())):
        reporter.ensure_newline()
        reporter.line(f"skipped, and not in tests/allowed-skips.txt: {skip}", red=True)
        session.exitstatus = max(session.exitstatus, pytest.ExitCode.TESTS_FAILED)


@pytest.fixture(scope="session")
def html():
    """The folder of the built site."""
    if not (HTML / "index.html").exists():
        pytest.skip("the book is not built; run make book")
    return HTML


def base_of(folder):
    """The path at which a built site is to stand, such as /book/: its page 404 links from there."""
    text = (folder / "404.html").read_text(encoding="utf-8")
    return re.search(r'data-content_root="([^"]+)"', text)[1]


@contextlib.contextmanager
def serve(folder, base="/"):
    """Serve a folder on this machine; its address."""
    from tools.serve import Server, Site

    quiet = {"base": base, "log_message": lambda *_: None}
    handler = functools.partial(type("Quiet", (Site,), quiet), directory=str(folder))
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{base}"
        server.shutdown()


@pytest.fixture(scope="session")
def site(html):
    """The address of the built site."""
    with serve(html, base_of(html)) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    from tools import chromium

    if chromium.find() is None:
        pytest.skip("no Chromium on this machine; the tests in a browser need one")
    pytest.importorskip("playwright.sync_api")
    with chromium.started() as started:
        yield started


@pytest.fixture(scope="session")
def pyodide():
    """The files of Pyodide, as its public address serves them."""
    if not (PYODIDE / "pyodide.asm.wasm").exists():
        pytest.skip(f"no Pyodide on this machine; these tests take it from {PYODIDE}")
    return PYODIDE


def alone(text, kind):
    """A page whose article holds its figure to act on and nothing else."""
    start = text.index(">", text.index("<article")) + 1
    figure = text.rindex("<figure", start, text.index(f'id="acting-{kind}"'))
    end = text.index("</figure>", figure) + len("</figure>")
    # An article begins with the heading of its page.
    heading = re.compile("<h1>.*?</h1>", re.DOTALL).search(text, start)[0]
    return text[:start] + heading + text[figure:end] + text[text.index("</article>", end) :]


@pytest.fixture(scope="session")
def figures(html, tmp_path_factory):
    """The address of the site as built, but for pages that hold their figure to act on alone.

    It is tested many times, and a browser takes seconds to lay out a chapter's formulas.
    """
    from test_acting import PAGES

    folder = tmp_path_factory.mktemp("figures")
    (folder / "book").mkdir()
    for path in html.iterdir():
        if path.name != "book":
            (folder / path.name).symlink_to(path)
    for kind, name in PAGES.items():
        text = alone((html / name).read_text(encoding="utf-8"), kind)
        (folder / name).write_text(text, encoding="utf-8")
    with serve(folder, base_of(html)) as address:
        yield address


@pytest.fixture
def open_figure(browser, site, figures):
    """Open a figure alone or on its whole page; what is asked of other hosts is an error."""
    from test_acting import PAGES
    from test_site import visit

    contexts = []

    def opened(kind, whole=False, **options):
        page, wrong = visit(browser, (site if whole else figures) + PAGES[kind], **options)
        contexts.append(page.context)
        box = page.locator(f"#acting-{kind}")
        box.scroll_into_view_if_needed()
        if options.get("java_script_enabled", True):
            box.get_by_role("button").first.wait_for()
            assert wrong == []
        return page, box

    yield opened
    for context in contexts:
        context.close()
