"""Training, files and failures of generators, on a small flow, in each framework."""

import importlib
import os
import signal

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.checkpoint import read_tensors, write_tensors
from rlfilm_lib.video.flow import FlowConfig
from rlfilm_lib.video.generator import GENERATING, TRAINING, Size, memory, minibatches, read_history, train

SIZE = Size(3, 2, 2)
CONFIG = FlowConfig(width=16, layers=1, heads=2, minibatch_size=8, sampling_steps=4, learning_rate=5e-3)


@pytest.fixture
def flow_class(any_backend):
    return importlib.import_module(f"{rlfilm.BACKENDS[any_backend][1]}.flow").Flow


@pytest.fixture
def draw():
    rng = np.random.default_rng(0)
    conditions = rng.standard_normal((64, 2)).astype(np.float32)
    return minibatches(np.repeat(conditions[:, None], 3, axis=1), conditions)


def test_it_learns_and_writes_what_generates_and_what_continues(flow_class, draw, tmp_path):
    flow = flow_class(CONFIG, SIZE)
    history = train(flow, draw, 120, tmp_path, progress=False)
    assert history.column("loss")[-30:].mean() < 0.8 * history.column("loss")[:30].mean()
    assert [row["steps"] for row in history] == list(range(1, 121)) and flow.steps == 120
    assert read_history(tmp_path, 120) == history
    again = flow_class.load(tmp_path)
    conditions = np.ones((5, 2), np.float32)
    samples = [each.sample(conditions, np.random.default_rng(1)) for each in (flow, again)]
    np.testing.assert_array_equal(*samples)
    assert samples[0].shape == (5, 3, 2) and samples[0].dtype == np.float32 and again.steps == 120


def test_a_run_goes_on_exactly(flow_class, draw, tmp_path):
    whole = flow_class(CONFIG, SIZE, seed=3)
    train(whole, draw, 12, progress=False)
    train(flow_class(CONFIG, SIZE, seed=3), draw, 7, tmp_path, progress=False)
    resumed = flow_class(CONFIG, SIZE, seed=99)
    resumed.restore(tmp_path)
    history = train(resumed, draw, 12, tmp_path, progress=False, history=read_history(tmp_path, resumed.steps))
    assert len(history) == 12 and resumed.seed == 3
    for name, array in whole.tensors().items():
        np.testing.assert_array_equal(resumed.tensors()[name], array, err_msg=name)


def test_the_average_is_the_published_formula(flow_class, draw):
    flow = flow_class(CONFIG, SIZE)
    parameters = flow.networks["flow"]
    average = parameters.read("theta").astype(float)
    for step in range(1, 6):
        flow.update(draw)
        decay = min(0.999, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * parameters.read("theta")
    np.testing.assert_allclose(parameters.read("ema"), average, atol=1e-6)
    assert np.abs(average - parameters.read("theta")).max() > 1e-4


def test_a_loss_that_is_not_finite_stops_at_the_last_good_state(flow_class, draw, tmp_path):
    flow = flow_class(CONFIG, SIZE)
    train(flow, draw, 5, progress=False)
    good = flow.tensors()

    def damaged(rng, size):
        latents, conditions = draw(rng, size)
        return (latents * np.nan if flow.steps == 8 else latents), conditions

    with pytest.raises(UserError, match="loss became nan at step 9: lower learning_rate; the state of step 5 is kept"):
        train(flow, damaged, 20, tmp_path, progress=False)
    assert flow.steps == 5
    restored = flow_class(CONFIG, SIZE)
    restored.restore(tmp_path)
    for name, array in good.items():
        np.testing.assert_array_equal(restored.tensors()[name], array, err_msg=name)


def test_ctrl_c_finishes_the_step_and_saves(flow_class, draw, tmp_path):
    flow = flow_class(CONFIG, SIZE)

    def interrupt(row):
        if row["steps"] == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(flow, draw, 20, tmp_path, progress=False, on_step=interrupt)
    assert read_tensors(tmp_path / TRAINING, "generator")[1]["steps"] == 4 == len(read_history(tmp_path, 4))


def test_files_of_another_model_size_or_network_are_refused(flow_class, draw, tmp_path):
    flow = flow_class(CONFIG, SIZE)
    with pytest.raises(UserError, match="no generator at .*: give the folder that a generator was saved to"):
        flow_class.load(tmp_path)
    flow.save(tmp_path)
    with pytest.raises(UserError, match=r"is for Size\(frames=3.*\), not Size\(frames=4.*\): give clips of its size"):
        flow_class(CONFIG, Size(4, 2, 2)).restore(tmp_path)
    with pytest.raises(UserError, match="holds other networks than the settings ask for"):
        flow_class(FlowConfig(width=8, layers=1, heads=2), SIZE).restore(tmp_path)
    for name in (GENERATING, TRAINING):
        tensors, described = read_tensors(tmp_path / name, "generator")
        write_tensors(tmp_path / name, tensors, described | {"model": "gan"})
    with pytest.raises(UserError, match="is of a model 'gan', not 'flow': give the folder of a flow"):
        flow_class.load(tmp_path)
    with pytest.raises(UserError, match="is of a model 'gan', not 'flow': give the folder of a flow"):
        flow.restore(tmp_path)


def test_clips_and_conditions_of_another_size_are_refused(flow_class, draw):
    flow = flow_class(CONFIG, Size(3, 2, 4))
    with pytest.raises(UserError, match=r"conditions \(8, 2\) are not what this flow was made for: give .*\(8, 4\)"):
        train(flow, draw, 1, progress=False)
    with pytest.raises(UserError, match=r"conditions \(1, 2\) are not what this flow was made for: give \(N, 4\)"):
        flow.sample(np.zeros((1, 2)), np.random.default_rng(0))


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate"), ValueError("OOM when allocating")]
)
def test_out_of_memory_names_a_setting_that_would_fit(error):
    with pytest.raises(UserError, match="out of memory at minibatch_size=64: try minibatch_size=32"):
        with memory("minibatch_size", 64):
            raise error
    with pytest.raises(KeyError):
        with memory("minibatch_size", 64):
            raise KeyError("another defect")


def test_a_condition_for_each_clip():
    with pytest.raises(UserError, match="3 clips and 2 conditions: give a condition for each clip"):
        minibatches(np.zeros((3, 1, 1)), np.zeros((2, 1)))
