"""Light: what a meter reads, in stops, ratios and exposure values.

One light model serves the whole house. A light set to 0 stops gives illuminance 1 on a surface that faces it squarely
from 3 m; it falls off with the square of the distance and with the cosine of incidence; a small ambient light is
everywhere. A surface of albedo a under illuminance E shows as scene-linear a · E, so an 18 % grey card under E = 1
reads 0.18: correct exposure. The environments' meter and the preview renderer both call `illuminance`."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

REFERENCE_DISTANCE = 3.0  # m, at which a light of 0 stops gives illuminance 1
AMBIENT = 0.02  # illuminance that reaches every surface from everywhere
NEAREST_SQUARED = 1e-4  # m², a surface within 1 cm of a light is lit as if it were 1 cm away


def illuminance(point: NDArray, normal: NDArray, light_position: NDArray, stops: ArrayLike) -> NDArray:
    """Illuminance E = 2^stops · (3 m / d)² · max(0, n · l) that one small light gives a surface.

    point, light_position: (..., 3) metres; normal: (..., 3) unit vectors; stops: (...). All four broadcast against one
    another, so lights on a leading axis against points on the trailing ones give one illuminance per light and point.
    Returns (...). Source: the inverse square law and Lambert's cosine law.

    A card that faces a light of +1 stop at 3 m, and the same card turned by 60 degrees:

    >>> card, light = np.zeros(3), np.array([0.0, -3.0, 0.0])
    >>> float(illuminance(card, np.array([0.0, -1.0, 0.0]), light, 1.0))
    2.0
    >>> turned = np.array([np.sqrt(3) / 2, -0.5, 0.0])
    >>> round(float(illuminance(card, turned, light, 1.0)), 6)
    1.0
    """
    towards = light_position - point
    x, y, z = towards[..., 0], towards[..., 1], towards[..., 2]
    squared = np.maximum(x * x + y * y + z * z, NEAREST_SQUARED)
    facing = np.maximum(x * normal[..., 0] + y * normal[..., 1] + z * normal[..., 2], 0)
    return np.exp2(stops) * (facing * REFERENCE_DISTANCE**2 / (squared * np.sqrt(squared)))


def meter(point: NDArray, normal: NDArray, light_position: NDArray, stops: NDArray) -> NDArray:
    """What an incident meter held at a surface reads: the sum over all lights, and the ambient light.

    point, normal: (..., 3); light_position: (L, ..., 3) and stops: (L, ...), one light per entry of the first axis.
    Returns (...).

    >>> lights = np.array([[0.0, -3.0, 0.0], [0.0, -6.0, 0.0]])
    >>> float(meter(np.zeros(3), np.array([0.0, -1.0, 0.0]), lights, np.array([0.0, 0.0])))
    1.27
    """
    return np.add.reduce(illuminance(point, normal, light_position, stops), axis=0) + AMBIENT


def stops_between(illuminance: ArrayLike, reference: ArrayLike) -> NDArray:
    """Difference of two positive readings in stops, log2(E / E_reference); positive means brighter than the reference.

    >>> float(stops_between(4.0, 1.0))
    2.0
    """
    return np.log2(np.divide(illuminance, reference))


def key_fill_ratio(key: ArrayLike, fill: ArrayLike) -> NDArray:
    """Lighting ratio (K + F) / F of a face, the film convention: the key side also receives the fill.

    key, fill: (...) illuminance that each light alone gives the face. A key two stops over the fill is 5:1:

    >>> float(key_fill_ratio(4.0, 1.0))
    5.0
    """
    return np.divide(np.add(key, fill), fill)


def shutter_time(shutter_angle: ArrayLike, fps: ArrayLike) -> NDArray:
    """Time in seconds that a rotary shutter of the given angle (degrees) exposes each frame: angle / (360 · fps).

    >>> round(1 / float(shutter_time(180.0, 24.0)), 3)
    48.0
    """
    return np.divide(shutter_angle, np.multiply(360.0, fps))


def exposure_value(f_stop: ArrayLike, seconds: ArrayLike, iso: ArrayLike = 100.0) -> NDArray:
    """Exposure value at ISO 100 for which these camera settings are correct: log2(N² / t) - log2(S / 100).

    f_stop: N; seconds: t; iso: S; all broadcast. Source: ISO 2720. The "sunny 16" rule, f/16 at 1/100 s and ISO 100,
    is close to EV 15:

    >>> round(float(exposure_value(16.0, 1 / 100)), 2)
    14.64
    >>> round(float(exposure_value(2.8, 1 / 48, iso=800)), 2)
    5.56
    """
    return np.log2(np.square(f_stop) / np.asarray(seconds)) - np.log2(np.divide(iso, 100.0))
