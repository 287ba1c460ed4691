"""The two GANs against each other, against the oracle, and against finite differences."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.video import gan
from rlfilm_lib.video.flow import FlowConfig
from rlfilm_lib.video.gan import GANConfig
from rlfilm_lib.video.generator import Size, minibatches, train

SIZE = Size(5, 4, 3)
CONFIG = GANConfig(
    noise=2, width=16, frame_width=8, discriminator_width=8, minibatch_size=12, r1=1.0, supervised_steps=5, pull=0.5
)
POLICY = replace(CONFIG, gradient="score-function", policy_std=0.5, group_size=4, candidates=3)


def module(backend, name="gan"):
    return importlib.import_module(f"{rlfilm.BACKENDS[backend][1]}.{name}")


def make(backend, config=CONFIG, size=SIZE):
    return module(backend).GAN(config, size)


@pytest.fixture(scope="module")
def draw():
    """Clips that are a condition, held or falling."""
    rng = np.random.default_rng(0)
    conditions = rng.standard_normal((200, 3)).astype(np.float32)
    ramps = np.linspace(1, -1, 5)[:, None] * conditions[:, None, :1]
    return minibatches(np.concatenate([ramps, np.repeat(conditions[:, None], 5, axis=1)], axis=2), conditions)


@pytest.fixture(params=[CONFIG, POLICY], ids=["pathwise", "score-function"])
def trained(backends, draw, request):
    """A GAN a little trained in the first framework, and one in the second with the same weights and moments."""
    first, second = (make(name, request.param) for name in backends)
    train(first, draw, 20, progress=False)
    second.set_tensors(first.tensors())
    second.steps = first.steps
    return first, second


@pytest.fixture
def exact(backend, draw):
    """One in float64, a little trained, the noise of a step, and its clips: (model, real, conditions, z, ε)."""
    model = make(backend, replace(POLICY, precision="float64"))
    train(model, draw, 10, progress=False)
    rng = np.random.default_rng(1)
    real, conditions = draw(rng, 12)
    z, noise = rng.standard_normal((12, 2)), rng.standard_normal((4, 12, 5, 4))
    return model, real.astype(float), conditions.astype(float), z, noise


def judge(model, x, conditions):
    """What the discriminator makes of clips: scores (2, B), and of all pairs (2, B, B)."""
    params = model.networks["discriminator"].params()
    found = module(model.backend).parts(params, model.config, model.tensor(x), model.tensor(conditions))
    alone, seen, asked = map(model.array, found)
    pairs = alone[:, :, None] + seen @ asked.swapaxes(1, 2)
    return np.diagonal(pairs, axis1=1, axis2=2), pairs


def clips(model, conditions, z):
    params = model.networks["generator"].params()
    return model.array(module(model.backend).clips(params, model.config, model.tensor(conditions), model.tensor(z)))


def along(parameters, objective, directions, step=1e-6):
    """Finite differences of an objective along directions of the weights."""
    theta, slopes = parameters.read("theta"), []
    for direction in directions:
        values = []
        for sign in (1, -1):
            parameters.write("theta", theta + sign * step * direction)
            values.append(objective())
        slopes.append((values[0] - values[1]) / (2 * step))
    parameters.write("theta", theta)
    return np.array(slopes)


def directions(model, network, count=4):
    return np.random.default_rng(0).standard_normal((count, len(model.networks[network].read("theta"))))


def test_the_first_weights_are_the_same(backends):
    for name, array in make(backends[0]).tensors().items():
        np.testing.assert_array_equal(array, make(backends[1]).tensors()[name], strict=True)


def test_one_step_of_both_networks_from_the_same_weights(trained, draw):
    before = trained[0].tensors()
    metrics = [model.update(draw) for model in trained]
    assert metrics[0] == pytest.approx(metrics[1], abs=1e-4)
    for name, array in trained[0].tensors().items():
        np.testing.assert_allclose(trained[1].tensors()[name], array, atol=1e-4, err_msg=name)
        still = name.endswith("score/bias")  # whose slope is 0 while all scores lie within the hinge
        assert still or name.startswith("adam/") or np.abs(array - before[name]).max() > 1e-4, name


@pytest.mark.parametrize("config", [CONFIG, POLICY], ids=["pathwise", "score-function"])
def test_whole_trainings_are_the_same_in_float64(backends, draw, config):
    models = [make(name, replace(config, precision="float64")) for name in backends]
    histories = [train(model, draw, 15, progress=False) for model in models]
    for name in histories[0][0].keys() - {"wall_s"}:
        np.testing.assert_allclose(*(history.column(name) for history in histories), rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(*(model.networks["generator"].read("ema") for model in models), atol=1e-9)


def test_the_same_weights_give_the_same_sample(trained):
    conditions = np.random.default_rng(5).standard_normal((7, 3))
    samples = [model.sample(conditions, np.random.default_rng(1)) for model in trained]
    np.testing.assert_allclose(samples[0], samples[1], atol=1e-4)
    assert samples[0].shape == (7, 5, 4) and samples[0].std() > 0.1


def test_a_checkpoint_of_one_loads_in_the_other(backends, draw, tmp_path):
    for there, back in (backends, backends[::-1]):
        model = make(there)
        train(model, draw, 5, tmp_path / there, progress=False)
        other = module(back).GAN.load(tmp_path / there)
        samples = [each.sample(np.eye(3), np.random.default_rng(1)) for each in (model, other)]
        np.testing.assert_allclose(samples[0], samples[1], atol=1e-4)
        resumed = make(back)
        resumed.restore(tmp_path / there)
        for name, array in model.tensors().items():
            np.testing.assert_array_equal(resumed.tensors()[name], array, err_msg=name)


def test_a_checkpoint_of_another_model_or_size_is_refused(backend, tmp_path):
    flow = module(backend, "flow").Flow(FlowConfig(width=8, layers=1, heads=2), SIZE)
    flow.save(tmp_path / "flow")
    with pytest.raises(UserError, match="is of a model 'flow', not 'gan': give the folder of a gan"):
        module(backend).GAN.load(tmp_path / "flow")
    make(backend).save(tmp_path / "gan")
    with pytest.raises(UserError, match="frames=5.*not Size.frames=8.*give clips of its size"):
        make(backend, size=Size(8, 4, 3)).restore(tmp_path / "gan")
    with pytest.raises(UserError, match="other networks than the settings ask for"):
        make(backend, replace(CONFIG, width=24)).restore(tmp_path / "gan")
    with pytest.raises(UserError, match=r"conditions \(2, 4\) are not what this gan was made for: give \(N, 3\)"):
        make(backend).sample(np.ones((2, 4)), np.random.default_rng(0))


def test_tensorflow_traces_each_step_once(draw):
    pytest.importorskip("tensorflow")
    model = make("tensorflow", POLICY)
    train(model, draw, 9, progress=False)
    for count in (3, 5, 7, 9):
        model.sample(np.ones((count, 3)), np.random.default_rng(0))
    traces = [
        step.experimental_get_tracing_count()
        for step in (model.imitate, model.discriminate, model.generate, model.evaluate)
    ]
    assert traces[:3] == [1, 1, 1] and traces[3] <= 2


def test_the_discriminator_follows_the_oracle(exact):
    """Its loss, the penalty, and the slope of both: Adam's first moment, after one step from zero, is half of it."""
    model, real, conditions, z, noise = exact
    parameters = model.networks["discriminator"]
    tensors = [model.tensor(array) for array in (real, conditions, z, noise[0])]
    theta = parameters.read("theta")
    for name in ("m", "v"):
        parameters.write(name, np.zeros_like(theta))
    report, made = model.discriminate(*tensors)
    gradient = 2 * parameters.read("m")
    parameters.write("theta", theta)

    np.testing.assert_allclose(model.array(made), clips(model, conditions, z), atol=1e-12)
    fake, _ = judge(model, model.array(made) + 0.5 * noise[0], conditions)
    matched, pairs = judge(model, real, conditions)
    assert float(report["discriminator_loss"]) == pytest.approx(gan.hinge(matched, fake, pairs), rel=1e-9)
    slopes = np.empty_like(real)
    for t, k in np.ndindex(5, 4):
        moved = 1e-5 * np.eye(20)[4 * t + k].reshape(5, 4)
        up, down = (judge(model, real + sign * moved, conditions)[0].mean(axis=0) for sign in (1, -1))
        slopes[:, t, k] = (up - down) / 2e-5
    assert float(report["slope_penalty"]) == pytest.approx(gan.slope_penalty(slopes, model.config.r1), rel=1e-6)

    def objective():
        report, _ = model.discriminate(*tensors)
        return float(report["discriminator_loss"]) + float(report["slope_penalty"])

    chosen = directions(model, "discriminator")
    np.testing.assert_allclose(chosen @ gradient, along(parameters, objective, chosen), rtol=1e-4, atol=1e-6)


def test_the_generator_climbs_what_the_discriminator_says(exact):
    model, _, conditions, z, noise = exact
    told = np.tile(conditions, (4, 1))

    def objective():
        around = clips(model, conditions, z) + 0.5 * noise
        return judge(model, around.reshape(48, 5, 4), told)[0].mean()

    chosen = directions(model, "generator")
    gradient = model.array(model.slope(*map(model.tensor, (conditions, z, noise)), "pathwise"))
    slopes = along(model.networks["generator"], objective, chosen)
    np.testing.assert_allclose(chosen @ gradient, slopes, rtol=1e-5, atol=1e-7)


def test_the_score_function_follows_the_oracle(exact):
    model, _, conditions, z, noise = exact
    around = (clips(model, conditions, z) + 0.5 * noise).reshape(48, 5, 4)
    rewards = judge(model, around, np.tile(conditions, (4, 1)))[0].mean(axis=0).reshape(4, 12)
    by_clip = gan.policy_gradient(rewards, noise, 0.5)
    chosen = directions(model, "generator")
    slopes = along(model.networks["generator"], lambda: (by_clip * clips(model, conditions, z)).sum(), chosen)
    gradient = model.array(model.slope(*map(model.tensor, (conditions, z, noise)), "score-function"))
    np.testing.assert_allclose(chosen @ gradient, slopes, rtol=1e-5, atol=1e-7)


def test_both_gradients_are_the_same_on_average(any_backend, draw):
    """Along random directions of the weights the means of many estimates differ by no more than chance explains; what
    differs is how far single estimates scatter."""
    model = make(any_backend, replace(POLICY, group_size=64))
    train(model, draw, 30, progress=False)
    rng = np.random.default_rng(1)
    conditions, z = model.tensor(draw(rng, 12)[1]), model.tensor(rng.standard_normal((12, 2)))
    chosen = directions(model, "generator", 8)
    found = {gradient: np.empty((150, 8)) for gradient in gan.GRADIENTS}
    for i in range(150):
        for gradient, rows in found.items():
            noise = model.tensor(rng.standard_normal((64, 12, 5, 4)))
            rows[i] = chosen @ model.array(model.slope(conditions, z, noise, gradient))
    pathwise, score_function = found["pathwise"], found["score-function"]
    error = np.sqrt((pathwise.var(axis=0, ddof=1) + score_function.var(axis=0, ddof=1)) / 150)
    assert np.abs((pathwise.mean(axis=0) - score_function.mean(axis=0)) / error).max() < 3
    assert (error < np.abs(pathwise.mean(axis=0)) / 3).sum() >= 5  # so few that a wrong factor would be seen
    assert (score_function.std(axis=0) > 2 * pathwise.std(axis=0)).all()


def test_of_many_candidates_the_nearest_is_pulled(exact):
    """The error of the best, and its slope: Adam's first moment, after one step from zero, is half of it."""
    model, real, conditions, _, noise = exact
    parameters, z = model.networks["generator"], np.random.default_rng(2).standard_normal((3, 12, 2))
    theta = parameters.read("theta")
    for name in ("m", "v"):
        parameters.write(name, np.zeros_like(theta))

    def objective():
        return gan.best_of(np.stack([clips(model, conditions, each) for each in z]), real)

    expected = objective()
    report, made = model.imitate(*map(model.tensor, (real, conditions, z)))
    gradient = 2 * parameters.read("m")
    parameters.write("theta", theta)
    chosen = directions(model, "generator")
    np.testing.assert_allclose(chosen @ gradient, along(parameters, objective, chosen), rtol=1e-5, atol=1e-7)
    assert float(report["error"]) == pytest.approx(expected, rel=1e-9)
    assert ((model.array(made) - real) ** 2).mean() == pytest.approx(expected, rel=1e-9)
    report, _ = model.generate(*map(model.tensor, (real, conditions, z, noise)))
    assert float(report["error"]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("candidates", [1, 8])
def test_with_one_candidate_it_makes_the_mean_of_two_clips_with_many_it_makes_both(any_backend, candidates):
    def draw(rng, count):
        return rng.choice([-1.0, 1.0], size=(count, 1, 1)), np.zeros((count, 0))

    config = GANConfig(
        supervised_steps=200, supervised_learning_rate=1e-2, ema_decay=0.95, candidates=candidates, noise=2, width=16,
        frame_width=8, discriminator_width=4,
    )  # fmt: skip
    model = make(any_backend, config, Size(1, 1, 0))
    train(model, draw, 200, progress=False)
    made = model.sample(np.zeros((1000, 0)), np.random.default_rng(0))[:, 0, 0]
    if candidates == 1:
        assert np.abs(made).max() < 0.3
    else:
        assert np.mean(np.abs(np.abs(made) - 1) < 0.3) > 0.75 and 0.4 < np.mean(made > 0) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("gradient", gan.GRADIENTS)
def test_it_covers_the_modes_of_a_mixture(any_backend, gradient):
    """Four Gaussians of deviation 0.25 in the corners of a square: each gets its share, and little lies between."""
    centres = 2 * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])

    def draw(rng, count):
        points = centres[rng.integers(4, size=count)] + 0.25 * rng.standard_normal((count, 2))
        return points[:, None].astype(np.float32), np.zeros((count, 0), np.float32)

    config = GANConfig(
        learning_rate=1e-3, discriminator_learning_rate=2e-3, r1=0.05, ema_decay=0.99, minibatch_size=128, noise=4,
        width=48, frame_width=32, discriminator_width=64,
    )  # fmt: skip
    if gradient == "score-function":
        config = replace(config, gradient=gradient, policy_std=0.25, group_size=8)
    model = make(any_backend, config, Size(1, 2, 0))
    train(model, draw, 600, progress=False)
    made = model.sample(np.zeros((2000, 0)), np.random.default_rng(0))[:, 0]
    away = np.linalg.norm(made[:, None] - centres, axis=2)
    shares = np.bincount(away.argmin(axis=1), minlength=4) / 2000
    assert shares.min() > 0.2 and shares.max() < 0.3, shares
    assert np.mean(away.min(axis=1) < 0.75) > 0.9
