"""Framing: where things fall in the picture and how cinematographers name and judge it.

World axes: x to the right, y away from the camera, z up, metres. Picture coordinates: u from 0 (left) to 1 (right), v
from 0 (bottom) to 1 (top). Gates and focal lengths are in millimetres. All functions take arrays of any matching shape.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SUPER_35 = (24.89, 14.0)  # mm, the gate's width and height at 16:9
STATURE = 1.75  # m, a standing person
HEAD_RADIUS = STATURE / 15  # m; a head is H/7.5 high
EYES_BELOW_TOP = 0.11  # m, from the top of the head down to the eyes
NEAREST_DEPTH = 0.1  # m, whatever is nearer (or behind the camera) is projected as if it were this far away

# Upper bound of the visible height in statures, k = S / H, of each size. Our own operational definition, by body
# landmarks.
SHOT_SIZES = {
    "ECU": 0.13,  # extreme close-up: part of a face
    "CU": 0.25,  # close-up: the face
    "MCU": 0.38,  # medium close-up: down to the chest
    "MS": 0.55,  # medium shot: down to the waist
    "cowboy": 0.72,  # down to mid-thigh
    "MLS": 0.85,  # medium long shot: down to the knees
    "FS": 1.2,  # full shot: the whole figure
    "LS": 3.0,  # long shot: the figure in its surroundings
    "EWS": np.inf,  # extreme wide shot
}
# Shot size k and the headroom that suits it, for CU, MS and LS; between them the target follows log k.
HEADROOM_TARGETS = ((0.2, 0.45, 1.4), (0.03, 0.08, 0.12))


def project(
    point: NDArray,
    camera_position: NDArray,
    focal_length: ArrayLike,
    gate: tuple[float, float] = SUPER_35,
    rotation: NDArray | None = None,
) -> tuple[NDArray, NDArray, NDArray]:
    """Pinhole projection of world points to the picture.

    point, camera_position: (..., 3) metres; focal_length: (...) mm; rotation: (..., 3, 3) with the camera's right, up
    and forward unit vectors as rows, None for a level camera that looks along +y. Returns u, v and depth, each (...). u
    and v leave [0, 1] for points out of frame. depth is the distance in metres along the lens axis, negative behind the
    camera; points nearer than 0.1 m project as if at 0.1 m, so check the depth too.

    A point 4 m ahead of a 50 mm lens and 0.28 m above its axis is a quarter of the picture above the middle:

    >>> u, v, depth = project(np.array([0.0, 4.0, 1.78]), np.array([0.0, 0.0, 1.5]), 50.0)
    >>> [round(float(value), 6) for value in (u, v, depth)]
    [0.5, 0.75, 4.0]
    """
    offset = point - camera_position
    if rotation is None:
        right, depth, up = offset[..., 0], offset[..., 1], offset[..., 2]
    else:
        right, up, depth = np.moveaxis((rotation @ offset[..., None])[..., 0], -1, 0)
    magnification = focal_length / np.maximum(depth, NEAREST_DEPTH)
    return right * magnification / gate[0] + 0.5, up * magnification / gate[1] + 0.5, depth


def aim(pan: ArrayLike, tilt: ArrayLike) -> NDArray:
    """Rotation (..., 3, 3) of a camera on a head, with its right, up and forward unit vectors as rows.

    pan: (...) rad about the world's up, 0 looks along +y and positive turns right; tilt: (...) rad about the camera's
    right, positive looks up.

    >>> (aim(np.pi / 2, np.pi / 6).round(3) + 0).tolist()
    [[0.0, -1.0, 0.0], [-0.5, 0.0, 0.866], [0.866, 0.0, 0.5]]
    """
    pan, tilt = np.broadcast_arrays(np.asarray(pan, float), tilt)
    turn, level, rise, flat = np.sin(pan), np.cos(pan), np.sin(tilt), np.cos(tilt)
    rows = [[level, -turn, np.zeros_like(pan)], [-turn * rise, -level * rise, flat], [turn * flat, level * flat, rise]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def visible_height(distance: ArrayLike, focal_length: ArrayLike, gate_height: float = SUPER_35[1]) -> NDArray:
    """Height in metres that fills the picture at a distance: S = d · h_gate / f.

    distance: (...) metres along the lens axis; focal_length: (...) mm.

    >>> round(float(visible_height(2.5, 50.0)), 6)
    0.7
    """
    return np.multiply(distance, gate_height) / focal_length


def shot_size(k: float) -> str:
    """Name of the shot size whose picture is k statures high (k = visible height / height of the person).

    Raises ValueError unless k > 0. Our own operational definition, see SHOT_SIZES.

    >>> shot_size(0.45), shot_size(1.4)
    ('MS', 'LS')
    """
    if not k > 0:
        raise ValueError(f"shot size k must be positive, got {k}")
    return next(name for name, largest in SHOT_SIZES.items() if k <= largest)


def thirds(u: ArrayLike, v: ArrayLike, side: ArrayLike, sigma: float = 0.12) -> NDArray:
    """How well the eyes sit on the upper third: exp(-|p - q|² / 2σ²) with p = (u, v), q = (1/2 + side/6, 2/3).

    side: -1 for the left third, +1 for the right one; sigma in fractions of the picture. In [0, 1]; at the default
    sigma the lower third scores 0.02.

    >>> float(thirds(1 / 3, 2 / 3, -1))
    1.0
    >>> round(float(thirds(1 / 3, 1 / 3, -1)), 2)
    0.02
    """
    du, dv = np.subtract(u, 0.5 + np.divide(side, 6)), np.subtract(v, 2 / 3)
    return np.exp(-(du * du + dv * dv) / (2 * sigma**2))


def headroom(v_top: ArrayLike) -> NDArray:
    """Gap above the head as a fraction of the picture's height; negative where the frame cuts the head.

    v_top: (...) picture coordinate of the top of the head.

    >>> round(float(headroom(0.88)), 6)
    0.12
    """
    return np.subtract(1, v_top)


def headroom_target(k: ArrayLike) -> NDArray:
    """Headroom that suits shot size k: .03 in a CU (k = .2), .08 in an MS (.45), .12 in an LS (1.4) and wider.

    Linear in log k between these. Our own operational definition.

    >>> [round(float(headroom_target(k)), 2) for k in (0.2, 0.45, 2.0)]
    [0.03, 0.08, 0.12]
    """
    sizes, targets = HEADROOM_TARGETS
    return np.interp(np.log(k), np.log(sizes), targets)


def lead_room(u: ArrayLike, gaze: ArrayLike, target: float = 1 / 3) -> NDArray:
    """Score of the room a person looks into: (space ahead - space behind) / target, limited to [0, 1].

    u: (...) of the eyes; gaze: -1 looking to the left of the picture, +1 to the right. Eyes on the left third that look
    to the right have the full lead room; looking left they have none.

    >>> float(lead_room(1 / 3, +1)), float(lead_room(1 / 3, -1))
    (1.0, 0.0)
    """
    ahead_minus_behind = np.multiply(gaze, 1 - 2 * np.asarray(u))
    return np.clip(ahead_minus_behind / target, 0, 1)
