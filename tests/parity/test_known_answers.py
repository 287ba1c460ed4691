"""Learning where the answer is known: tasks solved in seconds, a value with a formula, a gradient by enumeration."""

import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.rl import reference
from rlfilm_lib.rl.batch import monte_carlo
from rlfilm_lib.rl.policy import Policy, log_softmax
from rlfilm_lib.rl.rollout import collect_episodes

SAME_STEP = gym.vector.AutoresetMode.SAME_STEP


class Identity(gym.Env):
    """Say which of four states you are in; 20 steps."""

    observation_space = action_space = gym.spaces.Discrete(4)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time, self.state = 0, int(self.np_random.integers(4))
        return self.state, {}

    def step(self, action):
        reward, self.time, self.state = float(action == self.state), self.time + 1, int(self.np_random.integers(4))
        return self.state, reward, False, self.time == 20, {}


class Mirror(gym.Env):
    """Repeat the number you see; the reward is minus the squared error; 20 steps."""

    observation_space = action_space = gym.spaces.Box(-1, 1, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time, self.state = 0, self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.state, {}

    def step(self, action):
        reward, self.time = -float((action - self.state)[0] ** 2), self.time + 1
        self.state = self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.state, reward, False, self.time == 20, {}


class Endless(gym.Env):
    """Reward 1 for ever, whatever one does; only a time limit cuts it."""

    observation_space, action_space = gym.spaces.Box(-1, 1, (1,)), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), 1.0, False, False, {}


def trained(algorithm, backend, make_env, steps, num_envs=8, **settings):
    env = gym.vector.SyncVectorEnv([make_env] * num_envs, autoreset_mode=SAME_STEP)
    learner = rlfilm.learner(algorithm, env, backend=backend, **settings)
    rlfilm.train(learner, env, steps=steps, progress=False)
    return learner


LEARNING = {
    "reinforce": {"learning_rate": 1e-2},
    "actor-critic": {"learning_rate": 3e-3},
    "ppo": {"learning_rate": 3e-3, "num_steps": 64, "minibatch_size": 256},
}


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", LEARNING)
def test_a_discrete_identity_task_is_solved(backend, algorithm):
    learner = trained(algorithm, backend, Identity, 12_000, **LEARNING[algorithm])
    np.testing.assert_array_equal(learner.policy()(np.arange(4)), np.arange(4))


@pytest.mark.slow
@pytest.mark.parametrize("squash", [False, True], ids=["gaussian", "squashed"])
@pytest.mark.parametrize("algorithm", LEARNING)
def test_a_continuous_identity_task_is_solved(backend, algorithm, squash):
    """Within 0.15 of the number seen; answering 0 always is 0.5 off on average."""
    settings = LEARNING[algorithm] | {"gamma": 0.5, "squash": squash, "log_std_init": -0.5}
    learner = trained(algorithm, backend, Mirror, 24_000, **settings)
    seen = np.linspace(-0.8, 0.8, 9, dtype=np.float32)[:, None]
    assert np.abs(learner.policy()(seen) - seen).mean() < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["actor-critic", "ppo"])
def test_the_value_of_an_endless_task_is_learned(backend, algorithm):
    """Reward 1 for ever under a time limit of 10 steps is worth 1/(1-γ) = 5, within 1 %: truncation is not the end."""
    limited = lambda: gym.wrappers.TimeLimit(Endless(), 10)  # noqa: E731
    settings = {"gamma": 0.8, "learning_rate": 1e-2, "anneal": True, "normalize_observations": False}
    settings |= {"minibatch_size": 256} if algorithm == "ppo" else {}
    learner = trained(algorithm, backend, limited, 60_000, **settings)
    assert learner.policy().value(np.zeros((1, 1), np.float32))[0] == pytest.approx(5, rel=0.01)


# A film of two shots, two choices each: its trajectories can be listed, so the gradient of the return is known.

REWARD = np.array([[1.0, 0.0], [0.5, 2.0]])
"""Of choice a (column) in shot s (row). Choice 1 in shot 0 ends the film at once."""
GAMMA = 0.9


class TwoShots(gym.Env):
    observation_space = action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.shot = 0
        return 0, {}

    def step(self, action):
        reward, over = REWARD[self.shot, action], self.shot == 1 or action == 1
        self.shot = 1
        return 1, float(reward), bool(over), False, {}


def exact_gradient(logits):
    """Of the expected discounted return by the logits (shots, choices): the sum over the three films there are.

    The return counts from each action on without the factor γᵗ in front, as the algorithms do.
    """
    log_probs = log_softmax(logits)
    probs = np.exp(log_probs)
    gradient = np.zeros_like(logits)
    for film in ([(0, 1)], *([(0, 0), (1, choice)] for choice in (0, 1))):
        chance = np.prod([probs[step] for step in film])
        rewards = np.array([REWARD[step] for step in film])
        for t, (shot, choice) in enumerate(film):
            to_go = sum(GAMMA**k * reward for k, reward in enumerate(rewards[t:]))
            gradient[shot] += chance * to_go * (np.eye(2)[choice] - probs[shot])
    return gradient


def a_policy(logits):
    """A linear policy on one-hot observations: its kernel is the table of logits."""
    weights = {
        "actor/0/kernel": logits,
        "actor/0/bias": np.zeros(2),
        "critic/0/kernel": np.array([[0.3], [-0.2]]),
        "critic/0/bias": np.zeros(1),
    }
    return Policy(weights, TwoShots.observation_space, TwoShots.action_space)


@pytest.mark.parametrize("baseline", [False, True])
def test_the_sampled_gradient_is_the_exact_one_on_average(baseline):
    """1,000 batches of 8 films: their mean lies within 3 standard errors of the enumerated gradient, entry by entry."""
    policy = a_policy(np.array([[0.2, -0.4], [0.6, 0.1]]))
    env = gym.vector.SyncVectorEnv([TwoShots] * 8, autoreset_mode=SAME_STEP)
    samples = []
    for iteration in range(1000):
        rollout = collect_episodes(env, policy, seed=1, iteration=iteration)
        batch = monte_carlo(rollout, policy, GAMMA, baseline)
        _, gradient = reference.reinforce(
            policy.weights, batch.inputs, batch.actions, batch.advantages, batch.returns, 0.0, 0.0
        )
        samples.append(-gradient["actor/0/kernel"] * len(batch.inputs) / 8)  # per film, not per step
    samples, exact = np.array(samples), exact_gradient(policy.weights["actor/0/kernel"])
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    assert (np.abs(samples.mean(axis=0) - exact) < 3 * error).all()
    assert (np.abs(exact) > 3 * error).all()  # an estimate of 0 would not pass


@pytest.mark.parametrize("algorithm", ["reinforce", "actor-critic", "ppo"])
def test_each_loss_descends_the_exact_gradient(backend, algorithm):
    """On a batch of every step of every film, weighted by its chance, each loss has the enumerated gradient."""
    logits = np.array([[0.2, -0.4], [0.6, 0.1]])
    probs = np.exp(log_softmax(logits))
    rows = [(0, 1, probs[0, 1], REWARD[0, 1])]
    for choice in (0, 1):
        chance = probs[0, 0] * probs[1, choice]
        rows += [(0, 0, chance, REWARD[0, 0] + GAMMA * REWARD[1, choice]), (1, choice, chance, REWARD[1, choice])]
    shots, choices, chances, to_go = (np.array(column) for column in zip(*rows, strict=True))
    weighted = len(rows) * chances * to_go
    gradient = loss_gradient(algorithm, backend, a_policy(logits), np.eye(2)[shots], choices, weighted)
    np.testing.assert_allclose(-gradient, exact_gradient(logits), atol=1e-9)


def loss_gradient(algorithm, backend, policy, inputs, actions, advantages):
    """Of the twin's own policy loss by the actor's kernel, in float64."""
    import importlib

    package = rlfilm.BACKENDS[backend][1] if backend in rlfilm.backends() else pytest.skip("not installed")
    twin = importlib.import_module(f"{package}.learner")
    losses = importlib.import_module(f"{package}.{'ppo' if algorithm == 'ppo' else 'reinforce'}")
    old = policy.log_prob(inputs, actions)
    if backend == "pytorch":
        import torch

        params = {name: torch.tensor(array, requires_grad=True) for name, array in policy.weights.items()}
        data = [torch.tensor(array) for array in (inputs, actions, old, advantages)]
        _policy_loss(algorithm, twin, losses, params, *data).backward()
        return params["actor/0/kernel"].grad.numpy()
    import tensorflow as tf

    params = {name: tf.Variable(array) for name, array in policy.weights.items()}
    with tf.GradientTape() as tape:
        data = [tf.constant(array) for array in (inputs, actions, old, advantages)]
        loss = _policy_loss(algorithm, twin, losses, params, *data)
    return tape.gradient(loss, params["actor/0/kernel"]).numpy()


def _policy_loss(algorithm, twin, losses, params, inputs, actions, old, advantages):
    log_prob, _ = twin.log_prob_and_entropy(params, inputs, actions)
    if algorithm == "ppo":
        return losses.clipped_surrogate(log_prob, old, advantages, 0.2)
    return losses.policy_gradient_loss(log_prob, advantages)
