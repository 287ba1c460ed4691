"""The oracle itself, against finite differences: if it is wrong, every parity test is."""

import gymnasium as gym
import numpy as np
import pytest

from rlfilm_lib.rl import reference
from rlfilm_lib.rl.policy import initialize


@pytest.mark.parametrize("action_space", [gym.spaces.Box(-1, 1, (2,)), gym.spaces.Discrete(3)], ids=["box", "discrete"])
def test_gradient_is_the_slope_of_the_loss(action_space):
    rng = np.random.default_rng(0)
    weights = {
        name: array.astype(float) + 0.3 * rng.standard_normal(array.shape)
        for name, array in initialize(rng, gym.spaces.Box(-1, 1, (3,)), action_space, (5, 4)).items()
    }
    inputs = rng.standard_normal((6, 3))
    actions = rng.integers(3, size=6) if isinstance(action_space, gym.spaces.Discrete) else rng.standard_normal((6, 2))
    batch = (inputs, actions, rng.standard_normal(6), rng.standard_normal(6), 0.7, 0.3)
    _, gradient = reference.reinforce(weights, *batch)
    assert gradient.keys() == weights.keys()
    for name, array in weights.items():
        for index in np.ndindex(array.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = {**weights, name: array.copy()}
                moved[name][index] += step
                losses.append(reference.reinforce(moved, *batch)[0])
            assert gradient[name][index] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-5, abs=1e-8), name
