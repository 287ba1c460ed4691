"""The oracle against closed forms and enumeration, and the learners against the oracle."""

import itertools

import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import storyboard
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.tabular import (
    Model,
    Table,
    decay,
    epsilon_greedy,
    policy_evaluation,
    policy_iteration,
    q_learning,
    sarsa,
)

ID = "rlfilm/Storyboard-v0"


def random_model(seed, states=4, actions=3):
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.full(states, 0.5), size=(states, actions))
    return Model(transition, rng.normal(size=(states, actions)))


def stay_or_go(stay=0.3, go=0.8):
    """Two states. Staying in the first keeps it with probability 1 - stay and earns 1; going earns 2 less often."""
    transition = np.array([[[1 - stay, stay], [1 - go, go]], [[stay, 1 - stay], [0, 1]]])
    return Model(transition, np.array([[1.0, 2.0], [0.0, -1.0]]))


# The oracle


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.95])
def test_values_of_two_states_in_closed_form(gamma):
    """Cramer's rule for (I - γP) v = r with P = [[1-a, a], [b, 1-b]]."""
    a, b, r = 0.3, 0.3, np.array([1.0, 0.0])
    determinant = (1 - gamma) * (1 - gamma * (1 - a - b))
    expected = np.array(
        [(1 - gamma * (1 - b)) * r[0] + gamma * a * r[1], gamma * b * r[0] + (1 - gamma * (1 - a)) * r[1]]
    )
    values = policy_evaluation(stay_or_go(), np.array([0, 0]), gamma)
    np.testing.assert_allclose(values, expected / determinant, rtol=1e-12)


def test_policy_evaluation_solves_bellmans_equation_for_mixed_policies():
    model, gamma = random_model(1), 0.9
    policy = np.random.default_rng(2).dirichlet(np.ones(3), size=4)
    values = policy_evaluation(model, policy, gamma)
    np.testing.assert_allclose(values, (policy * model.action_values(values, gamma)).sum(axis=1), rtol=1e-12)


def test_an_action_per_state_is_a_mixed_policy_without_mixing():
    model, policy = random_model(3), np.array([2, 0, 1, 1])
    mixed = policy_evaluation(model, np.eye(3)[policy], 0.9)
    np.testing.assert_array_equal(policy_evaluation(model, policy, 0.9), mixed)


@pytest.mark.parametrize("seed", range(5))
def test_policy_iteration_finds_the_best_of_all_policies(seed):
    """All 81 policies of 4 states and 3 actions, each valued on its own."""
    model, gamma = random_model(seed), 0.9
    everything = [policy_evaluation(model, np.array(p), gamma) for p in itertools.product(range(3), repeat=4)]
    _, values = policy_iteration(model, gamma)
    np.testing.assert_allclose(values, np.max(everything, axis=0), rtol=1e-10)


def test_policy_iteration_ends_where_all_actions_are_equal():
    model = Model(np.full((3, 2, 3), 1 / 3), np.zeros((3, 2)))
    policy, values = policy_iteration(model, 0.99)
    assert policy.tolist() == [0, 0, 0] and values.tolist() == [0, 0, 0]


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_a_trembling_hand_is_an_epsilon_greedy_policy(epsilon):
    """Every policy is worth in `soft` what its ε-greedy version is worth in the model itself."""
    model, policy = random_model(6), np.array([0, 2, 1, 2])
    trembling = (1 - epsilon) * np.eye(3)[policy] + epsilon / 3
    np.testing.assert_allclose(
        policy_evaluation(model.soft(epsilon), policy, 0.9), policy_evaluation(model, trembling, 0.9), rtol=1e-12
    )


def test_models_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="does not fit reward"):
        Model(np.ones((2, 1, 3)) / 3, np.zeros((2, 1)))
    for transition in (np.full((2, 1, 2), 0.4), np.array([[[1.5, -0.5]], [[0, 1]]])):
        with pytest.raises(ValueError, match="sum to 1"):
            Model(transition, np.zeros((2, 1)))
    with pytest.raises(UserError, match="gamma=1 is out of range"):
        policy_iteration(random_model(0), 1.0)


# The learners


def test_epsilon_greedy_explores_as_often_as_it_says():
    q = np.tile([0.0, 1.0, 0.0, 0.0], (20_000, 1))
    shares = np.bincount(epsilon_greedy(q, 0.2, np.random.default_rng(0))) / len(q)
    np.testing.assert_allclose(shares, [0.05, 0.85, 0.05, 0.05], atol=4 * np.sqrt(0.13 / len(q)))


class Once(gym.Env):
    """One state, two actions, one step: the second earns 1."""

    observation_space, action_space = gym.spaces.Discrete(1, start=3), gym.spaces.Discrete(2, start=5)

    def __init__(self, truncate=False):
        self.truncate = truncate

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 3, {}

    def step(self, action):
        return 3, float(action - 5), not self.truncate, self.truncate, {}


@pytest.fixture
def once():
    gym.register("Once-v0", Once)
    yield "Once-v0"
    del gym.registry["Once-v0"]


@pytest.mark.parametrize(("learn", "next_value"), [(q_learning, 1.0), (sarsa, 0.5)])
@pytest.mark.parametrize("truncate", [False, True])
def test_what_follows_counts_where_an_episode_was_cut_and_not_where_it_ended(once, learn, next_value, truncate):
    """One state for ever: v = γ / (1 - γ) · max or, with every action a guess, v = mean: q = r + γ v."""
    env = rlfilm.make_vec(once, num_envs=8, truncate=truncate)
    table = learn(env, 6_000, gamma=0.5, learning_rate=decay(0.5, 0.002), epsilon=1.0)
    follows = 0.5 * next_value / 0.5 if truncate else 0.0
    np.testing.assert_allclose(table.q, [[follows, 1 + follows]], atol=0.05)
    assert len(table.returns) == 6_000 and table.returns.mean() == pytest.approx(0.5, abs=0.03)


def live(controls=5):
    """The states in which a decision can be made."""
    states = np.arange(storyboard.BEATS * storyboard.PANELS)
    row = states % storyboard.PANELS // storyboard.COLUMNS
    return states[row == storyboard.NEAR if controls == 3 else row < storyboard.ACROSS]


def test_q_learning_finds_the_optimal_values_of_the_storyboard():
    """Within 0.05, whatever the hand does meanwhile; its greedy policy is optimal."""
    exact, gamma = storyboard.model(), 0.97
    _, values = policy_iteration(exact, gamma)
    env = rlfilm.make_vec(ID, num_envs=64)
    table = q_learning(env, 256_000, gamma=gamma, learning_rate=decay(1.0, 0.02), epsilon=0.4)
    np.testing.assert_allclose(table.q.max(axis=1)[live()], values[live()], atol=0.05)
    earned = policy_evaluation(exact, table.q.argmax(axis=1), gamma)
    np.testing.assert_allclose(earned[live()], values[live()], atol=0.03)


def test_sarsa_finds_the_best_values_for_a_hand_that_trembles():
    """On the row where the line is safe, so that every state is visited: within 0.08 of the ε-soft optimum, which lies
    far below the optimum."""
    exact, gamma, epsilon = storyboard.model(3), 0.97, 0.5
    _, optimum = policy_iteration(exact, gamma)
    _, values = policy_iteration(exact.soft(epsilon), gamma)
    wanted = exact.action_values(values, gamma)
    env = rlfilm.make_vec(ID, num_envs=64, controls=3)
    table = sarsa(env, 256_000, gamma=gamma, learning_rate=decay(0.3, 0.005), epsilon=epsilon)
    visited = live(3)
    np.testing.assert_allclose(table.q[visited], wanted[visited], atol=0.08)
    assert (exact.action_values(optimum, gamma) - wanted)[visited].mean() > 0.3


def test_sarsa_keeps_away_from_the_line_and_q_learning_walks_along_it():
    """ε = 0.1 throughout: SARSA earns more while it learns, Q-learning more once nobody explores any more."""
    exact, gamma = storyboard.model(), 0.97
    env = rlfilm.make_vec(ID, num_envs=64)
    settings = {"gamma": gamma, "learning_rate": decay(0.2, 0.01), "epsilon": 0.1}
    bold, careful = q_learning(env, 160_000, **settings), sarsa(env, 160_000, **settings)
    assert careful.returns[-2000:].mean() > bold.returns[-2000:].mean() + 0.3

    def worth(model, table):
        return policy_evaluation(model, table.q.argmax(axis=1), gamma)[: storyboard.ACROSS * storyboard.COLUMNS].mean()

    assert worth(exact, bold) > worth(exact, careful) + 0.1
    assert worth(exact.soft(0.1), careful) > worth(exact.soft(0.1), bold) + 0.1

    def cuts_near_the_line(table):
        """Between the news and the end, along the optimal row: how many of the panels lead on along it."""
        away = storyboard.ACTIONS.index("away from the line")
        row = 2 * storyboard.PANELS + storyboard.NEAR * storyboard.COLUMNS + np.arange(3, 7)
        return np.mean(table.q.argmax(axis=1)[row] != away)

    assert cuts_near_the_line(bold) == 1.0 and cuts_near_the_line(careful) <= 0.25


def test_one_seed_twice_is_identical_and_two_seeds_differ():
    env = rlfilm.make_vec(ID, num_envs=4)
    first, again, other = (q_learning(env, 800, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.q, again.q)
    np.testing.assert_array_equal(first.returns, again.returns)
    assert not np.array_equal(first.q, other.q)


def test_a_table_plays_like_any_policy():
    q = np.zeros((storyboard.STATES, 5))
    q[:, 3] = 1  # towards the line, always
    result = rlfilm.evaluate(Table(q, np.zeros(0)), ID, episodes=20, seed=0)
    assert result.return_mean < -5 and result.normalised_score < 0.2


def test_what_a_table_cannot_hold_is_refused():
    with pytest.raises(UserError, match="a table needs Discrete"):
        q_learning(rlfilm.make_vec("CartPole-v1", num_envs=2), 10)
    env = rlfilm.make_vec(ID, num_envs=2)
    with pytest.raises(UserError, match="epsilon=1.5 is out of range"):
        sarsa(env, 10, epsilon=1.5)
    with pytest.raises(UserError, match="learning_rate=-1 is out of range"):
        sarsa(env, 10, learning_rate=lambda done: -1)
    with pytest.raises(UserError, match="gamma=1 is out of range"):
        sarsa(env, 10, gamma=1)


@pytest.mark.slow
def test_the_textbooks_cliff():
    """Sutton & Barto, example 6.6: greedy Q-learning takes the 13 steps along the cliff's edge; SARSA goes round."""
    env = rlfilm.make_vec("CliffWalking-v1", num_envs=1, max_episode_steps=500)
    bold, careful = (learn(env, 40_000, gamma=0.99, learning_rate=0.3) for learn in (q_learning, sarsa))
    assert rlfilm.evaluate(bold, "CliffWalking-v1", episodes=1, max_episode_steps=500).return_mean == -13
    assert -30 < rlfilm.evaluate(careful, "CliffWalking-v1", episodes=1, max_episode_steps=500).return_mean < -13
    assert careful.returns[-200:].mean() > bold.returns[-200:].mean()
