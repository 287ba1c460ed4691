"""Make what lesson 14 shows without training it: an agent that cuts, and one passage cut in three ways, with sound.

    python course/media/editing.py    # 2 minutes; writes editing/policy.safetensors and editing_*.mp4 beside it

The agent is PPO on FilmEdit-v0. The passage, PASSAGE of scene SEED, is cut by random actions, by the agent and by the
exact optimum. Pictures are drawn on twos: twelve per second, each shown for two frames. Beats, and so cuts, are twelve
frames long, so no cut moves.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import animatic, coverage, film_edit
from rlfilm_lib.envs.coverage import BEAT_FRAMES, FPS, Scene
from rlfilm_lib.envs.film_edit import FilmEdit, Shot
from rlfilm_lib.media import clip
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import cutting_room

HERE = Path(__file__).resolve().parent
TASK, STEPS = "rlfilm/FilmEdit-v0", 300_000
SETTINGS = {
    "num_envs": 64, "num_steps": 60, "minibatch_size": 480, "epochs": 6, "learning_rate": 1e-3, "gamma": 0.998,
    "hidden_sizes": (96, 96), "normalize_observations": False, "max_grad_norm": 2.0, "anneal": True,
}  # fmt: skip
SEED, PACE = 3, "medium"
PASSAGE = range(20, 36)  # beats
SIZE, CRF = (320, 180), 31  # each clip stays below 200 KB


def main() -> None:
    policy = HERE / "editing" / "policy.safetensors"
    if not policy.exists():
        train(policy)
    scene = rushes()
    straight = FilmEdit(1, controls=1, pace=PACE)  # shots of one beat leave no room to split sound from picture
    cuts = {
        "random": cutting_room.played(straight.random_policy(seed=0), SEED, PACE),
        "optimum": film_edit.optimum(scene)[1],
        "agent": cutting_room.played(rlfilm.load(policy.parent), SEED, PACE),
    }
    for name, shots in cuts.items():
        write(HERE / f"editing_{name}.mp4", scene, shots)


def train(path: Path) -> None:
    """Train the agent and store its policy."""
    env = rlfilm.make_vec(TASK, num_envs=SETTINGS["num_envs"])
    learner = rlfilm.learner("ppo", env, seed=0, **SETTINGS)
    rlfilm.train(learner, env, STEPS, progress=False)
    path.parent.mkdir(exist_ok=True)
    save_policy(path, learner.policy())
    result = rlfilm.evaluate(learner.policy(), TASK, episodes=100, seed=1000)
    print(f"{path.name}: return {result.return_mean:.2f}, {path.stat().st_size // 1000} KB")


def write(path: Path, scene: Scene, shots: Sequence[Shot]) -> None:
    """The passage of a cut as an mp4 with sound."""
    first, end = PASSAGE.start * BEAT_FRAMES, PASSAGE.stop * BEAT_FRAMES
    sound = animatic.sound(scene, shots)[first * animatic.SAMPLES : end * animatic.SAMPLES]
    pictures = frames(scene, shots, first, end)
    clip.write(path, pictures, FPS, crf=CRF, sound=np.split(sound, len(PASSAGE)))
    print(f"{path.name}: {path.stat().st_size // 1000} KB", flush=True)


def frames(scene: Scene, shots: Sequence[Shot], first: int, end: int) -> Iterator[np.ndarray]:
    """Pictures [first, end) of the cut, on twos."""
    cut = animatic.timeline(scene, shots).picture()
    for frame in range(first, end):
        number = max(index for index, segment in enumerate(cut) if segment.record <= frame)
        shown = picture(shots[number].angle, frame // 2 * 2)
        since, transition = frame - cut[number].record, cut[number].transition
        if since < transition:
            part = (since + 0.5) / transition
            leaving = picture(shots[number - 1].angle, frame // 2 * 2)
            shown = (leaving + part * (shown.astype(float) - leaving) + 0.5).astype(np.uint8)
        yield shown


@cache
def rushes() -> Scene:
    """The scene."""
    return cutting_room.scene(SEED, PACE)


@cache
def picture(angle: int, frame: int) -> np.ndarray:
    """What an angle of the scene shows."""
    take = coverage.film(rushes(), np.array([frame]), np.array([angle]))
    return preview.render(take, *SIZE)[0]


if __name__ == "__main__":
    main()
