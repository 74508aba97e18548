"""Types: every public signature is annotated, and mypy finds no fault in the package."""

import inspect
import subprocess
import sys

import pytest
from conftest import ROOT
from test_package import PUBLIC


def callables(thing):
    """A function itself; of a class its constructor, public methods and properties, by name."""
    if inspect.isfunction(thing):
        return {"": thing}
    found = {}
    for name, member in vars(thing).items():
        if isinstance(member, (classmethod, staticmethod)):
            member = member.__func__
        member = getattr(member, "fget", None) or getattr(member, "func", member)
        # Python itself gives a protocol its constructor.
        constructor = name == "__init__" and not getattr(thing, "_is_protocol", False)
        if inspect.isfunction(member) and (constructor or not name.startswith("_")):
            found[name] = member
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_signature_is_annotated(name):
    missing = []
    for member, function in callables(PUBLIC[name]).items():
        signature = inspect.signature(function)
        bare = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
        if signature.return_annotation is signature.empty and member != "__init__":
            bare.append("return")
        missing += [f"{member}({what})" for what in bare if what not in ("self", "cls")]
    assert missing == []


@pytest.mark.parametrize(
    "source", ["def f(x): pass", "def f(x: int): pass", "def f(x) -> int: pass"]
)
def test_a_bare_signature_is_found(monkeypatch, source):
    exec(source, space := {})
    monkeypatch.setitem(PUBLIC, "f", space["f"])
    with pytest.raises(AssertionError):
        test_every_public_signature_is_annotated("f")


@pytest.mark.book
@pytest.mark.slow
def test_mypy_finds_no_fault():
    run = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
