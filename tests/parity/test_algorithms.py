"""The twins against the oracle, and against each other."""

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.rl import reference
from rlfilm_lib.rl.batch import generalized, minibatches, monte_carlo, standardize
from rlfilm_lib.rl.rollout import Collector
from rlfilm_lib.rl.streams import Purpose, stream

ALGORITHMS = list(rlfilm.ALGORITHMS)
ENVIRONMENTS = ["Pendulum-v1", "CartPole-v1", "rlfilm/MovieScene-v0"]
SMALL = {"ppo": {"num_steps": 32, "minibatch_size": 32, "epochs": 2}}
"""A rollout of 128 steps, 8 gradient steps."""


def distance(first, second):
    """Relative L2 distance of two dicts of weights."""
    ours, theirs = (np.concatenate([weights[name].ravel() for name in sorted(first)]) for weights in (first, second))
    return np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)


def make(algorithm, backend, env_id, num_envs=4, **settings):
    env = rlfilm.make_vec(env_id, num_envs=num_envs)
    learner = rlfilm.learner(algorithm, env, backend=backend, **SMALL.get(algorithm, {}) | settings)
    return learner, Collector(env, learner.seed, learner.config.num_steps)


def iterate(learner, collector, iterations):
    for _ in range(iterations):
        learner.update(collector.collect(learner.policy(), learner.iteration))
    return learner


def oracle(learner, rollout):
    """Loss and gradient of the update that `learner` is about to make, in float64."""
    config, policy = learner.config, learner.policy()
    if learner.algorithm == "reinforce":
        batch = monte_carlo(rollout, policy, config.gamma, config.baseline)
    else:
        batch = generalized(rollout, policy, config.gamma, config.gae_lambda)
    coefficients = (config.value_coef, config.entropy_coef, config.squash)
    if learner.algorithm == "ppo":
        rng = stream(learner.seed, learner.iteration, Purpose.MINIBATCHES)
        dealt = minibatches(batch, rng, config.minibatch_size, config.epochs)
        x, actions, log_probs, advantages, returns, values = (column for (column,) in dealt)
        return reference.ppo(
            policy.weights,
            x,
            actions,
            log_probs,
            standardize(advantages),
            returns,
            values,
            config.clip_range,
            config.clip_value,
            *coefficients,
        )
    advantages = standardize(batch.advantages)
    return reference.reinforce(policy.weights, batch.inputs, batch.actions, advantages, batch.returns, *coefficients)


@pytest.mark.parametrize("squash", [False, True], ids=["plain", "squashed"])
@pytest.mark.parametrize("env_id", ENVIRONMENTS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_loss_and_gradient_are_the_oracles(backend, algorithm, env_id, squash):
    """After one unclipped step from zero moments, Adam's first moment is a tenth of the gradient.

    PPO's old log-probs are moved to both sides first, so that both clips are at work.
    """
    if squash and env_id == "CartPole-v1":
        pytest.skip("only actions in a Box are squashed")
    one_step = {"minibatch_size": 128, "epochs": 1, "clip_value": 0.2} if algorithm == "ppo" else {}
    settings = {"precision": "float64", "max_grad_norm": "inf", "value_coef": 0.7, "entropy_coef": 0.3}
    learner, collector = make(algorithm, backend, env_id, squash=squash, **settings, **one_step)
    rollout = collector.collect(learner.policy(), 0)
    rollout.log_probs[...] += 0.2 * np.random.default_rng(0).standard_normal(rollout.log_probs.shape)
    loss, gradient = oracle(learner, rollout)
    metrics = learner.learn(rollout, learning_rate=1e-3)
    assert metrics["policy_loss"] + 0.7 * metrics["value_loss"] - 0.3 * metrics["entropy"] == pytest.approx(
        loss, rel=1e-9
    )
    if algorithm == "ppo":
        assert 0.1 < metrics["clip_fraction"] < 0.9
    moments = learner.tensors()
    for name in gradient:
        np.testing.assert_allclose(10 * moments[f"adam/m/{name}"], gradient[name], rtol=1e-7, atol=1e-12, err_msg=name)
    assert metrics["gradient_norm"] == pytest.approx(np.sqrt(sum((g**2).sum() for g in gradient.values())), rel=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_clipping_and_adam_are_the_published_formulas(backend, algorithm):
    """Three updates against Adam and the clipping written out, on the oracle's gradients."""
    one_step = {"minibatch_size": 128, "epochs": 1} if algorithm == "ppo" else {}
    settings = {"precision": "float64", "max_grad_norm": 0.05, "normalize_observations": False}
    learner, collector = make(algorithm, backend, "Pendulum-v1", **settings, **one_step)
    weights = learner.policy().weights
    m, v = ({name: np.zeros_like(array) for name, array in weights.items()} for _ in range(2))
    for t in (1, 2, 3):
        rollout = collector.collect(learner.policy(), t)
        _, gradient = oracle(learner, rollout)
        scale = min(1, 0.05 / (np.sqrt(sum((g**2).sum() for g in gradient.values())) + 1e-6))
        assert scale < 0.5
        learner.learn(rollout, learning_rate=1e-3)
        for name in weights:
            m[name] = 0.9 * m[name] + 0.1 * scale * gradient[name]
            v[name] = 0.999 * v[name] + 0.001 * (scale * gradient[name]) ** 2
            weights[name] = weights[name] - 1e-3 * m[name] / (1 - 0.9**t) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-5)
        assert distance(learner.policy().weights, weights) < 1e-9


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_first_weights_and_first_rollouts_are_identical(backends, algorithm, env_id):
    made = [make(algorithm, name, env_id) for name in backends]
    rollouts = [collector.collect(learner.policy(), 0) for learner, collector in made]
    for name in ("observations", "inputs", "actions", "log_probs", "rewards"):
        np.testing.assert_array_equal(getattr(rollouts[0], name), getattr(rollouts[1], name), err_msg=name)


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_float32_update_from_shared_state(backends, algorithm, env_id):
    """From the same weights, moments and rollout, a third update differs by rounding only."""
    learner, collector = make(algorithm, backends[0], env_id)
    iterate(learner, collector, 2)
    rollout = collector.collect(learner.policy(), 2)
    other, _ = make(algorithm, backends[1], env_id)
    other.set_tensors(learner.tensors())
    other.moments, other.iteration = learner.moments, learner.iteration
    before = learner.weights()
    learner.learn(rollout, 3e-3), other.learn(rollout, 3e-3)
    assert distance(learner.weights(), other.weights()) < 1e-3 * distance(before, other.weights())


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
@pytest.mark.parametrize(
    ("algorithm", "precision", "iterations", "bound"),
    [
        *((algorithm, "float64", 5, 1e-5) for algorithm in ALGORITHMS),
        ("reinforce", "float32", 10, 1e-3),
        ("actor-critic", "float32", 10, 1e-3),
    ],
)
def test_free_running_iterations(backends, env_id, algorithm, precision, iterations, bound):
    weights = [iterate(*make(algorithm, name, env_id, precision=precision), iterations).weights() for name in backends]
    assert distance(*weights) < bound


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tensorflow_traces_the_step_once_per_kind_of_batch(backends, algorithm, env_id):
    """Rollouts of one length: one trace. Whole episodes are of ever other lengths: a second trace takes them all."""
    learner, collector = make(algorithm, "tensorflow", env_id)
    iterate(learner, collector, 6)
    step = learner.optimize if algorithm == "ppo" else learner.step
    assert step.experimental_get_tracing_count() <= (2 if algorithm == "reinforce" else 1)


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_in_the_first_minibatch_every_ratio_is_1(backend, env_id):
    """The log-probs of the actor in NumPy and of the learner agree: no KL, nothing clipped, and the loss is -mean A."""
    learner, collector = make("ppo", backend, env_id, minibatch_size=128, epochs=1)
    metrics = learner.learn(collector.collect(learner.policy(), 0), 3e-4)
    assert metrics["approx_kl"] == pytest.approx(0, abs=1e-6)
    assert metrics["clip_fraction"] == 0
    assert metrics["policy_loss"] == pytest.approx(0, abs=1e-5)  # standardised advantages have mean 0


def test_the_update_stops_before_the_step_that_is_too_far(backend):
    """With a target the policy moves less, the mean KL stays under the target, and the first step is always taken."""
    moved = {}
    for target_kl in (None, 0.01, 1e-12):
        settings = {"epochs": 20, "max_grad_norm": 0.5, "target_kl": target_kl}
        learner, collector = make("ppo", backend, "Pendulum-v1", **settings)
        metrics = learner.learn(collector.collect(learner.policy(), 0), 1e-3)
        moved[target_kl] = metrics["approx_kl"], int(learner.read("t"))
    assert moved[None][0] > 0.005 and moved[None][1] == 80
    assert 0 < moved[0.01][0] < 0.005 and 1 < moved[0.01][1] < 80
    assert moved[1e-12] == (pytest.approx(0, abs=1e-6), 1)


@pytest.mark.parametrize("squash", [False, True], ids=["gaussian", "squashed"])
def test_entropy_is_the_mean_of_minus_log_prob(backend, squash):
    """By sampling: 200,000 actions of one state, within 4 standard errors."""
    learner, _ = make("ppo", backend, "rlfilm/MovieScene-v0", squash=squash, precision="float64", log_std_init=0.3)
    policy = learner.policy()
    weights = policy.weights | {"actor/2/bias": np.linspace(-1.5, 1.5, len(policy.weights["actor/2/bias"]))}
    learner.set_tensors(learner.tensors() | weights)
    policy = learner.policy()
    x = np.zeros((200_000, policy.observation_space.shape[0]))
    surprise = -policy.log_prob(x, policy.sample(x, np.random.default_rng(0)))
    _, entropy = log_prob_and_entropy(learner)(x[:1], policy.mode(x[:1]), squash)
    assert entropy == pytest.approx(surprise.mean(), abs=4 * surprise.std() / np.sqrt(len(surprise)))


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
@pytest.mark.parametrize("squash", [False, True], ids=["plain", "squashed"])
def test_log_probs_are_the_actors(backend, env_id, squash):
    if squash and env_id == "CartPole-v1":
        pytest.skip("only actions in a Box are squashed")
    learner, collector = make("ppo", backend, env_id, squash=squash)
    rollout = collector.collect(learner.policy(), 0)
    log_probs, _ = log_prob_and_entropy(learner)(rollout.inputs[0], rollout.actions[0], squash)
    np.testing.assert_allclose(log_probs, rollout.log_probs[0], rtol=1e-4, atol=1e-5)


def log_prob_and_entropy(learner):
    """The framework's own, from NumPy to NumPy."""
    import importlib

    twin = importlib.import_module(f"{rlfilm.BACKENDS[learner.backend][1]}.learner")

    def both(x, actions, squash):
        pair = twin.log_prob_and_entropy(learner.params(), learner.tensor(x), learner.tensor(actions), squash)
        return [(part.detach() if learner.backend == "pytorch" else part).numpy() for part in pair]

    return both
