import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.policy import Policy, initialize

BOX = gym.spaces.Box(np.float32([-1, -np.inf]), np.float32([1, np.inf]))


@pytest.fixture
def policy():
    weights = initialize(np.random.default_rng(0), BOX, gym.spaces.Discrete(3, start=2), (8,))
    statistics = np.array([1.0, 2.0]), np.array([0.5, 4.0])
    return Policy(weights, BOX, gym.spaces.Discrete(3, start=2), *statistics, "CartPole-v1", {"controls": 3})


def test_a_policy_comes_back_as_it_was(policy, tmp_path):
    checkpoint.save_policy(tmp_path / "policy.safetensors", policy)
    loaded = rlfilm.load(tmp_path)
    observations = np.random.default_rng(1).standard_normal((20, 2))
    np.testing.assert_array_equal(loaded(observations), policy(observations))
    assert (loaded.observation_space, loaded.action_space) == (policy.observation_space, policy.action_space)
    assert (loaded.env_id, loaded.env_kwargs) == ("CartPole-v1", {"controls": 3})
    assert {name: array.dtype for name, array in loaded.weights.items()} == dict.fromkeys(policy.weights, np.float32)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(policy, tmp_path, keep):
    path = tmp_path / "policy.safetensors"
    checkpoint.save_policy(path, policy)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"cannot read .*policy.safetensors: .*the file is damaged"):
        rlfilm.load(tmp_path)


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="no policy at .*: give the folder of a run"):
        rlfilm.load(tmp_path / "nowhere")
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3)}, tmp_path / "policy.safetensors")
    with pytest.raises(UserError, match="is not a policy of rlfilm"):
        rlfilm.load(tmp_path)
    (tmp_path / "policy.safetensors").write_text("a picture of a cat")
    with pytest.raises(UserError, match="cannot read"):
        rlfilm.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights, _: weights.pop("actor/0/kernel"), "do not fit its spaces"),
        (lambda weights, _: weights.update({"critic/0/kernel": np.zeros((5, 8), np.float32)}), "do not fit its spaces"),
        (lambda weights, _: weights.update({"obs_mean": np.zeros(7)}), "do not fit its spaces"),
        (lambda weights, _: weights.pop("obs_var"), "do not fit its spaces"),
        (lambda weights, _: weights["actor/0/bias"].fill(np.nan), "are not finite: train again with a lower"),
        (lambda _, described: described.update(env_id="{"), "cannot read .*; the file is damaged"),
        (lambda _, described: described.update(observation_space="[1]"), "is not a policy of rlfilm"),
        (lambda _, described: described.update(env_kwargs="3"), "is not a policy of rlfilm"),
    ],
)
def test_a_policy_whose_parts_do_not_fit_is_refused(policy, tmp_path, change, message):
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "policy.safetensors"
    checkpoint.save_policy(path, policy)
    weights = load_file(path)
    with safe_open(path, framework="numpy") as file:
        described = file.metadata()
    change(weights, described)
    save_file(weights, path, described)
    with pytest.raises(UserError, match=message):
        rlfilm.load(path)


def test_a_learner_file_is_not_a_policy(any_backend, tmp_path):
    learner = rlfilm.learner("reinforce", rlfilm.make_vec("CartPole-v1", num_envs=1), backend=any_backend)
    learner.save(tmp_path)
    with pytest.raises(UserError, match="is not a policy of rlfilm: it has no 'observation_space'"):
        rlfilm.load(tmp_path / "learner.safetensors")


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "file"
    checkpoint.write_bytes(path, b"old")

    def full_disk(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full_disk)
    with pytest.raises(UserError, match="cannot write .*file: No space left on device"):
        checkpoint.write_bytes(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_an_unwritable_folder_is_noticed_before_any_work(tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="cannot write to folder .*taken.*: .*; choose another with --out"):
        checkpoint.make_folder(tmp_path / "taken" / "run")
