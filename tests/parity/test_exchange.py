"""A run begun in one framework goes on in the other, and is played with neither."""

import subprocess
import sys

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.checkpoint import read_tensors

ENV_ID = "rlfilm/MovieScene-v0"
ITERATION = {"reinforce": 4 * 48, "actor-critic": 4 * 16, "ppo": 4 * 32}
"""Environment steps; an episode has 48 in each of the 4 environments."""
SETTINGS = {"hidden_sizes": (16,), "normalize_observations": True, "normalize_rewards": True}
PPO = {"num_steps": 32, "minibatch_size": 32, "epochs": 2}


def make(algorithm, backend, env_id=ENV_ID, seed=0, **settings):
    env = rlfilm.make_vec(env_id, num_envs=4)
    settings = SETTINGS | (PPO if algorithm == "ppo" else {}) | settings
    return rlfilm.learner(algorithm, env, backend=backend, seed=seed, **settings), env


def train(learner, env, iterations, out):
    return rlfilm.train(learner, env, iterations * ITERATION[learner.algorithm], out, progress=False)


@pytest.fixture(params=["there", "back"])
def pair(backends, request):
    """The framework that a run begins in, and the other."""
    return backends if request.param == "there" else backends[::-1]


@pytest.mark.parametrize("algorithm", rlfilm.ALGORITHMS)
def test_all_of_a_learner_arrives_in_the_other_framework(pair, algorithm, tmp_path):
    """Number by number; what the other writes at once is what it has read."""
    begun, env = make(algorithm, pair[0], seed=3)
    train(begun, env, 3, tmp_path / "begun")
    other, _ = make(algorithm, pair[1], seed=99)
    other.restore(tmp_path / "begun")
    for name in ("theta", "m", "v", "t"):
        assert np.any(other.read(name)), name
        np.testing.assert_array_equal(other.read(name), begun.read(name), strict=True)
    assert (other.steps, other.iteration, other.seed) == (3 * ITERATION[algorithm], 3, 3)
    assert other.moments.count == other.return_moments.count == other.steps
    np.testing.assert_array_equal(other.past_return, begun.past_return)
    assert bool(other.collector_state) == (algorithm != "reinforce")  # which begins every iteration from a reset

    other.save(tmp_path / "other")
    for kind in ("learner", "policy"):
        read, written = (read_tensors(tmp_path / name / f"{kind}.safetensors", kind) for name in ("begun", "other"))
        np.testing.assert_equal(written, read)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("algorithm", rlfilm.ALGORITHMS)
def test_a_run_that_changes_the_framework_goes_on_as_one_that_does_not(pair, algorithm, precision, tmp_path):
    """The next rollout and what the critic makes of it are the same, in NumPy; from there on rounding parts them."""
    stays, env = make(algorithm, pair[0], precision=precision)
    train(stays, env, 3, tmp_path)
    changes, another = make(algorithm, pair[1], precision=precision)
    changes.restore(tmp_path)
    expected, found = train(stays, env, 8, None), train(changes, another, 8, None)
    assert found[0]["explained_variance"] == expected[0]["explained_variance"]
    np.testing.assert_allclose(found.column("return_mean"), expected.column("return_mean"), rtol=1e-5)
    theta, theirs = changes.read("theta"), stays.read("theta")
    bound = {"float32": 1e-3, "float64": 1e-5}[precision]
    assert 0 < np.linalg.norm(theta - theirs) < bound * np.linalg.norm(theirs)


PLAY = """
import sys
sys.modules["torch"] = sys.modules["tensorflow"] = None  # as if neither were installed
import rlfilm_lib as rlfilm
assert rlfilm.backends() == []
for folder in sys.argv[1:]:
    policy = rlfilm.load(folder)
    for sampled in (False, True):
        print(*rlfilm.evaluate(policy, policy.env_id, episodes=4, seed=1, sampled=sampled).returns)
"""


def test_a_trained_policy_earns_the_same_where_there_is_no_framework(any_backend, tmp_path):
    """Actions of a Gaussian, clipped and squashed, and of a softmax; the most likely ones, and drawn ones."""
    expected, folders = [], []
    for env_id, squash in ((ENV_ID, False), (ENV_ID, True), ("CartPole-v1", False)):
        learner, env = make("ppo", any_backend, env_id, squash=squash)
        folders.append(tmp_path / str(len(folders)))
        train(learner, env, 3, folders[-1])
        for sampled in (False, True):
            result = rlfilm.evaluate(learner.policy(), env_id, episodes=4, seed=1, sampled=sampled)
            expected.append(result.returns)
    played = subprocess.run([sys.executable, "-c", PLAY, *folders], capture_output=True, text=True, check=True)
    found = [[float(word) for word in line.split()] for line in played.stdout.splitlines()]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
