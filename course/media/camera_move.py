"""Make the stored runs of lesson 07: PPO on CameraMove-v0, all eight controls, rewarded in full and for focus alone.

    python course/media/camera_move.py            # three seeds each, in about 10 minutes
    python course/media/camera_move.py --films    # only the two films, from the stored policies

Writes beside itself camera_move.json; camera_move/policy.safetensors and camera_move/focus_alone.safetensors, the first
seed of each; and camera_move_untrained.mp4 and camera_move_trained.mp4, the same two briefs before and after. Returns
are those of the whole reward: the final policy, deterministic, over 100 takes of drawn briefs.
"""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ppo_ablations import curve

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.camera_move import CameraMove
from rlfilm_lib.media import clip
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.run import versions
from rlfilm_lib.stage import preview

SCENE, SEEDS, EPISODES, EVALUATION_SEED = "rlfilm/CameraMove-v0", range(3), 100, 1000
SETTINGS: dict[str, Any] = to_json(configure("ppo", SCENE))
TARGET = Path(__file__).with_suffix(".json")
FOLDER = TARGET.with_suffix("")
FILMED, FILM_SEED, SIZE, CRF = ("realisation", "walk and talk"), 5, (320, 180), 28


class FocusAlone(CameraMove):
    """Sharp eyes are all that counts."""

    weights = dict.fromkeys(CameraMove.weights, 0.0) | {"focus": 1.0}


TASKS = {"everything": CameraMove, "focus alone": FocusAlone}
RUNS = (
    ("everything", "tensorflow", 300_000),
    ("everything", "pytorch", 300_000),
    ("focus alone", "tensorflow", 100_000),
)
"""What is rewarded, the framework, and for how many steps it is trained."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    runs = [train(name, backend, seed, steps) for name, backend, steps in RUNS for seed in SEEDS]
    env = CameraMove(1)
    described = {
        "command": f"python course/media/{Path(__file__).name}",
        "env": SCENE,
        "versions": versions(),
        "evaluation_episodes": EPISODES,
        "settings": SETTINGS,
        "random": earned(env.random_policy(seed=0)),
        "expert": earned(env.expert_policy()),
    }
    lines = ",\n".join(json.dumps(run) for run in runs)
    TARGET.write_text(f'{json.dumps(described)[:-1]},\n"runs": [\n{lines}\n]}}\n', "utf-8")
    films()


def train(name: str, backend: str, seed: int, steps: int) -> dict[str, object]:
    """One training, as the lesson reads it. The first of each name is kept, and what it began as."""
    env = TASKS[name](SETTINGS["num_envs"])
    learner = rlfilm.learner("ppo", env, backend=backend, seed=seed, **SETTINGS)
    first = (backend, seed) == ("tensorflow", SEEDS[0])
    if first and name == "everything":
        save_policy(FOLDER / "untrained.safetensors", replace(learner.policy(), env_id=SCENE))
    untrained, began = earned(learner.policy()), time.perf_counter()
    history = rlfilm.train(learner, env, steps, progress=False)
    seconds = round(time.perf_counter() - began)
    if first:
        file = FOLDER / f"{'policy' if name == 'everything' else 'focus_alone'}.safetensors"
        save_policy(file, replace(learner.policy(), env_id=SCENE))
    trained = earned(learner.policy())
    print(
        f"{name}, {backend} {seed}: {untrained:.1f} to {trained:.1f} after {steps:,} steps in {seconds} s", flush=True
    )
    described = {"name": name, "backend": backend, "seed": seed, "seconds": seconds, "untrained": untrained}
    return described | {"return": trained} | curve(history, 30)


def earned(policy) -> float:
    """Mean return of the whole reward, on the same takes every time."""
    return round(rlfilm.evaluate(policy, SCENE, episodes=EPISODES, seed=EVALUATION_SEED).return_mean, 2)


def films() -> None:
    """The same briefs and takes, before and after."""
    untrained = rlfilm.load(FOLDER / "untrained.safetensors")
    rolls_dice = lambda observations, deterministic: untrained(observations, deterministic=False)  # noqa: E731
    for name, policy in (("untrained", rolls_dice), ("trained", rlfilm.load(FOLDER / "policy.safetensors"))):
        path = TARGET.with_name(f"camera_move_{name}.mp4")
        takes = [rlfilm.shoot(policy, SCENE, seed=FILM_SEED, options={"brief": brief}) for brief in FILMED]
        clip.write(path, (frame for take in takes for frame in preview.frames(take, *SIZE)), takes[0].fps, crf=CRF)
        print(f"{path.name}: {path.stat().st_size // 1000} KB, {np.sum([len(take) for take in takes])} frames")


if __name__ == "__main__":
    films() if sys.argv[1:] == ["--films"] else main()
