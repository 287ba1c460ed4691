"""Whole runs in a folder: what is written, what is kept, and how they go on."""

import csv
import json
import os
import signal
import threading

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.run import read_progress, run, run_seeds, score_seeds, seed_folders

SMALL = {"hidden_sizes": (16,), "num_envs": 4, "normalize_rewards": True}


def weights_of(folder):
    return rlfilm.load(folder).weights


def test_a_run_that_stopped_ends_as_if_it_had_not(backend, tmp_path):
    """Bit for bit, on ours and on a foreign environment: REINFORCE starts every iteration from a fresh reset."""
    for env_id in ("rlfilm/MovieScene-v0", "CartPole-v1"):
        whole, parts = tmp_path / env_id / "whole", tmp_path / env_id / "parts"
        asked = {"backend": backend, "settings": SMALL, "progress": False}
        run(env_id, "reinforce", 1200, whole, **asked)
        run(env_id, "reinforce", 500, parts, **asked)
        run(env_id, "reinforce", 1200, parts, resume=True, **asked)
        np.testing.assert_equal(weights_of(whole), weights_of(parts))
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
        ({"algorithm": "ppo"}, "algorithm ppo"),
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


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "cannot read .*config.json: .*; restore a copy or start again with --force"),
        ("config.json", "[]", "config.json: it does not hold env, algorithm"),
        ("config.json", '{"env": "CartPole-v1"}', "config.json: it does not hold env, algorithm"),
        ("progress.csv", None, "cannot read .*progress.csv: .*; restore a copy or start again with --force"),
        ("progress.csv", "", "progress.csv: it does not hold every iteration of the checkpoint"),
        (
            "progress.csv",
            "iteration,steps,wall_s\n1,many,2\n",
            "progress.csv: could not convert .* 'many'",
        ),
        ("progress.csv", "iteration,steps\n1,52\n", "progress.csv: a column is missing"),
        ("learner.safetensors", "", "cannot read .*learner.safetensors"),
        ("learner.safetensors", None, "no learner at .*learner.safetensors"),
    ],
)
def test_a_damaged_run_is_not_resumed(any_backend, tmp_path, name, content, message):
    asked = {"backend": any_backend, "settings": {"hidden_sizes": (4,), "num_envs": 1}, "progress": False}
    run("CartPole-v1", "reinforce", 1, tmp_path, **asked)
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_text(content)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=message):
        run("CartPole-v1", "reinforce", 99, tmp_path, resume=True, **asked)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


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
        np.testing.assert_equal(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))


def test_several_seeds_are_several_runs_with_one_summary(any_backend, tmp_path):
    pytest.importorskip("matplotlib")
    asked = {"backend": any_backend, "settings": SMALL, "progress": False}
    summary = run_seeds("CartPole-v1", "reinforce", 200, tmp_path / "all", seeds=3, seed=4, **asked)
    assert [folder.name for folder in seed_folders(tmp_path / "all")] == ["seed-4", "seed-5", "seed-6"]
    run("CartPole-v1", "reinforce", 200, tmp_path / "one", seed=5, **asked)
    np.testing.assert_equal(weights_of(tmp_path / "all/seed-5"), weights_of(tmp_path / "one"))

    alone = rlfilm.evaluate(rlfilm.load(tmp_path / "one"), "CartPole-v1", episodes=64, seed=1)
    assert summary["runs"]["seed-5"] == alone.summary() and summary["episodes"] == 64
    assert summary["scores"] == [each["return_mean"] for each in summary["runs"].values()]
    assert summary["interquartile_mean"] == pytest.approx(np.mean(summary["scores"]))  # of three runs all count
    low, high = summary["interquartile_ci95"]
    assert min(summary["scores"]) <= low <= summary["interquartile_mean"] <= high <= max(summary["scores"])
    assert json.loads((tmp_path / "all/scores.json").read_text()) == json.loads(json.dumps(summary))
    assert (tmp_path / "all/scores.png").read_bytes().startswith(b"\x89PNG")


def test_several_seeds_go_on_where_they_stopped(any_backend, tmp_path):
    """The first is finished, the second was stopped, the third not begun."""
    pytest.importorskip("matplotlib")
    asked = {"backend": any_backend, "settings": SMALL, "progress": False}
    whole = run_seeds("CartPole-v1", "reinforce", 600, tmp_path / "whole", seeds=3, **asked)
    run("CartPole-v1", "reinforce", 600, tmp_path / "parts/seed-0", seed=0, **asked)
    run("CartPole-v1", "reinforce", 200, tmp_path / "parts/seed-1", seed=1, **asked)
    finished = read_progress(tmp_path / "parts/seed-0/progress.csv")
    parts = run_seeds("CartPole-v1", "reinforce", 600, tmp_path / "parts", seeds=3, resume=True, **asked)
    assert parts["scores"] == whole["scores"] and parts["steps"] == whole["steps"]
    assert read_progress(tmp_path / "parts/seed-0/progress.csv") == finished


def test_a_folder_with_other_runs_is_not_mixed(any_backend, tmp_path):
    pytest.importorskip("matplotlib")
    asked = {"backend": any_backend, "settings": SMALL, "progress": False}
    run("CartPole-v1", "reinforce", 1, tmp_path / "seed-7", seed=7, **asked)
    with pytest.raises(UserError, match="seed-7 is not of these 2 runs from seed 0: choose another folder"):
        run_seeds("CartPole-v1", "reinforce", 1, tmp_path, seeds=2, force=True, **asked)
    with pytest.raises(UserError, match="seed-7 already holds a run: continue it with --resume"):
        run_seeds("CartPole-v1", "reinforce", 1, tmp_path, seeds=2, seed=7, **asked)
    with pytest.raises(UserError, match="seeds=0 is out of range"):
        run_seeds("CartPole-v1", "reinforce", 1, tmp_path, seeds=0, **asked)
    (tmp_path / "seed-7/config.json").rename(tmp_path / "config.json")
    with pytest.raises(UserError, match="config.json is not of these"):
        run_seeds("CartPole-v1", "reinforce", 1, tmp_path, seeds=1, seed=7, **asked)


def test_seeds_are_scored_on_the_yardstick_where_there_is_one(any_backend, tmp_path):
    for seed in (0, 1):
        run("rlfilm/MovieScene-v0", "reinforce", 1, tmp_path / f"seed-{seed}", any_backend, seed, progress=False)
    found = score_seeds(tmp_path, episodes=4)
    scores = [each["normalised_score"] for each in found["runs"].values()]
    assert found["scores"] == scores and found["normalised_score"] == pytest.approx(np.mean(scores))
    assert found["return_mean"] == pytest.approx(np.mean([each["return_mean"] for each in found["runs"].values()]))
