"""Character-v0 against MuJoCo itself, its reward by hand, its briefs, its expert, and the files it gives."""

import sys

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("mujoco")

import mujoco

from rlfilm_lib.envs import character as task
from rlfilm_lib.envs.batch import BatchEnv
from rlfilm_lib.envs.character import Character
from rlfilm_lib.errors import UserError
from rlfilm_lib.media import motion as motions
from rlfilm_lib.media import quaternion
from rlfilm_lib.media.motion import GESTURES
from rlfilm_lib.rl.environment import make_vec
from rlfilm_lib.stage import body, figure

ID = "rlfilm/Character-v0"
SEED = 7
ALL_CONTROLS = pytest.mark.parametrize("controls", [3, 4, 32])
PAPER = np.array([0.65, 0.1, 0.15, 0.1])


def make(num_envs: int = 3, **kwargs) -> BatchEnv:
    return gym.make_vec(ID, num_envs=num_envs, **kwargs)


def wild(env: BatchEnv, steps: int, size: float = 1.0) -> np.ndarray:
    """Actions (T, N, controls); under these, with controls=32, some figures fall and some takes end."""
    return size * np.random.default_rng(0).uniform(-1, 1, (steps, *env.action_space.shape)).astype(np.float32)


def random_states(n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    turns = rng.normal(size=(n, len(body.NAMES), 4))
    turns /= np.linalg.norm(turns, axis=-1, keepdims=True)
    qpos = [rng.normal(size=(n, 3))]
    for joint in range(len(body.NAMES)):
        qpos.append(rng.uniform(-1, 1, (n, 1)) if joint in task.HINGES else turns[:, joint])
    return np.concatenate(qpos, axis=1), rng.normal(size=(n, task.NV))


# The body


def test_kinematics_are_mujocos():
    """Joints, limbs' ends, centre of mass and its velocity as MuJoCo has them, in random poses at random speeds."""
    physics = task.Physics()
    model, data = physics.model, physics.data
    qpos, qvel = random_states()
    ours = task.pose_at(qpos, qvel)
    assert [model.joint(k).name for k in range(model.njnt)] == list(body.NAMES)
    for k in range(len(qpos)):
        data.qpos[:], data.qvel[:] = qpos[k], qvel[k]
        mujoco.mj_forward(model, data)
        mujoco.mj_subtreeVel(model, data)
        np.testing.assert_allclose(ours.positions[k], data.xpos[1:], atol=1e-9)
        np.testing.assert_allclose(ours.com[k], data.subtree_com[0], atol=1e-9)
        np.testing.assert_allclose(ours.com_velocity[k], data.subtree_linvel[0], atol=1e-9)


def test_the_body_is_a_person():
    model = task.Physics().model
    assert model.body_mass.sum() == pytest.approx(body.MASS)
    assert (model.nv, model.nu) == (34, 28)
    positions, _ = body.SKELETON.forward_kinematics([0, 0, 0.92], quaternion.IDENTITY + np.zeros((13, 4)))
    head = positions[task.NECK] + body.SKELETON.tips[task.NECK]
    assert head[2] == pytest.approx(figure.STATURE)


def test_a_step_is_five_of_mujocos():
    """From a cold start, under the servos' targets."""
    physics, other = task.Physics(), mujoco.MjData(task.Physics().model)
    track = task.track("walk")
    states = physics.state(track["qpos"][[0, 20]], track["qvel"][[0, 20]]).T
    after = physics.step(states, track["servo"][[1, 21]])
    for k, frame in enumerate((0, 20)):
        mujoco.mj_resetData(physics.model, other)
        other.qpos[:], other.qvel[:], other.ctrl[:] = (
            track["qpos"][frame],
            track["qvel"][frame],
            track["servo"][frame + 1],
        )
        for _ in range(5):
            mujoco.mj_step(physics.model, other)
        np.testing.assert_array_equal(after[k], np.concatenate([[other.time], other.qpos, other.qvel]))


def test_difference_is_mujocos():
    physics = task.Physics()
    qpos, qvel = random_states(2)
    expected = np.empty(task.NV)
    mujoco.mj_differentiatePos(physics.model, expected, 1.0, qpos[0], qpos[1])
    ours = physics.difference(physics.state(qpos[1:], qvel[1:]).T, qpos[:1], qvel[:1])[0]
    np.testing.assert_allclose(ours, np.concatenate([expected, qvel[1] - qvel[0]]), atol=1e-9)


# The reference and the reward


@pytest.mark.parametrize("name", GESTURES)
def test_the_reference_moves_as_its_velocities_say(name):
    """One frame along qvel leads from frame k-1 to k+1 at half the pace: central differences, by MuJoCo's own step."""
    model, track = task.Physics().model, task.track(name)
    for k in range(3, len(track["qpos"]) - 3, 9):
        moved = track["qpos"][k - 1].copy()
        mujoco.mj_integratePos(model, moved, track["qvel"][k], 2 / 24)
        turned = task.rotations(moved[None])[0]
        apart = quaternion.angle(quaternion.multiply(quaternion.conjugate(track["rotations"][k + 1]), turned))
        assert apart.max() < 1e-6 and np.abs(moved[:3] - track["qpos"][k + 1, :3]).max() < 1e-9


def test_imitation_by_hand():
    """Peng et al. (2018): an elbow off by 0.1 rad, turning 2 rad/s too fast."""
    track = task.track("bow")
    qpos, qvel = track["qpos"][:1].copy(), track["qvel"][:1].copy()
    reference = task.pose_at(qpos, qvel)
    np.testing.assert_array_equal(task.imitation(reference, reference), np.ones((4, 1)))
    elbow = body.NAMES.index("LeftForeArm")
    moved = qpos.copy()
    moved[0, task._PLACES[elbow]] += 0.1
    faster = qvel.copy()
    faster[0, 6 + np.flatnonzero(task.DRIVEN == 3 * elbow)[0]] += 2
    pose, velocity, ends, com = task.imitation(task.pose_at(moved, faster), reference)[:, 0]
    assert pose == pytest.approx(np.exp(-2 * 0.1**2))
    assert velocity == pytest.approx(np.exp(-0.1 * 2**2))
    chord = 2 * figure.FOREARM * np.sin(0.05)
    assert ends == pytest.approx(np.exp(-40 * chord**2))
    forearm = body.MIDDLES[elbow, 2] * 2 * np.sin(0.05) * 0.022
    assert com == pytest.approx(np.exp(-10 * forearm**2))
    assert dict(list(Character.weights.items())[:4]) == {
        "pose": 0.65, "velocity": 0.1, "end_effector": 0.15, "centre_of_mass": 0.1
    }  # fmt: skip


def test_the_reference_played_earns_all():
    env = make(5)
    env.reset(seed=SEED)
    reference = env._reference(env.scene["gesture"][0], env._frame(env.elapsed))
    np.testing.assert_allclose(task.imitation(env._pose(), reference), 1.0)


@pytest.mark.parametrize(
    ("delay", "worth"), [(-3, 0.0), (0, 0.0), (3, 0.0), (4, 1.0), (9, 1.0), (12, 1 - 0.1 / 0.6), (18, 1 - 0.35 / 0.6)]
)
def test_reaction(delay, worth):
    """Begun `delay` steps of 1/24 s after the cue: a guess, in time, late."""
    env = make(1, controls=4, start="top")
    env.reset(seed=SEED)
    cue = int(env.scene["cue_step"][0, 0])
    action = np.zeros((1, 4), np.float32)
    for step in range(cue + delay + 6):
        action[0, 3] = step == cue + delay
        reaction = env.step(action)[4]["reward_terms"]["reaction"][0]
        if step < min(cue + delay, cue + 9):
            assert reaction == 1.0  # waiting is right until it is late
    assert env.scene["onset"][0, 0] == cue + delay
    assert reaction == pytest.approx(worth)


def test_who_never_begins_is_prompted():
    env = make(1, controls=4, start="top")
    env.reset(seed=SEED)
    cue = int(env.scene["cue_step"][0, 0])
    for _ in range(cue + 30):
        *_, info = env.step(np.full((1, 4), -1, np.float32))
    assert env.scene["onset"][0, 0] == cue + 24 and info["reward_terms"]["reaction"][0] == 0


def test_the_cue_shows_when_it_arrives():
    env = make(1, controls=4, start="top", brief={"cue": "touch"})
    observations, _ = env.reset(seed=SEED)
    cue = int(env.scene["cue_step"][0, 0])
    assert 10 <= cue <= 24
    first = int(np.cumsum([0, *task.OBSERVATION.values()])[list(task.OBSERVATION).index("cue")])
    for step in range(cue + 2):
        assert observations[0, first : first + 3].tolist() == [0, 0, 2.0 * (step >= cue)]
        observations = env.step(np.zeros((1, 4), np.float32))[0]


def test_the_face_follows_its_arc():
    """Blend weights by the documented mapping; muscles of the first order, and no faster than their limit."""
    env = make(1, controls=3, start="top", brief={"arc": [(0, 0.5, -0.25), (5, 0.5, -0.25)]})
    env.reset(seed=SEED)
    np.testing.assert_allclose(env.scene["face"][:, 0], [0.6 * 0.5 - 0.4 * 0.25, -0.25, 0.5])
    before = env.scene["face"][:, 0].copy()
    *_, info = env.step(np.array([[0.075, -1.0, 0.125]], np.float32))
    share = 1 - np.exp(-(1 / 24) / 0.12)
    moved = np.clip((np.float32([0.3, -1, 0.5]) - before) * share, -4 / 24, 4 / 24)
    np.testing.assert_allclose(env.scene["face"][:, 0], before + moved, rtol=1e-6)
    assert info["reward_terms"]["expression"][0] == pytest.approx(np.exp(-np.mean(moved**2) / (2 * 0.25**2)))


def test_random_states_begin_within_the_gesture():
    anywhere, top = make(200), make(200, start="top")
    anywhere.reset(seed=0), top.reset(seed=0)
    middle = anywhere.scene["onset"][0] <= 0
    assert 0.35 < middle.mean() < 0.65 and (top.scene["onset"][0] == task.NOT_BEGUN).all()
    assert len(np.unique(anywhere._frame(anywhere.elapsed)[middle])) > 30
    assert (np.abs(anywhere.scene["physics"][1 + task.NQ :, middle]).max(axis=0) > 0.1).mean() > 0.6  # in motion
    assert (anywhere._reaction(anywhere.elapsed) == 1).all()


# Gymnasium


# Briefs


@pytest.mark.parametrize(
    ("brief", "message"),
    [
        ({"gestur": "bow"}, "unknown entry of the brief 'gestur'; did you mean 'gesture'?"),
        ({"gesture": "bows"}, "unknown gesture 'bows'; did you mean 'bow'?"),
        ({"gesture": "none.bvh"}, "cannot read 'none.bvh'"),
        ({"cue": "smell"}, "unknown cue 'smell'"),
        ({"arc": [(0, 1)]}, "is no arc: give (seconds, valence, arousal) points"),
        ({"arc": [(0, 0, 0), (0, 1, 1)]}, "is out of order: give seconds that grow, from 0 to 5"),
        ({"arc": [(0, 0, 2)]}, "is out of range: give valence and arousal from -1 to 1"),
    ],
)
def test_a_brief_that_makes_no_sense(brief, message):
    with pytest.raises(UserError) as error:
        make(brief=brief)
    assert message in str(error.value) and "\n" not in str(error.value)
    env = make()
    with pytest.raises(UserError):
        env.reset(seed=0, options={"brief": brief})


def test_other_mistakes():
    with pytest.raises(UserError, match="unknown start 'middle'"):
        make(start="middle")


def test_without_mujoco_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(UserError, match=r"needs a package that is not installed: .*pip install 'rlfilm\[character\]'"):
        make_vec(ID)


def test_a_brief_is_kept_by_all_episodes():
    env = make(4, brief={"gesture": "point", "cue": "look"})
    env.reset(seed=0)
    for action in wild(env, 40):
        env.step(action)
    assert (env._episode > 1).any()
    assert (env.scene["gesture"] == GESTURES.index("point")).all() and (env.scene["cue"] == 1).all()
    assert env.metadata["yardsticks"] == {} and Character.metadata["yardsticks"]


def test_a_gesture_from_a_file(tmp_path):
    path = motions.write_bvh(tmp_path / "mine.bvh", motions.gesture("point").resample(60))
    env = make(1, start="top", brief={"gesture": path})
    env.reset(seed=0)
    np.testing.assert_allclose(task.track(str(path))["qpos"][:, 7:], task.track("point")["qpos"][:, 7:], atol=5e-3)
    short = motions.write_bvh(tmp_path / "short.bvh", motions.gesture("point")[:1])
    with pytest.raises(UserError, match=r"short.bvh' lasts 0.04 s; give a motion of two frames"):
        make(brief={"gesture": short})


# The expert, films and files


@pytest.fixture(scope="module")
def performances():
    """Per gesture the states and the terms (T, 6) of the expert's take from the top."""
    env, performances = make(1, start="top"), {}
    for name in GESTURES:
        env.reset(seed=SEED, options={"brief": {"gesture": name}})
        expert, states, terms = env.expert_policy(), [env.state()], []
        for _ in range(env.episode_steps):
            *_, terminated, _, term = env.advance(expert(env._observe()))
            states.append(env.state())
            terms.append(term[:, 0])
            assert not terminated[0], f"the expert falls in {name}"
        performances[name] = states, np.array(terms)
    return env, performances


@pytest.mark.parametrize(
    ("name", "least"), [("bow", 0.98), ("wave", 0.96), ("point", 0.98), ("walk", 0.97), ("sit", 0.93)]
)
def test_the_expert_imitates_under_physics(performances, name, least):
    _, terms = performances[1][name]
    assert (terms[:, :4] @ PAPER).mean() > least
    assert terms[:, 4].mean() > 0.98 and terms[:, 5].min() == 1


def test_without_balance_the_figure_falls():
    """The servos alone, towards the reference: the gap that learning has to close."""
    env = make(1, start="top", brief={"gesture": "point"})
    env.reset(seed=SEED)
    fell = [bool(env.advance(np.zeros((1, 32), np.float32))[2][0]) for _ in range(80)]
    assert 20 < fell.index(True) < 80


def test_the_motion_goes_out_as_bvh(performances, tmp_path):
    """The simulated joints, written and read back, are where the simulation had them."""
    env, takes = performances
    states, _ = takes["wave"]
    motion = env.motion(states)
    assert motion.fps == 24 and len(motion) == 121 and motion.skeleton.names == body.NAMES
    again = motions.read_bvh(motions.write_bvh(tmp_path / "wave.bvh", motion))
    positions, _ = again.forward_kinematics()
    env.restore(states[60])
    np.testing.assert_allclose(positions[60], env._pose().positions[0], atol=1e-5)


def test_the_take_shows_the_simulation(performances):
    env, takes = performances
    states, _ = takes["point"]
    take = env.take(states)
    assert len(take) == 120 and take.fps == 24 and take.capsule_name == body.CAPSULES
    assert len(env.take(states[:1])) == 1
    env.restore(states[40])
    wrist = env._pose().ends[0, 1] + [0, 2, 0]
    np.testing.assert_allclose(take.capsule_end[39, body.CAPSULES.index("right forearm")], wrist, atol=1e-9)
    lowest = (np.minimum(take.capsule_start, take.capsule_end)[..., 2] - take.capsule_radius).min()
    assert lowest > -0.02
    eyes = take.capsule_start[:, body.CAPSULES.index("left eye")] - take.camera_position
    right, up, forward = np.einsum("fij,fj->if", take.camera_rotation, eyes)
    assert (np.abs(right / forward) * 30 < 12).all() and (np.abs(up / forward) * 30 < 7).all()


def test_the_face_shows_its_blend_weights():
    def shown(weight: float) -> dict[str, np.ndarray]:
        upright = quaternion.IDENTITY + np.zeros((1, len(body.NAMES), 4))
        _, end = body.capsules(np.zeros((1, 3)), upright, np.full((1, 3), weight))
        return dict(zip(body.CAPSULES, end[0], strict=True))

    neutral, happy, sad = shown(0), shown(1), shown(-1)
    for part in ("left brow", "right brow", "left eyelid", "right eyelid", "left lip", "right lip"):
        assert sad[part][2] < neutral[part][2] < happy[part][2]
    np.testing.assert_array_equal(happy["nose"], neutral["nose"])


def test_yardsticks_are_in_order():
    for controls, yardstick in Character.metadata["yardsticks"].items():
        assert 0 < yardstick["random"] < yardstick["expert"] <= 120 * sum(Character.weights.values()), controls
