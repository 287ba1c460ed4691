"""A whole training run in a folder: settings, progress, checkpoints, resume. What `rlfilm train` does."""

import contextlib
import csv
import io
import json
import platform
import shlex
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.errors import UserError
from rlfilm_lib.rl import checkpoint
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.rl.rollout import Collector
from rlfilm_lib.rl.statistics import bootstrap_interval, interquartile_mean
from rlfilm_lib.rl.train import COLUMNS, History


def run(
    env_id: str,
    algorithm: str,
    steps: int,
    out: str | Path,
    backend: str | None = None,
    seed: int | None = None,
    device: str = "auto",
    settings: Mapping[str, object] | None = None,
    num_envs: int | None = None,
    resume: bool = False,
    force: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """A whole training run in a folder: what `rlfilm train` does. Returns its summary.

    An existing run is refused without `resume` or `force`. On `resume` the settings and the seed are those of the run;
    only steps, backend and device may differ. However the run was stopped, it goes on from its last checkpoint. Whether
    it then ends as if it had not been stopped, bit for bit on the same machine and framework, config.json says under
    "resumes", and stderr: "exactly", or "with fresh episodes" where the environment cannot go back into an episode.
    """
    if steps < 1:
        raise UserError(f"steps={steps} is out of range: give 1 or more")
    out = Path(out)
    asked = dict(settings or {}) | ({} if num_envs is None else {"num_envs": num_envs})
    if resume:
        stored = read_config(out)
        seed = stored["seed"] if seed is None else seed
        backend = backend or stored["backend"]
        _require_same({"env": env_id, "algorithm": algorithm, "seed": seed}, stored, out)
        config = configure(algorithm, env_id, **{**stored["settings"], **asked})
        _require_same(to_json(config), stored["settings"], out)
    elif (out / "config.json").exists() and not force:
        raise UserError(f"{out} already holds a run: continue it with --resume, or replace it with --force")
    else:
        config = configure(algorithm, env_id, **asked)
        seed = 0 if seed is None else seed
    env = rlfilm.make_vec(env_id, num_envs=config.num_envs)
    try:
        learner = rlfilm.learner(algorithm, env, backend=backend, seed=seed, device=device, **to_json(config))
        exact = Collector(env, seed, learner.config.num_steps).exact  # type: ignore[attr-defined]
        resumes = "exactly" if exact else "with fresh episodes"
        checkpoint.make_folder(out)
        history = History()
        if not resume:
            for name in ("config.json", "learner.safetensors", "policy.safetensors", "progress.csv"):
                (out / name).unlink(missing_ok=True)  # the first one first: without it the others are no run
        elif any((out / name).exists() for name in ("learner.safetensors", "policy.safetensors")):
            learner.restore(out)
            history = read_progress(out / "progress.csv", learner.iteration)
        if resume and progress:
            rounding = "" if learner.backend == stored["backend"] else f" but for {learner.backend}'s rounding"
            because = rounding if exact else f": {env_id} cannot go back into the middle of one"
            print(f"going on from step {learner.steps:,} {resumes}{because}", file=sys.stderr)
        described = {
            "env": env_id,
            "algorithm": algorithm,
            "backend": learner.backend,
            "seed": seed,
            "steps": steps,
            "device": device,
            "settings": to_json(config),
            "resumes": resumes,
            "command": shlex.join(["rlfilm", *sys.argv[1:]]),
            "versions": versions(),
        }
        checkpoint.write_json(out / "config.json", described)
        steps_before, began = learner.steps, time.perf_counter()
        try:
            rlfilm.train(learner, env, steps, out, progress, history)
        finally:
            wall_s = history[-1]["wall_s"] if history else 0.0
            checkpoint.write_json(out / "config.json", {**described, "steps_done": learner.steps, "wall_s": wall_s})
        rate = (learner.steps - steps_before) / (time.perf_counter() - began)
    finally:
        env.close()
    return {"steps": learner.steps, "wall_s": wall_s, "steps_per_s": round(rate, 1), "out": str(out)}


def _require_same(now: Mapping[str, object], then: Mapping[str, object], out: Path) -> None:
    for name, value in now.items():
        if value != then.get(name):
            raise UserError(f"{name} {value} is not the {then.get(name)} of the run in {out}: leave it as it was")


def run_seeds(
    env_id: str,
    algorithm: str,
    steps: int,
    out: str | Path,
    seeds: int,
    seed: int = 0,
    resume: bool = False,
    **asked: Any,
) -> dict[str, Any]:
    """`seeds` runs that differ in the seed alone: `run` in out/seed-S for S = seed, seed + 1, … Returns their summary.

    `asked` is what else `run` takes. On `resume` each run goes on from where it is; a finished one has nothing to do.
    scores.json holds the summary, with the scores (see `score_seeds`), and scores.png shows them.
    UserError where `out` holds other runs.
    """
    from matplotlib.figure import Figure  # that it is missing must be noticed before the training, not after

    from rlfilm_lib.widgets import learning_curves

    if seeds < 1:
        raise UserError(f"seeds={seeds} is out of range: give 1 or more")
    out = Path(out)
    folders = {out / f"seed-{number}": number for number in range(seed, seed + seeds)}
    for other in (*seed_folders(out), *out.glob("config.json")):
        if other not in folders:
            raise UserError(f"{other} is not of these {seeds} runs from seed {seed}: choose another folder with --out")
    runs = []
    for folder, number in folders.items():
        resumed = resume and (number == seed or (folder / "config.json").exists())
        runs.append(run(env_id, algorithm, steps, folder, seed=number, resume=resumed, **asked))
    steps_done, wall_s = (sum(each[name] for each in runs) for name in ("steps", "wall_s"))
    trained = {"steps": steps_done, "wall_s": wall_s, "steps_per_s": round(steps_done / wall_s, 1), "out": str(out)}
    summary = {"env": env_id, "algorithm": algorithm, **trained, **score_seeds(out)}
    checkpoint.write_json(out / "scores.json", summary)
    figure, png = Figure(figsize=(10, 3), layout="constrained"), io.BytesIO()
    unit = "return" if summary["normalised_score"] is None else "normalised score"
    learning_curves.compare(figure, {algorithm: np.array(summary["scores"])}, unit)
    figure.savefig(png, dpi=120)
    checkpoint.write_bytes(out / "scores.png", png.getvalue())
    return summary


def seed_folders(out: str | Path) -> list[Path]:
    """The runs that `run_seeds` made in a folder, by their seeds; none where it holds a single run or nothing.

    >>> seed_folders("nowhere")
    []
    """
    numbered = [path for path in Path(out).glob("seed-*") if path.name.removeprefix("seed-").isdecimal()]
    return sorted(numbered, key=lambda path: int(path.name.removeprefix("seed-")))


def score_seeds(out: str | Path, episodes: int = 64, seed: int = 1, sampled: bool = False) -> dict[str, Any]:
    """What the runs of `run_seeds` earn on the same episodes, and what they say together.

    Keys: those of `Evaluation.summary`, with mean, deviation and interval over the runs; `scores`, one for each run:
    normalised where the environment has yardsticks, else its mean return; their `interquartile_mean` with
    `interquartile_ci95`; and `runs`, the evaluation of each.
    """
    found = {}
    for folder in seed_folders(out):
        policy, env_id = rlfilm.load(folder), read_config(folder)["env"]
        found[folder.name] = rlfilm.evaluate(policy, env_id, episodes=episodes, seed=seed, sampled=sampled)
    returns = np.array([each.return_mean for each in found.values()])
    normalised = [each.normalised_score for each in found.values() if each.normalised_score is not None]
    scores = np.array(normalised) if normalised else returns
    return {
        "return_mean": float(returns.mean()),
        "return_sd": float(returns.std(ddof=min(1, len(returns) - 1))),
        "ci95": [float(end) for end in bootstrap_interval(returns)],
        "episodes": episodes,
        "normalised_score": float(np.mean(normalised)) if normalised else None,
        "scores": scores.tolist(),
        "interquartile_mean": interquartile_mean(scores),
        "interquartile_ci95": [float(end) for end in bootstrap_interval(scores, interquartile_mean)],
        "runs": {name: each.summary() for name, each in found.items()},
    }


def read_config(out: Path) -> dict[str, Any]:
    """config.json of a run. UserError where there is none, or it is damaged."""
    path = out / "config.json"
    kinds = {"env": str, "algorithm": str, "backend": str, "seed": int, "settings": dict}
    try:
        stored = json.loads(path.read_text())
        if not (isinstance(stored, dict) and all(isinstance(stored.get(name), kinds[name]) for name in kinds)):
            raise ValueError(f"it does not hold {', '.join(kinds)}")
    except FileNotFoundError:
        raise UserError(f"no run in {out} to resume: start one without --resume") from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}; restore a copy or start again with --force") from None
    return stored


def read_progress(path: Path, iterations: int | None = None) -> History:
    """progress.csv, up to the checkpoint's iteration: rows after it are dropped, they will be made again.

    UserError where it is missing or damaged, or lacks an iteration that the checkpoint has.
    """
    try:
        with open(path, newline="") as file:
            table = csv.DictReader(file)
            rows = [{name: _number(cell) for name, cell in row.items() if cell} for row in table]
        rows = rows[:iterations]
        expected = range(1, 1 + (len(rows) if iterations is None else iterations))
        if [row.get("iteration") for row in rows] != list(expected):
            raise ValueError("it does not hold every iteration of the checkpoint")
        if rows and not set(COLUMNS) <= set(table.fieldnames or ()):
            raise ValueError("a column is missing")
        if not all(row.keys() >= {"steps", "wall_s"} for row in rows):
            raise ValueError("a row is not whole")
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}; restore a copy or start again with --force") from None
    return History(rows)


def _number(cell: str) -> float:
    return int(cell) if isinstance(cell, str) and cell.isdecimal() else float(cell)


def versions() -> dict[str, str]:
    """Python and the packages a result depends on, those that are installed."""
    found = {"python": platform.python_version()}
    for name in ("rlfilm", "numpy", "gymnasium", "torch", "tensorflow"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
