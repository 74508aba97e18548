"""Ask every other host that the built site or a text of the repository links to.

    python tools/links.py

Links within the site are a test's business (tests/test_site.py). A host that wants no robot
(401, 403, 429) is believed; an address that fails twice is printed, and the exit code is 1.
"""

import concurrent.futures
import html
import pathlib
import re
import sys
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).parents[1]
LINK = re.compile(r"""<a\s[^>]*?href=["'](https?://[^"'#]+)|\]\((https?://[^)\s#]+)""")
WANTS_NO_ROBOT = (401, 403, 429)


def links():
    """Return {address: a file that links to it}."""
    files = [*(ROOT / "_build" / "html").rglob("*.html"), *ROOT.glob("*.md")]
    found = {}
    for path in sorted(files):
        for in_page, in_text in LINK.findall(path.read_text(encoding="utf-8")):
            found.setdefault(html.unescape(in_page or in_text), path.relative_to(ROOT))
    return found


def trouble(address, tries=2):
    """Return what is wrong with an address, or nothing."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(request, timeout=30):
            return ""
    except urllib.error.HTTPError as error:
        if error.code in WANTS_NO_ROBOT:
            return ""
        words = f"{error.code} {error.reason}"
    except (OSError, ValueError) as error:
        words = str(error)
    return trouble(address, tries - 1) if tries > 1 else words


def main():
    found = links()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = dict(zip(found, pool.map(trouble, found)))
    bad = {address: words for address, words in answers.items() if words}
    for address, words in bad.items():
        print(f"{found[address]}: {address}: {words}")
    print(f"{len(found)} links to other hosts, {len(bad)} of them broken")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
