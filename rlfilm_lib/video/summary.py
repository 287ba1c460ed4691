"""Video summaries and what they are measured by: SumMe and TVSum, F1 and rank correlation, humans beside.

A summariser gives every sampled frame of a video a score of importance. `summarize` makes a summary of the scores, at
most 15 % of the video, and `measure` compares both with what annotators said. F1 mostly measures how long the segments
are, so that random scores do well; rank correlations do not (Otani et al. 2019, "Rethinking the evaluation of video
summaries"). Both are reported, always beside random scores and the annotators themselves.

`read` takes files in the schema that the field has shared since Zhang et al. 2016 (.h5) and TVSum's annotations (.npz).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.errors import UserError

BUDGET = 0.15
"""Share of a video's frames that a summary may take."""
FAR = 20
"""Samples beyond which two frames count as wholly different: 10 s at 2 a second (Zhou et al. 2018, λ)."""
EVERY = 15
"""Frames from one sample to the next: TVSum's annotations and the shared files keep every 15th."""
UNIFORM = 60
"""Frames per segment where a file names none: 2 s, as TVSum's annotators saw them."""
MEASURES = ("f1_mean", "f1_max", "tau_b", "rho")
"""TVSum's F1 is the mean over annotators, SumMe's the best of them; both are given for both."""
REQUIRED = ("user_summary", "change_points", "picks")
"""What the evaluation needs of an .h5 file's video; `features` too, for a policy to score it."""


@dataclass(frozen=True)
class Video:
    """What is known of one video.

    | field          | shape  | meaning                                                                   |
    |----------------|--------|---------------------------------------------------------------------------|
    | picks          | (n,)   | the frame of each sample, rising from 0                                   |
    | segments       | (S, 2) | first and last frame of each segment, in order                            |
    | user_scores    | (U, n) | how important each annotator found each sample                            |
    | user_summaries | (U, F) | True where the annotator's summary keeps the frame                        |
    | features       | (n, D) | what each sample shows, of unit length; None where the file has none      |
    """

    name: str
    picks: NDArray[np.integer]
    segments: NDArray[np.integer]
    user_scores: NDArray
    user_summaries: NDArray[np.bool_]
    features: NDArray | None = None

    @property
    def frames(self) -> int:
        """F, the number of frames."""
        return self.user_summaries.shape[1]


# Files


def read(*paths: str | Path) -> list[Video]:
    """The videos of a data set, sorted by number.

    paths: an .h5 file in the shared schema, one of TVSum's annotations (.npz with one (U, n) array per video, every
    15th frame), or both of the same videos. The annotators' scores are those of the annotations; without them, their
    summaries at the samples. Without an .h5 file there are no features, and segments are uniform, 60 frames each.
    UserError for a file that is missing or holds something else.
    """
    videos: dict[str, Video] = {}
    for path in sorted(map(Path, paths), key=lambda path: path.suffix != ".h5"):
        if not path.is_file():
            raise UserError(f"{path} is not there: give an .h5 file of SumMe or TVSum, or TVSum's annotations as .npz")
        if path.suffix in (".h5", ".hdf5"):
            videos |= {video.name: video for video in _read_h5(path)}
        elif path.suffix == ".npz":
            for name, scores in _read_annotations(path):
                videos[name] = _annotated(name, scores, videos.get(name), path)
        else:
            raise UserError(f"{path} ends in '{path.suffix}': give an .h5 or an .npz file")
    return sorted(videos.values(), key=lambda video: (len(video.name), video.name))


def _read_h5(path: Path) -> Iterable[Video]:
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path} cannot be read as HDF5 ({error}): fetch it again") from None
    with file:
        for name, group in file.items():
            missing = [key for key in REQUIRED if key not in group]
            if missing:
                raise UserError(
                    f"{path}: {name} has no {', '.join(missing)}: it must follow the schema of SumMe and TVSum"
                )
            picks, segments, summaries = (group[key][...] for key in ("picks", "change_points", "user_summary"))
            features = _unit(group["features"][...]) if "features" in group else None
            if features is not None and len(features) != len(picks):
                raise UserError(
                    f"{path}: {name} has {len(features)} features for {len(picks)} picks: make the file anew"
                )
            frames = summaries.shape[1]
            picks = np.minimum(picks.astype(int), frames - 1)
            segments = np.minimum(segments.astype(int), frames - 1)
            yield Video(name, picks, segments, summaries[:, picks].astype(float), summaries > 0, features)


def _read_annotations(path: Path) -> Iterable[tuple[str, NDArray]]:
    with np.load(path) as arrays:
        for key in arrays.files:
            if arrays[key].ndim != 2:
                raise UserError(f"{path}: {key} has shape {arrays[key].shape}: it must be (annotators, samples)")
            yield "_".join(key.split("_")[:2]), arrays[key].astype(float)


def _annotated(name: str, scores: NDArray, video: Video | None, path: Path) -> Video:
    """A video with annotators' scores (U, n), those of an .h5 file or one of uniform segments."""
    samples = scores.shape[1]
    if video is None:
        frames = samples * EVERY
        first = np.arange(0, frames, UNIFORM)
        segments = np.stack([first, np.append(first[1:], frames) - 1], axis=1)
        video = Video(name, np.arange(0, frames, EVERY), segments, scores, np.zeros((0, frames), bool))
        return replace(video, user_summaries=np.array([summarize(video, user) for user in scores]))
    if len(video.picks) != samples:
        raise UserError(f"{path}: {name} has {samples} samples, the .h5 file {len(video.picks)}: give files of one set")
    return replace(video, user_scores=scores)


def _unit(features: NDArray) -> NDArray:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


# From scores to a summary


def knapsack(values: NDArray, weights: NDArray, capacity: int) -> NDArray[np.bool_]:
    """Which items to take for the greatest total value, their total weight at most the capacity: exact, by dynamic
    programming over items and capacities (Bellman 1957).

    values: (S,) 0 or above; weights: (S,) whole, above 0. Returns (S,) bool.

    >>> knapsack(np.array([60.0, 100.0, 120.0]), np.array([10, 20, 30]), 50).tolist()
    [False, True, True]
    """
    best = np.zeros(capacity + 1)
    better = np.zeros((len(values), capacity + 1), bool)
    for item, (value, weight) in enumerate(zip(values, weights, strict=True)):
        if weight <= capacity:
            taken = best[: capacity + 1 - weight] + value
            better[item, weight:] = taken > best[weight:]
            best[weight:] = np.maximum(best[weight:], taken)
    taken, left = np.zeros(len(values), bool), capacity
    for item in reversed(range(len(values))):
        if better[item, left]:
            taken[item], left = True, left - weights[item]
    return taken


def summarize(video: Video, scores: NDArray) -> NDArray[np.bool_]:
    """The summary (F,) of a video whose samples have these scores (n,): True where a frame is kept.

    A sample's score holds until the next sample. Segments are kept whole: of all choices of at most 15 % of the frames,
    the one with the greatest sum of the segments' mean scores, as the field has done it since Zhang et al. 2016.
    """
    lengths = np.diff(np.append(video.picks, video.frames))
    totals = np.append(0, np.cumsum(np.repeat(scores, lengths)))
    first, last = video.segments.T
    weights = last + 1 - first
    means = (totals[last + 1] - totals[first]) / weights
    kept = np.zeros(video.frames, bool)
    for start, end in video.segments[knapsack(means, weights, int(video.frames * BUDGET))]:
        kept[start : end + 1] = True
    return kept


# What a summary and its scores are worth


def f1(summary: NDArray[np.bool_], user_summaries: NDArray[np.bool_]) -> NDArray:
    """Harmonic mean of precision and recall of a summary (F,) against those of U annotators (U, F): (U,).

    >>> f1(np.array([True, True, False, False]), np.array([[True, False, False, False], [False, False, True, True]]))
    array([0.66666667, 0.        ])
    """
    both = (summary & user_summaries).sum(axis=1)
    return 2 * both / np.maximum(summary.sum() + user_summaries.sum(axis=1), 1)


def kendall(scores: NDArray, others: NDArray) -> NDArray:
    """Kendall's τ_b, ties allowed, of each row of (A, n) with each of (B, n): (A, B), NaN where a row is constant.

    It is the correlation of the signs of all pairs' differences (Kendall 1945). Taken by their distance, the pairs
    turn into products of small matrices: many times the speed of `scipy.stats.kendalltau` row by row.

    >>> kendall(np.array([[1, 2, 3]]), np.array([[1, 2, 3], [1, 3, 2], [1, 1, 2]])).round(4)
    array([[1.    , 0.3333, 0.8165]])
    """
    rows, number = np.concatenate([scores, others]).astype(np.float32), len(scores)
    same = np.zeros((number, len(others)))
    varied = np.zeros(len(rows))
    for distance in range(1, rows.shape[1]):
        signs = np.sign(rows[:, distance:] - rows[:, :-distance])
        same += signs[:number] @ signs[number:].T
        varied += np.abs(signs).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return same / np.sqrt(np.outer(varied[:number], varied[number:]))


def spearman(scores: NDArray, others: NDArray) -> NDArray:
    """Spearman's ρ of each row of (A, n) with each of (B, n): (A, B), NaN where a row is constant.

    It is the correlation of the ranks, tied ones averaged.

    >>> spearman(np.array([[1, 2, 3]]), np.array([[1, 2, 3], [1, 3, 2], [1, 1, 2]])).round(4)
    array([[1.   , 0.5  , 0.866]])
    """
    from scipy.stats import rankdata

    centred = [
        ranks - ranks.mean(axis=1, keepdims=True) for ranks in (rankdata(scores, axis=1), rankdata(others, axis=1))
    ]
    norms = [np.linalg.norm(ranks, axis=1) for ranks in centred]
    with np.errstate(invalid="ignore"):
        return centred[0] @ centred[1].T / np.outer(*norms)


def measure(video: Video, scores: NDArray) -> dict[str, float]:
    """The MEASURES of scores (n,) of a video's samples, each against every annotator, one by one.

    An annotator who found all samples alike has no rank correlation and is left out.
    """
    agreement = f1(summarize(video, scores), video.user_summaries)
    tau_b, rho = (correlation(scores[None], video.user_scores) for correlation in (kendall, spearman))
    return dict(zip(MEASURES, (float(agreement.mean()), float(agreement.max()), _mean(tau_b), _mean(rho)), strict=True))


def measure_human(video: Video) -> dict[str, float]:
    """The MEASURES of the annotators: each in turn against every other one, averaged over the annotators.

    This is how the published figures of TVSum were made, τ_b .177 and ρ .204 (Otani et al. 2019, table 2). Against the
    mean of the others' scores, which is smoother than any one's, τ_b would be .314 and ρ .396.
    """
    scores, summaries = video.user_scores, video.user_summaries
    agreement = np.array([f1(one, np.delete(summaries, user, axis=0)) for user, one in enumerate(summaries)])
    others = ~np.eye(len(scores), dtype=bool)
    tau_b, rho = (correlation(scores, scores)[others] for correlation in (kendall, spearman))
    found = float(agreement.mean()), float(agreement.max(axis=1).mean()), _mean(tau_b), _mean(rho)
    return dict(zip(MEASURES, found, strict=True))


def rows(
    videos: Sequence[Video], scorers: Mapping[str, Callable[[Video], NDArray]], seed: int = 0
) -> dict[str, dict[str, NDArray]]:
    """The MEASURES of every row of the table, (V,) each, one for each video: random scores, the scorers', the humans'.

    scorers: by name, functions from a video to the scores (n,) of its samples. Where a video has but one annotator
    there is no human row.
    """
    rng = np.random.default_rng(seed)
    found = {"random": [measure(video, rng.random(len(video.picks))) for video in videos]}
    found |= {name: [measure(video, scorer(video)) for video in videos] for name, scorer in scorers.items()}
    if all(len(video.user_scores) > 1 for video in videos):
        found["human"] = [measure_human(video) for video in videos]
    return {
        name: {measured: np.array([each[measured] for each in row]) for measured in MEASURES}
        for name, row in found.items()
    }


def _mean(values: NDArray) -> float:
    """The mean of those that are numbers, NaN where none is."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


# The reward of a summary


def diversity(kept: NDArray, times: NDArray, far: float = FAR) -> float:
    """How unlike each other the kept frames are: the mean of 1 - cos over all pairs, 1 for those further apart in time
    than `far` (Zhou et al. 2018, eq. 3-4).

    kept: (k, D) features; times: (k,) in the unit of `far`, by default samples. 0 for fewer than two.

    >>> diversity(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]]), np.array([0, 1, 2]))
    0.6666666666666666
    """
    if len(kept) < 2:
        return 0.0
    unit = _unit(kept)
    unlike = np.where(np.abs(times[:, None] - times) > far, 1.0, 1 - unit @ unit.T)
    np.fill_diagonal(unlike, 0)
    return float(unlike.sum() / (len(kept) * (len(kept) - 1)))


def representativeness(features: NDArray, kept: NDArray) -> float:
    """How well the kept frames stand for all: exp of minus the mean squared distance to the nearest kept one.

    features: (n, D); kept: (k, D), some of them. 0 for none. From Zhou et al. 2018, eq. 5; the square is the released
    program's, and with it features want to be of unit length.

    >>> round(representativeness(np.array([[0.0], [1.0]]), np.array([[0.0]])), 4)
    0.6065
    """
    if not len(kept):
        return 0.0
    squared = (features**2).sum(axis=1)[:, None] + (kept**2).sum(axis=1) - 2 * features @ kept.T
    return float(np.exp(-np.maximum(squared, 0).min(axis=1).mean()))
