"""Preferences: a viewer's odds, the loss by finite differences, and the taste found again from its choices."""

import importlib

import numpy as np
import pytest

from rlfilm_lib import BACKENDS
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import preference
from rlfilm_lib.rl.policy import flatten, mlp, unflatten
from rlfilm_lib.rl.preference import Pairs, RewardModel, Viewer


def taste(cuts):
    """Linear in two features, and best at 1 in a third."""
    return 1.5 * cuts[:, 0] - cuts[:, 1] - 2 * (cuts[:, 2] - 1) ** 2


def cuts(number, seed=0, features=6):
    return np.random.default_rng(seed).standard_normal((number, features))


def twin(backend):
    return importlib.import_module(f"{BACKENDS[backend][1]}.preference")


def loss(weights, pairs, decay):
    """The loss in float64 NumPy."""
    margin = (mlp(weights, "reward", pairs.first) - mlp(weights, "reward", pairs.second))[:, 0]
    likelihood = pairs.preferred * -np.logaddexp(0, -margin) + (1 - pairs.preferred) * -np.logaddexp(0, margin)
    kernels = sum((array**2).sum() for name, array in weights.items() if name.endswith("kernel"))
    return -likelihood.mean() + decay * 0.5 * kernels


def test_a_viewer_prefers_by_the_odds_of_bradley_and_terry():
    viewer = Viewer(lambda features: features[:, 0])
    first, second = np.full((200_000, 1), 1.0), np.zeros((200_000, 1))
    chosen = viewer.prefers(first, second, np.random.default_rng(0))
    assert set(chosen) == {0.0, 1.0} and chosen.mean() == pytest.approx(1 / (1 + np.exp(-1)), abs=0.005)


def test_no_cut_meets_itself():
    described = np.arange(5.0)[:, None]
    pairs = Viewer(lambda features: features[:, 0]).compare(described, 1000)
    assert (pairs.first != pairs.second).all() and set(pairs.first[:, 0]) == set(range(5))
    with pytest.raises(UserError, match="1 cut is no pair"):
        Viewer(taste).compare(cuts(1), 10)


def test_accuracy_counts_decided_pairs():
    weights = {"reward/0/kernel": np.ones((1, 1)), "reward/0/bias": np.zeros(1)}
    model = RewardModel(weights, np.zeros(1), np.ones(1))
    pairs = Pairs(
        np.array([[1.0], [0.0], [2.0], [0.0]]), np.array([[0.0], [1.0], [3.0], [9.0]]), np.array([1, 0, 1, 0.5])
    )
    assert model.accuracy(pairs) == pytest.approx(2 / 3)
    np.testing.assert_allclose(model(np.array([[3.0]])), [3.0])


def test_the_gradient_is_that_of_finite_differences(backend):
    weights = {name: array.astype(np.float64) for name, array in preference.initialize(6, (5,)).items()}
    shapes = {name: array.shape for name, array in weights.items()}
    pairs = Pairs(cuts(12), cuts(12, seed=1), np.array([1.0, 0.0, 0.5] * 4))
    value, gradient = twin(backend).loss_and_gradient(weights, pairs, 0.01)
    assert value == pytest.approx(loss(weights, pairs, 0.01), rel=1e-10)
    theta, numeric = flatten(weights), []
    for step in 1e-6 * np.eye(len(theta)):
        higher, lower = (loss(unflatten(theta + side * step, shapes), pairs, 0.01) for side in (1, -1))
        numeric.append((higher - lower) / 2e-6)
    np.testing.assert_allclose(flatten({name: gradient[name] for name in weights}), numeric, rtol=1e-5, atol=1e-8)


def test_one_step_of_the_twins_is_the_same():
    for package, _ in BACKENDS.values():
        pytest.importorskip({"torch": "torch", "tensorflow": "tensorflow"}[package])
    pairs = Viewer(taste).compare(cuts(40), 100)
    one, other = (flatten(twin(backend).fit(pairs, steps=1).weights) for backend in BACKENDS)
    assert np.linalg.norm(one - other) <= 1e-4 * np.linalg.norm(one)
    assert not np.allclose(one, flatten(preference.initialize(6)))


def test_the_taste_is_found_again_from_200_pairs(backend):
    stats = pytest.importorskip("scipy.stats")
    viewer = Viewer(taste)
    model = twin(backend).fit(viewer.compare(cuts(300), 200))
    unseen = cuts(300, seed=9)
    assert stats.spearmanr(model(unseen), taste(unseen)).statistic >= 0.8
    assert model.accuracy(viewer.compare(unseen, 500, seed=2)) > 0.75


def test_the_scale_of_features_does_not_matter_and_a_constant_one_does_no_harm(backend):
    pairs = Viewer(taste).compare(cuts(50), 60)
    scale, shift = np.array([1e3, 1, 1, 1e-3, 1, 1]), np.arange(6.0)
    moved = Pairs(pairs.first * scale + shift, pairs.second * scale + shift, pairs.preferred)
    plain, scaled = (twin(backend).fit(each, steps=20) for each in (pairs, moved))
    np.testing.assert_allclose(scaled(moved.first), plain(pairs.first), atol=1e-3)
    constant = Pairs(pairs.first * 0, pairs.second * 0, pairs.preferred)
    assert np.isfinite(twin(backend).fit(constant, steps=5)(pairs.first)).all()


def test_pairs_without_a_preference_teach_nothing(backend):
    with pytest.raises(UserError, match="3 pairs without a preference"):
        twin(backend).fit(Pairs(cuts(3), cuts(3, seed=1), np.full(3, 0.5)))
