"""Make the gestures that ship with the library: bow, wave, point, walk (on the spot) and sit.

    python course/media/gestures.py

Writes rlfilm_lib/media/gestures/*.bvh, at 24 frames per second. Each is drawn from a few key poses with the path of
least jerk in between, as hands move (Flash and Hogan 1985). The feet stay where they are put (two-bone inverse
kinematics) and the hips go where they keep the body's centre of mass over the feet; while walking it follows the linear
inverted pendulum (Kajita et al. 2001), so that a body with weight can do the same.
"""

from pathlib import Path

import numpy as np

import rlfilm_lib
from rlfilm_lib.media import quaternion
from rlfilm_lib.media.motion import Motion, write_bvh
from rlfilm_lib.stage import body, figure

FOLDER = Path(rlfilm_lib.__file__).parent / "media" / "gestures"
FPS = 24
GRAVITY = 9.81
STANDING = 0.910  # m, height of the hips
ANKLES = 0.105  # m, of the ankles to either side
TOES_OUT = 0.12  # rad

# What a pose is made of: angles in rad; arms as (forward, outward, outward twist, bend of the elbow); metres of the
# hips against standing, and of the centre of mass behind the ankles. The hips keep it there as far as `balance` says,
# else they are where `hips back` has them.
REST = {
    "height": 0.0, "lean": 0.0, "chest": 0.04, "nod": 0.0, "turn": 0.0, "look": 0.0, "balance": 1.0,
    "hips back": 0.0, "com y": -0.040,
    "left arm": (-0.02, 0.13, 0.0, 0.28), "right arm": (-0.02, 0.13, 0.0, 0.28),
}  # fmt: skip


def least_jerk(keys: list[tuple], times: np.ndarray) -> np.ndarray:
    """Through (time, value) keys, at rest at each."""
    when, values = [key[0] for key in keys], np.array([key[1] for key in keys], float)
    number = np.clip(np.searchsorted(when, times, side="right") - 1, 0, max(len(keys) - 2, 0))
    if len(keys) == 1:
        return np.repeat(values, len(times), axis=0)
    begin, end = np.array(when)[number], np.array(when)[number + 1]
    s = np.clip((times - begin) / (end - begin), 0, 1)
    s = (s**3 * (10 - 15 * s + 6 * s * s)).reshape(-1, *[1] * (values.ndim - 1))
    return values[number] + s * (values[number + 1] - values[number])


def arm(side: int, forward, outward, twist, bend) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (F, 4) of upper arm and forearm."""
    zero = np.zeros_like(forward)
    swing = quaternion.from_rotvec(np.stack([-forward, -side * outward, zero], axis=-1))
    upper = quaternion.multiply(swing, quaternion.from_rotvec(np.stack([zero, zero, side * twist], axis=-1)))
    return upper, quaternion.from_rotvec(np.stack([-bend, zero, zero], axis=-1))


def leg(hip: np.ndarray, ankle: np.ndarray, yaw: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orientations (F, 4) in the world of thigh, shank and foot, the sole level."""
    span = ankle - hip
    length = np.minimum(np.linalg.norm(span, axis=-1, keepdims=True), (figure.THIGH + figure.SHANK) * 0.9995)
    along = span / np.linalg.norm(span, axis=-1, keepdims=True)
    front = np.array([np.sin(yaw), -np.cos(yaw), 0])
    across = front - np.sum(front * along, axis=-1, keepdims=True) * along
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    reach = length / 2
    knee = along * reach + across * np.sqrt(figure.THIGH**2 - reach**2)
    x, z = np.cross(across, along), -knee / figure.THIGH
    thigh = from_matrix(np.stack([x, np.cross(z, x), z], axis=-1))
    bend = np.pi - 2 * np.arcsin(np.clip(reach[:, 0] / figure.THIGH, -1, 1))
    shank = quaternion.multiply(thigh, quaternion.from_rotvec(bend[:, None] * [1, 0, 0]))
    return thigh, shank, np.broadcast_to(quaternion.from_rotvec([0, 0, yaw]), thigh.shape)


def from_matrix(r: np.ndarray) -> np.ndarray:
    """Quaternions (F, 4) of rotations (F, 3, 3) of less than half a turn."""
    w = np.sqrt(np.maximum(1 + np.trace(r, axis1=1, axis2=2), 1e-9)) / 2
    v = np.stack([r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], axis=-1)
    q = np.concatenate([w[:, None], v / (4 * w[:, None])], axis=-1)
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def act(seconds: float, keys: dict[str, list[tuple]], lift=None, com_x=None, wag=None) -> Motion:
    """The motion through the keys of each part of the pose (parts without keys rest).

    lift: (F, 2) m that left and right foot are off the floor; com_x: (F,) m, of the centre of mass; wag: (F,) rad
    added to the right elbow's bend.
    """
    times = np.arange(round(seconds * FPS) + 1) / FPS
    rest = {name: [(0.0, value)] for name, value in REST.items()}
    pose = {name: least_jerk(track, times) for name, track in {**rest, **keys}.items()}
    zero = np.zeros_like(times)
    lift = np.zeros((len(times), 2)) if lift is None else lift
    rotations = np.broadcast_to(quaternion.IDENTITY, (len(times), len(body.NAMES), 4)).copy()

    def put(name: str, q: np.ndarray) -> None:
        rotations[:, body.NAMES.index(name)] = q

    put("Hips", quaternion.from_rotvec(np.stack([pose["lean"], zero, 0.4 * pose["turn"]], axis=-1)))
    put("Chest", quaternion.from_rotvec(np.stack([pose["chest"], zero, 0.6 * pose["turn"]], axis=-1)))
    put("Neck", quaternion.from_rotvec(np.stack([pose["nod"], zero, pose["look"]], axis=-1)))
    for side, prefix in ((1, "Left"), (-1, "Right")):
        forward, outward, twist, bend = pose[f"{prefix.lower()} arm"].T
        upper, lower = arm(side, forward, outward, twist, bend + (wag if wag is not None and side < 0 else 0))
        put(f"{prefix}Arm", upper)
        put(f"{prefix}ForeArm", lower)
    root = np.stack([zero if com_x is None else com_x, zero, STANDING + pose["height"]], axis=-1)
    goal = np.stack([zero if com_x is None else com_x, pose["com y"]], axis=-1)
    for _ in range(8):
        for side, prefix in ((1, "Left"), (-1, "Right")):
            position, orientation = body.SKELETON.forward_kinematics(root, rotations)
            hip = position[:, body.NAMES.index(f"{prefix}UpLeg")]
            ankle = np.stack([zero + side * ANKLES, zero, figure.ANKLE_HEIGHT + lift[:, 0 if side > 0 else 1]], axis=-1)
            chain = [orientation[:, 0], *leg(hip, ankle, side * TOES_OUT)]
            for name, parent, own in zip(("UpLeg", "Leg", "Foot"), chain, chain[1:], strict=False):
                put(prefix + name, quaternion.multiply(quaternion.conjugate(parent), own))
        com = body.centre_of_mass(*body.SKELETON.forward_kinematics(root, rotations))
        root[:, :2] += pose["balance"][:, None] * (goal - com[:, :2])
        root[:, 1] += (1 - pose["balance"]) * (pose["hips back"] - root[:, 1])
    return Motion(FPS, body.SKELETON, root, rotations)


def bow() -> Motion:
    def there_and_back(value, rest):
        return [(0, rest), (0.9, value), (1.3, value), (2.3, rest)]

    return act(2.4, {
        "lean": there_and_back(0.42, 0), "chest": there_and_back(0.34, 0.04), "nod": there_and_back(0.22, 0),
        **{f"{side} arm": there_and_back((0.50, 0.06, 0.0, 0.22), REST["left arm"]) for side in ("left", "right")},
    })  # fmt: skip


def wave() -> Motion:
    raised = (0.25, 1.30, 1.25, 1.45)
    times = np.arange(round(2.6 * FPS) + 1) / FPS
    size = least_jerk([(0.5, 0.0), (0.8, 0.42), (1.7, 0.42), (2.0, 0.0)], times)
    keys = {
        "right arm": [(0, REST["right arm"]), (0.7, raised), (1.8, raised), (2.5, REST["right arm"])],
        "look": [(0, 0), (0.6, -0.08), (1.8, -0.08), (2.4, 0)],
        "chest": [(0, 0.04), (0.7, 0.0), (1.8, 0.0), (2.5, 0.04)],
    }
    return act(2.6, keys, wag=size * np.sin(2 * np.pi * 1.7 * (times - 0.5)))


def point() -> Motion:
    aimed = (1.20, 0.75, 0.0, 0.06)
    return act(2.4, {
        "right arm": [(0, REST["right arm"]), (0.65, aimed), (1.5, aimed), (2.3, REST["right arm"])],
        "turn": [(0, 0), (0.7, -0.22), (1.5, -0.22), (2.3, 0)],
        "look": [(0.0, 0), (0.5, -0.32), (1.6, -0.32), (2.3, 0)],
    })  # fmt: skip


def walk() -> Motion:
    """Four steps on the spot, the left foot first."""
    seconds, first, step, swing = 3.2, 0.55, 0.50, 0.36
    times = np.arange(round(seconds * FPS) + 1) / FPS
    lift, support = np.zeros((len(times), 2)), np.zeros_like(times)
    for number in range(4):
        begin = first + number * step
        s = (times - begin) / swing
        within = (s > 0) & (s < 1)
        lift[:, number % 2] += np.where(within, 0.07 * np.sin(np.pi * np.clip(s, 0, 1)) ** 2, 0)
        support[(times > begin - 0.04) & (times < begin + swing + 0.04)] = (-1) ** (number + 1) * (ANKLES - 0.015)
    # x - x''/ω² = support, at rest in the middle at both ends
    pull = 0.93 / GRAVITY * FPS**2
    system = np.diag(np.full(len(times), 1 + 2 * pull)) - pull * (np.eye(len(times), k=1) + np.eye(len(times), k=-1))
    com_x = np.linalg.solve(system, support)
    pace = least_jerk([(0.2, 0.0), (0.6, 1.0), (2.3, 1.0), (2.8, 0.0)], times)
    swinging = 0.30 * pace * np.sin(2 * np.pi * (times - first - 0.05) / (2 * step))
    forward, outward, twist, bend = REST["left arm"]

    def arm_keys(sign: float) -> list[tuple]:
        return [
            (t, (forward + sign * s, outward, twist, bend + 0.35 * p))
            for t, s, p in zip(times, swinging, pace, strict=True)
        ]

    return act(seconds, {"left arm": arm_keys(-1), "right arm": arm_keys(1)}, lift=lift, com_x=com_x)


def sit() -> Motion:
    down = body.SEAT + 0.094 - STANDING  # the hips are 0.095 m above what they sit on
    reach, lap = (0.85, 0.10, -0.10, 0.35), (0.42, 0.10, -0.38, 0.80)
    arms = [(0, REST["left arm"]), (0.95, reach), (1.3, reach), (2.2, lap)]
    return act(2.4, {
        "height": [(0, 0), (1.35, down), (2.4, down)],
        "lean": [(0, 0), (1.0, 0.70), (1.3, 0.68), (2.2, 0.02)],
        "chest": [(0, 0.04), (1.0, 0.45), (1.3, 0.43), (2.2, 0.04)],
        "nod": [(0, 0), (0.8, -0.62), (1.3, -0.55), (2.2, 0.0)],
        "com y": [(0, -0.04), (1.2, 0.02)],
        "balance": [(0, 1), (0.5, 1), (1.35, 0)],
        "hips back": [(0, 0.305)],
        "left arm": arms, "right arm": arms,
    })  # fmt: skip


def main() -> None:
    """Write all five."""
    FOLDER.mkdir(exist_ok=True)
    for make in (bow, wave, point, walk, sit):
        motion = make()
        path = write_bvh(FOLDER / f"{make.__name__}.bvh", motion)
        print(f"{path.name}: {len(motion)} frames, {path.stat().st_size // 1000} KB")


if __name__ == "__main__":
    main()
