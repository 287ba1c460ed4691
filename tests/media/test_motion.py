"""Motion files against values by hand, each other, and real files of CMU and DeepMimic."""

import json
from pathlib import Path

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import motion as motions
from rlfilm_lib.media import quaternion
from rlfilm_lib.media.motion import (
    CMU_UNIT,
    GESTURES,
    Motion,
    Skeleton,
    gesture,
    read_bvh,
    read_humanoid,
    retarget,
    write_bvh,
)
from rlfilm_lib.stage import body

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "motion"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real motion files are not here")

ARM = """HIERARCHY
ROOT Base
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Yrotation Xrotation Zrotation
  JOINT Elbow
  {
    OFFSET 2 0 0
    CHANNELS 1 Zrotation
    End Site
    {
      OFFSET 1 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
1 2 3 0 0 0 0
1 2 3 90 0 0 90
"""


def angle_between(a, b):
    return quaternion.angle(quaternion.multiply(quaternion.conjugate(a), b))


def save(folder: Path, text: str, name: str = "arm.bvh") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_bvh_by_hand(tmp_path):
    arm = read_bvh(save(tmp_path, ARM), unit=0.5)
    assert (arm.fps, arm.skeleton.names, arm.skeleton.parents) == (25.0, ("Base", "Elbow"), (-1, 0))
    position, orientation = arm.forward_kinematics()
    tip = position[:, 1] + quaternion.rotate(orientation[:, 1], arm.skeleton.tips[1])
    # in the file: base (1, 2, 3), elbow 2 along x, then turned 90° about y: 2 along -z; the tip goes up, 1 along y
    np.testing.assert_allclose(
        position, [[[0.5, -1.5, 1], [1.5, -1.5, 1]], [[0.5, -1.5, 1], [0.5, -0.5, 1]]], atol=1e-9
    )
    np.testing.assert_allclose(tip, [[2.0, -1.5, 1], [0.5, -0.5, 1.5]], atol=1e-9)
    upright = read_bvh(tmp_path / "arm.bvh", up="z")
    np.testing.assert_allclose(upright.root, [[1, 2, 3]] * 2)


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_any_order_of_channels(tmp_path, order):
    """The same rotation, written with its angles in this order, is read as the same."""
    turn = quaternion.from_rotvec([0.4, -0.7, 0.9])
    axes = ["XYZ".index(letter) for letter in order]
    np.testing.assert_allclose(quaternion.from_euler(axes, quaternion.to_euler(axes, turn)), turn, atol=1e-12)
    angles = " ".join(f"{a:.9f}" for a in np.degrees(quaternion.to_euler(axes, turn)))
    named = " ".join(f"{letter}rotation" for letter in order)
    text = ARM.replace("Yrotation Xrotation Zrotation", named).replace("90 0 0 90", f"{angles} 0")
    read = read_bvh(save(tmp_path, text), up="z")
    assert angle_between(read.rotations[1, 0], turn) < 1e-9


def test_euler_angles_at_the_lock():
    for sign in (1, -1):
        turn = quaternion.from_euler((2, 0, 1), [0.3, sign * np.pi / 2, 0.5])
        again = quaternion.from_euler((2, 0, 1), quaternion.to_euler((2, 0, 1), turn))
        assert angle_between(turn, again) < 1e-6


def test_positions_below_the_root_replace_the_offset(tmp_path):
    six = ARM.replace("CHANNELS 1 Zrotation", "CHANNELS 4 Zrotation Xposition Yposition Zposition")
    still = six.replace("0 0 0 0\n", "0 0 0 0 3 0 0\n").replace("90 0 0 90", "90 0 0 90 3 0 0")
    assert read_bvh(save(tmp_path, still), up="z").skeleton.offsets[1].tolist() == [3, 0, 0]
    moving = still.replace("90 3 0 0", "90 4 0 0")
    with pytest.raises(UserError, match="moves joint 'Elbow' along its bone; export it with rotations only"):
        read_bvh(save(tmp_path, moving))


@pytest.mark.parametrize("up", ["y", "z"])
def test_round_trip(tmp_path, up):
    rng = np.random.default_rng(0)
    turns = rng.normal(size=(20, len(body.NAMES), 4))
    original = Motion(
        30, body.SKELETON, rng.normal(size=(20, 3)), turns / np.linalg.norm(turns, axis=-1, keepdims=True)
    )
    again = read_bvh(write_bvh(tmp_path / "random.bvh", original, unit=0.01, up=up), unit=0.01, up=up)
    assert again.fps == 30 and again.skeleton.names == body.NAMES and again.skeleton.parents == body.SKELETON.parents
    for ours, theirs in ((again.skeleton.offsets, body.SKELETON.offsets), (again.skeleton.tips, body.SKELETON.tips)):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(again.root, original.root, atol=1e-6)
    assert angle_between(again.rotations, original.rotations).max() < 1e-6
    np.testing.assert_allclose(again.forward_kinematics()[0], original.forward_kinematics()[0], atol=1e-6)


def test_resample_keeps_the_motion():
    wave = gesture("wave")
    np.testing.assert_allclose(wave.resample(24).rotations, wave.rotations, atol=1e-12)
    finer = wave.resample(120)
    np.testing.assert_allclose(finer.root[::5], wave.root, atol=1e-12)
    assert angle_between(finer.rotations[::5], wave.rotations).max() < 1e-9
    halfway = angle_between(wave.resample(48).rotations[1::2], wave.rotations[:-1])
    np.testing.assert_allclose(halfway * 2, angle_between(wave.rotations[1:], wave.rotations[:-1]), atol=1e-9)
    with pytest.raises(UserError, match="fps=0"):
        wave.resample(0)


@pytest.mark.parametrize("name", GESTURES)
def test_gestures_could_be_a_persons(name):
    """Human time and speed, feet on the floor, balanced where they stand, from the common pose and back."""
    motion = gesture(name)
    assert motion.fps == 24 and 2 < len(motion) / 24 < 4.5 and motion.skeleton.names == body.NAMES
    position, orientation = motion.forward_kinematics()
    feet = position[:, [body.NAMES.index("LeftFoot"), body.NAMES.index("RightFoot")]]
    assert feet[..., 2].min() > 0.07 and np.ptp(feet[..., :2], axis=0).max() < 1e-3
    speed = angle_between(motion.rotations[1:], motion.rotations[:-1]) * 24
    assert speed.max() < 6 and np.abs(np.diff(motion.root, n=2, axis=0) * 24**2).max() < 9.81
    com = body.centre_of_mass(position, orientation)
    standing = position[:, 0, 2] > 0.75
    assert ((com[:, 1] > -0.14) & (com[:, 1] < 0.045))[standing].all()
    start = gesture("bow")
    assert angle_between(motion.rotations[0], start.rotations[0]).max() < 0.02
    back = position[-1, 0, 2]
    assert back == pytest.approx(body.SEAT + 0.09, abs=0.01) if name == "sit" else back == pytest.approx(0.91, abs=0.01)


def test_unknown_gesture():
    with pytest.raises(UserError, match="unknown gesture 'wav'; did you mean 'wave'"):
        gesture("wav")


# Bad files: each one line that names file, line and remedy.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace("HIERARCHY", "HUMANOID"), "line 1, does not start with HIERARCHY; give a BVH file"),
        (lambda t: t[: t.index("    End Site")], "line 9, ends too early; copy or export the whole file again"),
        (lambda t: t[: t.rindex("1 2 3")], "line 19, ends too early"),
        (lambda t: t.replace("90 0 0 90", "90 0 0"), "line 20, has 6 numbers for frame 2 of 2; its channels ask for 7"),
        (lambda t: t.replace("90 0 0 90", "90 0 O 90"), "line 20, has 'O' where a number belongs"),
        (lambda t: t.replace("90 0 0 90", "90 0 nan 90"), "line 20, has a number that is not finite"),
        (lambda t: t.replace("CHANNELS 1", "CHANNELS 2"), "line 9, has the channels '2 Zrotation'"),
        (lambda t: t.replace("1 Zrotation", "1 Wrotation"), "line 9, has the channels '1 Wrotation'"),
        (lambda t: t.replace("OFFSET 2 0 0", "OFFSET 2 0"), "line 8, has 2 numbers for OFFSET"),
        (lambda t: t.replace("JOINT Elbow", "JOINT Base"), "line 6, has a joint named 'Base' twice"),
        (lambda t: t.replace("Frames: 2", "Frames: 0"), "has 0 frames; export at least one"),
        (lambda t: t.replace("Frames: 2", "Frames: two"), "line 17, has 'two' where a number belongs"),
        (lambda t: t.replace("0.04", "0"), "line 18, has a frame time of 0 s"),
        (lambda t: t.replace("MOTION", "ROOT Other"), "line 16, holds a second skeleton; export one skeleton alone"),
    ],
)
def test_a_bad_bvh_is_refused_in_one_line(tmp_path, change, message):
    path = save(tmp_path, change(ARM))
    with pytest.raises(UserError) as error:
        read_bvh(path)
    assert message in str(error.value) and "arm.bvh" in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_no_text_or_not_there(tmp_path):
    with pytest.raises(UserError, match="cannot read '.*none.bvh': No such file"):
        motions.read(tmp_path / "none.bvh")
    (tmp_path / "binary.bvh").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UserError, match="is not a text file"):
        motions.read(tmp_path / "binary.bvh")
    with pytest.raises(UserError, match="is not named as a motion"):
        motions.read(tmp_path / "dance.fbx")
    with pytest.raises(UserError, match="cannot write .*; give a folder that exists"):
        write_bvh(tmp_path / "nowhere" / "bow.bvh", gesture("bow"))


# The humanoid of DeepMimic.


def standing_clip(rows: int = 3) -> list[list[float]]:
    """A humanoid that moves 0.1 m forward per frame, its right knee bent by half a right angle."""
    unit = [1.0, 0.0, 0.0, 0.0]
    joints = [*unit, *unit, *unit, -np.pi / 4, *unit, *unit, 0.0, *unit, 0.0, *unit, *unit, 0.0]
    return [[0.05, 0.1 * k, 0.86, 0.0, *unit, *joints] for k in range(rows)]


def save_clip(folder: Path, frames: list) -> Path:
    text = '{"Loop": "wrap",\n"Frames":\n[\n' + ",\n".join(json.dumps(frame) for frame in frames) + "\n]\n}"
    return save(folder, text, "clip.txt")


def test_a_humanoid_by_hand(tmp_path):
    clip = read_humanoid(save_clip(tmp_path, standing_clip()))
    assert clip.fps == 20 and len(clip) == 3
    position, _ = clip.forward_kinematics()
    joint = {name: position[2, k] for k, name in enumerate(clip.skeleton.names)}
    np.testing.assert_allclose(joint["root"], [0, -0.2, 0.86], atol=1e-9)  # forward is towards the camera
    np.testing.assert_allclose(joint["right_hip"], [-0.084887, -0.2, 0.86], atol=1e-9)
    knee = 0.86 - 0.421546
    np.testing.assert_allclose(joint["right_knee"], [-0.084887, -0.2, knee], atol=1e-9)
    bent = 0.40987 * np.sqrt(0.5)
    np.testing.assert_allclose(joint["right_ankle"], [-0.084887, -0.2 + bent, knee - bent], atol=1e-6)


def test_uneven_frames_become_even(tmp_path):
    frames = standing_clip(4)
    for frame, seconds in zip(frames, (0.1, 0.05, 0.15, 0.0), strict=True):
        frame[0] = seconds
    clip = read_humanoid(save_clip(tmp_path, frames))
    np.testing.assert_allclose(clip.fps, 10)
    np.testing.assert_allclose(clip.root[:, 1], [0, -0.1, -0.2 - 0.1 / 3, -0.3], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [*rows[:2], rows[2][:36]], "line 6, has 36 numbers; a frame of the DeepMimic humanoid has 44"),
        (lambda rows: [rows[0], [*rows[1][:9], "x", *rows[1][10:]]], "line 5, has 'x' where a number belongs"),
        (
            lambda rows: [rows[0], [*rows[1][:9], float("nan"), *rows[1][10:]]],
            "line 5, has a number that is not finite",
        ),
        (lambda rows: [[*rows[0][:4], 0.1, *rows[0][5:]]], "rotation of joint 'root' of no length"),
        (lambda rows: [[0.0, *rows[0][1:]], rows[1]], "has a frame of 0 s"),
        (lambda rows: [], 'has no "Frames"'),
    ],
)
def test_a_bad_humanoid_clip_is_refused_in_one_line(tmp_path, change, message):
    with pytest.raises(UserError) as error:
        read_humanoid(save_clip(tmp_path, change(standing_clip())))
    assert message in str(error.value) and "clip.txt" in str(error.value) and "\n" not in str(error.value)


def test_a_truncated_humanoid_clip(tmp_path):
    text = save_clip(tmp_path, standing_clip()).read_text()
    with pytest.raises(UserError, match="ends too early; copy the whole file again"):
        read_humanoid(save(tmp_path, text[:-60], "clip.txt"))


# From one skeleton to another.


def test_retarget_onto_itself_changes_nothing():
    for name in GESTURES:
        original = gesture(name)
        again = retarget(original, body.SKELETON, body.HINGES)
        assert angle_between(again.rotations, original.rotations).max() < 1e-5
        np.testing.assert_allclose(again.root, original.root, atol=1e-5)


def test_retarget_keeps_the_directions_of_the_limbs(tmp_path):
    clip = read_humanoid(save_clip(tmp_path, standing_clip()))
    ours = retarget(clip, body.SKELETON, body.HINGES)
    position, _ = ours.forward_kinematics()
    shank = position[0, body.NAMES.index("RightFoot")] - position[0, body.NAMES.index("RightLeg")]
    np.testing.assert_allclose(shank / np.linalg.norm(shank), [0, np.sqrt(0.5), -np.sqrt(0.5)], atol=1e-6)
    assert position[..., 2].min() == pytest.approx(-body.SKELETON.tips[body.NAMES.index("LeftFoot"), 2])


def test_another_skeleton_is_refused(tmp_path):
    with pytest.raises(UserError, match="no joint Hips or root or pelvis or hip, Chest or"):
        retarget(read_bvh(save(tmp_path, ARM)), body.SKELETON)
    with pytest.raises(ValueError, match="joints must stand after their parents"):
        Skeleton(("a", "b"), (1, -1), np.zeros((2, 3)), np.zeros((2, 3)))


@real
def test_a_real_bvh_of_cmu(tmp_path):
    clip = read_bvh(DATA / "cmu_01_01.bvh", unit=CMU_UNIT)
    assert (len(clip), round(clip.fps, 2), len(clip.skeleton.names)) == (2752, 120.0, 31)
    position, _ = clip.forward_kinematics()
    assert 1.3 < position[0, :, 2].max() < 1.8  # a grown man, upright
    short = clip[:50]
    again = read_bvh(write_bvh(tmp_path / "again.bvh", short), up="y")
    np.testing.assert_allclose(again.forward_kinematics()[0], short.forward_kinematics()[0], atol=1e-5)

    ours = retarget(clip[::5], body.SKELETON, body.HINGES)
    position, _ = ours.forward_kinematics()
    theirs, _ = clip[::5].forward_kinematics()
    for our_joint, our_end, their_joint, their_end in (
        ("LeftArm", "LeftForeArm", "LeftArm", "LeftForeArm"), ("RightUpLeg", "RightLeg", "RightUpLeg", "RightLeg"),
        ("RightLeg", "RightFoot", "RightLeg", "RightFoot"),
    ):  # fmt: skip
        bone = position[:, body.NAMES.index(our_end)] - position[:, body.NAMES.index(our_joint)]
        names = clip.skeleton.names
        model = theirs[:, names.index(their_end)] - theirs[:, names.index(their_joint)]
        cosine = np.sum(bone * model, -1) / np.linalg.norm(bone, axis=-1) / np.linalg.norm(model, axis=-1)
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 6


@real
@pytest.mark.parametrize("name", ["walk", "run", "kick", "dance_a", "backflip"])
def test_real_humanoid_clips(name):
    clip = motions.read(DATA / f"humanoid3d_{name}.txt")
    assert 15 < clip.fps < 61 and 0.5 < len(clip) / clip.fps < 5
    position, _ = clip.forward_kinematics()
    assert -0.1 < position[..., 2].min() < 0.25 and np.abs(np.diff(position, axis=0) * clip.fps).max() < 15
    if name == "walk":
        assert -np.ptp(clip.root[:, 1]) == pytest.approx(clip.root[-1, 1])  # forward, towards the camera
