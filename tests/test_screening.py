"""The main job, small: every file it promises, and what each says."""

import csv
import json
import shutil
from io import BytesIO

import numpy as np
import pytest

from rlfilm_lib.errors import UserError

pytest.importorskip("av", reason="PyAV is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from PIL import Image

import rlfilm_lib as rlfilm
from rlfilm_lib import screening
from rlfilm_lib.envs.movie_scene import BRIEFS
from rlfilm_lib.media import clip
from rlfilm_lib.rl.train import History
from rlfilm_lib.run import read_progress, run
from rlfilm_lib.widgets.picture import BLUE, GREEN, ORANGE


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    if not rlfilm.backends():
        pytest.skip("needs PyTorch or TensorFlow")
    out = tmp_path_factory.mktemp("film")
    return out, screening.make_film(out, steps=30_000, size=(128, 72), progress=False)


SCENE = {"scene.usda", "scene.csv", "scene.cube", "scene.bvh"}
"""Of the scene of three agents."""


def test_the_folder_holds_what_is_promised(film):
    out, report = film
    promised = {"film.mp4", "index.html", "contact_sheet.png", "learning_curve.png", "camera.csv", "report.json"}
    promised |= SCENE if report["scene"] else set()
    assert {path.name for path in out.iterdir()} == promised | {"run"}
    page = (out / "index.html").read_text()
    for name in (promised - {"index.html"}) | {"run/progress.csv"}:
        assert f'"{name}"' in page and (out / name).is_file()


def test_three_trained_agents_make_a_scene_that_the_untrained_do_not(film):
    pytest.importorskip("mujoco")
    pytest.importorskip("pxr")
    out, report = film
    scene = report["scene"]
    for name in ("camera", "light", "character"):
        assert scene["trained"][name] > 1.2 * scene["untrained"][name]  # returns
    frames = out / "scene.csv"
    rows = list(csv.DictReader(frames.open()))
    assert len(rows) == 120  # the actor did not fall
    assert float(rows[-1]["focus_distance_m"]) < float(rows[0]["focus_distance_m"])  # the camera pushed in


def test_the_scene_is_left_out_with_a_word_where_the_agents_are_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(screening, "MEDIA", tmp_path)
    assert screening._shoot_together("pytorch", progress=True) == {}
    assert f"left out: no trained agents in {tmp_path}: run rlfilm film in a clone" in capsys.readouterr().err


def test_the_slate_says_what_the_agents_are_asked_for(monkeypatch):
    asked = {
        "camera": {"movement": "orbit", "k": 0.2},
        "light": "candle-lit",
        "character": {"gesture": "bow", "cue": "touch"},
    }
    monkeypatch.setattr(screening, "TOGETHER_BRIEFS", asked)
    assert screening.scene_lines() == ["camera: orbit, CU shot", "light: candle-lit", "character: bow, cue: touch"]


def test_the_film_is_a_film(film):
    frames, fps = clip.read(film[0] / "film.mp4")
    assert fps == 24 and frames.shape[1:] == (72, 128, 3) and 30 <= len(frames) / fps <= 60
    assert frames.std(axis=(1, 2, 3)).min() > 5  # no frame is blank


def test_the_report_has_all_four_policies_and_training_helps(film):
    out, report = film
    assert json.loads((out / "report.json").read_text()) == json.loads(json.dumps(report))
    score = {name: result["normalised_score"] for name, result in report["policies"].items()}
    assert list(score) == ["random", "untrained", "trained", "expert"]
    assert score["random"] == pytest.approx(0, abs=0.1) and score["expert"] == pytest.approx(1, abs=0.1)
    assert score["untrained"] + 0.05 < score["trained"] <= 1.05
    assert set(report["briefs"]) == set(BRIEFS) and report["training"]["steps"] >= 30_000
    assert report["training"]["algorithm"] == "ppo" and report["compared"] == {}


def test_the_other_algorithms_join_a_film_that_is_there(film, tmp_path):
    """The film's own training is finished, REINFORCE's was stopped, Actor-Critic's not begun."""
    out, alone = tmp_path / "film", film[1]
    shutil.copytree(film[0], out)
    backend = alone["training"]["backend"]
    run(screening.ENV_ID, "reinforce", 768, out / "compare/reinforce", backend, progress=False)
    stopped = read_progress(out / "compare/reinforce/progress.csv")
    before = (out / "run/progress.csv").read_bytes()
    report = screening.make_film(out, backend, steps=30_000, size=(128, 72), resume=True, progress=False, compare=True)
    assert (out / "run/progress.csv").read_bytes() == before
    assert read_progress(out / "compare/reinforce/progress.csv")[: len(stopped)] == stopped

    assert list(report["policies"]) == ["random", "untrained", "reinforce", "actor-critic", "trained", "expert"]
    assert all(report["policies"][name] == result for name, result in alone["policies"].items())
    assert list(report["compared"]) == ["reinforce", "actor-critic"]
    assert all(30_000 <= each["steps"] < 31_000 for each in report["compared"].values())
    for name in report["compared"]:
        policy = rlfilm.load(out / "compare" / name)
        assert report["policies"][name] == rlfilm.evaluate(policy, policy.env_id, episodes=256, seed=1).summary()
        assert f'"compare/{name}/progress.csv"' in (out / "index.html").read_text()
    page = (out / "index.html").read_text()
    for name in ("REINFORCE", "Actor-Critic", "PPO"):
        assert page.count(f">trained with {name}<") == 2  # a row of one table, a column of the other


def rows(*returns, every=100):
    """A history with a row every so many steps; None where no take ended."""
    return History(
        {"steps": every * number} | ({} if earned is None else {"return_mean": earned, "return_sd": 1.0})
        for number, earned in enumerate(returns, start=1)
    )


def test_windows_average_the_iterations_in_which_a_take_ended():
    steps, mean, sd = screening.windows(rows(2.0, None, 4.0, None, None, None, 7.0, 7.0, None, 10.0), 300)
    np.testing.assert_allclose(steps, [200, 850 - 50 / 3])  # the window in between has none; 900 to 1,000 are left over
    np.testing.assert_allclose(mean, [3, 8])
    np.testing.assert_allclose(sd, np.sqrt([1 + 1, 1 + 2]))


@pytest.mark.parametrize("names", [["ppo"], ["reinforce", "actor-critic", "ppo"]])
def test_each_algorithm_has_a_curve_in_its_colour(names):
    histories = {name: rows(*(10.0 * at, None, 12.0 * at)) for at, name in enumerate(names, start=1)}
    histories[names[0]] = rows(None)  # so short a training that no take ended
    means = dict.fromkeys([*names, "random", "untrained", "expert"], 20.0)
    picture = np.asarray(Image.open(BytesIO(screening.learning_curve(histories, means))).convert("RGB"))
    colours = {"reinforce": ORANGE, "actor-critic": BLUE, "ppo": GREEN}
    for name, colour in colours.items():
        pixels = (picture == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=2).sum()
        assert (pixels > 100) == (name in names)


def test_the_camera_is_told_frame_by_frame(film):
    rows = list(csv.DictReader(open(film[0] / "camera.csv")))
    assert list(rows[0])[:5] == ["brief", "agent", "frame", "time_s", "focal_length_mm"]
    assert {"x_m", "pan_deg", "key_stops", "fill_stops", "back_stops"} <= set(rows[0])
    assert {row["brief"] for row in rows} == set(BRIEFS) and {row["agent"] for row in rows} == {"untrained", "trained"}
    for brief, focal_length in (("wide", 25), ("medium", 50), ("close", 85)):
        assert {float(row["focal_length_mm"]) for row in rows if row["brief"] == brief} == {focal_length}
    assert all(np.isfinite(float(cell)) for row in rows for cell in list(row.values())[2:])
    assert float(rows[1]["time_s"]) == pytest.approx(1 / 24, abs=1e-4)


def test_the_sheet_shows_three_briefs_before_and_after(film):
    sheet = np.asarray(Image.open(film[0] / "contact_sheet.png"), float)
    start, untrained, trained = (sheet[58:328, 14 + i * 494 : 494 + i * 494] for i in range(3))
    assert np.abs(start - trained).mean() > np.abs(start - untrained).mean()


def test_a_training_that_was_stopped_is_kept(tmp_path, any_backend):
    run(screening.ENV_ID, "ppo", 800, tmp_path / "run", any_backend, progress=False)
    before = (tmp_path / "run" / "learner.safetensors").read_bytes()
    with pytest.raises(UserError, match="already holds a run: continue it with --resume, or replace it with --force"):
        screening.make_film(tmp_path, backend=any_backend, progress=False)
    assert (tmp_path / "run" / "learner.safetensors").read_bytes() == before


def test_a_film_that_is_there_is_kept(film):
    out, _ = film
    before = (out / "film.mp4").read_bytes()
    with pytest.raises(UserError, match="already holds a film: replace it with --force"):
        screening.make_film(out, steps=100, progress=False)
    assert (out / "film.mp4").read_bytes() == before


@pytest.mark.parametrize(("size", "remedy"), [((641, 360), "642x360"), ((8, 8), "at least 16x16")])
def test_a_size_that_cannot_be_filmed_is_refused_before_any_work(tmp_path, size, remedy):
    with pytest.raises(UserError, match=remedy):
        screening.make_film(tmp_path / "film", size=size)
    assert not (tmp_path / "film").exists()


def test_an_unknown_algorithm_is_refused_before_any_work(tmp_path):
    with pytest.raises(UserError, match="unknown algorithm 'poo'; did you mean 'ppo'"):
        screening.make_film(tmp_path / "film", algorithm="poo")
    assert not (tmp_path / "film").exists()
