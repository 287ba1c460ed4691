"""A cut of `FilmEdit-v0` to look at and listen to, and as a timeline for other tools.

Pictures come from the stage's preview. The dialogue is made from who speaks when: one tone per word with the pitch and
the vowels of its speaker, as the microphone of each angle hears it.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs import coverage
from rlfilm_lib.envs.coverage import ANGLES, BEAT_FRAMES, BEATS, FPS, PEOPLE, Scene
from rlfilm_lib.envs.film_edit import DISSOLVE, Shot
from rlfilm_lib.media import clip
from rlfilm_lib.media.timeline import Event, Rate, Source, Timeline

if TYPE_CHECKING:
    from rlfilm_lib.stage.take import Take

FRAMES = BEATS * BEAT_FRAMES
DISSOLVE_FRAMES = 12
SAMPLES = clip.SAMPLE_RATE // FPS
"""Of sound, per frame."""
CROSSFADE = 2 * SAMPLES
PITCH_HZ = (112.0, 196.0, 148.0)
VOWELS_HZ = ((700, 1200), (500, 1800), (350, 2100), (450, 900), (600, 1000))
"""First two formants, about those of Peterson & Barney (1952): each word has one."""
LEVEL = 0.25
RATE = Rate.named("24")


def timeline(scene: Scene, shots: Sequence[Shot], folder: str | os.PathLike = "", name: str = "scene") -> Timeline:
    """The cut of the first of the scenes as a timeline of its rushes, which `write_rushes` makes in `folder`."""
    angles = [Source(str(Path(folder) / f"{angle.replace(' ', '_')}.mp4"), f"{letter}001", RATE, 0, FRAMES)
              for letter, angle in zip("ABCD", ANGLES, strict=True)]  # fmt: skip
    ends = [shot.start for shot in shots[1:]] + [BEATS]
    events = []
    heard = -1  # from which frame on the shot before is heard
    for number, (shot, end) in enumerate(zip(shots, ends, strict=True)):
        dissolves = number > 0 and shot.join == DISSOLVE
        lead = int(scene.offset[shot.join, shot.start, 0]) if number else 0
        if dissolves:
            lead = -DISSOLVE_FRAMES // 2
        first = shot.start * BEAT_FRAMES
        heard = min(max(first - lead, heard + 1), FRAMES - len(shots) + number)  # every shot has a frame of sound
        events.append(Event(
            angles[shot.angle],
            start=first,
            frames=(end - shot.start) * BEAT_FRAMES,
            transition=DISSOLVE_FRAMES if dissolves else 0,
            audio_lead=first - heard,
        ))  # fmt: skip
    return Timeline(name, RATE, (1920, 1080), events)


def frames(scene: Scene, shots: Sequence[Shot], width: int = 320, height: int = 180) -> Iterator[NDArray[np.uint8]]:
    """The pictures (height, width, 3), uint8, of the cut of the first of the scenes, 24 per second."""
    from rlfilm_lib.stage import preview

    shown = [preview.frames(take, width, height) for take in _takes(scene, shots)]
    cut = timeline(scene, shots).picture()
    for number, segment in enumerate(cut):
        for frame in range(segment.frames):
            picture = next(shown[number])
            if frame < segment.transition:
                part = (frame + 0.5) / segment.transition
                leaving = next(shown[number - 1])
                picture = (leaving + part * (picture.astype(float) - leaving) + 0.5).astype(np.uint8)
            yield picture


def _takes(scene: Scene, shots: Sequence[Shot]) -> "list[Take]":
    """What each shot shows, to the end of the dissolve out of it."""
    cut = timeline(scene, shots).picture()
    tails = [segment.transition for segment in cut[1:]] + [0]
    return [
        coverage.film(scene, np.arange(segment.record, segment.end + tail), np.full(segment.frames + tail, shot.angle))
        for segment, tail, shot in zip(cut, tails, shots, strict=True)
    ]


def sound(scene: Scene, shots: Sequence[Shot]) -> NDArray[np.float32]:
    """The dialogue of the cut of the first of the scenes, (n, 2) at 48 kHz, with its J and L cuts."""
    voices = dialogue(scene)
    level = microphones(scene)
    mixed = np.zeros(FRAMES * SAMPLES)
    for segment, shot in zip(timeline(scene, shots).sound(), shots, strict=True):
        first, last = segment.record * SAMPLES, segment.end * SAMPLES
        sample = np.arange(max(first - CROSSFADE // 2, 0), min(last + CROSSFADE // 2, len(mixed)))
        rise = 1.0 if first == 0 else np.clip((sample - first) / CROSSFADE + 0.5, 0, 1)
        fall = 1.0 if last == len(mixed) else np.clip((last - sample) / CROSSFADE + 0.5, 0, 1)
        mixed[sample] += rise * fall * (level[shot.angle] @ voices[:, sample])
    return np.repeat(mixed.astype(np.float32)[:, None], 2, axis=1)


def microphones(scene: Scene) -> NDArray[np.float64]:
    """Level (A, 3) at which the microphone of each angle hears each person; 1: one metre away."""
    eyes = scene.person[..., 0].astype(float)
    return 1 / np.maximum(np.linalg.norm(scene.camera[:, None, :, 0] - eyes, axis=2), 0.5)


def dialogue(scene: Scene) -> NDArray[np.float64]:
    """The voices (3, n) of the people of the first of the scenes, a metre away, at 48 kHz."""
    voices = np.zeros((len(PEOPLE), FRAMES * SAMPLES))
    for number, (who, first, end) in enumerate(coverage.words(scene)):
        voices[who, first * SAMPLES : end * SAMPLES] += _word(PITCH_HZ[who], number, (end - first) * SAMPLES)
    return voices


def _word(pitch: float, number: int, samples: int) -> NDArray:
    """One word: harmonics of a falling pitch, shaped by the formants of a vowel, one swell per syllable."""
    seconds = np.arange(samples) / clip.SAMPLE_RATE
    length = samples / clip.SAMPLE_RATE
    glide = pitch * (1 + 0.06 * np.sin(2.4 * number)) * (1.05 - 0.12 * seconds / length)
    phase = 2 * np.pi * np.cumsum(glide) / clip.SAMPLE_RATE
    tone = np.zeros(samples)
    for harmonic in range(1, 17):
        hertz = harmonic * pitch
        strength = sum(1 / (1 + ((hertz - formant) / 120) ** 2) for formant in VOWELS_HZ[number % len(VOWELS_HZ)])
        tone += (0.04 + strength) / harmonic**0.5 * np.sin(harmonic * phase)
    syllables = max(1, round(length * FPS / 5))
    swell = np.sin(np.pi * syllables * seconds / length) ** 2
    return LEVEL * swell * tone / max(np.abs(tone).max(), 1e-9)


def write(
    path: str | os.PathLike, scene: Scene, shots: Sequence[Shot], width: int = 320, height: int = 180, crf: int = 23
) -> Path:
    """The cut of the first of the scenes as an mp4 with sound."""
    blocks = np.split(sound(scene, shots), BEATS)
    return clip.write(path, frames(scene, shots, width, height), FPS, crf=crf, sound=blocks)


def write_rushes(
    folder: str | os.PathLike, scene: Scene, width: int = 320, height: int = 180, crf: int = 23
) -> list[Path]:
    """Each angle of the first of the scenes as an mp4 with its own sound, named as `timeline` has them."""
    uncut = [timeline(scene, [Shot(0, angle)], folder).events[0].source.path for angle in range(len(ANGLES))]
    return [write(path, scene, [Shot(0, angle)], width, height, crf) for angle, path in enumerate(uncut)]
