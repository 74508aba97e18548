"""Names for types that signatures share."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Probabilities: of floats, or an object array of fractions; and what it is made of.
Numbers = NDArray[Any]
NumbersLike = ArrayLike | Sequence[float | Fraction]


class InferenceWarning(UserWarning):
    """What a fit or a chain has to say of its own answer: it is not to be relied on as it is.

    ``warnings.simplefilter("error", dpnotes.InferenceWarning)`` makes it an error.
    """


# What numpy.random.default_rng takes; dpnotes._validate.rng makes the generator of it.
RNGLike = (
    None
    | int
    | np.integer[Any]
    | Sequence[int]
    | np.random.SeedSequence
    | np.random.BitGenerator
    | np.random.Generator
)
# The shape of a sample, as in SciPy's rvs.
Size = None | int | np.integer[Any] | Sequence[int]
