"""Make the stored runs of lesson 09: PPO on Character-v0, with and without the two rules of imitation.

    python course/media/character_runs.py             # about 10 minutes on a core of its own
    python course/media/character_runs.py film        # a part of it: train, judge, rules or film

Writes beside itself: character/policy.safetensors, a trained policy; character_runs.json, how well it acts each
gesture, beside a random, the untrained and the expert policy, and the learning curves of four short runs per seed, with
and without reference-state initialisation and early termination; character.mp4, untrained, trained and reference side
by side, one gesture after the other.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.character import Character
from rlfilm_lib.media import clip
from rlfilm_lib.media.motion import GESTURES
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.learner import Learner
from rlfilm_lib.run import versions
from rlfilm_lib.widgets.motion_player import frames, on_cue, perform, stage, tracking

HERE = Path(__file__).resolve().parent
TARGET = HERE / "character_runs.json"
POLICY = HERE / "character" / "policy.safetensors"
SCENE, BACKEND = "rlfilm/Character-v0", "pytorch"
SETTINGS: dict[str, Any] = {
    "num_envs": 64, "num_steps": 32, "minibatch_size": 256, "epochs": 5, "learning_rate": 1e-3, "anneal": True,
    "gamma": 0.95, "log_std_init": -2.5, "max_grad_norm": 1.0, "hidden_sizes": [64, 64],
    "normalize_observations": False, "normalize_rewards": False,
}  # fmt: skip
LONG, SHORT = 204_800, 40_960
SEEDS = range(2)
EPISODES, EVALUATION_SEED = 16, 1000
VARIANTS = {"both": (True, True), "no reference-state initialisation": (False, True),
            "no early termination": (True, False), "neither": (False, False)}  # fmt: skip


class GoesOn(Character):
    """Without early termination: a take in which the figure has fallen goes on to its end."""

    def _advance(self, actions):
        observations, terms, fallen = super()._advance(actions)
        return observations, np.nan_to_num(terms), fallen & ~np.isfinite(observations).all(axis=1)


def learner_of(seed: int, initialised: bool = True, terminated: bool = True) -> tuple[Learner, Any]:
    start = "anywhere" if initialised else "top"
    env = (
        rlfilm.make_vec(SCENE, SETTINGS["num_envs"], start=start)
        if terminated
        else GoesOn(SETTINGS["num_envs"], start=start)
    )
    return rlfilm.learner("ppo", env, backend=BACKEND, seed=seed, **SETTINGS), env


def table(policy_of) -> dict[str, dict[str, float]]:
    """Per gesture, the means over EPISODES takes; policy_of: an environment's policy."""
    rows = {}
    for gesture in GESTURES:
        env = Character(EPISODES, brief={"gesture": gesture})
        judged = tracking(policy_of(env), env, EVALUATION_SEED)
        rows[gesture] = {name: round(float(values.mean()), 4) for name, values in judged.items()}
    return rows


def long_run() -> dict[str, Any]:
    """Train, and store the policy."""
    learner, env = learner_of(seed=0)
    began = time.perf_counter()
    history = rlfilm.train(learner, env, LONG, progress=False)
    wall = time.perf_counter() - began
    POLICY.parent.mkdir(exist_ok=True)
    save_policy(POLICY, learner.policy())
    parts = np.array_split(np.arange(len(history)), 20)
    curve = {name: [round(float(np.nanmean(history.column(name)[part])), 2) for part in parts]
             for name in ("steps", "return_mean", "episode_length")}  # fmt: skip
    return {"steps": learner.steps, "wall_s": round(wall), "curve": curve}


def judged() -> dict[str, Any]:
    """Per policy and gesture, the terms' means over whole takes."""
    untrained, trained = learner_of(seed=0)[0].policy(), rlfilm.load(POLICY)
    policies = {
        "random": lambda env: env.random_policy(0), "untrained": lambda env: untrained,
        "trained": lambda env: trained, "expert": lambda env: env.expert_policy(),
    }  # fmt: skip
    return {name: table(policy_of) for name, policy_of in policies.items()}


def short_run(name: str, seed: int) -> dict[str, Any]:
    """A learning curve: the imitation reward, over all gestures from the top, of the policy as it is then."""
    learner, env = learner_of(seed, *VARIANTS[name])
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
    untrained, trained = learner_of(seed=0)[0].policy(), on_cue(rlfilm.load(POLICY))
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
    stored = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {}
    stored |= {"command": "python course/media/character_runs.py", "backend": BACKEND, "settings": SETTINGS,
               "episodes": EPISODES, "versions": versions()}  # fmt: skip
    if "train" in parts:
        stored["long"] = long_run()
    if "judge" in parts:
        stored["tracking"] = judged()
    TARGET.write_text(json.dumps(stored, indent=1), "utf-8")
    if "rules" in parts:
        stored["rules"] = [short_run(name, seed) for seed in SEEDS for name in VARIANTS]
        TARGET.write_text(json.dumps(stored, indent=1), "utf-8")
    if "film" in parts:
        film()


if __name__ == "__main__":
    main(sys.argv[1:] or ["train", "judge", "rules", "film"])
