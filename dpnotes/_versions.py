"""The versions of what dpnotes works with."""

import platform
import sys
from importlib import metadata

from . import __version__

PACKAGES = (
    "numpy scipy matplotlib seaborn arviz-stats threadpoolctl tqdm numba pandas polars pyarrow "
    "scikit-learn"
).split()


def show_versions() -> None:
    """Print the versions of Python, dpnotes and what it works with, for a report of an error.

    Examples
    --------
    >>> import dpnotes
    >>> dpnotes.show_versions()  # doctest: +ELLIPSIS
    dpnotes: ...
    """
    print(f"dpnotes: {__version__}")
    print(f"python: {platform.python_version()} ({sys.platform}, {platform.machine()})")
    for name in PACKAGES:
        try:
            print(f"{name}: {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            print(f"{name}: not installed")
