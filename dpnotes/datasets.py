"""The data of the book; ``data/README.md`` says where each set comes from."""

import numpy as np

from ._types import Floats


def _load(name: str) -> Floats:
    from importlib.resources import files

    with (files(__package__) / "data" / name).open(encoding="utf-8") as file:
        return np.loadtxt(file, delimiter=",", skiprows=1)


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
