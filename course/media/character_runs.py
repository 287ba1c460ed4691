"""Make the stored runs of lesson 09: PPO on Character-v0, and what the two rules of imitation are worth.

    python course/media/character_runs.py             # about 25 minutes on a core of its own
    python course/media/character_runs.py film        # a part of it: train, judge, rules or film

Writes beside itself: character_runs.json, how well each of three seeds in either framework acts the gestures, beside a
random, an untrained and the expert policy, and the learning curves of four short runs per seed, with and without
reference-state initialisation and early termination; character/policy.safetensors, the policy of the first run;
character.mp4, untrained, trained and reference side by side, one gesture after the other. Every run is stored as it
ends, and one that is stored with the same settings is not made again.
"""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.character import Character
from rlfilm_lib.media import clip
from rlfilm_lib.media.motion import GESTURES
from rlfilm_lib.rl.checkpoint import save_policy, write_bytes
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.run import versions
from rlfilm_lib.widgets.motion_player import frames, perform, stage, tracking

HERE = Path(__file__).resolve().parent
TARGET = HERE / "character_runs.json"
POLICY = HERE / "character" / "policy.safetensors"
SCENE, BACKENDS, SEEDS = "rlfilm/Character-v0", ("pytorch", "tensorflow"), range(3)
SETTINGS: dict[str, Any] = to_json(configure("ppo", SCENE))
LONG, SHORT = 307_200, 40_960
EPISODES, EVALUATION_SEED = 16, 1000
VARIANTS = {"both": (True, True), "no reference-state initialisation": (False, True),
            "no early termination": (True, False), "neither": (False, False)}  # fmt: skip


class GoesOn(Character):
    """Without early termination: a take in which the figure has fallen goes on to its end."""

    def _advance(self, actions):
        observations, terms, fallen = super()._advance(actions)
        return observations, np.nan_to_num(terms), fallen & ~np.isfinite(observations).all(axis=1)


def learner_of(
    seed: int, backend: str = BACKENDS[0], initialised: bool = True, terminated: bool = True
) -> tuple[Learner, Any]:
    task = Character if terminated else GoesOn
    env = task(SETTINGS["num_envs"], start="anywhere" if initialised else "top")
    return rlfilm.learner("ppo", env, backend=backend, seed=seed, **SETTINGS), env


def table(policy_of) -> dict[str, dict[str, float]]:
    """Per gesture, the means over EPISODES takes; policy_of: an environment's policy."""
    rows = {}
    for gesture in GESTURES:
        env = Character(EPISODES, brief={"gesture": gesture})
        judged = tracking(policy_of(env), env, EVALUATION_SEED)
        rows[gesture] = {name: round(float(values.mean()), 4) for name, values in judged.items()}
    return rows


def long_run(backend: str, seed: int) -> dict[str, Any]:
    """Train, and judge; the first policy is kept."""
    learner, env = learner_of(seed, backend)
    began = time.perf_counter()
    history = rlfilm.train(learner, env, LONG, progress=False)
    wall = time.perf_counter() - began
    if (backend, seed) == (BACKENDS[0], SEEDS[0]):
        POLICY.parent.mkdir(exist_ok=True)
        save_policy(POLICY, replace(learner.policy(), env_id=SCENE))
    parts = np.array_split(np.arange(len(history)), 20)
    curve = {name: [round(float(np.nanmean(history.column(name)[part])), 2) for part in parts]
             for name in ("steps", "return_mean", "episode_length")}  # fmt: skip
    judged = table(lambda env: learner.policy())
    mean = {name: round(float(np.mean([row[name] for row in judged.values()])), 3) for name in judged[GESTURES[0]]}
    print(f"{backend} {seed}: {mean} after {learner.steps:,} steps in {wall:.0f} s", flush=True)
    return {"backend": backend, "seed": seed, "steps": learner.steps, "wall_s": round(wall), "curve": curve,
            "mean": mean, "tracking": judged}  # fmt: skip


def judged() -> dict[str, Any]:
    """Per policy and gesture, the terms' means over whole takes."""
    untrained, trained = learner_of(SEEDS[0])[0].policy(), rlfilm.load(POLICY)
    policies = {
        "random": lambda env: env.random_policy(0), "untrained": lambda env: untrained,
        "trained": lambda env: trained, "expert": lambda env: env.expert_policy(),
    }  # fmt: skip
    return {name: table(policy_of) for name, policy_of in policies.items()}


def short_run(name: str, seed: int) -> dict[str, Any]:
    """A learning curve: the imitation reward, over all gestures from the top, of the policy as it is then."""
    initialised, terminated = VARIANTS[name]
    learner, env = learner_of(seed, initialised=initialised, terminated=terminated)
    judge = Character(EPISODES, start="top")
    curve: list[tuple[int, float]] = []

    def watch(row: dict[str, float] | None = None) -> None:
        if row is None or learner.iteration % 5 == 0:
            score = tracking(learner.policy(), judge, EVALUATION_SEED)["imitation"].mean()
            curve.append((learner.steps, round(float(score), 4)))

    watch()
    rlfilm.train(learner, env, SHORT, progress=False, on_iteration=watch)
    print(f"{name} {seed}: {curve[-1][1]:.3f}", flush=True)
    return {"name": name, "seed": seed, "curve": curve}


def film() -> None:
    """Untrained, trained and reference side by side."""
    untrained, trained = learner_of(SEEDS[0])[0].policy(), rlfilm.load(POLICY)
    shown = []
    for gesture in GESTURES:
        env = stage({"gesture": gesture, "cue": "sound", "arc": [(0, 0.0, 0.0), (2, 0.8, 0.3), (5, 0.2, -0.2)]})
        before, after = perform(untrained, env, seed=3), perform(trained, env, seed=3)
        columns = [frames(before), frames(after), frames(after, reference=True)]
        length = max(map(len, columns))
        held = [np.concatenate([c, np.repeat(c[-1:], length - len(c), axis=0)]) for c in columns]
        shown.append(np.concatenate(held, axis=2))
    path = clip.write(HERE / "character.mp4", np.concatenate(shown), 12, crf=30)
    print(f"{path.name}: {path.stat().st_size // 1000} KB")


def main(parts: list[str]) -> None:
    described = {"command": "python course/media/character_runs.py", "env": SCENE, "settings": SETTINGS, "steps": LONG,
                 "episodes": EPISODES}  # fmt: skip
    stored = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {}
    if any(stored.get(name) != value for name, value in described.items()):
        stored = described | {"runs": [], "rules": []}
    stored["versions"] = versions()

    def keep(name: str, row: dict[str, Any]) -> None:
        stored[name].append(row)
        write_bytes(TARGET, json.dumps(stored, indent=1).encode())

    if "train" in parts:
        made = [(run["backend"], run["seed"]) for run in stored["runs"]]
        for backend in BACKENDS:
            for seed in SEEDS:
                if (backend, seed) not in made:
                    keep("runs", long_run(backend, seed))
    if "judge" in parts:
        stored["tracking"] = judged()
    if "rules" in parts:
        made = [(run["name"], run["seed"]) for run in stored["rules"]]
        for seed in SEEDS:
            for name in VARIANTS:
                if (name, seed) not in made:
                    keep("rules", short_run(name, seed))
    write_bytes(TARGET, json.dumps(stored, indent=1).encode())
    if "film" in parts:
        film()


if __name__ == "__main__":
    main(sys.argv[1:] or ["train", "judge", "rules", "film"])
