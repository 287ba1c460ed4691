"""rlfilm/Character-v0: a figure acts a gesture under physics, with a face and a cue to react to. See `Character`."""

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlfilm_lib.envs.batch import BatchEnv, BriefedEnv, SingleEnv
from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.media import motion as motions
from rlfilm_lib.media import quaternion
from rlfilm_lib.media.motion import Motion
from rlfilm_lib.stage import body

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

FPS = 24
DT = 1 / FPS
SUBSTEPS = round(DT / body.TIMESTEP)

CUES = ("sound", "look", "touch")
CUE_TIME = (0.4, 1.0)  # s after the beginning at which the cue arrives
REACTION = (0.15, 0.40)  # s after the cue: the time people take; sooner is a guess
PROMPTED = 1.0  # s after the cue at which the gesture begins even if the actor does not
START = 0.15  # the action above which the actor begins
STARTS = ("anywhere", "top")

RESIDUAL = 0.4  # rad, of the servos' targets about the reference
TOO_FAR = 0.5  # m, of hips or head from the reference: fallen, or lost

FACE = ("brow", "eye", "mouth")
FACE_TIME = 0.12  # s, time constant of the muscles
FACE_EFFORT = 0.25  # the action at which a muscle is driven to a blend weight of 1
FACE_SPEED = 4.0  # blend weight per second, at most
FACE_TOLERANCE = 0.25  # of a blend weight, rms over the three, at which the term has fallen to exp(-1/2)
FACE_BLEND = np.array([[0.6, 0.4], [0.0, 1.0], [1.0, 0.0]])  # brow, eye, mouth from valence, arousal
PREVIEW = 4  # steps that the observation looks ahead

BALLS = [k for k, name in enumerate(body.NAMES) if k and name not in body.HINGES]
HINGES = [body.NAMES.index(name) for name in body.HINGES]
DRIVEN = np.concatenate([[3 * k] if k in HINGES else [3 * k, 3 * k + 1, 3 * k + 2] for k in range(1, len(body.NAMES))])
"""Where the 28 driven coordinates stand in (J, 3) rotation vectors laid flat."""
TURNING = np.concatenate([[0, 1, 2], DRIVEN])
LIMB_ENDS = [body.NAMES.index(name) for name in ("LeftForeArm", "RightForeArm", "LeftFoot", "RightFoot")]
HIPS, NECK = body.NAMES.index("Hips"), body.NAMES.index("Neck")
NUM_SERVOS = len(DRIVEN)

# Where each joint's coordinates stand in MuJoCo's qpos.
_WIDTHS = [1 if name in body.HINGES else 4 for name in body.NAMES]
_PLACES = 3 + np.concatenate([[0], np.cumsum(_WIDTHS)[:-1]])
NQ, NV = 3 + sum(_WIDTHS), 6 + NUM_SERVOS

OBSERVATION = {
    "root": 13,  # height; offset (3), turn (3) and velocities (6) from the reference's
    "joint error": NUM_SERVOS, "joint velocity": NUM_SERVOS,
    "reference": NUM_SERVOS, "reference velocity": NUM_SERVOS,
    "centre of mass": 6,  # offset and velocity from the reference's
    "ahead": NUM_SERVOS,  # what the reference does in PREVIEW steps
    "cue": 6,  # sound, look, touch, once it has arrived; time since; gesture begun; what the reaction is worth by now
    "phase": 2,  # of the gesture, of the take
    "face": 9,  # blend weights, and what the arc asks for now and in PREVIEW steps
}  # fmt: skip
OBSERVATION_LIMIT = 5.0


class Character(BriefedEnv):
    """Act a gesture on cue, with the expression that the brief asks for: a body of 34 degrees of freedom under physics.

    The figure of `stage.body` stands in MuJoCo before a stool. A take lasts 5 s, 120 steps of 1/24 s (five of physics
    each), then it is truncated; it is terminated where hips or head are more than 0.5 m from the reference: fallen.

    **Brief**: `gesture`: bow, wave, point, walk (on the spot), sit, or the path of a .bvh or a DeepMimic clip; `cue`:
    sound, look or touch (on the shoulder), which arrives 0.4 to 1.0 s into the take; `arc`: expression over the take as
    (seconds, valence, arousal) points, linear in between, valence and arousal from -1 to 1 (Russell 1980). `brief=` of
    the constructor fixes it for all episodes and `reset(options={"brief": ...})` for one; what is not fixed is drawn.

    **Reference**: the figure stands until the actor begins, then makes the gesture, then stands (or sits). The clock
    is the actor's: it begins when the actor does, and at the latest 1 s after the cue. `start="anywhere"` begins half
    of the episodes in the middle of the gesture (reference-state initialisation), "top" all of them before the cue.

    **Actions** in [-1, 1], clipped. `controls=32`: muscles of brow, eye and mouth (3), fully driven at ±0.25; begin
    (1), above 0.15; and the targets of 28 servos (`stage.body.mjcf`), 0.4 rad at most about the reference of the next
    frame, led by the servos' own lag: zero tracks the reference without any balance, and falls. `controls=4`: face and
    cue; the expert moves the body. `controls=3`: the face alone.

    **Observation** (176,) float32, see OBSERVATION: the body against the reference, the reference now and 1/6 s ahead,
    the cue once it has arrived, the face and its arc. It holds all that the reward depends on: in what was once begun
    no guess can be told from a reaction, so the term itself is shown, and the time since the cue grows to the limit
    within human reaction time.

    **Reward** = Σ weight · term. The first four are those of Peng et al. (2018, eq. 5 to 9), with the paper's weights
    and exponents, summed over joints; * is the reference's:

    | term           | weight | value                                                                              |
    |----------------|--------|------------------------------------------------------------------------------------|
    | pose           | 0.65   | exp(-2 Σ angle(q*, q)²), 13 joints with the root                                   |
    | velocity       | 0.10   | exp(-0.1 Σ (ω* - ω)²), 13 joints with the root, rad/s                              |
    | end_effector   | 0.15   | exp(-40 Σ (p* - p)²), wrists and toes, m                                           |
    | centre_of_mass | 0.10   | exp(-10 (c* - c)²), m                                                              |
    | expression     | 0.20   | exp(-(mean (b* - b)²) / (2 · 0.25²)), blend weights of brow, eye, mouth            |
    | reaction       | 0.20   | 1 while waiting as one should, and for ever after a beginning 0.15 to 0.4 s after  |
    |                |        | the cue; 0 after a guess; falling to 0 from 0.4 to 1 s for the late                |

    The reference played without physics earns 1 of the first four by definition; "imitation" is their sum. Blend
    weights follow valence v and arousal a: brow 0.6 v + 0.4 a (raised, lowered), eye a (wide, drooping), mouth v
    (corners up, down), after the action units of FACS 1+2/4, 5/43 and 12/15. Muscles are first order (0.12 s), at most
    4 per second.

    The physics begins every step without MuJoCo's warm start, so a state is positions and velocities alone.
    """

    metadata: dict[str, Any] = BatchEnv.metadata | {
        "render_fps": FPS,
        "yardsticks": {  # rlfilm_lib.envs.yardsticks.measure("rlfilm/Character-v0", episodes=128, controls=...)
            3: {"random": 148.56, "expert": 166.63},
            4: {"random": 137.27, "expert": 166.63},
            32: {"random": 5.66, "expert": 166.63},
        },
    }
    weights: ClassVar[dict[str, float]] = {
        "pose": 0.65, "velocity": 0.10, "end_effector": 0.15, "centre_of_mass": 0.10,
        "expression": 0.20, "reaction": 0.20,
    }  # fmt: skip
    offered: ClassVar[dict[int, str]] = {3: "face", 4: "face and cue", 4 + NUM_SERVOS: "all"}
    entries = ("gesture", "cue", "arc")
    options = ("brief", "start")
    episode_steps = 120
    draws = 15

    def __init__(
        self,
        num_envs: int = 1,
        controls: int = 32,
        brief: dict[str, Any] | None = None,
        start: str = "anywhere",
        render_mode: str | None = None,
    ) -> None:
        self._physics_of_figure = Physics()
        self._gestures: list[str] = []
        for name in motions.GESTURES:
            self._learn(name)
        super().__init__(num_envs, controls, sum(OBSERVATION.values()), OBSERVATION_LIMIT, brief, render_mode)
        self.start = _checked_start(start)
        if start != "anywhere":  # the yardsticks were measured over all beginnings
            self.metadata = self.metadata | {"yardsticks": {}}
        self.scene = {
            "physics": np.zeros((self._physics_of_figure.width, num_envs)),  # MuJoCo's full physics state
            "face": np.zeros((3, num_envs)),  # blend weights of brow, eye, mouth
            "gesture": np.zeros((1, num_envs), np.int64),
            "cue": np.zeros((1, num_envs), np.int64),  # which
            "cue_step": np.zeros((1, num_envs), np.int64),  # when
            "onset": np.zeros((1, num_envs), np.int64),  # step at which the gesture began, NOT_BEGUN before
            "arc": np.zeros((2 * self.episode_steps, num_envs), np.float32),  # valence, then arousal, of every step
        }

    # The task

    def _set_up(
        self, index: NDArray | slice, uniform: NDArray, brief: dict[str, Any], start: str | None = None
    ) -> None:
        start = _checked_start(start or self.start)
        scene, n = self.scene, uniform.shape[1]
        gesture = np.full(n, self._gestures.index(brief["gesture"])) if "gesture" in brief else (
            (uniform[0] * len(motions.GESTURES)).astype(int))  # fmt: skip
        scene["gesture"][0, index] = gesture
        cue = np.full(n, CUES.index(brief["cue"])) if "cue" in brief else (uniform[1] * len(CUES)).astype(int)
        scene["cue"][0, index] = cue
        earliest, latest = (round(seconds * FPS) for seconds in CUE_TIME)
        cue_step = earliest + (uniform[2] * (latest - earliest + 1)).astype(int)

        arc = np.array(brief["arc"]).T if "arc" in brief else None
        when = np.arange(self.episode_steps) * DT
        if arc is not None:
            values = np.stack([np.interp(when, arc[0], row) for row in arc[1:]])[..., None]
        else:
            points = (2 * uniform[3:11] - 1).reshape(2, 4, n)
            place = when / when[-1] * 3
            before = np.minimum(place.astype(int), 2)
            share = (place - before)[:, None]
            values = points[:, before] * (1 - share) + points[:, before + 1] * share
        scene["arc"][:, index] = values.reshape(2 * self.episode_steps, -1)
        scene["face"][:, index] = FACE_BLEND @ values[:, 0]

        middle = (uniform[11] < 0.5) & (start == "anywhere")
        frame = np.where(middle, (uniform[12] * (self._lengths[gesture] - 1)).astype(int), 0)
        soonest, last = np.ceil(REACTION[0] * FPS), np.floor(REACTION[1] * FPS)
        delay = (soonest + uniform[13] * (last - soonest + 1)).astype(int)
        onset = np.where(middle, -frame, NOT_BEGUN)
        scene["onset"][0, index] = onset
        scene["cue_step"][0, index] = np.where(middle, onset - delay, cue_step)
        scene["physics"][:, index] = self._physics_of_figure.state(*self._tables.at(gesture, frame, "qpos", "qvel"))

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        scene = self.scene
        action = np.clip(actions, -1, 1).astype(float)
        if self.controls < 4 + NUM_SERVOS:
            expert = self._expert_actions()
            action = np.concatenate([action, expert[:, self.controls :]], axis=1)
        since_cue = self.elapsed - scene["cue_step"][0]
        waiting = scene["onset"][0] == NOT_BEGUN
        begins = waiting & ((action[:, 3] > START) | (since_cue >= round(PROMPTED * FPS)))
        scene["onset"][0, begins] = self.elapsed[begins]

        now = self.elapsed + 1
        gesture, frame = scene["gesture"][0], self._frame(now)
        target = self._tables.at(gesture, frame, "servo")[0] + RESIDUAL * action[:, 4:]
        scene["physics"][...] = self._physics_of_figure.step(scene["physics"].T, target).T
        driven = np.clip(action[:, :3].T / FACE_EFFORT, -1, 1)
        change = (driven - scene["face"]) * (1 - np.exp(-DT / FACE_TIME))
        scene["face"] += np.clip(change, -FACE_SPEED * DT, FACE_SPEED * DT)

        pose = self._pose()
        reference = self._reference(gesture, frame)
        terms = np.empty((len(self.weights), self.num_envs))
        terms[:4] = imitation(pose, reference)
        wanted = self._expression(now)
        terms[4] = np.exp(-np.mean((wanted - scene["face"]) ** 2, axis=0) / (2 * FACE_TOLERANCE**2))
        terms[5] = self._reaction(now)
        apart = pose.positions[:, [HIPS, NECK]] - reference.positions[:, [HIPS, NECK]]
        fallen = ~(np.sum(apart * apart, axis=-1).max(axis=1) < TOO_FAR**2)
        return self._observation(slice(None), pose, now), terms, fallen

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        return self._observation(index, self._pose(index), self.elapsed[index])

    # What there is to see

    def _observation(self, index: NDArray | slice, pose: "Pose", now: NDArray) -> NDArray:
        scene = self.scene
        gesture, onset = scene["gesture"][0, index], scene["onset"][0, index]
        frame = self._frame(now, index)
        reference = self._reference(gesture, frame)
        following, ahead = (self._tables.at(gesture, self._frame(now + k, index), "servo")[0] for k in (1, PREVIEW))
        error = quaternion.to_rotvec(quaternion.multiply(quaternion.conjugate(pose.rotations), reference.rotations))
        joints = quaternion.to_rotvec(pose.rotations).reshape(len(now), -1)[:, DRIVEN]
        omega, omega_wanted = (p.omega.reshape(len(now), -1)[:, DRIVEN] for p in (pose, reference))
        since = now - scene["cue_step"][0, index]
        arrived = since >= 0
        cue = (scene["cue"][0, index] == np.arange(len(CUES))[:, None]) & arrived
        begun = onset != NOT_BEGUN
        waited = np.clip(since * DT / REACTION[1], 0, 1)
        columns = [
            pose.positions[:, 0, 2:] - 0.9,
            4 * (reference.positions[:, 0] - pose.positions[:, 0]), 2 * error[:, 0],
            reference.velocity - pose.velocity, 0.3 * (reference.omega - pose.omega)[:, 0],
            3 * (following - joints), 0.2 * omega, following, 0.2 * omega_wanted,
            10 * (reference.com - pose.com), 2 * (reference.com_velocity - pose.com_velocity),
            ahead - following,
            2.0 * cue.T, OBSERVATION_LIMIT * waited[:, None], begun[:, None], self._reaction(now, index)[:, None],
            (np.where(begun, frame, 0) / self._lengths[gesture])[:, None], (now / self.episode_steps)[:, None],
            scene["face"][:, index].T, self._expression(now, index).T, self._expression(now + PREVIEW, index).T,
        ]  # fmt: skip
        observation = np.concatenate(columns, axis=1)
        return np.clip(observation, -OBSERVATION_LIMIT, OBSERVATION_LIMIT).astype(np.float32)

    def _frame(self, now: NDArray, index: NDArray | slice = slice(None)) -> NDArray:
        """Frame of the gesture (n,) at step `now`."""
        onset = self.scene["onset"][0, index]
        last = self._lengths[self.scene["gesture"][0, index]] - 1
        return np.where(onset == NOT_BEGUN, 0, np.clip(now - onset, 0, last))

    def _reaction(self, now: NDArray, index: NDArray | slice = slice(None)) -> NDArray:
        """The term (n,) after step `now`."""
        onset, cue_step = self.scene["onset"][0, index], self.scene["cue_step"][0, index]
        begun = onset != NOT_BEGUN
        delay = (np.where(begun, onset, now) - cue_step) * DT
        late = np.clip((PROMPTED - delay) / (PROMPTED - REACTION[1]), 0, 1)
        return np.where(begun & (delay < REACTION[0]), 0.0, late)

    def _expression(self, now: NDArray, index: NDArray | slice = slice(None)) -> NDArray:
        """Blend weights (3, n) that the arc asks for at step `now` (n,)."""
        step = np.minimum(now, self.episode_steps - 1)
        arc = self.scene["arc"][:, index]
        each = np.arange(len(step))
        return FACE_BLEND @ np.stack([arc[step, each], arc[self.episode_steps + step, each]])

    def _pose(self, index: NDArray | slice = slice(None)) -> "Pose":
        return pose_at(*self._physics_of_figure.split(self.scene["physics"][:, index].T))

    def _reference(self, gesture: NDArray, frame: NDArray) -> "Pose":
        return Pose(*self._tables.at(gesture, frame, *Pose._fields))

    # Gestures and briefs

    def _learn(self, name: str) -> None:
        """Add a gesture, by name or by path, to those that can be asked for."""
        if name not in self._gestures:
            self._gestures.append(name)
            self._tables = Tables([track(name) for name in self._gestures])
            self._lengths = self._tables.lengths

    def _checked(self, brief: dict[str, Any]) -> dict[str, Any]:
        """The brief, its gesture learned."""
        checked = dict(brief)
        if "gesture" in brief:
            checked["gesture"] = name = os.fspath(brief["gesture"])
            if name not in motions.GESTURES and not name.endswith((".bvh", ".txt", ".json")):
                raise unknown("gesture", name, [*motions.GESTURES, "a path ending in .bvh"])
            self._learn(name)
        if "cue" in brief and brief["cue"] not in CUES:
            raise unknown("cue", brief["cue"], CUES)
        if "arc" in brief:
            checked["arc"] = _checked_arc(brief["arc"], self.episode_steps * DT)
        return checked

    # The expert, films and files

    def expert_policy(self) -> Callable[..., NDArray]:
        """The tracking controller that knows the physics: policy(observations, deterministic=True) -> actions.

        It plays in this environment: it reads the state behind the observations. Face and cue follow from the brief;
        the body from a time-varying linear-quadratic regulator about the reference (see `Regulator`)."""
        return lambda observations, deterministic=True: self._expert_actions()[:, : self.controls].astype(np.float32)

    def _expert_actions(self) -> NDArray:
        """Actions (N, 32) of the expert."""
        scene, now = self.scene, self.elapsed
        wanted, face = self._expression(now + 1), scene["face"]
        muscles = face + (wanted - face) / (1 - np.exp(-DT / FACE_TIME))
        since = now - scene["cue_step"][0]
        begin = np.where(since >= round(np.mean(REACTION) * FPS), 1.0, -1.0)
        onset = np.where((scene["onset"][0] == NOT_BEGUN) & (begin > START), now, scene["onset"][0])
        last = self._lengths[scene["gesture"][0]] - 1
        frame = np.where(onset == NOT_BEGUN, 0, np.clip(now - onset, 0, last))
        error = self._physics_of_figure.difference(
            self.scene["physics"].T, *self._tables.at(scene["gesture"][0], frame, "qpos", "qvel")
        )
        servos = np.empty((self.num_envs, NUM_SERVOS))
        for number in np.unique(scene["gesture"][0]):
            at = scene["gesture"][0] == number
            regulator = regulate(self._gestures[number])
            servos[at] = regulator.feed_forward[frame[at]] - np.einsum(
                "nij,nj->ni", regulator.gain[frame[at]], error[at]
            )
        return np.clip(np.concatenate([FACE_EFFORT * muscles, begin[None], servos.T / RESIDUAL]).T, -1, 1)

    def motion(self, states: list[dict[str, NDArray]], index: int = 0) -> Motion:
        """What the simulated figure of one environment did, from its states: a Motion at 24 fps for `write_bvh`."""
        physics = np.array([state["physics"][index] for state in states])
        qpos, _ = self._physics_of_figure.split(physics)
        return Motion(FPS, body.SKELETON, qpos[:, :3], rotations(qpos))

    def take(self, states: list[dict[str, NDArray]], index: int = 0) -> "Take":
        """The shot that one environment filmed: a full shot of the figure by a still camera, one frame per step.

        S states give S - 1 frames, one state a still."""
        from rlfilm_lib.film.framing import SUPER_35
        from rlfilm_lib.stage.take import Take, level_camera

        states = states[1:] or states
        frames, motion = len(states), self.motion(states, index)
        face = np.array([state["face"][index] for state in states])
        start, end = body.capsules(motion.root, motion.rotations, face)
        mark = np.array([0.0, 2.0, 0.0])

        def still(value: ArrayLike) -> NDArray:
            return np.broadcast_to(value, (frames, *np.shape(value)))

        return Take(
            fps=FPS,
            gate=SUPER_35,
            camera_position=still([-0.35, -2.5, 0.93]),
            camera_rotation=still(level_camera(0.07)),
            focal_length=still(30.0),
            f_stop=still(2.8),
            focus_distance=still(4.4),
            exposure=still(0.0),
            white_balance=5600.0,
            light_position=still([[-3.4, 0.0, 2.9], [2.6, -1.5, 1.9], [1.6, 6.0, 3.3]]),
            light_stops=still([0.6, -1.6, 1.0]),
            light_kelvin=still([4700.0, 5600.0, 7600.0]),
            capsule_start=start + mark,
            capsule_end=end + mark,
            capsule_radius=body.RADIUS,
            capsule_albedo=body.ALBEDO,
            capsule_name=body.CAPSULES,
            backdrop=6.0,
        )


class OneCharacter(SingleEnv, task=Character):
    """One `Character`, as `gym.make("rlfilm/Character-v0")` gives it."""


NOT_BEGUN = np.iinfo(np.int64).max // 2
"""Onset of a gesture that has not begun."""


def _checked_start(start: str) -> str:
    if start not in STARTS:
        raise unknown("start", start, STARTS)
    return start


def _checked_arc(arc: Any, seconds: float) -> list[tuple[float, float, float]]:
    try:
        table = np.array(arc, float)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] != 3 or not np.isfinite(table).all():
        raise UserError(f"arc={arc} of the brief is no arc: give (seconds, valence, arousal) points")
    if not (np.diff(table[:, 0]) > 0).all() or table[0, 0] < 0 or table[-1, 0] > seconds:
        raise UserError(f"arc={arc} of the brief is out of order: give seconds that grow, from 0 to {seconds:g}")
    if np.abs(table[:, 1:]).max() > 1:
        raise UserError(f"arc={arc} of the brief is out of range: give valence and arousal from -1 to 1")
    return [tuple(row) for row in table.tolist()]


# -- poses -------------------------------------------------------------------------------------------------------------


class Pose(NamedTuple):
    """How n bodies are and move."""

    rotations: NDArray  # (n, J, 4) of each joint relative to its parent, the root's in the world
    omega: NDArray  # (n, J, 3) rad/s, of the same, in the joint's own axes
    positions: NDArray  # (n, J, 3) m, of the joints
    ends: NDArray  # (n, 4, 3) m, of wrists and toes
    velocity: NDArray  # (n, 3) m/s, of the root
    com: NDArray  # (n, 3) m, centre of mass
    com_velocity: NDArray  # (n, 3) m/s


def rotations(qpos: NDArray) -> NDArray:
    """Joint rotations (n, J, 4) of MuJoCo's positions (n, 43)."""
    turns = np.zeros((len(qpos), len(body.NAMES), 4))
    for joint in (0, *BALLS):
        turns[:, joint] = qpos[:, _PLACES[joint] : _PLACES[joint] + 4]
    half = qpos[:, _PLACES[HINGES]] / 2
    turns[:, HINGES, 0], turns[:, HINGES, 1] = np.cos(half), np.sin(half)
    return turns


def pose_at(qpos: NDArray, qvel: NDArray) -> Pose:
    """The pose of bodies at MuJoCo's positions (n, 43) and velocities (n, 34)."""
    turns = rotations(qpos)
    omega = np.zeros((len(qpos), len(body.NAMES), 3))
    omega.reshape(len(qpos), -1)[:, TURNING] = qvel[:, 3:]
    positions, orientations = body.SKELETON.forward_kinematics(qpos[:, :3], turns)
    ends = positions[:, LIMB_ENDS] + quaternion.rotate(orientations[:, LIMB_ENDS], body.SKELETON.tips[LIMB_ENDS])
    middles = positions + quaternion.rotate(orientations, body.MIDDLES)
    com = body.MASSES @ middles
    return Pose(
        turns, omega, positions, ends, qvel[:, :3], com, _com_velocity(qvel, omega, positions, orientations, middles)
    )


def _com_velocity(
    qvel: NDArray, omega: NDArray, positions: NDArray, orientations: NDArray, middles: NDArray
) -> NDArray:
    """Velocity (n, 3) of the centre of mass: every joint turns all that hangs on it."""
    spin = quaternion.rotate(orientations, omega)
    moment = SUBTREE @ (body.MASSES[:, None] * middles) - (SUBTREE @ body.MASSES)[:, None] * positions
    return qvel[:, :3] + quaternion.cross(spin, moment).sum(axis=1)


def _subtree() -> NDArray:
    """(J, J) 1 where the second joint hangs on the first or is it."""
    hangs = np.eye(len(body.NAMES))
    for joint in reversed(range(1, len(body.NAMES))):
        hangs[body.SKELETON.parents[joint]] += hangs[joint]
    return hangs


SUBTREE = _subtree()


def imitation(pose: Pose, reference: Pose) -> NDArray:
    """The terms (4, n) pose, velocity, end_effector and centre_of_mass of Peng et al. (2018, eq. 6 to 9).

    >>> standing = Pose(*Tables([track("bow")]).at(np.array([0]), np.array([0]), *Pose._fields))
    >>> away = standing._replace(com=standing.com + [0.1, 0.0, 0.0])
    >>> imitation(away, standing)[:, 0].round(4).tolist()  # exp(-10 · 0.1²) = 0.9048
    [1.0, 1.0, 1.0, 0.9048]
    """
    apart = quaternion.angle(quaternion.multiply(quaternion.conjugate(reference.rotations), pose.rotations))
    return np.exp([
        -2 * np.sum(apart**2, axis=1),
        -0.1 * np.sum((reference.omega - pose.omega) ** 2, axis=(1, 2)),
        -40 * np.sum((reference.ends - pose.ends) ** 2, axis=(1, 2)),
        -10 * np.sum((reference.com - pose.com) ** 2, axis=1),
    ])  # fmt: skip


# -- references --------------------------------------------------------------------------------------------------------


@cache
def track(name: str) -> dict[str, NDArray]:
    """What the reward, the servos and the regulator need of a gesture, by name or path, (F, ...) at 24 fps each:
    the fields of Pose, MuJoCo's qpos and qvel, and the servos' targets `servo`."""
    motion = motions.gesture(name) if name in motions.GESTURES else motions.read(name)
    try:
        motion = motions.retarget(motion.resample(FPS), body.SKELETON, body.HINGES)
    except UserError as error:
        raise UserError(f"'{name}': {error}") from None
    if len(motion) < 2:
        raise UserError(f"'{name}' lasts {len(motion) / FPS:.2f} s; give a motion of two frames at 24 fps or more")
    root = motion.root - [*motion.root[0, :2], 0.0]
    if name in motions.GESTURES:
        root = motion.root
    turns = motion.rotations * np.where(motion.rotations[..., :1] < 0, -1, 1)
    vectors = quaternion.to_rotvec(turns)
    omega = _angular_velocity(turns)
    velocity = np.gradient(root, DT, axis=0)
    qpos = np.concatenate([
        root, *(vectors[:, k, :1] if k in HINGES else turns[:, k] for k in range(len(body.NAMES)))
    ], axis=1)  # fmt: skip
    qvel = np.concatenate([velocity, omega.reshape(len(turns), -1)[:, TURNING]], axis=1)
    qvel[[0, -1]] = 0  # it waits before, and stays after
    servo = (vectors + body.SERVO_LAG * np.gradient(vectors, DT, axis=0)).reshape(len(turns), -1)[:, DRIVEN]
    servo[[0, -1]] = vectors.reshape(len(turns), -1)[[0, -1]][:, DRIVEN]
    return {"qpos": qpos, "qvel": qvel, "servo": servo, **pose_at(qpos, qvel)._asdict()}


def _angular_velocity(turns: NDArray) -> NDArray:
    """(F, J, 3) rad/s in the joints' own axes, central differences."""
    earlier, later = (
        turns[np.maximum(np.arange(len(turns)) - 1, 0)],
        turns[np.minimum(np.arange(len(turns)) + 1, len(turns) - 1)],
    )
    apart = quaternion.to_rotvec(quaternion.multiply(quaternion.conjugate(earlier), later))
    span = np.full(len(turns), 2 * DT)
    span[[0, -1]] = DT
    return apart / span[:, None, None]


class Tables:
    """The tracks of several gestures, to look up many (gesture, frame) pairs at once."""

    def __init__(self, tracks: list[dict[str, NDArray]]):
        self.lengths = np.array([len(track["qpos"]) for track in tracks])
        self.first = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.rows = {name: np.concatenate([track[name] for track in tracks]) for name in tracks[0]}

    def at(self, gesture: NDArray, frame: NDArray, *names: str) -> list[NDArray]:
        """Arrays (n, ...) of these names."""
        row = self.first[gesture] + frame
        return [self.rows[name][row] for name in names]


# -- physics -----------------------------------------------------------------------------------------------------------


def _mujoco() -> Any:
    try:
        import mujoco
        import mujoco.rollout
    except ImportError as error:
        raise gym.error.DependencyNotInstalled(f"{error}; install it with: pip install 'rlfilm[character]'") from None
    return mujoco


class Physics:
    """MuJoCo behind arrays: bodies are rows of its full physics state (n, width), see `stage.body.mjcf`."""

    def __init__(self) -> None:
        self.mujoco = _mujoco()
        self.model = self.mujoco.MjModel.from_xml_string(body.mjcf())
        self.data = self.mujoco.MjData(self.model)
        self.width = self.mujoco.mj_stateSize(self.model, self.mujoco.mjtState.mjSTATE_FULLPHYSICS)
        assert (self.model.nq, self.model.nv, self.width) == (NQ, NV, 1 + NQ + NV)
        self._rollout = self.mujoco.rollout.Rollout(nthread=0)

    def state(self, qpos: NDArray, qvel: NDArray) -> NDArray:
        """States (width, n) at time 0."""
        return np.concatenate([np.zeros((len(qpos), 1)), qpos, qvel], axis=1).T

    def split(self, states: NDArray) -> tuple[NDArray, NDArray]:
        """Positions (n, 43) and velocities (n, 34) of states (n, width)."""
        return states[:, 1 : 1 + NQ], states[:, 1 + NQ :]

    def step(self, states: NDArray, targets: NDArray) -> NDArray:
        """States (n, width) one step later, the servos driven to targets (n, 28)."""
        control = np.repeat(targets[:, None], SUBSTEPS, axis=1)
        after, _ = self._rollout.rollout(self.model, self.data, np.ascontiguousarray(states), control)
        return after[:, -1]

    def difference(self, states: NDArray, qpos: NDArray, qvel: NDArray) -> NDArray:
        """How far states (n, width) are from reference positions and velocities: (n, 68), in MuJoCo's tangent space."""
        position, velocity = self.split(states)
        apart = quaternion.to_rotvec(quaternion.multiply(quaternion.conjugate(rotations(qpos)), rotations(position)))
        turned = apart.reshape(len(qpos), -1)[:, TURNING]
        return np.concatenate([position[:, :3] - qpos[:, :3], turned, velocity - qvel], axis=1)


class Regulator(NamedTuple):
    """Servo offsets = feed_forward[frame] - gain[frame] @ difference."""

    gain: NDArray  # (F, 28, 68)
    feed_forward: NDArray  # (F, 28) rad


@cache
def regulate(name: str) -> Regulator:
    """The finite-horizon linear-quadratic regulator about a gesture, by name or path.

    About every frame of the reference the physics is linear: the difference from it becomes A · difference + B ·
    offsets + drift, with A and B by finite differences and the drift, what happens without offsets, by simulation. The
    offsets that cost least from there on follow backwards from the last frame (Bertsekas 2017, section 3.1), where the
    body stays.

    A linear model holds while the same contacts bear the body. For a gesture that sits down, the regulator is that of
    standing until it begins, and the servos alone do the rest.
    """
    physics, reference = Physics(), track(name)
    frames = len(reference["qpos"])
    sits = reference["qpos"][:, 2].min() < SITTING
    last = 0 if sits else frames - 1
    qpos = reference["qpos"] - np.eye(NQ)[2] * _sinking(physics, reference["qpos"][0])
    cost = np.diag(np.concatenate([ROOT_COST, np.full(NUM_SERVOS, JOINT_COST), np.full(NV, SPEED_COST)]))
    effort = EFFORT * np.eye(NUM_SERVOS)
    gain, feed_forward = np.zeros((frames, NUM_SERVOS, 2 * NV)), np.zeros((frames, NUM_SERVOS))
    value, slope = cost, np.zeros(2 * NV)
    for frame in (*[last] * SETTLING, *reversed(range(last))):
        following = min(frame + 1, last)
        if frame < last or value is cost:
            a, b, drift = _linearised(physics, qpos, reference["qvel"], reference["servo"], frame, following)
        curvature = effort + b.T @ value @ b
        gain[frame] = np.linalg.solve(curvature, b.T @ value @ a)
        feed_forward[frame] = -np.linalg.solve(curvature, b.T @ (value @ drift + slope))
        closed = a - b @ gain[frame]
        slope = DISCOUNT * closed.T @ (value @ drift + slope)
        value = cost + DISCOUNT * a.T @ value @ closed
        value = (value + value.T) / 2
    return Regulator(gain, feed_forward)


ROOT_COST = np.array([300.0, 300.0, 100.0, 60.0, 60.0, 15.0])  # per m² and rad²
JOINT_COST, SPEED_COST, EFFORT = 3.0, 0.05, 5.0  # per rad², (rad/s)² and (m/s)², and rad² of the servos' offsets
DISCOUNT = 0.97  # of the cost per step: the further ahead, the less the linear model is worth
SETTLING = 120  # steps on the last frame
SITTING = 0.7  # m, height of the hips


def _sinking(physics: Physics, qpos: NDArray) -> float:
    """How deep, in metres, the feet press into the floor where it bears the body."""
    mujoco, model, data = physics.mujoco, physics.model, physics.data
    depths = np.linspace(0, 0.006, 61)
    for depth in depths:
        mujoco.mj_resetData(model, data)
        data.qpos[:] = qpos - np.eye(NQ)[2] * depth
        mujoco.mj_forward(model, data)
        if data.qfrc_constraint[2] >= body.MASS * 9.81:
            break
    return float(depth)


def _linearised(
    physics: Physics, qpos: NDArray, qvel: NDArray, servo: NDArray, frame: int, following: int
) -> tuple[NDArray, NDArray, NDArray]:
    """A (68, 68), B (68, 28) and drift (68,) of a step from one frame to the following."""
    mujoco, model, data = physics.mujoco, physics.model, physics.data
    mujoco.mj_resetData(model, data)
    data.qpos[:], data.qvel[:], data.ctrl[:] = qpos[frame], qvel[frame], servo[following]
    a, b = np.empty((2 * NV, 2 * NV)), np.empty((2 * NV, NUM_SERVOS))
    mujoco.mjd_transitionFD(model, data, 1e-6, True, a, b, None, None)
    through, driven = np.eye(2 * NV), np.zeros_like(b)
    for _ in range(SUBSTEPS):
        driven += through @ b
        through = a @ through
    after = physics.step(physics.state(qpos[frame, None], qvel[frame, None]).T, servo[None, following])
    return through, driven, physics.difference(after, qpos[following, None], qvel[following, None])[0]
