"""Cutting footage: real video in, a cut out that a policy has learned to make of it, and the files that carry it on.

`make_cut` measures the footage, trains a policy on it, and writes next to the cut: the timeline as .otio, .edl, .xml
and .fcpxml, shots.csv, and a contact sheet of the shots and what each earned.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps
from tqdm import tqdm

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.footage_edit import TERMS, ZOOM, FootageEdit, Pieces, Shot, divide
from rlfilm_lib.errors import UserError, unknown
from rlfilm_lib.film import pacing
from rlfilm_lib.film.colour import UNGRADED, grade
from rlfilm_lib.media import clip, footage, mix, sheet, sound, timeline
from rlfilm_lib.media.footage import Footage
from rlfilm_lib.media.timeline import Event, Rate, Source, Timeline
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.config import CONFIGS
from rlfilm_lib.rl.statistics import bootstrap_interval
from rlfilm_lib.run import versions

EPISODES = 6000
"""So many cuts a policy makes in training, with MOST_STEPS at most."""
MOST_STEPS = 600_000
NUM_ENVS = 64
SETTINGS: dict[str, dict[str, Any]] = {
    "reinforce": {"gamma": 1.0, "learning_rate": 1e-2, "anneal": True, "max_grad_norm": 2.0},
    "actor-critic": {"gamma": 1.0, "gae_lambda": 0.98, "num_steps": 48, "anneal": True, "max_grad_norm": 2.0},
    "ppo": {
        "gamma": 1.0, "gae_lambda": 0.98, "num_steps": 48, "minibatch_size": 768, "epochs": 8, "learning_rate": 2e-3,
        "anneal": True, "max_grad_norm": 2.0,
    },
}  # fmt: skip
COMPARED = 256
"""Cuts of each kind that the kept one is compared with."""
STILL = 1e-3
"""A term that differs by less between random cuts has nothing to teach on this footage."""
EVERY = 3
"""Iterations between two looks at what the policy's cuts earn, at least."""
DUAL_RATE, SMALLEST_SHARE = 0.1, 0.5
"""How fast the weights of terms that fall behind grow; what share of its first weight each keeps."""
SUFFIXES = (".otio", ".edl", ".xml", ".fcpxml", ".jpg")
MOST_ROWS = 40
"""Shots on a contact sheet."""
UNGRADED_POWER = "1.000 1.000 1.000"
STILL_SIZE = (sheet.WIDTH, sheet.HEIGHT)


@dataclass(frozen=True)
class Choice:
    """The kept cut, (P,) decisions, and what cuts earn, (9, N) each: sampled from the policy, uniform and random."""

    decisions: NDArray
    sampled: NDArray
    uniform: NDArray
    random: NDArray
    weights: dict[str, float]
    """Of the terms that the policy was trained for; no others."""
    looked_at: int
    """So many cuts of the policy the kept one is the best of."""
    lucky: NDArray
    """(9,) the terms of the best of as many random cuts, chosen by the same rule."""


def make_cut(
    paths: Sequence[Path],
    seconds: float,
    out: Path = Path("cut.mp4"),
    pace: str = "medium",
    music: Path | None = None,
    backend: str | None = None,
    algorithm: str = "ppo",
    seed: int = 0,
    force: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Cut footage to `seconds`, and write the cut and its files. Returns the report.

    The timeline has the rate and the picture size of the first file. A file that is there is kept without `force`.
    UserError for what cannot be: see the messages.
    """
    if pace not in pacing.ASL:
        raise unknown("pace", pace, pacing.ASL)
    if algorithm not in CONFIGS:
        raise unknown("algorithm", algorithm, CONFIGS)
    if not (np.isfinite(seconds) and seconds > 0):
        raise UserError(f"--seconds {seconds:g} is out of range: give a length above 0")
    clip.check_path(out)
    written = [out, *(out.with_suffix(suffix) for suffix in SUFFIXES), out.with_name("shots.csv")]
    for path in written:
        if path.exists() and not force:
            raise UserError(f"{path} is already there: replace it with --force, or choose another place with --out")
    backend = rlfilm.choose_backend(backend)
    began = time.perf_counter()
    files = [footage.probe(path) for path in paths]
    rate = Rate.nearest(files[0].fps)
    size = tuple(side + side % 2 for side in files[0].size)
    record = _record(music, rate)
    checkpoint.make_folder(out.parent)

    total = round(sum(file.seconds for file in files) * rate.fps)
    with tqdm(total=total or None, unit=" frames", desc="measuring", disable=not progress, dynamic_ncols=True) as bar:
        clips = [footage.survey(file, rate, bar.update) for file in files]
    available = sum(each.frames for each in clips)
    budget = max(1, round(seconds * rate.fps))
    if budget > available:
        raise UserError(
            f"--seconds {seconds:g} is longer than the footage, {float(available / rate.fps):.2f} s: "
            f"give less, or more footage"
        )
    pieces = divide(clips, float(rate.fps), pacing.ASL[pace])
    beats = None
    if record:
        beats = sound.measure(record.path, 0, min(record.frames, budget), rate.fps).onsets
        beats = beats if len(beats) else None

    def env(num_envs: int, weights: dict[str, float] | None = None) -> FootageEdit:
        return FootageEdit(pieces, budget, pace, num_envs, seed, weights, beats)

    choice = choose(env, algorithm, backend, seed, progress)
    single = env(1, choice.weights)
    shots = single.shots(choice.decisions)
    cut = _timeline(out.stem, shots, clips, rate, size, record)  # type: ignore[arg-type]
    stills: list[tuple[NDArray, NDArray]] = []
    frames = tqdm(
        render(shots, pieces, clips, rate, size, stills),  # type: ignore[arg-type]
        "writing", budget, unit=" frames", disable=not progress, dynamic_ncols=True,
    )  # fmt: skip
    starts = {each.source.path: each.file.start for each in clips}
    heard = mix.mix(cut, starts, _speech(shots, clips)) if record or any(file.has_audio for file in files) else None
    clip.write(out, frames, rate.fps, sound=heard.blocks() if heard else None)
    warnings = [f"{suffix}: {line}" for suffix in SUFFIXES[:4] for line in timeline.write(cut, out.with_suffix(suffix))]
    rows = list(shot_rows(shots, pieces, clips, rate, choice.weights))
    checkpoint.write_csv(out.with_name("shots.csv"), rows[0], rows)
    checkpoint.write_bytes(out.with_suffix(".jpg"), _jpeg(contact_sheet(rows, stills, choice.weights)))
    return {
        "out": str(out),
        "files": [str(path) for path in written],
        "seconds": float(budget / rate.fps),
        "frames": budget,
        "rate": rate.name,
        "size": list(size),
        "shots": len(shots),
        "found_shots": sum(len(each.shots) for each in clips),
        "skipped_packets": sum(each.skipped for each in clips),
        "lufs": None if heard is None or not np.isfinite(heard.lufs) else round(heard.lufs, 1),
        "trained_for": {name: round(weight, 4) for name, weight in choice.weights.items()},
        "terms": table(choice, single.score(choice.decisions)),
        "best_of": choice.looked_at,
        "warnings": warnings,
        "training": {"algorithm": algorithm, "backend": backend, "seed": seed},
        "wall_s": round(time.perf_counter() - began, 1),
        "versions": versions(),
    }


# Learning to cut


def choose(
    env: Callable[..., FootageEdit], algorithm: str, backend: str, seed: int = 0, progress: bool = True
) -> Choice:
    """Train a policy on footage and keep the best cut it makes.

    env(num_envs, weights) makes the environment. A term counts as its weight says; first the inverse of its deviation
    between random cuts, so that none drowns, and none where they hardly differ. While the policy learns, the weights of
    the terms in which its cuts fall behind random or uniform ones grow (dual ascent on "no worse than either"). The cut
    kept is, of all that were looked at, the one that is above both in most terms, and among those the one that earns
    most by the first weights. How much of that is luck is seen in the best of as many random cuts, chosen likewise.
    """
    compared = env(COMPARED)
    random, _ = compared.play(compared.random_policy(seed))
    uniform, _ = compared.play(compared.uniform_policy(seed))
    spread = random.std(axis=1)
    taught = spread > STILL
    first = np.where(taught, 1 / np.maximum(spread, 0.1), 0.0)
    first = first / first.sum() if taught.any() else np.full(len(TERMS), 1 / len(TERMS))
    weights = {name: float(weight) for name, weight in zip(TERMS, first, strict=True) if weight}
    better = np.maximum(*(bootstrap_interval(terms.T)[1] for terms in (random, uniform)))

    training = env(NUM_ENVS, weights)
    learner = rlfilm.learner(algorithm, training, backend=backend, seed=seed, **SETTINGS[algorithm])
    looking, best = env(NUM_ENVS, weights), (-1, -np.inf)
    now = first.copy()
    kept, looked_at = np.zeros(0), 0
    rows = learner.config.num_steps or training.episode_steps  # type: ignore[attr-defined]
    every = max(EVERY, math.ceil(training.episode_steps / rows))  # a look takes an episode

    def foremost(terms: NDArray) -> tuple[tuple[int, float], int]:
        """The best of cuts with these terms (9, N): in how many it is above both, what it earns; and its number."""
        above, earned = (terms[taught] > better[taught, None]).sum(axis=0), first @ terms
        top = max(range(terms.shape[1]), key=lambda index: (above[index], earned[index]))
        return (int(above[top]), float(earned[top])), top

    def look(env: FootageEdit, deterministic: bool = False) -> NDArray:
        nonlocal best, kept, looked_at
        terms, decisions = env.play(learner.policy(), deterministic)
        looked_at += env.num_envs
        rank, top = foremost(terms)
        if rank > best:
            best, kept = rank, decisions[:, top].copy()
        return terms

    def adjust(row: dict[str, float]) -> None:
        nonlocal now
        if row["iteration"] % every:
            return
        behind = (better - look(looking).mean(axis=1)) / np.maximum(spread, 0.1)
        now = now * np.exp(DUAL_RATE * np.clip(behind + 0.3, -0.5, 1))
        now = np.maximum(now / now.sum(), SMALLEST_SHARE * first)
        training.weigh(now / now.sum())

    steps = min(EPISODES * training.episode_steps, MOST_STEPS)
    rlfilm.train(learner, training, steps, progress=progress, on_iteration=adjust)
    sampled = look(compared)
    look(env(1, weights), deterministic=True)
    others = range(1, math.ceil(looked_at / COMPARED))
    lots = np.hstack([random, *(compared.play(compared.random_policy(seed + number))[0] for number in others)])
    lucky = lots[:, foremost(lots[:, :looked_at])[1]]
    return Choice(kept, sampled, uniform, random, weights, looked_at, lucky)


def table(choice: Choice, kept: dict[str, float]) -> dict[str, dict[str, Any]]:
    """For each term what the kept cut earns, and means with 95 % bootstrap intervals of the cuts of the policy, of
    uniform sampling and at random; `above`: whether it is above the intervals of both others, which nothing can be
    where one of them reaches 1: `ceiling`: whether it is at 1, too. The kept cut was chosen by this very comparison, as
    the best of `looked_at`: the best of as many random cuts stands beside it as `lucky`, with `lucky_above`, and what
    was learned is seen in the policy's means."""
    rows: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(TERMS):
        row: dict[str, Any] = {"trained": name in choice.weights, "kept": round(kept[name], 4)}
        for kind in ("sampled", "uniform", "random"):
            terms = getattr(choice, kind)[index]
            low, high = bootstrap_interval(terms)
            row[kind] = {"mean": round(float(terms.mean()), 4), "ci95": [round(float(low), 4), round(float(high), 4)]}
        row["lucky"] = round(float(choice.lucky[index]), 4)
        for above, cut in (("above", kept[name]), ("lucky_above", choice.lucky[index])):
            row[above] = all(bool(cut > row[kind]["ci95"][1]) for kind in ("uniform", "random"))
        row["ceiling"] = kept[name] > 1 - STILL
        rows[name] = row
    return rows


# Picture and sound


def render(
    shots: Sequence[Shot],
    pieces: Pieces,
    clips: Sequence[Footage],
    rate: Rate,
    size: tuple[int, int],
    stills: list[tuple[NDArray, NDArray]],
) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a cut, (height, width, 3) each; the first and last of each shot go to `stills`, made small."""
    for shot in shots:
        look = _look(shot, pieces, size)
        pictures = enumerate(footage.Pictures(clips[shot.source].file, rate, shot.parts[0][0]), shot.parts[0][0])
        at, shown = -1, None
        ends: list[NDArray] = []
        for frame in wanted_frames(shot):
            while at < frame:
                at, decoded = next(pictures)
            if decoded is not shown:
                shown, picture = decoded, look(footage.picture(decoded, size))
            ends = [ends[0] if ends else picture, picture]
            yield picture
        stills.append((_small(ends[0]), _small(ends[1])))


def wanted_frames(shot: Shot) -> Iterator[int]:
    """Which frame of its file a shot shows, one after the other.

    >>> shot = Shot(0, 0, 0, 0, 6, ((10, 2, 1.0), (12, 4, 1.5)), False, False, {})
    >>> list(wanted_frames(shot))
    [10, 11, 12, 13, 15, 16]
    """
    for start, frames, speed in shot.parts:
        exactly = Fraction(speed).limit_denominator(10_000)  # as the timeline has it
        yield from (start + int(number * exactly) for number in range(frames))


def _look(shot: Shot, pieces: Pieces, size: tuple[int, int]) -> Callable[[NDArray], NDArray]:
    """What is done to the pictures of a shot: its reframing and its grade."""
    levels = np.repeat(np.arange(256)[:, None] / 255, 3, axis=1)
    table = np.round(255 * grade(levels, cdl(shot, pieces))).astype(np.uint8)
    box = crop(shot, pieces, size)

    def look(picture: NDArray) -> NDArray:
        if shot.reframed:
            picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC, box))
        return table[picture, np.arange(3)] if shot.graded else picture

    return look


def cdl(shot: Shot, pieces: Pieces) -> NDArray:
    """The ASC CDL of a shot, (10,)."""
    if not shot.graded:
        return UNGRADED
    return np.concatenate([UNGRADED[:6], pieces.power[shot.first], UNGRADED[9:]])


def crop(shot: Shot, pieces: Pieces, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """What is seen of the picture: left, upper, right and lower edge in pixels."""
    width, height = size
    if not shot.reframed:
        return 0.0, 0.0, float(width), float(height)
    left, lower = pieces.crop[shot.first]
    return left * width, (1 - lower - 1 / ZOOM) * height, (left + 1 / ZOOM) * width, (1 - lower) * height


def _speech(shots: Sequence[Shot], clips: Sequence[Footage]) -> NDArray:
    """Speech-like activity of each frame of the cut."""
    return np.concatenate([clips[shot.source].speech[list(wanted_frames(shot))] for shot in shots])


def _timeline(
    name: str,
    shots: Sequence[Shot],
    clips: Sequence[Footage],
    rate: Rate,
    size: tuple[int, int],
    music: Source | None,
) -> Timeline:
    events = [
        Event(clips[shot.source].source, start, frames, speed) for shot in shots for start, frames, speed in shot.parts
    ]
    return Timeline(name, rate, size, events, music=music)


def _record(path: Path | None, rate: Rate) -> Source | None:
    """The music as timelines name it."""
    if path is None:
        return None
    with sound.Sound(path) as record:
        frames = int(record.seconds * rate.fps)
    if frames < 1:
        raise UserError(f"the music '{path}' says that it is {frames} frames long; give a longer file")
    return Source(str(path), path.stem, rate, 0, frames)


# Tables and pictures


def shot_rows(
    shots: Sequence[Shot], pieces: Pieces, clips: Sequence[Footage], rate: Rate, weights: dict[str, float]
) -> Iterator[dict[str, Any]]:
    """One row per shot: where it comes from and goes to, what was done to it, how it measures and what it earned."""
    record = timeline.frames("01:00:00:00", rate)
    for number, shot in enumerate(shots, start=1):
        source, frames = clips[shot.source].source, list(wanted_frames(shot))
        of_file = clips[shot.source]
        first = source.start_frame + int(frames[0] * source.rate.fps / rate.fps)
        end = source.start_frame + int((frames[-1] + 1) * source.rate.fps / rate.fps)
        yield {
            "shot": number,
            "file": source.path,
            "source_in": timeline.timecode(first, source.rate),
            "source_out": timeline.timecode(end, source.rate),
            "record_in": timeline.timecode(record + shot.record, rate),
            "record_out": timeline.timecode(record + shot.record + shot.frames, rate),
            "first_frame": frames[0],
            "last_frame": frames[-1],
            "frames": shot.frames,
            "seconds": round(float(shot.frames / rate.fps), 3),
            "speed": " ".join(f"{speed:.2f}" for _, _, speed in shot.parts),
            "reframed": int(shot.reframed),
            "power": " ".join(f"{power:.3f}" for power in cdl(shot, pieces)[6:9]),
            "motion": round(float(of_file.motion[frames].mean()), 4),
            "sharpness": round(float(of_file.sharpness[frames].mean()), 4),
            "lufs": round(float(of_file.loudness[frames].mean()), 1) if source.has_audio else None,
            "speech_like": round(float(of_file.speech[frames].mean()), 3),
            **{name: round(shot.terms[name], 3) for name in weights},
        }


def contact_sheet(
    rows: Sequence[dict[str, Any]], stills: Sequence[tuple[NDArray, NDArray]], weights: dict[str, float]
) -> Image.Image:
    """A row per shot: its first frame, its last, and a bar for each term that the policy was trained for."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().astype(int))
    what = "shots" if len(chosen) == len(rows) else f"{len(chosen)} of {len(rows)} shots"
    cells = []
    for index in chosen:
        row, (first, last) = rows[index], stills[index]
        effects = {
            "ramp": row["speed"] != "1.00",
            "reframed": row["reframed"],
            "graded": row["power"] != UNGRADED_POWER,
        }
        done = [word for word, yes in effects.items() if yes]
        cells.append([
            (first, f"{row['shot']}   in {row['record_in']}   {row['seconds']:.2f} s"),
            (last, f"{Path(row['file']).name[:24]}  from {row['source_in']}"),
            (_bars({name: row[name] for name in weights}), ", ".join(done) or "as it is"),
        ])  # fmt: skip
    return sheet.contact_sheet([f"{what}: first frame", "last frame", "why: terms, 0 to 1"], cells)


def _bars(terms: dict[str, float]) -> NDArray[np.uint8]:
    """Bars of the terms, (270, 480, 3)."""
    width, height = STILL_SIZE
    panel = Image.new("RGB", STILL_SIZE, sheet.INK)
    draw = ImageDraw.Draw(panel)
    step = height / max(len(terms), 1)
    for number, (name, value) in enumerate(terms.items()):
        top = number * step
        draw.text((8, top + step / 2), name.replace("_", " "), fill=sheet.PAPER, font=sheet.font(19), anchor="lm")
        left, right = 210, width - 64
        draw.rectangle((left, top + step * 0.3, right, top + step * 0.7), fill=(52, 56, 64))
        draw.rectangle(
            (left, top + step * 0.3, left + (right - left) * min(value, 1), top + step * 0.7), fill=sheet.ACCENT
        )
        draw.text((width - 8, top + step / 2), f"{value:.2f}", fill=sheet.PAPER, font=sheet.font(19), anchor="rm")
    return np.asarray(panel)


def _small(picture: NDArray) -> NDArray[np.uint8]:
    return np.asarray(ImageOps.pad(Image.fromarray(picture), STILL_SIZE))


def _jpeg(image: Image.Image) -> bytes:
    data = BytesIO()
    image.save(data, "JPEG", quality=88)
    return data.getvalue()
