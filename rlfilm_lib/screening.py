"""The main job: train an agent, shoot each brief before and after, and lay the result out as a film and a page.

`make_film` writes into one folder: film.mp4, index.html, contact_sheet.png, learning_curve.png, camera.csv,
report.json, and run/, the training run that the film shows; to compare, also compare/, a run of each other algorithm.
The film ends with a scene by three agents that a clone of rlfilm brings along: a moving camera, set light and an acting
character. It is written as scene.usda, scene.csv, scene.cube and scene.bvh too.
"""

import html
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import av  # noqa: F401 (that it is missing must be noticed before the training, not after)
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from tqdm import tqdm

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import ensemble
from rlfilm_lib.envs.movie_scene import BRIEFS, LENSES
from rlfilm_lib.envs.shooting import Shot, play
from rlfilm_lib.errors import UserError
from rlfilm_lib.film import framing
from rlfilm_lib.media import camera_report, clip, look, motion, sheet
from rlfilm_lib.media.sheet import ACCENT, INK, PAPER
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.config import configure
from rlfilm_lib.rl.train import History
from rlfilm_lib.run import read_progress, run, versions
from rlfilm_lib.stage import preview, usd, workers
from rlfilm_lib.stage.take import Take
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE

ENV_ID = "rlfilm/MovieScene-v0"
FPS = 24
SLATE_FRAMES = 36
HOLD_FRAMES = 12
"""The last frame of a take stands for half a second, to be looked at."""
SCENE_SEED = 7
EPISODES = 64
TOGETHER_SEED = 231  # the subject stands
TOGETHER_BRIEFS: dict[str, Any] = {
    "camera": {"movement": "push-in", "rate": 0.09, "k": 0.6, "angle": "eye", "side": "centre", "blur": 0.02},
    "light": "noir",
    "character": {"gesture": "wave", "cue": "look"},
}
"""What the scene of three agents asks of each."""
MEDIA = Path(__file__).resolve().parent.parent / "course" / "media"
"""Where their policies lie in a clone."""
DIM = (150, 150, 150)

DESCRIPTIONS = {"wide": "wide, high-key", "medium": "medium", "close": "close, low-key"}
ALGORITHMS = {"reinforce": ("REINFORCE", ORANGE), "actor-critic": ("Actor-Critic", BLUE), "ppo": ("PPO", GREEN)}
"""What each is called in print, and the colour of its curve."""


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
    steps: int = 300_000,
    seed: int = 0,
    size: tuple[int, int] = (640, 360),
    resume: bool = False,
    force: bool = False,
    progress: bool = True,
    algorithm: str = "ppo",
    compare: bool = False,
) -> dict[str, Any]:
    """Train, film three briefs before and after, and write everything into `out`. Returns the report.

    With `compare` the other algorithms are trained for as many steps, and the table and the curve show all of them.
    A folder that holds a film or a stopped training is refused without `resume` or `force`. On `resume` each training
    goes on from where it is, a finished one is kept, and the film is made anew.
    """
    config = configure(algorithm, ENV_ID)
    out = Path(out)
    if (out / "report.json").exists() and not (force or resume):
        raise UserError(f"{out} already holds a film: replace it with --force, or choose another folder with --out")
    clip.check_size(*size)
    preview.check_size(*size)
    backend = rlfilm.choose_backend(backend)
    checkpoint.make_folder(out)
    began = time.perf_counter()
    others = [name for name in ALGORITHMS if compare and name != algorithm]
    folders = {algorithm: out / "run"} | {name: out / "compare" / name for name in others}
    runs = {}
    for name, folder in folders.items():
        if progress:
            print(f"training with {ALGORITHMS[name][0]}", file=sys.stderr)
        begun = resume and (folder / "config.json").exists()
        runs[name] = run(ENV_ID, name, steps, folder, backend, seed, resume=begun, force=force, progress=progress)

    env = rlfilm.make_vec(ENV_ID, num_envs=config.num_envs)
    policies = {
        "random": env.random_policy(seed),  # type: ignore[attr-defined]
        "untrained": rlfilm.learner(algorithm, env, backend=backend, seed=seed).policy(),
        **{name: rlfilm.load(folders[name]) for name in others},
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
    together = _shoot_together(backend, progress)
    stills: dict[tuple[str, str], list[np.ndarray]] = {}
    with closing(_film(ALGORITHMS[algorithm][0], scenes, together, size, stills, progress)) as frames:
        clip.write(out / "film.mp4", frames, fps=FPS)
    if together:
        _write_scene(out, *together["trained"])
    checkpoint.write_bytes(out / "contact_sheet.png", _png(contact_sheet(scenes, stills)))
    histories = {name: read_progress(folder / "progress.csv") for name, folder in folders.items()}
    means = {name: result.return_mean for name, result in results.items()}
    means[algorithm] = means.pop("trained")
    checkpoint.write_bytes(out / "learning_curve.png", learning_curve(histories, means))
    rows = list(camera_rows(scenes))
    checkpoint.write_csv(out / "camera.csv", rows[0], rows)
    efforts = {name: {"steps": each["steps"], "wall_s": round(each["wall_s"], 1)} for name, each in runs.items()}
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
        "training": {"algorithm": algorithm, "backend": backend, "seed": seed, **efforts.pop(algorithm)},
        "compared": efforts,
        "scene": {
            agents: {name: round(float(shot.rewards.sum()), 1) for name, shot in shots.items()}
            for agents, (_, shots) in together.items()
        },
        "wall_s": round(time.perf_counter() - began, 1),
        "versions": versions(),
    }
    checkpoint.write_bytes(out / "index.html", page(scenes, report).encode())
    checkpoint.write_json(out / "report.json", report)
    return report


# The scene of three agents


def _shoot_together(backend: str, progress: bool) -> dict[str, tuple[Take, dict[str, Shot]]]:
    """The scene as three untrained agents shoot it, and as the trained ones do; {} where something is missing."""
    folders = {name: MEDIA / folder for name, folder in ensemble.AGENTS.items()}
    try:
        if not all((folder / "policy.safetensors").exists() for folder in folders.values()):
            raise UserError(f"no trained agents in {MEDIA}: run rlfilm film in a clone of rlfilm")
        usd.require()
        envs = {
            name: rlfilm.make_vec(env_id, num_envs=configure("ppo", env_id).num_envs)
            for name, env_id in ensemble.ENVIRONMENTS.items()
        }
    except UserError as error:
        if progress:
            print(f"the scene of three agents is left out: {error}", file=sys.stderr)
        return {}
    crews = {
        "untrained": {name: rlfilm.learner("ppo", env, backend=backend).policy() for name, env in envs.items()},
        "trained": {name: rlfilm.load(folder) for name, folder in folders.items()},
    }
    return {agents: ensemble.shoot_together(crew, TOGETHER_SEED, TOGETHER_BRIEFS) for agents, crew in crews.items()}


def _write_scene(out: Path, take: Take, shots: dict[str, Shot]) -> None:
    """The scene as film tools open it: stage, camera report, grade, and the actor's motion."""
    usd.write(out / "scene.usda", take)
    checkpoint.write_csv(out / "scene.csv", camera_report.columns(take), camera_report.rows(take))
    look.write_cube(out / "scene.cube", look.cube(take.grade[-1]), "rlfilm, scene of three agents")
    acting = shots["character"].motion
    assert acting is not None
    motion.write_bvh(out / "scene.bvh", acting)


# The film


def _film(
    algorithm: str,
    scenes: list[Scene],
    together: Mapping[str, tuple[Take, dict[str, Shot]]],
    size: tuple[int, int],
    stills: dict[tuple[str, str], list[np.ndarray]],
    progress: bool,
) -> Generator[np.ndarray, None, None]:
    """Every frame of the film in order; the first and last frame of each take are kept in `stills`."""
    total = sum(len(shot.take) for scene in scenes for shot in scene.shots.values())
    total += sum(len(take) for take, _ in together.values())
    pool = workers.pool()
    bar = tqdm(total=total, unit=" frames", desc="filming", disable=not progress, dynamic_ncols=True)
    with pool, bar:
        yield from [
            slate(size, "rlfilm", ["a camera learns to shoot", f"with {algorithm}: three briefs, before and after"])
        ] * SLATE_FRAMES
        for scene in scenes:
            for number, (agent, shot) in enumerate(scene.shots.items(), start=1):
                lines = [*brief_lines(scene.brief), f"{agent}: score {scene.score(agent):.2f}   (random 0, expert 1)"]
                yield from [slate(size, f"{DESCRIPTIONS[scene.brief]}  ·  take {number}", lines)] * SLATE_FRAMES
                kept = stills.setdefault((scene.brief, agent), [])
                for frame in workers.frames(shot.take, *size, pool):
                    kept.extend([frame] if not kept else [])
                    yield frame
                    bar.update()
                kept.append(frame)
                yield from [frame] * HOLD_FRAMES
        for agents, (take, _) in together.items():
            lines = [*scene_lines(), f"three agents, {agents}"]
            yield from [slate(size, "one scene, three agents", lines)] * SLATE_FRAMES
            for frame in workers.frames(take, *size, pool):
                yield frame
                bar.update()
            yield from [frame] * HOLD_FRAMES


def brief_lines(brief: str) -> list[str]:
    """What a brief asks for, in a crew's words."""
    asked = BRIEFS[brief]
    lens, stops = LENSES[asked["lens"]][0], asked["exposure"]
    return [
        f"{lens:g} mm, eyes on the {asked['side']} third",
        f"key to fill {asked['key_fill']:g}:1, " + (f"face {stops:+g} stop" if stops else "face at normal exposure"),
    ]


def scene_lines() -> list[str]:
    """What the scene of three agents asks of each.

    >>> scene_lines()
    ['camera: push-in, cowboy shot', 'light: noir', 'character: wave, cue: look']
    """
    camera, character = TOGETHER_BRIEFS["camera"], TOGETHER_BRIEFS["character"]
    size = framing.shot_size(camera["k"])
    return [
        f"camera: {camera['movement']}, {size} shot",
        f"light: {TOGETHER_BRIEFS['light']}",
        f"character: {character['gesture']}, cue: {character['cue']}",
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
    draw.text((width * 0.08, height * 0.26), title, fill=PAPER, font=sheet.font(height // 9))
    for row, line in enumerate(lines):
        colour = ACCENT if row == len(lines) - 1 else DIM
        draw.text((width * 0.08, height * (0.46 + 0.13 * row)), line, fill=colour, font=sheet.font(height // 15))
    return np.asarray(picture)


# The pictures


def contact_sheet(scenes: list[Scene], stills: Mapping[tuple[str, str], list[np.ndarray]]) -> Image.Image:
    """A row per brief: the frame both takes start from, the untrained take's last frame, and the trained one's."""
    titles = ("both takes start here", "untrained: ends here", "trained: ends here")
    rows = []
    for scene in scenes:
        frames = [stills[scene.brief, "untrained"][0], *(stills[scene.brief, agent][-1] for agent in scene.shots)]
        captions = [
            f"{DESCRIPTIONS[scene.brief]}: {brief_lines(scene.brief)[0]}",
            f"score {scene.score('untrained'):.2f}",
            f"score {scene.score('trained'):.2f}    ({brief_lines(scene.brief)[1]})",
        ]
        rows.append(list(zip(frames, captions, strict=True)))
    return sheet.contact_sheet(titles, rows)


def learning_curve(histories: Mapping[str, History], means: Mapping[str, float]) -> bytes:
    """Return against steps of each algorithm as PNG, and what it earned in the end, beside the other policies."""
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    total = max(history[-1]["steps"] for history in histories.values())
    width = max(1, int(float(f"{total / 30:.0e}")))
    shown = [(name, *looks) for name, looks in ALGORITHMS.items() if name in histories]
    for algorithm, name, colour in shown:
        steps, mean, sd = windows(histories[algorithm], width)
        axes.fill_between(steps, mean - sd, mean + sd, color=colour, alpha=0.2, lw=0)
        axes.plot(steps, mean, ".-", color=colour, lw=1.8, ms=4, label=name)
    for place, (algorithm, name, colour) in enumerate(shown):
        label = f"{name}, trained: {means[algorithm]:.1f}"
        axes.plot((1.02 + 0.02 * place) * total, means[algorithm], "D", color=colour, mec=BLACK, ms=7, label=label)
    for name, style in (("expert", "-"), ("untrained", "--"), ("random", ":")):
        axes.axhline(means[name], color=BLACK, ls=style, lw=1, label=f"{name}: {means[name]:.1f}")
    axes.set(xlabel="environment steps", ylabel="return of a 4 s take (at most 48)", ylim=(0, 48))
    axes.set_title(f"curves: means of the iterations in {width:,} steps; shaded: ± 1 sd of their takes", fontsize=10)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axes.legend(loc="lower right", ncols=3, frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    png = BytesIO()
    figure.savefig(png, dpi=120, format="png")
    return png.getvalue()


def windows(history: History, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The iterations within each `width` steps of a training: mean steps, and mean and deviation of their takes.

    (K,) each, for the K windows in which a take ended. Every iteration in which one ended counts alike; what is left
    over at the end of the training belongs to the last window.

    >>> rows = [{"steps": steps, "return_mean": 4.0, "return_sd": 0.0} for steps in (10, 30, 60, 70)]
    >>> windows(History([{"steps": 5}, *rows]), 30)
    (array([20., 65.]), array([4., 4.]), array([0., 0.]))
    """
    steps, mean, sd = (history.column(name) for name in ("steps", "return_mean", "return_sd"))
    last = max(steps[-1] // width - 1, 0)
    known = np.isfinite(mean)
    steps, mean, sd = steps[known], mean[known], sd[known]
    _, window, rows = np.unique(np.minimum((steps - 1) // width, last), return_inverse=True, return_counts=True)
    means = np.bincount(window, mean) / rows
    variance = np.bincount(window, sd**2 + (mean - means[window]) ** 2) / rows
    return np.bincount(window, steps) / rows, means, np.sqrt(variance)


def _png(picture: Image.Image) -> bytes:
    data = BytesIO()
    picture.save(data, "PNG", optimize=True)
    return data.getvalue()


# The figures


def camera_rows(scenes: list[Scene]) -> Iterator[dict[str, object]]:
    """The camera report of every take, with the brief and the agent before each row."""
    for scene in scenes:
        for agent, shot in scene.shots.items():
            for row in camera_report.rows(shot.take):
                yield {"brief": scene.brief, "agent": agent, **row}


def page(scenes: list[Scene], report: Mapping[str, Any]) -> str:
    """index.html: the film, the sheet, the curve and the figures on one page."""
    training, compared, results = report["training"], report["compared"], report["policies"]
    efforts = {
        name: f"{each['steps']:,} steps, {each['wall_s']:.0f} s"
        for name, each in (compared | {"trained": training}).items()
    }
    algorithm = ALGORITHMS[training["algorithm"]][0]
    names = {name: name for name in results} | {"trained": f"trained with {algorithm}"}
    names |= {name: f"trained with {ALGORITHMS[name][0]}" for name in compared}
    policies = _table(
        ["policy", "training", "mean return", "95 % interval", "score"],
        [
            [
                names[name],
                efforts.get(name, "none"),
                f"{r['return_mean']:.2f}",
                "{:.2f} to {:.2f}".format(*r["ci95"]),
                f"{r['normalised_score']:.2f}",
            ]
            for name, r in results.items()
        ],
    )
    briefs = _table(
        ["brief", "asks for", *names.values()],
        [
            [DESCRIPTIONS[scene.brief], "; ".join(brief_lines(scene.brief))]
            + [f"{scene.returns[name]:.1f}" for name in results]
            for scene in scenes
        ],
    )
    caveat = " Each algorithm was trained once; with another seed its mean moves further." if compared else ""
    runs = ["run", *(f"compare/{name}" for name in compared)]
    progress = ", ".join(f'<a href="{folder}/progress.csv">{folder}/progress.csv</a>' for folder in runs)
    scene = SCENE_SECTION if report["scene"] else ""
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rlfilm: a camera learns to shoot with {algorithm}</title>
<style>{STYLE}</style>
<h1>A camera learns to shoot</h1>
<p>{algorithm} ({training["backend"]}, seed {training["seed"]}) moved the camera, set three lights and placed the
character for {training["steps"]:,} steps, {training["wall_s"]:.0f} s of training. The film shows each of three briefs
twice: shot by the untrained policy, then by the trained one, from the same start.</p>
<video src="film.mp4" controls preload="auto"></video>
<h2>Before and after</h2>
<img src="contact_sheet.png" alt="Each brief as the untrained and the trained agent shot it: first and last frame.">
<h2>How good is it?</h2>
{policies}
<p>Every policy shoots the same {4 * EPISODES} takes; a take of 48 steps earns at most 48. The score is 0 for the random
policy and 1 for the expert. The interval says how far the mean would move with other takes.{caveat}</p>
<h2>By brief</h2>
{briefs}
<p>Mean returns of {EPISODES} takes each.</p>
<h2>How it learned</h2>
<img src="learning_curve.png" alt="The return while learning rises from the random policy's towards the expert's.">
<p>While it learns, a policy leaves part of every action to chance, to try things out. A diamond is the trained policy.
It, the expert and the untrained policy were measured without chance, as in the table.</p>
{scene}
<p>Files: <a href="film.mp4">film.mp4</a>, <a href="camera.csv">camera.csv</a> (lens, focus, position and lights per
frame), <a href="report.json">report.json</a>, {progress}.</p>
</html>
"""


SCENE_SECTION = """<h2>One scene, three agents</h2>
<p>The film ends with a scene that three agents make together, untrained and trained: one moves the camera, one sets
lights and grade, one acts under physics. Each was trained in an environment of its own (lessons 07, 08 and 09). The
trained take opens elsewhere: <a href="scene.usda">scene.usda</a> in Blender and USD viewers,
<a href="scene.cube">scene.cube</a>, its grade, in editors, <a href="scene.bvh">scene.bvh</a>, the acting, in animation
tools, <a href="scene.csv">scene.csv</a>, lens, camera and lights per frame, in a table.</p>
"""
STYLE = """
body { background: #121418; color: #ece8de; font: 17px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto;
  padding: 0 1rem }
video, img { width: 100%; height: auto; display: block; margin: 1rem 0 }
div { overflow-x: auto }
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
    return f"<div><table><tr>{head}{body}</table></div>"
