"""Lenses: field of view, depth of field and blur.

Lengths inside the camera (focal length, gate, circle of confusion, blur) are in millimetres, distances on the set in
metres. Distances are measured along the optical axis from the lens. Every argument may be an array; they broadcast.

The formulas are those of the thin lens, as in Ray, *Applied Photographic Optics* (3rd ed., 2002), chapter 22.
"""

import numpy as np
from numpy.typing import ArrayLike

CIRCLE_OF_CONFUSION = 0.025
"""Largest blur, in mm, that still counts as sharp on 35 mm cine film."""


def field_of_view(size: ArrayLike, focal_length: ArrayLike) -> np.ndarray:
    """Angle of view, in radians, across a side of the gate: 2 atan(size / 2f).

    size: width, height or diagonal of the gate, mm; focal_length: mm.

    >>> float(np.degrees(field_of_view(24.89, 50)).round(1))
    28.0
    """
    return 2 * np.arctan(np.divide(size, 2 * np.asarray(focal_length)))


def f_stop(stops: ArrayLike) -> np.ndarray:
    """The f-stop that lets in so many stops less light than f/1: N = 2^(stops / 2).

    >>> f_stop([2, 3, 8]).round(1).tolist()
    [2.0, 2.8, 16.0]
    """
    return np.exp2(np.divide(stops, 2))


def hyperfocal(focal_length: ArrayLike, f_stop: ArrayLike, circle: ArrayLike = CIRCLE_OF_CONFUSION) -> np.ndarray:
    """Nearest focus distance, in metres, at which infinity is still sharp: f² / (N c) + f.

    focal_length and circle: mm; f_stop: N.

    >>> float(hyperfocal(50, 2.8).round(2))
    35.76
    """
    focal_length = np.asarray(focal_length, float)
    return (focal_length**2 / (np.asarray(f_stop) * circle) + focal_length) / 1000


def depth_of_field(
    focus_distance: ArrayLike, focal_length: ArrayLike, f_stop: ArrayLike, circle: ArrayLike = CIRCLE_OF_CONFUSION
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest and farthest distances, in metres, whose blur stays within `circle`.

    focus_distance: s, m; focal_length and circle: mm; f_stop: N. With H the hyperfocal distance, near is
    s (H - f) / (H + s - 2f) and far is s (H - f) / (H - s), infinite from s = H on.

    >>> near, far = depth_of_field(3, 50, 2.8)
    >>> float(near.round(2)), float(far.round(2))
    (2.77, 3.27)
    """
    focus = np.asarray(focus_distance, float)
    metres = np.asarray(focal_length, float) / 1000
    beyond = hyperfocal(focal_length, f_stop, circle)
    near = focus * (beyond - metres) / (beyond + focus - 2 * metres)
    with np.errstate(divide="ignore"):
        far = np.where(focus < beyond, focus * (beyond - metres) / np.maximum(beyond - focus, 0), np.inf)
    return near, far


def blur_circle(
    distance: ArrayLike, focus_distance: ArrayLike, focal_length: ArrayLike, f_stop: ArrayLike
) -> np.ndarray:
    """Diameter, in mm on the gate, of the disc that a point at `distance` spreads to: (f² / N) |d - s| / (d (s - f)).

    distance: d, m; focus_distance: s, m, beyond the focal length; focal_length: f, mm; f_stop: N.

    >>> float(blur_circle(6, 3, 85, 2.8).round(3))
    0.443
    """
    distance, focus_distance = np.asarray(distance), np.asarray(focus_distance)
    focal_length = np.asarray(focal_length)
    magnification = focal_length / (1000 * focus_distance - focal_length)
    return focal_length / f_stop * magnification * np.abs(distance - focus_distance) / distance
