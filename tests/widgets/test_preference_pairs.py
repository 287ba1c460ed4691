"""Pairs of cuts: two of one scene each, choices counted, and a taste learned from them when asked to."""

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("PIL")

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.coverage import BEATS
from rlfilm_lib.envs.film_edit import FilmEdit, Shot, shots
from rlfilm_lib.envs.preference import FEATURES
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.policy import Policy, initialize
from rlfilm_lib.rl.preference import Pairs, RewardModel, Viewer
from rlfilm_lib.widgets import preference_pairs
from rlfilm_lib.widgets.preference_pairs import PreferencePairs, chart, held_out, likes, offer, pair, strip


@pytest.fixture(scope="module")
def policy():
    env = FilmEdit(1)
    weights = initialize(np.random.default_rng(0), env.single_observation_space, env.single_action_space, (8,))
    weights["actor/1/bias"][0] = 3.0  # it stays on most beats
    return Policy(weights, env.single_observation_space, env.single_action_space)


def linear(slopes):
    """A reward model that adds up features, scaled by 2."""
    weights = {"reward/0/kernel": np.array(slopes)[:, None], "reward/0/bias": np.zeros(1)}
    return RewardModel(weights, np.zeros(len(slopes)), np.full(len(slopes), 2.0))


def test_an_offer_has_two_cuts_of_each_scene(policy):
    offered = offer(policy, 3, seed=5)
    assert offered.scenes == [5, 6, 7] and offered.cuts.shape == (2, 3, len(FEATURES))
    assert (offered.actions[0] != offered.actions[1]).any(axis=1).all()
    for side in range(2):
        env, total = FilmEdit(1), 0.0
        env.reset(seed=6)
        for action in offered.actions[side, 1]:
            total += env.step(action[None])[4]["reward_terms"]["shot"][0]
        assert offered.cuts[side, 1, 0] == pytest.approx(total / BEATS, rel=1e-5)
    with pytest.raises(UserError, match="pairs=0"):
        offer(policy, 0)


def test_stills_are_seen_from_the_angle_of_their_shot():
    master = strip(3, [Shot(0, 0)])
    cut = strip(3, [Shot(0, 0), Shot(30, 1)])
    assert len(master) == preference_pairs.STILLS and master[0].shape == (90, 160, 3)
    same = [np.array_equal(a, b) for a, b in zip(master, cut, strict=True)]
    assert same == [True, True, True, False, False, False]


def test_a_chart_shows_every_shot_and_says_its_numbers():
    features = np.linspace(0.1, 0.9, len(FEATURES))
    features[FEATURES.index("cuts_per_minute")] = 24
    drawn = chart([Shot(0, 0), Shot(10, 1), Shot(20, 0)], features)
    assert "3 shots in 30 s" in drawn.text and "cuts per minute 24" in drawn.text and "shot 0.10" in drawn.text


def test_a_pair_shows_both_cuts(policy):
    offered = offer(policy, 1)
    shown = pair(offered, 0)
    assert shown.html.count("<img") == 2 * (preference_pairs.STILLS + 1)
    for side in range(2):
        assert f"{len(shots(offered.actions[side, 0]))} shots" in shown.text


def test_what_a_model_likes_is_its_slope_the_strongest_first():
    slopes = np.zeros(len(FEATURES))
    slopes[1], slopes[4] = 0.5, -2.0
    found = likes(linear(slopes))
    assert list(found)[:2] == [FEATURES[4], FEATURES[1]]
    assert found[FEATURES[4]] == pytest.approx(-4) and found[FEATURES[1]] == pytest.approx(1)


def test_held_out_choices_are_not_among_those_it_learned_from():
    cuts = np.random.default_rng(0).standard_normal((2, 40, len(FEATURES)))
    preferred = (cuts[0, :, 0] > cuts[1, :, 0]).astype(float)
    sizes = []

    def fit(pairs):
        sizes.append(len(pairs.preferred))
        return linear(np.eye(len(FEATURES))[0])

    assert held_out(Pairs(*cuts, preferred), fit) == 1 and sizes == [30] * 4
    assert held_out(Pairs(*cuts, 1 - preferred), fit) == 0
    assert held_out(Pairs(*cuts[:, :7], preferred[:7]), fit) is None


def test_buttons_count_and_the_taste_is_learned_on_demand(policy, any_backend, monkeypatch):
    monkeypatch.setattr(preference_pairs, "strip", lambda *_: [np.zeros((90, 160, 3), np.uint8)] * 6)
    widget = PreferencePairs(policy, 30, Viewer(lambda cuts: 20 * cuts[:, 0]), any_backend)
    widget.fit.click()
    assert "teach nothing" in widget.result.value and widget.model is None
    first = widget.shown.value
    widget.buttons["A is better"].click()
    assert widget.shown.value != first and "1 of 30 pairs" in widget.count.value
    widget.buttons["equal"].click()
    widget.buttons["B is better"].click()
    assert "A 1, B 1, equal 1" in widget.count.value and widget.choices.preferred.tolist() == [1.0, 0.5, 0.0]
    np.testing.assert_array_equal(widget.choices.second, widget.offer.cuts[1, :3])
    widget.rest.click()
    assert "30 of 30" in widget.count.value and widget.buttons["equal"].disabled and widget.rest.disabled
    widget.choose(1.0)
    assert len(widget.answers) == 30
    widget.fit.click()
    assert likes(widget.model)["shot"] > 0 and widget.model.accuracy(widget.choices) > 0.8
    assert "it foretells" in widget.result.value


def test_one_pair_is_left_for_readers_without_a_kernel(policy, monkeypatch):
    display = pytest.importorskip("IPython.display")
    shown = []
    monkeypatch.setattr(display, "display", shown.append)
    PreferencePairs(policy, 2)._ipython_display_()
    assert len(shown) == 2 and shown[1].text.startswith("A: ") and "B: " in shown[1].text
    assert rlfilm.BACKENDS  # the fit chooses one of them when it is asked for, not before
