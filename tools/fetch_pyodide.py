"""Fetch the files of Pyodide that the pages load, for the tests in a browser.

    python tools/fetch_pyodide.py FOLDER [ADDRESS]

From ADDRESS, which is the release's public one unless given; each file must have the hash that
book/_ext/pyodide.json lists. A file that is there already and right is left alone.
"""

import hashlib
import json
import pathlib
import sys
import urllib.request

LISTED = pathlib.Path(__file__).parents[1] / "book" / "_ext" / "pyodide.json"


def main(folder, address=None):
    listed = json.loads(LISTED.read_text(encoding="utf-8"))
    address = address or f"https://cdn.jsdelivr.net/pyodide/v{listed['version']}/full/"
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in listed["files"].items():
        path = folder / name
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]:
            continue
        with urllib.request.urlopen(address + name, timeout=300) as answer:
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            sys.exit(f"{name}: not the file that {LISTED.name} lists")
        path.write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
