"""The few compiled functions of Hypothesis in plain Python, so that it runs in Pyodide.

Hypothesis keeps them in an extension module that nobody builds for the browser.
They are about the bits of floats; the tests of the package need them for no more than that.
"""

import math
import struct
import sys
import types
from importlib.metadata import version

FORMATS = {16: ("!e", "!H"), 32: ("!f", "!I"), 64: ("!d", "!Q")}
# Bits of the fraction, and so the smallest normal number, by width.
SMALLEST = {16: 2.0**-14, 32: 2.0**-126, 64: 2.0**-1022}


def float_to_int(value, width=64):
    of_float, of_int = FORMATS[width]
    return struct.unpack(of_int, struct.pack(of_float, value))[0]


def int_to_float(value, width=64):
    of_float, of_int = FORMATS[width]
    return struct.unpack(of_float, struct.pack(of_int, value))[0]


def float_of(x, width):
    return float(x) if width == 64 else int_to_float(float_to_int(float(x), width), width)


def is_negative(x):
    return math.copysign(1.0, x) < 0


def next_up(value, width=64):
    if math.isnan(value) or value == math.inf:
        return value
    if value == 0:
        return int_to_float(1, width)
    bits = float_to_int(value, width)
    return int_to_float(bits + (1 if value > 0 else -1), width)


def next_down(value, width=64):
    return -next_up(-value, width)


def width_smallest_normals(width):
    return SMALLEST[width]


def next_up_normal(value, width, *, allow_subnormal):
    value = next_up(value, width)
    if not allow_subnormal and 0 < abs(value) < SMALLEST[width]:
        return SMALLEST[width] if value > 0 else -0.0
    return value


def next_down_normal(value, width, *, allow_subnormal):
    return -next_up_normal(-value, width, allow_subnormal=allow_subnormal)


def count_between_floats(x, y, width=64):
    if is_negative(x) and is_negative(y):
        x, y = -y, -x
    if is_negative(x):
        return count_between_floats(0.0, -x, width) + count_between_floats(0.0, y, width)
    return float_to_int(y, width) - float_to_int(x, width) + 1


def cathetus(h, a):
    """The other leg of a right triangle."""
    if math.isinf(h) and math.isinf(a):
        return math.inf
    return math.sqrt((h - a) * (h + a)) if abs(h) >= abs(a) else math.nan


def install():
    """Put these functions where Hypothesis imports them from."""
    names = "float_of float_to_int int_to_float is_negative next_up next_down next_up_normal"
    names += " next_down_normal width_smallest_normals count_between_floats"
    native = types.ModuleType("hypothesis._native")
    native.__version__ = version("hypothesis")
    native.internal = types.ModuleType("hypothesis._native.internal")
    native.internal.floats = types.ModuleType("hypothesis._native.internal.floats")
    native.internal.cathetus = types.ModuleType("hypothesis._native.internal.cathetus")
    vars(native.internal.floats).update({name: globals()[name] for name in names.split()})
    native.internal.cathetus.cathetus = cathetus
    for module in (native, native.internal, native.internal.floats, native.internal.cathetus):
        sys.modules[module.__name__] = module
