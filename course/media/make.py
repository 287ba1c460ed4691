"""Make what lesson 00 shows before anything has run: two short films, a trained policy and its learning curves.

    python course/media/make.py

Writes beside itself: first_take_untrained.mp4 and first_take_trained.mp4 (the same three scenes, before and after),
first_take/policy.safetensors (the policy in the second film) and first_take/curves.csv (five seeds). About a minute.
"""

from pathlib import Path

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.movie_scene import BRIEFS
from rlfilm_lib.media import clip
from rlfilm_lib.rl.checkpoint import save_policy
from rlfilm_lib.stage import preview

HERE = Path(__file__).resolve().parent
SCENE = "rlfilm/MovieScene-v0"
STEPS = 200_000
GRID = np.arange(2_000, STEPS + 1, 2_000)
SEEDS = range(5)
SIZE = (480, 270)
CRF = 29  # each film stays below 200 KB
SCENE_SEED = 7


def film(policy, name: str) -> None:
    """One take per brief, one after the other."""
    path = HERE / name
    takes = [rlfilm.shoot(policy, SCENE, seed=SCENE_SEED, brief=brief) for brief in BRIEFS]
    clip.write(path, (frame for take in takes for frame in preview.frames(take, *SIZE)), takes[0].fps, crf=CRF)
    print(f"{path.name}: {path.stat().st_size // 1000} KB")


def main() -> None:
    """Train five seeds, keep the curves, film with the first."""
    (HERE / "first_take").mkdir(exist_ok=True)
    curves = []
    for seed in SEEDS:
        env = rlfilm.make_vec(SCENE)
        learner = rlfilm.learner("reinforce", env, backend="pytorch", seed=seed)
        if seed == SEEDS[0]:
            untrained = learner.policy()
        history = rlfilm.train(learner, env, steps=STEPS, progress=False)
        print(f"seed {seed}: return {history[-1]['return_mean']:.1f}")
        curves.append(np.interp(GRID, history.column("steps"), history.column("return_mean")))
        if seed == SEEDS[0]:
            trained = learner.policy()
    table = np.column_stack([GRID / 1000, *curves])
    names = ",".join(["thousand_steps", *(f"return_seed_{seed}" for seed in SEEDS)])
    np.savetxt(HERE / "first_take" / "curves.csv", table, "%.6g", ",", header=names, comments="")
    save_policy(HERE / "first_take" / "policy.safetensors", trained)
    film(lambda observations, deterministic: untrained(observations, deterministic=False), "first_take_untrained.mp4")
    film(trained, "first_take_trained.mp4")
    score = rlfilm.evaluate(trained, SCENE, episodes=64, seed=1).normalised_score
    print(f"normalised score of the stored policy: {np.round(score, 2)}")


if __name__ == "__main__":
    main()
