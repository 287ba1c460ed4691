"""The two flows against each other, and against the closed forms."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.rl.policy import unflatten
from rlfilm_lib.video import fine_tune, flow
from rlfilm_lib.video.fine_tune import FineTuneConfig, Transitions
from rlfilm_lib.video.flow import FlowConfig
from rlfilm_lib.video.generator import Size, minibatches, train

SIZE = Size(5, 4, 3)
CONFIG = FlowConfig(width=16, layers=1, heads=4, minibatch_size=32, learning_rate=1e-2, sampling_steps=6)
TUNING = FineTuneConfig(groups=4, group_size=4, denoising_steps=5, minibatch_size=40, kl_coef=0.1, guidance=1.5)


def make(backend, config=CONFIG, size=SIZE):
    return importlib.import_module(f"{rlfilm.BACKENDS[backend][1]}.flow").Flow(config, size)


def draw_conditions(rng, count):
    return rng.standard_normal((count, 3))


def first_number(latents, conditions):
    return latents[:, :, 0].mean(axis=1)


@pytest.fixture(scope="module")
def draw():
    """Clips that are a condition, held or falling."""
    rng = np.random.default_rng(0)
    conditions = rng.standard_normal((200, 3)).astype(np.float32)
    ramps = np.linspace(1, -1, 5)[:, None] * conditions[:, None, :1]
    return minibatches(np.concatenate([ramps, np.repeat(conditions[:, None], 5, axis=1)], axis=2), conditions)


@pytest.fixture
def trained(backends, draw):
    """A flow a little trained in the first framework, and one in the second with the same weights and moments."""
    first, second = (make(name) for name in backends)
    train(first, draw, 30, progress=False)
    second.set_tensors(first.tensors())
    second.steps = first.steps
    return first, second


def transitions(model, config=TUNING):
    """What an iteration of a fine-tuning would learn from, its steps drawn a little to the side of the model's."""
    rng = np.random.default_rng(2)
    conditions = rng.standard_normal((8, 3)).astype(model.config.precision)
    path = fine_tune.wander(model, conditions, config, model.noise(8, rng), rng)
    references = fine_tune.reference_means(model, path, conditions, config) + 0.05
    log_probs = path.log_probs + 0.3 * rng.standard_normal(path.log_probs.shape)
    columns = path.x[:-1], path.times, np.stack([conditions] * 5), path.x[1:], references, path.stds, log_probs
    flat = (column.reshape(40, *column.shape[2:]) for column in columns)
    return Transitions(*flat, advantages=rng.standard_normal(40))


def test_the_first_weights_are_the_same(backends):
    for name, array in make(backends[0]).tensors().items():
        np.testing.assert_array_equal(array, make(backends[1]).tensors()[name], strict=True)


def test_one_step_from_the_same_weights(trained, draw):
    before = trained[0].tensors()
    for model in trained:
        model.update(draw)
    for name, array in trained[0].tensors().items():
        np.testing.assert_allclose(trained[1].tensors()[name], array, atol=1e-4, err_msg=name)
        assert name.startswith("adam/v") or np.abs(array - before[name]).max() > 1e-4, name


def test_whole_trainings_are_the_same_in_float64(backends, draw):
    models = [make(name, replace(CONFIG, precision="float64", anneal_steps=20)) for name in backends]
    histories = [train(model, draw, 20, progress=False) for model in models]
    np.testing.assert_allclose(histories[0].column("loss"), histories[1].column("loss"), rtol=1e-9)
    np.testing.assert_allclose(*(model.networks["flow"].read("ema") for model in models), atol=1e-9)


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_the_same_weights_give_the_same_sample(trained, guidance):
    conditions = np.random.default_rng(5).standard_normal((7, 3))
    samples = [model.sample(conditions, np.random.default_rng(1), guidance=guidance) for model in trained]
    np.testing.assert_allclose(samples[0], samples[1], atol=1e-4)
    assert samples[0].std() > 0.3


def test_a_flow_learns_least_at_the_end_of_a_cycle(backend, draw):
    model = make(backend, replace(CONFIG, anneal_steps=8))
    moved = []
    for _ in range(9):
        before = model.networks["flow"].read("theta")
        model.update(draw)
        moved.append(np.abs(model.networks["flow"].read("theta") - before).max())
    assert moved[2] > 5 * moved[7] > 0 and moved[8] > 5 * moved[7]


def test_a_checkpoint_of_one_loads_in_the_other(backends, draw, tmp_path):
    conditions = np.eye(3)
    for there, back in (backends, backends[::-1]):
        model = make(there)
        train(model, draw, 5, tmp_path / there, progress=False)
        other = type(make(back)).load(tmp_path / there)
        samples = [each.sample(conditions, np.random.default_rng(1)) for each in (model, other)]
        np.testing.assert_allclose(samples[0], samples[1], atol=1e-4)
        resumed = make(back)
        resumed.restore(tmp_path / there)
        for name, array in model.tensors().items():
            np.testing.assert_array_equal(resumed.tensors()[name], array, err_msg=name)


def test_in_bfloat16_the_velocity_is_nearly_that_of_float32(trained):
    x, t, c = (np.random.default_rng(0).standard_normal(shape) for shape in ((6, 5, 4), (6,), (6, 3)))
    for model in trained:
        exact = model.velocity(c, 1.0)(x, t)
        model.config = replace(CONFIG, mixed_precision=True)
        again = type(model)(model.config, SIZE)
        again.set_tensors(model.tensors())
        mixed = again.velocity(c, 1.0)(x, t)
        assert 0 < np.abs(mixed - exact).max() < 0.1


def test_the_step_of_a_fine_tuning_follows_the_closed_form(backend, draw):
    """Adam's first moment, after one step from zero, is a tenth of the gradient: against finite differences of the
    objective written out in NumPy, with float64 ratios and KL."""
    model = make(backend, replace(CONFIG, precision="float64"))
    train(model, draw, 10, progress=False)
    batch = transitions(model)
    parameters = model.networks["flow"]
    theta = parameters.read("theta")

    def objective(theta):
        parameters.write("theta", theta)
        v = model.velocity(batch.conditions, TUNING.guidance, averaged=False)(batch.x, batch.times)
        mean = flow.sde_mean(batch.x, v, batch.times[:, None, None], 0.2, TUNING.noise_level)
        ratio = np.exp(flow.log_prob(batch.after, mean, batch.stds) - batch.log_probs)
        clipped = np.clip(ratio, 0.8, 1.2)
        surrogate = np.minimum(ratio * batch.advantages, clipped * batch.advantages).mean()
        assert 0.2 < (ratio != clipped).mean() < 0.8
        return -surrogate + 0.1 * flow.kl(mean, batch.references, batch.stds).mean()

    for name in ("m", "v"):
        parameters.write(name, np.zeros_like(theta))
    directions = np.random.default_rng(0).standard_normal((5, len(theta)))
    slopes = [(objective(theta + 1e-6 * each) - objective(theta - 1e-6 * each)) / 2e-6 for each in directions]
    parameters.write("theta", theta)
    report = model.ascend(*map(model.tensor, batch), replace(TUNING, max_grad_norm=float("inf")))
    gradient = 10 * parameters.read("m")
    np.testing.assert_allclose(directions @ gradient, slopes, rtol=1e-4, atol=1e-6)
    assert float(report["gradient_norm"]) == pytest.approx(np.linalg.norm(gradient), rel=1e-9)
    assert unflatten(gradient, model.shapes["flow"])["latent/kernel"].any()


def test_one_iteration_of_fine_tuning_agrees(trained):
    reference = make(rlfilm.backends()[0])
    reference.set_tensors(trained[0].tensors())
    reports = [fine_tune.improve(model, reference, first_number, draw_conditions, TUNING) for model in trained]
    for name, value in reports[0].items():
        assert reports[1][name] == pytest.approx(value, rel=2e-3, abs=1e-4), name
    np.testing.assert_allclose(*(model.networks["flow"].read("theta") for model in trained), atol=1e-4)


def test_in_the_first_minibatch_every_ratio_is_one(backend):
    model = make(backend, replace(CONFIG, precision="float64"))
    whole = replace(TUNING, minibatch_size=80, kl_coef=0.0)
    report = fine_tune.improve(model, model, first_number, draw_conditions, whole)
    assert report["clip_fraction"] == 0 and report["approx_kl"] == pytest.approx(0, abs=1e-12)
    assert report["policy_loss"] == pytest.approx(0, abs=1e-9)  # advantages have mean 0 in every group


def test_nothing_is_traced_twice(draw):
    pytest.importorskip("tensorflow")
    model = make("tensorflow")
    train(model, draw, 3, progress=False)
    for count in (2, 3, 5, 8, 13):
        model.sample(np.zeros((count, 3)), np.random.default_rng(0))
    for _ in range(3):
        fine_tune.improve(model, model, first_number, draw_conditions, TUNING)
    counts = {name: getattr(model, name).experimental_get_tracing_count() for name in ("descend", "evaluate", "ascend")}
    assert counts["descend"] == counts["ascend"] == 1
    assert counts["evaluate"] <= 4  # for one number of clips and for any, by the average and by the latest weights
