"""Draw the README's contact sheets: what the stored agents of lessons 07, 08 and 09 do before and after training.

    python course/media/contact_sheets.py               # camera.jpg, light.jpg, character.jpg beside it
    python course/media/contact_sheets.py light

Untrained is PPO's first policy with seed 0, before any step.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs.ensemble import AGENTS, ENVIRONMENTS, OPTIONS
from rlfilm_lib.envs.shooting import play
from rlfilm_lib.media.sheet import contact_sheet
from rlfilm_lib.rl.config import configure
from rlfilm_lib.stage import preview

HERE = Path(__file__).resolve().parent
SCENE_SEED = 3
SHOWN: dict[str, list[tuple[str, Any]]] = {
    "camera": [(brief, brief) for brief in ("walk and talk", "hero", "vertigo")],
    "light": [(mood, mood) for mood in ("noir", "candle-lit", "high-key")],
    "character": [(gesture, {"gesture": gesture, "cue": "look"}) for gesture in ("bow", "wave", "point", "sit")],
}
"""Briefs of the sheets: what they are called, and what the environment takes."""
MOMENT = {"camera": 1.0, "light": 1.0, "character": 0.4}
"""The part of the take at which it is shown."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agents", nargs="*", default=list(ENVIRONMENTS), help=", ".join(ENVIRONMENTS))
    for name in parser.parse_args().agents:
        target = HERE / f"{name}.jpg"
        sheet(name).save(target, quality=82)
        print(f"{target.name}: {target.stat().st_size // 1000} KB")


def sheet(name: str) -> Any:
    """The contact sheet of one agent: where a take starts, and how the untrained and the trained agent go on."""
    env_id, rows = ENVIRONMENTS[name], []
    env = rlfilm.make_vec(env_id, num_envs=configure("ppo", env_id).num_envs)
    policies = (rlfilm.learner("ppo", env, seed=0).policy(), rlfilm.load(HERE / AGENTS[name]))
    for words, brief in SHOWN[name]:
        shots = [play(policy, env_id, SCENE_SEED, OPTIONS[name] | {"brief": brief}) for policy in policies]
        moment = int(MOMENT[name] * len(shots[1].take))
        ends = [still(shot.take, min(moment, len(shot.take) - 1)) for shot in shots]
        captions = [words, *(f"return {shot.rewards.sum():.1f}" for shot in shots)]
        rows.append(list(zip([still(shots[0].take, 0), *ends], captions, strict=True)))
    return contact_sheet(["both takes start here", "untrained", "trained"], rows)


def still(take: Any, frame: int) -> np.ndarray:
    """One frame of a take, (270, 480, 3)."""
    return preview.render(take[frame : frame + 1], 480, 270)[0]


if __name__ == "__main__":
    main()
