"""`rlfilm edit`: the cut it renders is the cut it lists, frame for frame, and bad input loses nothing."""

import csv
import json
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rlfilm_lib import cli
from rlfilm_lib.media import timeline
from rlfilm_lib.media.sound import RATE, Sound, loudness

for package in ("av", "cv2", "opentimelineio", "PIL", "pyloudnorm", "scenedetect", "scipy"):
    pytest.importorskip(package, reason='needs the extra: pip install "rlfilm[edit]"')
cutting = pytest.importorskip("rlfilm_lib.cutting")

CLIPS = Path(__file__).resolve().parents[2] / "shared" / "data" / "clips"
NTSC = Fraction(30000, 1001)


@pytest.fixture
def quickly(monkeypatch):
    """A short training."""
    monkeypatch.setattr(cutting, "EPISODES", 64)
    monkeypatch.setattr(cutting, "COMPARED", 64)


@pytest.fixture
def edit(monkeypatch, capsys):
    """Runs `rlfilm edit` in this process: (exit code, stdout, stderr)."""

    def run(line):
        monkeypatch.setattr(sys, "argv", ["rlfilm", "edit", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def listed(cut):
    """The frame of its file that each frame of a timeline shows."""
    return [int(shot.source_frame(frame)) for shot in cut.picture() for frame in range(shot.record, shot.end)]


@pytest.mark.parametrize("rate", [Fraction(24), NTSC])
def test_the_film_is_the_list_frame_for_frame(made, voice, tmp_path, any_backend, quickly, edit, rate):
    seconds = float(240 / rate)
    path = made.write("a.mp4", 240, rate, sound=voice(seconds))
    code, out, err = edit(f"{path} --seconds 3 --pace fast --out {tmp_path}/out/cut.mp4 --backend {any_backend} --json")
    assert code == 0, err
    report = json.loads(out.splitlines()[-1])
    frames = round(3 * rate)
    assert report["frames"] == frames and report["lufs"] == pytest.approx(-23, abs=0.2)

    with open(tmp_path / "out" / "shots.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == report["shots"] and sum(int(row["frames"]) for row in rows) == frames
    # a reframed shot has its number enlarged and cut off: those are left out of the comparison
    whole = np.repeat([row["reframed"] == "0" for row in rows], [int(row["frames"]) for row in rows])
    shown = np.array(made.numbers(tmp_path / "out" / "cut.mp4"))
    for suffix in (".otio", ".xml", ".fcpxml"):
        cut = timeline.read(tmp_path / "out" / f"cut{suffix}")
        expected = np.array(listed(cut))
        assert len(expected) == frames and cut.rate.fps == rate
        assert whole.any() and np.array_equal(shown[whole], expected[whole]), suffix
    edl = timeline.read(tmp_path / "out" / "cut.edl")
    assert edl.frames == frames

    with Sound(tmp_path / "out" / "cut.mp4") as sound:
        blocks = [sound.read(0, round(frames / rate * RATE))]
        past = sound.read(round(frames / rate * RATE) + 1024, RATE)
    assert loudness(blocks).integrated() == pytest.approx(-23, abs=0.7) and not past.any()


def test_a_variable_rate_is_cut_frame_for_frame(made, tmp_path, any_backend, quickly, edit):
    gaps = np.tile([0.023, 0.047, 0.034, 0.056, 0.04], 48)  # no picture changes in the middle of a frame
    times = np.concatenate([[0], gaps.cumsum()[:-1]])
    path = made.write("a.mp4", 240, Fraction(25), times=times)
    code, _, err = edit(f"{path} --seconds 3 --pace fast --out {tmp_path}/cut.mp4 --backend {any_backend}")
    assert code == 0, err
    cut = timeline.read(tmp_path / "cut.otio")
    with open(tmp_path / "shots.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    whole = np.repeat([row["reframed"] == "0" for row in rows], [int(row["frames"]) for row in rows])
    middles = (np.array(listed(cut)) + 0.5) / float(cut.rate.fps)
    expected = np.searchsorted(times, middles, side="right") - 1
    shown = np.array(made.numbers(tmp_path / "cut.mp4"))
    assert len(shown) == len(expected) == round(3 * cut.rate.fps)
    assert whole.any() and np.array_equal(shown[whole], expected[whole])


def test_two_files_with_music_and_one_without_sound(made, voice, tmp_path, any_backend, quickly, edit):
    made.write("a.mp4", 120, Fraction(25), sound=voice(4.8))
    made.write("b.mp4", 150, Fraction(30), size=(126, 224))
    made.write("song.mp4", 100, Fraction(25), sound=voice(4, swell=2.0))
    where = f"{tmp_path}/a.mp4 {tmp_path}/b.mp4 --music {tmp_path}/song.mp4 --out {tmp_path}/cut.mp4"
    code, out, err = edit(f"{where} --seconds 5 --pace fast --backend {any_backend}")
    assert code == 0, err
    assert "above both" in out and "cut.fcpxml" in out and "LUFS" in out
    cut = timeline.read(tmp_path / "cut.otio")
    assert cut.frames == 125 and cut.size == (224, 126) and cut.music.path.endswith("song.mp4")
    assert len(made.numbers(tmp_path / "cut.mp4")) == 125


def test_footage_without_sound_gives_a_silent_film(made, tmp_path, any_backend, quickly, edit):
    path = made.write("a.mp4", 96)
    code, out, err = edit(f"{path} --seconds 4 --out {tmp_path}/cut.mp4 --backend {any_backend}")  # all of it
    assert code == 0 and "no sound" in out, err
    shown = made.numbers(tmp_path / "cut.mp4")
    assert len(shown) == 96


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{0}/a.mp4 --seconds 2 --pace quick", "unknown pace 'quick'"),
        ("{0}/a.mp4 --seconds 2 --algo poo", "did you mean 'ppo'"),
        ("{0}/a.mp4 --seconds 2 --backend jax", "unknown backend 'jax'"),
        ("{0}/a.mp4 --seconds 0", "--seconds 0"),
        ("{0}/a.mp4 --seconds nan", "--seconds nan"),
        ("{0}/a.mp4 --seconds 9", "longer than the footage, 2.00 s"),
        ("{0}/none.mp4 --seconds 2", "there is no file"),
        ("{0}/a.mp4 --seconds 2 --music {0}/a.mp4", "holds no sound"),
        ("{0}/a.mp4 --seconds 2 --out {0}/cut.mov", "end the name in .mp4"),
        ("--seconds 2", "FOOTAGE"),
        ("{0}/a.mp4", "--seconds"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(made, tmp_path, edit, line, words):
    made.write("a.mp4", 48)
    out = "" if "--out" in line else f" --out {tmp_path}/cut.mp4"
    code, _, err = edit(line.format(tmp_path) + out)
    told = err.strip().splitlines()[-1]
    assert code == 2 and words in told and told.startswith("rlfilm: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]


@pytest.mark.parametrize("there", ["cut.mp4", "cut.edl", "shots.csv", "cut.jpg"])
def test_what_is_there_is_kept_without_force(made, tmp_path, edit, there):
    path = made.write("a.mp4", 48)
    (tmp_path / there).write_text("mine")
    code, _, err = edit(f"{path} --seconds 1 --out {tmp_path}/cut.mp4")
    assert code == 2 and there in err and "--force" in err
    assert (tmp_path / there).read_text() == "mine" and len(list(tmp_path.iterdir())) == 2


def test_an_interrupted_edit_leaves_the_old_files(made, tmp_path, any_backend, quickly, edit, monkeypatch):
    path = made.write("a.mp4", 48)
    (tmp_path / "cut.mp4").write_text("mine")

    def interrupted(*arguments, **more):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(cutting, "render", interrupted)
    code, _, err = edit(f"{path} --seconds 1 --out {tmp_path}/cut.mp4 --force --backend {any_backend}")
    assert code == 130 and "was not written" in err
    assert (tmp_path / "cut.mp4").read_text() == "mine" and len(list(tmp_path.iterdir())) == 2


def test_one_seed_one_cut(made, tmp_path, any_backend, quickly):
    path = made.write("a.mp4", 240)
    cuts = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        cutting.make_cut([path], 3, tmp_path / name / "cut.mp4", "fast", None, any_backend, seed=seed, progress=False)
        cuts.append((tmp_path / name / "shots.csv").read_text())
    assert cuts[0] == cuts[1] != cuts[2]


@pytest.mark.slow
def test_the_kept_cut_beats_random_and_uniform_on_every_term(tmp_path, any_backend):
    if not (CLIPS / "bbb_480p_30s.mp4").exists():
        pytest.skip("needs the clip")
    report = cutting.make_cut(
        [CLIPS / "bbb_480p_30s.mp4"], 10, tmp_path / "cut.mp4", backend=any_backend, progress=False
    )
    trained = {name: row for name, row in report["terms"].items() if row["trained"]}
    assert len(trained) >= 7 and all(row["above"] or row["ceiling"] for row in trained.values())
    assert sum(row["above"] for row in trained.values()) > sum(row["lucky_above"] for row in trained.values())


def test_the_best_of_many_random_cuts_is_above_both_in_as_many_terms_as_any(made, tmp_path, any_backend, quickly):
    """As random ones are, all 64 of them, that it is the best of: so a kept cut can be compared with luck."""
    path, found = made.write("a.mp4", 240), {}
    choose = cutting.choose

    def kept(*asked, **more):
        found["choice"] = choose(*asked, **more)
        return found["choice"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "choose", kept)
        report = cutting.make_cut([path], 3, tmp_path / "cut.mp4", "fast", None, any_backend, progress=False)
    trained = {name: row for name, row in report["terms"].items() if row["trained"]}
    better = [max(row[kind]["ci95"][1] for kind in ("uniform", "random")) for row in trained.values()]
    random = found["choice"].random[[name in trained for name in report["terms"]]]
    most = max((terms > better).sum() for terms in np.round(random, 4).T)
    assert report["best_of"] > 64 and sum(row["lucky_above"] for row in trained.values()) >= most > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_ten_minutes_are_cut_within_a_gigabyte(made, voice, tmp_path, any_backend):
    minute = made.write("minute.mp4", 24 * 60, size=(224, 126), sound=voice(60), shot_frames=97)
    path = made.loop("long.mp4", minute, 60, 10)
    code = (
        "import sys; from pathlib import Path; from rlfilm_lib import cutting; cutting.EPISODES = 128\n"
        "cutting.make_cut([Path(sys.argv[1])], 30, Path(sys.argv[2]), backend=sys.argv[3], progress=False)\n"
        "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path, tmp_path / "cut.mp4", any_backend],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout.split()[-1]) < 1_000_000  # kB; getrusage would count what pytest had before it forked
    assert len(made.numbers(tmp_path / "cut.mp4")) == 720
