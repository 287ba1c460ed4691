"""Colour of light: kelvin, mired, chromaticity, and the linear Rec.709 colour of a lamp under a white balance.

Chromaticities are CIE 1931 (x, y) and stand on the last axis, as do the three channels of a colour.
"""

import numpy as np
from numpy.typing import ArrayLike

LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Weights of linear Rec.709 red, green and blue in luminance (ITU-R BT.709)."""

DAYLIGHT = 6504.0
"""Correlated colour temperature of D65, the white of Rec.709, in kelvin."""

COLDEST, HOTTEST = 1667.0, 25000.0

XYZ_TO_REC709 = np.array([[3.2404542, -1.5371385, -0.4985314],
                          [-0.9692660, 1.8760108, 0.0415560],
                          [0.0556434, -0.2040259, 1.0572252]])  # fmt: skip
REC709_TO_XYZ = np.linalg.inv(XYZ_TO_REC709)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614],
                     [-0.7502, 1.7135, 0.0367],
                     [0.0389, -0.0685, 1.0296]])  # fmt: skip
D65_XYZ = np.array([0.95047, 1.0, 1.08883])


def mired(kelvin: ArrayLike) -> np.ndarray:
    """Micro reciprocal degrees, 10⁶ / K: equal steps look about equal. It is its own inverse.

    >>> float(mired(3200))
    312.5
    """
    return 1e6 / np.asarray(kelvin, float)


def planckian_xy(kelvin: ArrayLike) -> np.ndarray:
    """Chromaticity (..., 2) of a black body of 1667 to 25000 K: the cubic spline of Kim et al. (US 7024034, 2006).

    Raises ValueError outside that range.

    >>> planckian_xy(2856).round(2).tolist()  # CIE illuminant A is (0.4476, 0.4074)
    [0.45, 0.41]
    """
    kelvin = np.asarray(kelvin, float)
    outside = ~((kelvin >= COLDEST) & (kelvin <= HOTTEST))
    if outside.any():
        raise ValueError(
            f"colour temperature {kelvin[outside].flat[0]:g} K is off the scale; choose one from 1667 to 25000"
        )
    t = 1000 / kelvin
    x = np.where(
        kelvin <= 4000,
        -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910,
        -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390,
    )
    y = np.select(
        [kelvin <= 2222, kelvin <= 4000],
        [
            -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683,
            -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867,
        ],
        3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483,
    )
    return np.stack([x, y], axis=-1)


def correlated_temperature(xy: ArrayLike) -> np.ndarray:
    """Correlated colour temperature, in kelvin, of chromaticities (..., 2), by McCamy (Color Res. Appl. 17, 1992).

    Good to a few kelvin between 2856 and 6504 K, and to about 2 % up to 12000 K.

    >>> float(correlated_temperature([0.31271, 0.32902]).round())  # D65
    6504.0
    """
    x, y = np.moveaxis(np.asarray(xy, float), -1, 0)
    n = (x - 0.3320) / (0.1858 - y)
    return 449 * n**3 + 3525 * n**2 + 6823.3 * n + 5520.33


def duv(xy: ArrayLike) -> np.ndarray:
    """Tint: distance of chromaticities (..., 2) from the Planckian locus in CIE 1960 (u, v), > 0 green, < 0 magenta.

    Ohno, "Practical use and calculation of CCT and Duv", LEUKOS 10 (2014), eq. 6 to 8; good to 0.0001 from 2600 to
    20000 K. White light of a set is kept within about 0.006.

    >>> float(duv([0.31271, 0.32902]).round(4))  # D65 is a little greener than a black body
    0.0032
    """
    x, y = np.moveaxis(np.asarray(xy), -1, 0)
    scale = 12 * y - 2 * x + 3
    across, up = 4 * x / scale - 0.292, 6 * y / scale - 0.240
    distance = np.hypot(across, up)
    angle = np.arccos(across / distance)
    locus = np.zeros_like(angle)
    for coefficient in OHNO:
        locus = locus * angle + coefficient
    return distance - locus


OHNO = (-0.00616793, 0.0893944, -0.5179722, 1.5317403, -2.4243787, 1.925865, -0.471106)
"""Distance of the Planckian locus from (0.292, 0.240) as a polynomial of its angle there, highest power first."""


def chromaticity(rgb: ArrayLike) -> np.ndarray:
    """CIE 1931 (x, y), (..., 2), of linear Rec.709 colours (..., 3), which must not be black.

    >>> chromaticity([0.5, 0.5, 0.5]).round(4).tolist()  # D65
    [0.3127, 0.329]
    """
    rgb = np.asarray(rgb)
    xyz = rgb @ REC709_TO_XYZ.T.astype(np.result_type(rgb, np.float32))
    return xyz[..., :2] / xyz.sum(axis=-1, keepdims=True)


def luminance(rgb: ArrayLike) -> np.ndarray:
    """Luminance (...) of linear Rec.709 colours (..., 3).

    >>> float(luminance([0.18, 0.18, 0.18]).round(4))
    0.18
    """
    rgb = np.asarray(rgb)
    return rgb @ LUMA.astype(np.result_type(rgb, np.float32))


def light_colour(kelvin: ArrayLike, white_balance: ArrayLike = DAYLIGHT) -> np.ndarray:
    """Linear Rec.709 colour (..., 3) of a lamp of `kelvin`, seen by a camera balanced for `white_balance` kelvin.

    Both lie on the Planckian locus; the camera adapts by the Bradford transform (Lam 1985) to D65. The colour has
    luminance 1, so that it tints a light and leaves its exposure alone; what falls outside the gamut is clipped
    before. A lamp of the balanced temperature is white, one of fewer kelvin is warmer.

    >>> light_colour(5600, 5600).round(6).tolist()
    [1.0, 1.0, 1.0]
    >>> light_colour(3200, 5600).round(2).tolist()
    [1.55, 0.9, 0.38]
    """
    cone_white = _xyz(white_balance) @ BRADFORD.T
    adapted = _xyz(kelvin) @ BRADFORD.T * (D65_XYZ @ BRADFORD.T) / cone_white @ np.linalg.inv(BRADFORD).T
    rgb = np.maximum(adapted @ XYZ_TO_REC709.T, 0)
    return rgb / luminance(rgb)[..., None]


def _xyz(kelvin: ArrayLike) -> np.ndarray:
    """Tristimulus values (..., 3) of luminance 1."""
    x, y = np.moveaxis(planckian_xy(kelvin), -1, 0)
    return np.stack([x / y, np.ones_like(x), (1 - x - y) / y], axis=-1)


UNGRADED = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
"""The ten numbers of an ASC CDL that change nothing: slope, offset and power of red, green and blue, and saturation."""


def grade(rgb: ArrayLike, cdl: ArrayLike) -> np.ndarray:
    """Colours (..., 3) graded by an ASC CDL: clamp(in · slope + offset)^power per channel, then saturation about luma.

    rgb: display-referred, in [0, 1], here sRGB-encoded Rec.709, and so is what is returned; cdl: (..., 10), three
    slopes, offsets and powers, and the saturation. Clamped before the power and at the end. Luma has the weights of
    Rec.709, as the standard asks for whatever the space (American Society of Cinematographers, "ASC Color Decision
    List Transfer Functions and Interchange Syntax", 1.2, 2009).

    >>> grade([0.5, 0.5, 0.5], [1.2, 1, 1, 0, -0.1, 0, 1, 1, 2, 1]).round(4).tolist()
    [0.6, 0.4, 0.25]
    """
    cdl = np.asarray(cdl)
    slope, offset, power, saturation = cdl[..., 0:3], cdl[..., 3:6], cdl[..., 6:9], cdl[..., 9:]
    toned = np.clip(rgb * slope + offset, 0, 1) ** power
    luma = luminance(toned)[..., None]
    return np.clip(luma + saturation * (toned - luma), 0, 1)


def encode_srgb(linear: ArrayLike) -> np.ndarray:
    """Display-referred sRGB values of linear ones, both in [0, 1] (IEC 61966-2-1).

    >>> float(encode_srgb(0.18).round(4))
    0.4614
    """
    linear = np.asarray(linear)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def decode_srgb(encoded: ArrayLike) -> np.ndarray:
    """Linear values of display-referred sRGB ones, both in [0, 1]: the inverse of `encode_srgb`.

    >>> float(decode_srgb(0.5).round(4))
    0.214
    """
    encoded = np.asarray(encoded)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4)


def shoulder(linear: ArrayLike, knee: float = 0.5) -> np.ndarray:
    """Roll highlights off towards 1, as film does: linear up to `knee`, 1 - (1-knee) exp(-(x-knee)/(1-knee)) above.

    Our own curve, smooth at the knee; it leaves the metered greys where they are.

    >>> shoulder([0.18, 1.0]).round(3).tolist()
    [0.18, 0.816]
    """
    linear = np.asarray(linear)
    return np.where(linear <= knee, linear, 1 - (1 - knee) * np.exp((knee - np.maximum(linear, knee)) / (1 - knee)))
