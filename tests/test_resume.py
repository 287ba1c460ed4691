"""Runs that are killed with SIGKILL, at moments chosen to the system call, and go on with `rlfilm train --resume`.

As a script, `python test_resume.py CALL FILE COUNT train ...` is the command `rlfilm train ...` with a checkpoint
before every iteration, that kills itself in the COUNT-th call of `os.fsync`, `os.replace` or `os.unlink` for FILE (in
`os.fsync` the file being written is half there), or of `Learner.update` for `-`.
"""

import csv
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rlfilm_lib import cli
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import checkpoint, train
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.run import read_progress

LINES = {
    "ppo": "rlfilm/MovieScene-v0 --steps 640 --set num_steps=16 --set minibatch_size=32 --set epochs=2",
    "actor-critic": "rlfilm/MovieScene-v0 --steps 640",
    "reinforce": "CartPole-v1 --steps 600",
}
"""Ten iterations or so; those on the scene end in the middle of its episodes of 48 steps."""
COMMON = "--num-envs 4 --set hidden_sizes=8 --set anneal=true --set normalize_rewards=true"


def die_in(call, name, count):
    """From now on the `count`-th call for the file `name` is the last thing this process does."""
    owner, attribute = (Learner, "update") if call == "update" else (os, call)
    original, calls = getattr(owner, attribute), itertools.count(1)

    def last(first, *others, **named):
        written = os.readlink(f"/proc/self/fd/{first}") if call == "fsync" else str((first, *others))
        if (name in written or name == "-") and next(calls) == int(count):
            if call == "fsync":
                os.ftruncate(first, os.fstat(first).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        return original(first, *others, **named)

    setattr(owner, attribute, last)


if __name__ == "__main__":
    train.CHECKPOINT_EVERY_S = 0.0
    die_in(*sys.argv[1:4])
    del sys.argv[1:4]
    cli.main()


def line(algorithm, backend, folder, *more):
    asked = [*shlex.split(f"train {LINES[algorithm]} {COMMON}"), "--algo", algorithm, "--backend", backend]
    return [*asked, "--out", str(folder), *more]


def kill(moment, command):
    """Run a command line that dies at a moment, such as "fsync progress.csv 2"; returns what it said on stderr."""
    if moment.startswith("fsync") and not Path("/proc/self/fd").exists():
        pytest.skip("the name of an open file is read from /proc")
    died = subprocess.run([sys.executable, __file__, *moment.split(), *command], capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    return died.stderr


@pytest.fixture
def rlfilm(capsys):
    """Runs a command line to its end, in this process; returns its first line on stderr."""

    def run(command):
        cli.app(command, standalone_mode=False)
        return capsys.readouterr().err.partition("\n")[0]

    return run


def contents(folder):
    """All of a run but the time it took: weights, moments, counters and states bit by bit, and its curve.

    Nothing else may be there, such as what is left of a write that was cut short.
    """
    kinds = {"learner.safetensors": "learner", "policy.safetensors": "policy"}
    assert {path.name for path in folder.iterdir()} == {"config.json", "progress.csv", *kinds}
    tensors = [checkpoint.read_tensors(folder / name, kind) for name, kind in kinds.items()]
    rows = list(csv.DictReader((folder / "progress.csv").read_text().splitlines()))
    return tensors, [{name: row[name] for name in row if name not in ("wall_s", "steps_per_s")} for row in rows]


@pytest.mark.parametrize(
    ("algorithm", "moment"),
    [
        pytest.param("ppo", "fsync learner.safetensors 4", marks=pytest.mark.slow),
        pytest.param("actor-critic", "update - 5", marks=pytest.mark.slow),
        ("reinforce", "replace learner.safetensors 3"),
    ],
)
def test_a_killed_run_ends_as_if_it_had_not_been(backend, algorithm, moment, rlfilm, tmp_path):
    """It goes on from its last checkpoint to the same weights, bit for bit, and the same curve."""
    whole, parts = line(algorithm, backend, tmp_path / "whole"), line(algorithm, backend, tmp_path / "parts")
    kill(moment, parts)
    assert re.fullmatch(r"going on from step [1-9]\d* exactly", rlfilm([*parts, "--resume"]))
    assert json.loads((tmp_path / "parts/config.json").read_text())["resumes"] == "exactly"
    rlfilm(whole)
    np.testing.assert_equal(contents(tmp_path / "parts"), contents(tmp_path / "whole"))


@pytest.mark.slow
def test_killed_again_and_again_it_ends_as_if_it_had_not_been(any_backend, rlfilm, tmp_path):
    """Between each two of a run's writes, the last among them."""
    whole, parts = (line("actor-critic", any_backend, tmp_path / name) for name in ("whole", "parts"))
    kill("replace learner.safetensors 1", parts)  # there is no checkpoint yet
    for moment in (
        "replace policy.safetensors 1",  # there is a checkpoint, but nothing to play
        "replace learner.safetensors 3",  # progress.csv has rows that the checkpoint has not
        "fsync policy.safetensors 3",  # the policy is older than the checkpoint
        "replace config.json 2",  # all is done
    ):
        assert "going on from step " in kill(moment, [*parts, "--resume"])
    rlfilm([*parts, "--resume"])
    rlfilm(whole)
    np.testing.assert_equal(contents(tmp_path / "parts"), contents(tmp_path / "whole"))


@pytest.mark.parametrize("moment", ["unlink learner.safetensors 1", "fsync config.json 1"])
def test_a_run_being_replaced_is_not_mixed_with_the_new_one(any_backend, rlfilm, tmp_path, moment):
    """Killed before the new run has begun there is none to resume; begun again, it takes nothing from the old one."""
    new, whole = (line("actor-critic", any_backend, tmp_path / name, "--seed", "1") for name in ("new", "whole"))
    rlfilm(line("reinforce", any_backend, tmp_path / "new"))
    kill(moment, [*new, "--force"])
    with pytest.raises(UserError, match="no run in .* to resume: start one without --resume"):
        rlfilm([*new, "--resume"])
    kill("fsync learner.safetensors 1", new)
    assert rlfilm([*new, "--resume"]) == "going on from step 0 exactly"
    rlfilm(whole)
    np.testing.assert_equal(contents(tmp_path / "new"), contents(tmp_path / "whole"))


@pytest.mark.parametrize("algorithm", ["actor-critic", "ppo"])
def test_elsewhere_episodes_begin_anew_and_the_curve_goes_on_without_a_jump(any_backend, rlfilm, tmp_path, algorithm):
    command = ["train", "CartPole-v1", "--algo", algorithm, "--backend", any_backend, "--out", str(tmp_path)]
    command += shlex.split("--num-envs 8 --set num_steps=32 --set anneal=false")
    ppo, actor_critic = "--set learning_rate=3e-4 --set minibatch_size=64 --set epochs=4", "--set learning_rate=3e-3"
    command += shlex.split(ppo if algorithm == "ppo" else actor_critic)
    rlfilm([*command, "--steps", "8192"])
    said = rlfilm([*command, "--steps", "12288", "--resume"])
    because = "CartPole-v1 cannot go back into the middle of one"
    assert said == f"going on from step 8,192 with fresh episodes: {because}"
    assert json.loads((tmp_path / "config.json").read_text())["resumes"] == "with fresh episodes"
    curve = read_progress(tmp_path / "progress.csv").column("return_mean")
    beginning, before, after = (np.nanmean(part) for part in (curve[:8], curve[24:32], curve[32:]))
    assert after > 0.6 * before > 1.2 * beginning
