"""Names and calls of an earlier version: they still work, and say what to write instead."""

import functools
import importlib
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def warn(message: str, stacklevel: int = 3) -> None:
    """Warn the caller's caller that what it wrote will go."""
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel)


def keyword_only(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take these keyword-only arguments by position too, in this order."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        allowed = function.__code__.co_argcount

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> R:
            given = dict(zip(names, args[allowed:]))
            if len(args) > allowed + len(names) or given.keys() & kwargs.keys():
                return function(*args, **kwargs)  # Python's own TypeError
            if given:
                words = ", ".join(f"{name}=..." for name in given)
                warn(f"{function.__qualname__}: write {words}, no longer by position")
            return function(*args[:allowed], **given, **kwargs)

        return call

    return decorate


def renamed(old: str, new: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take one of its arguments by the old name too."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if old in kwargs and new not in kwargs:
                warn(f"{function.__qualname__}: write {new}=..., no longer {old}=...")
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate


def moved(module: str, names: dict[str, str], by_position: bool = False) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module some of whose names now stand elsewhere.

    ``names`` maps each old name to its place in the package, such as ``"chains.Chain"``. With
    ``by_position`` the functions take what is keyword-only now by position too, in its order.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn(f"{module}.{name} is now dpnotes.{names[name]}")
        room, *path = names[name].split(".")
        thing: Any = importlib.import_module(f"dpnotes.{room}")
        for part in path:
            thing = getattr(thing, part)
        return keyword_only(*thing.__kwdefaults__)(thing) if by_position else thing

    return find
