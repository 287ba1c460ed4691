"""The stored yardsticks against a fresh, smaller measurement."""

import subprocess
import sys

import numpy as np
import pytest

import rlfilm_lib.envs  # noqa: F401 (registers the environments)
from rlfilm_lib.envs import yardsticks
from rlfilm_lib.envs.movie_scene import MovieScene
from rlfilm_lib.errors import UserError

ID = "rlfilm/MovieScene-v0"


@pytest.mark.parametrize("controls", [1, 3, 9])
def test_stored_yardsticks_hold(controls):
    """Within four standard errors of the mean over other episodes (return sd: random 9 at most, expert 2)."""
    stored = MovieScene.metadata["yardsticks"][controls]
    measured = yardsticks.measure(ID, episodes=512, seed=5_000_000, controls=controls)
    assert measured["random"] == pytest.approx(stored["random"], abs=4 * 9 / np.sqrt(512))
    assert measured["expert"] == pytest.approx(stored["expert"], abs=4 * 2 / np.sqrt(512))
    assert measured["expert"] > measured["random"] + 5


def test_measuring_is_repeatable():
    first, second = (yardsticks.measure(ID, episodes=8, seed=3, controls=3) for _ in range(2))
    assert first == second


def test_episode_returns_count_the_first_episode_only():
    """Of a camera that drives on until it meets something, nothing after the end is counted."""
    env = MovieScene(64, controls=3)

    def ahead(observations):
        return np.tile([0.0, 1.0, 0.0], (len(observations), 1))

    returns = yardsticks.episode_returns(env, ahead, seed=0)
    single = MovieScene(1, controls=3)
    for i in range(5):
        observations, _ = single.reset(seed=i)
        total, over = 0.0, False
        while not over:
            observations, rewards, terminated, truncated, _ = single.advance(ahead(observations))
            total, over = total + rewards[0], bool(terminated[0] or truncated[0])
        assert returns[i] == pytest.approx(total, abs=1e-5)


def test_foreign_environments_have_none():
    with pytest.raises(UserError, match="environment 'CartPole-v1' has no yardsticks"):
        yardsticks.measure("CartPole-v1", episodes=2)


def test_the_command_that_is_stored_beside_them(monkeypatch, capsys):
    monkeypatch.setattr(yardsticks, "measure", lambda env_id, controls: {"random": controls + 0.123, "expert": 1.0})
    yardsticks.main([ID])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{ID} {c}: {{'random': {c + 0.12}, 'expert': 1.0}}" for c in (1, 3, 9)]


def test_importing_the_environments_loads_no_framework():
    code = "import sys, rlfilm_lib.envs.movie_scene; print({'torch', 'tensorflow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
