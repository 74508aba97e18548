"""Models and chains on disk, without pickle: numbers in an .npz file, all else in JSON."""

import importlib
import inspect
import json
import os
import pathlib

import numpy as np

from . import _validate as check

FORMAT = 1


def describe(thing):
    """Return a model, a family or a prior of dpnotes as plain data, from which to make it anew."""
    kind = type(thing)
    room = kind.__module__.removeprefix("dpnotes.").split(".")[0]
    public = kind.__module__.startswith("dpnotes.")
    if not public or getattr(importlib.import_module(f"dpnotes.{room}"), kind.__name__) is not kind:
        raise LookupError(f"{kind.__name__} is not of dpnotes")
    names = inspect.signature(kind).parameters
    return {"kind": f"{room}.{kind.__name__}"} | {k: _plain(getattr(thing, k)) for k in names}


def _plain(value):
    if value is None or isinstance(value, (int, float, str)):
        return value
    if isinstance(value, tuple) and not all(isinstance(v, (int, float)) for v in value):
        return [describe(v) for v in value]
    if isinstance(value, (np.ndarray, tuple)):
        return np.asarray(value).tolist()
    return describe(value)


def make(description):
    """Return the thing that a description is of."""
    arguments = {k: _made(v) for k, v in description.items()}
    room, name = arguments.pop("kind").split(".")
    if room not in ("components", "mixture", "hyper"):
        raise LookupError(room)
    return getattr(importlib.import_module(f"dpnotes.{room}"), name)(**arguments)


def _made(value):
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        return [make(v) for v in value]
    return make(value) if isinstance(value, dict) else value


def same_model(a, b):
    """Return whether two models are alike; a family that is not of dpnotes is like itself alone."""
    if a is b or (a.component is b.component and a.alpha == b.alpha and type(a) is type(b)):
        return True
    try:
        return describe(a) == describe(b)
    except LookupError:
        return False


def generator(state):
    """Return the random generator that stands in this state."""
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)


def save(chain, path):
    facts, arrays = _parts(chain)
    _write(path, {"format": FORMAT} | facts, arrays)


def _parts(chain):
    """Return what a chain holds as facts, for JSON, and as arrays."""
    try:
        model = describe(chain.model)
    except LookupError:
        check.fail("model", chain.model, "a model of dpnotes, so that a file can name it")
    facts = {"model": model, "generator": _listed(chain.generator)}
    facts |= {name: getattr(chain, name) for name in ("sampler", "seed", "version")}
    arrays = {name: getattr(chain, name) for name in ("x", "labels", "alpha")}
    columns = {f"column {name}": column for name, column in chain.columns.items()}
    if chain.theta is not None:
        width = next(t.shape[1] for t in chain.theta if t is not None)
        columns["theta"] = [np.zeros((0, width)) if t is None else t for t in chain.theta]
    for name, column in columns.items():
        # Ragged ones one after another, with their lengths.
        ragged = len({np.shape(row) for row in column}) > 1
        try:
            arrays[name] = np.concatenate(column) if ragged else np.array(column)
        except ValueError:
            check.fail(name, column, "arrays that differ in their number of rows alone")
        if arrays[name].dtype == object:
            check.fail(name, column, "numbers, or arrays of numbers, so that a file can hold them")
        if ragged:
            arrays[f"lengths of {name}"] = np.array([len(row) for row in column])
    return facts, arrays


def _write(path, facts, arrays, name="path"):
    """Write one file, once it is whole."""
    arrays = arrays | {"facts": np.array(json.dumps(facts))}
    try:
        path = pathlib.Path(path)
        part = path.parent / f".{os.urandom(8).hex()}.part"
        try:
            with part.open("xb") as file:
                np.savez_compressed(file, **arrays)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except (OSError, TypeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        shown = str(path) if isinstance(path, pathlib.Path) else path
        check.fail(name, shown, f"the path of a file that can be written ({reason})")


def _listed(state):
    """Return a generator's state with its arrays as lists."""
    if isinstance(state, dict):
        return {key: _listed(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state


def load(path):
    """Return the fields of a saved chain."""
    facts, arrays = _known(path, "a file that Chain.save wrote whole", {"model", "version"})
    return _fields(facts, arrays)


def save_all(path, holds, facts, arrays, chains):
    """Write chains of the same data to one file, with more facts and arrays."""
    parts = [_parts(chain) for chain in chains]
    every = {f"own {name}": array for name, array in arrays.items()}
    every["x"] = chains[0].x
    for i, (_, own) in enumerate(parts):
        every |= {f"chain {i} {name}": a for name, a in own.items() if name != "x"}
    _write(path, {"format": FORMAT, holds: facts, "chains": [about for about, _ in parts]}, every)


def load_all(path, kinds, expected):
    """Return what ``save_all`` wrote: of which kind, facts, arrays, the fields of the chains."""
    facts, arrays = _known(path, expected, {"chains"})
    try:
        (holds,) = (kind for kind in kinds if kind in facts)
        own = {k.removeprefix("own "): a for k, a in arrays.items() if k.startswith("own ")}
        chains = []
        for i, about in enumerate(facts["chains"]):
            start = f"chain {i} "
            parts = {k.removeprefix(start): a for k, a in arrays.items() if k.startswith(start)}
            chains.append(_fields(about, parts | {"x": arrays["x"]}))
        return holds, facts[holds], own, chains
    except Exception:  # whatever else stands in it
        check.fail("path", os.fspath(path), expected)


def _known(path, expected, names, name="path"):
    """Return facts and arrays of a file of this format that holds these facts."""
    try:
        with np.load(pathlib.Path(path), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(str(arrays.pop("facts")))
        known = facts.pop("format")
        missing = names - facts.keys()
    except Exception:  # a spoilt archive raises a dozen kinds of errors
        missing, known = names, FORMAT
    if known != FORMAT:
        check.refuse(name, f"{path} of format {known}", f"format {FORMAT}; update dpnotes")
    if missing:
        shown = os.fspath(path) if isinstance(path, os.PathLike) else path
        check.fail(name, shown, expected)
    return facts, arrays


def _fields(facts, arrays):
    """Return the fields of a chain whose parts these are."""
    columns = {}
    for name in [name for name in arrays if name == "theta" or name.startswith("column ")]:
        lengths, column = arrays.pop(f"lengths of {name}", None), arrays.pop(name)
        rows = list(column) if lengths is None else np.split(column, np.cumsum(lengths)[:-1])
        columns[name.removeprefix("column ")] = rows
    arrays["x"].setflags(write=False)
    theta = columns.pop("theta", None)
    if theta is not None:
        theta = [t if len(t) else None for t in theta]
    model = make(facts["model"])
    return facts | arrays | {"model": model, "theta": theta, "columns": columns}
