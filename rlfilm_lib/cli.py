"""The `rlfilm` command. Each command parses, calls the library and prints; frameworks are imported inside them."""

import contextlib
import dataclasses
import json
import shlex
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rlfilm_lib.errors import UserError, unknown

if TYPE_CHECKING:
    import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
"""Where notebooks/ and tests/ lie when the library runs from a clone."""

EXTRA = {
    "av": "film", "matplotlib": "film", "PIL": "film", "jupyterlab": "lab", "h5py": "edit", "scipy": "edit",
    "sklearn": "video", "skimage": "video",
}  # fmt: skip
"""Package → the extra that installs it. (The frameworks' absence is noticed where one is chosen.)"""

app = typer.Typer(
    help="Policy gradients for film-making: train an agent, measure it, and watch what it filmed.",
    epilog="Example: rlfilm train rlfilm/MovieScene-v0 --steps 400000 --out runs/first",
    add_completion=False,
    pretty_exceptions_enable=False,
)

Run = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run, as `rlfilm train --out` made it.")]
Backend = Annotated[
    str | None, typer.Option(help="pytorch or tensorflow. Default: whichever is installed, PyTorch first.")
]
Size = Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Size of the picture; both even.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line.")]


def main() -> None:
    """Run the command line. Exit code 0; 2 after one line on stderr for a user's mistake; 130 after Ctrl-C."""
    warnings.showwarning = lambda message, *where, **more: print(f"rlfilm: {message}", file=sys.stderr)
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except UserError as error:
        code = _fail(str(error))
    except typer.TyperException as error:
        code = _fail(_usage(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in EXTRA:
            raise
        code = _fail(f"{package} is not installed: pip install 'rlfilm[{EXTRA[package]}]'")
    except MemoryError as error:
        code = _fail(f"not enough memory ({error}): lower num_envs, hidden_sizes or the size of the picture")
    except OSError as error:
        if error.filename is None:
            raise
        code = _fail(f"{error.filename}: {error.strerror}; check the path and its permissions")
    sys.exit(code)


def _fail(message: str) -> int:
    print(f"rlfilm: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _usage(error: typer.TyperException) -> str:
    """What was wrong with an option or argument, its value, and where to look it up."""
    cause: Any = error.__cause__  # typer's message leaves the value out; the validation error it comes from has it
    value = f", not '{cause.errors()[0]['input']}'" if hasattr(cause, "errors") else ""
    context = getattr(error, "ctx", None)
    return f"{error.format_message().rstrip('.')}{value} (see '{context.command_path if context else 'rlfilm'} --help')"


@app.command(
    epilog="Example: rlfilm train rlfilm/MovieScene-v0 --algo reinforce --set learning_rate=1e-3 --out runs/first"
)
def train(
    env: Annotated[str, typer.Argument(metavar="ENV", help="Any Gymnasium id with flat Box or Discrete observations.")],
    algo: Annotated[str, typer.Option(help="Algorithm.")] = "reinforce",
    backend: Backend = None,
    steps: Annotated[int, typer.Option(min=1, help="Environment steps, over all environments.")] = 200_000,
    seed: Annotated[int | None, typer.Option(min=0, help="One seed, one run. Default: 0.")] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="So many runs, seeds SEED, SEED + 1, …, each in a folder of --out, with scores.")
    ] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder of the run. Default: runs/ENV-ALGO-SEED.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the algorithm; repeatable.")
    ] = None,
    num_envs: Annotated[int | None, typer.Option(min=1, help="Environments stepped side by side.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the run in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Train an agent; the run folder holds its policy, its learner, its settings and its progress."""
    from rlfilm_lib.run import run, run_seeds

    chosen = dict(_setting(item) for item in settings or [])
    first = seed or 0
    span = f"{first}" if seeds == 1 else f"{first}-to-{first + seeds - 1}"
    folder = out or Path("runs") / f"{env.rsplit('/', 1)[-1]}-{algo}-{span}"
    asked: dict[str, Any] = {
        "backend": backend,
        "settings": chosen,
        "num_envs": num_envs,
        "device": device,
        "resume": resume,
        "force": force,
    }
    with _resumable(folder if seeds == 1 else folder / f"seed-{first}", [] if out else ["--out", str(folder)]):
        if seeds == 1:
            summary = run(env, algo, steps, folder, seed=seed, **asked)
        else:
            summary = run_seeds(env, algo, steps, folder, seeds, first, **asked)
    if as_json:
        _print_json(summary)
        return
    print(f"{summary['steps']:,} steps in {summary['wall_s']:.1f} s ({summary['steps_per_s']:,.0f} steps/s)")
    if seeds == 1:
        print(f"to measure it: rlfilm evaluate {shlex.quote(str(summary['out']))}")
    else:
        _print_scores(summary)
        print(folder / "scores.png")


@app.command(epilog="Example: rlfilm evaluate runs/first --episodes 100 --seed 1 --json")
def evaluate(
    run: Run,
    episodes: Annotated[int, typer.Option(min=1, help="Episodes to play.")] = 20,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the environments, which are not those of the training.")
    ] = 1,
    sampled: Annotated[bool, typer.Option("--sampled", help="Sample actions instead of taking the mean.")] = False,
    as_json: Json = False,
) -> None:
    """Play a trained policy, or those of several seeds: mean, spread and a 95 % bootstrap interval of the return."""
    import rlfilm_lib as rlfilm
    from rlfilm_lib.run import score_seeds, seed_folders

    if seed_folders(run):
        scores = score_seeds(run, episodes=episodes, seed=seed, sampled=sampled)
        _print_json(scores) if as_json else _print_scores(scores)
        return
    policy, env_id = _policy(run)
    result = rlfilm.evaluate(policy, env_id, episodes=episodes, seed=seed, sampled=sampled)
    if as_json:
        _print_json(result.summary())
        return
    low, high = result.ci95
    print(f"return {result.return_mean:.2f}, 95 % interval {low:.2f} to {high:.2f}", end="")
    print(f" (sd {result.return_sd:.2f}, {result.episodes} episodes)")
    if result.normalised_score is not None:
        print(f"normalised score {result.normalised_score:.3f} (0 random, 1 expert)")


@app.command(epilog="Example: rlfilm shoot runs/first --out take.mp4 --renderer mitsuba --samples 32 --export usd,csv")
def shoot(
    run: Run,
    out: Annotated[Path, typer.Option(help="The .mp4 to write.")] = Path("take.mp4"),
    renderer: Annotated[
        str, typer.Option(help="preview; or mitsuba or blender, which trace rays and take longer.")
    ] = "preview",
    export: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Files to write beside the film, with commas in between: usd (scene), csv (camera report), "
            "cube (grade of the last frame), bvh (motion of the character).",
        ),
    ] = "",
    size: Size = "640x360",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the scene.")] = 1,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Rays per pixel of mitsuba and blender: more take longer. Default: 64.")
    ] = None,
) -> None:
    """Film one episode of a trained policy, and write it as files that film tools open."""
    width, height = _size(size)
    if renderer not in RENDERERS:
        raise unknown("renderer", renderer, RENDERERS)
    exports = [name for name in export.split(",") if name]
    for name in exports:
        if name not in EXPORTS:
            raise unknown("export", name, EXPORTS)
    if samples is not None and renderer == "preview":
        raise UserError(f"--samples {samples} is for mitsuba and blender: leave it out, or choose one with --renderer")

    from rlfilm_lib.envs.shooting import play
    from rlfilm_lib.media import clip
    from rlfilm_lib.rl import checkpoint
    from rlfilm_lib.stage import blender, mitsuba, preview, usd

    clip.check_path(out)
    clip.check_size(width, height)
    preview.check_size(width, height)
    needs: dict[str, Callable[[], object]] = {"mitsuba": mitsuba.require, "blender": blender.find, "usd": usd.require}
    for name in (renderer, *exports):
        needs.get(name, lambda: None)()
    policy, env_id = _policy(run)
    checkpoint.make_folder(out.parent)
    with _stoppable(out):
        shot = play(policy, env_id, seed, **policy.env_kwargs)
        if "bvh" in exports and shot.motion is None:
            raise UserError(f"{env_id} moves no skeleton: leave bvh out of --export, or shoot in rlfilm/Character-v0")
        written = [_export(name, out.with_suffix(EXPORTS[name]), shot, env_id) for name in exports]
        with contextlib.closing(_rendered(renderer, shot.take, width, height, samples)) as pictures:
            clip.write(out, pictures, shot.take.fps)
    print(*written, out, sep="\n")


RENDERERS = ("preview", "mitsuba", "blender")
EXPORTS = {"usd": ".usda", "csv": ".csv", "cube": ".cube", "bvh": ".bvh"}
"""The name a user gives → how the file's name ends."""


def _export(name: str, path: Path, shot: Any, env_id: str) -> Path:
    """Write one file about a shot; returns its path."""
    from rlfilm_lib.media import camera_report, look, motion
    from rlfilm_lib.rl import checkpoint
    from rlfilm_lib.stage import usd

    if name == "usd":
        usd.write(path, shot.take)
    elif name == "csv":
        checkpoint.write_csv(path, camera_report.columns(shot.take), camera_report.rows(shot.take))
    elif name == "cube":
        look.write_cube(path, look.cube(shot.take.grade[-1]), f"{env_id}, {path.stem}")
    else:
        motion.write_bvh(path, shot.motion)
    return path


def _rendered(
    renderer: str, take: Any, width: int, height: int, samples: int | None
) -> "Generator[np.ndarray, None, None]":
    """The pictures of a take, with a progress bar."""
    from tqdm import tqdm

    from rlfilm_lib.stage import blender, mitsuba, workers

    with contextlib.ExitStack() as open_until_done:
        if renderer == "preview":
            pictures = workers.frames(take, width, height, open_until_done.enter_context(workers.pool()))
        else:
            traced = {"mitsuba": mitsuba, "blender": blender}[renderer].frames
            pictures = traced(take, width, height, **({} if samples is None else {"samples": samples}))
        yield from tqdm(pictures, f"rendering ({renderer})", len(take), unit=" frames", dynamic_ncols=True)


@contextlib.contextmanager
def _stoppable(out: Path) -> Iterator[None]:
    """Ends Ctrl-C with 130, and says that there is no film."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"stopped; {out} was not written", file=sys.stderr)
        raise typer.Exit(130) from None


@app.command(epilog="Example: rlfilm film --backend tensorflow --out film-tf")
def film(
    out: Annotated[Path, typer.Option(help="Folder for the film, its page and its files.")] = Path("film"),
    algo: Annotated[str, typer.Option(help="Algorithm that the film shows.")] = "ppo",
    compare: Annotated[
        bool, typer.Option("--compare", help="Train the other algorithms as well: table and curve show all three.")
    ] = False,
    backend: Backend = None,
    steps: Annotated[int, typer.Option(min=1, help="Environment steps of each training.")] = 300_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
    size: Size = "640x360",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was stopped, or add --compare to a film that is there.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the film in --out.")] = False,
    as_json: Json = False,
) -> None:
    """The main job: train an agent, shoot three briefs before and after, and write the film and a page about it."""
    width_height = _size(size)

    from rlfilm_lib.screening import make_film

    with _resumable(out / "run"):
        report = make_film(
            out,
            backend,
            steps=steps,
            seed=seed,
            size=width_height,
            resume=resume,
            force=force,
            algorithm=algo,
            compare=compare,
        )
    print((out / "index.html").resolve())
    if as_json:
        _print_json(report)


@app.command(epilog="Example: rlfilm edit holiday.mp4 party.mov --seconds 60 --pace fast --music song.mp3")
def edit(
    footage: Annotated[list[Path], typer.Argument(metavar="FOOTAGE...", help="Video files, as the story goes.")],
    seconds: Annotated[float, typer.Option(metavar="S", help="Length of the cut, exactly.")],
    out: Annotated[Path, typer.Option(help="The .mp4 to write; the other files go beside it.")] = Path("cut.mp4"),
    pace: Annotated[str, typer.Option(help="Average shot length: slow 8 s, medium 4 s, fast 2 s.")] = "medium",
    music: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Music under the cut, whose beats it follows.")
    ] = None,
    algo: Annotated[str, typer.Option(help="Algorithm that learns to cut.")] = "ppo",
    backend: Backend = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training and of the shot lengths wanted.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the cut in --out, and its files.")] = False,
    as_json: Json = False,
) -> None:
    """Cut your own footage to a length: a policy learns on it what to keep. Writes the cut and its timeline files."""
    from rlfilm_lib.media.footage import require

    require()
    from rlfilm_lib.cutting import make_cut

    with _stoppable(out):
        report = make_cut(
            footage,
            seconds,
            out,
            pace=pace,
            music=music,
            backend=backend,
            algorithm=algo,
            seed=seed,
            force=force,
        )
    for warning in report["warnings"]:
        print(f"rlfilm: {warning}", file=sys.stderr)
    if as_json:
        _print_json(report)
        return
    _print_table(_term_rows(report["terms"]))
    rows = [row for row in report["terms"].values() if row["trained"]]
    above, lucky = (sum(row[kind] for row in rows) for kind in ("above", "lucky_above"))
    print(f"kept: of {report['best_of']:,} cuts made in training, the one above both in most terms")
    print(f"that is {above} of {len(rows)}; the best of as many random cuts is above both in {lucky}")
    lufs = "no sound" if report["lufs"] is None else f"{report['lufs']:.1f} LUFS"
    skipped = report["skipped_packets"]
    print(f"{report['shots']} shots, {report['seconds']:.2f} s, {lufs}, in {report['wall_s']:.0f} s", end="")
    print(f"; {skipped} damaged packets skipped" if skipped else "")
    print(*report["files"], sep="\n")


def _term_rows(terms: dict[str, Any]) -> Iterator[list[str]]:
    """What the kept cut earns, beside the best of as many random ones, and means and 95 % intervals of each kind."""
    yield ["term", "kept", "best random", "policy's cuts", "uniform sampling", "random", ""]
    for name, row in terms.items():
        means = [row[kind] for kind in ("sampled", "uniform", "random")]
        cells = [f"{each['mean']:.3f} [{each['ci95'][0]:.3f}, {each['ci95'][1]:.3f}]" for each in means]
        above = "above both" if row["above"] else "at its ceiling" if row["ceiling"] else "not above both"
        verdict = above if row["trained"] else "not trained: hardly varies"
        yield [name, f"{row['kept']:.3f}", f"{row['lucky']:.3f}", *cells, verdict]


@app.command(epilog='Example: rlfilm generate --prompt "a red disc bounces slowly to the left" --samples 9')
def generate(
    prompt: Annotated[str | None, typer.Option(help="What the clip shall show, in the words of the captions.")] = None,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The subject at its start, as large as the model's pictures.")
    ] = None,
    sound: Annotated[Path | None, typer.Option(metavar="FILE", help="A sound whose beats drive the motion.")] = None,
    model: Annotated[
        str, typer.Option(help="flow, gan, or actor-critic: a policy whose actions are the frames.")
    ] = "flow",
    run: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of a trained model. Default: the one of the course.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The .mp4 to write.")] = Path("clip.mp4"),
    samples: Annotated[int, typer.Option(help="Clips, side by side.")] = 1,
    backend: Backend = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise: one seed, one file.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the clip in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Make a clip from a prompt, a picture, a sound, or several of them, by a generator trained in the course."""
    from rlfilm_lib.generating import make_clip

    with _stoppable(out):
        report = make_clip(
            out,
            prompt,
            image,
            sound,
            model=model,
            run=run,
            backend=backend,
            seed=seed,
            samples=samples,
            device=device,
            force=force,
        )
    if as_json:
        _print_json(report)
        return
    print(f"{out}: {samples} × {report['frames']} frames in {report['sampling_s']:.2f} s")
    for words in report["seen"]:
        print(f"  a classifier that took no part in it sees: {words}")


@app.command(epilog="Example: rlfilm bench envs --json")
def bench(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One benchmark; default: all.")] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A file of the data set that NAME measures on; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure speeds and scores: runs tests/bench/bench_NAME.py of the checkout, each with a `bench() -> dict`."""
    import inspect
    import runpy

    scripts = {path.stem.removeprefix("bench_"): path for path in sorted(CHECKOUT.glob("tests/bench/bench_*.py"))}
    if not scripts:
        raise UserError(f"no benchmarks in {CHECKOUT}/tests/bench: run from a clone, installed with pip install -e .")
    if name is not None and name not in scripts:
        raise unknown("benchmark", name, scripts)
    measured = {}
    for each in [name] if name else scripts:
        run = runpy.run_path(str(scripts[each]))["bench"]
        if data and "data" not in inspect.signature(run).parameters:
            raise UserError(f"--data {data[0]}: benchmark '{each}' takes none: name one that does, such as summaries")
        measured[each] = run(data=data) if data else run()
        if not as_json:
            _print_table((each, measure, _figure(value)) for measure, value in measured[each].items())
    if as_json:
        _print_json(measured)


@app.command(
    epilog="Example: rlfilm lab --no-browser --port 8889",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def lab(context: typer.Context) -> None:
    """Open the lessons in JupyterLab. Further options go to `jupyter lab`."""
    places = dict.fromkeys([CHECKOUT / "notebooks", Path.cwd() / "notebooks"])
    notebooks = next((place for place in places if any(place.glob("*.ipynb"))), None)
    if notebooks is None:
        raise UserError(f"no lessons in {' or '.join(map(str, places))}: run rlfilm lab in a clone of rlfilm")
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance([str(notebooks), *context.args])


@app.command(epilog="Example: rlfilm doctor --json")
def doctor(as_json: Json = False) -> None:
    """Say what is installed, which devices and codecs work, and what to do about what is missing."""
    from rlfilm_lib.doctor import examine

    findings = examine()
    if as_json:
        _print_json({finding.name: dataclasses.asdict(finding) for finding in findings})
    else:
        _print_table(("ok" if each.works else "--", each.name, each.found) for each in findings)
        for each in findings:
            if not each.works:
                print(f"{each.name}: {each.remedy}")
    if not all(each.works for each in findings if each.needed):
        raise typer.Exit(1)


@contextlib.contextmanager
def _resumable(run: Path, missing: Sequence[str] = ()) -> Iterator[None]:
    """Ends Ctrl-C with 130 and, once `run` holds a checkpoint, with the command line that goes on.

    missing: what that line needs besides the one that was given.
    """
    try:
        yield
    except KeyboardInterrupt:
        if (run / "config.json").exists():
            again = [item for item in sys.argv[1:] if item not in ("--resume", "--force")]
            print(f"stopped; to go on: rlfilm {shlex.join([*again, *missing, '--resume'])}", file=sys.stderr)
        raise typer.Exit(130) from None


def _print_scores(scores: dict[str, Any]) -> None:
    """A row for each run, then what they say together."""
    rows = [["", "return", "95 % interval", *([] if scores["normalised_score"] is None else ["normalised score"])]]
    for name, each in scores["runs"].items():
        low, high = each["ci95"]
        row = [name, f"{each['return_mean']:.2f}", f"{low:.2f} to {high:.2f}"]
        rows.append(row if each["normalised_score"] is None else [*row, f"{each['normalised_score']:.3f}"])
    _print_table(rows)
    low, high = scores["interquartile_ci95"]
    what = "return" if scores["normalised_score"] is None else "normalised score"
    print(f"interquartile mean of the {what} {scores['interquartile_mean']:.4g}, ", end="")
    print(f"95 % interval {low:.4g} to {high:.4g} ({len(scores['runs'])} runs, {scores['episodes']} episodes each)")


def _policy(run: Path) -> tuple[Any, str]:
    import rlfilm_lib as rlfilm

    policy = rlfilm.load(run)
    if policy.env_id is None:
        raise UserError(
            f"{run} does not say which environment it was trained on: play it from Python, rlfilm.load('{run}')"
        )
    return policy, policy.env_id


def _setting(item: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not (key and equals and value):
        raise UserError(f"--set '{item}' is not KEY=VALUE: write for example --set learning_rate=1e-3")
    return key, value


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UserError(f"--size '{text}' is not WIDTHxHEIGHT: write for example --size 640x360")
    return int(width), int(height)


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content))


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _print_table(rows: Iterable[Sequence[str]]) -> None:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
