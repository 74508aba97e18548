"""The Dirichlet process and its inference: exact, sampled and variational.

One module an idea; each may import those above it in this list, never below.
Modules load on first use, so that ``import dpnotes`` is instant.
"""

import importlib

__version__ = "0.2.0.dev0"

__all__ = [
    "measures",
    "crp",
    "clusters",
    "sticks",
    "process",
    "selection",
    "components",
    "mixture",
    "exact",
    "chains",
    "gibbs",
    "hyper",
    "meanfield",
    "streams",
    "partitions",
    "peaks",
    "show",
    "diagnostics",
    "predictive",
    "tables",
    "kinds",
    "workflow",
    "report",
    "datasets",
    "plotting",
    "figures",
]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "InferenceWarning":
        return importlib.import_module(f"{__name__}._types").InferenceWarning
    if name == "show_versions":
        return importlib.import_module(f"{__name__}._versions").show_versions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*__all__, "InferenceWarning", "__version__", "show_versions"]
