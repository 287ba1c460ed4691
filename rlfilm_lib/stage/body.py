"""The figure's body: its joints, its weight, and how it looks in any pose.

The person is that of `stage.figure`: 1.75 m, the same limbs and clothes. Here the joints turn, so that a `Motion` or
the physics of MuJoCo can move them. At rest the body stands upright with arms and legs straight down and faces -y;
every joint's axes are then the world's: x to its left hand, y to its back, z up.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlfilm_lib.media import quaternion
from rlfilm_lib.media.motion import Skeleton
from rlfilm_lib.stage import figure

FROM_CROWN = {  # of joints, in (side, front, up) from the top of the head, standing
    "Hips": (0, -0.015, -figure.HIPS_BELOW_TOP),
    "Chest": (0, -0.015, -0.680),
    "Neck": (0, -0.028, -0.290),
    "LeftArm": (0.172, -0.030, -0.377),
}
WRIST = (0.0, 0.0, -figure.FOREARM)
HAND = 0.085
"""Metres from the wrist to the knuckles, where the hand's capsule ends."""


def _apart(joint: str, parent: str) -> NDArray:
    side, front, up = np.subtract(FROM_CROWN[joint], FROM_CROWN[parent])
    return np.array([side, -front, up])


class Joint(NamedTuple):
    """A joint with the body part that hangs on it: torques in N m, gains in N m/rad, masses as shares of the whole."""

    name: str
    parent: str | None
    offset: tuple[float, float, float]
    tip: tuple[float, float, float]
    mass: float
    stiffness: float
    strength: float


def _limb(side: float, prefix: str) -> tuple[list[Joint], list[Joint]]:
    arm = _apart("LeftArm", "Chest") * [side, 1, 1]
    arms = [
        Joint(f"{prefix}Arm", "Chest", tuple(arm), (0, 0, 0), 0.028, 400, 100),
        Joint(f"{prefix}ForeArm", f"{prefix}Arm", (0, 0, -figure.UPPER_ARM), (0, 0, -figure.FOREARM), 0.022, 300, 60),
    ]
    legs = [
        Joint(f"{prefix}UpLeg", "Hips", (side * 0.092, 0, 0), (0, 0, 0), 0.100, 500, 200),
        Joint(f"{prefix}Leg", f"{prefix}UpLeg", (0, 0, -figure.THIGH), (0, 0, 0), 0.0465, 500, 150),
        Joint(
            f"{prefix}Foot", f"{prefix}Leg", (0, 0, -figure.SHANK), (0, -0.155, -figure.ANKLE_HEIGHT), 0.0145, 400, 90
        ),
    ]
    return arms, legs


(_LEFT_ARM, _LEFT_LEG), (_RIGHT_ARM, _RIGHT_LEG) = _limb(1, "Left"), _limb(-1, "Right")
JOINTS = [
    Joint("Hips", None, (0, 0, 0), (0, 0, 0), 0.142, 0, 0),
    Joint("Chest", "Hips", tuple(_apart("Chest", "Hips")), (0, 0, 0), 0.355, 1000, 200),
    Joint("Neck", "Chest", tuple(_apart("Neck", "Chest")), (0, 0, 0.29), 0.081, 100, 50),
    *_LEFT_ARM, *_RIGHT_ARM, *_LEFT_LEG, *_RIGHT_LEG,
]  # fmt: skip
"""Parents before children, as a BVH file has them. Masses are Dempster's (Winter 2009, table 4.1); stiffness and
strength those of the humanoid of Peng et al. (2018), which `mjcf` scales by our mass to its."""

NAMES = tuple(joint.name for joint in JOINTS)
SKELETON = Skeleton(
    NAMES,
    tuple(-1 if joint.parent is None else NAMES.index(joint.parent) for joint in JOINTS),
    np.array([joint.offset for joint in JOINTS], float),
    np.array([joint.tip for joint in JOINTS], float),
)
HINGES = ("LeftForeArm", "RightForeArm", "LeftLeg", "RightLeg")
"""Elbows and knees, which bend about their x axis alone; all others are ball joints."""

MASS = 70.0
"""Of the whole body, kg."""
HUMANOID_MASS = 45.0
"""Of the humanoid of Peng et al. (2018), kg."""
SERVO_LAG = 0.05
"""Seconds by which a servo trails a steady motion: its damping over its stiffness."""
SEAT = 0.42
"""Height of the stool's seat, m."""
STOOL = 0.33
"""Metres that the stool's middle stands behind where the figure stands."""

_GEOMS = {  # capsules for the physics: ends from the joint, radius
    "Hips": ((-0.06, 0, -0.005), (0.06, 0, -0.005), 0.09),
    "Chest": ((0, 0, 0.08), (0, 0, 0.30), 0.12),
    "Neck": ((0, -0.02, 0.15), (0, -0.02, 0.19), 0.09),
    "Arm": ((0, 0, -0.02), (0, 0, -figure.UPPER_ARM), 0.045),
    "ForeArm": ((0, 0, -0.02), (0, 0, -figure.FOREARM - HAND), 0.036),
    "UpLeg": ((0, 0, -0.04), (0, 0, -figure.THIGH + 0.03), 0.07),
    "Leg": ((0, 0, -0.03), (0, 0, -figure.SHANK + 0.05), 0.05),
}
FOOT_RADIUS = 0.03
TIMESTEP = 1 / 120


def mjcf() -> str:
    """The body, the floor and a stool as a MuJoCo model (MJCF): 34 degrees of freedom, 28 of them with motors.

    The motors are servos about the joints' axes: torque = stiffness · (target - rotation vector) - damping · velocity,
    at most the joint's strength. Only the feet touch the floor, only hips and thighs the stool.
    """
    lines = [
        '<mujoco model="figure">',
        '<compiler angle="radian" autolimits="true"/>',
        f'<option timestep="{TIMESTEP}" integrator="implicitfast" iterations="8" ls_iterations="8" cone="pyramidal">',
        '<flag eulerdamp="disable"/></option>',
        '<default><geom contype="0" conaffinity="0" condim="3" friction="0.9"/>'
        '<joint armature="0.02" damping="0.5"/></default>',
        '<worldbody><geom name="floor" type="plane" size="5 5 1" conaffinity="1"/>',
        f'<geom name="stool" type="box" size="0.17 0.13 0.02" pos="0 {STOOL} {SEAT - 0.02}" conaffinity="2"/>',
        _body(0),
        "</worldbody><actuator>",
    ]
    heavier = MASS / HUMANOID_MASS
    for joint in JOINTS[1:]:
        stiffness, strength = heavier * joint.stiffness, heavier * joint.strength
        gears = ("1 0 0",) if joint.name in HINGES else ("1 0 0", "0 1 0", "0 0 1")
        for gear in gears:
            lines.append(
                f'<position joint="{joint.name}" gear="{gear} 0 0 0" kp="{stiffness:.6g}" '
                f'kv="{stiffness * SERVO_LAG:.6g}" forcerange="{-strength:.6g} {strength:.6g}"/>'
            )
    return "\n".join([*lines, "</actuator></mujoco>"])


def _body(number: int) -> str:
    joint = JOINTS[number]
    place = (0, 0, figure.STATURE - figure.HIPS_BELOW_TOP) if number == 0 else joint.offset
    kind = "hinge" if joint.name in HINGES else "ball"
    limits = f'axis="1 0 0" range="{"-2.7 0.1" if "Arm" in joint.name else "-0.1 2.7"}"'
    lines = [f'<body name="{joint.name}" pos="{_numbers(place)}">']
    lines.append(
        '<freejoint name="Hips"/>'
        if number == 0
        else f'<joint name="{joint.name}" type="{kind}" {limits if kind == "hinge" else ""}/>'
    )
    part = joint.name.removeprefix("Left").removeprefix("Right")
    if part == "Foot":
        sole = FOOT_RADIUS - figure.ANKLE_HEIGHT
        for name, x in (("inner", -0.03), ("outer", 0.03)):
            ends = _numbers((x, 0.045, sole, x, -0.145, sole))
            lines.append(
                f'<geom name="{joint.name} {name}" type="capsule" fromto="{ends}" size="{FOOT_RADIUS}" '
                f'mass="{joint.mass * MASS / 2}" contype="1"/>'
            )
    else:
        start, end, radius = _GEOMS[part]
        touches = 2 if part in ("Hips", "UpLeg") else 0
        lines.append(
            f'<geom name="{joint.name}" type="capsule" fromto="{_numbers(start + end)}" size="{radius}" '
            f'mass="{joint.mass * MASS}" contype="{touches}"/>'
        )
    lines += [_body(child) for child, parent in enumerate(SKELETON.parents) if parent == number]
    return "\n".join([*lines, "</body>"])


def _numbers(values: ArrayLike) -> str:
    return " ".join(f"{value:.6g}" for value in np.ravel(values))


# Where the masses are: middles of the capsules, from the joint, in its axes.
def _middles() -> NDArray:
    middles = []
    for joint in JOINTS:
        part = joint.name.removeprefix("Left").removeprefix("Right")
        start, end, _ = _GEOMS.get(part, ((0, 0.045, FOOT_RADIUS - figure.ANKLE_HEIGHT),
                                          (0, -0.145, FOOT_RADIUS - figure.ANKLE_HEIGHT), 0))  # fmt: skip
        middles.append((np.array(start) + end) / 2)
    return np.array(middles)


MASSES = np.array([joint.mass for joint in JOINTS]) / sum(joint.mass for joint in JOINTS)
MIDDLES = _middles()


def centre_of_mass(positions: NDArray, orientations: NDArray) -> NDArray:
    """Centre of mass (..., 3) of bodies with joints at `positions` (..., J, 3), turned by `orientations` (..., J, 4).

    >>> position, orientation = SKELETON.forward_kinematics([0, 0, 0.92], np.tile(quaternion.IDENTITY, (13, 1)))
    >>> round(float(centre_of_mass(position, orientation)[2]), 2)  # standing: 56 % of the stature
    0.98
    """
    return MASSES @ (positions + quaternion.rotate(orientations, MIDDLES))


# How the body looks: the parts of `stage.figure`, each fixed to a joint.
_BY_JOINT = [(part, "Neck") for part in figure.HEAD] + [
    (part, "Neck" if part.name == "neck" else "Hips" if part.name in ("hem", "hips") else "Chest")
    for part in figure.TRUNK
]


def _limb_parts(side: float, prefix: str) -> list[tuple[figure.Part, str]]:
    """Parts from the joint, in (side, front, up), as the figure's limbs are made."""
    looks = {name: (radius, albedo) for name, radius, albedo in figure.LIMBS}
    wrist, knuckles = (0.0, 0.0, -figure.FOREARM), (-0.010 * side, 0.012, -figure.FOREARM - HAND)
    shapes = {
        "upper arm": ("Arm", (0, 0, 0), (0, 0, -figure.UPPER_ARM)),
        "forearm": ("ForeArm", (0, 0, 0), wrist),
        "hand": ("ForeArm", wrist, knuckles),
        "thumb": ("ForeArm", (-0.012 * side, 0.024, -figure.FOREARM - 0.017),
                  (-0.025 * side, 0.046, -figure.FOREARM - 0.068)),
        "thigh": ("UpLeg", (0, 0, 0), (0, 0, -figure.THIGH)),
        "shank": ("Leg", (0, 0, 0), (0, 0, -figure.SHANK)),
        "shoe": ("Foot", (0, -0.035, 0.040 - figure.ANKLE_HEIGHT), (0, 0.155, 0.040 - figure.ANKLE_HEIGHT)),
    }  # fmt: skip
    word = prefix.lower()
    return [
        (figure.Part(f"{word} {name}", start, end, *looks[f"{word} {name}"]), prefix + joint)
        for name, (joint, start, end) in shapes.items()
    ]


_LIMB_PARTS = _limb_parts(1, "Left") + _limb_parts(-1, "Right")
_SEAT_RADIUS = 0.030
_STOOL = [
    *((f"stool seat{name}", (-0.14, along, SEAT - _SEAT_RADIUS), (0.14, along, SEAT - _SEAT_RADIUS))
      for name, along in ((" front", -0.085), ("", 0.0), (" back", 0.085))),
    ("stool column", (0, 0, SEAT - _SEAT_RADIUS), (0, 0, 0.018)),
    ("stool foot across", (-0.20, 0, 0.018), (0.20, 0, 0.018)),
    ("stool foot along", (0, -0.20, 0.018), (0, 0.20, 0.018)),
]  # fmt: skip
_LOOKS = {name: (radius, albedo) for name, radius, albedo in figure.LIMBS}

CAPSULES = tuple(part.name for part, _ in _BY_JOINT + _LIMB_PARTS) + tuple(name for name, _, _ in _STOOL)
RADIUS = np.array([part.radius for part, _ in _BY_JOINT + _LIMB_PARTS] + [_LOOKS[name][0] for name, _, _ in _STOOL])
ALBEDO = np.array([part.albedo for part, _ in _BY_JOINT + _LIMB_PARTS] + [_LOOKS[name][1] for name, _, _ in _STOOL])
_PART_JOINT = np.array([NAMES.index(joint) for _, joint in _BY_JOINT + _LIMB_PARTS])


def _from_joint(part: figure.Part, joint: str, of_limb: bool) -> tuple[NDArray, NDArray]:
    crown = np.zeros(3) if of_limb else np.array(FROM_CROWN[joint])
    return tuple((np.array(end) - crown) * [1, -1, 1] for end in (part.start, part.end))  # type: ignore[return-value]


_ENDS = np.array([_from_joint(*part, False) for part in _BY_JOINT] + [_from_joint(*part, True) for part in _LIMB_PARTS])


def _face_moves() -> NDArray:
    """(2, 3, parts, 2, 3) m that both ends of each part move by a blend weight of 1 (or -1) of brow, eye and mouth."""
    moves = np.zeros((2, 3, len(_ENDS), 2, 3))
    for hand in ("left", "right"):
        brow, lid, lip = (CAPSULES.index(f"{hand} {name}") for name in ("brow", "eyelid", "lip"))
        moves[0, 0, brow] = [[0, 0, 0.011], [0, 0, 0.009]]  # raised
        moves[1, 0, brow] = [[0, -0.002, -0.0090], [0, -0.001, -0.0065]]  # lowered
        moves[0, 1, lid] = [[0, 0, 0.0040]] * 2  # wide
        moves[1, 1, lid] = [[0, -0.0040, -0.0105]] * 2  # drooping
        outward = 1 if hand == "left" else -1
        moves[0, 2, lip] = [[0, -0.001, -0.0020], [0.008 * outward, -0.005, 0.0080]]  # a smile
        moves[1, 2, lip] = [[0, 0, 0.0030], [0.003 * outward, 0, -0.0110]]
    return moves


_FACE_MOVES = _face_moves()


def capsules(root: ArrayLike, rotations: ArrayLike, face: ArrayLike) -> tuple[NDArray, NDArray]:
    """Start and end (F, C, 3), in metres, of the capsules of body and stool; CAPSULES, RADIUS and ALBEDO stand above.

    root: (F, 3) m, the hips; rotations: (F, J, 4), of each joint relative to its parent; face: (F, 3) blend weights of
    brow (raised to lowered), eye (wide to drooping) and mouth (corners up to down), from 1 to -1.

    >>> start, end = capsules([[0, 0, 0.92]], quaternion.IDENTITY + np.zeros((1, len(NAMES), 4)), [[0, 0, 0]])
    >>> top = np.maximum(start, end)[0, :, 2] + RADIUS
    >>> round(float(top.max()), 2)  # with its hair
    1.75
    """
    positions, orientations = SKELETON.forward_kinematics(root, rotations)
    weights = np.asarray(face, float)
    moved = np.einsum("sfk,skpec->fpec", np.stack([np.maximum(weights, 0), np.maximum(-weights, 0)]), _FACE_MOVES)
    ends = quaternion.rotate(orientations[:, _PART_JOINT, None], _ENDS + moved) + positions[:, _PART_JOINT, None]
    stool = np.array([0, STOOL, 0]) + [[start, end] for _, start, end in _STOOL]
    ends = np.concatenate([ends, np.broadcast_to(stool, (len(ends), *stool.shape))], axis=1)
    return ends[:, :, 0], ends[:, :, 1]
