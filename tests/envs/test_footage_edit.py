"""Cutting footage: the length is kept, and every term is what it is worked out to be."""

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.footage_edit import GRADED, KEPT, RAMPED, REFRAMED, TERMS, FootageEdit, Pieces, run_through
from rlfilm_lib.errors import UserError
from rlfilm_lib.film import pacing

pytest.importorskip("scipy", reason='needs the extra: pip install "rlfilm[edit]"')


def pieces(count=24, seed=0, fps=24.0):
    """Made footage: pieces of 10 to 20 frames in shots of five, with a picture embedded every 12 frames."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(10, 21, count)
    start = np.append(0, frames.cumsum()[:-1])
    sampled = np.arange(0, frames.sum(), 12)
    vectors = rng.uniform(0, 1, (len(sampled), 5))
    return Pieces(
        fps=fps,
        source=np.zeros(count, int),
        shot=np.arange(count) // 5,
        start=start,
        frames=frames,
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        piece_of=np.searchsorted(start, sampled, side="right") - 1,
        seconds=sampled / fps,
        colour=np.log2(rng.uniform(0.2, 0.8, (count, 3))),
        power=rng.uniform(0.8, 1.2, (count, 3)),
        place=rng.random((count, 2)),
        crop=np.zeros((count, 2)),
        motion=rng.uniform(0, 0.03, count),
        sharpness=rng.random(count),
        loudness=rng.uniform(-40, -10, count),
        speech=rng.random(count) * (rng.random(count) < 0.5),
        voiced=rng.random((count, 2)),
        beat=rng.random(count),
    )


@pytest.mark.parametrize("budget", [1, 7, 120, 300])
def test_every_cut_is_exactly_as_long_as_asked_for(budget):
    env = FootageEdit(pieces(), budget, "fast", num_envs=64)
    for policy in (env.random_policy(1), env.uniform_policy(1)):
        _, decisions = env.play(policy)
        for cut in decisions.T:
            shots = env.shots(cut)
            assert sum(shot.frames for shot in shots) == budget
            assert [shot.record for shot in shots] == [sum(s.frames for s in shots[:n]) for n in range(len(shots))]


def test_all_of_the_footage_can_be_kept():
    material = pieces()
    env = FootageEdit(material, int(material.frames.sum()), num_envs=4)
    _, decisions = env.play(env.random_policy())
    assert decisions.all() and (decisions & RAMPED == 0).all()


@pytest.mark.parametrize("beats", [None, np.array([3.0, 40.5, 77.0])])
def test_what_an_episode_earns_is_the_score_of_its_cut(beats):
    env = FootageEdit(pieces(), 120, "fast", num_envs=48, beats=beats)
    for policy in (env.random_policy(2), env.uniform_policy(2)):
        terms, decisions = env.play(policy)
        assert terms.min() >= 0 and terms.max() <= 1 + 1e-6
        for earned, cut in zip(terms.T, decisions.T, strict=True):
            score = env.score(cut)
            np.testing.assert_allclose(earned, [score[name] for name in TERMS], atol=1e-5)


def test_diversity_and_representativeness_of_zhou_by_hand():
    material = pieces()
    env = FootageEdit(material, 120, "fast")
    _, decisions = env.play(env.random_policy(5))
    cut = decisions[:, 0]
    kept = np.flatnonzero(cut[material.piece_of])
    pairs, distances = [], []
    for i in kept:
        for j in kept:
            if i != j:
                far = abs(material.seconds[i] - material.seconds[j]) > 10
                pairs.append(1.0 if far else 1 - material.vectors[i] @ material.vectors[j])
    for vector in material.vectors:
        distances.append(min(((vector - material.vectors[i]) ** 2).sum() for i in kept))
    score = env.score(cut)
    assert score["diversity"] == pytest.approx(np.mean(pairs), abs=1e-5)
    assert score["representativeness"] == pytest.approx(np.exp(-np.mean(distances)), abs=1e-5)


def test_the_terms_of_two_shots_by_hand():
    material = pieces()
    env = FootageEdit(material, int(material.frames[[1, 2, 7]].sum()), "fast")
    cut = np.zeros(24, np.int8)
    cut[[1, 2]], cut[7] = KEPT, KEPT | REFRAMED | GRADED
    first, second = env.shots(cut)
    assert (first.first, first.last, second.first) == (1, 2, 7) and second.reframed and second.graded
    assert first.terms["speech"] == pytest.approx((1 - material.voiced[1, 0]) * (1 - material.voiced[2, 1]))
    assert first.terms["beat"] == material.beat[1] and second.terms["jump_cut"] == 1  # from another shot
    assert second.terms["reframe"] == pytest.approx(material.place[7, 1])
    step = np.abs(material.colour[7] * material.power[7] - material.colour[2]).mean()
    assert second.terms["grade"] == pytest.approx(np.exp(-0.5 * (step / 0.5) ** 2))
    length = (material.frames[1] + material.frames[2]) / 24
    assert first.terms["rhythm"] == pytest.approx(float(pacing.rhythm(length, env.wanted[0])))
    assert first.parts == ((material.start[1], material.frames[1] + material.frames[2], 1.0),)


def test_a_ramp_begins_slower_and_leaves_no_frame_out():
    material = pieces()
    lengths = material.frames[1:4]
    shown = [
        int(run_through(lengths[0], True)),
        int(run_through(lengths[1], False)),
        int(run_through(lengths[2], False)),
    ]
    env = FootageEdit(material, sum(shown))
    cut = np.zeros(24, np.int8)
    cut[1:4] = KEPT | RAMPED
    (shot,) = env.shots(cut)
    (start, frames, slow), (begins, rest, fast) = shot.parts
    assert (start, frames, frames + rest) == (material.start[1], shown[0], sum(shown))
    assert begins == material.start[2] == start + lengths[0] and frames * slow == pytest.approx(lengths[0])
    assert rest * fast == pytest.approx(lengths[1] + lengths[2]) and 1.4 < slow < 1.7 < 1.9 < fast < 2.2


def test_a_state_is_gone_back_to():
    env = FootageEdit(pieces(), 120, "fast", num_envs=3)
    env.reset(seed=0)
    policy = env.random_policy(3)
    for _ in range(6):
        observations, *_ = env.step(policy(np.zeros((3, 1))))
    state, actions = env.state(), [policy(np.zeros((3, 1))) for _ in range(12)]
    after = [env.step(action)[:2] for action in actions]
    np.testing.assert_array_equal(env.restore(state), observations)
    for action, (seen, rewards) in zip(actions, after, strict=True):
        again = env.step(action)
        np.testing.assert_array_equal(again[0], seen)
        np.testing.assert_array_equal(again[1], rewards)


def test_only_weighted_terms_count():
    env = FootageEdit(pieces(), 120, "fast", num_envs=2, weights={"beat": 2.0})
    env.reset(seed=0)
    total, terms = np.zeros(2), np.zeros(2)
    policy, over = env.random_policy(0), np.zeros(2, bool)
    while not over.all():
        _, rewards, terminated, _, earned = env.advance(policy(np.zeros((2, 1))))
        total, terms, over = total + rewards, terms + earned[TERMS.index("beat")], over | terminated
    np.testing.assert_allclose(total, 2 * terms)


def test_what_cannot_be_cut_is_refused():
    material = pieces()
    with pytest.raises(UserError, match="unknown pace 'quick'"):
        FootageEdit(material, 100, "quick")
    for budget in (0, int(material.frames.sum()) + 1):
        with pytest.raises(UserError, match=f"a cut of {budget} frames"):
            FootageEdit(material, budget)


def test_a_policy_learns_to_cut(any_backend):
    pytest.importorskip("PIL")
    from rlfilm_lib.cutting import SETTINGS

    env = FootageEdit(pieces(), 120, "fast", num_envs=32)
    learner = rlfilm.learner("ppo", env, backend=any_backend, seed=0, **SETTINGS["ppo"])
    rlfilm.train(learner, env, steps=40_000, progress=False)
    compared = FootageEdit(pieces(), 120, "fast", num_envs=64)
    earned = {
        name: compared.play(policy, deterministic=False)[0].sum(axis=0).mean()
        for name, policy in (("random", compared.random_policy()), ("trained", learner.policy()))
    }
    assert earned["trained"] > earned["random"] + 0.4
