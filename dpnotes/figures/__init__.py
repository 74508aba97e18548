"""What the chapters of the book draw, a module a part; modules load on first use.

Every function takes ``ax``, the axes to draw on (the current ones by default), and returns it.
"""

import importlib
from types import ModuleType

__all__ = ["process", "clusters", "sampling", "practice"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
