"""VideoSummary pays what the paper's rewards say, and its policies score samples by what they show."""

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.video_summary import OBSERVATION, SHARE, VideoSummary, observe, scorer
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.rollout import check_environment
from rlfilm_lib.video.summary import Video, diversity, representativeness


def made(samples, seed, dimensions=6):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((samples, dimensions))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    frames = 15 * samples
    return Video(
        f"video_{seed}", 15 * np.arange(samples), np.array([[0, frames - 1]]), np.ones((1, samples)),
        np.zeros((1, frames), bool), features,
    )  # fmt: skip


VIDEOS = [made(30, 0), made(45, 1)]


def test_the_terms_of_an_episode_add_up_to_the_papers_rewards():
    env = VideoSummary(6, VIDEOS)
    env.reset(seed=0)
    video = env.scene["video"][0].copy()
    assert set(video) == {0, 1}
    rng, kept = np.random.default_rng(0), [[] for _ in video]
    total, running = np.zeros((3, 6)), np.ones(6, bool)
    for step in range(45):
        actions = rng.integers(2, size=6)
        for n in np.flatnonzero(running & (actions == 1)):
            kept[n].append(step)
        _, rewards, terminated, truncated, info = env.step(actions)
        terms = np.array(list(info["reward_terms"].values()))
        np.testing.assert_allclose(rewards, 0.5 * terms.sum(axis=0))
        total += terms * running
        np.testing.assert_array_equal((terminated & running), running & (step + 1 == env.lengths[video]))
        assert not truncated.any()
        running &= ~terminated
    for n in range(6):
        features, chosen = VIDEOS[video[n]].features, np.array(kept[n])
        expected = diversity(features[chosen], chosen), representativeness(features, features[chosen])
        np.testing.assert_allclose(total[:2, n], expected, rtol=1e-5)
        assert total[2, n] == pytest.approx(1 - (len(chosen) / len(features) - SHARE) ** 2 / SHARE**2)


def test_keeping_nothing_pays_nothing():
    env = VideoSummary(1, VIDEOS[:1])
    env.reset(seed=0)
    rewards = [env.step(np.zeros(1, int))[1][0] for _ in range(30)]
    assert sum(rewards) == pytest.approx(0, abs=1e-12)


def test_what_is_seen_is_standardised_and_says_what_stands_out():
    odd = made(40, 3)
    features = np.tile(odd.features[0], (40, 1))
    features[17] = -features[17]
    seen = observe(Video(odd.name, odd.picks, odd.segments, odd.user_scores, odd.user_summaries, features))
    assert seen.shape == (40, len(OBSERVATION)) and seen[:, :2].argmax(axis=0).tolist() == [17, 17]
    assert seen[:, 2].argmax() in (17, 18) and seen[:, 3].argmax() in (16, 17)
    np.testing.assert_allclose(observe(odd)[:, :4].std(axis=0), 1, atol=1e-3)
    assert seen[[0, -1], 4].tolist() == pytest.approx([-1, 0.95])


def test_it_goes_on_from_a_state():
    env = VideoSummary(4, VIDEOS)
    check_environment(env)
    env.reset(seed=3)
    for _ in range(40):
        env.step(np.ones(4, int))
    state = env.state()
    after = [env.step(np.ones(4, int))[1] for _ in range(20)]
    env.restore(state)
    np.testing.assert_array_equal([env.step(np.ones(4, int))[1] for _ in range(20)], after)


def test_the_score_of_a_sample_is_the_log_odds_of_keeping_it(any_backend):
    env = VideoSummary(2, VIDEOS)
    policy = rlfilm.learner("reinforce", env, backend=any_backend).policy()
    inputs = policy.inputs(observe(VIDEOS[1]))
    odds = np.exp(policy.log_prob(inputs, np.ones(45, int)))
    np.testing.assert_allclose(scorer(policy)(VIDEOS[1]), np.log(odds / (1 - odds)), atol=1e-4)


def test_videos_that_cannot_be_used():
    with pytest.raises(UserError, match="nothing to summarise"):
        VideoSummary(2, [])
    blind = Video("video_9", VIDEOS[0].picks, VIDEOS[0].segments, VIDEOS[0].user_scores, VIDEOS[0].user_summaries)
    with pytest.raises(UserError, match="video_9 has no features"):
        VideoSummary(2, [blind])
