"""The policy of every page: own scripts only, and no other host, from the worker neither."""

import base64
import contextlib
import hashlib
import html.parser
import http.server
import json
import pathlib
import re
import threading
import urllib.request

import pytest
from conftest import ROOT
from test_site import CHAPTERS, PAGES, visit

pytestmark = pytest.mark.book
written = pytest.importorskip("book._ext.written")

PYODIDE = json.loads((ROOT / "book" / "_ext" / "pyodide.json").read_text(encoding="utf-8"))
CDN = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE['version']}/full/"


class Page(html.parser.HTMLParser):
    """A page's policy, how much it could load before it, its inline scripts and handlers."""

    def __init__(self, text):
        super().__init__()
        self.policies, self.early, self.inline, self.handlers = [], [], [], []
        self.running, self.inside = False, False
        self.feed(text)
        (self.policy,) = [
            {rule.split()[0]: rule.split()[1:] for rule in text.split(";")}
            for text in self.policies
        ]

    def handle_starttag(self, tag, attributes):
        get = dict(attributes).get
        if tag == "meta" and get("http-equiv") == "Content-Security-Policy":
            self.policies.append(get("content"))
        if tag in ("script", "link", "style", "img", "body") and not self.policies:
            self.early.append(tag)
        self.inside = tag == "script" and not get("src") and not get("type")
        self.inline += [""] * self.inside
        self.running |= get("id") == "live-config"
        for name, value in attributes:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.handlers.append((tag, name, value))

    def handle_data(self, data):
        if self.inside:
            self.inline[-1] += data

    def handle_endtag(self, tag):
        self.inside = False


@pytest.fixture(scope="module")
def pages(html):
    return {name: Page((html / name).read_text(encoding="utf-8")) for name in PAGES}


def test_every_page_has_its_policy_before_it_loads_anything(pages):
    assert {name: page.early for name, page in pages.items() if page.early} == {}
    for page in pages.values():
        assert page.policy["default-src"] == ["'none'"] and page.policy["base-uri"] == ["'none'"]


def test_a_policy_names_no_other_host_but_where_python_comes_from(pages):
    running = [name for name, page in pages.items() if page.running]
    assert set(running) == {*CHAPTERS, "book/your-data.html"}
    for name, page in pages.items():
        sources = {s for rule, listed in page.policy.items() for s in listed}
        own = {s for s in sources if not s.startswith("'sha256-")}
        own -= {"'none'", "'self'", "data:", "'unsafe-inline'"}
        assert own == ({"blob:", "'wasm-unsafe-eval'", CDN} if page.running else set()), name
        scripts = page.policy.get("script-src", [])
        assert not {"'unsafe-inline'", "'unsafe-eval'", "data:", "https:", "*", CDN} & set(scripts)
        allowed = [rule for rule, listed in page.policy.items() if CDN in listed]
        assert allowed == ["connect-src"] * page.running


def test_no_page_has_code_in_its_attributes(pages):
    assert {name: page.handlers for name, page in pages.items() if page.handlers} == {}


def test_each_inline_script_is_allowed_by_its_hash_and_no_other(pages):
    for name, page in pages.items():
        hashes = {
            "'sha256-" + base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() + "'"
            for code in page.inline
        }
        listed = {s for s in page.policy.get("script-src", []) if s.startswith("'sha256-")}
        assert listed == hashes, name
        # They are settings and a few lines, or they would stand in a file.
        assert all(len(code) < 800 for code in page.inline), name


def test_where_the_site_serves_python_itself_no_host_is_named():
    text = '<head><meta charset="utf-8" /></head><script id="live-config" type="a/b">{}</script>'
    assert Page(written.written(text)).policy["connect-src"] == ["'self'"]
    elsewhere = Page(written.written(text, "https://example.org/p/"))
    assert elsewhere.policy["connect-src"] == ["'self'", "https://example.org/p/"]
    still = Page(written.written(text.replace("live-config", "x"), "https://example.org/p/"))
    assert still.policy["connect-src"] == ["'self'"]


# In a browser.


@contextlib.contextmanager
def another_host():
    """A second server, which answers everybody; its address and what it was asked."""
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(b"welcome")

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()


FETCH = "address => fetch(address).then(() => 'came', () => 'refused')"
IMAGE = """address => new Promise((done) => {
    const image = new Image();
    image.onload = image.onerror = () => done(image.naturalWidth);
    image.src = address;
})"""


def test_neither_page_nor_worker_reaches_another_host(browser, site):
    with another_host() as (address, asked):
        page = browser.new_context().new_page()
        # Python is still under way, so that its worker stays.
        page.context.route(f"{CDN}**", lambda route: None)
        page.goto(f"{site}book/urn.html")
        with page.expect_worker() as started:
            page.locator(".live-bar").get_by_role("button", name="Run this page").click()
        worker = started.value
        page.wait_for_function("() => document.querySelector('.live-status').textContent !== ''")
        assert worker.url.startswith("blob:")
        # Each of them reaches its own site.
        assert page.evaluate(FETCH, f"{site}robots.txt") == "came"
        assert worker.evaluate(FETCH, f"{site}robots.txt") == "came"
        assert page.evaluate(FETCH, f"{address}page") == "refused"
        assert worker.evaluate(FETCH, f"{address}worker") == "refused"
        page.evaluate(IMAGE, f"{address}image")
        page.context.close()
        assert asked == []
        # It was there all the time.
        assert urllib.request.urlopen(address).read() == b"welcome" and asked == ["/"]


def test_code_that_is_put_into_a_page_does_not_run(browser, site):
    page = browser.new_context().new_page()
    page.goto(f"{site}book/index.html")
    ran = page.evaluate("""async () => {
        const script = document.createElement("script");
        script.textContent = "globalThis.ran = 'script'";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<a id=x onclick='globalThis.ran = 1'>x</a>");
        document.getElementById("x").click();
        return String(globalThis.ran);
    }""")
    page.context.close()
    assert ran == "undefined"


# Counts what a policy refuses, from the first line of the page.
COUNT = """
globalThis.refused = [];
addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
globalThis.print = () => { globalThis.printed = true; };
"""


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_a_reader_does_is_allowed(browser, site, width, scheme):
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        permissions=["clipboard-read", "clipboard-write"],
    )
    wrong = []
    page = context.new_page()
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.add_init_script(COUNT)
    page.goto(f"{site}book/restaurant.html", wait_until="load")

    modes = set()
    for _ in range(3):
        page.locator(".theme-switch-button").click()
        modes.add(page.evaluate("document.documentElement.dataset.mode"))
    assert modes == {"light", "dark", "auto"}

    page.locator(".dropdown-download-buttons > button").click()
    page.locator("[data-press=print]").click()
    assert page.evaluate("globalThis.printed") is True

    code = page.locator(".cell_input:not(details *) .highlight").first
    code.hover()
    code.locator("button.copybtn").click()
    source = code.locator("pre").inner_text().strip()
    assert page.evaluate("navigator.clipboard.readText()").strip() == source

    cite = page.locator(".result-cite").first
    cite.locator("summary").click()
    cite.get_by_role("button", name="Copy RIS").click()
    cite.locator(".result-copied").filter(has_text="RIS copied").wait_for()

    page.get_by_role("button", name="Statements").click()
    assert page.locator("details.fold:not([open])").count() > 0
    solution = page.locator(".solution.dropdown").first
    assert "toggle-hidden" in solution.get_attribute("class")
    solution.locator(".admonition-title").click()
    assert "toggle-hidden" not in solution.get_attribute("class")

    figure = page.locator(".handled").first
    before = figure.locator("svg").inner_html()
    figure.get_by_role("slider").first.press("ArrowRight")
    assert figure.locator("svg").inner_html() != before

    page.keyboard.press("Control+k")
    page.locator(".search-query").fill("DP-0045")
    page.locator(".search-hits a").first.wait_for()
    refused = page.evaluate("refused")
    context.close()
    assert refused == [] and wrong == []


@pytest.mark.parametrize("name", ["index.html", "t/DP-0001.html"])
def test_a_page_that_leads_on_does_so_under_its_policy(browser, site, name):
    page, wrong = visit(browser, site + name)
    page.wait_for_url("**/book/**", wait_until="load")
    page.context.close()
    assert wrong == []


def test_what_the_theme_writes_and_a_policy_forbids_is_replaced():
    """Should the theme change it, the page would keep code in an attribute."""
    import sphinx_book_theme

    folder = pathlib.Path(sphinx_book_theme.__file__).parent
    buttons = (folder / "header_buttons" / "__init__.py").read_text(encoding="utf-8")
    assert re.search(r'"javascript": "window.print\(\)"', buttons), (
        "sphinx-book-theme: it prints otherwise"
    )
