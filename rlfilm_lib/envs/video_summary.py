"""VideoSummary: a video passes sample by sample, and the agent keeps or skips; rewarded for what the kept ones show.

The task of Zhou et al. 2018, "Deep reinforcement learning for unsupervised video summarization with
diversity-representativeness reward". Nobody says what is important: the summary is to be diverse, to stand for the
whole, and to keep about half of the samples. What a policy makes of it is the probability of keeping each sample,
and that is its score of importance (`scorer`), compared with annotators' in `rlfilm_lib.video.summary`.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.batch import BatchEnv
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.policy import Policy
from rlfilm_lib.video.summary import FAR, Video

SHARE = 0.5
"""Share of the samples that a summary should keep (ε of the paper): probabilities about a half rank best."""
NEIGHBOURS = 5
"""Samples before and after, with which a sample is compared."""
OBSERVATION = ("unlike_all", "unlike_near", "unlike_before", "unlike_after", "position")


def observe(video: Video) -> NDArray:
    """What the agent sees of each sample, (n, len(OBSERVATION)) float32: how unlike others it is, by its features.

    Unlike is 1 - cos, averaged over all samples of the video, over its neighbours, and of the samples just before and
    after, each standardised within the video. So a policy fits features of any kind and size. It does not see what was
    kept: as in the paper, the probability of keeping a sample is a property of the video alone.
    """
    features = _features(video)
    unlike = 1 - features @ features.T
    samples = np.arange(len(features))
    near = np.abs(samples[:, None] - samples) <= NEIGHBOURS
    step = np.diagonal(unlike, 1)
    seen = unlike.mean(axis=1), (unlike * near).sum(axis=1) / near.sum(axis=1), np.append(0, step), np.append(step, 0)
    rows = np.array([*seen, 2 * samples / len(samples) - 1], np.float32)
    rows[:-1] -= rows[:-1].mean(axis=1, keepdims=True)
    rows[:-1] /= rows[:-1].std(axis=1, keepdims=True) + 1e-6
    return rows.T


class VideoSummary(BatchEnv):
    """Keep (1) or skip (0) each sample of a video; every episode is one of the videos, drawn anew.

    The terms add up over an episode to what the paper pays at its end, ½ (R_div + R_rep), and to the share: each step
    is paid by how much it changed them, so that a choice is judged by what follows from it. A step that makes the
    summary worse has a negative term.
    """

    metadata = BatchEnv.metadata | {"render_modes": []}
    weights: ClassVar = {"diversity": 0.5, "representativeness": 0.5, "share": 0.5}
    draws = 1

    def __init__(self, num_envs: int, videos: Sequence[Video]) -> None:
        if not videos:
            raise UserError("videos=[] has nothing to summarise: give one or more")
        seen = [observe(video) for video in videos]
        super().__init__(
            num_envs, gym.spaces.Box(-np.inf, np.inf, (len(OBSERVATION),), np.float32), gym.spaces.Discrete(2)
        )
        self.lengths = np.array([len(each) for each in seen])
        longest = self.lengths.max()
        self.episode_steps = int(longest) + 1  # type: ignore[misc]  # an episode ends with its video, before this
        self.starts = np.append(0, np.cumsum(self.lengths))
        self.seen = np.concatenate(seen)
        self.unlike = np.zeros((len(self.seen), longest), np.float32)
        """1 - cos of each sample, all videos after one another, to those of its own video."""
        for start, length, video in zip(self.starts, self.lengths, videos, strict=False):
            features = _features(video)
            self.unlike[start : start + length, :length] = 1 - features @ features.T
        self.scene = {
            "video": np.zeros((1, num_envs), np.int64),
            "kept": np.zeros((longest, num_envs), bool),
            "nearest": np.zeros((longest, num_envs), np.float32),  # squared distance to the nearest kept sample
            "pairs": np.zeros((1, num_envs)),  # sum over all pairs of kept samples of how unlike they are
            "value": np.zeros((2, num_envs)),  # diversity and representativeness so far
        }

    def _begin(self, index: NDArray | slice, uniform: NDArray, options: dict[str, Any]) -> None:
        self.scene["video"][:, index] = uniform * len(self.lengths)
        for name in ("kept", "pairs", "value"):
            self.scene[name][:, index] = 0
        self.scene["nearest"][:, index] = np.inf

    def _advance(self, actions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        kept, nearest, pairs, video = (self.scene[name] for name in ("kept", "nearest", "pairs", "video"))
        everyone, length, keep = np.arange(self.num_envs), self.lengths[video[0]], np.asarray(actions).astype(bool)
        unlike = self.unlike[self.starts[video[0]] + self.elapsed].T
        samples = np.arange(len(kept))[:, None]
        far = np.abs(samples - self.elapsed) > FAR
        pairs[0] += np.where(keep, 2 * (np.where(far, 1, unlike) * kept).sum(axis=0), 0)
        kept[self.elapsed, everyone] = keep
        np.minimum(nearest, np.where(keep, 2 * unlike, np.inf), out=nearest)

        number = kept.sum(axis=0)
        distance = np.where(samples < length, nearest, 0).sum(axis=0) / length
        value = np.stack([pairs[0] / np.maximum(number * (number - 1), 1), np.exp(-distance)])
        ended = self.elapsed + 1 >= length
        share = ended * (1 - (number / length - SHARE) ** 2 / max(SHARE, 1 - SHARE) ** 2)
        terms = np.concatenate([value - self.scene["value"], share[None]])
        self.scene["value"][...] = value
        return self._seen(np.minimum(self.elapsed + 1, length - 1)), terms, ended

    def _observe(self, index: NDArray | slice = slice(None)) -> NDArray:
        return self._seen(self.elapsed)[index]

    def _seen(self, sample: NDArray) -> NDArray:
        return self.seen[self.starts[self.scene["video"][0]] + sample]


def scorer(policy: Policy) -> Callable[[Video], NDArray]:
    """How important a policy of VideoSummary finds each sample: from a video to the log-odds (n,) of keeping it."""

    def scores(video: Video) -> NDArray:
        inputs = policy.inputs(observe(video))
        keep, skip = (policy.log_prob(inputs, np.full(len(inputs), action)) for action in (1, 0))
        return keep - skip

    return scores


def _features(video: Video) -> NDArray:
    if video.features is None:
        raise UserError(f"{video.name} has no features: give an .h5 file that holds them")
    return video.features
