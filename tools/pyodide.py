"""List the files of a Pyodide release that the pages load, with their hashes and sizes.

    python -m tools.pyodide FOLDER

FOLDER holds the files as the release's public CDN serves them. Writes book/_ext/pyodide.json,
against which a page checks every byte before it runs any: the interpreter's own files, and for
each package its wheel and those of all it needs. The release's own list of hashes must agree.
"""

import hashlib
import json
import pathlib
import sys

CORE = (
    "pyodide.mjs",
    "pyodide.asm.js",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
PACKAGES = ("numpy", "scipy", "matplotlib", "pandas")
TARGET = pathlib.Path(__file__).parents[1] / "book" / "_ext" / "pyodide.json"


def with_all_it_needs(lock, name):
    found, waiting = [], [name]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.append(package)
            waiting += lock["packages"][package]["depends"]
    return sorted(found)


def main(folder):
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    packages = {
        name: [lock["packages"][p]["file_name"] for p in with_all_it_needs(lock, name)]
        for name in PACKAGES
    }
    listed = {p["file_name"]: p["sha256"] for p in lock["packages"].values()}
    files = {}
    for name in sorted({*CORE, *(file for group in packages.values() for file in group)}):
        content = (folder / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if listed.get(name, digest) != digest:
            sys.exit(f"{name}: not the file that the release lists")
        files[name] = {"sha256": digest, "size": len(content)}
    manifest = {
        "version": lock["info"]["version"],
        "core": CORE,
        "packages": packages,
        "files": files,
    }
    TARGET.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
