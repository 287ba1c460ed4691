"""Scopes: the pictures of a picture that exposure is judged by, false colour and waveform.

False colour reads the light that the camera recorded, scene-linear, as a spot meter does, in stops around 18 % grey.
The waveform reads the signal that goes to the display, in percent.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlfilm_lib.film import colour

MIDDLE_GREY = 0.18

ZONES = np.array([-6, -5, -4, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 4, 5, 6])
"""The zones of false colour, in stops over 18 % grey: whole stops, and half a stop to either side of grey. These are
the zones of the EL Zone system (Lachman 2021); where they meet, halfway between neighbours, is our own choice."""

ZONE_COLOURS = np.array([
    (0, 0, 0), (38, 10, 66), (58, 28, 122), (44, 62, 160), (24, 100, 182), (20, 130, 166), (46, 142, 128),
    (140, 140, 140),
    (198, 140, 148), (232, 150, 80), (242, 182, 48), (246, 210, 60), (250, 228, 110), (252, 242, 180), (255, 255, 255),
], np.uint8)  # fmt: skip
"""(15, 3) sRGB: grey at grey, cold colours below and warm ones above as in that system; ours get lighter from zone to
zone, so that they keep their order for every eye."""


def stops_over_grey(linear: ArrayLike) -> NDArray:
    """What a spot meter reads (...): log2 of the luminance of scene-linear Rec.709 colours (..., 3) over 0.18.

    An 18 % grey card under correct exposure reads 0. Below 2^-10 of it everything reads -10.

    >>> stops_over_grey([[0.18, 0.18, 0.18], [0.72, 0.72, 0.72], [0.0, 0.0, 0.0]]).tolist()
    [0.0, 2.0, -10.0]
    """
    return np.log2(np.maximum(colour.luminance(linear) / MIDDLE_GREY, 2.0**-10))


def zone(stops: ArrayLike) -> NDArray:
    """Index (...) into ZONES of the zone that is nearest to each reading (...) in stops over grey.

    >>> ZONES[zone([-9.0, -1.2, 0.2, 0.3, 2.4, 9.0])].tolist()
    [-6.0, -1.0, 0.0, 0.5, 2.0, 6.0]
    """
    return np.digitize(np.asarray(stops, float), (ZONES[1:] + ZONES[:-1]) / 2)


def false_colour(linear: ArrayLike) -> NDArray[np.uint8]:
    """A scene-linear picture (..., 3) with every pixel in the colour of its zone, uint8 sRGB.

    >>> false_colour([0.18, 0.18, 0.18]).tolist()
    [140, 140, 140]
    """
    return ZONE_COLOURS[zone(stops_over_grey(linear))]


def waveform(signal: ArrayLike, levels: int = 101) -> NDArray:
    """Waveform (levels, W) of a signal (H, W) in [0, 1]: what share of each column of the picture has each level.

    The first row is the highest level, as on the screen of a scope; every column adds up to 1. The signal is the luma
    of the picture as displayed (`film.colour.luminance` of its encoded colours), or one of its channels.

    A picture of two columns, of which the left is half black and half white, the right all grey:

    >>> waveform([[0.0, 0.5], [1.0, 0.5]], levels=3).tolist()
    [[0.5, 0.0], [0.0, 1.0], [0.5, 0.0]]
    """
    signal = np.asarray(signal)
    height, width = signal.shape
    row = (levels - 1) - np.round(np.clip(signal, 0, 1) * (levels - 1)).astype(int)
    counts = np.bincount((row * width + np.arange(width)).ravel(), minlength=levels * width)
    return counts.reshape(levels, width) / height
