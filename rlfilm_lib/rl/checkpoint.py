"""Files of a run, written whole or not at all: weights as safetensors, settings as JSON, progress as CSV."""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import gymnasium as gym
import numpy as np

from rlfilm_lib.errors import UserError
from rlfilm_lib.rl.policy import Policy, initialize, observation_size

FORMAT = "rlfilm/1"
A_RUN = "give the folder of a run, as `rlfilm train --out` made it"


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file under a temporary name and rename it: readers see the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}; choose another folder or free some space") from None


def make_folder(path: Path) -> None:
    """Create an output folder, and make sure that files can be written to it, before any work is done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to folder {path}: {error.strerror}; choose another with --out") from None


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """One JSON object, readable by people."""
    write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> None:
    """A table with a header; absent and None values are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, object]) -> None:
    """Named arrays and a JSON-able description, in one safetensors file."""
    from safetensors.numpy import save

    contiguous = {name: np.array(array, order="C") for name, array in tensors.items()}
    write_bytes(path, save(contiguous, {"format": FORMAT, **{key: json.dumps(metadata[key]) for key in metadata}}))


def read_tensors(path: Path, kind: str, remedy: str = A_RUN) -> tuple[dict[str, np.ndarray], dict]:
    """What `write_tensors` wrote. UserError where the file is missing, truncated, or none of ours."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UserError(f"no {kind} at {path}: {remedy}")
    try:
        with safe_open(path, framework="numpy") as file:
            described = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        if described.pop("format", None) == FORMAT:
            return tensors, {key: json.loads(value) for key, value in described.items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}; the file is damaged, train again or restore a copy") from None
    raise UserError(f"{path} is not a {kind} of rlfilm: {remedy}")


def save_policy(path: Path, policy: Policy) -> None:
    """`policy.safetensors`: float32 actor and critic, frozen observation statistics, spaces, environment."""
    tensors = {name: array.astype(np.float32) for name, array in policy.weights.items()}
    if policy.obs_mean is not None and policy.obs_var is not None:
        tensors |= {"obs_mean": policy.obs_mean, "obs_var": policy.obs_var}
    write_tensors(
        path,
        tensors,
        {
            "observation_space": _space_to_json(policy.observation_space),
            "action_space": _space_to_json(policy.action_space),
            "env_id": policy.env_id,
            "env_kwargs": policy.env_kwargs,
            "squash": policy.squash,
        },
    )


def load_policy(path: str | Path) -> Policy:
    """The policy of a run's folder, or of a policy file, played with NumPy alone.

    UserError where the file is missing or damaged, is none of ours, or its parts do not fit together.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "policy.safetensors"
    tensors, described = read_tensors(path, "policy")
    try:
        policy = Policy(
            obs_mean=tensors.pop("obs_mean", None),
            obs_var=tensors.pop("obs_var", None),
            weights=tensors,
            observation_space=_space_from_json(described["observation_space"]),
            action_space=_space_from_json(described["action_space"]),
            env_id=described["env_id"],
            env_kwargs=dict(described["env_kwargs"]),
            squash=described.get("squash", False),  # files of version 0.1.0 do not say
        )
        expected = _shapes_like(policy)
    except KeyError as error:
        raise UserError(f"{path} is not a policy of rlfilm: it has no {error}; give policy.safetensors") from None
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is not a policy of rlfilm: {error}; give policy.safetensors") from None
    found = {"obs_mean": policy.obs_mean, "obs_var": policy.obs_var, **policy.weights}
    if {name: np.shape(array) for name, array in found.items() if array is not None} != expected:
        raise UserError(f"the weights in {path} do not fit its spaces: the file is damaged, restore a copy")
    if not all(np.isfinite(array).all() for array in policy.weights.values()):
        raise UserError(f"the weights in {path} are not finite: train again with a lower learning_rate")
    return policy


def _shapes_like(policy: Policy) -> dict[str, tuple[int, ...]]:
    """Shapes of all arrays a policy of these spaces and hidden layers has, with statistics if this one has any."""
    layers = sum(name.startswith("actor/") and name.endswith("/bias") for name in policy.weights)
    hidden_sizes = tuple(len(policy.weights[f"actor/{layer}/bias"]) for layer in range(layers - 1))
    fresh = initialize(np.random.default_rng(0), policy.observation_space, policy.action_space, hidden_sizes)
    shapes = {name: array.shape for name, array in fresh.items()}
    if policy.obs_mean is not None:
        shapes |= dict.fromkeys(("obs_mean", "obs_var"), (observation_size(policy.observation_space),))
    return shapes


def _space_to_json(space: gym.Space) -> dict:
    if isinstance(space, gym.spaces.Discrete):
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start)}
    low, high = ([repr(float(bound)) for bound in bounds] for bounds in (space.low, space.high))  # type: ignore[attr-defined]
    return {"type": "Box", "low": low, "high": high, "dtype": str(space.dtype)}


def _space_from_json(described: dict) -> gym.Space:
    if described["type"] == "Discrete":
        return gym.spaces.Discrete(described["n"], start=described["start"])
    dtype = np.dtype(described["dtype"])
    low, high = (np.array([float(bound) for bound in described[key]]).astype(dtype) for key in ("low", "high"))
    return gym.spaces.Box(low, high, dtype=dtype.type)
