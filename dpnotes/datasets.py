"""The data of the book; ``data/README.md`` says where each set comes from."""

import csv

import numpy as np
from numpy.typing import NDArray

from ._types import Floats

ISLANDS = ("Biscoe", "Dream", "Torgersen")
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
MEASURED = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")

# Of the 16 answers to four questions, from 1111, 1110, 1101, ... to 0000: how many gave each.
PATTERNS = (42, 23, 6, 25, 6, 24, 7, 38, 1, 4, 1, 6, 2, 9, 2, 20)


def _lines(name: str) -> list[list[str]]:
    from importlib.resources import files

    with (files(__package__) / "data" / name).open(encoding="utf-8") as file:
        return list(csv.reader(file))


def _load(name: str) -> Floats:
    return np.array(_lines(name)[1:], dtype=float).squeeze()


def galaxies() -> Floats:
    """Return the velocities of 82 galaxies, increasing.

    Returns
    -------
    ndarray of shape (82,)
        In km/s.

    Notes
    -----
    Six well-separated conic sections of the Corona Borealis region. The 78th value is 26960;
    many copies of the data have the misprint 26690. The 74th is 24366, as in nearly all copies; one
    has 24368.

    References
    ----------
    Postman, M., Huchra, J. P. and Geller, M. J. (1986). Astronomical Journal 92, 1238-1247.
    Roeder, K. (1990). Journal of the American Statistical Association 85, 617-624.

    Examples
    --------
    >>> from dpnotes import datasets
    >>> velocity = datasets.galaxies()
    >>> velocity.shape, velocity[[0, 77, 81]].tolist()
    ((82,), [9172.0, 26960.0, 34279.0])
    """
    return _load("galaxies.csv")


def faithful() -> Floats:
    """Return 272 eruptions of the Old Faithful geyser.

    Returns
    -------
    ndarray of shape (272, 2)
        The length of an eruption and the waiting time to the next, in minutes.

    References
    ----------
    Azzalini, A. and Bowman, A. W. (1990). Applied Statistics 39, 357-365.
    Härdle, W. (1991). Smoothing Techniques: With Implementation in S. Springer.

    Examples
    --------
    >>> from dpnotes import datasets
    >>> datasets.faithful()[0].tolist()
    [3.6, 79.0]
    """
    return _load("faithful.csv")


def neal() -> Floats:
    """Return the nine observations of Neal (2000).

    Returns
    -------
    ndarray of shape (9,)

    Notes
    -----
    Neal's model for them: theta ~ N(0, 1), x | theta ~ N(theta, 0.1^2), alpha = 1.

    References
    ----------
    Neal, R. M. (2000). Journal of Computational and Graphical Statistics 9, 249-265, section 8.

    Examples
    --------
    >>> from dpnotes import datasets
    >>> datasets.neal().tolist()
    [-1.48, -1.4, -1.16, -1.08, -1.02, 0.14, 0.51, 0.53, 0.78]
    """
    return np.array([-1.48, -1.40, -1.16, -1.08, -1.02, 0.14, 0.51, 0.53, 0.78])


def death_notices() -> Floats:
    """Return how many death notices of women of 80 or more The Times had on each of 1096 days.

    Returns
    -------
    ndarray of shape (1096,)
        Counts from 0 to 9, increasing: the order of the days, in 1910 to 1912, was not published.

    Notes
    -----
    Hasselblad fits two Poisson laws, with means 1.256 and 2.663 and weights 0.36 and 0.64.

    References
    ----------
    Hasselblad, V. (1969). Journal of the American Statistical Association 64, 1459-1471.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import datasets
    >>> np.bincount(datasets.death_notices().astype(int)).tolist()
    [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]
    """
    return np.repeat(np.arange(10.0), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])


def role_conflict() -> Floats:
    """Return what 216 students answered to four questions about a conflict of roles.

    Returns
    -------
    ndarray of shape (216, 4)
        1 for the universalistic answer (the rule comes first), 0 for the particularistic one (the
        friend does). Rows are sorted by their answers.

    Notes
    -----
    The first data of latent class analysis that many texts take. Copies differ in which of the two
    middle questions comes first.

    References
    ----------
    Stouffer, S. A. and Toby, J. (1951). American Journal of Sociology 56, 395-406.
    Goodman, L. A. (1974). Biometrika 61, 215-231.

    Examples
    --------
    >>> from dpnotes import datasets
    >>> datasets.role_conflict().sum(axis=0).tolist()
    [171.0, 108.0, 111.0, 67.0]
    """
    answers = 1 - np.indices((2, 2, 2, 2)).reshape(4, 16).T
    return np.repeat(answers, PATTERNS, axis=0).astype(float)


def penguins() -> tuple[Floats, NDArray[np.int64]]:
    """Return 344 penguins of three species near Palmer Station, Antarctica: a table with gaps.

    Returns
    -------
    x : ndarray of shape (344, 6)
        Length and depth of the bill and length of the flipper, in mm, and mass, in g; sex, 1 for
        males; the island, as a place in ``datasets.ISLANDS``. NaN where nothing was noted: the
        four measurements of two penguins, the sex of eleven.
    species : ndarray of shape (344,)
        As a place in ``datasets.SPECIES``.

    References
    ----------
    Gorman, K. B., Williams, T. D. and Fraser, W. R. (2014). PLoS ONE 9(3), e90081.
    Horst, A. M., Hill, A. P. and Gorman, K. B. (2020). palmerpenguins, doi:10.5281/zenodo.3960218.

    Examples
    --------
    >>> import numpy as np
    >>> from dpnotes import datasets
    >>> x, species = datasets.penguins()
    >>> x[0].tolist(), datasets.SPECIES[species[0]]
    ([39.1, 18.7, 181.0, 3750.0, 1.0, 2.0], 'Adelie')
    >>> np.isnan(x).sum(axis=0).tolist()
    [2, 2, 2, 2, 11, 0]
    """
    names, *rows = _lines("penguins.csv")
    cells = dict(zip(names, zip(*rows, strict=True), strict=True))
    of_sex = {"male": 1.0, "female": 0.0, "NA": np.nan}
    columns = [[float(v.replace("NA", "nan")) for v in cells[name]] for name in MEASURED]
    columns.append([of_sex[v] for v in cells["sex"]])
    columns.append([float(ISLANDS.index(v)) for v in cells["island"]])
    species = [SPECIES.index(v) for v in cells["species"]]
    return np.column_stack(columns), np.array(species, dtype=np.int64)
