"""FilmEdit-v0: every term against a cut worked out by hand, and the optimum against every cut there is."""

import itertools
import warnings
from functools import cache

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import animatic, coverage, film_edit, yardsticks
from rlfilm_lib.envs.batch import mix
from rlfilm_lib.envs.coverage import ANGLES, BEATS, JOINS, PAIR
from rlfilm_lib.envs.film_edit import DISSOLVE, LEAD, STRAIGHT, TRAIL, WEIGHTS, FilmEdit, Shot
from rlfilm_lib.film import pacing
from rlfilm_lib.stage import preview

ID = "rlfilm/FilmEdit-v0"
CUT = ("line", "thirty_degrees", "eyeline", "match_on_action", "step")


@cache
def scenes(count=24):
    return coverage.draw(mix(np.arange(1, count + 1, dtype=np.uint64)), np.arange(count) % 3)


def part(scene, angles, beats, start=0):
    """A scene's first angles, and some of its beats: small enough to try every cut."""
    kept = {}
    for name in ("shot", "listener", "heard"):
        kept[name] = getattr(scene, name)[:angles, start : start + beats]
    for name in ("eyeline", "match_on_action", "word"):
        kept[name] = getattr(scene, name)[:, start : start + beats]
    for name in ("beat", "target", "speaker", "handover"):
        kept[name] = getattr(scene, name)[start : start + beats]
    return scene._replace(**kept, subject=scene.subject[:angles], ellipse=scene.ellipse - start)


def score(scene, shots):
    """The return of a cut of the first of the scenes, shot by shot, straight from the definitions."""
    beats = scene.shot.shape[1]
    total = 0.0
    for number, shot in enumerate(shots):
        start, angle = shot.start, shot.angle
        end = shots[number + 1].start if number + 1 < len(shots) else beats
        ellipse = scene.ellipse[0, 0]
        length = end - start
        total += WEIGHTS["rhythm"] * length * float(pacing.rhythm(length, float(scene.target[start, 0])))
        value = dict.fromkeys((*CUT, "speech", "beat", "transition", "listener"), 1.0)
        if number:
            before = shots[number - 1].angle
            pair = PAIR[before, angle]
            if not (start == ellipse and shot.join == DISSOLVE):
                for name in CUT:
                    rows = getattr(scene, name)
                    value[name] = rows[pair, 0] if rows.ndim == 2 else rows[pair, start, 0]
                speaks, spoke = scene.speaker[start, 0], scene.handover[start, 0]
                if scene.subject[before, 0] == spoke and scene.subject[angle, 0] == speaks:
                    value["listener"] = 0.5
            value["speech"], value["beat"] = scene.word[shot.join, start, 0], scene.beat[start, 0]
            if start == ellipse:
                value["transition"] = 1.0 if shot.join == DISSOLVE else 0.4
            else:
                value["transition"] = 0.0 if shot.join == DISSOLVE else 1.0
        for beat in range(start, end):
            total += sum(WEIGHTS[name] * value[name] for name in (*CUT, "beat"))
            total += WEIGHTS["shot"] * scene.shot[angle, beat, 0]
            total += WEIGHTS["listener"] * value["listener"] * scene.listener[angle, beat, 0]
            total += WEIGHTS["speech"] * value["speech"] * scene.heard[angle, beat, 0]
            total += WEIGHTS["transition"] * value["transition"] * (start >= ellipse or beat < ellipse)
    return float(total)


def every_cut(angles, beats, joins):
    """All lists of shots: at each beat stay, or cut to another angle in one of the ways."""
    for first in range(angles):
        for taken in itertools.product([None, *itertools.product(range(angles), range(joins))], repeat=beats - 1):
            shots = [Shot(0, first)]
            for beat, choice in enumerate(taken, start=1):
                if choice is not None:
                    if choice[0] == shots[-1].angle:
                        break
                    shots.append(Shot(beat, *choice))
            else:
                yield shots


def played(env, taken):
    """Terms (T, steps) and the return of actions (steps,) in every environment of a batch that has just begun."""
    terms, rewards = [], 0.0
    for action in taken:
        _, reward, _, _, values = env.advance(np.full(env.num_envs, action))
        terms.append(values)
        rewards = rewards + reward
    return np.stack(terms, axis=1), rewards


# The optimum


@pytest.mark.parametrize(("angles", "beats", "joins"), [(2, 6, 4), (3, 5, 3), (4, 5, 1), (4, 4, 4)])
def test_the_optimum_is_the_best_of_every_cut(angles, beats, joins):
    ellipse = int(scenes().ellipse[0].min())
    for index, start in ((0, 0), (int(scenes().ellipse[0].argmin()), ellipse - 2)):
        scene = part(scenes().of([index]), angles, beats, start)
        tried = {tuple(shots): score(scene, shots) for shots in every_cut(angles, beats, joins)}
        assert len(tried) > 100
        best, shots = film_edit.optimum(scene, joins)
        assert best == pytest.approx(max(tried.values()), abs=1e-5)
        assert tried[tuple(shots)] == pytest.approx(best, abs=1e-5)


def test_the_environment_pays_what_the_optimum_promises():
    env = FilmEdit(12)
    env.reset(seed=3)
    scene = env.rushes()
    for index in range(12):
        best, shots = film_edit.optimum(scene, index=index)
        env.reset(seed=3)
        _, returns = played(env, film_edit.actions(shots))
        assert returns[index] == pytest.approx(best, abs=1e-4)
        assert score(scene.of([index]), shots) == pytest.approx(best, abs=1e-4)


def test_any_cut_earns_what_its_shots_add_up_to():
    env = FilmEdit(4)
    rng = np.random.default_rng(0)
    for seed in range(6):
        taken = np.where(rng.random(BEATS) < 0.5, 0, rng.integers(0, 17, BEATS))
        env.reset(seed=seed)
        scene = env.rushes()
        _, returns = played(env, taken)
        for index in range(4):
            assert returns[index] == pytest.approx(score(scene.of([index]), film_edit.shots(taken)), abs=1e-4)


def test_no_policy_beats_the_expert_which_earns_the_optimum():
    env = FilmEdit(64)
    env.reset(seed=0)
    best = film_edit.solve(env.rushes()).score
    returns = yardsticks.episode_returns(env, env.expert_policy(), seed=0)
    np.testing.assert_allclose(returns, best, atol=1e-4)
    assert (yardsticks.episode_returns(env, env.random_policy(), seed=0) < best - 5).all()


@pytest.mark.parametrize("controls", [1, 2, 3])
def test_the_expert_makes_the_best_of_a_bad_beginning(controls):
    """From any place, what it earns from there is no less than what a random policy or staying does."""
    env, rng = FilmEdit(32, controls=controls), np.random.default_rng(1)
    env.reset(seed=0)
    for _ in range(20):
        env.advance(rng.integers(0, env.single_action_space.n, 32))
    state, expert, earned = env.state(), env.expert_policy(), {}
    policies = {
        "expert": expert,
        "stay": lambda observations: np.zeros(32, int),
        "once": lambda observations: np.where(env.elapsed == 21, 1, expert(observations)),
    }
    for name, policy in policies.items():
        env.restore(state)
        earned[name] = sum(env.advance(policy(None))[1] for _ in range(BEATS - 20))
    assert (earned["expert"] > earned["stay"]).all() and (earned["expert"] >= earned["once"] - 1e-5).all()


def test_more_controls_allow_more():
    best = [film_edit.solve(scenes(), joins).score for joins in (1, 3, 4)]
    assert (best[0] <= best[1]).all() and (best[1] <= best[2]).all()
    assert (best[0] < best[1]).mean() > 0.8 and (best[1] < best[2]).mean() > 0.3


# What the policy sees


@pytest.mark.parametrize("joins", [1, 3, 4])
def test_looking_ahead_far_enough_is_the_optimum(monkeypatch, joins):
    """Over all lengths and as many shots as there are beats; ping-pong is out of it, where nobody reacts."""
    monkeypatch.setattr(film_edit, "LENGTHS", range(1, BEATS + 1))
    monkeypatch.setattr(film_edit, "SHOTS_AHEAD", BEATS)
    scene = scenes().of(range(6))._replace(handover=np.full((BEATS, 6), coverage.NO_HANDOVER))
    plan = film_edit.solve(scene, joins)
    surplus, after = film_edit._look_ahead(scene, joins)
    rate = film_edit.GOING_RATE * (BEATS - np.arange(BEATS + 1))
    np.testing.assert_allclose(after[:, 1:].transpose(1, 0, 2) + rate[1:, None, None], plan.value[1:], atol=2e-4)
    np.testing.assert_allclose(surplus[range(4), range(4), 0].max(axis=0) + rate[0], plan.score, atol=2e-4)


def test_the_farther_it_looks_ahead_the_better_is_its_advice(monkeypatch):
    def regret():
        env = FilmEdit(48)
        env.reset(seed=0)
        best = film_edit.solve(env.rushes()).score
        return float(np.mean(best - yardsticks.episode_returns(env, film_edit.advised, seed=0)))

    near = regret()
    monkeypatch.setattr(film_edit, "SHOTS_AHEAD", 1)
    nearer = regret()
    monkeypatch.setattr(film_edit, "LENGTHS", range(1, BEATS + 1))
    monkeypatch.setattr(film_edit, "ENDS", np.arange(BEATS + 1))
    monkeypatch.setattr(film_edit, "SHOTS_AHEAD", BEATS)
    assert 0 < regret() < 0.3 < near < nearer < 3


# Pace, and the traps of rhythm


def test_the_optimum_keeps_the_pace_of_its_brief():
    for pace, asl in enumerate(pacing.ASL.values()):
        scene = coverage.draw(mix(np.arange(100, 140, dtype=np.uint64)), np.full(40, pace))
        plan = film_edit.solve(scene)
        cuts = [plan.shots(index) for index in range(40)]
        lengths = [np.diff([shot.start for shot in shots] + [BEATS]) / 2 for shots in cuts]
        pooled = np.concatenate(lengths)
        assert pooled.mean() == pytest.approx(asl, rel=0.25)
        assert pooled.std() / pooled.mean() > 0.3
        near = [abs(own.mean() / asl - 1) <= 0.25 and own.std() / own.mean() >= 0.3 for own in lengths]
        assert np.mean(near) > 0.6


def test_endless_shots_flicker_and_the_mode_fall_short():
    scene = scenes()
    best = film_edit.solve(scene).score
    for index in range(len(best)):
        one = scene.of([index])
        endless = max(score(one, [Shot(0, angle)]) for angle in range(4))
        flicker = max(score(one, [Shot(beat, (beat + first) % 4) for beat in range(BEATS)]) for first in range(4))
        even = score(one, [Shot(beat, 1 + beat // 8 % 2) for beat in range(0, BEATS, 8)])
        assert max(endless, flicker, even) < best[index] - 3


def test_targets_fill_the_scene_with_the_pace_asked_for():
    """Where the brief's own shots begin, their lengths add up to the scene."""
    scene = scenes()
    for index in range(len(scene.pace[0])):
        target = scene.target[:, index]
        runs = target[np.flatnonzero(np.diff(target, prepend=-1))]
        shots = round(coverage.SECONDS / list(pacing.ASL.values())[int(scene.pace[0, index])])
        if len(runs) == shots:  # none is so short that no beat falls into it
            assert runs.sum() == pytest.approx(BEATS, rel=1e-4)


# Each term


def edited(**arrays):
    """An environment at the beginning of a scene, with some of its tables replaced by numbers, or rows of beats."""
    env = FilmEdit(1)
    env.reset(seed=5)
    for name, value in arrays.items():
        shape = env.shapes[name]
        env.scene[name][...] = np.broadcast_to(value, shape).reshape(-1, 1)
    env.scene["edit"][film_edit.TARGET] = env.scene["target"][0]
    return env


def term(env, taken, name):
    return played(env, taken)[0][list(env.weights).index(name), :, 0]


def test_shot_listener_and_speech_are_those_of_the_angle_on_screen():
    angle = np.arange(4)[:, None] / 10
    env = edited(shot=angle, listener=angle + 0.1, heard=angle + 0.2, word=0.5, handover=-2, ellipse=60)
    terms, _ = played(env, [0, 2, 0, 4, 1 + 4 + 1])
    np.testing.assert_allclose(terms[0, :, 0], [0, 0.1, 0.1, 0.3, 0.1], atol=1e-6)
    np.testing.assert_allclose(terms[1, :, 0], [0.1, 0.2, 0.2, 0.4, 0.2], atol=1e-6)
    np.testing.assert_allclose(terms[7, :, 0], [0.2, 0.15, 0.15, 0.25, 0.15], atol=1e-6)


@pytest.mark.parametrize("name", CUT)
def test_what_a_cut_is_worth_lasts_as_long_as_its_shot(name):
    pairs = np.full(7, 1.0)
    pairs[PAIR[0, 1]], pairs[PAIR[1, 3]] = 0.25, 0.75
    env = edited(**{name: pairs if name not in ("eyeline", "match_on_action") else pairs[:, None]}, ellipse=60)
    np.testing.assert_allclose(term(env, [1, 1, 2, 0, 4, 4, 1], name), [1, 1, 0.25, 0.25, 0.75, 0.75, 1])


def test_a_return_on_the_first_word_is_ping_pong():
    """Half of `listener` is left of a cut from A, who spoke, to B as he begins; a beat later it is a reaction."""
    arrays = {"listener": 1, "subject": [-1, 0, 1, -1], "speaker": np.r_[0, 0, np.ones(58)], "ellipse": 60}
    handover = np.full(BEATS, -2)
    handover[2] = 0
    on, later = ([2, 0, 3, 0], [2, 0, 0, 3])
    np.testing.assert_allclose(term(edited(**arrays, handover=handover), on, "listener"), [1, 1, 0.5, 0.5])
    np.testing.assert_allclose(term(edited(**arrays, handover=handover), later, "listener"), 1)
    np.testing.assert_allclose(term(edited(**arrays, handover=handover), [1, 0, 3, 0], "listener"), 1)


def test_the_sound_is_cut_as_the_join_has_it():
    env = edited(word=np.array([0.0, 0.9, 0.8, 1.0])[:, None], heard=1, ellipse=60)
    taken = [1, 1 + 1, 1 + 4 + 2, 1 + 8 + 1, 1 + 12 + 2]
    np.testing.assert_allclose(term(env, taken, "speech"), [1, 0, 0.9, 0.8, 1.0], atol=1e-6)


def test_a_dissolve_belongs_on_the_ellipse():
    dissolve, straight = 1 + 12 + 1, 1 + 1
    at = {"ellipse": 2}
    np.testing.assert_allclose(term(edited(**at), [0, 0, dissolve, 0], "transition"), [1, 1, 1, 1])
    np.testing.assert_allclose(term(edited(**at), [0, 0, straight, 0], "transition"), [1, 1, 0.4, 0.4], atol=1e-6)
    np.testing.assert_allclose(term(edited(**at), [0, 0, 0, 0, straight], "transition"), [1, 1, 0, 0, 1])
    np.testing.assert_allclose(term(edited(**at), [0, dissolve, 0, 1 + 2], "transition"), [1, 0, 0, 1])
    np.testing.assert_allclose(term(edited(**at, line=0), [0, 0, dissolve], "line"), 1, err_msg="another time")
    np.testing.assert_allclose(term(edited(**at, line=0), [0, 0, straight], "line"), [1, 1, 0])


def test_rhythm_is_what_a_shot_gains_by_a_beat():
    env = edited(target=4.0, ellipse=60)
    found = term(env, [1, 0, 0, 0, 0, 0, 2, 3] + [0] * 52, "rhythm")
    worth = {n: n / 60 * np.exp(-0.5 * (np.log(n / 4) / 0.3) ** 2) for n in range(1, 61)} | {0: 0}
    lengths = [1, 2, 3, 4, 5, 6, 1, *range(1, 54)]
    np.testing.assert_allclose(found, [worth[n] - worth[n - 1] for n in lengths], atol=1e-6)
    assert found[3] > 0 > found[5], "right at 4 beats, too long at 6"
    assert found.sum() == pytest.approx(worth[6] + worth[1] + worth[53], abs=1e-6)


def test_a_cut_on_the_last_beat_is_a_shot_of_one():
    env = edited(target=1.0, ellipse=60)
    found = term(env, [1, 2] * 29 + [1, 2], "rhythm")
    np.testing.assert_allclose(found, np.full(60, 1 / 60), atol=1e-6)


def test_cutting_to_the_angle_on_screen_is_staying():
    taken = np.array([2, 0, 0, 1, 0, 0])
    again = np.array([2, 2, 6, 1, 1, 13])
    first, second = (played(begun(7), actions)[1] for actions in (taken, again))
    np.testing.assert_array_equal(first, second)


def begun(seed):
    env = FilmEdit(3)
    env.reset(seed=seed)
    return env


# How an episode begins


@pytest.mark.parametrize("pace", pacing.ASL)
def test_a_pace_may_be_fixed_or_asked_for_once(pace):
    number = list(pacing.ASL).index(pace)
    fixed = FilmEdit(20, pace=pace)
    fixed.reset(seed=0)
    assert (fixed.state()["pace"] == number).all() and fixed.metadata["yardsticks"] == {}
    env = FilmEdit(20)
    env.reset(seed=0, options={"pace": pace})
    assert (env.state()["pace"] == number).all()
    env.reset(seed=0)
    assert len(np.unique(env.state()["pace"])) == 3


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ({"pace": "fats"}, {}, "unknown pace 'fats'; did you mean 'fast'"),
        ({}, {"pace": "slo"}, "unknown pace 'slo'; did you mean 'slow'"),
        ({}, {"tempo": 3}, "unknown reset option 'tempo'"),
        ({"controls": 9}, {}, "controls=9 is not offered: give 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(arguments, options, message):
    with pytest.raises(rlfilm.errors.UserError, match=message):
        FilmEdit(1, **arguments).reset(seed=0, options=options)


def test_scenes_are_of_all_kinds():
    scene = scenes()
    assert set(scene.fourth[0]) == {0, 1, 2, 3} and (scene.ellipse < BEATS).any() and (scene.ellipse == BEATS).any()
    across = scene.fourth[0] == 1
    np.testing.assert_array_equal(scene.line[PAIR[0, 3]] == 0, across)
    assert ((scene.speaker == 2).any(axis=0) <= (scene.fourth[0] == 3)).all(), "C only speaks where he is"


def test_singles_show_who_they_are_named_after():
    scene = scenes(200)
    alone = (scene.active > 0) & (scene.reaction < 0) & (scene.action < 0)
    for who in (0, 1):
        speaks = alone & (scene.speaker == who)
        assert scene.shot[1 + who][speaks].mean() > 0.8 > 0.2 > scene.shot[2 - who][speaks].mean()
        assert 0.2 < scene.shot[0][speaks].mean() < 0.6


def test_words_end_where_the_sound_may_be_cut():
    """A straight cut scores 1 just where no word goes on, and a split one reaches such a frame."""
    for index in range(6):
        scene = scenes().of([index])
        inside = np.zeros(BEATS * 12 + 1, bool)
        for _, first, end in coverage.words(scene):
            inside[first + 1 : end] = True
        for beat in range(1, BEATS):
            frame = beat * 12
            assert (scene.word[STRAIGHT, beat, 0] == 1) == (not inside[frame]), (index, beat)
            for join in (LEAD, TRAIL):
                offset = int(scene.offset[join, beat, 0])
                assert (offset > 0) == (join == LEAD) and abs(offset) <= 12
                if scene.word[join, beat, 0] > 0:
                    assert not inside[frame - offset], (index, beat, JOINS[join])


# The environment as Gymnasium has it


@pytest.mark.parametrize("controls", [1, 2, 3])
def test_gymnasiums_checker(controls):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(ID, controls=controls).unwrapped, skip_render_check=True)


def test_a_batch_is_single_environments():
    batch = rlfilm.make_vec(ID, num_envs=3)
    assert batch.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    singles = [gym.make(ID) for _ in range(3)]
    taken = np.random.default_rng(0).integers(0, 17, (70, 3))
    together, _ = batch.reset(seed=11)
    alone = np.stack([env.reset(seed=11 + i)[0] for i, env in enumerate(singles)])
    np.testing.assert_array_equal(together, alone)
    for step, actions in enumerate(taken):
        together, rewards, terminated, truncated, info = batch.step(actions)
        for i, env in enumerate(singles):
            alone, reward, ended, cut, own = env.step(actions[i])
            assert reward == pytest.approx(rewards[i], abs=1e-6) and ended == terminated[i] and not cut
            assert own["reward_terms"]["rhythm"] == pytest.approx(info["reward_terms"]["rhythm"][i], abs=1e-6)
            if ended:
                np.testing.assert_array_equal(alone, info["final_obs"][i])
                alone, _ = env.reset()
            np.testing.assert_array_equal(alone, together[i])
        assert terminated.all() == (step == BEATS - 1) and not truncated.any()


def test_one_seed_twice_and_two_seeds():
    def run(seed):
        env = FilmEdit(2)
        observations = [env.reset(seed=seed)[0]]
        for actions in np.random.default_rng(0).integers(0, 17, (20, 2)):
            observations.append(env.step(actions)[0])
        return np.stack(observations)

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_it_goes_on_from_a_state():
    env, other = FilmEdit(3), FilmEdit(3)
    env.reset(seed=0), other.reset(seed=9)
    taken = np.random.default_rng(0).integers(0, 17, (80, 3))
    for actions in taken[:35]:
        env.step(actions)
    np.testing.assert_array_equal(other.restore(env.state()), env._observe())
    for actions in taken[35:]:
        for mine, others in zip(env.step(actions)[:4], other.step(actions)[:4], strict=True):
            np.testing.assert_array_equal(mine, others)


def test_rewards_are_sums_of_terms():
    env = FilmEdit(100)
    observations, _ = env.reset(seed=0)
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    for actions in np.random.default_rng(0).integers(0, 17, (BEATS, 100)):
        observations, rewards, _, _, terms = env.advance(actions)
        *others, rhythm = terms
        assert np.min(others) >= 0 and np.max(others) <= 1 and np.isfinite(observations).all()
        assert np.abs(rhythm).max() < 4 / BEATS, "no steeper than the kernel"
        np.testing.assert_allclose(rewards, np.array(list(env.weights.values())) @ terms, rtol=1e-6)


# Pictures, sound, timeline


def test_the_take_is_what_was_cut():
    env = FilmEdit(1)
    env.reset(seed=0)
    states = [env.state()]
    for action in (2, 0, 3):
        env.advance(np.array([action]))
        states.append(env.state())
    take, scene = env.take(states), env.rushes()
    assert len(take) == 36 and take.fps == 24
    for frame, angle in ((0, 1), (23, 1), (24, 2), (35, 2)):
        np.testing.assert_allclose(take.camera_position[frame], scene.camera[angle, :, 0], rtol=1e-6)


def test_the_timeline_carries_the_cut():
    scene = scenes().of([int(scenes().ellipse[0].argmin())])
    _, shots = film_edit.optimum(scene)
    assert any(shot.join == DISSOLVE for shot in shots)
    cut = animatic.timeline(scene, shots)
    assert cut.frames == 720 and len(cut.events) == len(shots)
    for event, shot in zip(cut.events, shots, strict=True):
        assert event.start == 12 * shot.start and event.source.path.startswith(ANGLES[shot.angle].split()[0])
        assert (event.transition == 12) == (shot.join == DISSOLVE)
        if shot.join in (LEAD, TRAIL):
            assert event.audio_lead == scene.offset[shot.join, shot.start, 0]


def test_sound_is_heard_where_somebody_speaks():
    scene = scenes().of([0])
    heard = np.abs(animatic.sound(scene, [Shot(0, 1), Shot(20, 2, LEAD)])).max(axis=1).reshape(720, -1).max(axis=1)
    assert heard.max() < 1
    spoken = np.zeros(720, bool)
    for _, first, end in coverage.words(scene):
        spoken[first:end] = True
    assert (heard[spoken] > 0.001).all() and (heard[~spoken] == 0).all()


def test_a_dissolve_shows_both_angles():
    scene = scenes().of([0])
    shown = animatic.frames(scene, [Shot(0, 1), Shot(1, 2, DISSOLVE), Shot(2, 0)], 32, 18)
    shown = np.stack([frame for frame, _ in zip(shown, range(25), strict=False)]).astype(float)
    alone = preview.render(coverage.film(scene, [11, 18, 18, 24], [1, 1, 2, 0]), 32, 18).astype(float)
    np.testing.assert_allclose(shown[[11, 24]], alone[[0, 3]], atol=2)
    part = 6.5 / 12
    np.testing.assert_allclose(shown[18], (1 - part) * alone[1] + part * alone[2], atol=2)
