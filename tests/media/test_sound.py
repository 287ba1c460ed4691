"""Sound is read to the sample, measured as the standards have it, and mixed without a seam."""

from fractions import Fraction

import numpy as np
import pytest

from rlfilm_lib.errors import UserError
from rlfilm_lib.media import mix, sound
from rlfilm_lib.media.timeline import Event, Rate, Source, Timeline

for package in ("av", "pyloudnorm", "scipy"):
    pytest.importorskip(package, reason='needs the extra: pip install "rlfilm[edit]"')


@pytest.fixture
def wav(tmp_path):
    """Writes (n, 2) as a 16-bit wave file, which gives back what was put in."""

    def write(name, samples):
        import wave

        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(sound.RATE)
            file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
        return path

    return write


def sine(seconds, hertz=440.0, level=0.5):
    time = np.arange(round(seconds * sound.RATE)) / sound.RATE
    return level * np.sin(2 * np.pi * hertz * time)[:, None] * np.ones(2)


def test_sound_is_read_to_the_sample_from_anywhere(wav):
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (5 * sound.RATE, 2))
    path = wav("a.wav", samples)
    with sound.Sound(path) as source:
        blocks = [source.read(at, 7001) for at in range(0, 5 * sound.RATE, 7001)]
    whole = np.concatenate(blocks)
    np.testing.assert_allclose(whole[: len(samples)], samples, atol=1e-4)
    assert not whole[len(samples) :].any()
    with sound.Sound(path, first=3 * sound.RATE) as source:
        np.testing.assert_array_equal(source.read(3 * sound.RATE, 999), whole[3 * sound.RATE :][:999])
    with sound.Sound(path, start=Fraction(1)) as source:  # the picture begins a second into the file
        np.testing.assert_array_equal(source.read(-10, 500)[10:], whole[sound.RATE :][:490])


def test_loudness_agrees_with_pyloudnorm():
    import pyloudnorm

    rng = np.random.default_rng(0)
    noise = rng.standard_normal((12 * sound.RATE, 2)) * np.repeat([0.2, 0.001, 0.05], 4 * sound.RATE)[:, None]
    meter = sound.loudness(np.array_split(noise, 17))
    assert meter.integrated() == pytest.approx(pyloudnorm.Meter(sound.RATE).integrated_loudness(noise), abs=0.05)
    assert meter.peak == np.abs(noise).max()
    assert sound.loudness([np.zeros((sound.RATE, 2))]).integrated() == -np.inf


def test_speech_is_told_from_steady_noise_and_from_a_slow_swell(wav, voice):
    found = {swell: sound.measure(wav(f"{swell}.wav", voice(6, swell)), 0, 150, Fraction(25)) for swell in (4, 0.5, 0)}
    middle = slice(25, 125)
    assert found[4].speech[middle].min() > 0.9
    assert found[0.5].speech[middle].max() < 0.1 and found[0].speech[middle].max() < 0.1
    in_pause = found[4].voiced[middle] < 0.5
    assert 0.05 < in_pause.mean() < 0.5  # between its syllables


def test_onsets_lie_where_sounds_set_in(wav):
    samples = np.zeros((4 * sound.RATE, 2))
    at = [0.5, 1.3, 2.0, 3.25]
    for begin in at:
        burst = sine(0.15, 880) * np.linspace(1, 0, round(0.15 * sound.RATE))[:, None]
        samples[round(begin * sound.RATE) :][: len(burst)] += burst
    found = sound.measure(wav("a.wav", samples), 0, 100, Fraction(25)).onsets / 25
    np.testing.assert_allclose(found, at, atol=0.03)


def test_files_without_sound_are_refused(made, tmp_path):
    with pytest.raises(UserError, match="holds no sound"):
        sound.Sound(made.write("a.mp4", 8))
    with pytest.raises(UserError, match="there is no file"):
        sound.Sound(tmp_path / "none.wav")


# The mix


def cut_of(path, events, music=None, seconds=5):
    rate = Rate(24)
    source = Source(str(path), "a", rate, 0, 24 * seconds)
    record = music and Source(str(music), "m", rate, 0, 24 * seconds)
    return Timeline("a", rate, (64, 36), [Event(source, *event) for event in events], music=record)


def mixed(cut, path, speech=None):
    speech = np.zeros(cut.frames) if speech is None else speech
    made = mix.mix(cut, {str(path): Fraction(0)}, speech)
    return np.concatenate(list(made.blocks())), made.lufs


def test_sound_that_runs_on_through_a_cut_is_left_alone(wav):
    path = wav("a.wav", sine(5))
    whole, lufs = mixed(cut_of(path, [(24, 72)]), path)
    parts, _ = mixed(cut_of(path, [(24, 30), (54, 18), (72, 24)]), path)
    assert lufs == pytest.approx(-23, abs=0.01) and len(whole) == len(parts) == 3 * sound.RATE
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    assert sound.loudness([whole]).integrated() == pytest.approx(-23, abs=0.05)


def test_a_cut_is_crossfaded_over_two_frames(wav):
    low, high = sine(2, 200), sine(2, 200) * 0.5
    path = wav("a.wav", np.concatenate([low, high]))
    samples, _ = mixed(cut_of(path, [(0, 24), (72, 24)]), path)
    frame = sound.RATE // 24
    envelope = np.abs(samples[:, 0]).reshape(-1, 240).max(axis=1) / np.abs(samples).max()
    middle = sound.RATE // 240
    assert envelope[middle - frame // 240 - 2] == pytest.approx(1, abs=0.02)
    assert envelope[middle + frame // 240 + 2] == pytest.approx(0.5, abs=0.02)
    assert envelope[middle] == pytest.approx(0.75, abs=0.05)


def test_music_goes_down_twelve_decibels_under_speech(wav):
    path, music = wav("a.wav", np.zeros((5 * sound.RATE, 2))), wav("m.wav", sine(5, 330))
    speech = np.zeros(96)
    speech[60:] = 1
    samples, _ = mixed(cut_of(path, [(0, 96)], music), path, speech)
    loud, ducked = (
        np.abs(samples[sound.RATE // 2 : sound.RATE]).max(),
        np.abs(samples[int(2.6 * sound.RATE) :][:9999]).max(),
    )
    assert 20 * np.log10(ducked / loud) == pytest.approx(-12, abs=0.2)


def test_a_faster_shot_sounds_higher(wav):
    path = wav("a.wav", sine(5, 300))
    samples, _ = mixed(cut_of(path, [(0, 48, 2.0)]), path)
    spectrum = np.abs(np.fft.rfft(samples[:, 0]))
    assert np.fft.rfftfreq(len(samples), 1 / sound.RATE)[spectrum.argmax()] == pytest.approx(600, abs=1)
