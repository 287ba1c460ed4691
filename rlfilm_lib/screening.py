"""The main job: train an agent, shoot each brief before and after, and lay the result out as a film and a page.

`make_film` writes into one folder: film.mp4, index.html, contact_sheet.png, learning_curve.png, camera.csv,
report.json, and run/, the training run that the film shows.
"""

import html
import os
import signal
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av  # noqa: F401 (that it is missing must be noticed before the training, not after)
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.movie_scene import BRIEFS, LENSES
from rlfilm_lib.envs.shooting import Shot, play
from rlfilm_lib.errors import UserError
from rlfilm_lib.media import clip
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.train import History
from rlfilm_lib.run import read_progress, run, versions
from rlfilm_lib.stage import preview

ENV_ID = "rlfilm/MovieScene-v0"
SETTINGS = {"anneal": True}
FPS = 24
SLATE_FRAMES = 36
HOLD_FRAMES = 12
"""The last frame of a take stands for half a second, to be looked at."""
SCENE_SEED = 7
EPISODES = 64
INK, PAPER, ACCENT, DIM = (18, 20, 24), (236, 232, 222), (230, 159, 0), (150, 150, 150)

DESCRIPTIONS = {"wide": "wide, high-key", "medium": "medium", "close": "close, low-key"}


@dataclass(frozen=True)
class Scene:
    """One brief, shot by the untrained and the trained agent from the same start, with what each policy earns on it."""

    brief: str
    shots: dict[str, Shot]
    returns: dict[str, float]

    def score(self, agent: str) -> float:
        """The shot's own return between random (0) and expert (1), both measured on this brief."""
        low, high = self.returns["random"], self.returns["expert"]
        return (float(self.shots[agent].rewards.sum()) - low) / (high - low)


def make_film(
    out: str | Path = "film",
    backend: str | None = None,
    steps: int = 600_000,
    seed: int = 0,
    size: tuple[int, int] = (640, 360),
    resume: bool = False,
    force: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Train with REINFORCE, film three briefs before and after, and write everything into `out`. Returns the report.

    A folder that already holds a film is refused without `force`; one with a training that was stopped is refused
    without `resume` or `force`.
    """
    out = Path(out)
    if (out / "report.json").exists() and not (force or resume):
        raise UserError(f"{out} already holds a film: replace it with --force, or choose another folder with --out")
    clip.check_size(*size)
    preview.check_size(*size)
    backend = rlfilm.choose_backend(backend)
    checkpoint.make_folder(out)
    began = time.perf_counter()
    resume = resume and (out / "run" / "config.json").exists()
    where = (out / "run", backend, seed)
    trained = run(ENV_ID, "reinforce", steps, *where, settings=SETTINGS, resume=resume, force=force, progress=progress)

    env = rlfilm.make_vec(ENV_ID, num_envs=1)
    policies = {
        "random": env.random_policy(seed),  # type: ignore[attr-defined]
        "untrained": rlfilm.learner("reinforce", env, backend=backend, seed=seed).policy(),
        "trained": rlfilm.load(out / "run"),
        "expert": env.expert_policy(),  # type: ignore[attr-defined]
    }
    results = {
        name: rlfilm.evaluate(policy, ENV_ID, episodes=4 * EPISODES, seed=1) for name, policy in policies.items()
    }
    scenes = [
        Scene(
            brief,
            {agent: play(policies[agent], ENV_ID, SCENE_SEED, {"brief": brief}) for agent in ("untrained", "trained")},
            {
                name: rlfilm.evaluate(policy, ENV_ID, episodes=EPISODES, seed=1, brief=brief).return_mean
                for name, policy in policies.items()
            },
        )
        for brief in BRIEFS
    ]
    stills: dict[tuple[str, str], list[np.ndarray]] = {}
    with closing(_film(scenes, size, stills, progress)) as frames:
        clip.write(out / "film.mp4", frames, fps=FPS)
    checkpoint.write_bytes(out / "contact_sheet.png", _png(contact_sheet(scenes, stills)))
    history = read_progress(out / "run" / "progress.csv")
    scale = {name: result.return_mean for name, result in results.items()}
    checkpoint.write_bytes(out / "learning_curve.png", learning_curve(history, scale))
    checkpoint.write_csv(out / "camera.csv", CAMERA_COLUMNS, camera_rows(scenes))
    training = {"algorithm": "reinforce", "backend": backend, "seed": seed}
    report = {
        "policies": {name: result.summary() for name, result in results.items()},
        "briefs": {
            scene.brief: {
                "brief": BRIEFS[scene.brief],
                "return_mean": scene.returns,
                "shot_return": {agent: float(shot.rewards.sum()) for agent, shot in scene.shots.items()},
                "shot_score": {agent: scene.score(agent) for agent in scene.shots},
            }
            for scene in scenes
        },
        "training": training | {"steps": trained["steps"], "wall_s": round(trained["wall_s"], 1)},
        "wall_s": round(time.perf_counter() - began, 1),
        "versions": versions(),
    }
    checkpoint.write_bytes(out / "index.html", page(scenes, report).encode())
    checkpoint.write_json(out / "report.json", report)
    return report


# The film


def _film(
    scenes: list[Scene], size: tuple[int, int], stills: dict[tuple[str, str], list[np.ndarray]], progress: bool
) -> Generator[np.ndarray, None, None]:
    """Every frame of the film in order; the first and last frame of each take are kept in `stills`."""
    total = sum(len(shot.take) for scene in scenes for shot in scene.shots.values())
    workers = max(1, min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8))
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker)
    bar = tqdm(total=total, unit=" frames", desc="filming", disable=not progress, dynamic_ncols=True)
    with pool, bar:
        yield from [
            slate(size, "rlfilm", ["a camera learns to shoot", "three briefs, untrained and trained"])
        ] * SLATE_FRAMES
        for scene in scenes:
            for number, (agent, shot) in enumerate(scene.shots.items(), start=1):
                lines = [*brief_lines(scene.brief), f"{agent}: score {scene.score(agent):.2f}   (random 0, expert 1)"]
                yield from [slate(size, f"{DESCRIPTIONS[scene.brief]}  ·  take {number}", lines)] * SLATE_FRAMES
                pieces = [shot.take[start : start + 8] for start in range(0, len(shot.take), 8)]
                kept = stills.setdefault((scene.brief, agent), [])
                for frames in pool.map(preview.render, pieces, *([side] * len(pieces) for side in size)):
                    kept.extend(frames[:1] if not kept else [])
                    yield from frames
                    bar.update(len(frames))
                kept.append(frames[-1])
                yield from [frames[-1]] * HOLD_FRAMES


def _start_worker() -> None:
    """A worker fills one core, and leaves Ctrl-C to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)


def brief_lines(brief: str) -> list[str]:
    """What a brief asks for, in a crew's words."""
    asked = BRIEFS[brief]
    lens, stops = LENSES[asked["lens"]][0], asked["exposure"]
    return [
        f"{lens:g} mm, eyes on the {asked['side']} third",
        f"key to fill {asked['key_fill']:g}:1, " + (f"face {stops:+g} stop" if stops else "face at normal exposure"),
    ]


def slate(size: tuple[int, int], title: str, lines: list[str]) -> np.ndarray:
    """A clapperboard (height, width, 3) with a title and lines of text."""
    width, height = size
    picture = Image.new("RGB", size, INK)
    draw = ImageDraw.Draw(picture)
    bar = height // 7
    for stripe in range(-1, 9):
        left = stripe * width / 8
        corners = [(left, bar), (left + bar, 0), (left + bar + width / 16, 0), (left + width / 16, bar)]
        draw.polygon(corners, fill=PAPER)
    draw.line([(0, bar), (width, bar)], fill=DIM, width=2)
    draw.text((width * 0.08, height * 0.26), title, fill=PAPER, font=_font(height // 9))
    for row, line in enumerate(lines):
        colour = ACCENT if row == len(lines) - 1 else DIM
        draw.text((width * 0.08, height * (0.46 + 0.13 * row)), line, fill=colour, font=_font(height // 15))
    return np.asarray(picture)


def _font(size: int) -> Any:
    return ImageFont.load_default(max(size, 10))


# The pictures


def contact_sheet(scenes: list[Scene], stills: Mapping[tuple[str, str], list[np.ndarray]]) -> Image.Image:
    """A row per brief: the frame both takes start from, the untrained take's last frame, and the trained one's."""
    width, height, gap, head, label = 480, 270, 14, 58, 42
    sheet = Image.new("RGB", (gap + 3 * (width + gap), head + len(scenes) * (height + label + gap)), INK)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(("both takes start here", "untrained: ends here", "trained: ends here")):
        colour = ACCENT if column == 2 else PAPER
        draw.text((gap + column * (width + gap), 14), title, fill=colour, font=_font(26))
    for row, scene in enumerate(scenes):
        top = head + row * (height + label + gap)
        frames = [stills[scene.brief, "untrained"][0], *(stills[scene.brief, agent][-1] for agent in scene.shots)]
        captions = [
            f"{DESCRIPTIONS[scene.brief]}: {brief_lines(scene.brief)[0]}",
            f"score {scene.score('untrained'):.2f}",
            f"score {scene.score('trained'):.2f}    ({brief_lines(scene.brief)[1]})",
        ]
        for column, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
            left = gap + column * (width + gap)
            sheet.paste(Image.fromarray(frame).resize((width, height), Image.Resampling.LANCZOS), (left, top))
            draw.text((left, top + height + 8), caption, fill=ACCENT if column == 2 else PAPER, font=_font(20))
    return sheet


def learning_curve(history: History, scale: Mapping[str, float]) -> bytes:
    """Return against steps as PNG, with random, untrained, trained and expert as lines."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    steps, mean, sd = (history.column(name) for name in ("steps", "return_mean", "return_sd"))
    axes.fill_between(steps, mean - sd, mean + sd, color="#56B4E9", alpha=0.3, lw=0, label="± 1 sd of its takes")
    axes.plot(steps, mean, color="#0072B2", lw=1.5, label="REINFORCE, sampled actions")
    styles = {
        "expert": ("k", "-"),
        "trained": ("#0072B2", ":"),
        "untrained": ("#D55E00", "--"),
        "random": ("0.6", "-."),
    }
    for name, (colour, style) in styles.items():
        axes.axhline(scale[name], color=colour, ls=style, lw=1.2, label=f"{name}: {scale[name]:.1f}")
    axes.set(xlabel="environment steps", ylabel="return of a 4 s take (at most 48)", ylim=(0, 48))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axes.legend(loc="lower right", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    png = BytesIO()
    figure.savefig(png, dpi=120, format="png")
    return png.getvalue()


def _png(picture: Image.Image) -> bytes:
    data = BytesIO()
    picture.save(data, "PNG", optimize=True)
    return data.getvalue()


# The figures

CAMERA_COLUMNS = (
    "brief agent frame time_s focal_length_mm f_stop focus_distance_m x_m y_m z_m key_stops fill_stops back_stops"
).split()


def camera_rows(scenes: list[Scene]) -> Iterator[dict[str, object]]:
    """One row per frame of every take: lens, focus, camera position and lights."""
    for scene in scenes:
        for agent, shot in scene.shots.items():
            take = shot.take
            for frame in range(len(take)):
                numbers = [
                    frame / take.fps,
                    take.focal_length[frame],
                    take.f_stop[frame],
                    take.focus_distance[frame],
                    *take.camera_position[frame],
                    *take.light_stops[frame],
                ]
                values = [scene.brief, agent, frame, *(round(float(number), 4) for number in numbers)]
                yield dict(zip(CAMERA_COLUMNS, values, strict=True))


def page(scenes: list[Scene], report: Mapping[str, Any]) -> str:
    """index.html: the film, the sheet, the curve and the figures on one page."""
    training, results = report["training"], report["policies"]
    policies = _table(
        ["policy", f"mean return of {4 * EPISODES} takes", "95 % interval", "score (random 0, expert 1)"],
        [
            [name, f"{r['return_mean']:.2f}", "{:.2f} to {:.2f}".format(*r["ci95"]), f"{r['normalised_score']:.2f}"]
            for name, r in results.items()
        ],
    )
    briefs = _table(
        ["brief", "asks for", *results],
        [
            [DESCRIPTIONS[scene.brief], "; ".join(brief_lines(scene.brief))]
            + [f"{scene.returns[name]:.1f}" for name in results]
            for scene in scenes
        ],
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rlfilm: a camera learns to shoot</title>
<style>{STYLE}</style>
<h1>A camera learns to shoot</h1>
<p>REINFORCE ({training["backend"]}, seed {training["seed"]}) moved the camera, set three lights and placed the
character for {training["steps"]:,} steps, {training["wall_s"]:.0f} s of training. The film shows each of three briefs
twice: shot by the untrained policy, then by the trained one, from the same start.</p>
<video src="film.mp4" controls preload="auto"></video>
<h2>Before and after</h2>
<img src="contact_sheet.png" alt="Each brief as the untrained and the trained agent shot it: first and last frame.">
<h2>How good is it?</h2>
{policies}
<h2>By brief</h2>
{briefs}
<p>Mean returns over {EPISODES} takes each; a take of 48 steps earns at most 48.</p>
<h2>How it learned</h2>
<img src="learning_curve.png" alt="The return per iteration rises from the random policy's towards the expert's.">
<p>Files: <a href="film.mp4">film.mp4</a>, <a href="camera.csv">camera.csv</a> (lens, focus, position and lights per
frame), <a href="report.json">report.json</a>, <a href="run/progress.csv">run/progress.csv</a>.</p>
</html>
"""


STYLE = """
body { background: #121418; color: #ece8de; font: 17px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto;
  padding: 0 1rem }
video, img { width: 100%; height: auto; display: block; margin: 1rem 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #444 }
a { color: #e69f00 }
"""


def _table(header: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th scope=col>{html.escape(cell)}" for cell in header)
    body = "".join(
        f"<tr><th scope=row>{html.escape(first)}" + "".join(f"<td>{html.escape(cell)}" for cell in rest)
        for first, *rest in rows
    )
    return f"<table><tr>{head}{body}</table>"
