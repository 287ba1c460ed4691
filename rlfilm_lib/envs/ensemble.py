"""Three agents, one shot: an operator, a gaffer and an actor, each from an environment of its own, on one stage.

Each plays an episode where it was trained: the camera in CameraMove, the lights and the grade in Lighting, the body in
Character. Then the three takes become one. The actor stands where the operator's subject stood and looks where it
looked; the lights stand about it as the gaffer set them, seen from the camera.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlfilm_lib.envs.shooting import Shot, play
from rlfilm_lib.errors import UserError
from rlfilm_lib.stage import figure
from rlfilm_lib.stage.take import Take

ENVIRONMENTS = {
    "camera": "rlfilm/CameraMove-v0",
    "light": "rlfilm/Lighting-v0",
    "character": "rlfilm/Character-v0",
}
"""Who works in which environment."""

OPTIONS: dict[str, dict[str, Any]] = {"camera": {}, "light": {}, "character": {"start": "top"}}
"""Of the reset: the actor starts before the cue, not in the middle of the gesture."""

AGENTS = {"camera": "camera_move", "light": "lighting", "character": "character"}
"""Folders of the trained agents that lie in course/media/ of a clone."""


def shoot_together(
    policies: Mapping[str, Any], seed: int = 0, briefs: Mapping[str, Any] | None = None
) -> tuple[Take, dict[str, Shot]]:
    """One episode of each agent, and the take that they make together.

    policies: by the names of ENVIRONMENTS, as `rlfilm.load` gives them; briefs: of some or all of them, the others are
    drawn. Returns the take and each agent's own shot. UserError where an agent is missing.
    """
    for name in ENVIRONMENTS:
        if name not in policies:
            raise UserError(f"no policy for the {name}: give one for each of {', '.join(ENVIRONMENTS)}")
    asked = {name: {"brief": brief} for name, brief in (briefs or {}).items()}
    shots = {
        name: play(policies[name], env_id, seed, OPTIONS[name] | asked.get(name, {}))
        for name, env_id in ENVIRONMENTS.items()
    }
    return together(*(shots[name].take for name in ENVIRONMENTS)), shots


def together(camera: Take, light: Take, character: Take) -> Take:
    """The camera of one take, the lights and the grade of the end of another, the figure of a third; F the shortest.

    All else that stands on the camera's set stays, and the lamp of the lights' comes along.
    """
    frames = min(len(camera), len(character))
    camera, character = camera[:frames], character[:frames]
    here, facing = _stance(camera, frames // 2)
    there, faced = _stance(character, 0)
    act = _Move(there, here, facing - faced)
    lit, _ = _stance(light, 0)
    hang = _Move(lit, here, _bearing(camera, here) - _bearing(light, lit))

    lamps = hang(light.light_position[-1])
    lamps[:, 1] = np.minimum(lamps[:, 1], camera.backdrop)  # the back light hangs over the backdrop's edge
    set_pieces, lamp = _others(camera), _others(light)

    def still(array: NDArray) -> NDArray:
        return np.broadcast_to(array, (frames, *array.shape))

    def joined(field: str, move: bool = False) -> NDArray:
        acting, standing, hanging = getattr(character, field), getattr(camera, field), getattr(light, field)
        if not move:
            return np.concatenate([acting, standing[set_pieces], hanging[lamp]])
        return np.concatenate(
            [act(acting), standing[:, set_pieces], still(hang(hanging[-1, lamp]))],
            axis=1,
        )

    return replace(
        camera,
        exposure=camera.exposure + light.exposure[-1],
        white_balance=light.white_balance,
        light_position=still(lamps),
        light_stops=still(light.light_stops[-1]),
        light_kelvin=still(light.light_kelvin[-1]),
        light_name=light.light_name,
        grade=still(light.grade[-1]),
        capsule_start=joined("capsule_start", move=True),
        capsule_end=joined("capsule_end", move=True),
        capsule_radius=joined("capsule_radius"),
        capsule_albedo=joined("capsule_albedo"),
        capsule_name=(
            *character.capsule_name,
            *(camera.capsule_name[k] for k in set_pieces),
            *(light.capsule_name[k] for k in lamp),
        ),
    )


class _Move:
    """Turn about the vertical through one point of the floor, then carry that point to another."""

    def __init__(self, origin: NDArray, goal: NDArray, angle: float) -> None:
        cosine, sine = np.cos(angle), np.sin(angle)
        self.origin, self.goal = np.append(origin, 0), np.append(goal, 0)
        self.rotation = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])

    def __call__(self, points: NDArray) -> NDArray:
        """Points (..., 3), moved."""
        return (points - self.origin) @ self.rotation.T + self.goal


def _stance(take: Take, frame: int) -> tuple[NDArray, float]:
    """Where on the floor (2,) the figure's hips are, and the angle (rad) of its left side from the x axis."""
    hips = take.capsule_name.index("hips")
    right, left = take.capsule_start[frame, hips], take.capsule_end[frame, hips]
    across = left - right
    return (left + right)[:2] / 2, float(np.arctan2(across[1], across[0]))


def _bearing(take: Take, place: NDArray) -> float:
    """The angle (rad), from the x axis, at which a place of the floor sees the camera at first."""
    away = take.camera_position[0, :2] - place
    return float(np.arctan2(away[1], away[0]))


def _others(take: Take) -> list[int]:
    """Numbers of the capsules that are no part of the figure."""
    return [number for number, name in enumerate(take.capsule_name) if name not in figure.NAMES]
