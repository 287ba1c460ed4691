"""Video summaries: the course's selection policy beside random, untrained and human rows, on SumMe, TVSum or made data.

    rlfilm bench summaries --data eccv16_dataset_tvsum_google_pool5.h5 --data tvsum50_user_anno_every15.npz
    rlfilm bench summaries --data tvsum50_user_anno_every15.npz       # annotations alone: random and human rows
    rlfilm bench summaries                                            # eight made videos, in about a minute

The policy is trained without labels, by REINFORCE on VideoSummary, and scores videos that it was not trained on: five
folds, one policy each; the untrained row is what each began as. Both know nothing but how unlike each other the
samples are. F1 is given as mean over annotators (TVSum's) and of
the best of them (SumMe's); τ_b and ρ are means over annotators, one by one. In brackets 95 % intervals over videos.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.video_summary import VideoSummary, scorer
from rlfilm_lib.rl.statistics import bootstrap_interval
from rlfilm_lib.video.summary import EVERY, Video, read, rows, summarize

FOLDS, NUM_ENVS, ITERATIONS = 5, 32, 60
SETTINGS: dict[str, Any] = {"learning_rate": 1e-2, "anneal": True, "normalize_observations": False}

Scorer = Callable[[Video], np.ndarray]


def made(videos: int = 8, seed: int = 0, users: int = 10, features: int = 32) -> list[Video]:
    """Videos that are made up: two places seen again and again, and short events, each of its own look.

    An event is more important than a place, by how much differs from event to event; annotators agree on that as far
    as their own noise lets them."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(1, videos + 1):
        places = rng.standard_normal((2, features))
        looks, importance, lengths = [], [], []
        for scene in range(14):
            event = scene % 2 == 1
            centre = rng.standard_normal(features) if event else places[rng.integers(2)]
            length = rng.integers(3, 6) if event else rng.integers(5, 13)
            looks.append(centre + 0.3 * rng.standard_normal((length, features)))
            importance.append(np.full(length, rng.uniform(2.5, 4.5) if event else rng.uniform(1, 2.5)))
            lengths.append(length)
        level, looks = np.concatenate(importance), np.concatenate(looks)
        scores = np.clip(np.rint(level + rng.normal(0, 1.2, (users, len(level)))), 1, 5)
        ends = EVERY * np.cumsum(lengths)
        segments = np.stack([np.append(0, ends[:-1]), ends - 1], axis=1)
        looks /= np.linalg.norm(looks, axis=1, keepdims=True)
        video = Video(
            f"video_{number}", EVERY * np.arange(len(level)), segments, scores, np.zeros((0, ends[-1]), bool), looks
        )
        summaries = np.array([summarize(video, user) for user in scores])
        found.append(Video(video.name, video.picks, segments, scores, summaries, looks))
    return found


def cross_validated(videos: Sequence[Video], backend: str | None = None, seed: int = 0) -> dict[str, Scorer]:
    """The untrained and the trained policy's scores of each video, by a policy that has not seen it."""
    folds = np.random.default_rng(seed).permutation(len(videos)) % min(FOLDS, len(videos))
    scorers: dict[str, dict[str, Scorer]] = {"untrained": {}, "REINFORCE": {}}
    for fold in range(folds.max() + 1):
        known = [video for video, own in zip(videos, folds, strict=True) if own != fold] or videos
        env = VideoSummary(NUM_ENVS, known)
        learner = rlfilm.learner("reinforce", env, backend=backend, seed=seed + fold, **SETTINGS)
        untrained = scorer(learner.policy())
        rlfilm.train(learner, env, steps=ITERATIONS * NUM_ENVS * int(env.lengths.max()))
        trained = scorer(learner.policy())
        for video, own in zip(videos, folds, strict=True):
            if own == fold:
                scorers["untrained"][video.name], scorers["REINFORCE"][video.name] = untrained, trained
    return {
        name: lambda video, by_name=by_name: by_name[video.name](video)  # type: ignore[misc]
        for name, by_name in scorers.items()
    }


class Row(dict[str, object]):
    """A row of the table: in text one line, in JSON all of it."""

    def __str__(self) -> str:
        if "why" in self:
            return str(self["why"])
        return ", ".join(
            f"{name} {figure['mean']:.3f} ({figure['ci95'][0]:.3f} to {figure['ci95'][1]:.3f})"
            for name, figure in self.items()
        )


def bench(data: Sequence[Path] = (), backend: str | None = None, seed: int = 0) -> dict[str, Row]:
    """A row of measures for random scores, the untrained and the trained policy, and the humans."""
    videos = read(*data) if data else made()
    seen = all(video.features is not None for video in videos)
    found = rows(videos, cross_validated(videos, backend, seed) if seen else {}, seed)
    table = {
        name: Row(
            {
                measure: {
                    "mean": float(np.nanmean(figures)),
                    "ci95": [float(end) for end in bootstrap_interval(figures, np.nanmean)],
                }
                for measure, figures in row.items()
            }
        )
        for name, row in found.items()
    }
    missing = {} if seen else dict.fromkeys(("untrained", "REINFORCE"), Row(why="no features"))
    order = ("random", "untrained", "REINFORCE", "human")
    return {name: (table | missing)[name] for name in order if name in table | missing}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", default=[], help="a file of the data set; repeatable")
    parser.add_argument("--backend", help="pytorch or tensorflow")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(json.dumps(bench(asked.data, asked.backend, asked.seed)))
