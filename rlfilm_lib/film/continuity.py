"""Continuity: what joins two shots of one scene, as numbers.

Points are (..., 3) in metres, x to the right, y away from the set's front, z up. Angles are in radians. All functions
take arrays that broadcast, and judge the cut from a first shot to a second.

The rules are those of Arijon, *Grammar of the Film Language* (1976), chapters 3 to 6, and Katz, *Film Directing Shot by
Shot* (1991), chapter 9; how each becomes a number is our own operational definition.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

THIRTY_DEGREES = np.pi / 6
SIZE_CHANGE = 0.6
"""Octaves of shot size k that make another picture of the same view."""
PITCH_TOLERANCE = np.radians(10)
"""Difference in pitch, in radians, at which two eyelines still agree to exp(-1/2) = 0.61."""


def line_side(camera: ArrayLike, a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Side of the line through the subjects A and B on which the camera stands: sign(((B - A) x (C - A)) · up).

    camera, a, b: (..., 3). Returns (...): -1 in front of the line where A is on the left, 1 beyond it, 0 on it.

    >>> line_side([[0, -3, 1.5], [0, 3, 1.5]], [-1, 0, 1.6], [1, 0, 1.6]).tolist()
    [-1.0, 1.0]
    """
    along, to_camera = np.subtract(b, a), np.subtract(camera, a)
    return np.sign(along[..., 0] * to_camera[..., 1] - along[..., 1] * to_camera[..., 0])


def keeps_line(first: ArrayLike, second: ArrayLike, a: ArrayLike, b: ArrayLike) -> NDArray[np.bool_]:
    """The 180° rule: whether both cameras (..., 3) are on one side of the line through A and B; on it fits both.

    >>> keeps_line([0, -3, 1.5], [[2, -1, 1.5], [2, 1, 1.5]], [-1, 0, 1.6], [1, 0, 1.6]).tolist()
    [True, False]
    """
    return line_side(first, a, b) * line_side(second, a, b) >= 0


def viewing_angle(first: ArrayLike, second: ArrayLike, subject: ArrayLike) -> NDArray[np.float64]:
    """Angle (...), in radians from 0 to pi, between the directions from the subject to the two cameras.

    >>> round(float(np.degrees(viewing_angle([0, -2, 0], [1, -1, 0], [0, 0, 0]))), 3)
    45.0
    """
    u, v = np.subtract(first, subject), np.subtract(second, subject)
    across = np.linalg.norm(np.cross(u, v), axis=-1)
    return np.arctan2(across, (u * v).sum(axis=-1))


def jump_cut(angle: ArrayLike, first_k: ArrayLike, second_k: ArrayLike) -> NDArray[np.bool_]:
    """Whether a cut between two shots of one subject jumps: angle < 30° and |log2(k1 / k2)| < 0.6.

    angle: (...) of `viewing_angle`; first_k, second_k: (...) shot sizes, visible height / height of the person.

    >>> jump_cut(np.radians([20, 20, 40]), [0.5, 0.5, 0.5], [0.6, 1.0, 0.6]).tolist()
    [True, False, False]
    """
    return (np.asarray(angle) < THIRTY_DEGREES) & (np.abs(np.log2(np.divide(first_k, second_k))) < SIZE_CHANGE)


def thirty_degrees(angle: ArrayLike, first_k: ArrayLike, second_k: ArrayLike) -> NDArray[np.float64]:
    """How far (...) a cut between two shots of one subject is from jumping, in [0, 1]: 1 wherever `jump_cut` is False.

    The larger of angle / 30° and |log2(k1 / k2)| / 0.6, at most 1: the same picture twice scores 0.

    >>> thirty_degrees(np.radians([15, 15, 40]), [0.5, 0.5, 0.5], [0.5, 1.0, 0.5]).round(3).tolist()
    [0.5, 1.0, 1.0]
    """
    sizes = np.abs(np.log2(np.divide(first_k, second_k))) / SIZE_CHANGE
    return np.minimum(np.maximum(np.divide(angle, THIRTY_DEGREES), sizes), 1)


def eyeline(
    first_across: ArrayLike, second_across: ArrayLike, first_pitch: ArrayLike, second_pitch: ArrayLike
) -> NDArray[np.float64]:
    """How well (...) two people in reverse shots look at each other, in [0, 1].

    across: (...) part of the gaze's unit vector along the picture's width, positive to the right; pitch: (...) rad of
    the gaze, positive up. 0 where both look to the same side, else exp(-Δpitch² / 2 (10°)²).

    >>> eyeline([0.7, 0.7, 0.7], [-0.7, 0.7, -0.7], [0, 0, 0], [0, 0, np.radians(10)]).round(3).tolist()
    [1.0, 0.0, 0.607]
    """
    apart = np.subtract(first_pitch, second_pitch) / PITCH_TOLERANCE
    return np.where(np.multiply(first_across, second_across) < 0, np.exp(-0.5 * apart * apart), 0.0)


def match_on_action(first_velocity: ArrayLike, second_velocity: ArrayLike) -> NDArray[np.float64]:
    """How well (...) a movement goes on across a cut, in [0, 1]: (1 + cosine of the screen velocities) / 2.

    velocities: (..., 2) of the subject in the picture, to the right and up. Where either is at rest there is nothing to
    match, and the score is 1.

    >>> match_on_action([[1, 0], [1, 0], [1, 0], [1, 0]], [[2, 0], [0, 1], [-1, 0], [0, 0]]).round(3).tolist()
    [1.0, 0.5, 0.0, 1.0]
    """
    u, v = np.asarray(first_velocity, float), np.asarray(second_velocity, float)
    speeds = np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1)
    cosine = (u * v).sum(axis=-1) / np.maximum(speeds, 1e-12)
    return np.where(speeds > 1e-12, (1 + cosine) / 2, 1.0)
