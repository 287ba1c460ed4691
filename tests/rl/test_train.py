import csv
import json
import os
import signal
import threading

import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.train import COLUMNS, run

SMALL = {"hidden_sizes": (16,), "num_envs": 4}


def weights_of(folder):
    return rlfilm.load(folder).weights


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def train_a_little(backend, seed=0, steps=400, env_id="CartPole-v1", **settings):
    env = rlfilm.make_vec(env_id, num_envs=4)
    learner = rlfilm.learner("reinforce", env, backend=backend, seed=seed, **{"hidden_sizes": (16,), **settings})
    return learner, rlfilm.train(learner, env, steps=steps, progress=False)


def test_one_seed_twice_is_identical_two_seeds_differ(backend):
    first, again, other = (train_a_little(backend, seed)[0].weights() for seed in (0, 0, 1))
    assert_same(first, again)
    assert any((first[name] != other[name]).any() for name in first)


def test_history_has_the_published_columns_and_whole_iterations(backend):
    learner, history = train_a_little(backend, steps=1000)
    assert learner.steps >= 1000 > history[-2]["steps"]
    assert set(history[0]) == set(COLUMNS) - {"approx_kl", "clip_fraction"}  # those belong to PPO
    np.testing.assert_array_equal(history.column("iteration"), np.arange(1, len(history) + 1))
    assert (np.diff(history.column("wall_s")) > 0).all()
    assert history[0]["return_mean"] == history[0]["episode_length"]  # CartPole pays 1 per step


def test_annealing_lowers_the_rate_linearly(any_backend):
    _, history = train_a_little(any_backend, steps=1000, anneal=True, learning_rate=1e-3)
    done = np.concatenate([[0], history.column("steps")[:-1]])
    np.testing.assert_allclose(history.column("learning_rate"), 1e-3 * (1 - done / 1000))


def test_a_run_that_stopped_ends_as_if_it_had_not(backend, tmp_path):
    """Bit for bit, on ours and on a foreign environment: REINFORCE starts every iteration from a fresh reset."""
    for env_id in ("rlfilm/MovieScene-v0", "CartPole-v1"):
        whole, parts = tmp_path / env_id / "whole", tmp_path / env_id / "parts"
        asked = {"backend": backend, "settings": SMALL, "progress": False}
        run(env_id, "reinforce", 1200, whole, **asked)
        run(env_id, "reinforce", 500, parts, **asked)
        run(env_id, "reinforce", 1200, parts, resume=True, **asked)
        assert_same(weights_of(whole), weights_of(parts))
        rows = [list(csv.DictReader(open(folder / "progress.csv"))) for folder in (whole, parts)]
        assert [row["return_mean"] for row in rows[0]] == [row["return_mean"] for row in rows[1]]


def test_a_run_goes_on_in_the_other_framework(backends, tmp_path):
    asked = {"settings": SMALL | {"precision": "float64"}, "progress": False}
    for first, second in (backends, backends[::-1]):
        run("CartPole-v1", "reinforce", 400, tmp_path / first, backend=first, **asked)
        run("CartPole-v1", "reinforce", 1000, tmp_path / first, backend=second, resume=True, **asked)
        assert json.loads((tmp_path / first / "config.json").read_text())["backend"] == second
    one, other = (weights_of(tmp_path / name) for name in backends)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_run_folder_holds_everything(any_backend, tmp_path):
    summary = run(
        "CartPole-v1", "reinforce", 300, tmp_path / "run", backend=any_backend, settings=SMALL, progress=False
    )
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "config.json", "progress.csv", "policy.safetensors", "learner.safetensors"
    }  # fmt: skip
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["env"], config["algorithm"], config["seed"], config["steps"]) == ("CartPole-v1", "reinforce", 0, 300)
    assert config["settings"]["hidden_sizes"] == [16] and config["versions"]["numpy"] == np.__version__
    assert config["steps_done"] == summary["steps"] >= 300 and config["wall_s"] == summary["wall_s"]


def test_an_existing_run_is_kept(any_backend, tmp_path):
    asked = {"backend": any_backend, "settings": SMALL, "progress": False}
    run("CartPole-v1", "reinforce", 100, tmp_path, **asked)
    before = (tmp_path / "learner.safetensors").read_bytes()
    with pytest.raises(UserError, match="already holds a run: continue it with --resume, or replace it with --force"):
        run("CartPole-v1", "reinforce", 100, tmp_path, **asked)
    for change, name in (
        ({"seed": 5}, "seed 5"),
        ({"num_envs": 7}, "num_envs 7"),
        ({"env_id": "Acrobot-v1"}, "env Acrobot"),
    ):
        with pytest.raises(UserError, match=f"{name}.* is not the .* of the run"):
            run(
                **{
                    "env_id": "CartPole-v1",
                    "algorithm": "reinforce",
                    "steps": 900,
                    "out": tmp_path,
                    "resume": True,
                    **asked,
                    **change,
                }
            )
    with pytest.raises(UserError, match="unknown setting"):
        run("CartPole-v1", "reinforce", 100, tmp_path, force=True, settings={"gama": 1}, progress=False)
    assert (tmp_path / "learner.safetensors").read_bytes() == before
    run("CartPole-v1", "reinforce", 100, tmp_path, force=True, seed=1, **asked)
    assert (tmp_path / "learner.safetensors").read_bytes() != before


def test_resuming_nothing_is_refused(tmp_path):
    with pytest.raises(UserError, match="no run in .* to resume: start one without --resume"):
        run("CartPole-v1", "reinforce", 100, tmp_path / "nowhere", resume=True)


def test_ctrl_c_saves_and_the_run_goes_on(any_backend, tmp_path):
    asked = {"backend": any_backend, "settings": SMALL, "progress": False}
    run("CartPole-v1", "reinforce", 30_000, tmp_path / "whole", **asked)
    threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run("CartPole-v1", "reinforce", 10**9, tmp_path / "parts", **asked)
    stopped = json.loads((tmp_path / "parts" / "config.json").read_text())["steps_done"]
    assert 0 < stopped < 10**9
    if stopped < 30_000:
        run("CartPole-v1", "reinforce", 30_000, tmp_path / "parts", resume=True, **asked)
        assert_same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))


def test_a_loss_that_is_not_finite_is_named_and_the_last_good_state_kept(backend, tmp_path):
    env = rlfilm.make_vec("CartPole-v1", num_envs=4)
    learner = rlfilm.learner("reinforce", env, backend=backend, hidden_sizes=(16,))
    rlfilm.train(learner, env, steps=200, progress=False)
    good, steps = learner.weights(), learner.steps
    tensors = learner.tensors()
    learner.set_tensors(tensors | {"critic/0/bias": np.full_like(tensors["critic/0/bias"], 1e30),
                                   "critic/1/kernel": np.full_like(tensors["critic/1/kernel"], 1e30)})  # fmt: skip
    with pytest.raises(UserError, match=f"value_loss became inf at step {steps}: lower learning_rate"):
        rlfilm.train(learner, env, steps=10_000, progress=False, out=tmp_path)
    assert learner.steps == steps
    np.testing.assert_array_equal(learner.weights()["actor/0/kernel"], good["actor/0/kernel"])
    assert_same(weights_of(tmp_path), learner.weights())


def test_a_vector_environment_that_slips_in_reset_steps_is_refused(any_backend):
    learner = rlfilm.learner("reinforce", rlfilm.make_vec("CartPole-v1", num_envs=2), backend=any_backend)
    with pytest.raises(UserError, match="autoreset mode NEXT_STEP is not supported"):
        rlfilm.train(learner, gym.make_vec("CartPole-v1", num_envs=2), steps=10)
    with pytest.raises(UserError, match="is not a vector environment"):
        rlfilm.train(learner, gym.make("CartPole-v1"), steps=10)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1", "rlfilm/MovieScene-v0"])
def test_flat_and_discrete_spaces_train(any_backend, env_id):
    learner, history = train_a_little(any_backend, env_id=env_id, steps=100)
    assert np.isfinite(history.column("policy_loss")).all()
    assert rlfilm.evaluate(learner.policy(), env_id, episodes=2).episodes == 2
