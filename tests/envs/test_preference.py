"""The KL penalty has the optimum that can be solved, and a learned reward pays what the finished cut is worth."""

import importlib
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import preference
from rlfilm_lib.envs.coverage import BEATS
from rlfilm_lib.envs.film_edit import FilmEdit, shots
from rlfilm_lib.envs.preference import FEATURES, Cuts, KLPenalty, LearnedReward, divergence, screen, taste
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.policy import Policy, log_softmax
from rlfilm_lib.rl.preference import RewardModel, Viewer, initialize, start_from

MEDIA = Path(__file__).parents[2] / "course/media"


class TwoChoices(gym.vector.VectorEnv):
    """A choice of three, then another of three that depends on the first; every path has its reward."""

    metadata = {"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP}  # noqa: RUF012
    first, second = np.array([0.0, 0.5, 1.0]), np.array([[0.0, 1.0, 0.5], [0.2, 0.0, 0.9], [0.0, 0.1, 0.3]])

    def __init__(self, num_envs):
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = gym.spaces.Discrete(4), gym.spaces.Discrete(3)
        self.observation_space = gym.spaces.MultiDiscrete([4] * num_envs)
        self.action_space = gym.spaces.MultiDiscrete([3] * num_envs)

    def reset(self, *, seed=None, options=None):
        self.state = np.zeros(self.num_envs, int)
        return self.state.copy(), {}

    def step(self, actions):
        ends = self.state > 0
        rewards = np.where(ends, self.second[self.state - 1, actions], self.first[actions])
        self.state = np.where(ends, 0, 1 + actions)
        info = {"final_obs": np.where(ends, 0, None), "_final_obs": ends}
        return self.state.copy(), rewards, ends, np.zeros_like(ends), info


def table(logits, **spaces):
    """A policy of these logits (S, A), one row for each state."""
    weights = {"actor/0/kernel": logits.astype(np.float32), "actor/0/bias": np.zeros(3, np.float32)}
    return Policy(
        weights | {"critic/0/kernel": np.zeros((4, 1), np.float32), "critic/0/bias": np.zeros(1, np.float32)},
        gym.spaces.Discrete(4), gym.spaces.Discrete(3),
    )  # fmt: skip


@pytest.mark.parametrize("algorithm", ["reinforce", "ppo"])
def test_the_fine_tuned_policy_is_the_references_times_exp_of_the_reward(backend, algorithm):
    beta, reference = 0.5, table(np.random.default_rng(0).standard_normal((4, 3)))
    prior = log_softmax(reference.weights["actor/0/kernel"].astype(float))
    worth = beta * np.log(np.exp(prior[1:] + TwoChoices.second / beta).sum(axis=1))
    optimum = log_softmax(
        np.vstack([prior[:1] + (TwoChoices.first + worth) / beta, prior[1:] + TwoChoices.second / beta])
    )

    env = KLPenalty(TwoChoices(64), reference, beta)
    more = {"num_steps": 8, "minibatch_size": 256, "epochs": 3} if algorithm == "ppo" else {}
    learner = rlfilm.learner(
        algorithm, env, backend=backend, hidden_sizes=(), gamma=1.0, learning_rate=0.05, anneal=True,
        normalize_observations=False, **more,
    )  # fmt: skip
    start_from(learner, reference)
    env.follow(learner)
    rlfilm.train(learner, env, steps=40_000 if algorithm == "ppo" else 20_000, progress=False)
    policy = learner.policy()
    found = np.exp(log_softmax(policy.weights["actor/0/kernel"] + policy.weights["actor/0/bias"]))
    np.testing.assert_allclose(found, np.exp(optimum), atol=0.04)
    assert np.abs(np.exp(prior) - np.exp(optimum)).max() > 0.2  # it had to move


def test_the_penalty_is_the_log_ratio_of_what_was_done():
    reference = table(np.array([[0.0, 1, 2], [0, 0, 0], [0, 0, 0], [0, 0, 0]]))
    env = KLPenalty(TwoChoices(3), reference, beta=2.0)
    learner = rlfilm.learner("reinforce", env, hidden_sizes=(), normalize_observations=False)
    env.follow(learner)
    env.reset()
    _, rewards, _, _, info = env.step(np.arange(3))
    ours = learner.policy()
    expected = ours.log_prob(ours.encode(np.zeros(3, int)), np.arange(3)) - log_softmax(np.array([0.0, 1, 2]))
    np.testing.assert_allclose(info["reward_terms"]["kl"], expected, rtol=1e-5)
    np.testing.assert_allclose(rewards, TwoChoices.first - 2 * expected, rtol=1e-5)


def test_at_the_reference_there_is_no_penalty_and_elsewhere_its_mean_is_the_kl():
    reference, policy = (table(np.random.default_rng(seed).standard_normal((4, 3))) for seed in (0, 1))
    states = np.arange(4)
    np.testing.assert_array_equal(divergence(policy, policy, states), 0)
    p, q = (log_softmax(each.weights["actor/0/kernel"]) for each in (policy, reference))
    np.testing.assert_allclose(divergence(policy, reference, states), (np.exp(p) * (p - q)).sum(axis=1), rtol=1e-5)


def test_mistakes_with_the_penalty_are_named():
    reference = table(np.zeros((4, 3)))
    with pytest.raises(UserError, match="beta=-1"):
        KLPenalty(TwoChoices(2), reference, -1)
    with pytest.raises(UserError, match="discrete actions"):
        KLPenalty(rlfilm.make_vec("rlfilm/MovieScene-v0", 2), reference, 1.0)
    env = KLPenalty(TwoChoices(2), reference, 1.0)
    env.reset()
    with pytest.raises(UserError, match="follows no learner"):
        env.step(np.zeros(2, int))
    with pytest.raises(UserError, match="another network"):
        start_from(rlfilm.learner("reinforce", env, normalize_observations=False), reference)
    with pytest.raises(UserError, match="normalises observations"):
        start_from(rlfilm.learner("reinforce", env, hidden_sizes=()), reference)
    with pytest.raises(UserError, match="needs rlfilm/FilmEdit-v0"):
        LearnedReward(TwoChoices(2), model())


# Cuts


def model(seed=0):
    rng = np.random.default_rng(seed)
    return RewardModel(initialize(len(FEATURES), seed=seed), rng.uniform(0, 1, len(FEATURES)), np.ones(len(FEATURES)))


def test_a_cut_is_described_by_its_terms_and_its_shots():
    env, rng = FilmEdit(5), np.random.default_rng(0)
    env.reset(seed=0)
    taken = np.where(rng.random((BEATS, 5)) < 0.3, rng.integers(1, 17, (BEATS, 5)), 0)
    taken[:, 4] = 0  # one endless shot
    cuts, terms = Cuts(5), []
    for actions in taken:
        _, _, _, _, info = env.step(actions)
        cuts.add(actions, info["reward_terms"])
        terms.append(list(info["reward_terms"].values()))
    features = cuts.features()
    np.testing.assert_allclose(features[:, :-2], np.mean(terms, axis=0).T, rtol=1e-5, atol=1e-6)
    for n in range(5):
        starts = [shot.start for shot in shots(taken[:, n])]
        lengths = np.diff([*starts, BEATS])
        assert features[n, -2] == pytest.approx(2 * (len(starts) - 1))  # of 30 s
        assert features[n, -1] == pytest.approx(lengths.std() / lengths.mean(), abs=1e-6)
    assert features[4, -2:].tolist() == [0, 0]


def test_an_episode_earns_what_the_model_finds_the_finished_cut_worth():
    learned = model()
    env = LearnedReward(FilmEdit(6), learned)
    policy = rlfilm.learner("ppo", env, normalize_observations=False).policy()
    expected = learned(screen(policy, FilmEdit(6), seed=3).cuts)
    observations, _ = env.reset(seed=3)
    policy = policy.seeded(3)
    for _ in range(2):  # the second time through, from the autoreset
        total = np.zeros(6)
        for _ in range(BEATS):
            observations, rewards, terminated, _, info = env.step(policy(observations, deterministic=False))
            total += rewards
            np.testing.assert_array_equal(info["reward_terms"]["preference"], rewards)
        assert terminated.all()
        if expected is not None:
            np.testing.assert_allclose(total, expected, rtol=1e-4, atol=1e-5)
            expected = None
    assert env.promised.tolist() == [0] * 6 and np.isfinite(total).all()


def test_a_screening_tells_the_environments_return_and_how_far_it_is_from_the_reference():
    env = FilmEdit(4)
    policy, reference = (
        rlfilm.learner("ppo", env, seed=seed, normalize_observations=False).policy() for seed in (0, 1)
    )
    same, other = screen(policy, env, policy, seed=1), screen(policy, env, reference, seed=1)
    assert same.kl.tolist() == [0] * 4 and (other.kl > 0).all()
    np.testing.assert_array_equal(same.actions, other.actions)
    again = screen(policy, env, seed=1, deterministic=True)
    assert again.returns.shape == (4,) and (again.returns > 0).all() and again.cuts.shape == (4, len(FEATURES))
    assert preference.FEATURES[-2:] == ("cuts_per_minute", "variation")


# What the lesson shows


def test_the_hidden_taste_is_found_again_from_200_pairs_of_cuts(backend):
    stats = pytest.importorskip("scipy.stats")
    editor = rlfilm.load(MEDIA / "preference/reference.safetensors")
    fit = importlib.import_module(f"{rlfilm.BACKENDS[backend][1]}.preference").fit
    learned = fit(Viewer(taste).compare(screen(editor, FilmEdit(300), seed=3).cuts, 200, seed=3))
    unseen = screen(editor, FilmEdit(200), seed=4000).cuts
    assert stats.spearmanr(learned(unseen), taste(unseen)).statistic >= 0.8


def runs(name, **wanted):
    stored = json.loads((MEDIA / "preference.json").read_text("utf-8"))
    found = [run for run in stored[name] if all(run[key] == value for key, value in wanted.items())]
    assert {run["backend"] for run in found} == set(rlfilm.BACKENDS)
    return found


def test_the_stored_models_found_the_taste():
    assert min(run["rank_correlation"] for run in runs("learned", pairs=200)) >= 0.8


def test_the_stored_editors_are_over_optimised_without_the_penalty_and_not_with_it():
    for run in runs("tuned", beta=0.0):
        peak = int(np.argmax(run["true"]))
        assert run["learned"][-1] > run["learned"][peak] > run["learned"][0]  # the learned reward only goes up
        assert run["true"][peak] > max(run["true"][0], run["true"][-1]) + 0.5  # the taste turns down
        assert run["kl"][-1] > run["kl"][peak] > 0
    for run in runs("tuned", beta=0.3):
        assert run["true"][-1] > run["true"][0] + 0.5 and run["kl"][-1] < 10
