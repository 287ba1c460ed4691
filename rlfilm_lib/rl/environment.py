"""Making vector environments, ours and Gymnasium's, that end and restart their episodes in one way."""

from typing import Any

import gymnasium as gym

from rlfilm_lib.errors import UserError, unknown

SAME_STEP = gym.vector.AutoresetMode.SAME_STEP


def make_vec(env_id: str, num_envs: int = 16, **env_kwargs: Any) -> gym.vector.VectorEnv:
    """`num_envs` copies of any registered environment, stepped side by side, with SAME_STEP autoreset.

    Our own ids come as their batched implementation, others as a `SyncVectorEnv` of single ones.
    UserError where the id is unknown, or the environment refuses `env_kwargs`.
    """
    if num_envs < 1:
        raise UserError(f"num_envs={num_envs} is out of range: give 1 or more")
    if env_id not in gym.registry:
        raise unknown("environment", env_id, sorted(gym.registry, key=lambda name: not name.startswith("rlfilm/")))
    spec = gym.spec(env_id)
    try:
        if spec.namespace == "rlfilm":
            return gym.make_vec(env_id, num_envs=num_envs, vectorization_mode="vector_entry_point", **env_kwargs)
        return gym.vector.SyncVectorEnv([lambda: gym.make(env_id, **env_kwargs)] * num_envs, autoreset_mode=SAME_STEP)
    except gym.error.DependencyNotInstalled as error:
        raise UserError(f"environment '{env_id}' needs a package that is not installed: {error}") from None
    except (TypeError, gym.error.Error) as error:
        raise UserError(f"environment '{env_id}' cannot be made with {env_kwargs}: {error}") from None


def identity(env: gym.vector.VectorEnv) -> tuple[str | None, dict[str, Any]]:
    """The id of a vector environment and the keywords it was made with."""
    if isinstance(env, gym.vector.SyncVectorEnv):
        spec = env.envs[0].spec
        ours: dict[str, Any] = {}
    else:
        spec = env.spec
        ours = {"num_envs": None, "vectorization_mode": None, "vector_kwargs": None}
    if spec is None:
        return None, {}
    return spec.id, {key: value for key, value in spec.kwargs.items() if key not in ours}


def yardsticks(env: gym.vector.VectorEnv) -> dict[str, float] | None:
    """What `random` and `expert` earn in this environment, or None where it has no yardsticks."""
    stored = env.metadata.get("yardsticks")
    return stored[env.controls] if stored else None  # type: ignore[attr-defined]
