"""The command line: what it prints, where, and with which exit code."""

import csv
import json
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import rlfilm_lib
from rlfilm_lib import cli, doctor
from rlfilm_lib.errors import UserError
from rlfilm_lib.film.colour import UNGRADED
from rlfilm_lib.media import look
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.policy import Policy, initialize
from rlfilm_lib.stage import blender

COMMANDS = [command.name or command.callback.__name__ for command in cli.app.registered_commands]
TRAIN = "train CartPole-v1 --steps 300 --num-envs 2 --set hidden_sizes=8"


@pytest.fixture
def rlfilm(monkeypatch, capsys):
    """Runs a command line in this process: (exit code, stdout, stderr)."""

    def run(line):
        monkeypatch.setattr(sys, "argv", ["rlfilm", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def trained(tmp_path, any_backend, rlfilm):
    code, out, _ = rlfilm(f"{TRAIN} --backend {any_backend} --out {tmp_path}/run --json")
    assert code == 0
    return tmp_path / "run", json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(rlfilm, command):
    code, out, _ = rlfilm(f"{command} --help")
    assert code == 0 and f"Example: rlfilm {command}" in out


def test_without_a_command_it_shows_the_help(rlfilm):
    code, out, _ = rlfilm("")
    assert code == 0 and all(command in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("line", "value", "remedy"),
    [
        ("trian", "'trian'", "'train'"),
        ("train", "'ENV'", "rlfilm train --help"),
        ("train CartPole-v1 --stepz 3", "--stepz", "--steps"),
        ("train CartPole-v1 --steps many", "'many'", "integer"),
        ("train CartPole-v1 --steps 0", "'0'", "greater than or equal to 1"),
        ("train CartPole-v1 --set learning_rate", "'learning_rate'", "--set learning_rate=1e-3"),
        ("train CartPole-v1 --set learning_rat=1", "'learning_rat'", "'learning_rate'"),
        ("train CartPole-v1 --set gamma=2", "gamma=2", "at most 1"),
        ("train CartPole-v1 --algo reinforced", "'reinforced'", "'reinforce'"),
        ("train CartPole-v1 --backend jax", "'jax'", "pytorch"),
        ("train CartPole-v9", "CartPole-v9", "CartPole-v1"),
        ("train nowhere:CartPole-v1", "'nowhere'", "PYTHONPATH"),
        ("evaluate nowhere", "nowhere", "rlfilm train --out"),
        ("evaluate nowhere --episodes 0", "'0'", "greater than or equal to 1"),
        ("shoot nowhere --size 640", "'640'", "--size 640x360"),
        ("shoot nowhere --renderer previu", "'previu'", "did you mean 'preview'?"),
        ("shoot nowhere --renderer mitsubishi", "'mitsubishi'", "did you mean 'mitsuba'?"),
        ("shoot nowhere --export usd,cvs", "'cvs'", "did you mean 'csv'?"),
        ("shoot nowhere --size 641x360", "641x360", "642x360"),
        ("shoot nowhere --size 8x8", "8x8", "at least 16x16"),
        ("shoot nowhere --samples 16", "--samples 16", "--renderer"),
        ("shoot nowhere --renderer mitsuba --samples 0", "'0'", "greater than or equal to 1"),
        ("shoot nowhere --out take.mov", "'take.mov'", ".mp4"),
        ("shoot nowhere", "nowhere", "rlfilm train --out"),
        ("bench nothing", "'nothing'", "one of"),
    ],
)
def test_a_mistake_is_one_line_with_value_and_remedy(rlfilm, monkeypatch, tmp_path, line, value, remedy):
    if line.startswith("bench"):
        write_benchmark(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    code, out, err = rlfilm(line)
    assert code == 2 and out == ""
    assert err.count("\n") == 1 and value in err and remedy in err


def test_a_file_that_cannot_be_used_is_one_line(rlfilm, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/locked/take.mp4")

    monkeypatch.setattr("rlfilm_lib.load", refuse)
    code, _, err = rlfilm("evaluate run")
    assert code == 2 and err.startswith("rlfilm: /locked/take.mp4: Permission denied;") and err.count("\n") == 1


def test_too_little_memory_is_one_line(rlfilm, monkeypatch):
    def allocate(*_):
        raise MemoryError("Unable to allocate 2.91 TiB")

    monkeypatch.setattr("rlfilm_lib.load", allocate)
    code, _, err = rlfilm("evaluate run")
    assert code == 2 and "2.91 TiB" in err and "hidden_sizes" in err and err.count("\n") == 1


@pytest.mark.parametrize("package", ["av", "matplotlib.figure", "PIL"])
def test_film_says_what_it_lacks_before_it_trains(rlfilm, monkeypatch, tmp_path, package):
    pytest.importorskip("rlfilm_lib.screening")
    monkeypatch.delitem(sys.modules, "rlfilm_lib.screening")
    monkeypatch.setitem(sys.modules, package, None)
    code, _, err = rlfilm(f"film --out {tmp_path}/film")
    assert code == 2 and "pip install 'rlfilm[film]'" in err and err.count("\n") == 1
    assert not (tmp_path / "film").exists()


def test_a_defect_keeps_its_traceback(rlfilm, monkeypatch):
    monkeypatch.setattr("rlfilm_lib.load", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rlfilm("evaluate run")


def test_train_prints_its_summary(trained):
    folder, summary = trained
    assert set(summary) == {"steps", "wall_s", "steps_per_s", "out"}
    assert summary["steps"] >= 300 and summary["out"] == str(folder)
    assert (folder / "policy.safetensors").is_file()


def test_train_refuses_to_overwrite_a_run(trained, rlfilm, any_backend):
    folder, _ = trained
    before = (folder / "policy.safetensors").read_bytes()
    code, _, err = rlfilm(f"{TRAIN} --backend {any_backend} --out {folder}")
    assert code == 2 and "--resume" in err and "--force" in err
    assert (folder / "policy.safetensors").read_bytes() == before
    assert rlfilm(f"{TRAIN} --backend {any_backend} --out {folder} --force")[0] == 0


def test_evaluate_prints_the_figures_of_the_contract(trained, rlfilm):
    folder, _ = trained
    code, out, _ = rlfilm(f"evaluate {folder} --episodes 3 --seed 5 --json")
    result = json.loads(out)
    assert code == 0 and set(result) == {"return_mean", "return_sd", "ci95", "episodes", "normalised_score"}
    assert result["episodes"] == 3 and result["normalised_score"] is None  # CartPole has no yardsticks
    low, high = result["ci95"]
    assert 1 <= low <= result["return_mean"] <= high <= 500  # what a CartPole episode can earn
    assert rlfilm(f"evaluate {folder} --episodes 3 --seed 5 --json")[1] == out
    assert f"{result['return_mean']:.2f}" in rlfilm(f"evaluate {folder} --episodes 3 --seed 5")[1]


def test_several_seeds_are_trained_and_evaluated_together(rlfilm, any_backend, tmp_path):
    pytest.importorskip("matplotlib")
    line = f"{TRAIN} --backend {any_backend} --seeds 2 --seed 3 --out {tmp_path}/runs"
    code, out, _ = rlfilm(f"{line} --json")
    summary = json.loads(out.splitlines()[-1])
    assert code == 0 and list(summary["runs"]) == ["seed-3", "seed-4"] and summary["steps"] >= 600
    assert rlfilm(line)[0] == 2  # there are runs
    code, out, _ = rlfilm(f"{line} --resume")
    assert code == 0 and out.splitlines()[-1] == f"{tmp_path}/runs/scores.png"
    assert f"interquartile mean of the return {summary['interquartile_mean']:.4g}" in out

    code, out, _ = rlfilm(f"evaluate {tmp_path}/runs --episodes 64 --json")
    evaluated = json.loads(out)
    assert code == 0 and evaluated["scores"] == summary["scores"] and evaluated["runs"] == summary["runs"]
    rows = rlfilm(f"evaluate {tmp_path}/runs --episodes 64")[1].splitlines()
    assert [row.split()[0] for row in rows[1:3]] == ["seed-3", "seed-4"]
    assert f"{summary['scores'][1]:.2f}" in rows[2]


def test_ctrl_c_saves_and_resume_goes_on(tmp_path, any_backend, rlfilm):
    command = [sys.executable, "-c", "from rlfilm_lib.cli import main; main()", *shlex.split(TRAIN)]
    command += ["--steps", "100000000", "--backend", any_backend, "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "run/learner.safetensors").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err and "--resume" in err.splitlines()[-1]
    reached = json.loads((tmp_path / "run/config.json").read_text())["steps_done"]
    code, out, _ = rlfilm(f"{TRAIN} --steps {reached + 1} --out {tmp_path}/run --resume --json")
    assert code == 0 and json.loads(out.splitlines()[-1])["steps"] > reached > 0


def untrained(folder, env_id):
    """Leaves a policy that has not learned anything in a folder."""
    env = rlfilm_lib.make_vec(env_id, num_envs=1)
    spaces = env.single_observation_space, env.single_action_space
    policy = Policy(initialize(np.random.default_rng(0), *spaces, (8,)), *spaces, env_id=env_id)
    checkpoint.save_policy(folder / "policy.safetensors", policy)
    return folder


@pytest.fixture(scope="module")
def shooting(tmp_path_factory):
    """A folder with a policy that can shoot a MovieScene."""
    pytest.importorskip("av")
    return untrained(tmp_path_factory.mktemp("shooting"), "rlfilm/MovieScene-v0")


def test_shoot_writes_a_film_of_one_episode(tmp_path, rlfilm, shooting):
    from rlfilm_lib.media import clip

    code, out, err = rlfilm(f"shoot {shooting} --out {tmp_path}/new/take.mp4 --size 64x36")
    assert code == 0 and out.strip() == f"{tmp_path}/new/take.mp4" and "frames" in err
    frames, fps = clip.read(tmp_path / "new/take.mp4")
    assert frames.shape[1:] == (36, 64, 3) and frames.dtype == np.uint8 and fps == 24


def test_shoot_exports_what_it_is_asked_for(tmp_path, rlfilm, shooting):
    """The .usda is read back, and its camera is where the camera report has it."""
    pytest.importorskip("pxr", reason="usd-core is not installed")
    from pxr import Usd, UsdGeom

    code, out, _ = rlfilm(f"shoot {shooting} --out {tmp_path}/take.mp4 --size 64x36 --export usd,csv,cube --seed 5")
    assert code == 0 and out.splitlines() == [f"{tmp_path}/take.{end}" for end in ("usda", "csv", "cube", "mp4")]
    np.testing.assert_allclose(look.read_cube(tmp_path / "take.cube"), look.cube(UNGRADED), atol=1e-6)
    stage = Usd.Stage.Open(str(tmp_path / "take.usda"))
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/shot/camera"))
    rows = list(csv.DictReader(open(tmp_path / "take.csv")))
    assert len(rows) == stage.GetEndTimeCode() + 1
    for row in rows:
        place = camera.GetCamera(float(row["frame"])).transform.ExtractTranslation()
        np.testing.assert_allclose(place, [float(row[axis]) for axis in ("x_m", "y_m", "z_m")], atol=1e-4)


def test_shoot_writes_the_motion_of_a_character(tmp_path, rlfilm):
    """It is read back, and moves for as long as the film; an environment without a skeleton refuses."""
    pytest.importorskip("mujoco", reason="MuJoCo is not installed")
    pytest.importorskip("av")
    from rlfilm_lib.media import clip, motion

    folder = untrained(tmp_path, "rlfilm/Character-v0")
    code, out, _ = rlfilm(f"shoot {folder} --out {tmp_path}/take.mp4 --size 32x18 --export bvh")
    assert code == 0 and out.splitlines()[0] == f"{tmp_path}/take.bvh"
    frames, fps = clip.read(tmp_path / "take.mp4")
    moved = motion.read_bvh(tmp_path / "take.bvh")
    assert moved.fps == pytest.approx(fps) and abs(len(moved) - len(frames)) <= 1


def test_shoot_has_no_motion_of_a_figure_without_skeleton(tmp_path, rlfilm, shooting):
    code, _, err = rlfilm(f"shoot {shooting} --out {tmp_path}/take.mp4 --size 64x36 --export bvh")
    assert code == 2 and "rlfilm/MovieScene-v0 moves no skeleton" in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_shoot_renders_by_mitsuba(tmp_path, rlfilm, shooting, monkeypatch):
    mitsuba = pytest.importorskip("rlfilm_lib.stage.mitsuba")
    pytest.importorskip("mitsuba", reason="Mitsuba is not installed")
    frames, asked = mitsuba.frames, []

    def two_frames(take, *size, **more):
        asked.append((size, more))
        return (picture for _, picture in zip(range(2), frames(take, *size, **more, moments=1), strict=False))

    monkeypatch.setattr(mitsuba, "frames", two_frames)
    line = f"shoot {shooting} --out {tmp_path}/take.mp4 --renderer mitsuba --size 64x36 --samples 2"
    code, out, err = rlfilm(line)
    assert code == 0 and out == f"{tmp_path}/take.mp4\n" and "mitsuba" in err
    assert asked == [((64, 36), {"samples": 2})]


@pytest.mark.parametrize(
    ("line", "missing", "remedy"),
    [
        ("--renderer mitsuba", "mitsuba", "pip install 'rlfilm[render]'"),
        ("--export csv,usd", "pxr", "pip install 'rlfilm[render]'"),
        ("--renderer blender", None, "RLFILM_BLENDER=blender/bin/python"),
    ],
)
def test_shoot_says_what_it_lacks_before_it_shoots(tmp_path, rlfilm, shooting, monkeypatch, line, missing, remedy):
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setenv("RLFILM_BLENDER", str(tmp_path / "nothing"))
    code, out, err = rlfilm(f"shoot {shooting} --out {tmp_path}/new/take.mp4 {line}")
    assert code == 2 and out == "" and remedy in err and err.count("\n") == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("place", ["file/take.mp4", "folder.mp4"])
def test_shoot_refuses_a_place_it_cannot_write_before_it_shoots(tmp_path, rlfilm, shooting, monkeypatch, place):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder.mp4").mkdir()
    monkeypatch.setattr("rlfilm_lib.envs.shooting.play", None)
    code, out, err = rlfilm(f"shoot {shooting} --out {tmp_path}/{place} --export csv")
    assert code == 2 and out == "" and "cannot write" in err and err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "kept" and (tmp_path / "folder.mp4").is_dir()


@pytest.mark.parametrize("renderer", ["preview", "mitsuba", "blender"])
def test_ctrl_c_stops_a_render_and_leaves_no_half_a_film(tmp_path, shooting, renderer):
    if renderer == "mitsuba":
        pytest.importorskip("mitsuba", reason="Mitsuba is not installed")
    if renderer == "blender":
        try:
            blender.find()
        except UserError as error:
            pytest.skip(str(error))
    out = tmp_path / "new/take.mp4"
    line = f"shoot {shooting} --out {out} --renderer {renderer} --size 1280x720 --export csv"
    # A process that is started in the background ignores Ctrl-C.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", heed + "from rlfilm_lib.cli import main; main()", *shlex.split(line)]
    out.parent.mkdir()
    out.write_bytes(b"an older film")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "new/take.csv").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in err
    assert err.splitlines()[-1] == f"stopped; {out} was not written"
    assert sorted(path.name for path in out.parent.iterdir()) == ["take.csv", "take.mp4"]
    assert out.read_bytes() == b"an older film"


def test_film_prints_the_path_of_its_page_last(tmp_path, rlfilm, monkeypatch):
    screening = pytest.importorskip("rlfilm_lib.screening")
    calls = []
    monkeypatch.setattr(screening, "make_film", lambda *given, **named: calls.append((given, named)) or {"wall_s": 1.0})
    code, out, _ = rlfilm(f"film --out {tmp_path} --algo reinforce --backend tensorflow --steps 10 --size 640x480")
    assert code == 0 and out.splitlines()[-1] == str(tmp_path / "index.html")
    ((given, named),) = calls
    assert given == (tmp_path, "tensorflow")
    assert named == {
        "steps": 10, "seed": 0, "size": (640, 480), "resume": False, "force": False,
        "algorithm": "reinforce", "compare": False,
    }  # fmt: skip
    assert json.loads(rlfilm(f"film --out {tmp_path} --compare --json")[1].splitlines()[-1]) == {"wall_s": 1.0}
    assert calls[1][1]["algorithm"] == "ppo" and calls[1][1]["compare"] is True


def write_benchmark(checkout, monkeypatch):
    folder = checkout / "tests/bench"
    folder.mkdir(parents=True)
    (folder / "bench_adding.py").write_text("def bench():\n    return {'sums_per_s': 1234567.0, 'seconds': 0.25}\n")
    monkeypatch.setattr(cli, "CHECKOUT", checkout)


def test_bench_prints_what_each_benchmark_measured(rlfilm, monkeypatch, tmp_path):
    write_benchmark(tmp_path, monkeypatch)
    assert rlfilm("bench")[1].split() == ["adding", "sums_per_s", "1,234,567", "adding", "seconds", "0.25"]
    assert json.loads(rlfilm("bench adding --json")[1]) == {"adding": {"sums_per_s": 1234567.0, "seconds": 0.25}}


def test_bench_hands_its_data_to_a_benchmark_that_takes_some(rlfilm, monkeypatch, tmp_path):
    write_benchmark(tmp_path, monkeypatch)
    (tmp_path / "tests/bench/bench_naming.py").write_text(
        "def bench(data=()):\n    return {'data': ' '.join(map(str, data))}\n"
    )
    assert json.loads(rlfilm("bench naming --data a.h5 --data b.npz --json")[1]) == {"naming": {"data": "a.h5 b.npz"}}
    assert rlfilm("bench naming")[0] == 0
    code, _, err = rlfilm("bench adding --data a.h5")
    assert code == 2 and "--data a.h5" in err and "'adding' takes none" in err


def test_bench_outside_a_clone_says_so(rlfilm, monkeypatch, tmp_path):
    monkeypatch.setattr(cli, "CHECKOUT", tmp_path)
    code, _, err = rlfilm("bench")
    assert code == 2 and str(tmp_path) in err and "clone" in err


def test_lab_opens_the_notebooks_and_passes_options_on(rlfilm, monkeypatch, tmp_path):
    labapp = pytest.importorskip("jupyterlab.labapp")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/00_first_take.ipynb").touch()
    monkeypatch.setattr(cli, "CHECKOUT", tmp_path)
    launched = []
    monkeypatch.setattr(labapp.LabApp, "launch_instance", launched.append)
    assert rlfilm("lab --no-browser --port 8889")[0] == 0
    assert launched == [[str(tmp_path / "notebooks"), "--no-browser", "--port", "8889"]]


def test_lab_without_notebooks_says_where_it_looked(rlfilm, monkeypatch, tmp_path):
    monkeypatch.setattr(cli, "CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, err = rlfilm("lab")
    assert code == 2 and err.count(str(tmp_path / "notebooks")) == 1 and "clone" in err


def test_lab_without_jupyter_gives_the_pip_line(rlfilm, monkeypatch, tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/00_first_take.ipynb").touch()
    monkeypatch.setattr(cli, "CHECKOUT", tmp_path)
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    code, _, err = rlfilm("lab")
    assert code == 2 and "pip install 'rlfilm[lab]'" in err


FINDINGS = [
    doctor.Finding("numpy", True, "2.0", needed=True),
    doctor.Finding("pytorch", False, "not installed", "pip install 'rlfilm[torch]'"),
]


def test_doctor_says_what_to_do_about_what_is_missing(rlfilm, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: FINDINGS)
    code, out, _ = rlfilm("doctor")
    assert code == 0  # the core works
    assert out.splitlines() == [
        "ok  numpy    2.0",
        "--  pytorch  not installed",
        "pytorch: pip install 'rlfilm[torch]'",
    ]
    code, out, _ = rlfilm("doctor --json")
    assert code == 0 and json.loads(out)["pytorch"]["remedy"] == "pip install 'rlfilm[torch]'"


def test_doctor_fails_when_the_core_does_not_work(rlfilm, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Finding("numpy", False, "not installed", "", needed=True)])
    assert rlfilm("doctor")[0] == 1
