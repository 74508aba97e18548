"""Points over many processes or machines, in the collections of Dask.

A block is visited where it is kept, or by the task that reads it. What goes out for a pass is one
object for all of them, the parameters; what comes back is one sum, added in a tree whose shape
depends on the number of blocks alone.
"""

import functools
import operator
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import _validate as check

FAN = 8  # sums that one step of the tree adds
RETRIES = 3  # how often a block is tried again
KINDS = "a Dask array, a Dask data frame or a list of delayed blocks"
INSTALL = 'expected Dask; install it first: pip install "dpnotes[dask]"'


def is_collection(x: Any) -> bool:
    """Return whether x is a collection of Dask or a list that holds one, without loading Dask."""
    return _planned(x) or (isinstance(x, (list, tuple)) and any(map(_planned, x)))


def _planned(x: Any) -> bool:
    return hasattr(x, "__dask_graph__") and not isinstance(x, type)


def blocks(name: str, x: Any, dim: int) -> tuple[list[Any], list[str]]:
    """Return the blocks of a collection, each delayed or a recipe, and what a user calls it."""
    kind = _kind(name, x)
    if kind == "delayed":
        parts, each = list(x), ""
    elif kind == "frame":
        _check_columns(name, x, dim)
        parts, each = x.to_delayed(), ".partitions"
    else:
        parts, each = _whole_rows(name, x, dim).to_delayed().ravel().tolist(), ".blocks"
    return _recipes(parts), [f"{name}{each}[{b}]" for b in range(len(parts))]


class Recipe:
    """How to read or make one block: called where the block is visited."""

    def __init__(self, tasks: dict[Any, Any], key: Any) -> None:
        self.tasks, self.key = tasks, key

    def __call__(self) -> Any:
        import dask

        return dask.get(self.tasks, self.key)


def _recipes(parts: list[Any]) -> list[Any]:
    """Return the recipe of each delayed block that shares no task with others; others as they are.

    Reading a block and visiting it are then one task, so that Dask holds no block between the two
    and sends it to no other worker. What a worker keeps already, or is told to make, stays.
    """
    graphs = {id(graph): graph for graph in (part.__dask_graph__() for part in parts)}
    tasks: dict[Any, Any] = {}
    for graph in graphs.values():
        if not any(layer.annotations for layer in getattr(graph, "layers", {}).values()):
            tasks.update(graph)
    own = [_tasks_for(part.key, tasks) for part in parts]
    users = Counter(key for each in own for key in each)
    return [
        Recipe(each, part.key) if each and all(users[key] == 1 for key in each) else part
        for part, each in zip(parts, own)
    ]


def _tasks_for(key: Any, tasks: dict[Any, Any]) -> dict[Any, Any]:
    """Return the tasks that make this; none if one needs what a worker has."""
    found, rest = {}, [key]
    while rest:
        each = rest.pop()
        needed = getattr(tasks.get(each), "dependencies", None)
        if needed is None:
            return {}
        found[each] = tasks[each]
        rest += [other for other in needed if other not in found]
    return found


def _kind(name: str, x: Any) -> str:
    try:
        import dask.array as da
        import dask.dataframe as dd
        from dask.delayed import Delayed
    except ImportError as error:
        raise ImportError(f"{name} of Dask: {INSTALL}") from error
    if isinstance(x, da.Array):
        return "array"
    if isinstance(x, (dd.DataFrame, dd.Series)):
        return "frame"
    if isinstance(x, (list, tuple)) and all(isinstance(block, Delayed) for block in x):
        return "delayed"
    parts = x if isinstance(x, (list, tuple)) else [x]
    shown = ", ".join(sorted({type(part).__name__ for part in parts}))
    return check.refuse(name, f"a list of {shown}" if parts is x else shown, KINDS)


def _check_columns(name: str, x: Any, dim: int) -> None:
    """Refuse a data frame of another width, or with a column that does not hold numbers."""
    kinds = dict(x.dtypes) if x.ndim == 2 else {x.name: x.dtype}
    for column, kind in kinds.items():
        if getattr(kind, "kind", "O") not in "iuf":
            refused = f"a column of {kind}"
            check.refuse(
                f"{name}[{column!r}]", refused, "numbers; leave it out, or turn it into some"
            )
    if len(kinds) != dim:
        check.refuse(name, f"a data frame of {len(kinds)} columns", f"{dim}, as the model has")


def _whole_rows(name: str, x: Any, dim: int) -> Any:
    """Return an array each of whose chunks has whole rows, of numbers and of this width."""
    if x.dtype.kind not in "iuf":
        check.refuse(name, f"an array of {x.dtype}", "numbers")
    if x.ndim == 2 and np.isnan(x.shape[1]):
        check.refuse(name, "an array of unknown width", "known chunks along columns")
    check.shape(name, x, ("n", dim), *([("n",)] if dim == 1 else []))
    return x if x.ndim == 1 or len(x.chunks[1]) == 1 else x.rechunk({1: -1})


def mapping(x: Any, map: Any) -> Any:
    """Return what maps over the blocks of x: for a collection, or the map of a client, a Spread."""
    client = _client_of(map)
    if is_collection(x):
        if map is not _builtin and client is None:
            check.fail("map", map, "the map of a distributed.Client, for a collection of Dask")
        return Spread(client or _current())
    return map if client is None else _Gathered(client)


_builtin = map


def _client_of(map: Any) -> Any:
    """Return the client of Dask whose map this is, or that of its executor; None for others."""
    owner = getattr(map, "__self__", None)
    owner = getattr(owner, "_client", owner)
    return owner if type(owner).__module__.startswith("distributed.") else None


def _current() -> Any:
    """Return the client that Dask uses now, None if it has none."""
    try:
        from distributed import default_client

        return default_client()
    except (ImportError, ValueError):
        return None


class _Gathered:
    """The map of a client, which gives results in place of promises."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __call__(self, f: Callable[[Any], Any], items: Iterable[Any]) -> Any:
        return iter(self.client.gather(self.client.map(f, list(items), pure=False)))


class Spread:
    """A map whose calls run where the blocks are; without a client, on Dask's own threads."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __call__(self, f: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return self._results(self._calls(f, items))

    def total(self, f: Callable[[Any], Any], items: Iterable[Any]) -> Any:
        """Return the sum of the results, tables or tuples of them, added where they are."""
        from dask import delayed

        return self._results([tree(delayed(_add, pure=False), self._calls(f, items))])[0]

    def first_look(
        self, f: Callable[[Any], Any], blocks: Iterable[Any], names: Iterable[str]
    ) -> tuple[list[Any], list[Any]]:
        """Return the blocks that have rows, and what f finds in each under its name."""
        items = [(name, 0, block) for name, block in zip(names, blocks)]
        found = self(functools.partial(_looked_at, f), items)
        for result in found:
            if isinstance(result, ValueError):
                raise result
        pairs = [(block, result) for (*_, block), result in zip(items, found) if result is not None]
        return [block for block, _ in pairs], [result for _, result in pairs]

    def _calls(self, f: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        from dask import delayed

        # A task of its own, so that f goes to the scheduler once and not with every block.
        sent = delayed(_same, pure=False)(f)
        call = delayed(_call, pure=False)
        return [call(sent, item) for item in items]

    def _results(self, calls: list[Any]) -> list[Any]:
        if self.client is None:
            from dask import compute

            return list(compute(*calls))
        return self.client.gather(self.client.compute(calls, retries=RETRIES))


def tree(add: Callable[[list[Any]], Any], parts: list[Any]) -> Any:
    """Add parts in an order that depends on their number alone."""
    while len(parts) > 1:
        parts = [add(parts[i : i + FAN]) for i in range(0, len(parts), FAN)]
    return parts[0]


def _add(parts: list[Any]) -> Any:
    if isinstance(parts[0], tuple):
        return tuple(functools.reduce(operator.add, column) for column in zip(*parts))
    return functools.reduce(operator.add, parts)


def _same(thing: Any) -> Any:
    return thing


def _call(f: Callable[[Any], Any], item: Any) -> Any:
    return f(item)


def _looked_at(f: Callable[[Any], Any], named: tuple[str, int, Any]) -> Any:
    """Return f of a block, None if it has no rows; an error, which no further try would mend."""
    name, first, block = named
    if isinstance(block, Recipe):
        block = block()
    if not len(block):
        return None
    try:
        return f((name, first, block))
    except ValueError as error:
        return error


# Rows out: one of the results a row, planned and not yet made.


def lazily(kind: type, width: Callable[[Any], int] | None = None) -> Callable[[Any], Any]:
    """Return what lets a method of rows take a collection of Dask, and give one of its blocks.

    Parameters
    ----------
    kind : type
        Of the numbers that the method returns.
    width : callable, optional
        How many a row for the object of the method; one, without a second dimension, if None.
    """

    def decorate(method: Any) -> Any:
        @functools.wraps(method)
        def call(self: Any, x: Any) -> Any:
            if not is_collection(x):
                return method(self, x)
            return _plan(functools.partial(method, self), x, self.model.component.dim, kind,
                         None if width is None else width(self))  # fmt: skip

        return call

    return decorate


def _plan(method: Any, x: Any, dim: int, kind: type, width: int | None) -> Any:
    from dask import delayed

    family = _kind("x", x)
    sent = delayed(_same, pure=False)(method)  # once, not with every block
    empty: Any = np.empty((0,) if width is None else (0, width), kind)
    if family == "delayed":
        call = delayed(_rows_of, pure=False)
        return [call(block, sent, empty, f"x[{b}]") for b, block in enumerate(x)]
    if family == "frame":
        _check_columns("x", x, dim)
        title = method.func.__name__
        meta = _as_frame(empty, None, title)
        return x.map_partitions(_rows_of_part, sent, empty, title, meta=meta)
    import dask.array as da

    x = _whole_rows("x", x, dim)
    shape = {"drop_axis": 1} if width is None and x.ndim == 2 else {}
    if width is not None:
        shape = {"chunks": (x.chunks[0], (width,))} | ({"new_axis": 1} if x.ndim == 1 else {})
    return da.map_blocks(_rows_of_block, x, sent=sent, empty=empty, dtype=kind, meta=empty, **shape)


def _rows_of(block: Any, method: Any, empty: Any, name: str) -> Any:
    """Return what the method says of the rows of a block; a bad one is named with its block."""
    if not len(block):
        return empty
    try:
        return method(block)
    except ValueError as error:
        raise ValueError(name + str(error).removeprefix("x")) from None


def _rows_of_block(block: Any, sent: Any, empty: Any, block_id: Any = (0,)) -> Any:
    return _rows_of(block, sent, empty, f"x.blocks[{block_id[0]}]")


def _rows_of_part(
    part: Any, method: Any, empty: Any, title: str, partition_info: Any = None
) -> Any:
    number = (partition_info or {"number": 0})["number"]
    return _as_frame(_rows_of(part, method, empty, f"x.partitions[{number}]"), part.index, title)


def _as_frame(rows: Any, index: Any, title: str) -> Any:
    """Return rows as a series of this title, or as a frame whose columns are called 0, 1, ..."""
    import pandas as pd

    if rows.ndim == 1:
        return pd.Series(rows, index, name=title)
    # By words: Parquet takes no numbers for names.
    return pd.DataFrame(rows, index, columns=[str(k) for k in range(rows.shape[1])])
