"""Make the stored runs of lesson 14: every algorithm in both frameworks on FilmEdit-v0, against the exact optimum.

    python course/media/film_edit.py                      # three seeds each
    python course/media/film_edit.py --only ppo pytorch   # some of them: the others are kept
    python course/media/film_edit.py --films              # only the clips, from the stored policies

Writes beside itself film_edit.json; film_edit/policy.safetensors and film_edit/untrained.safetensors, PPO's first seed
after and before; and film_edit_untrained.mp4, film_edit_trained.mp4 and film_edit_optimum.mp4, one scene cut by each.

Regret = (optimum - return) / (optimum - random), on average over scenes that were not trained on: the final policy,
deterministic, on 20 seeds and on 500; `best` and `random` are measured on the same scenes.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from ppo_ablations import curve

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import animatic, film_edit, yardsticks
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.run import versions

SCENE, SEEDS = "rlfilm/FilmEdit-v0", range(3)
STEPS = {"ppo": 1_500_000, "actor-critic": 2_000_000, "reinforce": 2_000_000}
BACKENDS = ("pytorch", "tensorflow")
HELD_OUT = {"20 seeds": (20, 1_000), "500 seeds": (500, 10_000)}
"""How many scenes, and the seed of the first; trainings draw theirs from 2^30 others."""
TARGET = Path(__file__).with_suffix(".json")
FOLDER = TARGET.with_suffix("")
FILMED, SIZE, CRF = 1_004, (320, 180), 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs=2, metavar=("ALGORITHM", "BACKEND"))
    parser.add_argument("--films", action="store_true")
    arguments = parser.parse_args()
    if not arguments.films:
        FOLDER.mkdir(exist_ok=True)
        chosen = [(a, b) for a in STEPS for b in BACKENDS if arguments.only in (None, [a, b])]
        kept = json.loads(TARGET.read_text("utf-8"))["runs"] if arguments.only and TARGET.exists() else []
        kept = [run for run in kept if (run["algorithm"], run["backend"]) not in chosen]
        store(kept + [train(*one, seed) for one in chosen for seed in SEEDS])
    if arguments.films or (FOLDER / "policy.safetensors").exists():
        films()


def store(runs: list[dict[str, Any]]) -> None:
    described = {
        "command": f"python course/media/{Path(__file__).name}",
        "env": SCENE,
        "versions": versions(),
        "settings": {algorithm: to_json(configure(algorithm, SCENE)) for algorithm in STEPS},
        "steps": STEPS,
    }
    lines = ",\n".join(json.dumps(run) for run in runs)
    TARGET.write_text(f'{json.dumps(described)[:-1]},\n"runs": [\n{lines}\n]}}\n', "utf-8")


def train(algorithm: str, backend: str, seed: int) -> dict[str, Any]:
    """One training, as the lesson reads it."""
    env = rlfilm.make_vec(SCENE, num_envs=configure(algorithm, SCENE).num_envs)
    learner = rlfilm.learner(algorithm, env, backend=backend, seed=seed)
    kept = (algorithm, backend, seed) == ("ppo", BACKENDS[0], SEEDS[0])
    if kept:
        save_policy(FOLDER / "untrained.safetensors", learner.policy())
    began = time.process_time()
    history = rlfilm.train(learner, env, STEPS[algorithm], progress=False)
    cpu_s = round(time.process_time() - began)
    if kept:
        save_policy(FOLDER / "policy.safetensors", learner.policy())
    found = {name: regret(learner.policy(), *scenes) for name, scenes in HELD_OUT.items()}
    print(f"{algorithm}, {backend} {seed}: regret {found} after {learner.steps:,} steps, {cpu_s} s of CPU", flush=True)
    described = {"algorithm": algorithm, "backend": backend, "seed": seed, "cpu_s": cpu_s, "regret": found}
    return described | curve(history, 30)


def regret(policy, scenes: int, seed: int) -> float:
    """Of the span between random and optimum, per scene, what the policy leaves."""
    env = film_edit.FilmEdit(scenes)
    env.reset(seed=seed)
    best = film_edit.solve(env.rushes()).score
    random, earned = (yardsticks.episode_returns(env, one, seed) for one in (env.random_policy(seed), policy))
    return round(float(np.mean((best - earned) / (best - random))), 4)


def films() -> None:
    """One scene cut by the untrained policy, by the trained one, and in the best way."""
    env = film_edit.FilmEdit(1, pace="medium")
    env.reset(seed=FILMED)
    scene = env.rushes()
    cuts = {"optimum": film_edit.optimum(scene)[1]}
    for name, file, sampled in (("untrained", "untrained", True), ("trained", "policy", False)):
        policy = rlfilm.load(FOLDER / f"{file}.safetensors").seeded(0)
        observations, _ = env.reset(seed=FILMED)
        taken = []
        for _ in range(film_edit.BEATS):
            taken.append(policy(observations, deterministic=not sampled))
            observations = env.advance(taken[-1])[0]
        cuts[name] = film_edit.shots(np.concatenate(taken))
    for name, cut in cuts.items():
        path = animatic.write(TARGET.with_name(f"film_edit_{name}.mp4"), scene, cut, *SIZE, crf=CRF)
        print(f"{path.name}: {path.stat().st_size // 1000} KB, {len(cut)} shots")


if __name__ == "__main__":
    main()
