# %% [markdown]
# # 08 · Light and colour
#
# **Driving question.** A director says “candle-lit”, or “like a film noir”. Which numbers is that? And what does an
# agent do to the picture when we write down nearly the right ones?
#
# **You will**
# - count light in stops, and know why a lamp twice as far away gives a quarter;
# - read a face by key:fill ratio, false colour and waveform, as a camera crew does;
# - mix colour temperatures in mired, where equal steps look equal;
# - know what the display does to light, and what a grade can and cannot mend;
# - write a reward, watch an optimiser earn all of it with a terrible picture, and mend it;
# - train an agent that lights a face to any brief.
#
# **Before you start.** Lessons 01 and 06. Nothing of film or of light.
#
# **Time.** 85 minutes to read and do, 60 seconds to run.

# %%
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import lighting
from rlfilm_lib.envs.lighting import BRIEFS, KNOBS, LIGHTS, MEASURES, Lighting
from rlfilm_lib.film import colour, light, scopes
from rlfilm_lib.media import look
from rlfilm_lib.rl.config import configure, to_json
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import learning_curves, light_board
from rlfilm_lib.widgets.checks import light_and_colour as check
from rlfilm_lib.widgets.light_board import BriefEditor, LightBoard, photograph, photographs
from rlfilm_lib.widgets.monitor import Monitor
from rlfilm_lib.widgets.picture import BLACK, BLUE, ORANGE, figure
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SET = "rlfilm/Lighting-v0"
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"
stored = json.loads((MEDIA / "lighting.json").read_text("utf-8"))

env = Lighting(1)
day = light_board.lit(env, "day interior")  # a set-up that suits the eye, found by the expert
groups = light_board.light_groups(env.take([day]))

# %% [markdown]
# ## 1. One lamp
#
# Picture first. One lamp, nothing else. On the left it hangs 1.2 m from the cheek, in the middle 2.4 m away, in the
# same direction. On the right it is still 2.4 m away, but burns four times as bright.
#
# **Predict.** How much darker is the face in the middle? And is the picture on the right the same as the left one?

# %% tags=["hide-input"]
CHEEK = 1  # among the points that the environment meters
cheek, out = lighting.POINTS.position[CHEEK], lighting.POINTS.normal[CHEEK]
direction = lighting.light_position(day["azimuth"].T, day["height"].T)[:, 0, 0] - cheek
direction /= np.linalg.norm(direction)


def one_lamp(distance, stops):
    """The scene-linear picture under one lamp at this distance (m) from the cheek."""
    take = env.take([day])
    position, switched = take.light_position.copy(), np.full((1, 4), light_board.OUT)
    position[0, 0], switched[0, 0] = cheek + distance * direction, stops
    white = np.full((1, 4), take.white_balance)
    lamp = replace(
        take, light_position=position, light_stops=switched, light_kelvin=white, exposure=np.zeros(1), grade=None
    )
    return next(preview.scene_linear(lamp, light_board.WIDTH, light_board.HEIGHT))


shots = {"1.2 m": (1.2, -1.4), "2.4 m": (2.4, -1.4), "2.4 m, four times as bright": (2.4, 0.6)}
photographs(
    {name: preview.develop(one_lamp(*shot)) for name, shot in shots.items()},
    "A face lit by one lamp. From 2.4 m it is much darker than from 1.2 m. With four times the light it is as bright "
    "as before, but the wall behind is brighter.",
    width=320,
)

# %% [markdown]
# The light of a small lamp spreads over a sphere, and the sphere grows with the square of the distance. The light that
# falls on a surface, its **illuminance**, is
#
# $$ E = I \cdot \frac{\cos\theta}{d^2} $$
#
# with $d$ the distance and $\theta$ the angle at which it falls. Twice the distance, a quarter of the light: the face
# in the middle has a quarter. Four times the light gives it back. But look at the wall on the right. From the near
# lamp, the wall is more than three times as far as the face; from the far lamp, less than twice. So a near lamp *falls
# off*: it makes the background dark. Distance is not the same knob as brightness.
#
# A film crew counts light in factors of two. One **stop** more is twice the light, one stop less is half:
#
# $$ \text{stops} = \log_2 \frac{E}{E_\text{reference}} $$
#
# Why logarithms? The eye sees factors, not differences. And what multiplies in light adds in stops: lamp, distance,
# aperture and shutter are then plain sums.
#
# ### Exercise 1
# How many stops does a lamp gain or lose when it is moved?


# %% tags=["exercise"]
def moved_lamp(before, after):
    """Stops that the light on the face changes by when the lamp moves from `before` to `after`, distances in m."""
    return None  # your line here


# %% tags=["solution"]
def moved_lamp(before, after):
    """Stops that the light on the face changes by when the lamp moves from `before` to `after`, distances in m."""
    return 2 * np.log2(before / after)


# %% tags=["check", "nbval-check-output"]
check.moved_lamp(moved_lamp)

# %% [markdown]
# The library's light meter, held to the cheek and to the wall behind, for the three pictures:

# %% tags=["nbval-check-output"]
wall, to_camera = np.array([0.3, lighting.BACKDROP, 1.8]), np.array([0.0, -1.0, 0.0])
for name, (distance, stops) in shots.items():
    lamp = cheek + distance * direction
    face = light.stops_between(light.illuminance(cheek, out, lamp, stops), 1)
    background = light.stops_between(light.illuminance(wall, to_camera, lamp, stops), 1)
    print(f"{name:27s} face {face:+.1f} stops, wall {background:+.1f}, wall below face {face - background:.1f}")

# %% [markdown]
# ## 2. Light adds up: key and fill
#
# Four lamps. The **key** lights the face. The **fill** softens its shadows from the other side. The **back** light
# stands behind and draws a rim along hair and shoulder. The **practical** is the lamp that is seen in the picture; it
# lights the wall. Each alone, and all together:

# %% tags=["hide-input"]
white, exposure = np.full(4, lighting.WHITE_BALANCE), float(day["exposure"][0, 0])
switched = {name: np.arange(4) == lamp for lamp, name in enumerate(LIGHTS)} | {"all four": np.full(4, True)}
photographs(
    {
        name: preview.develop(
            light_board.mixed(groups, np.where(on, day["stops"][0], light_board.OUT), white, exposure)
        )
        for name, on in switched.items()
    },
    "The same face under the key, the fill, the back light and the practical alone, and under all four together.",
)

# %% [markdown]
# The last picture is the *sum* of the four others, pixel by pixel (and of a little light that is everywhere). Light is
# linear: rays do not push one another away. So nothing has to be rendered again when a lamp gets brighter or changes
# colour: the pictures of the single lamps are multiplied and added. Renderers call them **light groups**. The board in
# section 6 lives on that.
#
# The most telling number of a face is the ratio of its two sides. The key side gets the key *and* the fill, the other
# side the fill alone:
#
# $$ \text{key:fill} = \frac{K + F}{F} $$
#
# **Predict.** The key is exactly two stops brighter than the fill. Is the ratio 2:1, 4:1 or 5:1?
#
# ### Exercise 2
# Write the ratio for lights given in stops.


# %% tags=["exercise"]
def key_fill(key, fill):
    """The key:fill ratio of a face that gets `key` and `fill`, both in stops."""
    return None  # your line here


# %% tags=["solution"]
def key_fill(key, fill):
    """The key:fill ratio of a face that gets `key` and `fill`, both in stops."""
    return (2.0**key + 2.0**fill) / 2.0**fill


# %% tags=["check", "nbval-check-output"]
check.key_fill(key_fill)

# %% [markdown]
# What the ratio does to a face. Nothing else changes: the bright side is exposed alike in all four.

# %% tags=["hide-input"]
FILL, EXPOSURE = 9, lighting.EXPOSURE  # their rows among the knobs
fills = np.linspace(4, -8, 241)  # stops of the fill light, tried one by one
tried = np.tile(light_board.knobs(light_board.lit(env, "noir")), len(fills))
tried[12:16], tried[17:] = 1e6 / lighting.WHITE_BALANCE, [[0], [0], [1], [1]]  # white lamps, no grade
tried[FILL] = fills
read = light_board.meters(tried)
faces = {}
for ratio in (1.6, 3.0, 6.0, 16.0):
    nearest = int(np.abs(read["key:fill"] - np.log2(ratio)).argmin())
    knobs = tried[:, nearest].copy()
    knobs[EXPOSURE] -= read["face"][nearest]  # the bright side at 0 stops
    take = env.take([light_board.with_knobs(day, knobs)])
    faces[f"{ratio:g}:1"] = preview.render(take, 640, 360)[0, 40:300, 120:320]
photographs(
    faces,
    "Four close-ups. At 1.6:1 the face is lit evenly, at 3:1 it is modelled, at 6:1 one side is dark, at 16:1 it is "
    "almost black.",
)

# %% [markdown]
# Comedies and cosmetics live near 2:1 (**high-key**), most drama near 4:1, film noir at 8:1 and beyond (**low-key**).
#
# ## 3. Exposure: three ways to look at it
#
# Is a picture well exposed? The eye is a bad judge: it adapts. So a crew looks at the picture in three ways. Here is
# one set-up, two stops under, as metered, and two stops over.
#
# - **False colour** paints every pixel by its stops around a grey card that reflects 18 % of the light. Grey is grey,
#   cold colours are under it, warm ones over it. (There is no one standard. The zones here are those of the EL Zone
#   system: whole stops, and a half stop to either side of grey. Many monitors use percent of the signal instead.)
# - The **waveform** keeps the columns of the picture and piles up its pixels by signal: 0 % is black, 100 % white.
#
# **Predict.** Which colour does the bright side of the face have in the middle picture, correctly exposed? Grey?

# %% tags=["hide-input"]
fig, panels = plt.subplots(3, 3, figsize=(9, 5.4), layout="constrained")
for row, offset in zip(panels, (-2, 0, 2), strict=True):
    picture = 2.0**offset * light_board.under(groups, day)
    shown = light_board.graded(picture, day)
    row[0].imshow(shown)
    row[0].axis("off")
    row[0].set_title(f"{offset:+d} stops" if offset else "as metered", fontsize=9)
    light_board.plot_false_colour(row[1], picture)
    light_board.plot_waveform(row[2], shown)
panels[0, 1].set_title("false colour", fontsize=9)
panels[0, 2].set_title("waveform", fontsize=9)
photograph(
    fig,
    "Three exposures, each as picture, false colour and waveform. Two stops under, nearly all is in the cold colours "
    "and the waveform stays low. As metered, the bright side of the face is over grey. Two stops over, face and wall "
    "are two to three stops over grey, and the top of the waveform is squeezed against 100 %.",
)

# %% tags=["nbval-check-output"]
skin = float(colour.luminance(lighting.POINTS.albedo[CHEEK]))
print(f"this skin reflects {skin:.2f} of the light: {light.stops_between(skin, 0.18):+.1f} stops over the card")

# %% [markdown]
# Not grey: this skin reflects 2.7 times as much as the card, so well exposed it lies *well over* it. Darker skin lies
# on the card or below. So there is no single right colour for “a face”. What a meter at the face reads is the *light*,
# and that is what our environment calls the exposure of the face: 0 stops is the light under which a grey card shows as
# 18 %.
#
# And the top right: the waveform does not grow two stops taller. It bends. Section 5 says why.
#
# ## 4. Kelvin and mired
#
# A candle is orange, the sky at dusk is blue. The colour of a glowing body is named by its temperature, in **kelvin**:
# a candle about 1900 K, a light bulb 2800, film lamps 3200, sun at noon 5600, shade 8000 and more. The camera is told
# which of them is white; here 5600 K. Two rows. In the upper one the steps between the lamps are equal in kelvin, in
# the lower one in **mired**, *micro reciprocal degrees*:
#
# $$ M = \frac{10^6}{T} $$
#
# **Predict.** In which row do the steps look more equal?

# %% tags=["hide-input"]
even_kelvin = np.linspace(2200, 10000, 6)
even_mired = colour.mired(np.linspace(colour.mired(2200), colour.mired(10000), 6))
rows = {}
for kelvin in (*even_kelvin, *even_mired):
    picture = light_board.mixed(groups, day["stops"][0], np.full(4, kelvin), exposure)[10:150, 50:250]
    row = "equal kelvin" if len(rows) < 6 else "equal mired"
    rows[f"{row}: {kelvin:.0f} K, {colour.mired(kelvin):.0f} mired"] = preview.develop(picture)
photographs(
    rows,
    "Two rows of six faces from warm to cold light. With equal steps in kelvin nearly all of the change is between the "
    "first two. With equal steps in mired it is spread evenly.",
    columns=6,
    width=160,
)

# %% [markdown]
# From 2200 to 3760 K the picture changes its mood. From 8440 to 10000 K, the same number of kelvin, hardly anything
# happens. In mired the two are 189 and 18. So the reward of our environment counts errors of colour in mired, and
# filters are sold by it: a coloured gel shifts *every* lamp by about the same number of mired.
#
# ### Exercise 3
# The temperature of a lamp behind a gel. “Full CTO”, the orange one, shifts by about +134 mired.


# %% tags=["exercise"]
def through_gel(kelvin, shift):
    """Colour temperature, in kelvin, of a lamp of `kelvin` behind a gel that shifts it by `shift` mired."""
    return None  # your line here


# %% tags=["solution"]
def through_gel(kelvin, shift):
    """Colour temperature, in kelvin, of a lamp of `kelvin` behind a gel that shifts it by `shift` mired."""
    return 1e6 / (1e6 / kelvin + shift)


# %% tags=["check", "nbval-check-output"]
check.through_gel(through_gel)

# %% [markdown]
# ## 5. The display, and the grade
#
# A camera records light over twelve stops and more. A display has a black and a white, and what lies beyond is cut off:
# it **clips**. Between light and display stands a curve. Ours has two parts. The **shoulder** bends the highlights, as
# film does, so that white is reached late and softly. The **sRGB curve** is what the display expects; it gives the
# darks more of the signal.

# %% tags=["hide-input"]
stops = np.linspace(-7, 5, 300)
linear = 0.18 * 2.0**stops
fig, axes = plt.subplots(figsize=(6.4, 2.7), layout="constrained")
axes.plot(stops, 100 * colour.encode_srgb(np.minimum(linear, 1)), color=ORANGE, ls="--", lw=2, label="sRGB alone")
axes.plot(stops, 100 * colour.encode_srgb(colour.shoulder(linear)), color=BLUE, lw=2, label="shoulder, then sRGB")
axes.axvline(0, color=BLACK, lw=0.8, ls=":")
axes.text(0.1, 3, "18 % grey", fontsize=9)
for low, high, shade in zip(
    [-7, *(scopes.ZONES[1:] + scopes.ZONES[:-1]) / 2], [*(scopes.ZONES[1:] + scopes.ZONES[:-1]) / 2, 7],
    scopes.ZONE_COLOURS / 255, strict=True,
):  # fmt: skip
    axes.axvspan(max(low, -7), min(high, 5), ymin=0, ymax=0.05, color=shade, lw=0)
axes.set(xlabel="light (stops around 18 % grey)", ylabel="signal (%)", xlim=(-7, 5), ylim=(-5, 105))
axes.legend(frameon=False, fontsize=9, loc="upper left")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Signal against light in stops. Without a shoulder the curve hits 100 % at two and a half stops over grey and is "
    "cut off. With it, it bends from one and a half stops on and reaches 100 % at about four.",
)

# %% [markdown]
# Behind that curve, on the *signal*, comes the **grade**. Its common language is the ASC CDL, ten numbers. Per channel
#
# $$ \text{out} = \operatorname{clamp}(\text{in} \cdot \text{slope} + \text{offset})^{\text{power}} $$
#
# and then a **saturation** that pulls the channels to their luma or away from it. Slope works most on the whites,
# offset lifts or sinks everything, blacks included, power bends the middle and leaves black and white where they are.

# %% tags=["hide-input"]
ungraded = light_board.under(groups, day)
GRADES = {
    "as it was shot": (1.0, 0.0, 1.0, 1.0),
    "slope 1.3": (1.3, 0.0, 1.0, 1.0),
    "offset −0.1": (1.0, -0.1, 1.0, 1.0),
    "power 1.5": (1.0, 0.0, 1.5, 1.0),
    "saturation 0.4": (1.0, 0.0, 1.0, 0.4),
}
signal = np.linspace(0, 1, 101)
fig, panels = plt.subplots(3, 5, figsize=(11, 4.1), height_ratios=(1.25, 1, 1), layout="constrained")
for column, (name, (slope, offset, power, saturation)) in zip(panels.T, GRADES.items(), strict=True):
    numbers = np.array([slope] * 3 + [offset] * 3 + [power] * 3 + [saturation])
    shown = preview.develop(ungraded, numbers)
    column[0].imshow(shown)
    column[0].set_title(name, fontsize=9)
    column[0].axis("off")
    column[1].plot(signal, signal, color="#999999", lw=1, ls=":")
    column[1].plot(signal, colour.grade(np.repeat(signal[:, None], 3, 1), numbers)[:, 0], color=BLUE, lw=2)
    column[1].set(xticks=(0, 1), yticks=(0, 1), xlabel="in", ylabel="out")
    column[1].tick_params(labelsize=7)
    light_board.plot_waveform(column[2], shown)
photograph(
    fig,
    "Five columns: the picture, the curve and the waveform as shot, with slope 1.3, with offset -0.1, with power 1.5 "
    "and with saturation 0.4. Slope stretches the waveform until its top is cut off, offset moves it down, "
    "power bends its middle, saturation leaves it and takes the colour.",
)

# %% [markdown]
# ### Exercise 4
# Write the CDL of one channel. Mind the order.


# %% tags=["exercise"]
def graded(signal, slope, offset, power):
    """The ASC CDL of one channel: `signal` in [0, 1] to a number in [0, 1]."""
    return None  # your line here


# %% tags=["solution"]
def graded(signal, slope, offset, power):
    """The ASC CDL of one channel: `signal` in [0, 1] to a number in [0, 1]."""
    return np.clip(signal * slope + offset, 0, 1) ** power


# %% tags=["check", "nbval-check-output"]
check.graded(graded)

# %% [markdown]
# Where a change is made matters. A stop more in the *camera* comes before the shoulder: highlights roll off. The same
# lift by *slope* comes after it: they clip. And what has clipped is gone. A white that was ten different whites is one
# number now, and no later curve tells them apart. So light first, grade last.
#
# ## 6. The light board
#
# Your turn. The picture with its scopes, and under them what the meters read, what the brief wants, and the reward term
# that each counts in. Begin with stops and exposure, then colour, the grade last. Can you get the reward above 0.8?
# Then let the agent take over (the expert, for now).

# %%
LightBoard("day interior")

# %% [markdown]
# Now the other way round. Choose a mood, or edit one: the numbers are the director's. An optimiser lights it at once.
# Ask for what cannot be had: a key:fill of 1.5:1 shown with a contrast of 4 stops, or a face at +1.5 stops before a
# wall at −6. Which terms give way? Then a face of 2000 K before a wall of 12000 K: that can be had. What does it cost?

# %%
BriefEditor("candle-lit")

# %% [markdown]
# The five moods, each lit by the expert:

# %% tags=["hide-input"]
moods = {mood: light_board.view(env, light_board.lit(env, mood)) for mood in BRIEFS}
photographs(
    {mood: seen.frame for mood, seen in moods.items()},
    "The same face as a day interior, high-key, candle-lit, in moonlight and as film noir.",
)

# %% tags=["nbval-check-output"]
print(f"{'':13s}", "  ".join(f"{name:>10s}" for name in MEASURES[:5]))
for mood, seen in moods.items():
    asked = [light_board.said(name, seen.wanted[name]).removesuffix(" stops") for name in MEASURES[:5]]
    print(f"{mood:13s}", "  ".join(f"{words:>10s}" for words in asked))

# %% [markdown]
# ## 7. What the agent sees, does and earns
#
# The task is `rlfilm/Lighting-v0`, a take of 4 s in 48 actions. **Actions** turn the knobs, each with its speed: four
# lamps on rails (azimuth, height, stops, colour), the exposure, four numbers of grade. **Observations** are the knobs,
# the brief, and what the readings miss it by: what a gaffer sees with a meter in hand.

# %% tags=["nbval-check-output"]
print(len(KNOBS), "knobs:", ", ".join(knob.name for knob in KNOBS))
print(len(lighting.OBSERVATION), "numbers seen")
for name, weight in Lighting.weights.items():
    print(f"{weight:+.2f} × {name}")

# %% [markdown]
# Nearly every term is a bell around the brief, $g(e, t) = e^{-e^2 / 2t^2}$ of an error $e$ with a tolerance $t$: 0.5
# stops for the face, 30 mired for its colour. Two things about it are deliberate.
#
# - Everything is measured on the *picture*: on patches of the face, of the rim and of the wall, as rendered. Not on the
#   sliders. A key at +2 stops is worth nothing if it stands where it does not reach the face.
# - Key:fill, exposure and separation are measured *before* the grade, in light; contrast and colour *after* it, on the
#   display. So the grade cannot pretend that a face was lit.
#
# Why so careful? See what happens otherwise.
#
# ## 8. A reward that is tricked
#
# Film noir is about contrast. Optics has a formula for it, Michelson's, between 0 and 1, like all our terms. Take it
# between the two sides of the face as displayed, $L_k$ and $L_f$:
#
# $$ \text{contrast} = \frac{L_k - L_f}{L_k + L_f} $$
#
# Looks reasonable? And for the exposure: cameras set it so that the picture is grey *on average*. Say, face and wall
# together: $g\big(\tfrac12(\text{face} + \text{wall}),\ \tfrac12\big)$, both in stops. Also reasonable?
#
# The optimiser below knows nothing of light. It tries 400 set-ups at random, keeps the 40 that earn most, tries again
# around those, sixty times (the **cross-entropy method**). It gets all knobs but those of colour.
#
# **Predict.** What will the pictures look like that earn the full reward? Four runs for each reward.


# %%
def michelson(read):
    """Contrast of the two sides of the face; read["contrast"] is log2(Lk / Lf), in stops."""
    ratio = 2 ** read["contrast"]
    return (ratio - 1) / (ratio + 1)


def grey_on_average(read):
    """Exposure as a camera's automatic does it: face and background together are to be at 0 stops."""
    return np.exp(-(((read["face"] + read["background"]) / 2) ** 2) / (2 * 0.5**2))


night = light_board.lit(env, "noir")  # where the full reward is asked, it is asked for the noir
tricks = {}
for reward in (michelson, grey_on_average):
    for seed in range(4):
        knobs = light_board.best_set_up(reward, seed)
        earned = float(reward(light_board.meters(knobs[:, None]))[0])
        tricks[f"{reward.__name__}, run {seed + 1}: {earned:.2f}"] = light_board.view(
            env, light_board.with_knobs(night, knobs)
        )

# %% tags=["hide-input"]
photographs(
    {name: seen.frame for name, seen in tricks.items()},
    "Above, four pictures that earn 1.00 for Michelson contrast: a face burnt to white on one side and black on the "
    "other. Below, four that earn 1.00 for being grey on average: all differ, some are silhouettes before a bright "
    "wall, some are too bright before a dark one.",
    columns=4,
)

# %%
bad = next(iter(tricks.values()))
light_board.still(bad, env.weights, "Michelson contrast 1.00, under the eyes of the scopes and of the full reward")

# %% tags=["nbval-check-output"]
for rule in (michelson, grey_on_average):
    found = light_board.meters(light_board.best_set_up(rule)[:, None])
    print(f"{rule.__name__}: full reward earned: {bool(rule(found)[0] > 0.99)}", end="; ")
    print(f"more than a third of it clipped: {bool(found['clipping'][0] > 1 / 3)}")

# %% [markdown]
# Does an *agent* do that, too? It sees errors from a brief, and it can only turn knobs at their speed. The environment
# as it is, but paid by Michelson's formula alone; PPO, 30,000 steps. Four takes, their last frames:


# %%
class ContrastAlone(Lighting):
    """Lighting, with nothing but Michelson contrast for a reward."""

    weights: ClassVar = {"contrast": 1.0}

    def _advance(self, actions):
        observations, _, terminated = super()._advance(actions)
        return observations, michelson(light_board.meters(self._knobs))[None], terminated


naive = ContrastAlone(32)
settings = to_json(configure("ppo", SET, num_envs=32, minibatch_size=256))
tricked = rlfilm.learner("ppo", naive, backend=BACKEND, seed=0, **settings)
rlfilm.train(tricked, naive, steps=30_000, progress=False)

observations, _ = naive.reset(seed=3)
for _ in range(naive.episode_steps):
    observations, paid, *_ = naive.advance(tricked.policy()(observations, deterministic=True))
final = light_board.knobs(naive.state())
frames = [light_board.view(env, light_board.with_knobs(night, final[:, take])).frame for take in range(4)]

# %% tags=["hide-input"]
photographs(
    {f"take {take + 1}: paid {paid[take]:.2f}": frame for take, frame in enumerate(frames)},
    "Last frames of four takes by the agent that is paid for contrast alone: in each, half of the face and of the body "
    "sink into black and the rest is lit harshly, in colours from orange to blue.",
)

# %% tags=["nbval-check-output"]
print("paid more than 0.9 in every take:", bool((paid > 0.9).all()))
print("a quarter or more clipped, on average:", bool(light_board.meters(final)["clipping"].mean() > 0.25))

# %% [markdown]
# Michelson first: blacks crushed, skin burnt out. $L_f \to 0$ makes the formula 1, *whatever* $L_k$ is; so the
# optimiser buys the dark side with the grade and the bright side with everything it has. Nobody had said that a face
# must have a skin. The agent finds the same; and look at its colours: nobody pays for them, so they are anything. Grey
# on average is the quiet kind of failure: four different pictures, one reward. What is too bright here pays for what is
# too dark there. A term that cannot tell pictures apart leaves them to chance.
#
# This is **reward hacking**, and the optimiser is not to blame. It did what was written. Four rules against it, all at
# work in section 7:
#
# 1. **Two-sided.** “More is better” has no end but the end of the knob. A bell around a target has.
# 2. **One thing, one term.** Means let errors pay for one another. Face and background need terms of their own.
# 3. **Measured where it counts.** In light, if it is to be lit; on the display, if it is to be seen.
# 4. **A price on damage.** Clipping costs, even where the brief says nothing about it.
#
# ### Exercise 5
# Write a reward for the noir of `BRIEFS["noir"]` (in black and white: colours are left alone) that cannot be tricked.
# `read` holds an array for each of `key:fill` (as log2, 16:1 is 4), `face`, `background`, `contrast`, `separation`, all
# in stops, and `clipping`, from 0 to 1. The check optimises what you wrote, with some spite: what you leave open is
# used against you. Then it looks at the meters.


# %% tags=["exercise"]
def noir(read):
    """A reward (N,) for the readings of N set-ups, each an array (N,)."""
    return None  # your lines here


# %% tags=["solution"]
def noir(read):
    """A reward (N,) for the readings of N set-ups, each an array (N,)."""
    wanted = {"key:fill": 4.0, "face": -0.2, "background": -3.2, "contrast": 4.8, "separation": 1.5}
    terms = [np.exp(-((read[name] - target) ** 2) / (2 * 0.5**2)) for name, target in wanted.items()]
    return np.mean(terms, axis=0) - 0.5 * read["clipping"]


# %% tags=["check", "nbval-check-output"]
check.reward(noir, BRIEFS["noir"])

# %% [markdown]
# And the picture that earns it (try others: leave one term out at a time):

# %%
if noir(light_board.meters(np.zeros((21, 1)))) is not None:
    mended = light_board.with_knobs(night, light_board.best_set_up(noir))
else:
    mended = light_board.with_knobs(night, light_board.best_set_up(michelson))  # until exercise 5 is done
light_board.still(light_board.view(env, mended), env.weights, "What an optimiser makes of the reward")

# %% [markdown]
# ## 9. An agent at the board
#
# An optimiser solves *one* brief, from scratch. An agent learns to answer *any*: it sees the errors and moves.
# Twenty-one knobs at once are a wall, so the environment takes `controls=`: 1 (the exposure), 3 (the stops of key, fill
# and back) or 21. Here are three, in your notebook. The loss is that of lesson 06.
#
# **Predict.** Each of the three lamps begins too bright or too dark, by up to three stops. The key spoils the face's
# exposure *and* its ratio. What should the agent turn when the ratio is right and the face too dark?

# %%
lamps = rlfilm.make_vec(SET, num_envs=32, controls=3)
learner = rlfilm.learner("ppo", lamps, backend=BACKEND, seed=0, minibatch_size=256)
monitor = Monitor(learner, lamps, steps=30_000)
monitor

# %%
history = await monitor.finish()
monitor.still()

# %% [markdown]
# The ratio right and the face too dark: key *and* fill have to go up, by the same stops. No term says so. The agent
# finds it, since each of the two alone costs it the other term. Judged without dice, on takes of its own:

# %% tags=["nbval-check-output"]
three = rlfilm.evaluate(learner.policy(), SET, episodes=64, seed=1, controls=3)
print("nearer to the expert than to random:", three.normalised_score > 0.5)

# %% [markdown]
# All 21 knobs, any brief: a stored run, 300,000 steps, three seeds in either framework.

# %%
print(stored["command"])
scale = Lighting.metadata["yardsticks"][len(KNOBS)]


def normalised(returns):
    """Mean returns on the scale from random, 0, to expert, 1."""
    return (np.asarray(returns) - scale["random"]) / (scale["expert"] - scale["random"])


untrained = float(np.mean(normalised(stored["untrained_return"])))
fig, axes = plt.subplots(figsize=(6.8, 3), layout="constrained")
for name, shade, style in (("pytorch", BLUE, "-"), ("tensorflow", ORANGE, "--")):
    runs = [run for run in stored["runs"] if run["name"] == name]
    curves = normalised([run["return_mean"] for run in runs])
    learning_curves.plot(axes, np.array(runs[0]["steps"]) / 1000, curves, shade, name, style)
    print(f"{name}: judged without dice", ", ".join(f"{normalised(run['return']):.2f}" for run in runs))
learning_curves.plot_lines(axes, {"random": 0.0, "expert": 1.0, "untrained": untrained})
axes.set(xlabel="environment steps (thousands)", ylabel="normalised score", xlim=(0, 300), ylim=(-0.1, 1.1))
axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.15))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Learning curves of PPO on all 21 knobs of Lighting-v0, three seeds in either framework, beside the lines for "
    "random, untrained and expert.",
)

# %% [markdown]
# What does a number like that look like? Two moods that it was never trained on by name, the last frame of a take by
# each policy. Untrained is the agent before its first step; random rolls dice.

# %%
agent = rlfilm.load(MEDIA / "lighting")
fresh = rlfilm.learner("ppo", rlfilm.make_vec(SET, num_envs=1), backend=BACKEND, seed=0).policy()
pictures, reached = {}, {}
for mood in ("candle-lit", "noir"):
    task = Lighting(1, brief=mood)
    players = {
        "random": task.random_policy(seed=0),
        "untrained": fresh,
        "trained": agent,
        "expert": task.expert_policy(),
    }
    for name, player in players.items():
        observations, _ = task.reset(seed=3)
        paid = 0.0
        for _ in range(task.episode_steps):
            observations, reward, *_ = task.advance(player(observations, deterministic=True))
            paid += float(reward[0])
        reached[mood, name] = task.state()
        pictures[f"{mood}, {name}: {paid:.0f} of 48"] = light_board.view(task, task.state()).frame

# %% tags=["hide-input"]
photographs(
    pictures,
    "Candle-lit above, film noir below: last frames by the random, the untrained and the trained policy and by the "
    "expert. Random and untrained miss the mood, trained and expert look alike.",
    columns=4,
)

# %% [markdown]
# Watch it work: the board once more, with the trained agent at the button.

# %%
LightBoard("moonlight", controls=("stops", "exposure"), agent=agent)

# %% [markdown]
# The code that learned it is PPO's, unchanged; nothing in it knows of light.

# %%
twins("ppo", ("class PPO", "return dict"))

# %% [markdown]
# ## 10. Take the look along
#
# A grade outlives the notebook. As a `.cdl` it is ten numbers that a colourist can go on turning; as a `.cube` it is a
# table of 33 × 33 × 33 colours that any camera, monitor or editor applies blindly. Here is the look of the trained
# agent's last noir, written and read back. (From the command line: `rlfilm shoot RUN --export cube`.)

# %%
folder = Path(tempfile.mkdtemp())  # give a folder of your own to keep them
numbers = lighting.cdl(reached["noir", "trained"]["grade"].T)[0]
table = look.cube(numbers)
look.write_cube(folder / "noir.cube", table, title="noir")
look.write_cdl(folder / "noir.cdl", {"noir": numbers})
print((folder / "noir.cdl").read_text())

# %% tags=["nbval-check-output"]
same_table = np.allclose(look.read_cube(folder / "noir.cube"), table, atol=1e-6)
same_numbers = np.allclose(look.read_cdl(folder / "noir.cdl")["noir"], numbers, rtol=1e-6)
print("table", table.shape, "read back:", same_table, "· ten numbers read back:", same_numbers)

# %% [markdown]
# ## The answer
#
# “Candle-lit” is a key:fill of 8:1, the face a little under and the wall two stops under that, an orange of about 370
# mired, a rim one stop over the wall. Each of them is a number that a meter reads on the *picture*, and each is a
# target with two sides. Write down nearly the right number, “as much contrast as possible”, and the agent earns all of
# it with a burnt face before a crushed shadow. It maximises what is written. What was not written is free to be spent.
#
# So look at the picture that earns the full reward *before* you train, with an optimiser if you can. It is the cheapest
# test a reward can have.
#
# ## Quiz
#
# 1. A lamp is moved from 2 m to 4 m. How many stops brighter must it burn to light the face as before?
#    (a) one (b) two (c) four
# 2. The key gives the face 4, the fill 1. Its key:fill ratio is
#    (a) 3:1 (b) 4:1 (c) 5:1
# 3. Which step is the larger one to the eye?
#    (a) 2500 K to 3000 K (b) 8000 K to 9000 K (c) both are alike
# 4. The sky has clipped. Which knob of the CDL brings its clouds back?
#    (a) slope (b) power (c) none
# 5. Your agent earns 0.98 and the picture is terrible. What is wrong?
#    (a) the learning rate (b) the reward: something that matters is not in it (c) it was trained too long

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "c", 3: "a", 4: "c", 5: "b"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - B. Brown, *Cinematography: Theory and Practice*, 3rd edition, 2016: exposure, ratios, false colour, waveform.
# - J. Alton, *Painting with Light*, 1949: the book of film noir's cameraman.
# - A. Adams, *The Negative*, 1981: zones, in stops around grey. The EL Zone system (E. Lachman, 2021) brings them to
#   digital cameras.
# - American Society of Cinematographers, *ASC Color Decision List*, release 1.2, 2009.
# - C. McCamy, “Correlated color temperature as an explicit function of chromaticity coordinates”, 1992.
# - D. Amodei et al., “Concrete problems in AI safety”, 2016, arXiv:1606.06565: reward hacking.
# - R. Rubinstein, “The cross-entropy method for combinatorial and continuous optimization”, 1999.
