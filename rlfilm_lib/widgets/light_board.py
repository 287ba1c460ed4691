"""The light board: four lamps, the camera's exposure and the grade of Lighting, in the hands of a person.

The light of several lamps adds up. So each lamp is rendered once, alone and white, as one of the picture's light
groups (`light_groups`), and `mixed` adds them with any stops and colours in a few milliseconds. `view` says what the
environment measures and pays, `panels` and `readout` show it, `still` leaves it in the notebook. `best_set_up` turns
the knobs to whatever a reward asks for. `LightBoard` and `BriefEditor` are the shells of sliders.
"""

import base64
import html
import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rlfilm_lib.envs import lighting
from rlfilm_lib.envs.lighting import BRIEFS, KNOBS, LIGHTS, LIMITS, MEASURES, Lighting
from rlfilm_lib.film import colour, scopes
from rlfilm_lib.stage import preview
from rlfilm_lib.stage.take import Take
from rlfilm_lib.widgets.picture import BLUE, VERMILION, Described
from rlfilm_lib.widgets.viewfinder import jpeg, words

WIDTH, HEIGHT = 320, 180  # pixels of each of the three panels
FPS = 12  # pictures per second while the agent plays: one per step
OUT = -100.0  # stops of a lamp that is switched off

State = dict[str, np.ndarray]

ENTRIES = {"azimuth": 4, "height": 4, "stops": 4, "colour": 4, "exposure": 1, "grade": 4}
"""The entries of the environment's state that hold the knobs, in the order of KNOBS, and how many each holds."""


def knobs(state: State) -> np.ndarray:
    """The knobs (21, N) of a state of N environments."""
    return np.concatenate([state[entry].T for entry in ENTRIES])


def with_knobs(state: State, values: np.ndarray) -> State:
    """The state with knobs (21,) or (21, N), at rest at the beginning of an episode."""
    values = np.broadcast_to(np.reshape(values, (len(KNOBS), -1)), (len(KNOBS), len(state["elapsed"])))
    parts = np.split(values.astype(np.float32), np.cumsum(list(ENTRIES.values()))[:-1])
    seen = lighting.measure(values)[0][1:3]
    return (
        state
        | {entry: part.T.copy() for entry, part in zip(ENTRIES, parts, strict=True)}
        | {"seen": seen.T.copy(), "elapsed": np.zeros_like(state["elapsed"])}
    )


def opening(env: Lighting, brief: str | dict | None = None, seed: int = 1) -> State:
    """The state in which an episode begins, under the environment's brief or this one."""
    env.reset(seed=seed, options={} if brief is None else {"brief": brief})
    return env.state()


def lit(env: Lighting, brief: str | dict | None = None, seed: int = 1) -> State:
    """An opening after the optimising expert has been at its knobs: lit as the brief asks, as far as that goes."""
    state = opening(env, brief, seed)
    return with_knobs(state, lighting.solve(knobs(state), state["brief"].T))


# Pictures


def light_groups(take: Take, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A still take (one frame) under its ambient light, and under each of its L lamps alone: (1 + L, H, W, 3).

    Scene-linear, at exposure 0, the lamps white and at 0 stops.
    """
    lamps = take.light_stops.shape[1]
    switched = np.vstack([np.full(lamps, OUT), np.where(np.eye(lamps, dtype=bool), 0.0, OUT)])
    white = np.full((1, lamps), take.white_balance)
    shots = [replace(take, light_stops=stops[None], light_kelvin=white, exposure=np.zeros(1)) for stops in switched]
    pictures = np.stack([next(preview.scene_linear(shot, width, height)) for shot in shots])
    pictures[1:] -= pictures[0]
    return pictures


def mixed(groups: np.ndarray, stops: np.ndarray, kelvin: np.ndarray, exposure: float = 0.0) -> np.ndarray:
    """The scene-linear picture (H, W, 3) of light groups (1 + L, H, W, 3), lamps at stops (L,) and of kelvin (L,).

    Light adds up: ambient + Σ 2^stops · colour · group, times 2^exposure.

    >>> groups = np.array([0.02, 0.18, 0.09])[:, None, None, None] * np.ones((3, 1, 1, 3))
    >>> mixed(groups, np.array([0.0, 1.0]), np.array([5600.0, 5600.0]))[0, 0].round(3).tolist()
    [0.38, 0.38, 0.38]
    """
    weights = np.exp2(stops)[:, None] * colour.light_colour(kelvin, lighting.WHITE_BALANCE)
    weights = np.vstack([np.ones(3), weights]) * 2.0**exposure
    return np.einsum("lhwc,lc->hwc", groups, weights.astype(np.float32), optimize=True)


def under(groups: np.ndarray, state: State) -> np.ndarray:
    """`mixed` with the lamps and the exposure of a state of one environment."""
    return mixed(groups, state["stops"][0], colour.mired(state["colour"][0]), float(state["exposure"][0, 0]))


def graded(linear: np.ndarray, state: State) -> np.ndarray:
    """The display-referred picture (H, W, 3), uint8, of a scene-linear one under the grade of a state."""
    return preview.develop(linear, lighting.cdl(state["grade"].T)[0])


def luma(frame: np.ndarray) -> np.ndarray:
    """The signal (H, W), 0 to 1, of a displayed picture (H, W, 3) uint8."""
    return colour.luminance(frame / 255)


def trace(frame: np.ndarray, levels: int = 101) -> np.ndarray:
    """The waveform of a displayed picture as a picture (levels, W), 0 to 1, brighter where more pixels are."""
    return np.minimum(4 * scopes.waveform(luma(frame), levels), 1) ** 0.4


@dataclass(frozen=True)
class View:
    """What the board shows of one state."""

    linear: np.ndarray
    """(H, W, 3) scene-linear, exposure included."""
    frame: np.ndarray
    """(H, W, 3) uint8, displayed."""
    readings: dict[str, float]
    """What the meters read, by MEASURES: stops, mired, Duv."""
    wanted: dict[str, float]
    """What the brief asks for, the same way."""
    terms: dict[str, float]
    """Reward terms, unweighted."""
    reward: float


def view(env: Lighting, state: State, groups: np.ndarray | None = None, terms: np.ndarray | None = None) -> View:
    """What a state of one environment looks like, measures and is paid, the knobs at rest; the environment is left in
    it. groups: the light groups of its places, or None to render it; terms: of the step that led there, if it moves.

    >>> env = Lighting(1, brief="noir")
    >>> seen = view(env, lit(env))
    >>> seen.frame.shape, round(seen.readings["key:fill"], 1), round(seen.reward, 2)
    ((180, 320, 3), 4.0, 1.0)
    """
    if terms is None:
        env.restore(with_knobs(state, knobs(state)))
        terms = env.advance(np.zeros((1, env.controls), np.float32))[-1]
        env.restore(state)
    named = dict(zip(env.weights, terms[:, 0].tolist(), strict=True))
    linear = next(preview.scene_linear(env.take([state]), WIDTH, HEIGHT)) if groups is None else under(groups, state)
    readings = lighting.measure(knobs(state))[0][:, 0]
    return View(
        linear,
        graded(linear, state),
        dict(zip(MEASURES, readings.tolist(), strict=True)),
        dict(zip(MEASURES, [*state["brief"][0].tolist(), 0.0], strict=True)),
        named,
        sum(env.weights[name] * term for name, term in named.items()),
    )


def takeover(env: Lighting, state: State, policy: Callable[..., np.ndarray]) -> Iterator[tuple[State, View]]:
    """One episode that `policy` plays from a state on, step by step: the states it reaches and what they look like."""
    observations, over = env.restore(with_knobs(state, knobs(state))), False
    while not over:
        observations, _, terminated, truncated, terms = env.advance(policy(observations, deterministic=True))
        reached = env.state()
        yield reached, view(env, reached, terms=terms)
        over = bool(terminated[0] or truncated[0])


# Words and figures


TERM = dict(
    zip(
        MEASURES,
        ("key_fill", "face_exposure", "background_exposure", "contrast", "separation", *["colour_temperature"] * 3),
        strict=True,
    )
)
"""Which reward term each reading counts in."""


def said(measure: str, value: float) -> str:
    """A reading with its unit.

    >>> said("key:fill", 2.0), said("face", -0.5), said("face colour", 312.5), said("tint", 0.0041)
    ('4.0:1', '-0.5 stops', '3200 K, 312 mired', '+0.004 Duv')
    """
    if measure == "key:fill":
        return f"{2**value:.1f}:1"
    if "colour" in measure:
        return f"{colour.mired(value):.0f} K, {value:.0f} mired"
    digits, unit = (3, "Duv") if measure == "tint" else (1, "stops")
    return f"{round(value, digits) + 0.0:+.{digits}f} {unit}"  # no -0


def sentence(seen: View, weights: Mapping[str, float]) -> str:
    """The view in one sentence: what a reader who cannot see the picture needs."""
    positive = [name for name in seen.terms if weights[name] > 0]
    worst = min(positive, key=lambda name: seen.terms[name])
    shown = ", ".join(f"{name} {said(name, seen.readings[name])}" for name in MEASURES[:4])
    return (
        f"{shown[0].upper()}{shown[1:]}; {seen.terms['clipping']:.0%} clipped; reward {seen.reward:.2f} per step, "
        f"worst term {words(worst)} ({seen.terms[worst]:.2f})."
    )


def readout(seen: View, weights: Mapping[str, float]) -> str:
    """What is read, what is wanted, and the reward term it counts in, as an HTML table."""
    cell = "padding: 1px 8px; text-align: left; font-variant-numeric: tabular-nums"

    def bar(name: str) -> str:
        return (
            f'<div style="width: 90px; background: rgba(128, 128, 128, 0.2)"><div style="height: 12px; '
            f"width: {100 * min(max(seen.terms[name], 0), 1):.0f}%; "
            f'background: {BLUE if weights[name] > 0 else VERMILION}"></div></div>'
        )

    def line(label: str, read: str, wanted: str, name: str) -> str:
        value = f"{seen.terms[name]:.2f} × {weights[name]:g}"
        parts = (html.escape(label), html.escape(read), html.escape(wanted), bar(name), value)
        return "<tr>" + "".join(f'<td style="{cell}">{part}</td>' for part in parts) + "</tr>"

    rows = [line(name, said(name, seen.readings[name]), said(name, seen.wanted[name]), TERM[name]) for name in MEASURES]
    rows += [line("steadiness", "", "", "steadiness"), line("clipping", "", "none", "clipping")]
    head = "".join(f'<th style="{cell}">{name}</th>' for name in ("", "read", "wanted", "term", "value × weight"))
    return (
        f'<table class="rlfilm-lightboard" data-reward="{seen.reward:.4f}" style="line-height: 1.25">'
        f"<tr>{head}</tr>{''.join(rows)}"
        f'<tr style="font-weight: bold"><td style="{cell}">reward</td><td></td><td></td><td></td>'
        f'<td style="{cell}">{seen.reward:.2f}</td></tr></table>'
    )


def legend() -> str:
    """The colours of false colour and the stops they stand for, as HTML."""
    cells = "".join(
        f'<td style="background: rgb{tuple(shade)}; color: {"white" if stops < -0.5 else "black"}; padding: 1px 4px; '
        f'text-align: center">{f"{stops:+g}" if stops else "0"}</td>'
        for stops, shade in zip(scopes.ZONES.tolist(), scopes.ZONE_COLOURS.tolist(), strict=True)
    )
    return (
        '<table style="font-size: 11px; border-spacing: 0; border: 1px solid #999"><tr>'
        f'<td style="padding: 0 6px">stops around 18 % grey</td>{cells}</tr></table>'
    )


def panels(seen: View) -> dict[str, np.ndarray]:
    """The three panels (HEIGHT, WIDTH, 3), uint8: picture, false colour, and the waveform with lines at every 25 %."""
    from PIL import Image

    wave = np.zeros((101, seen.frame.shape[1], 3))
    wave[::25] = 0.35
    lit_up = trace(seen.frame)[..., None]
    wave = wave * (1 - lit_up) + lit_up * np.array([0.6, 1.0, 0.7])
    scope = Image.fromarray((255 * wave).astype(np.uint8)).resize((seen.frame.shape[1], seen.frame.shape[0]))
    return {"picture": seen.frame, "false colour": scopes.false_colour(seen.linear), "waveform": np.asarray(scope)}


def plot_false_colour(axes, linear: np.ndarray, bar: bool = True) -> None:
    """False colour into a Matplotlib axes, with its scale beside it."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    zones = len(scopes.ZONES)
    shades = ListedColormap(scopes.ZONE_COLOURS / 255)
    norm = BoundaryNorm(np.arange(zones + 1) - 0.5, zones)
    drawn = axes.imshow(scopes.zone(scopes.stops_over_grey(linear)), cmap=shades, norm=norm, interpolation="nearest")
    axes.axis("off")
    if bar:
        scale = axes.figure.colorbar(drawn, ax=axes, ticks=range(zones), pad=0.02, fraction=0.05)
        scale.ax.set_yticklabels([f"{stops:+g}" if stops else "0" for stops in scopes.ZONES], fontsize=6)
        scale.ax.tick_params(length=0)
        scale.set_label("stops around grey", fontsize=7)


def plot_waveform(axes, frame: np.ndarray) -> None:
    """The waveform of a displayed picture into a Matplotlib axes."""
    from matplotlib.colors import LinearSegmentedColormap

    phosphor = LinearSegmentedColormap.from_list("phosphor", ["black", "#3ad46b", "#d8ffe4"])
    axes.imshow(trace(frame), cmap=phosphor, extent=(0, 1, 0, 100), aspect="auto", vmin=0, vmax=1)
    axes.set(xticks=(), yticks=(0, 25, 50, 75, 100))
    axes.tick_params(labelsize=7)
    axes.grid(axis="y", color="#888888", lw=0.4)
    axes.set_ylabel("signal (%)", fontsize=7)


def still(seen: View, weights: Mapping[str, float], caption: str = "") -> Described:
    """The view as a figure that needs no kernel: picture, false colour, waveform, and a bar per reward term."""
    import matplotlib.pyplot as plt

    fig, ((left, right), (bottom, terms)) = plt.subplots(2, 2, figsize=(8.2, 4.2), layout="constrained")
    left.imshow(seen.frame)
    left.axis("off")
    left.set_title(caption, loc="left", fontsize=9)
    plot_false_colour(right, seen.linear)
    plot_waveform(bottom, seen.frame)
    names = list(seen.terms)[::-1]
    terms.barh([words(name) for name in names], [1.0] * len(names), color="#e8e8e8")
    shades = [BLUE if weights[name] > 0 else VERMILION for name in names]
    terms.barh([words(name) for name in names], [seen.terms[name] for name in names], color=shades)
    terms.set(xlim=(0, 1), xticks=(0, 0.5, 1))
    terms.set_xlabel(f"term, 0 to 1; reward {seen.reward:.2f} per step", fontsize=8)
    terms.tick_params(labelsize=8)
    terms.spines[["top", "right"]].set_visible(False)
    return photograph(fig, f"{caption + ': ' if caption else ''}{sentence(seen, weights)}")


def photograph(fig, alt: str) -> Described:
    """A Matplotlib figure that holds photographs, as a described JPEG, a third of the size of `picture.figure`'s PNG;
    the figure is closed."""
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    fig.savefig(file, format="jpeg", dpi=130, bbox_inches="tight", pil_kwargs={"quality": 78})
    width = round(fig.get_figwidth() * 72)
    plt.close(fig)
    return Described(_image(file.getvalue(), alt, f"width: {width}px; max-width: 100%"), alt)


def photographs(
    pictures: Mapping[str, np.ndarray], alt: str, columns: int | None = None, width: int = 220
) -> Described:
    """Pictures (H, W, 3) uint8 beside each other, each under its name and at most `width` CSS pixels wide, as JPEG.

    >>> photographs({"noir": np.zeros((9, 16, 3), np.uint8)}, "a black picture")
    a black picture
    """
    columns = columns or len(pictures)
    cells = "".join(
        f'<div style="font-size: 12px; line-height: 1.3">{html.escape(name)}<br>'
        f"{_image(jpeg(shown), name, 'width: 100%')}</div>"
        for name, shown in pictures.items()
    )
    grid = f"display: grid; grid-template-columns: repeat({columns}, minmax(0, {width}px)); gap: 6px; align-items: end"
    return Described(f'<div role="group" aria-label="{html.escape(alt)}" style="{grid}">{cells}</div>', alt)


def _image(data: bytes, alt: str, style: str) -> str:
    source = base64.b64encode(data).decode()
    return f'<img src="data:image/jpeg;base64,{source}" style="{style}" alt="{html.escape(alt)}">'


# An optimiser for any reward

HELD = {"key colour": 178.6, "fill colour": 178.6, "back colour": 178.6, "practical colour": 178.6, "balance": 0.0,
        "saturation": 1.0}  # fmt: skip
"""Knobs of colour at rest: lamps of the camera's white balance, and no grade."""
ROUNDS, TRIES, KEPT = 60, 400, 40


def meters(values: np.ndarray) -> dict[str, np.ndarray]:
    """What the meters read of N set-ups, knobs (21, N): (N,) each, by MEASURES and "clipping"."""
    readings, clipping = lighting.measure(values)
    return dict(zip(MEASURES, readings.astype(float), strict=True)) | {"clipping": clipping.astype(float)}


def best_set_up(reward: Callable[[dict[str, np.ndarray]], np.ndarray], seed: int = 0) -> np.ndarray:
    """The knobs (21,) for which `reward` of the `meters` is highest, as far as this search finds; colours are HELD.

    The cross-entropy method (Rubinstein 1999): try many set-ups at random, keep the best tenth, and try around those
    the next time. It knows nothing but the reward, like an agent; it need not move the knobs one by one.
    """
    rng = np.random.default_rng(seed)
    low, high = (np.array([getattr(knob, bound) for knob in KNOBS])[:, None] for bound in ("low", "high"))
    held = np.array([HELD.get(knob.name, np.nan) for knob in KNOBS])[:, None]
    best, best_reward = np.empty(0), -np.inf
    centre, spread = (low + high) / 2, (high - low) / 2
    for _ in range(ROUNDS):
        tried = np.clip(centre + spread * rng.standard_normal((len(KNOBS), TRIES)), low, high)
        tried = np.where(np.isnan(held), tried, held)
        paid = np.asarray(reward(meters(tried)), float)
        order = np.argsort(-paid, kind="stable")[:KEPT]
        if paid[order[0]] > best_reward:
            best, best_reward = tried[:, order[0]], paid[order[0]]
        centre, spread = tried[:, order].mean(axis=1, keepdims=True), tried[:, order].std(axis=1, keepdims=True)
    return best


# The shells


@dataclass(frozen=True)
class Control:
    """One slider: the row of the knobs that it turns, its label, and how many of its units one unit of the knob is."""

    row: int
    label: str
    step: float
    scale: float = 1.0


def _controls() -> dict[str, tuple[Control, ...]]:
    units = {"azimuth": ("°", 1.0, 180 / np.pi), "height": ("m", 0.05, 1.0)}
    places, plain = [], []
    for row, knob in enumerate(KNOBS):
        kind = knob.name.split()[-1]
        if kind in units:
            unit, step, scale = units[kind]
            places.append(Control(row, f"{knob.name} ({unit})", step, scale))
        elif kind == "colour":
            plain.append(Control(row, f"{knob.name} (K)", 10.0))
        elif knob.name in (*LIGHTS, "exposure", "balance"):
            plain.append(Control(row, f"{knob.name} (stops)", 0.05 if knob.name == "balance" else 0.25))
        else:
            plain.append(Control(row, knob.name, 0.005 if knob.name == "offset" else 0.05))
    return {
        "places": tuple(places),
        "stops": tuple(plain[:4]),
        "colour": tuple(plain[4:8]),
        "exposure": tuple(plain[8:9]),
        "grade": tuple(plain[9:]),
    }


CONTROLS = _controls()
"""The sliders by group: "places", "stops", "colour", "exposure", "grade"."""
KELVIN = [(f"{colour.mired(m):.0f} K", float(m)) for m in range(500, 79, -10)]
"""Colour temperatures in equal steps of 10 mired, warm to cold."""


def _kelvin_slider(label: str, value: float):
    import ipywidgets as widgets

    return widgets.SelectionSlider(
        options=KELVIN,
        value=nearest_kelvin(value),
        description=label,
        continuous_update=False,
        style={"description_width": "140px"},
        layout={"width": "330px"},
    )


def nearest_kelvin(mired: float) -> float:
    """The mired of KELVIN that is nearest.

    >>> nearest_kelvin(178.6)
    180.0
    """
    return min((value for _, value in KELVIN), key=lambda value: abs(value - mired))


def _slider(label: str, low: float, high: float, step: float, value: float):
    import ipywidgets as widgets

    return widgets.FloatSlider(
        min=low,
        max=high,
        step=step,
        value=float(np.clip(value, low, high)),
        description=label,
        continuous_update=False,
        readout_format=".3f" if step < 0.05 else ".2f",
        style={"description_width": "140px"},
        layout={"width": "330px"},
    )


class _Screen:
    """The panels and the table of readings, as widgets."""

    def __init__(self) -> None:
        import ipywidgets as widgets

        self.images = {
            name: widgets.Image(format="jpeg", layout={"width": "100%"})
            for name in ("picture", "false colour", "waveform")
        }
        captions = {
            "picture": "picture",
            "false colour": "false colour",
            "waveform": "waveform, a line every 25 %",
        }
        panel = {
            name: widgets.VBox([widgets.HTML(caption), self.images[name]], layout={"width": "100%"})
            for name, caption in captions.items()
        }
        scopes_beside = widgets.VBox([panel["false colour"], panel["waveform"]], layout={"width": "34%"})
        panel["picture"].layout.width = "62%"
        self.readout = widgets.HTML()
        self.box = widgets.VBox(
            [
                widgets.HBox([panel["picture"], scopes_beside], layout={"max_width": "760px"}),
                widgets.HTML(legend()),
                self.readout,
            ]
        )

    def show(self, seen: View, weights: Mapping[str, float]) -> None:
        for name, panel in panels(seen).items():
            self.images[name].value = jpeg(panel)
        said_so = f'<p style="max-width: 640px; line-height: 1.3">{html.escape(sentence(seen, weights))}</p>'
        self.readout.value = readout(seen, weights) + said_so


class LightBoard:
    """Sliders for the groups of `controls`, the picture beside its scopes, and what is read, wanted and paid.

    brief: a mood of BRIEFS or a dict of its entries; controls: of "places", "stops", "colour", "exposure", "grade";
    agent: the policy that takes over at the press of a button, by default the environment's expert. As a cell's last
    line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(
        self,
        brief: str | dict = "day interior",
        controls: tuple[str, ...] = ("stops", "colour", "exposure", "grade"),
        agent: Callable[..., np.ndarray] | None = None,
        seed: int = 1,
    ) -> None:
        import ipywidgets as widgets

        self.env = Lighting(1, brief=brief)
        self.first = self.state = opening(self.env, seed=seed)
        self.brief = brief if isinstance(brief, str) else "of your own"
        self.agent = agent or self.env.expert_policy()
        self.screen = _Screen()
        self.sliders = {}
        for group in controls:
            for control in CONTROLS[group]:
                knob = KNOBS[control.row]
                if group == "colour":
                    slider = _kelvin_slider(control.label, knob.low)
                else:
                    low, high = round(knob.low * control.scale, 2), round(knob.high * control.scale, 2)
                    slider = _slider(control.label, low, high, control.step, low)
                slider.observe(lambda change, control=control: self._moved(control, change["new"]), "value")
                self.sliders[control] = slider
        self.play = widgets.Button(description="Let the agent take over", icon="play", layout={"width": "200px"})
        self.again = widgets.Button(description="Back to the start", icon="undo", layout={"width": "160px"})
        self.play.on_click(lambda _: self.take_over())
        self.again.on_click(lambda _: self.show(self.first))
        groups = [
            widgets.VBox([widgets.HTML(f"<b>{group}</b>"), *(self.sliders[control] for control in CONTROLS[group])])
            for group in controls
        ]
        self.box = widgets.VBox([
            widgets.HTML(f"<b>Brief:</b> {html.escape(self.brief)}"),
            self.screen.box,
            widgets.HBox([self.play, self.again]),
            widgets.HBox(groups, layout={"flex_flow": "row wrap"}),
        ])  # fmt: skip
        self.show(self.state)

    def show(self, state: State) -> None:
        """Set sliders, panels and readings to a state."""
        self.state, self._setting = state, True
        for control, slider in self.sliders.items():
            value = float(knobs(state)[control.row, 0]) * control.scale
            if control in CONTROLS["colour"]:
                slider.value = nearest_kelvin(value)
            else:
                slider.value = float(np.clip(value, slider.min, slider.max))
        self._setting = False
        self.groups = light_groups(self.env.take([state]))
        self._draw()

    def take_over(self) -> None:
        """Let the agent play one episode from where the sliders stand, at the pace it was filmed."""
        self.play.disabled = True
        due = time.monotonic()
        for state, seen in takeover(self.env, self.state, self.agent):
            self.state = state
            self.screen.show(seen, self.env.weights)
            due += 1 / FPS
            time.sleep(max(0.0, due - time.monotonic()))
        self.play.disabled = False
        self.show(self.state)

    def _moved(self, control: Control, value: float) -> None:
        if self._setting:
            return
        turned = knobs(self.state)
        turned[control.row] = value / control.scale
        self.state = with_knobs(self.state, turned)
        if control in CONTROLS["places"]:
            self.groups = light_groups(self.env.take([self.state]))
        self._draw()

    def _draw(self) -> None:
        self.screen.show(view(self.env, self.state, self.groups), self.env.weights)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(view(self.env, self.first), self.env.weights, f"Where it starts, brief “{self.brief}”"))


class BriefEditor:
    """A mood to choose and seven targets to edit; the optimising expert lights each at once, as far as it can be lit.

    mood: of BRIEFS. As a cell's last line it shows itself, and a still picture for readers without a kernel.
    """

    def __init__(self, mood: str = "candle-lit", seed: int = 1) -> None:
        import ipywidgets as widgets

        self.env, self.seed, self.screen = Lighting(1), seed, _Screen()
        self.mood = widgets.Dropdown(options=list(BRIEFS), value=mood, description="mood")
        self.sliders = {}
        for name, (low, high) in LIMITS.items():
            label = name.replace("key_fill", "key:fill (… to 1)").replace("_", " ")
            if "kelvin" in name:
                self.sliders[name] = _kelvin_slider(label.replace("kelvin", "(K)"), float(colour.mired(high)))
            else:
                unit = "" if name == "key_fill" else " (stops)"
                self.sliders[name] = _slider(f"{label}{unit}", low, high, 0.5 if name == "key_fill" else 0.1, low)
            self.sliders[name].observe(lambda _: self._edited(), "value")
        self.mood.observe(lambda change: self.choose(change["new"]), "value")
        self.box = widgets.VBox([
            self.mood,
            widgets.HBox(list(self.sliders.values()), layout={"flex_flow": "row wrap"}),
            self.screen.box,
        ])  # fmt: skip
        self.choose(mood)

    @property
    def brief(self) -> dict[str, float]:
        """The brief as it is edited, as `reset(options={"brief": ...})` takes it."""
        return {
            name: float(colour.mired(slider.value)) if "kelvin" in name else slider.value
            for name, slider in self.sliders.items()
        }

    def choose(self, mood: str) -> None:
        """Set the targets to those of a mood."""
        self._setting = True
        for name, value in BRIEFS[mood].items():
            self.sliders[name].value = nearest_kelvin(float(colour.mired(value))) if "kelvin" in name else value
        self._setting = False
        self._edited()

    def _edited(self) -> None:
        if not self._setting:
            self.state = lit(self.env, self.brief, self.seed)
            self.screen.show(view(self.env, self.state), self.env.weights)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        display(still(view(self.env, self.state), self.env.weights, f"The mood “{self.mood.value}”, lit by the expert"))
