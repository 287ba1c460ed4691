import numpy as np
import pytest

from rlfilm_lib.rl.returns import explained_variance, reward_to_go, running_return


def test_mixed_ends_worked_by_hand():
    """γ = ½. Environment 0 terminates at t=1 and is cut at t=3 (value 8); environment 1 is cut at t=2 (value 4)."""
    rewards = np.array([[1, 2], [1, 2], [1, 2], [1, 2]], float)
    ended = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool)
    bootstrap = np.array([[9, 9], [0, 9], [9, 4], [8, 0]], float)  # the nines stand where nothing ended: never read
    expected = [[1 + 0.5 * 1, 2 + 0.5 * 4], [1, 2 + 0.5 * 4], [1 + 0.5 * 5, 2 + 0.5 * 4], [1 + 0.5 * 8, 2]]
    np.testing.assert_allclose(reward_to_go(rewards, ended, 0.5, bootstrap), expected)


def test_an_endless_task_cut_by_a_limit_is_worth_its_whole_future():
    """Reward 1 for ever is worth 1/(1-γ), wherever the limit cuts it, when the cut is bootstrapped."""
    gamma, ended = 0.9, np.zeros((7, 1), bool)
    ended[-1] = True
    returns = reward_to_go(np.ones((7, 1)), ended, gamma, np.full((7, 1), 1 / (1 - gamma)))
    np.testing.assert_allclose(returns, 10)


def test_it_is_the_double_sum():
    rng = np.random.default_rng(0)
    rewards, ended = rng.standard_normal((20, 1)), np.zeros((20, 1), bool)
    ended[-1] = True
    expected = [sum(0.97 ** (k - t) * rewards[k, 0] for k in range(t, 20)) for t in range(20)]
    np.testing.assert_allclose(reward_to_go(rewards, ended, 0.97)[:, 0], expected)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"\(5, 1\) and ended \(5,\)"):
        reward_to_go(np.ones((5, 1)), np.zeros(5, bool), 0.9)


def test_running_return_begins_anew_after_each_end():
    rewards, ended = np.array([[1.0, 2.0]] * 4), np.array([[0, 0], [1, 0], [0, 1], [0, 0]], bool)
    expected = [[1, 2], [1.5, 3], [1, 3.5], [1.5, 2]]
    np.testing.assert_allclose(running_return(rewards, ended, 0.5), expected)


def test_explained_variance():
    returns = np.array([1.0, 2.0, 3.0])
    assert explained_variance(np.full(3, 7.0), returns) == pytest.approx(0)
    assert explained_variance(-returns, returns) == pytest.approx(-3)
    assert np.isnan(explained_variance(returns, np.ones(3)))
