"""The pose search stands where it should, finds what it is told, and says how far off that is."""

import numpy as np
import pytest

pytest.importorskip("mujoco")

from rlfilm_lib.envs import character
from rlfilm_lib.media import quaternion
from rlfilm_lib.widgets import pose_search
from rlfilm_lib.widgets.pose_search import FREE, moment, numbers_of, off, poses, search


def close_to(pose, reference):
    apart = quaternion.multiply(quaternion.conjugate(reference.rotations), pose.rotations)
    return np.exp(-2 * np.sum(quaternion.angle(apart) ** 2, axis=1))


def test_no_change_is_standing():
    pose, qpos = poses(np.zeros((2, FREE)))
    np.testing.assert_allclose(qpos, np.tile(character.track("bow")["qpos"][0], (2, 1)), atol=1e-9)
    assert off(pose, moment("bow", 0.0)) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("gesture", "seconds"), [("bow", 1.1), ("point", 1.0)])
def test_the_numbers_of_a_moment_give_it_back(gesture, seconds):
    reference = moment(gesture, seconds)
    pose, _ = poses(numbers_of(reference)[None])
    assert off(pose, reference) == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(pose.positions[:, :, 2], reference.positions[:, :, 2], atol=5e-3)


def test_the_feet_stay_where_they_stand():
    rng = np.random.default_rng(0)
    pose, _ = poses(rng.uniform(-1, 1, (5, FREE)))
    standing = moment("bow", 0.0)
    feet, home = (one.positions[:, pose_search.FEET] for one in (pose, standing))
    np.testing.assert_allclose(feet.mean(axis=1)[:, :2], np.tile(home.mean(axis=1)[:, :2], (5, 1)), atol=1e-9)
    np.testing.assert_allclose(feet[..., 2].min(axis=1), np.full(5, home[..., 2].min()), atol=1e-9)


def test_off_is_a_root_mean_square_in_degrees():
    standing = moment("bow", 0.0)
    turns = standing.rotations.copy()
    turns[:, 2] = quaternion.multiply(turns[:, 2], quaternion.from_rotvec([0.0, np.radians(13), 0.0]))
    assert off(standing._replace(rotations=turns), standing) == pytest.approx(13 / np.sqrt(13))


def test_the_search_finds_the_pose_when_the_reward_sees_every_joint():
    found = search(close_to, moment("bow", 1.1))
    assert found.reward > 0.95 and found.off < 5
    assert found.curve[0] < 0.1 and len(found.curve) == pose_search.ROUNDS


def test_the_search_is_tricked_when_it_sees_one_number():
    def neck_height(pose, reference):
        return np.exp(-40 * (pose.positions[:, character.NECK, 2] - reference.positions[:, character.NECK, 2]) ** 2)

    found = search(neck_height, moment("bow", 1.1))
    assert found.reward > 0.95 and found.off > 30


def test_a_search_can_begin_at_the_pose_and_one_seed_is_one_search(monkeypatch):
    monkeypatch.setattr(pose_search, "ROUNDS", 5)
    reference = moment("wave", 1.2)
    first, second = (search(close_to, reference, start=numbers_of(reference), seed=1) for _ in range(2))
    assert first.curve[0] > 0.99
    np.testing.assert_array_equal(first.qpos, second.qpos)


@pytest.mark.parametrize(
    ("reward", "words"),
    [
        (lambda pose, reference: 1.0, r"shape \(\) where"),
        (lambda pose, reference: pose.com, r"shape \(65, 3\) where \(65,\)"),
        (lambda pose, reference: np.full(len(pose.com), np.nan), "not a finite number"),
    ],
)
def test_a_reward_that_is_none(reward, words):
    with pytest.raises(ValueError, match=words):
        search(reward, moment("bow", 1.1))


def test_what_was_found_is_shown_beside_what_was_meant(monkeypatch):
    pytest.importorskip("PIL")
    monkeypatch.setattr(pose_search, "ROUNDS", 2)
    found = search(close_to, moment("bow", 1.1))
    shown = pose_search.still("bow", 1.1, {"all joints": found})
    assert shown.html.count("<img") == 2 and f"{found.off:.0f}° off" in shown.html
    assert f"rewarded for all joints, the figure earns {found.reward:.2f}" in shown.text
