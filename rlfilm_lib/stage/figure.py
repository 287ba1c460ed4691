"""The figure on the stage: one actor of 1.75 m, built of capsules, who sits, stands and walks.

Everything follows from where the figure is on the floor, how high the top of its head is, which way it faces and how
far it has walked. Its own axes: `side` towards its left hand, `front` where it faces, `up`. Proportions are Drillis and
Contini's (1966), with a head of 1/7.5 of the stature.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rlfilm_lib.film.framing import STATURE

SEATED = 1.30
"""Height of the top of the head, in metres, seated on the stool; standing it is the stature."""

HIPS_BELOW_TOP = 0.83
SHOULDERS_BELOW_TOP = 0.325
THIGH = SHANK = 0.43
UPPER_ARM, FOREARM = 0.30, 0.26
ANKLE_HEIGHT = 0.075
CYCLE = 1.0
"""Metres walked in one cycle of two steps."""

SKIN, LIPS, HAIR = (0.66, 0.44, 0.33), (0.42, 0.16, 0.13), (0.050, 0.030, 0.020)
EYE, IRIS, GLINT = (0.66, 0.64, 0.60), (0.022, 0.016, 0.012), (0.90, 0.90, 0.90)
JACKET, SHIRT, TROUSERS, SHOES = (0.37, 0.115, 0.045), (0.66, 0.61, 0.52), (0.060, 0.068, 0.090), (0.085, 0.040, 0.024)
WOOD, STEEL = (0.24, 0.13, 0.065), (0.12, 0.12, 0.13)


class Part(NamedTuple):
    """A capsule fixed to a joint: its name, its ends in (side, front, up) from the joint, radius and albedo."""

    name: str
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radius: float
    albedo: tuple[float, float, float]


def _mirrored(name: str, start: tuple, end: tuple, radius: float, albedo: tuple) -> list[Part]:
    """The part on the left and its mirror image on the right."""
    flip = np.array([-1, 1, 1])
    return [
        Part(f"left {name}", start, end, radius, albedo),
        Part(f"right {name}", tuple(flip * start), tuple(flip * end), radius, albedo),
    ]


HEAD = [  # from the top of the head
    Part("skull", (0, -0.010, -0.098), (0, 0.005, -0.097), 0.083, SKIN),
    Part("face", (0, 0.022, -0.110), (0, 0.032, -0.160), 0.058, SKIN),
    Part("chin", (-0.006, 0.043, -0.193), (0.006, 0.043, -0.193), 0.039, SKIN),
    *_mirrored("cheek", (0.030, 0.032, -0.130), (0.014, 0.036, -0.172), 0.043, SKIN),
    Part("nose", (0, 0.0840, -0.112), (0, 0.0960, -0.1410), 0.0100, SKIN),
    Part("nostrils", (-0.0075, 0.0890, -0.1440), (0.0075, 0.0890, -0.1440), 0.0080, SKIN),
    *_mirrored("lip", (0, 0.0845, -0.1760), (0.0200, 0.0810, -0.1720), 0.0056, LIPS),
    Part("hair", (0, -0.030, -0.094), (0, -0.012, -0.090), 0.090, HAIR),
    Part("fringe", (-0.042, 0.044, -0.044), (0.046, 0.036, -0.050), 0.034, HAIR),
    Part("nape", (-0.030, -0.055, -0.150), (0.030, -0.055, -0.150), 0.046, HAIR),
    *_mirrored("side hair", (0.068, -0.008, -0.075), (0.064, -0.026, -0.145), 0.026, HAIR),
    *_mirrored("eye", (0.028, 0.0735, -0.111), (0.037, 0.0705, -0.111), 0.0112, EYE),
    *_mirrored("iris", (0.0320, 0.0802, -0.1105), (0.0320, 0.0802, -0.1105), 0.0066, IRIS),
    *_mirrored("eyelid", (0.021, 0.0760, -0.0975), (0.043, 0.0700, -0.0985), 0.0085, SKIN),
    *_mirrored("brow", (0.019, 0.0835, -0.0815), (0.046, 0.0720, -0.0820), 0.0042, HAIR),
    *_mirrored("ear", (0.081, -0.006, -0.110), (0.076, -0.002, -0.138), 0.0125, SKIN),
    Part("left glint", (0.0300, 0.0862, -0.1080), (0.0300, 0.0862, -0.1080), 0.0017, GLINT),
    Part("right glint", (-0.0340, 0.0862, -0.1080), (-0.0340, 0.0862, -0.1080), 0.0017, GLINT),
]
TRUNK = [  # from the top of the head too: the trunk stays upright
    Part("neck", (0, -0.025, -0.190), (0, -0.032, -0.320), 0.049, SKIN),
    *_mirrored("collar", (0.040, -0.045, -0.290), (0.024, 0.026, -0.322), 0.016, SHIRT),
    *_mirrored("shirt", (0.020, 0.036, -0.330), (0.002, 0.076, -0.420), 0.017, SHIRT),
    *_mirrored("shoulder", (0.040, -0.034, -0.322), (0.150, -0.030, -0.368), 0.056, JACKET),
    Part("shoulders", (-0.105, -0.026, -0.395), (0.105, -0.026, -0.395), 0.082, JACKET),
    *_mirrored("chest", (0.064, -0.014, -0.440), (0.052, -0.014, -0.640), 0.101, JACKET),
    Part("breast", (0, -0.010, -0.450), (0, -0.012, -0.650), 0.107, JACKET),
    Part("hem", (-0.068, -0.012, -0.745), (0.068, -0.012, -0.745), 0.094, JACKET),
    Part("waist", (-0.055, -0.012, -0.680), (0.055, -0.012, -0.680), 0.096, JACKET),
    Part("hips", (-0.075, -0.016, -0.825), (0.075, -0.016, -0.825), 0.090, TROUSERS),
]
LIMBS = [  # name and radius; where they are depends on the pose
    *(
        (f"{side} {name}", radius, albedo)
        for side in ("left", "right")
        for name, radius, albedo in (
            ("upper arm", 0.054, JACKET), ("forearm", 0.045, JACKET), ("hand", 0.034, SKIN), ("thumb", 0.015, SKIN),
            ("thigh", 0.074, TROUSERS), ("shank", 0.062, TROUSERS), ("shoe", 0.040, SHOES),
        )
    ),
    ("stool seat front", 0.030, WOOD), ("stool seat", 0.030, WOOD), ("stool seat back", 0.030, WOOD),
    ("stool column", 0.026, STEEL), ("stool foot across", 0.018, STEEL), ("stool foot along", 0.018, STEEL),
]  # fmt: skip

NAMES = tuple(part.name for part in HEAD + TRUNK) + tuple(name for name, _, _ in LIMBS)
RADIUS = np.array([part.radius for part in HEAD + TRUNK] + [radius for _, radius, _ in LIMBS])
ALBEDO = np.array([part.albedo for part in HEAD + TRUNK] + [albedo for _, _, albedo in LIMBS])
_FIXED_START, _FIXED_END = (np.array([getattr(part, end) for part in HEAD + TRUNK]) for end in ("start", "end"))


def figure(
    position: ArrayLike, top: ArrayLike, heading: ArrayLike = 0.0, stride: ArrayLike = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Start and end (F, C, 3), in metres, of the figure's capsules, whose radii, albedos and names stand above.

    position: (F, 2) m, the point of the floor under the head; top: (F,) m, height of the top of the head, from 1.30
    (seated) to 1.75 (standing); heading: (F,) rad, 0 faces -y and positive turns towards +x; stride: (F,) m walked so
    far. While stride grows the legs swing along the way the figure goes, once a cycle of 1.0 m, and the foot that
    bears the weight stays where it is.

    >>> start, end = figure([[0.0, 4.0]], [1.75])
    >>> start.shape[-1], bool((np.minimum(start, end)[..., 2] - RADIUS)[0, NAMES.index("left shoe")] >= -1e-9)
    (3, True)
    """
    position = np.asarray(position, float)
    top, heading, stride = (np.broadcast_to(np.asarray(a, float), len(position)) for a in (top, heading, stride))
    side = np.stack([np.cos(heading), np.sin(heading), np.zeros_like(heading)], axis=-1)
    front = np.stack([np.sin(heading), -np.cos(heading), np.zeros_like(heading)], axis=-1)
    axes = np.stack([side, front, np.broadcast_to([0.0, 0.0, 1.0], side.shape)], axis=1)
    crown = np.concatenate([position, top[:, None]], axis=-1)

    limbs = _limbs(top, *_walk(position, heading, stride))
    start = np.concatenate([np.broadcast_to(_FIXED_START, (len(top), *_FIXED_START.shape)), limbs[:, :, 0]], axis=1)
    end = np.concatenate([np.broadcast_to(_FIXED_END, (len(top), *_FIXED_END.shape)), limbs[:, :, 1]], axis=1)
    return crown[:, None] + start @ axes, crown[:, None] + end @ axes


def _walk(position: np.ndarray, heading: np.ndarray, stride: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far each frame is in the cycle (rad), its way in (side, front) (F, 2), and how much it walks, 0 to 1."""
    if len(stride) < 2:
        return 2 * np.pi * stride / CYCLE, np.tile([0.0, 1.0], (len(stride), 1)), np.zeros_like(stride)
    steps = np.gradient(position, axis=0)
    way = np.stack([steps[:, 0] * np.cos(heading) + steps[:, 1] * np.sin(heading),
                    steps[:, 0] * np.sin(heading) - steps[:, 1] * np.cos(heading)], axis=-1)  # fmt: skip
    way, pace = (_smooth(a) for a in (way, np.gradient(stride)[:, None]))
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    way = np.where(length > 1e-6, way / np.maximum(length, 1e-6), [0.0, 1.0])
    return 2 * np.pi * stride / CYCLE, way, np.clip(pace[:, 0] / 0.012, 0, 1)


def _smooth(series: np.ndarray, reach: int = 4) -> np.ndarray:
    """Moving average (F, K) over `reach` frames to either side."""
    padded = np.pad(series, ((reach, reach), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0).mean(-1)


def _limbs(top: np.ndarray, phase: np.ndarray, way: np.ndarray, gait: np.ndarray) -> np.ndarray:
    """Ends (F, limbs, 2, 3) of arms, legs and stool in (side, front, up) from the top of the head."""
    lowered = np.clip((STATURE - top) / (STATURE - SEATED), 0, 1)
    zero = np.zeros_like(top)
    limbs = []
    for hand in (1.0, -1.0):
        turn = phase + (0 if hand > 0 else np.pi)
        cycle = (turn / (2 * np.pi)) % 1
        planted = cycle < 0.5
        reach = gait * CYCLE / 4 * np.where(planted, 1 - 4 * cycle, -np.cos(2 * np.pi * (cycle - 0.5)))
        lift = gait * np.where(planted, 0, 0.09 * np.sin(2 * np.pi * (cycle - 0.5)))
        limbs += _arm(hand, lowered, -0.35 * reach * way[:, 1])
        limbs += _leg(hand, top, lowered, reach[:, None] * way, lift)
    seat = 6.0 * np.minimum(0.0, lowered - 0.2) - HIPS_BELOW_TOP - 0.112
    for along in (0.065, -0.020, -0.105):
        limbs.append(((-0.14 + zero, along + zero, seat), (0.14 + zero, along + zero, seat)))
    floor = np.where(seat < -HIPS_BELOW_TOP - 0.2, -top - 0.5, -top + 0.018)
    limbs.append(((zero, -0.02 + zero, seat), (zero, -0.02 + zero, floor)))
    limbs.append(((-0.20 + zero, -0.02 + zero, floor), (0.20 + zero, -0.02 + zero, floor)))
    limbs.append(((zero, 0.18 + zero, floor), (zero, -0.22 + zero, floor)))
    return np.moveaxis(np.array([[np.stack(np.broadcast_arrays(*end), -1) for end in limb] for limb in limbs]), 2, 0)


def _arm(hand: float, lowered: np.ndarray, swing: np.ndarray) -> list:
    shoulder = _point(hand * 0.172, -0.030, -SHOULDERS_BELOW_TOP - 0.052, lowered)
    hanging = _point(hand * 0.222, 0.05 + swing, -0.885 + 0.3 * np.abs(swing), lowered)
    resting = _point(hand * 0.115, 0.30, -0.725, lowered)
    wrist = hanging + (resting - hanging) * _ease(lowered)[:, None]
    elbow = _bend(shoulder, wrist, UPPER_ARM, FOREARM, np.array([hand * 0.40, -1.0, 0.1]))
    fingers = wrist + _unit(wrist - elbow + np.array([-hand * 0.10, 0.05, 0.0])) * 0.085
    knuckle = wrist + (fingers - wrist) * 0.2 + np.array([-hand * 0.01, 0.022, 0.0])
    return [tuple(_pair(shoulder, elbow)), tuple(_pair(elbow, wrist)), tuple(_pair(wrist, fingers)),
            tuple(_pair(knuckle, knuckle + (fingers - wrist) * 0.6 + np.array([-hand * 0.01, 0.02, 0.0])))]  # fmt: skip


def _leg(hand: float, top: np.ndarray, lowered: np.ndarray, reach: np.ndarray, lift: np.ndarray) -> list:
    sit = _ease(lowered)
    hip = _point(hand * 0.092, -0.015, -HIPS_BELOW_TOP, lowered)
    ankle = np.stack([hand * (0.095 + 0.055 * sit) + reach[:, 0], 0.40 * lowered - 0.02 + reach[:, 1],
                      ANKLE_HEIGHT + lift - top], axis=-1)  # fmt: skip
    level = np.sum((ankle - hip)[:, :2] ** 2, axis=-1)
    stretched = np.sqrt(np.maximum((THIGH + SHANK) ** 2 * 0.995 - level, 0))
    ankle[:, 2] = np.maximum(ankle[:, 2], hip[:, 2] - stretched)  # the heel leaves the floor at the end of a step
    toward = np.array([hand * 0.18, 1.0, 0.0]) + np.stack([reach[:, 0] * 1.5, 0 * lift, 0 * lift], -1)
    knee = _bend(hip, ankle, THIGH, SHANK, toward)
    sole = 0.040 + lift - top
    heel = np.stack([ankle[:, 0], ankle[:, 1] - 0.035, ankle[:, 2] + 0.040 - ANKLE_HEIGHT], axis=-1)
    toe = np.stack(
        [ankle[:, 0] + hand * 0.03, ankle[:, 1] + 0.155, np.maximum(sole - 0.35 * lift, 0.040 - top)], axis=-1
    )
    return [_pair(hip, knee), _pair(knee, ankle), _pair(heel, toe)]


def _bend(root: np.ndarray, tip: np.ndarray, upper: float, lower: float, toward: np.ndarray) -> np.ndarray:
    """Middle joint (F, 3) of a limb of two bones from root to tip, bent `toward` a direction (the law of cosines)."""
    span = tip - root
    length = np.minimum(np.linalg.norm(span, axis=-1, keepdims=True), (upper + lower) * 0.999)
    along = _unit(span)
    across = _unit(toward - np.sum(toward * along, axis=-1, keepdims=True) * along)
    reach = (upper**2 - lower**2 + length**2) / (2 * length)
    return root + along * reach + across * np.sqrt(np.maximum(upper**2 - reach**2, 0))


def _point(side: ArrayLike, front: ArrayLike, up: ArrayLike, like: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(side + 0 * like, front, up), axis=-1)


def _pair(start: np.ndarray, end: np.ndarray) -> tuple:
    return tuple(start.T), tuple(end.T)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def _ease(amount: np.ndarray) -> np.ndarray:
    return amount * amount * (3 - 2 * amount)
