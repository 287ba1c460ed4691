"""A short training on each task of the film set earns clearly more than chance, and than the policy it began with."""

import pytest

import rlfilm_lib as rlfilm

SHORT = {
    "rlfilm/CameraMove-v0": 60_000,
    "rlfilm/Lighting-v0": 60_000,
    "rlfilm/Character-v0": 65_536,
    "rlfilm/Storyboard-v0": 40_960,
}
"""Steps of training, by id: with the task's preset and all its controls."""


@pytest.mark.slow
@pytest.mark.parametrize("env_id", SHORT)
def test_a_short_training_beats_random_and_untrained(backend, any_backend, env_id):
    if env_id == "rlfilm/Character-v0":
        pytest.importorskip("mujoco")
        if backend != any_backend:
            pytest.skip("nearly all of its half minute is physics: once is enough")
    env = rlfilm.make_vec(env_id, num_envs=rlfilm.configure("ppo", env_id).num_envs)
    learner = rlfilm.learner("ppo", env, backend=backend, seed=1)

    def score():
        return rlfilm.evaluate(learner.policy(), env_id, episodes=32, seed=1000).normalised_score

    untrained = score()
    rlfilm.train(learner, env, SHORT[env_id], progress=False)
    trained = score()
    assert trained > 0.15  # random is 0
    assert trained > untrained + 0.1
