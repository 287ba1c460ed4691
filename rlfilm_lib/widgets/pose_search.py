"""A search that takes a reward at its word: it moves a figure without weight until the reward is as high as it gets.

Exercises hand their reward to `search`, and see whether the pose that earns most is the pose that was meant. `poses`
turns numbers into poses, `moment` gives those of a gesture, `still` shows what was found.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs import character
from rlfilm_lib.envs.character import HINGES, NV, TURNING, Pose
from rlfilm_lib.media import quaternion
from rlfilm_lib.stage import body
from rlfilm_lib.widgets import motion_player
from rlfilm_lib.widgets.picture import Described, gallery

Reward = Callable[[Pose, Pose], NDArray]
FREE = len(TURNING)
"""Numbers of a pose, rad: how the hips are turned (3), then the 28 joint coordinates."""
REACH = 1.6
"""rad that each may be from standing."""
TRIES, ROUNDS, SPREAD, RATE = 64, 250, 0.08, 0.06
FEET = [body.NAMES.index(name) for name in ("LeftFoot", "RightFoot")]


class Found(NamedTuple):
    """What a search came to."""

    pose: Pose
    """Of one figure."""
    qpos: NDArray
    """(43,) the same as MuJoCo's positions."""
    reward: float
    off: float
    """Degrees by which the joints are away from the reference, root mean square."""
    curve: NDArray
    """(ROUNDS,) reward of the mean pose in each round."""


def poses(numbers: NDArray) -> tuple[Pose, NDArray]:
    """Poses of n figures and MuJoCo's positions (n, 43) of numbers (n, FREE): how far each is from standing.

    The figure has no weight: its ankles stand where the reference has them, wherever that puts the rest."""
    n, rest = len(numbers), character.track("bow")["qpos"][0]
    vectors = quaternion.to_rotvec(character.rotations(rest[None]))[0]
    vectors = np.broadcast_to(vectors, (n, *vectors.shape)).copy()
    vectors.reshape(n, -1)[:, TURNING] += numbers
    turns = quaternion.from_rotvec(vectors)
    parts = [vectors[:, k, :1] if k in HINGES else turns[:, k] for k in range(len(body.NAMES))]
    qpos = np.concatenate([np.broadcast_to(rest[:3], (n, 3)), *parts], axis=1)
    positions, _ = body.SKELETON.forward_kinematics(qpos[:, :3], turns)
    home, _ = body.SKELETON.forward_kinematics(rest[:3], character.rotations(rest[None])[0])
    shift = home[FEET].mean(axis=0) - positions[:, FEET].mean(axis=1)
    shift[:, 2] = home[FEET, 2].min() - positions[:, FEET, 2].min(axis=1)
    qpos[:, :3] += shift
    return character.pose_at(qpos, np.zeros((n, NV))), qpos


def moment(gesture: str, seconds: float) -> Pose:
    """The pose of one figure that a gesture has after some seconds, at rest."""
    track = character.track(gesture)
    frame = min(round(seconds / character.DT), len(track["qpos"]) - 1)
    return character.pose_at(track["qpos"][frame, None], np.zeros((1, NV)))


def numbers_of(pose: Pose) -> NDArray:
    """The numbers (FREE,) from which `poses` makes the joints of a pose of one figure."""
    rest = character.rotations(character.track("bow")["qpos"][:1])
    return (quaternion.to_rotvec(pose.rotations) - quaternion.to_rotvec(rest)).ravel()[TURNING]


def search(reward: Reward, reference: Pose, start: NDArray | None = None, seed: int = 0) -> Found:
    """Policy gradient on one pose: tries about a mean, and the mean moves to what earned more.

    reward(pose, reference): (n,) of the poses of n figures and the pose asked for; start: (FREE,) the first mean, by
    default standing. ValueError where the reward has another shape or is not finite.
    """
    rng, mean = np.random.default_rng(seed), np.zeros(FREE) if start is None else np.array(start, float)
    momentum, curve = np.zeros(FREE), []
    for number in range(ROUNDS):
        spread = SPREAD * (1 - 0.8 * number / ROUNDS)
        noise = rng.standard_normal((TRIES // 2, FREE))
        noise = np.concatenate([np.zeros((1, FREE)), noise, -noise])
        earned = checked(reward(poses(np.clip(mean + spread * noise, -REACH, REACH))[0], reference), len(noise))
        advantage = (earned - earned.mean()) / (earned.std() + 1e-8)
        gradient = advantage @ noise / len(noise)
        momentum = 0.8 * momentum + 0.2 * gradient
        mean = np.clip(mean + RATE * spread / SPREAD * momentum / (np.abs(momentum).max() + 1e-8), -REACH, REACH)
        curve.append(earned[0])
    pose, qpos = poses(mean[None])
    return Found(pose, qpos[0], float(checked(reward(pose, reference), 1)[0]), off(pose, reference), np.array(curve))


def checked(earned: NDArray, n: int) -> NDArray:
    """The rewards of n poses as an array. ValueError where they are not that."""
    earned = np.asarray(earned, float)
    if earned.shape != (n,):
        raise ValueError(f"rewards of shape {earned.shape} where ({n},) is expected, one per pose")
    if not np.isfinite(earned).all():
        raise ValueError("a reward that is not a finite number")
    return earned


def off(pose: Pose, reference: Pose) -> float:
    """Degrees that the 13 joints are away from the reference, root mean square over them."""
    apart = quaternion.angle(quaternion.multiply(quaternion.conjugate(reference.rotations), pose.rotations))
    return float(np.degrees(np.sqrt(np.mean(apart**2))))


def pictures(places: NDArray) -> NDArray:
    """Pictures (n, 240, 180, 3) uint8 of MuJoCo's positions (n, 43)."""
    env = motion_player.stage({})
    env.reset(seed=0, options={"start": "top"})
    state = env.state()
    bodies = [np.concatenate([[0.0], place, np.zeros(NV)])[None] for place in places]
    return motion_player.render(env, [state | {"physics": physics} for physics in bodies])


def still(gesture: str, seconds: float, found: dict[str, Found]) -> Described:
    """The moment that was meant, and beside it what each reward found, with what it earned and how far off it is."""
    track = character.track(gesture)
    meant = track["qpos"][min(round(seconds / character.DT), len(track["qpos"]) - 1)]
    shown = pictures(np.stack([meant, *(one.qpos for one in found.values())]))
    captions = ["meant", *(f"{name}: earns {one.reward:.2f}, {one.off:.0f}° off" for name, one in found.items())]
    words = "; ".join(
        f"rewarded for {name}, the figure earns {one.reward:.2f} with its joints {one.off:.0f} degrees off"
        for name, one in found.items()
    )
    return gallery(
        list(shown), captions, f"The {gesture} that was meant, and what was found: {words}.", len(shown), 230
    )
