"""Summaries against enumeration, rank correlations against scipy, files in the field's schema, humans as published."""

import itertools
import json
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.video import summary
from rlfilm_lib.video.summary import MEASURES, Video, diversity, f1, knapsack, read, representativeness, summarize

stats = pytest.importorskip("scipy.stats")

ROOT = Path(__file__).parents[2]
LABELS = ROOT / "../shared/data/labels/tvsum50_user_anno_every15.npz"
BENCH = ROOT / "tests/bench/bench_summaries.py"


def video(**fields):
    """Four segments of 20, 10, 10 and 60 frames, a sample every 10, two annotators."""
    segments = np.array([[0, 19], [20, 29], [30, 39], [40, 99]])
    scores = np.array([[1, 1, 5, 2, 1, 1, 1, 1, 1, 1], [2, 2, 1, 5, 1, 1, 1, 1, 1, 1]], float)
    summaries = np.zeros((2, 100), bool)
    summaries[0, 20:30] = summaries[1, 30:40] = True
    return replace(Video("video_1", 10 * np.arange(10), segments, scores, summaries), **fields)


def schema(path, videos):
    """The videos as an .h5 file in the published schema."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for each in videos:
            mean = each.user_scores.mean(axis=0)
            stored = {
                "features": each.features,
                "gtscore": (mean / mean.max()).astype(np.float32),
                "user_summary": each.user_summaries.astype(np.float32),
                "change_points": each.segments,
                "n_frame_per_seg": np.diff(each.segments, axis=1)[:, 0] + 1,
                "n_frames": each.frames,
                "picks": each.picks,
                "n_steps": len(each.picks),
                "gtsummary": summarize(each, mean)[each.picks].astype(np.float32),
            }
            for key, value in stored.items():
                file.create_dataset(f"{each.name}/{key}", data=value)
    return path


@pytest.mark.parametrize("seed", range(20))
def test_the_knapsack_is_as_good_as_trying_everything(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.random(10), rng.integers(1, 9, 10)
    capacity = int(rng.integers(0, 40))
    taken = knapsack(values, weights, capacity)
    choices = np.array(list(itertools.product([False, True], repeat=10)))
    best = (choices @ values)[choices @ weights <= capacity].max()
    assert weights[taken].sum() <= capacity and values[taken].sum() == pytest.approx(best)


def test_a_summary_keeps_whole_segments_within_the_budget():
    kept = summarize(video(), np.array([0, 0, 1, 2, 9, 9, 9, 9, 9, 9], float))  # the last segment is the best: too long
    assert kept.sum() == 10 and kept[30:40].all()


def test_a_sample_counts_until_the_next_one():
    uneven = video(picks=np.array([0, 25, 30]), user_scores=np.ones((2, 3)))
    # Segment 20 to 29 is half of the first sample, half of the second: (0 + 4) / 2 is less than the third's 3.
    assert summarize(uneven, np.array([0.0, 4.0, 3.0]))[30:40].all()


def test_f1_by_hand():
    # 2 of 3 kept frames are among an annotator's 4: precision 2/3, recall 1/2, F 4/7. The other keeps none.
    mine = np.array([1, 1, 1, 0, 0, 0], bool)
    theirs = np.array([[0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]], bool)
    np.testing.assert_allclose(f1(mine, theirs), [4 / 7, 0])


@pytest.mark.parametrize("levels", [3, 1000])
def test_rank_correlations_are_those_of_scipy(levels):
    rng = np.random.default_rng(0)
    ours, theirs = rng.integers(0, levels, (3, 80)), rng.integers(0, levels, (4, 80))
    for mine, reference in ((summary.kendall, stats.kendalltau), (summary.spearman, stats.spearmanr)):
        expected = [[reference(a, b).statistic for b in theirs] for a in ours]
        np.testing.assert_allclose(mine(ours, theirs), expected, atol=1e-9)


def test_an_annotator_who_found_all_alike_is_left_out():
    scores = np.array([[1, 2, 3, 4], [2, 2, 2, 2]], float)
    short = video(picks=np.array([0, 20, 30, 40]), user_scores=scores)
    measured = summary.measure(short, np.array([1.0, 2.0, 3.0, 4.0]))
    assert measured["tau_b"] == pytest.approx(1) and measured["rho"] == pytest.approx(1)
    assert np.isnan(summary.measure(short, np.ones(4))["tau_b"])


def test_the_measures_of_one_annotator_s_own_scores():
    one = video()
    measured = summary.measure(one, one.user_scores[0])
    np.testing.assert_array_equal(summarize(one, one.user_scores[0]), one.user_summaries[0])
    agreement = summary.kendall(one.user_scores[:1], one.user_scores)[0]
    assert measured["f1_mean"] == 0.5 and measured["f1_max"] == 1 and agreement[0] == pytest.approx(1)
    assert measured["tau_b"] == pytest.approx(agreement.mean())


def test_humans_are_compared_with_the_others_only():
    scores = np.array([[1, 2, 3], [1, 2, 3], [3, 2, 1]], float)
    three = video(picks=np.array([0, 30, 60]), user_scores=scores, user_summaries=np.eye(3, 100, dtype=bool))
    measured = summary.measure_human(three)
    assert measured["tau_b"] == pytest.approx(-1 / 3) and measured["rho"] == pytest.approx(-1 / 3)
    assert measured["f1_mean"] == measured["f1_max"] == 0


def test_diversity_and_representativeness_are_the_papers():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((50, 8))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    kept = np.flatnonzero(rng.random(50) < 0.3)
    pairs = [1 if abs(i - j) > 20 else 1 - features[i] @ features[j] for i in kept for j in kept if i != j]
    assert diversity(features[kept], kept) == pytest.approx(np.mean(pairs))
    nearest = [min(np.sum((x - features[j]) ** 2) for j in kept) for x in features]
    assert representativeness(features, features[kept]) == pytest.approx(np.exp(-np.mean(nearest)))
    assert diversity(features[:1], kept[:1]) == 0 and representativeness(features, features[:0]) == 0


# Files


@pytest.fixture(scope="module")
def made():
    return runpy.run_path(str(BENCH))["made"]


def test_the_published_schema_is_read(tmp_path, made):
    pytest.importorskip("h5py")
    videos = made(11)
    found = read(schema(tmp_path / "tvsum.h5", videos))
    assert [each.name for each in found] == [f"video_{n}" for n in range(1, 12)]
    for mine, theirs in zip(found, videos, strict=True):
        np.testing.assert_array_equal(mine.user_summaries, theirs.user_summaries)
        np.testing.assert_array_equal(mine.user_scores, theirs.user_summaries[:, theirs.picks])
        np.testing.assert_array_equal(mine.segments, theirs.segments)
        np.testing.assert_allclose(mine.features, theirs.features, rtol=1e-6)


def test_annotations_go_with_the_h5_file_or_alone(tmp_path, made):
    pytest.importorskip("h5py")
    videos = made(2)
    np.savez(tmp_path / "anno.npz", **{f"{each.name}_user_anno_15": each.user_scores for each in videos})
    both = read(tmp_path / "anno.npz", schema(tmp_path / "tvsum.h5", videos))
    np.testing.assert_array_equal(both[1].user_scores, videos[1].user_scores)
    np.testing.assert_array_equal(both[1].segments, videos[1].segments)
    alone = read(tmp_path / "anno.npz")[1]
    assert alone.features is None and alone.segments[0].tolist() == [0, 59]
    assert alone.user_summaries.sum(axis=1).max() <= 0.15 * alone.frames


def test_bad_files_are_named(tmp_path, made):
    h5py = pytest.importorskip("h5py")
    videos = made(1)
    path = schema(tmp_path / "tvsum.h5", videos)
    with pytest.raises(UserError, match="nothing.h5 is not there"):
        read(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(UserError, match="text.h5 cannot be read as HDF5"):
        read(tmp_path / "text.h5")
    (tmp_path / "a.mat").touch()
    with pytest.raises(UserError, match="ends in '.mat'"):
        read(tmp_path / "a.mat")
    np.savez(tmp_path / "other.npz", video_1_user_anno_15=np.ones((2, 3)))
    with pytest.raises(UserError, match="video_1 has 3 samples"):
        read(path, tmp_path / "other.npz")
    with h5py.File(path, "a") as file:
        del file["video_1/picks"]
    with pytest.raises(UserError, match="video_1 has no picks"):
        read(path)


# The command


def test_the_table_has_every_row_and_measure(tmp_path, made):
    pytest.importorskip("h5py")
    bench = runpy.run_path(str(BENCH))["bench"]
    bench.__globals__.update(FOLDS=2, ITERATIONS=1, NUM_ENVS=4)
    table = bench([schema(tmp_path / "made.h5", made(3, seed=1))])
    assert list(table) == ["random", "untrained", "REINFORCE", "human"]
    assert all(list(row) == list(MEASURES) for row in table.values())
    assert json.loads(json.dumps(table))["human"]["tau_b"]["mean"] > 0.1
    assert str(table["human"]).startswith("f1_mean 0.")


@pytest.mark.slow
def test_the_trained_policy_ranks_between_random_and_human(any_backend, made):
    table = runpy.run_path(str(BENCH))["bench"](backend=any_backend)
    tau_b = {name: row["tau_b"] for name, row in table.items()}
    assert abs(tau_b["random"]["mean"]) < 0.05
    assert tau_b["random"]["ci95"][1] < tau_b["REINFORCE"]["ci95"][0] and tau_b["human"]["mean"] > 0.2


@pytest.mark.skipif(not LABELS.exists(), reason="needs TVSum's annotations in ../shared/data")
def test_annotators_of_tvsum_agree_far_beyond_chance():
    videos = read(LABELS)
    assert len(videos) == 50 and all(len(each.user_scores) == 20 for each in videos)
    tau_b = np.mean(
        [summary.kendall(v.user_scores, v.user_scores)[~np.eye(20, dtype=bool)].mean() for v in videos[::10]]
    )
    assert 0.13 < tau_b < 0.22


@pytest.mark.slow
@pytest.mark.skipif(not LABELS.exists(), reason="needs TVSum's annotations in ../shared/data")
def test_humans_on_tvsum_are_as_published_and_random_scores_at_zero():
    table = runpy.run_path(str(BENCH))["bench"]([LABELS])
    assert list(table) == ["random", "untrained", "REINFORCE", "human"]
    assert str(table["REINFORCE"]) == str(table["untrained"]) == "no features"
    assert round(table["human"]["tau_b"]["mean"], 3) == 0.177 and round(table["human"]["rho"]["mean"], 3) == 0.204
    assert abs(table["random"]["tau_b"]["mean"]) < 0.01 and abs(table["random"]["rho"]["mean"]) < 0.01
