"""`rlfilm generate`: what is asked for goes in, one seed gives one file, and bad input loses nothing."""

import json
import shlex
import shutil
import sys
import wave

import numpy as np
import pytest

import rlfilm_lib as rlfilm
from rlfilm_lib import cli
from rlfilm_lib.video import data

for package in ("av", "PIL", "sklearn"):
    pytest.importorskip(package, reason='needs the extras: pip install "rlfilm[video,film]"')
generating = pytest.importorskip("rlfilm_lib.generating")

PROMPT = '--prompt "a red disc bounces slowly to the left"'


@pytest.fixture(scope="module")
def model(tmp_path_factory, any_backend):
    """A folder with an untrained flow for clips of 8 frames, and its codec."""
    from importlib import import_module

    from rlfilm_lib.video.codec import PCA
    from rlfilm_lib.video.conditions import Encoder
    from rlfilm_lib.video.flow import FlowConfig
    from rlfilm_lib.video.generator import Size

    folder = tmp_path_factory.mktemp("flow")
    codec = PCA.fit(data.make(64, 0, frames=8).frames, 12)
    flow = import_module(f"{rlfilm.BACKENDS[any_backend][1]}.flow").Flow
    config = FlowConfig(width=16, layers=1, heads=2, sampling_steps=4)
    flow(config, Size(8, 12, Encoder(codec, 8).size)).save(folder)
    codec.save(folder / "codec.safetensors")
    return folder


@pytest.fixture
def generate(model, monkeypatch, capsys, any_backend):
    """Runs `rlfilm generate` in this process: (exit code, stdout, stderr)."""

    def run(line):
        monkeypatch.setattr(sys, "argv", ["rlfilm", "generate", *shlex.split(line), "--backend", any_backend])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def beats(tmp_path):
    """A wav file with clicks in frames 1 and 5 of a clip, and its path."""

    def write(onsets, rate=data.RATE):
        path = tmp_path / "beats.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes((32767 * data.sound(np.array(onsets, float))).astype("<i2").tobytes())
        return path

    return write


@pytest.fixture
def picture(tmp_path):
    from PIL import Image

    def write(edge):
        path = tmp_path / f"start{edge}.png"
        Image.fromarray(data.make(1, 5).reference[0]).resize((edge, edge)).save(path)
        return path

    return write


def test_one_seed_gives_one_file_and_another_another(model, tmp_path, generate):
    files = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        code, _, err = generate(f"{PROMPT} --run {model} --seed {seed} --out {tmp_path}/{name}.mp4")
        assert (code, err) == (0, "")
        files.append((tmp_path / f"{name}.mp4").read_bytes())
    assert files[0] == files[1] != files[2]


def test_a_grid_of_all_that_can_be_asked_for(model, tmp_path, generate, beats, picture):
    from rlfilm_lib.media import clip, sound

    asked = f"{PROMPT} --image {picture(16)} --sound {beats([0, 1, 0, 0, 0, 1, 0, 0])} --samples 5"
    code, out, _ = generate(f"{asked} --run {model} --out {tmp_path}/clip.mp4 --json")
    report = json.loads(out.splitlines()[-1])
    frames, fps = clip.read(tmp_path / "clip.mp4")
    assert (code, fps, report["samples"], len(report["seen"])) == (0, data.FPS, 5, 5)
    assert frames.shape == (8, (2 * 16 + 2) * 16, (3 * 16 + 4) * 16, 3)
    with sound.Sound(tmp_path / "clip.mp4") as heard:
        loud = np.abs(heard.read(0, sound.RATE)).max(axis=1).reshape(8, -1).max(axis=1) > 0.2
    assert loud.tolist() == [False, True, False, False, False, True, False, False]


def test_each_way_in_changes_the_condition_and_nothing_else_is_told(model, tmp_path, generate, beats, picture):
    from rlfilm_lib.video.codec import PCA
    from rlfilm_lib.video.conditions import Encoder

    encoder = Encoder(PCA.load(model / "codec.safetensors"), 8)
    heard = generating.read_sound(beats([1, 0, 0, 0, 1, 0, 0, 0]), 8)
    onsets = data.measure_onsets(heard.mean(axis=1), 48_000, 8)
    assert onsets.round(1).tolist() == [1, 0, 0, 0, 1, 0, 0, 0]
    seen = generating.read_picture(picture(16))
    np.testing.assert_array_equal(seen, data.make(1, 5).reference[0])
    whole = encoder(["a red disc moves fast up"], seen[None], onsets[None])
    assert whole[:, encoder.parts["given"]].tolist() == [[1, 1, 1]]


def test_a_policy_makes_a_clip_frame_by_frame(tmp_path, generate):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        asked = f"{PROMPT} --model actor-critic --samples 2 --seed {seed} --out {tmp_path}/{name}.mp4 --json"
        code, out, _ = generate(asked)
        assert code == 0 and len(json.loads(out.splitlines()[-1])["seen"]) == 2
    one, again, other = ((tmp_path / f"{name}.mp4").read_bytes() for name in "abc")
    assert one == again != other


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ('--prompt "a rad disc moves fast up"', "'rad'"),
        ("", "nothing is asked for"),
        ("--image {large}", "32×32"),
        ("--image {none}", "none.png"),
        ("--image {sound}", "give a PNG or JPEG file"),
        ("--sound {silent}", "silent"),
        ("--sound {short}", "give a longer sound"),
        ("--sound {none}", "none.png"),
        (PROMPT + " --samples 0", "--samples 0"),
        (PROMPT + " --model diffusion", "'diffusion'"),
        ("--image {start} --model actor-critic --run course", "goes by a caption"),
        (PROMPT + " --model actor-critic --run {scene}", "do not fit the pictures of rlfilm/FrameGen-v0"),
        (PROMPT + " --run {damaged}", "damaged"),
        (PROMPT + " --run {without}", "no codec.safetensors in"),
        (PROMPT + " --model gan", "not 'gan'"),
        (PROMPT + " --run {nowhere}", "no generator at"),
        (PROMPT + " --out {there}", "--force"),
        (PROMPT + " --out clip.gif", ".mp4"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(asked, words, model, tmp_path, generate, beats, picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.mp4").write_text("mine")
    paths = {"large": picture(32), "none": tmp_path / "none.png", "there": tmp_path / "there.mp4"}
    if "{silent}" in asked or "{short}" in asked:
        paths["silent"] = paths["short"] = beats([0] * 8 if "silent" in asked else [0, 1, 0])
    if "{sound}" in asked:
        paths["sound"] = beats([1, 0, 0, 0, 1, 0, 0, 0])
    if "{start}" in asked:
        paths["start"] = picture(16)
        asked = asked.replace(" --run course", f" --run {generating.MODELS['actor-critic']}")
    paths["scene"] = generating.MEDIA / "first_take"
    for name in ("damaged", "without"):
        paths[name] = shutil.copytree(model, tmp_path / name / "run")
    (paths["damaged"] / "codec.safetensors").write_bytes((model / "codec.safetensors").read_bytes()[:-100])
    (paths["without"] / "codec.safetensors").unlink()
    line = asked.format(nowhere=tmp_path / "nowhere", **paths)
    code, out, err = generate(line if "--run" in line else f"{line} --run {model}")
    assert (code, out, err.count("\n")) == (2, "", 1) and words in err and err.startswith("rlfilm: ")
    assert (tmp_path / "there.mp4").read_text() == "mine" and not (tmp_path / "clip.mp4").exists()
