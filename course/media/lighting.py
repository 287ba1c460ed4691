"""Make the stored run of lesson 08: PPO on Lighting-v0, all 21 controls, three seeds in either framework.

    python course/media/lighting.py    # writes lighting.json beside it and lighting/policy.safetensors, in 8 minutes

Returns are those of the final policy, deterministic, over 100 episodes of drawn briefs; and over 20 of each mood of
BRIEFS. The stored policy is that of the first run.
"""

import json
import time
from pathlib import Path

from ppo_ablations import curve

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.lighting import BRIEFS, Lighting
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.run import versions

SET, STEPS, SEEDS, EPISODES, EVALUATION_SEED = "rlfilm/Lighting-v0", 300_000, range(3), 100, 1000
BACKENDS = ("pytorch", "tensorflow")
TARGET = Path(__file__).with_suffix(".json")


def main() -> None:
    runs, untrained = [], []
    for backend in BACKENDS:
        for seed in SEEDS:
            env = rlfilm.make_vec(SET, num_envs=configure("ppo", SET).num_envs)
            learner = rlfilm.learner("ppo", env, backend=backend, seed=seed)
            untrained.append(earned(learner.policy()))
            began = time.perf_counter()
            history = rlfilm.train(learner, env, STEPS, progress=False)
            took = time.perf_counter() - began
            runs.append({"name": backend, "seed": seed, "return": earned(learner.policy()), **curve(history)})
            print(f"{backend} {seed}: {untrained[-1]} to {runs[-1]['return']} in {took:.0f} s", flush=True)
            if len(runs) == 1:
                TARGET.with_suffix("").mkdir(exist_ok=True)
                save_policy(TARGET.with_suffix("") / "policy.safetensors", learner.policy())
                moods = {mood: returns(learner.policy(), mood) for mood in BRIEFS}
    described = {
        "command": f"python course/media/{Path(__file__).name}",
        "env": SET,
        "versions": versions(),
        "evaluation_episodes": EPISODES,
        "settings": to_json(configure("ppo", SET)),
        "untrained_return": untrained,
        "moods": moods,
    }
    lines = ",\n".join(json.dumps(run) for run in runs)
    TARGET.write_text(f'{json.dumps(described)[:-1]},\n"runs": [\n{lines}\n]}}\n', "utf-8")


def earned(policy, episodes: int = EPISODES, **task: str) -> float:
    """Mean return of a policy, on the same episodes every time."""
    return round(rlfilm.evaluate(policy, SET, episodes=episodes, seed=EVALUATION_SEED, **task).return_mean, 2)


def returns(policy, mood: str) -> dict[str, float]:
    """Mean returns under one mood: of the policy, and of its yardsticks."""
    env = Lighting(1, brief=mood)
    players = {"random": env.random_policy(seed=0), "trained": policy, "expert": env.expert_policy()}
    return {name: earned(player, 20, brief=mood) for name, player in players.items()}


if __name__ == "__main__":
    main()
