"""Tables instead of networks: Q-learning and SARSA, and dynamic programming as their oracle.

Where states and actions can be counted, what every action is worth fits in a table q (S, A). The learners play any
environment with Discrete observations and actions; the oracle knows its `Model`.
Source: Sutton & Barto, *Reinforcement Learning: An Introduction*, 2nd edition, 2018, chapters 4 and 6.
"""

from collections.abc import Callable
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.rollout import check_environment
from rlfilm_lib.rl.streams import Purpose, environment_seed, stream

Schedule = float | Callable[[float], float]
"""A constant, or a function of the share of the run that is done, from 0 to 1."""


def decay(start: float, end: float) -> Callable[[float], float]:
    """A schedule that falls geometrically from `start` to `end`, both above 0.

    >>> decay(1.0, 0.01)(0.5)
    0.1
    """
    return lambda done: start * (end / start) ** done


# The oracle: what follows from knowing the environment


@dataclass(frozen=True)
class Model:
    """A finite Markov decision process with S states and A actions.

    An episode's end is a state that is never left and earns nothing. ValueError where the shapes or the probabilities
    make no sense.
    """

    transition: NDArray[np.float64]
    """(S, A, S) probability of each next state."""
    reward: NDArray[np.float64]
    """(S, A) mean reward."""

    def __post_init__(self) -> None:
        states, actions = self.reward.shape
        if self.transition.shape != (states, actions, states):
            raise ValueError(
                f"transition {self.transition.shape} does not fit reward {self.reward.shape}: need S, A, S"
            )
        if (self.transition < 0).any() or not np.allclose(self.transition.sum(axis=-1), 1):
            raise ValueError("transition must hold probabilities that sum to 1 over the next state")

    def action_values(self, values: NDArray, gamma: float) -> NDArray[np.float64]:
        """q (S, A) when what follows each action is worth `values` (S,): r + γ P v.

        >>> model = Model(np.array([[[0.0, 1.0]], [[0.0, 1.0]]]), np.array([[3.0], [0.0]]))
        >>> model.action_values(np.array([0.0, 10.0]), gamma=0.5)
        array([[8.],
               [5.]])
        """
        return self.reward + gamma * self.transition @ values

    def soft(self, epsilon: float) -> "Model":
        """The same, played with a hand that trembles: with probability ε any action is taken, each as likely.

        What is optimal here is optimal among all ε-greedy policies there (Sutton & Barto, section 5.4): the answer
        that SARSA looks for while its ε stays as it is.
        """
        return Model(
            (1 - epsilon) * self.transition + epsilon * self.transition.mean(axis=1, keepdims=True),
            (1 - epsilon) * self.reward + epsilon * self.reward.mean(axis=1, keepdims=True),
        )


def policy_evaluation(model: Model, policy: NDArray, gamma: float) -> NDArray[np.float64]:
    """Values (S,) of a policy, from Bellman's equation v = r + γ P v, solved as linear equations (eq. 4.4).

    policy: (S,) an action per state, or (S, A) probabilities; 0 ≤ γ < 1.

    >>> endless = Model(np.ones((1, 1, 1)), np.ones((1, 1)))  # 1 per step, for ever
    >>> policy_evaluation(endless, np.array([0]), gamma=0.9).round(6)
    array([10.])
    """
    _check_gamma(gamma)
    states, actions = model.reward.shape
    chosen = np.eye(actions)[policy] if policy.ndim == 1 else policy
    transition = np.einsum("sa,sat->st", chosen, model.transition)
    return np.linalg.solve(np.eye(states) - gamma * transition, (chosen * model.reward).sum(axis=1))


def policy_iteration(model: Model, gamma: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """An optimal policy (S,) and its values (S,): evaluate, act greedily on the values, until nothing changes.

    An action is given up only for one that is truly better, so equals cannot take turns for ever; of several optimal
    ones the first found stays. 0 ≤ γ < 1.

    >>> # stay (earns 1) or leave (earns 5, once); γ = 0.9: staying is worth 10
    >>> model = Model(np.array([[[1.0, 0], [0, 1.0]], [[0, 1.0], [0, 1.0]]]), np.array([[1.0, 5.0], [0, 0]]))
    >>> policy, values = policy_iteration(model, gamma=0.9)
    >>> policy.tolist(), values.round(6).tolist()
    ([0, 0], [10.0, 0.0])
    """
    policy = np.zeros(len(model.reward), np.int64)
    while True:
        values = policy_evaluation(model, policy, gamma)
        q = model.action_values(values, gamma)
        better = q.max(axis=1) > np.take_along_axis(q, policy[:, None], axis=1)[:, 0] + 1e-9
        if not better.any():
            return policy, values
        policy = np.where(better, q.argmax(axis=1), policy)


# The learners: what follows from playing


@dataclass(frozen=True)
class Table:
    """What a learner found, and how it fared on the way. Called like any policy, it is greedy."""

    q: NDArray[np.float64]
    """(S, A) action values."""
    returns: NDArray[np.float64]
    """(E,) undiscounted returns of the episodes played while learning, exploration included, as they ended."""

    def __call__(self, observations: NDArray, deterministic: bool = True) -> NDArray[np.int64]:
        """The best actions (N,) for observations (N,)."""
        return self.q[observations].argmax(axis=-1)


def epsilon_greedy(q: NDArray, epsilon: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Actions (N,) for action values (N, A): the best one, or with probability ε any one.

    >>> epsilon_greedy(np.array([[1.0, 3.0, 2.0]]), 0.0, np.random.default_rng(0))
    array([1])
    """
    anything = rng.integers(q.shape[1], size=len(q))
    return np.where(rng.random(len(q)) < epsilon, anything, q.argmax(axis=1))


def q_learning(env: gym.vector.VectorEnv, steps: int, **settings) -> Table:
    """Q-learning (Watkins 1989; section 6.5): learn what the *best* next action is worth, whatever is done next.

    Off-policy: its target is r + γ max_a q(s', a). Settings as in `sarsa`.
    """
    return _learn(env, steps, lambda q, chosen: q.max(axis=1), **settings)


def sarsa(env: gym.vector.VectorEnv, steps: int, **settings) -> Table:
    """SARSA (Rummery & Niranjan 1994; section 6.4): learn what the next action *taken* is worth, its slips included.

    On-policy: its target is r + γ q(s', a'), with the action a' that the ε-greedy hand takes there.

    env: as `make_vec` makes it, Discrete on both sides; steps: over all its environments. Settings: gamma = 0.95,
    learning_rate (α) = 0.1 and epsilon (ε) = 0.1, each of both a constant or a `Schedule`, seed = 0. All values
    begin at 0. UserError where the spaces are not Discrete or a setting is out of range.
    """
    return _learn(env, steps, lambda q, chosen: q[np.arange(len(q)), chosen], **settings)


def _learn(
    env: gym.vector.VectorEnv,
    steps: int,
    next_value: Callable[[NDArray, NDArray], NDArray],
    gamma: float = 0.95,
    learning_rate: Schedule = 0.1,
    epsilon: Schedule = 0.1,
    seed: int = 0,
) -> Table:
    """Play and learn. next_value(q (N, A), chosen (N,)): what the next state is worth, the one line that differs."""
    check_environment(env)
    _check_gamma(gamma)
    states, actions = env.single_observation_space, env.single_action_space
    if not (isinstance(states, gym.spaces.Discrete) and isinstance(actions, gym.spaces.Discrete)):
        raise UserError(f"a table needs Discrete observations and actions, not {states} and {actions}: use a policy")
    rng, q, returns = stream(seed, 0, Purpose.ACTIONS), np.zeros((states.n, actions.n)), []
    observations, _ = env.reset(seed=environment_seed(seed, 0))
    state, earned = observations - states.start, np.zeros(env.num_envs)
    action = epsilon_greedy(q[state], _at("epsilon", epsilon, 0), rng)

    for step in range(0, steps, env.num_envs):
        rate, chance = _at("learning_rate", learning_rate, step / steps), _at("epsilon", epsilon, step / steps)
        observations, rewards, terminated, truncated, info = env.step(action + actions.start)
        began = observations - states.start  # where an episode ended, the first state of the next one
        following = began.copy()
        ended = terminated | truncated
        if ended.any():
            following[ended] = [final - states.start for final in info["final_obs"][ended]]

        chosen = epsilon_greedy(q[following], chance, rng)
        target = rewards + gamma * ~terminated * next_value(q[following], chosen)
        for s, a, aim in zip(state, action, target, strict=True):
            q[s, a] += rate * (aim - q[s, a])

        earned += rewards
        returns.extend(earned[ended])
        earned[ended] = 0
        state, action = began, chosen
        if ended.any():
            action[ended] = epsilon_greedy(q[began[ended]], chance, rng)
    return Table(q, np.array(returns))


def _at(name: str, schedule: Schedule, done: float) -> float:
    value = schedule(done) if callable(schedule) else schedule
    if not 0 <= value <= 1:
        raise UserError(f"{name}={value:g} is out of range: give 0 to 1")
    return value


def _check_gamma(gamma: float) -> None:
    if not 0 <= gamma < 1:
        raise UserError(f"gamma={gamma:g} is out of range: give 0 or more, below 1")
