"""Train the three agents of the film's scene, measure them, and show what they do before and after.

    python course/media/agents.py                                       # 3 seeds in each framework, some hours
    python course/media/agents.py light --seeds 1 --backends tensorflow

For each agent it writes beside itself agents/NAME/policy.safetensors (the first seed of the first backend), its contact
sheet agents/NAME.jpg, and agents/NAME.json: scores beside random, untrained and expert, and seconds of training.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.batch import BatchEnv
from rlfilm_lib.envs.ensemble import ENVIRONMENTS
from rlfilm_lib.envs.shooting import play
from rlfilm_lib.media.sheet import contact_sheet
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.run import versions
from rlfilm_lib.stage import preview

HERE = Path(__file__).resolve().parent / "agents"
STEPS, EPISODES, EVALUATION_SEED, SCENE_SEED = 1_000_000, 128, 1000, 7
SHOWN: dict[str, list[tuple[str, Any]]] = {
    "camera": [("walk and talk", "walk and talk"), ("hero", "hero"), ("vertigo", "vertigo")],
    "light": [("noir", "noir"), ("candle-lit", "candle-lit"), ("high-key", "high-key")],
    "character": [
        (gesture, {"gesture": gesture, "cue": "look"}) for gesture in ("bow", "wave", "point", "walk", "sit")
    ],
}
"""Briefs of the contact sheets: what they are called, and what the environment takes."""
MOMENT = {"camera": 1.0, "light": 1.0, "character": 0.5}
"""The part of the take at which it is shown."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agents", nargs="*", default=list(ENVIRONMENTS), help=", ".join(ENVIRONMENTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--backends", nargs="+", default=rlfilm.backends())
    parser.add_argument("--steps", type=int, default=STEPS)
    asked = parser.parse_args()
    for name in asked.agents:
        make(name, asked.seeds, asked.backends, asked.steps)


def make(name: str, seeds: int, backends: list[str], steps: int) -> None:
    """Train one agent, and write its files."""
    env_id = ENVIRONMENTS[name]
    config = configure("ppo", env_id)
    env = rlfilm.make_vec(env_id, num_envs=config.num_envs)
    assert isinstance(env, BatchEnv)
    policies = {"random": env.random_policy(0), "expert": env.expert_policy()}
    runs = []
    for backend in backends:
        for seed in range(seeds):
            learner = rlfilm.learner("ppo", env, backend=backend, seed=seed)
            policies.setdefault("untrained", learner.policy())
            history = rlfilm.train(learner, env, steps)
            policies.setdefault("trained", learner.policy())
            seconds = history[-1]["wall_s"]
            runs.append({"backend": backend, "seed": seed, "score": score(learner.policy(), env_id), "wall_s": seconds})
            print(name, runs[-1], flush=True)
    scores = {other: score(policies[other], env_id) for other in ("random", "untrained", "expert")}
    print(name, scores, flush=True)
    HERE.mkdir(exist_ok=True)
    (HERE / name).mkdir(exist_ok=True)
    save_policy(HERE / name / "policy.safetensors", policies["trained"])
    described = {
        "command": f"python course/media/agents.py {name} --seeds {seeds} --backends {' '.join(backends)}"
        + (f" --steps {steps}" if steps != STEPS else ""),
        "env": env_id,
        "steps": steps,
        "settings": to_json(config),
        "versions": versions(),
        "evaluation_episodes": EPISODES,
        "scores": scores,
        "runs": runs,
    }
    (HERE / f"{name}.json").write_text(json.dumps(described, indent=1) + "\n", "utf-8")
    picture(name, policies).save(HERE / f"{name}.jpg", quality=80)


def score(policy: Any, env_id: str) -> float:
    """Normalised score of the deterministic policy, on the same episodes every time."""
    return round(rlfilm.evaluate(policy, env_id, episodes=EPISODES, seed=EVALUATION_SEED).normalised_score, 4)


def picture(name: str, policies: dict[str, Any]) -> Any:
    """The contact sheet: where a take starts, and how the untrained and the trained agent go on."""
    env_id, rows = ENVIRONMENTS[name], []
    for words, brief in SHOWN[name]:
        shots = [play(policies[agent], env_id, SCENE_SEED, {"brief": brief}) for agent in ("untrained", "trained")]
        moments = [min(int(MOMENT[name] * len(shots[1].take)), len(shot.take) - 1) for shot in shots]
        frames = [still(shots[0].take, 0), *(still(shot.take, at) for shot, at in zip(shots, moments, strict=True))]
        captions = [words, *(f"mean reward {np.mean(shot.rewards):.2f}" for shot in shots)]
        rows.append(list(zip(frames, captions, strict=True)))
    return contact_sheet(["both takes start here", "untrained", "trained"], rows)


def still(take: Any, frame: int) -> np.ndarray:
    """One frame of a take, (270, 480, 3)."""
    return preview.render(take[frame : frame + 1], 480, 270)[0]


if __name__ == "__main__":
    main()
