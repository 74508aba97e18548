"""The results of the book as data: what is stated, what it uses, what implements and checks it.

Read from the sources alone (notebooks, docstrings, tests and the tables in ``book/``), so that
the site and the tests work from one and the same catalogue.
"""

import ast
import csv
import dataclasses
import hashlib
import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).parents[2]
KINDS = {
    "def": "Definition", "thm": "Theorem", "lem": "Lemma", "prp": "Proposition",
    "cor": "Corollary", "alg": "Algorithm", "exm": "Example", "rem": "Remark",
}  # fmt: skip
# What carries a tag: everything somebody may want to cite.
TAGGED = ("def", "thm", "lem", "prp", "cor", "alg", "exm")
# What claims something, and so needs a check.
CLAIMS = ("thm", "lem", "prp", "cor", "alg")
STATUS = {
    "exact": "checked exactly",
    "numerical": "checked numerically",
    "prose": "proved in prose",
    "none": "",
}

FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})\{prf:(?P<kind>\w+)\}[ \t]*(?P<title>.*)$")
OPTION = re.compile(r"^:\w+:.*$", re.MULTILINE)
LABEL = re.compile(r"^:label:\s*(\S+)\s*$", re.MULTILINE)
# Or a formula, in which it is a prime.
APOSTROPHE = re.compile(r"(\$[^$]*\$)|'")
REFERENCE = re.compile(r"\{prf:ref\}`(?:[^`<]*<)?([\w-]+)>?`")
TAG = re.compile(r"\bDP-\d{4}\b")
IMPLEMENTS = re.compile(r"^\s*Implements: (.+?)\.?\s*$", re.MULTILINE)


@dataclasses.dataclass
class Result:
    """One labelled statement; ``uses`` and ``used_by`` hold labels."""

    label: str
    title: str
    chapter: str
    position: int
    has_proof: bool = False
    tag: str = ""
    uses: list = dataclasses.field(default_factory=list)
    used_by: list = dataclasses.field(default_factory=list)
    implemented_by: list = dataclasses.field(default_factory=list)
    checked_by: list = dataclasses.field(default_factory=list)
    reason: str = ""
    errata: list = dataclasses.field(default_factory=list)
    # Pairs (edition, number), such as ("first", "Theorem 6.2").
    numbers: list = dataclasses.field(default_factory=list)
    # What the statement says, as a short hash, and pairs (version, hash) of the versions released.
    hash: str = ""
    released: list = dataclasses.field(default_factory=list)

    @property
    def prefix(self):
        return self.label.split("-")[0]

    @property
    def status(self):
        how = {check.how for check in self.checked_by}
        for strongest in ("exact", "numerical"):
            if strongest in how:
                return strongest
        return "prose" if self.prefix in CLAIMS else "none"

    def earlier(self, now):
        """What the result was called in earlier editions and is not called now."""
        return [f"{number} in the {edition} edition" for edition, number in self.numbers
                if number != now]  # fmt: skip

    @property
    def history(self):
        """The versions that state the result, and where it says something else than before."""
        words, before = [], ""
        for version, said in [*self.released, ("", self.hash)]:
            changed = before not in ("", said)
            if version:
                words.append(f"{version} (statement changed)" if changed else version)
            elif changed:
                words.append("changed since")
            before = said
        return words


@dataclasses.dataclass(frozen=True)
class Check:
    """A test that checks results: its file, its name, how it checks and its source."""

    file: str
    name: str
    how: str
    source: str = dataclasses.field(repr=False, compare=False)

    @property
    def anchor(self):
        return f"check-{pathlib.Path(self.file).stem}-{self.name}".replace("_", "-")


def table(name):
    """Rows of book/name.csv as dictionaries."""
    path = ROOT / "book" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def chapters():
    """The notebooks in the order of the book, those of them that exist."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    paths = [ROOT / f"{file}.ipynb" for file in files]
    return [path for path in paths if path.exists()]


def directives(text):
    """Yield (kind, title, body) for each proof directive of a Markdown text, outermost first."""
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        start = FENCE.match(lines[i])
        i += 1
        if not start:
            continue
        body = []
        while i < len(lines) and lines[i].strip() != start["fence"]:
            body.append(lines[i])
            i += 1
        yield start["kind"], start["title"].strip(), "\n".join(body)


def hashed(kind, title, body):
    """What a statement says, however its lines are broken, in sixteen signs."""
    words = " ".join([kind, title, OPTION.sub("", body)]).split()
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]


def typeset(title):
    """A title with the apostrophes that Sphinx gives it where it stands."""
    return APOSTROPHE.sub(lambda match: match[1] or "’", title)


def stated_in(path, position):
    """The results of one chapter, in order; position counts on over the whole book."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    results = []
    for cell in cells:
        if cell["cell_type"] != "markdown":
            continue
        for kind, title, body in directives("".join(cell["source"])):
            label = LABEL.search(body)
            references = REFERENCE.findall(body)
            if kind == "proof" and results:
                results[-1].has_proof = True
                results[-1].uses += references
            elif label and label[1].split("-")[0] in KINDS:
                stated = hashed(kind, title, body)
                place = position + len(results)
                results.append(
                    Result(label[1], typeset(title), path.stem, place, uses=references, hash=stated)
                )
    for result in results:
        result.uses = [u for u in dict.fromkeys(result.uses) if u != result.label]
    return results


def public_name(path, name=""):
    """The dotted name of what a file of the package defines, or of the file's module.

    What the package around it imports from it is named there: dpnotes.components.Gaussian.
    """
    package = path.with_name("__init__.py")
    for node in ast.parse(package.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module == path.stem:
            path = package if name in {alias.name for alias in node.names} else path
    parts = [*path.relative_to(ROOT).with_suffix("").parts, name]
    return ".".join(part for part in parts if part not in ("__init__", ""))


def implementations():
    """Pairs (dotted name, identifiers) of every docstring with a line ``Implements: ...``."""
    found = []
    for path in sorted((ROOT / "dpnotes").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        stack = [(public_name(path), tree)]
        while stack:
            name, node = stack.pop()
            docstring = ast.get_docstring(node) or ""
            for line in IMPLEMENTS.findall(docstring):
                found.append((name, re.split(r",\s*", line)))
            for child in node.body:
                if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                    inside = (
                        public_name(path, child.name) if node is tree else f"{name}.{child.name}"
                    )
                    stack.append((inside, child))
    return sorted(found)


def checks():
    """Pairs (Check, identifiers) of every test that is marked ``@pytest.mark.checks(...)``."""
    found = []
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.checks":
                    how = {k.arg: ast.literal_eval(k.value) for k in mark.keywords}.get("how")
                    first = min(d.lineno for d in node.decorator_list)
                    source = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
                    check = Check(f"tests/{path.name}", node.name, how, source)
                    found.append((check, [ast.literal_eval(a) for a in mark.args]))
    return found


def load():
    """Return the results by label, in the order of the book, with all that is known of each."""
    results = {}
    for path in chapters():
        for result in stated_in(path, len(results)):
            results[result.label] = result
    for row in table("tags"):
        if row["label"] in results:
            results[row["label"]].tag = row["tag"]
    by_tag = {r.tag: r for r in results.values() if r.tag}
    for result in results.values():
        for used in result.uses:
            if used in results:
                results[used].used_by.append(result.label)
    for name, tags in implementations():
        for tag in tags:
            if tag in by_tag:
                by_tag[tag].implemented_by.append(name)
    for check, tags in checks():
        for tag in tags:
            if tag in by_tag:
                by_tag[tag].checked_by.append(check)
    for row in table("prose-only"):
        if row["tag"] in by_tag:
            by_tag[row["tag"]].reason = row["reason"]
    for row in table("errata"):
        if row["tag"] in by_tag:
            by_tag[row["tag"]].errata.append((row["date"], row["correction"]))
    for row in table("earlier-numbers"):
        if row["tag"] in by_tag:
            by_tag[row["tag"]].numbers.append((row["edition"], row["number"]))
    for row in table("statements"):
        if row["tag"] in by_tag:
            by_tag[row["tag"]].released.append((row["version"], row["hash"]))
    return results
