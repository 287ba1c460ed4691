"""Unit quaternions (w, x, y, z) in arrays (..., 4): the rotations of joints. Everything broadcasts.

Products are read from the left: `multiply(a, b)` turns by b first, then by a, as matrices do.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


def multiply(a: ArrayLike, b: ArrayLike) -> NDArray:
    """Hamilton's product (..., 4) of quaternions a, b (..., 4).

    >>> multiply([0, 1, 0, 0], [0, 0, 1, 0]).tolist()  # i j = k
    [0, 0, 0, 1]
    """
    aw, ax, ay, az = np.moveaxis(np.asarray(a), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b), -1, 0)
    return np.stack([
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    ], axis=-1)  # fmt: skip


def conjugate(q: ArrayLike) -> NDArray:
    """The inverse (..., 4) of unit quaternions q (..., 4)."""
    return np.asarray(q) * np.array([1, -1, -1, -1])


def rotate(q: ArrayLike, vector: ArrayLike) -> NDArray:
    """Vectors (..., 3) turned by unit quaternions q (..., 4).

    >>> rotate(from_rotvec([0, 0, np.pi / 2]), [1.0, 0, 0]).round(9).tolist()
    [0.0, 1.0, 0.0]
    """
    turn, resting = np.asarray(q), np.asarray(vector)
    axis = turn[..., 1:]
    twice = 2 * cross(axis, resting)
    return resting + turn[..., :1] * twice + cross(axis, twice)


def from_rotvec(vector: ArrayLike) -> NDArray:
    """Unit quaternions (..., 4) of rotation vectors (..., 3): axis times angle in radians."""
    turn = np.asarray(vector, float)
    half = np.sqrt(np.sum(turn * turn, axis=-1, keepdims=True)) / 2
    return np.concatenate([np.cos(half), turn * (np.sinc(half / np.pi) / 2)], axis=-1)


def to_rotvec(q: ArrayLike) -> NDArray:
    """Rotation vectors (..., 3), at most π long, of unit quaternions (..., 4).

    >>> to_rotvec(from_rotvec([0.1, -0.2, 0.3])).round(9).tolist()
    [0.1, -0.2, 0.3]
    """
    turn = np.asarray(q, float)
    turn = np.where(turn[..., :1] < 0, -turn, turn)
    sine = np.sqrt(np.sum(turn[..., 1:] ** 2, axis=-1, keepdims=True))
    radians = 2 * np.arctan2(sine, turn[..., :1])
    return turn[..., 1:] * np.where(sine > 1e-9, radians / np.maximum(sine, 1e-9), 2.0)


def angle(q: ArrayLike) -> NDArray:
    """Angles (...) of rotation, 0 to π rad, of unit quaternions (..., 4)."""
    turn = np.asarray(q)
    return 2 * np.arctan2(np.sqrt(np.sum(turn[..., 1:] ** 2, axis=-1)), np.abs(turn[..., 0]))


def between(a: ArrayLike, b: ArrayLike) -> NDArray:
    """The shortest rotation (..., 4) that takes the direction of a (..., 3) to that of b (..., 3).

    >>> rotate(between([0, 2.0, 0], [3.0, 0, 0]), [0, 1.0, 0]).round(9).tolist()
    [1.0, 0.0, 0.0]
    """
    start, end = (np.asarray(v, float) / np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b))
    half = np.concatenate([1 + np.sum(start * end, axis=-1, keepdims=True), cross(start, end)], axis=-1)
    length = np.linalg.norm(half, axis=-1, keepdims=True)
    across = cross(start, np.eye(3)[np.argmin(np.abs(start), axis=-1)])
    aside = np.concatenate([0 * length, across], axis=-1)  # for opposite directions
    half = np.where(length > 1e-7, half, aside)
    return half / np.linalg.norm(half, axis=-1, keepdims=True)


def interpolate(a: ArrayLike, b: ArrayLike, share: ArrayLike) -> NDArray:
    """From a to b (..., 4) at an even pace, `share` (...) of the way (Shoemake 1985, slerp)."""
    way = to_rotvec(multiply(conjugate(a), b))
    return multiply(a, from_rotvec(way * np.asarray(share)[..., None]))


def from_euler(axes: Sequence[int], angles: ArrayLike) -> NDArray:
    """Quaternions (..., 4) of turns about `axes` (0 is x), angles (..., len(axes)) in rad, each about the axes as the
    turns before it left them: the product of the single turns, in order."""
    turns = np.asarray(angles, float)
    q: NDArray = np.broadcast_to(IDENTITY, (*turns.shape[:-1], 4))
    for axis, turn in zip(axes, np.moveaxis(turns, -1, 0), strict=True):
        q = multiply(q, from_rotvec(turn[..., None] * np.eye(3)[axis]))
    return q


def to_euler(axes: Sequence[int], q: ArrayLike) -> NDArray:
    """Angles (..., 3) in rad about three different `axes`, the inverse of `from_euler`. Where the second is ±π/2 the
    first and third turn about the same line: all of it is given to the first.

    >>> to_euler((2, 0, 1), from_euler((2, 0, 1), [0.3, 0.2, -0.1])).round(9).tolist()
    [0.3, 0.2, -0.1]
    """
    i, j, k = axes
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    r = np.stack([rotate(q, row) for row in np.eye(3)], axis=-1)
    second = np.arcsin(np.clip(sign * r[..., i, k], -1, 1))
    locked = np.abs(r[..., i, k]) > 1 - 1e-12
    first = np.arctan2(-sign * r[..., j, k], r[..., k, k])
    third = np.arctan2(-sign * r[..., i, j], r[..., i, i])
    first = np.where(locked, np.arctan2(sign * r[..., k, j], r[..., j, j]), first)
    return np.stack([first, second, np.where(locked, 0.0, third)], axis=-1)


def cross(a: NDArray, b: NDArray) -> NDArray:
    """Cross products (..., 3); np.cross, several times quicker for small arrays."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)
