"""Storyboard: its rules, its exact model against play, its optimum against enumeration over time, and its pictures."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import rlfilm_lib.envs  # noqa: F401 (registers the environments)
from rlfilm_lib.envs import storyboard, yardsticks
from rlfilm_lib.envs.storyboard import ANGLES, COLUMNS, LANDS, PANELS, SIZES, STATES, Storyboard, state_of
from rlfilm_lib.errors import UserError
from rlfilm_lib.film import framing
from rlfilm_lib.rl.tabular import policy_evaluation

ID = "rlfilm/Storyboard-v0"
EACH_CONTROLS = pytest.mark.parametrize("controls", [3, 5])
HOLD, WIDER, CLOSER, TOWARDS, AWAY = range(5)
MEET, NEWS, ALONE = 17, 22, 16


def put(panels, told, luck=0.0):
    """Environments that stand on these panels after so many beats, with this luck in all draws."""
    env = Storyboard(len(panels))
    env.reset(seed=0)
    env.restore(
        env.state()
        | {
            "panel": np.array(panels)[:, None],
            "told": np.array(told)[:, None],
            "luck": np.full((len(panels), 60), luck),
        }
    )
    return env


# The board


def test_the_columns_are_the_sizes_they_are_called():
    assert [framing.shot_size(k) for k in SIZES.values()] == list(SIZES)


def test_no_cut_to_a_neighbour_is_a_jump_cut():
    """At least 30 degrees, or 0.6 octaves of the shot size."""
    assert np.abs(np.diff(ANGLES)).min() >= 30
    assert np.abs(np.diff(np.log2(list(SIZES.values())))).min() >= 0.6
    assert ANGLES[-1] < 0 < ANGLES[-2]


@pytest.mark.parametrize(
    ("panel", "action", "expected"),
    [(9, HOLD, 9), (9, WIDER, 8), (9, CLOSER, 10), (9, TOWARDS, 17), (9, AWAY, 1), (8, WIDER, 8), (15, CLOSER, 15),
     (3, AWAY, 3), (20, TOWARDS, 28)],
)  # fmt: skip
def test_cuts_lead_to_neighbours_and_the_board_has_edges(panel, action, expected):
    env = put([panel], [0], luck=0.99)
    observations, rewards, *_ = env.advance(np.array([action]))
    assert observations.tolist() == [expected]
    assert rewards[0] == pytest.approx(-0.05 if expected < 24 else -5.05)


def test_only_the_beat_whose_turn_it_is_is_told():
    env = put([MEET, MEET, NEWS, NEWS, ALONE, ALONE], [0, 1, 0, 1, 1, 2])
    observations, rewards, terminated, truncated, terms = env.advance(np.zeros(6, int))
    told = [True, False, False, True, False, True]
    assert (observations // PANELS).tolist() == [1, 1, 0, 2, 1, 3]
    np.testing.assert_allclose(rewards, np.array(told) - 0.05)
    assert terminated.tolist() == [False] * 5 + [True] and not truncated.any()
    assert terms[0].tolist() == told


@pytest.mark.parametrize(("luck", "lands"), [(0.0, True), (0.799, True), (0.8, False), (0.999, False)])
def test_a_beat_gets_across_with_the_stated_chance(luck, lands):
    env = put([MEET], [0], luck)
    observations, *_ = env.advance(np.array([HOLD]))
    assert observations[0] == state_of(MEET, int(lands))


def test_the_first_two_beats_do_not_end_the_story_and_crossing_the_line_does():
    env = put([20, MEET], [1, 0])
    *_, terminated, _, terms = env.advance(np.array([TOWARDS, HOLD]))
    assert terminated.tolist() == [True, False] and terms[2].tolist() == [1, 0]


def test_sixty_panels_then_truncated():
    env = Storyboard(1)
    env.reset(seed=0)
    away = [env.advance(np.array([AWAY]))[2:4] for _ in range(60)]
    assert not any(terminated[0] for terminated, _ in away)
    assert [bool(truncated[0]) for _, truncated in away] == [False] * 59 + [True]


@EACH_CONTROLS
def test_the_first_panel_is_drawn_from_all_on_the_right_side(controls):
    observations, _ = Storyboard(6000, controls=controls).reset(seed=0)
    counts = np.bincount(observations, minlength=STATES)
    allowed = range(24) if controls == 5 else range(16, 24)
    assert np.flatnonzero(counts).tolist() == list(allowed)
    assert np.abs(counts[counts > 0] / 6000 * len(allowed) - 1).max() < 0.3


def test_bad_arguments_are_refused():
    with pytest.raises(UserError, match="controls=9 is not offered: give 3 .* or 5"):
        Storyboard(1, controls=9)
    with pytest.raises(UserError, match="unknown reset option 'brief'"):
        Storyboard(1).reset(seed=0, options={"brief": "wide"})


# Exactness


@EACH_CONTROLS
def test_the_model_is_what_happens(controls):
    """60,000 random steps: rewards and next states against the model's mean and probabilities."""
    exact, env, rng = storyboard.model(controls), Storyboard(3000, controls=controls), np.random.default_rng(1)
    observations, _ = env.reset(seed=5)
    counts, earned = np.zeros((STATES, controls, STATES)), np.zeros((STATES, controls))
    for _ in range(20):
        actions = rng.integers(controls, size=3000)
        following, rewards, terminated, truncated, info = env.step(actions)
        ended, after = terminated | truncated, following.copy()
        if ended.any():
            after[ended] = info["final_obs"][ended].astype(int)
        np.add.at(counts, (observations, actions, after), 1)
        np.add.at(earned, (observations, actions), rewards)
        observations = following
    tried = counts.sum(axis=-1)
    assert ((counts > 0) <= (exact.transition > 0)).all()
    often = tried > 100
    assert often.sum() > 20 * controls / 3
    deviation = 5 * np.sqrt(LANDS * (1 - LANDS) / tried[often])
    np.testing.assert_array_less(np.abs(counts[often] / tried[often][:, None] - exact.transition[often]).max(axis=-1),
                                 deviation + 1e-9)  # fmt: skip
    np.testing.assert_array_less(np.abs(earned[often] / tried[often] - exact.reward[often]), deviation + 1e-9)


def test_what_is_over_stays_as_it_is_and_earns_nothing():
    exact = storyboard.model()
    over = np.array([s for s in range(STATES) if s // PANELS == 3 or s % PANELS >= 24])
    np.testing.assert_array_equal(exact.transition[over, :, over], 1)
    np.testing.assert_array_equal(exact.reward[over], 0)


def best_within(exact, steps):
    """Undiscounted values (S,) of the best play over so many steps, by backward induction over time."""
    values = np.zeros(STATES)
    for _ in range(steps):
        values = (exact.reward + exact.transition @ values).max(axis=1)
    return values


@EACH_CONTROLS
def test_the_expert_is_optimal_within_the_time_limit(controls):
    """Its undiscounted value over 60 panels is that of the best policy that even knows the clock, to 0.001."""
    exact, policy = storyboard.model(controls), Storyboard(1, controls=controls).expert_policy()(np.arange(STATES))
    values, states = np.zeros(STATES), np.arange(STATES)
    for _ in range(Storyboard.episode_steps):
        values = exact.reward[states, policy] + exact.transition[states, policy] @ values
    first = slice(0, 24) if controls == 5 else slice(16, 24)
    best = best_within(exact, Storyboard.episode_steps)
    np.testing.assert_allclose(values[first], best[first], atol=1e-3)
    stored = Storyboard.metadata["yardsticks"][controls]
    assert stored["expert"] == pytest.approx(best[first].mean(), abs=0.02)


def test_the_shortest_story_by_hand():
    """From the first beat's panel: 13 panels if all gets across; each beat is repeated 1/4 times on average."""
    exact, policy = storyboard.model(), Storyboard(1).expert_policy()(np.arange(STATES))
    values = policy_evaluation(exact, policy, 1 - 1e-9)
    panels = 1 + 5 + 6 + 3 * (1 / LANDS - 1)
    assert values[state_of(MEET, 0)] == pytest.approx(3 - 0.05 * panels, abs=1e-6)


@EACH_CONTROLS
def test_stored_yardsticks_hold(controls):
    stored = Storyboard.metadata["yardsticks"][controls]
    measured = yardsticks.measure(ID, episodes=2048, seed=5_000_000, controls=controls)
    assert measured["random"] == pytest.approx(stored["random"], abs=4 * 2.0 / np.sqrt(2048) + 0.01)
    assert measured["expert"] == pytest.approx(stored["expert"], abs=4 * 0.2 / np.sqrt(2048) + 0.01)


# The environment


def test_each_environment_of_the_batch_is_the_single_one_of_its_seed():
    """Against Gymnasium's SyncVectorEnv: the same episodes, final observations and layout."""
    theirs = SyncVectorEnv([lambda: gym.make(ID).unwrapped] * 4, autoreset_mode=AutoresetMode.SAME_STEP)
    ours = gym.make_vec(ID, num_envs=4)
    observations, _ = ours.reset(seed=7)
    np.testing.assert_array_equal(observations, theirs.reset(seed=7)[0])
    assert observations.dtype == np.int64 and observations in ours.observation_space
    rng, ended = np.random.default_rng(0), 0
    for _ in range(100):
        actions = rng.choice(5, size=4, p=[0.2, 0.3, 0.2, 0.1, 0.2])
        *result, info = ours.step(actions)
        *expected, expected_info = theirs.step(actions)
        for a, b in zip(result, expected, strict=True):
            np.testing.assert_allclose(a, b)
            assert a.dtype == b.dtype
        if "final_obs" in info:
            ended += 1
            done = info["_final_obs"]
            np.testing.assert_array_equal(done, expected_info["_final_obs"])
            assert info["final_obs"][done].tolist() == expected_info["final_obs"][done].tolist()
    assert ended >= 3


def test_a_restored_state_goes_on_exactly():
    env, actions = Storyboard(8), np.random.default_rng(3).integers(5, size=(50, 8))
    env.reset(seed=1)
    for action in actions[:20]:
        env.step(action)
    state = env.state()
    expected = [env.step(action)[:2] for action in actions[20:]]
    other = Storyboard(8)
    other.restore(state)
    for action, (observations, rewards) in zip(actions[20:], expected, strict=True):
        result = other.step(action)
        np.testing.assert_array_equal(result[0], observations)
        np.testing.assert_array_equal(result[1], rewards)


@EACH_CONTROLS
def test_gymnasiums_checker_is_content(controls):
    env = gym.make(ID, controls=controls, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_the_strip_is_the_story_so_far():
    env = put([8], [0], luck=0.5)
    path = [8]
    for action in (CLOSER, TOWARDS, HOLD):
        observations, *_ = env.advance(np.array([action]))
        path.append(int(observations[0] % PANELS))
    assert path == [8, 9, 17, 17]
    assert env.state()["strip"][0, 1:4].tolist() == path[1:] and env.state()["strip"][0, 4] == -1


# The pictures


def test_the_board_shows_where_one_is_what_is_told_and_the_way():
    env = Storyboard(2, render_mode="rgb_array")
    env.reset(seed=0)
    first, _ = env.render()
    assert first.shape == (426, 1370, 3) and first.dtype == np.uint8

    def framed(strip, told=0):
        left, top = storyboard.corner(strip[-1])
        return storyboard.picture(np.array(strip), told)[top, left + 80].tolist()

    assert framed([MEET]) == list(storyboard.HERE)
    pips = [storyboard.picture(np.array([0]), told)[210 + 12, 180 + 12].tolist() for told in (0, 1)]
    assert pips == [list(storyboard.OPEN), list(storyboard.DONE)]
    bare, walked = (storyboard.picture(np.array(strip), 0) for strip in ([9], [8, 9]))
    changed = (bare != walked).any(axis=(0, 2)).nonzero()[0]
    assert 90 < changed.min() and changed.max() < 270  # an arrow from the middle of panel 8 to that of panel 9


def test_a_story_is_an_animatic():
    env = Storyboard(1)
    env.reset(seed=2)
    states = [env.state()]
    for action in (CLOSER, HOLD):
        env.advance(np.array([action]))
        states.append(env.state())
    take = env.take(states)
    assert len(take) == 36 and take.fps == 24
    k = -take.camera_position[:, 1] * framing.SUPER_35[1] / take.focal_length / framing.STATURE
    columns = [int(state["panel"][0, 0]) % COLUMNS for state in states]
    np.testing.assert_allclose(k[::12], np.array(list(SIZES.values()))[columns], rtol=1e-9)
