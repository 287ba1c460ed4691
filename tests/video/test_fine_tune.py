"""Fine-tuning towards a reward where one sees what it should do: a flow in two dimensions."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.video.fine_tune import FineTuneConfig, best_of, fine_tune, improve
from rlfilm_lib.video.flow import FlowConfig
from rlfilm_lib.video.generator import Size, minibatches, train

SIZE = Size(1, 2, 0)
CONFIG = FineTuneConfig(groups=8, group_size=16, denoising_steps=6, minibatch_size=256, learning_rate=3e-3)


@pytest.fixture(scope="module")
def flow_class():
    installed = rlfilm.backends()
    if not installed:
        pytest.skip("needs PyTorch or TensorFlow")
    return importlib.import_module(f"{rlfilm.BACKENDS[installed[0]][1]}.flow").Flow


@pytest.fixture(scope="module")
def folder(flow_class, tmp_path_factory):
    """A flow to points around (±1, 0), and where it is kept."""
    rng = np.random.default_rng(0)
    latents = 0.2 * rng.standard_normal((500, 1, 2)) + np.array([1.0, 0.0]) * rng.choice([-1, 1], (500, 1, 1))
    model = flow_class(FlowConfig(width=16, layers=1, heads=1, minibatch_size=128, learning_rate=1e-2), SIZE)
    train(model, minibatches(latents, np.zeros((500, 0))), 300, progress=False)
    folder = tmp_path_factory.mktemp("flow")
    model.save(folder)
    return folder


def to_the_right(latents, conditions):
    return latents[:, 0, 0]


def nothing(rng, count):
    return np.zeros((count, 0))


def tuned(flow_class, folder, iterations=25, **settings):
    model, reference = flow_class.load(folder), flow_class.load(folder)
    model.steps = 0
    config = replace(CONFIG, **settings)
    return model, fine_tune(model, reference, to_the_right, nothing, config, iterations, progress=False)


def points(model, seed=1):
    return model.sample(np.zeros((500, 0)), np.random.default_rng(seed))[:, 0]


def test_both_places_are_learned_and_the_reward_chooses_one(flow_class, folder):
    before = points(flow_class.load(folder))
    assert 0.35 < (before[:, 0] > 0).mean() < 0.65 and abs(np.abs(before[:, 0]).mean() - 1) < 0.15
    model, history = tuned(flow_class, folder)
    assert (points(model)[:, 0] > 0).mean() > 0.9
    assert history.column("reward")[-3:].mean() > 0.8 > 0.3 > history.column("reward")[0]
    assert history.column("kl")[0] < 0.01 < history.column("kl")[-1]


def test_the_pull_holds_it_where_the_data_are(flow_class, folder):
    """Without a pull it goes on beyond (1, 0) for more reward; with one it stays nearer, for less."""
    free, free_history = tuned(flow_class, folder, iterations=60)
    held, held_history = tuned(flow_class, folder, iterations=60, kl_coef=0.3)
    assert points(free)[:, 0].mean() > points(held)[:, 0].mean() + 0.3
    assert free_history.column("kl")[-5:].mean() > 2 * held_history.column("kl")[-5:].mean()


def test_best_of_n_is_the_largest_of_n(flow_class, folder):
    model = flow_class.load(folder)
    latents, rewards = best_of(model, np.zeros((40, 0)), to_the_right, 8, np.random.default_rng(0))
    every = model.sample(np.zeros((320, 0)), np.random.default_rng(0))[:, 0, 0].reshape(40, 8)
    np.testing.assert_array_equal(rewards, every.max(axis=1))
    np.testing.assert_array_equal(latents[:, 0, 0], rewards)


def test_a_run_goes_on_exactly(flow_class, folder, tmp_path):
    whole, _ = tuned(flow_class, folder, iterations=4)
    model, reference = flow_class.load(folder), flow_class.load(folder)
    model.steps = 0
    fine_tune(model, reference, to_the_right, nothing, CONFIG, 2, tmp_path, progress=False)
    resumed = flow_class.load(folder)
    resumed.restore(tmp_path)
    fine_tune(resumed, reference, to_the_right, nothing, CONFIG, 4, progress=False)
    np.testing.assert_array_equal(*(each.networks["flow"].read("theta") for each in (whole, resumed)))


@pytest.mark.parametrize("reward", [lambda x, c: x[:, 0], lambda x, c: np.full(len(x), np.nan), lambda x, c: 1.0])
def test_rewards_must_be_a_finite_number_for_each_clip(flow_class, folder, reward):
    model = flow_class.load(folder)
    with pytest.raises(UserError, match=r"the reward gave .*: give \(128,\) finite numbers"):
        improve(model, model, reward, nothing, CONFIG)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"group_size": 1}, "group_size=1 is out of range: give 2 or more, to compare"),
        ({"kl_coef": -1}, "kl_coef=-1 is"),
    ],
)
def test_settings_out_of_range(settings, words):
    with pytest.raises(UserError, match=words):
        FineTuneConfig(**settings)
