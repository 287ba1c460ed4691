"""Estimators of known mean and variance, real episodes against a gradient found without them, and the sliders."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from rlfilm_lib.widgets import returns_explorer
from rlfilm_lib.widgets.returns_explorer import Episodes, Spread, Study, gradients, spread

STEPS, LEVEL = 6, 3.0


def coin_tosses(rng, episodes):
    """Episodes whose estimators can be worked out by hand.

    Action t is z_t ~ N(0, 1) and its score is z_t; the reward of step t is x + z_t, with a level x ~ N(LEVEL, 1) that
    the state tells. The gradient of the mean return is STEPS.
    """
    z = rng.standard_normal((STEPS, episodes))
    level = LEVEL + rng.standard_normal(episodes)
    states = np.stack([np.ones_like(z), np.broadcast_to(level, z.shape)], axis=-1)
    return Episodes(rewards=level + z, scores=z[..., None], states=states)


@pytest.fixture(scope="module")
def tosses():
    rng = np.random.default_rng(0)
    return Study(coin_tosses(rng, 200_000), coin_tosses(rng, 20_000), np.array([float(STEPS)]))


# With S = Σ z, whole return: S (T x + S), variance T³ E[x²] + 2 T². Reward-to-go: Σ_t z_t ((T - t) x + Σ_{k ≥ t} z_k),
# variance E[x²] Σ k² + 2 T + T (T - 1) / 2. A baseline replaces E[x²] = LEVEL² + 1: the mean by Var[x] = 1, the value
# by 0.
WHOLE, TO_GO = STEPS**3, STEPS * (STEPS + 1) * (2 * STEPS + 1) / 6
WHOLE_FLOOR, TO_GO_FLOOR = 2 * STEPS**2, 2 * STEPS + STEPS * (STEPS - 1) / 2
VARIANCES = {
    ("whole return", "none"): WHOLE * (LEVEL**2 + 1) + WHOLE_FLOOR,
    ("whole return", "mean return"): WHOLE + WHOLE_FLOOR,
    ("whole return", "state value"): WHOLE_FLOOR,
    ("reward-to-go", "none"): TO_GO * (LEVEL**2 + 1) + TO_GO_FLOOR,
    ("reward-to-go", "mean return"): TO_GO + TO_GO_FLOOR,
    ("reward-to-go", "state value"): TO_GO_FLOOR,
}


@pytest.mark.parametrize(("credit", "baseline"), VARIANCES)
def test_mean_and_variance_are_those_worked_out_by_hand(tosses, credit, baseline):
    measured = spread(gradients(tosses, credit, baseline, 1.0), tosses.gradient, size=1)
    assert abs(measured.mean - STEPS) < 3 * measured.standard_error
    assert measured.deviation**2 == pytest.approx(VARIANCES[credit, baseline], rel=0.05)
    assert not measured.biased


def test_the_discount_biases_the_whole_return_as_it_should(tosses):
    """The score of step t meets its own reward γᵗ z_t: the mean is Σ γᵗ instead of STEPS."""
    measured = spread(gradients(tosses, "whole return", "state value", 0.5), tosses.gradient, size=1)
    assert abs(measured.mean - sum(0.5**t for t in range(STEPS))) < 3 * measured.standard_error
    assert measured.biased


def test_a_baseline_that_knows_the_action_is_biased(tosses):
    """The mean of four returns, one's own among them, takes a quarter of the gradient away."""
    estimates = []
    for first in range(0, 8000, 4):
        few = Episodes(*(array[:, first : first + 4] for array in vars(tosses.episodes).values()))
        estimates.append(gradients(Study(few, few, tosses.gradient), "reward-to-go", "mean return", 1.0).mean())
    standard_error = np.std(estimates) / len(estimates) ** 0.5
    assert abs(np.mean(estimates) - 0.75 * STEPS) < 3 * standard_error < 0.1 * STEPS


def test_batches_are_means_of_consecutive_episodes_along_the_gradient():
    per_episode = np.array([[3.0, 0.0], [1.0, 9.0], [0.0, 5.0], [-4.0, 1.0], [8.0, 8.0]])
    measured = spread(per_episode, np.array([2.0, 0.0]), size=2)
    np.testing.assert_array_equal(measured.estimates, [2.0, -2.0])
    assert measured.wrong_way == 0.5
    assert measured.true == 2.0
    assert measured.mean == pytest.approx(1.6)
    assert measured.deviation == pytest.approx(np.std([3, 1, 0, -4, 8], ddof=1) / 2**0.5)
    assert measured.standard_error == pytest.approx(np.std([3, 1, 0, -4, 8], ddof=1) / 5**0.5)


def test_the_sentence_names_the_gain_and_the_bias():
    plain = Spread(np.array([-1.0, 3.0]), mean=1.0, standard_error=0.1, deviation=2.0, true=1.0)
    better = Spread(np.array([0.5, 1.5]), mean=1.0, standard_error=0.01, deviation=0.2, true=1.0)
    shorter = Spread(np.array([0.5, 0.5]), mean=0.5, standard_error=0.01, deviation=0.2, true=1.0)
    assert "100 times less variance" in returns_explorer.sentence(better, plain, "this")
    assert "no bias to be seen" in returns_explorer.sentence(better, plain, "this")
    assert "biased: its mean is 50 % shorter" in returns_explorer.sentence(shorter, plain, "this")
    assert "50 % of the batches point the wrong way; as noisy as" in returns_explorer.sentence(plain, plain, "this")


def drawn(described):
    """The SVG of a picture."""
    return base64.b64decode(re.search(r"base64,([^\"]+)", described.html)[1]).decode()


def test_a_histogram_puts_bars_gradient_and_mean_where_they_belong():
    """From -3.6 to 10 over 136 pixels, ten to the unit: 0 at x = 36, the gradient 4 at 76, the mean 3.2 at 68."""
    estimates = np.repeat([0.2, 3.2, 6.2], [1, 2, 1])
    measured = Spread(estimates, mean=3.2, standard_error=0.1, deviation=6.8 / 3.6, true=4.0)
    assert returns_explorer.window(measured) == pytest.approx((-3.6, 10.0))
    svg = returns_explorer.histogram(measured, "#0072B2", 0, 0, 136, 100, "three heaps")
    assert 'width="36.0" height="100"' in svg
    assert "M76.0 0V100" in svg and "M68.0 94l6 11h-12Z" in svg
    heights = [float(height) for height in re.findall(r"V([\d.]+)H", svg.split("Z")[0])]
    assert sorted(heights)[:4] == [0.0, 50.0, 50.0, 100.0] and len(heights) == returns_explorer.BINS
    assert "50 %" in svg and "three heaps" in svg


def test_a_picture_is_sound_svg(scenes):
    for described in (
        returns_explorer.still(scenes),
        returns_explorer.view(scenes, "reward-to-go", "none", 0.8, 64),
        returns_explorer.view(scenes, "whole return", "state value", 1.0, 1),
    ):
        root = ElementTree.fromstring(drawn(described))
        assert root.tag.endswith("svg")
        places = [float(mark.get(axis)) for mark in root.iter() for axis in "xy" if mark.get(axis)]
        assert min(places) >= 0 and max(places) <= 910


@pytest.fixture(scope="module")
def scenes():
    """Real episodes, 4,096 of them, and the gradient by replaying scenes with nudged parameters."""
    return returns_explorer.study(batches=2)


def test_every_estimator_agrees_with_the_replayed_gradient(scenes):
    for one in returns_explorer.spreads(scenes, gamma=1.0, size=16).values():
        assert abs(one.mean - one.true) < 3 * np.hypot(one.standard_error, 0.02 * one.true)


def test_on_the_film_set_each_step_of_the_way_saves_variance(scenes):
    deviation = {name: one.deviation for name, one in returns_explorer.spreads(scenes, gamma=1.0, size=16).items()}
    for credit in returns_explorer.CREDITS:
        none, mean, value = (deviation[credit, baseline] for baseline in returns_explorer.BASELINES)
        assert none > 3 * mean > 3 * value
    for baseline in returns_explorer.BASELINES:
        assert deviation["whole return", baseline] > deviation["reward-to-go", baseline]


def test_no_action_is_credited_with_earlier_rewards(scenes):
    """Below the diagonal the map is noise around 0, above it is not."""
    credit = returns_explorer.credit_map(scenes)
    later, earlier = credit[np.triu_indices(48)], credit[np.tril_indices(48, -1)]
    assert later.mean() > 20 * abs(earlier.mean())


def test_one_seed_gives_the_same_episodes_and_another_others():
    once, again, other = (returns_explorer.play((0.0, -1.0, 0.0), 1, seed).rewards for seed in (3, 3, 4))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_the_sliders_move_picture_and_sentence(scenes):
    pytest.importorskip("ipywidgets")
    explorer = returns_explorer.ReturnsExplorer(scenes)
    seen = [(explorer.picture.value, explorer.words.value)]
    for control, value, words in (
        (explorer.credit, "reward-to-go", "reward-to-go, γ = 1.00, 16 episodes"),
        (explorer.baseline, "state value", "reward-to-go − state value, γ = 1.00, 16 episodes"),
        (explorer.gamma, 0.9, "γ = 0.90"),
        (explorer.size, 4, "4 episodes"),
    ):
        control.value = value
        assert words in explorer.words.value
        assert words in re.search(r'alt="([^"]+)"', explorer.picture.value)[1]
        seen.append((explorer.picture.value, explorer.words.value))
    assert len(set(seen)) == len(seen)
    assert "biased" in explorer.words.value


def test_a_still_picture_is_left_for_readers_without_a_kernel(scenes):
    still = returns_explorer.still(scenes)
    assert all(returns_explorer.label(credit, baseline) in still.text for credit, baseline in VARIANCES)
    assert sum(label in drawn(still) for label in ("sd ", "point the wrong way", "black line: the true gradient")) == 3
