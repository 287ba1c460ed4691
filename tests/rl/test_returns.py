import numpy as np
import pytest

from rlfilm_lib.rl.returns import explained_variance, gae, reward_to_go, running_return


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


def test_gae_of_mixed_ends_worked_by_hand():
    """γ = ½, λ = ½, γλ = ¼. Environment 0 terminates at t=1, environment 1 is cut at t=1 (value 8); both go on.

    δ of environment 0: 1+½·4-2 = 1, 1+0-4 = -3, 1+½·6-2 = 2, last row bootstrapped with 10: 1+½·10-6 = 0.
    δ of environment 1: 1, 1+½·8-4 = 1, 2, 0. Traces stop at t=1, so A_1 = δ_1 and A_0 = δ_0 + ¼ A_1.
    """
    rewards = np.ones((4, 2))
    values = np.array([[2, 2], [4, 4], [2, 2], [6, 6]], float)
    ended = np.array([[0, 0], [1, 1], [0, 0], [0, 0]], bool)
    bootstrap = np.array([[9, 9], [0, 8], [9, 9], [10, 10]], float)  # the nines stand where nothing was cut: never read
    expected = [[1 - 0.75, 1 + 0.25], [-3, 1], [2, 2], [0, 0]]
    np.testing.assert_allclose(gae(rewards, values, ended, 0.5, 0.5, bootstrap), expected)


@pytest.mark.parametrize("gae_lambda", [0.0, 0.5, 0.95, 1.0])
def test_a_constant_critic_and_reward(gae_lambda):
    """Reward 1 and value c everywhere: every δ is 1 + γc - c, and A_t sums the γλ-powers left in the rollout."""
    gamma, c, length = 0.9, 3.0, 12
    decay = gamma * gae_lambda
    expected = [(1 + gamma * c - c) * sum(decay**k for k in range(length - t)) for t in range(length)]
    advantages = gae(
        np.ones((length, 1)),
        np.full((length, 1), c),
        np.zeros((length, 1), bool),
        gamma,
        gae_lambda,
        np.full((length, 1), c),
    )
    np.testing.assert_allclose(advantages[:, 0], expected)


def test_lambda_1_is_the_return_less_the_value_and_lambda_0_the_td_error():
    rng = np.random.default_rng(0)
    rewards, values, bootstrap = rng.standard_normal((3, 30, 4))
    ended = rng.random((30, 4)) < 0.2
    ended[-1] = True
    monte_carlo = reward_to_go(rewards, ended, 0.97, bootstrap) - values
    np.testing.assert_allclose(gae(rewards, values, ended, 0.97, 1.0, bootstrap), monte_carlo)
    following = np.where(ended, bootstrap, np.roll(values, -1, axis=0))
    np.testing.assert_allclose(gae(rewards, values, ended, 0.97, 0.0, bootstrap), rewards + 0.97 * following - values)


def test_a_perfect_critic_of_an_endless_task_leaves_no_advantage():
    """Reward 1 for ever, cut by limits and by the end of the rollout: value 1/(1-γ) everywhere, advantage 0."""
    worth = np.full((9, 2), 1 / (1 - 0.9))
    ended = np.zeros((9, 2), bool)
    ended[4, 0] = True
    np.testing.assert_allclose(gae(np.ones((9, 2)), worth, ended, 0.9, 0.95, worth), 0, atol=1e-12)


def test_a_column_of_values_is_refused():
    with pytest.raises(ValueError, match="must all be"):
        gae(np.ones((4, 2)), np.ones((4, 1)), np.zeros((4, 2), bool), 0.9, 0.9)


def test_a_running_return_goes_on_from_the_rollout_before():
    rewards, ended = np.ones((6, 1)), np.array([0, 0, 1, 0, 0, 0], bool)[:, None]
    whole = running_return(rewards, ended, 0.5)
    second = running_return(rewards[4:], ended[4:], 0.5, past=whole[3])
    np.testing.assert_array_equal(second, whole[4:])
