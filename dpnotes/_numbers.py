"""Arithmetic that several rooms need: Stirling's remainder, integer partitions, sums by cluster."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._types import Floats


def stirling_remainder(z: Any) -> Any:
    """log Gamma(z) - (z - 1/2) log z + z - log(2 pi) / 2 to 1e-16, for z >= 20; complex z too."""
    r = 1 / z
    s = r * r
    return r * (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188))))


def integer_partitions(total: int, most: int, largest: int) -> Iterator[tuple[int, ...]]:
    """Partitions of total into at most so many parts <= largest, each at most the one before."""
    if total == 0:
        yield ()
        return
    # The first part is at least the average.
    for part in range(-(-total // most) if most else total + 1, min(largest, total) + 1):
        for rest in integer_partitions(total - part, most - 1, part):
            yield (part, *rest)


def sums_by_cluster(features: Floats, labels: NDArray[Any], K: int | None = None) -> Floats:
    """Return the sums of features (n, p) over each cluster: shape (K, p).

    K is one more than the largest label, or larger for clusters that have no points.
    """
    labels = labels.astype(np.intp)
    return np.array([np.bincount(labels, column, K or 0) for column in features.T]).T
