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
"""Parents before children, as a BVH file has them. Masses are Dempster's (Winter 2009, table 4.1); stiffness, damping
(a tenth of it) and strength those of the humanoid of Peng et al. (2018)."""

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
    for joint in JOINTS[1:]:
        gears = ("1 0 0",) if joint.name in HINGES else ("1 0 0", "0 1 0", "0 0 1")
        for gear in gears:
            lines.append(
                f'<position joint="{joint.name}" gear="{gear} 0 0 0" kp="{joint.stiffness}" '
                f'kv="{joint.stiffness / 10}" forcerange="-{joint.strength} {joint.strength}"/>'
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
