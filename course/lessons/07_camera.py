# %% [markdown]
# # 07 · The camera
#
# **Driving question.** “Push in on her, slowly, a little from below, and let the room fall away.” Which numbers of a
# camera does that sentence set? And what will an agent do with the ones that our reward forgets?
#
# **You will**
# - tell what the focal length does from what the distance does, and see why they are confused;
# - work out depth of field, check it against a published table, and play with it in a viewfinder with a lens;
# - write a dolly zoom, and tell a smooth move from a shaky one by its third derivative;
# - write two reward terms, be tricked by both, and mend them;
# - train an agent as focus puller, and see what one learns that has all eight controls.
#
# **Before you start.** Lesson 01; lesson 06 for the training at the end. Nothing of film.
#
# **Time.** 85 minutes to read and do, 60 seconds to run.

# %%
import json
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import camera_move
from rlfilm_lib.envs.shooting import play
from rlfilm_lib.film import framing, lens
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import brief_editor, learning_curves, lens_viewfinder, reward_lab
from rlfilm_lib.widgets.checks import camera as check
from rlfilm_lib.widgets.lens_viewfinder import Camera, dolly_zoom
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, PURPLE, VERMILION, clip, figure, gallery, row

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SCENE = "rlfilm/CameraMove-v0"
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"
WIDTH, HEIGHT = framing.SUPER_35  # mm, of the gate: what the lens draws on

# %% [markdown]
# ## 1. What a lens does, and what it does not
#
# The set of this lesson: one actor, four posts, a string of bulbs, a painted backdrop 5 m behind the actor. First five
# lenses from one place, 2.8 m away. Then the same five lenses, but for each the camera walks to where the actor has
# the same size in the picture.
#
# **Predict.** In which of the two rows does the actor's *face* change its shape? In which does the room?


# %%
def filmed(cameras, positions=None, rotations=None, width=240, **settings):
    """Pictures of the set, one per camera; positions (F, 3) and rotations (F, 3, 3) replace those of the take."""
    shot = lens_viewfinder.take(*cameras, **settings)
    if positions is not None:
        shot = replace(shot, camera_position=np.broadcast_to(positions, shot.camera_position.shape))
    if rotations is not None:
        shot = replace(shot, camera_rotation=np.broadcast_to(rotations, shot.camera_rotation.shape))
    return preview.render(shot, width, width * 9 // 16)


LENSES = (18, 35, 50, 85, 135)  # mm
START = Camera(focal_length=50, f_stop=11, distance=2.8, focus=2.8, gain=True)
one_place = [replace(START, focal_length=f) for f in LENSES]
one_size = [dolly_zoom(START, f) for f in LENSES]

# %% tags=["hide-input"]
gallery(
    [*filmed(one_place, positions=(0, -2.8, 1.52)), *filmed(one_size)],
    [f"{camera.focal_length:.0f} mm from {camera.distance:.1f} m" for camera in one_place + one_size],
    "Two rows of five pictures, with lenses of 18, 35, 50, 85 and 135 mm. Above, all from 2.8 m: the longer the lens, "
    "the tighter the picture. Below, from farther and farther away so that the actor keeps his size: the bulbs behind "
    "him grow, the posts come together, the floor disappears.",
    columns=5,
)

# %% [markdown]
# Above, nothing changes but the frame. A longer lens cuts a smaller piece out of the same view. Below, everything
# changes except the actor's size: how large the room is behind him, what hides what, and at 18 mm, from one metre, his
# nose. So **the lens chooses how much; the place chooses the perspective.** “A long lens flattens” is a short way to
# say: with a long lens you stand far away.
#
# How much is the **angle of view**. The gate of our camera is 24.89 mm wide. Half of it, over the focal length $f$
# behind the lens, is the tangent of half the angle:
#
# $$ \text{angle of view} = 2 \arctan \frac{w}{2 f} $$

# %% tags=["nbval-check-output"]
for f in LENSES:
    print(f"{f:3d} mm: {np.degrees(lens.field_of_view(WIDTH, f)):5.1f}° wide")

# %% [markdown]
# Do you believe the first claim? Take the middle of the 18 mm picture, enlarge it 85/18 times, and put it beside the
# 85 mm picture from the same place.

# %% tags=["hide-input"]
wide = filmed([replace(START, focal_length=18)], positions=(0, -2.8, 1.52), width=1280)[0]
tight = filmed([replace(START, focal_length=85)], positions=(0, -2.8, 1.52), width=320)[0]
rows_kept, columns_kept = (round(side * 18 / 85) for side in wide.shape[:2])
top, left = (wide.shape[0] - rows_kept) // 2, (wide.shape[1] - columns_kept) // 2
gallery(
    [wide[top : top + rows_kept, left : left + columns_kept], tight],
    ["middle of the 18 mm picture, enlarged", "85 mm, from the same place"],
    "The enlarged middle of the 18 mm picture and the 85 mm picture: the same face before the same backdrop.",
    columns=2,
    width=320,
)

# %% [markdown]
# ## 2. What is sharp
#
# A lens is focused on one distance. A point nearer or farther is drawn as a small disc, the **blur circle**. As long as
# the disc is small enough nobody sees it: 0.025 mm on the gate is the usual limit in cinema. The hole through which
# the light passes is $f/N$ wide, where $N$ is the **f-stop**: at f/2 a 50 mm lens has a hole of 25 mm, at f/22 of
# 2.3 mm.
#
# **Predict.** The same shot at f/1.4, f/4 and f/16. (More light makes up for the smaller hole.) What happens to the
# bulbs, what to the eyes?

# %% tags=["hide-input"]
near = Camera(focal_length=85, distance=2.4, focus=2.4, gain=True)
stops = [replace(near, f_stop=stop) for stop in (1.4, 4, 16)]
gallery(
    filmed(stops, width=384),
    [f"f/{camera.f_stop:g}: blur of the backdrop {camera.background_blur:.2f} mm" for camera in stops],
    "A close-up at f/1.4, f/4 and f/16. At f/1.4 the bulbs are large soft discs, at f/16 small points. The eyes are "
    "sharp in all three.",
    columns=3,
    width=300,
)

# %% [markdown]
# The formula comes from similar triangles. Focused at $s$, the lens stands a little more than $f$ from the gate. Light
# from a point at $d$ would meet before or behind the gate; where the gate cuts the cone of light, it is this wide:
#
# $$ c = \frac{f^2}{N} \cdot \frac{|d - s|}{d\,(s - f)} $$
#
# A longer lens counts twice, in $f^2$. A distance counts by how far it is off *as a share of itself*. Now ask it the
# other way round: from where to where is $c$ at most 0.025 mm? First the **hyperfocal distance** $H$, the focus at
# which infinity is just still sharp; near and far limits follow:
#
# $$ H = \frac{f^2}{N c} + f, \qquad \text{near} = \frac{s\,(H - f)}{H + s - 2f}, \qquad
#    \text{far} = \frac{s\,(H - f)}{H - s} \;\text{ if } s < H, \text{ else } \infty $$
#
# ### Exercise 1
# Write it as a function. Mind the units: focal length and $c$ are in millimetres, distances in metres.


# %% tags=["exercise"]
def sharp_range(focus, focal_length, f_stop):
    """Nearest and farthest sharp distance, m: focus in m, focal_length in mm, circle of confusion 0.025 mm."""
    return None  # your lines here: near, far; np.inf where it is sharp to infinity


# %% tags=["solution"]
def sharp_range(focus, focal_length, f_stop):
    """Nearest and farthest sharp distance, m: focus in m, focal_length in mm, circle of confusion 0.025 mm."""
    f = focal_length / 1000
    H = focal_length**2 / (f_stop * 0.025) / 1000 + f
    near = focus * (H - f) / (H + focus - 2 * f)
    far = focus * (H - f) / (H - focus) if focus < H else np.inf
    return near, far


# %% tags=["check", "nbval-check-output"]
check.sharp_range(sharp_range)

# %% [markdown]
# Formulas are cheap; does anybody else get these numbers? Kodak printed a table for the 50 mm lens, with
# $c = 1/1000$ inch, in feet. Beside it, ours:

# %% tags=["nbval-check-output"]
KODAK = {1.4: 230.7, 2.8: 115.3, 5.6: 57.7, 11: 29.4, 22: 14.7}  # hyperfocal distances, feet
for stop, printed in KODAK.items():
    ours = float(lens.hyperfocal(50, stop, 0.0254)) / 0.3048
    print(f"f/{stop:<4g} Kodak {printed:6.1f} ft   ours {ours:6.1f} ft   {100 * (ours / printed - 1):+.1f} %")

# %% [markdown]
# The last digits differ because Kodak leaves out the “$+ f$”, two inches. (A second table, near and far limits in a
# manual of Nikon's, agrees as well: `tests/film/test_lens.py`.)
#
# ### The viewfinder, with a lens
# The plan shows the field of view in blue, what is sharp in green, the focus as a dashed line; dot: actor, rings:
# posts. Try, and predict each time:
#
# 1. At 2.8 m, which setting makes the actor sharp and the bulbs as large as possible? What happened to the exposure?
# 2. Focus on the post in front of the actor. How far do you have to close the iris until the actor is sharp again?
# 3. Tick *dolly zoom* and *focus on the eyes*, then change the focal length. What does the green zone do?

# %%
lens_viewfinder.LensViewfinder()

# %% [markdown]
# The third one surprises most people. At the same size and the same f-stop the depth of field about the actor is
# nearly the same for *every* lens. What changes is the backdrop: a long lens, from far away, enlarges a smaller piece
# of it, and its blur with it.
#
# ## 3. The iris has two jobs
#
# The hole that decides the blur also decides the light. Its area goes with $(f/N)^2$. So each time $N$ doubles there is
# a quarter of the light, **two stops** less:
#
# $$ \text{change of exposure} = 2 \log_2 \frac{N_\text{before}}{N_\text{after}} \;\text{stops} $$
#
# The light of this set is right for f/4.

# %% tags=["hide-input"]
dark = [Camera(focal_length=50, f_stop=stop, distance=2.8, focus=2.8) for stop in (1.4, 2.8, 4, 8, 22)]
gallery(
    filmed(dark),
    [f"f/{camera.f_stop:g}: {camera.stops + 0.0:+.1f} stops" for camera in dark],
    "The same shot at f/1.4, f/2.8, f/4, f/8 and f/22: from burnt out over right at f/4 to nearly black.",
    columns=5,
)

# %% [markdown]
# Keep the last picture in mind. Everything in it is sharp.
#
# ## 4. From where: angle, side, lead room
#
# **Angle.** A camera below the eyes looks up and makes a person stronger; from above it makes them small. We measure
# it as the elevation of the camera over the eyes: low is −12°, high +14°. The head tilts the other way to keep them in
# the picture.
#
# **Side and lead room.** Somebody who looks to the right wants room on the right, **lead room**. Give it behind them
# instead and the picture says that something is coming from there.

# %% tags=["hide-input"]
EYES = np.array([0, 0, lens_viewfinder.EYES])
third = np.arctan(HEIGHT / 6 / 50)  # rad between the axis of a 50 mm lens and the upper third


def elevated(degrees, distance=2.8):
    """Position and rotation of a camera that looks at the eyes from so far above them."""
    e = np.radians(degrees)
    return EYES + distance * np.array([0, -np.cos(e), np.sin(e)]), framing.aim(0.0, -e - third)


shot = replace(START, f_stop=4)
low, eye, high = (filmed([shot], *(a[None] for a in elevated(degrees)), width=320)[0] for degrees in (-20, 0, 20))
aside = float(framing.visible_height(2.8, 50)) * WIDTH / HEIGHT / 6  # a sixth of the picture's width, in metres
room, none = (filmed([shot], (x, -2.8, 1.51), width=320, heading=0.9)[0] for x in (aside, -aside))
gallery(
    [low, eye, high, room, none],
    ["low, −20°", "eye level", "high, +20°", "lead room ⅓", "lead room −⅓"],
    "Five pictures: from below, at eye level, from above; then the actor looking right, once with room before him and "
    "once against the edge of the frame.",
    columns=5,
)

# %% [markdown]
# In numbers: the eyes at $u$ across the picture (0 left, 1 right), the gaze to the right. The space ahead is $1 - u$,
# the space behind $u$, lead room is the difference $1 - 2u$. On the left third it is ⅓, the most that anybody asks for.
#
# ## 5. Movement is a derivative
#
# A still picture has a place, an angle and a lens. A **movement** is how they change, and each change has its name:
#
# | name | what changes | unit |
# |---|---|---|
# | pan, tilt | the direction: about the vertical, about the camera's right | °/s |
# | truck, dolly | the place: sideways, towards or away | m/s |
# | pedestal | the height | m/s |
# | zoom | the focal length, $d \log_2 f / dt$ | octaves/s |
#
# **Predict.** In a pan and in a truck the actor crosses the picture from right to left. How will you tell the two
# apart? And a dolly from a zoom, where he grows twofold in both?

# %% tags=["hide-input"]
four = np.linspace(-1, 1, 4)
pan = filmed([START] * 4, (0, -2.8, 1.51), framing.aim(np.radians(9 * four), 0.0))
truck = filmed([START] * 4, np.column_stack([0.44 * four, np.full(4, -2.8), np.full(4, 1.51)]))
closer = 2.8 * 2 ** (-0.5 * four)
dolly = filmed([replace(START, distance=d, focus=d) for d in closer])
zoom = filmed([replace(START, focal_length=50 * 2 ** (0.5 * x)) for x in four])
names = [f"{name}, {moment}" for name in ("pan", "truck", "dolly", "zoom") for moment in ("first", "", "", "last")]
gallery(
    [*pan, *truck, *dolly, *zoom],
    [name.removesuffix(", ") for name in names],
    "Four frames each of a pan, a truck, a dolly and a zoom. In the pan actor, bulbs and posts shift together; in the "
    "truck the bulbs behind stay almost where they are while he crosses them. In the dolly he grows much more than the "
    "gaps between the bulbs; in the zoom both grow alike.",
    columns=4,
    width=200,
)

# %% [markdown]
# Look at the bulbs. In a pan everything shifts together, in a truck the near things overtake the far ones: that is
# **parallax**, and only a camera that changes its *place* has it. The same with dolly and zoom: a dolly changes the
# perspective, a zoom enlarges. It is section 1 again, over time.
#
# ### The dolly zoom
# Do both at once, against each other: zoom in and dolly back, so that the actor keeps his size. His size is
# proportional to $f / d$, so $d / f$ has to stay constant.

# %%
vertigo = [dolly_zoom(replace(START, f_stop=4), f) for f in (20, 35, 60, 105)]
gallery(
    filmed(vertigo),
    [f"{camera.focal_length:.0f} mm from {camera.distance:.1f} m" for camera in vertigo],
    "Four frames of a dolly zoom from 20 to 105 mm: the actor stays as he is, the room behind him swells and its bulbs "
    "grow soft.",
    columns=4,
    width=220,
)

# %% [markdown]
# ### Exercise 2
# The zoom goes at $z$ octaves per second: $f(t) = f_0\, 2^{z t}$. The actor is $d$ metres away. How fast does the
# camera have to go at this moment, in metres per second *away* from the actor, to hold $d / f$?


# %% tags=["exercise"]
def dolly_speed(distance, zoom_rate):
    """Velocity away from the subject, m/s, that holds distance / focal length; zoom_rate in octaves/s."""
    return None  # your line here


# %% tags=["solution"]
def dolly_speed(distance, zoom_rate):
    """Velocity away from the subject, m/s, that holds distance / focal length; zoom_rate in octaves/s."""
    return distance * np.log(2) * zoom_rate  # d(t) = d 2^(z t); its derivative at t = 0


# %% tags=["check", "nbval-check-output"]
check.dolly_speed(dolly_speed)

# %% [markdown]
# ## 6. Smooth
#
# Two ways to push in by 1.5 m in 3 seconds. The first sets off at full acceleration and brakes as hard. The second is
# eased in and out. Both start and end at the same place at the same time.
#
# **Predict.** The eye does not mind velocity, and hardly acceleration. Which derivative will tell the two apart?

# %% tags=["hide-input"]
DT = 1 / 24
time = np.arange(-6, 79) * DT
share = np.clip(time / 3, 0, 1)
SWITCH = 0.25  # of the way, spent on each ramp
abrupt = np.where(
    share < SWITCH,
    share**2 / 2 / SWITCH,
    np.where(share > 1 - SWITCH, 1 - SWITCH - (1 - share) ** 2 / 2 / SWITCH, share - SWITCH / 2),
) * (1.5 / (1 - SWITCH))
eased = 1.5 * share**3 * (10 - 15 * share + 6 * share**2)
fig, panels = plt.subplots(1, 3, figsize=(9.6, 2.3), layout="constrained")
for name, position, colour, style in (("abrupt", abrupt, VERMILION, "-"), ("eased", eased, BLUE, "--")):
    for order, panel in enumerate(panels, 1):
        panel.plot(time[order:] - order * DT / 2, np.diff(position, order) / DT**order, style, color=colour, label=name)
for panel, words in zip(panels, ("velocity (m/s)", "acceleration (m/s²)", "jerk (m/s³)"), strict=True):
    panel.set(xlabel="time (s)", ylabel=words)
    panel.spines[["top", "right"]].set_visible(False)
panels[0].legend(frameon=False, fontsize=9)
figure(
    fig,
    "Velocity, acceleration and jerk of an abrupt and an eased push. The velocities look alike; the acceleration of "
    "the abrupt one jumps four times, and its jerk has four spikes, where that of the eased one stays low.",
)

# %% [markdown]
# The **jerk**, the derivative of the acceleration, is what a viewer feels as a bump and a hand as a tremor. Smoothness
# is scored by its mean square. People move their hands in just the way that keeps it small (Flash and Hogan, 1985).
#
# ### Exercise 3
# Positions $x_0, x_1, \dots$ at steps of $dt$. The third difference over $dt^3$ is the jerk. Write its mean square.
# (`np.diff(x, n)` takes the difference $n$ times.)


# %% tags=["exercise"]
def squared_jerk(position, dt):
    """Mean of the squared jerk of positions (T,), m²/s⁶."""
    return None  # your line here


# %% tags=["solution"]
def squared_jerk(position, dt):
    """Mean of the squared jerk of positions (T,), m²/s⁶."""
    return np.mean((np.diff(position, 3) / dt**3) ** 2)


# %% tags=["check", "nbval-check-output"]
check.squared_jerk(squared_jerk)

# %% tags=["nbval-check-output"]
jerks = {
    name: np.mean((np.diff(position, 3) / DT**3) ** 2) for name, position in (("abrupt", abrupt), ("eased", eased))
}
print({name: f"{jerk**0.5:.1f} m/s³ rms" for name, jerk in jerks.items()})

# %% [markdown]
# ## 7. The film set
#
# Now all of it at once. In `rlfilm/CameraMove-v0` an actor walks, turns and stops among set pieces that may hide him.
# The agent has an operator's eight rates: truck, dolly, pedestal, pan, tilt, zoom, focus, iris. They have limits, and
# inertia: a dolly needs a quarter of a second to follow the hand. A take lasts 6 seconds, 72 actions. The **brief**
# asks for a movement, a size, an angle, a side, lead room, and a blur of the backdrop. The reward is a sum of terms:

# %% tags=["nbval-check-output"]
env = rlfilm.make_vec(SCENE, num_envs=1)
print(len(camera_move.OBSERVATION), "observations,", env.single_action_space.shape[0], "controls")
for name, weight in env.weights.items():
    print(f"{weight:+6.2f}  {name.replace('_', ' ')}")

# %% [markdown]
# Here is one take as the *expert* plays it, a scripted operator who looks a little ahead. He tracks the actor at a
# constant distance.
#
# **Predict.** For a moment a column stands between the camera and the actor. Which terms will notice?

# %%
BRIEF = {"movement": "tracking", "k": 0.7, "angle": "eye", "side": "left", "lead_room": 0.25}
SEED = 9
expert = env.expert_policy()
take = play(expert, SCENE, seed=SEED, options={"brief": BRIEF})
env.reset(seed=SEED, options={"brief": BRIEF})
start = env.state()
walk = start["path"][0].reshape(camera_move.PATH_STEPS, -1)[: camera_move.STEPS + 1]

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 2.9), width_ratios=(1, 1.3), layout="constrained")
left.plot(*walk[:, :2].T, color=VERMILION, lw=2, label="actor")
left.plot(*take.take.camera_position[:, :2].T, "--", color=BLUE, lw=2, label="camera")
left.plot(*walk[0, :2], "o", color=VERMILION)
left.plot(*take.take.camera_position[0, :2], "s", color=BLUE)
for x, y, radius in zip(*start["pieces"][0].reshape(2, -1), camera_move.PIECE_RADIUS.ravel(), strict=True):
    left.add_patch(plt.Circle((x, y), radius, color="#777777"))
left.plot([], [], "o", color="#777777", label="set piece")
left.axhline(camera_move.BACKDROP, color="grey", lw=3)
left.set(aspect="equal", xlabel="x (m)", ylabel="y (m)")
left.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
seconds = (np.arange(len(take.rewards)) + 1) / camera_move.STEPS_PER_SECOND
for (name, style), colour in zip(
    {"visibility": "-", "thirds": "--", "focus": "-.", "movement": ":"}.items(),
    (VERMILION, BLUE, GREEN, PURPLE),
    strict=True,
):
    right.plot(seconds, take.terms[name], style, color=colour, lw=1.8, label=name)
right.set(xlabel="time (s)", ylabel="term", ylim=(-0.03, 1.05))
right.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Left: plan of the take, the actor's path and the camera's beside it, three set pieces as grey discs. Right: four "
    "terms over time; visibility falls to 0 where a column stands between camera and actor, the others do not notice.",
)

# %%
gallery(
    preview.render(take.take[::28], 240, 135),
    [f"{28 * number / 24:.1f} s" for number in range(6)],
    "Six frames of the take: the actor walks, the camera beside him; a column passes between them.",
    columns=6,
    width=155,
)

# %% [markdown]
# Only *visibility* does. The eyes are on their third, in focus, followed at the right speed, and behind a column. A
# reward without that term would have been content. (Movement dips where the actor turns or stops: the camera is heavy,
# too.)
#
# ### Write a brief
# Choose a shot and have the expert play it. Try the sentence from the beginning: a push-in, from below, with a blur of
# the backdrop of a few per cent of the picture's height. Then ask for something hard: an orbit of a walking actor, say,
# or a dolly zoom with a backdrop that is to stay sharp.

# %%
brief_editor.BriefEditor("realisation")

# %% [markdown]
# ## 8. Be tricked by your own reward
#
# Somebody has to write these terms. Let us be the one. We begin with **focus**, and one medium shot. For every lens we
# go to where the shot has its size; at every f-stop a hand sets the focus on the eyes, and since no hand is exact it is
# off by some 5 %, ten tries. A term gets three numbers: the blur circle at the eyes (mm), the blur circle of the
# backdrop (mm), and how many stops the exposure is off. The brief asks for sharp eyes before a soft room: 0.2 mm.
#
# A first idea, and it says exactly what we mean by focus:


# %%
def naive_focus(blur, background, stops):
    """1 where the eyes are sharp."""
    return np.exp(-(blur**2) / (2 * 0.05**2))


# %% [markdown]
# **Predict.** Six lenses, nine stops. Which take wins?

# %%
reward_lab.show_focus(naive_focus)

# %% [markdown]
# A perfect score. The term asked for sharp eyes, and here they are, sharper than anybody can set them by hand: the
# shortest lens at the smallest hole, where focus does not matter any more. Everything is sharp, nothing is soft, and
# all of it is five stops too dark. **The agent did what we wrote.** That is called reward hacking, and it is not the
# agent's mistake.
#
# So we add what the brief says of the background. Will that do?


# %%
def second_try(blur, background, stops):
    """1 where the eyes are sharp and the backdrop is as soft as the brief asks."""
    return naive_focus(blur, background, stops) * np.exp(-(np.log2(background / 0.2) ** 2) / (2 * 0.75**2))


reward_lab.show_focus(second_try)

# %% [markdown]
# Tricked again. The blur is right, by the widest hole of the shortest lens, three stops too bright. Each hole in the
# reward is found, in the order in which they pay.
#
# ### Exercise 4
# Write the term that cannot be filled by a wrong picture. Blur is compared in octaves, as above; exposure in stops.


# %% tags=["exercise"]
def focus_term(blur, background, stops):
    """Between 0 and 1; blur and background in mm, stops off the right exposure; asked: 0.2 mm."""
    return None  # your lines here


# %% tags=["solution"]
def focus_term(blur, background, stops):
    """Between 0 and 1; blur and background in mm, stops off the right exposure; asked: 0.2 mm."""
    return second_try(blur, background, stops) * np.exp(-(stops**2) / 2)


# %% tags=["check", "nbval-check-output"]
check.focus_term(focus_term)

# %%
reward_lab.show_focus(focus_term if focus_term(0.0, 0.2, 0.0) is not None else second_try)

# %% [markdown]
# (That is why the environment has background blur and exposure among its terms. f/22 would fill `focus` there as well.)
#
# ### A second trap: movement
# The brief asks for a push-in at 0.3 m/s. Six operators try; the term sees the velocity towards the actor at each of 72
# steps. The first idea: “the camera should move”, so its speed is rewarded.

# %%
reward_lab.show_moves(lambda velocity: np.abs(velocity).mean() / 1.5)

# %% [markdown]
# The camera shakes as hard as it can and gets nowhere. Nobody else can be that fast for that long. A better idea:
# reward the *average* velocity, 0.3 m/s.
#
# **Predict.** Who wins now? Look at the six curves and their averages first.

# %%
reward_lab.show_moves(lambda velocity: np.exp(-((velocity.mean() - 0.3) ** 2) / (2 * 0.1**2)))

# %% [markdown]
# Two share the prize, and one of them shakes. Its average is right and every single moment is wrong.
#
# ### Exercise 5
# Write the term so that the steady push wins clearly.


# %% tags=["exercise"]
def movement_term(velocity):
    """Between 0 and 1; velocity (72,) towards the actor in m/s, asked: 0.3 m/s."""
    return None  # your line here


# %% tags=["solution"]
def movement_term(velocity):
    """Between 0 and 1; velocity (72,) towards the actor in m/s, asked: 0.3 m/s."""
    return np.mean(np.exp(-((velocity - 0.3) ** 2) / (2 * 0.1**2)))  # every step is judged, not their average


# %% tags=["check", "nbval-check-output"]
check.movement_term(movement_term)

# %% [markdown]
# ### The same, learned
# In these two cases we searched; an agent tries. So here is a stored run: PPO on the whole film set with all eight
# controls, but with the one term *focus* as its reward. What does it do with the lens?

# %%
stored = json.loads((MEDIA / "camera_move.json").read_text("utf-8"))
print(stored["command"])
policies = {
    "focus alone": rlfilm.load(MEDIA / "camera_move" / "focus_alone.safetensors"),
    "everything": rlfilm.load(MEDIA / "camera_move" / "policy.safetensors"),
}
BRIEF, SEED = {"movement": "static", "k": 0.45, "angle": "eye", "side": "left", "f_stop": 4.0}, 6
tricked = {name: play(policy, SCENE, seed=SEED, options={"brief": BRIEF}) for name, policy in policies.items()}

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 2.3), layout="constrained")
for (name, played), colour, style in zip(tricked.items(), (VERMILION, BLUE), ("-", "--"), strict=True):
    seconds = np.arange(len(played.take)) / played.take.fps
    left.plot(seconds, played.take.f_stop, style, color=colour, lw=2, label=f"rewarded: {name}")
    right.plot(seconds, played.take.focal_length, style, color=colour, lw=2)
left.axhline(BRIEF["f_stop"], color=BLACK, lw=1, ls=":", label="what the light asks for")
for axes, ticks, words in (
    (left, (2.8, 4, 5.6, 8, 11, 16, 22), "f-stop"),
    (right, (18, 25, 35, 50, 85), "focal length (mm)"),
):
    axes.set(yscale="log", xlabel="time (s)", ylabel=words)
    axes.minorticks_off()
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.spines[["top", "right"]].set_visible(False)
left.legend(frameon=False, fontsize=8)
figure(
    fig,
    "f-stop and focal length over one take. The agent rewarded for focus alone closes the iris to f/22 and zooms out "
    "to 18 mm within three seconds; the one rewarded for everything holds both near what brief and light ask for.",
)

# %%
gallery(
    [
        preview.render(played.take[frame : frame + 1], 240, 135)[0]
        for played in tricked.values()
        for frame in (0, 72, len(played.take) - 1)
    ],
    [f"{name}, {moment}" for name in tricked for moment in ("first frame", "middle", "last frame")],
    "Three frames of either take. Rewarded for focus alone the picture gets wider and darker; rewarded for everything "
    "it keeps the actor's size and its light.",
    columns=3,
    width=220,
)

# %% [markdown]
# Within three seconds it is where our search was: the shortest lens, the smallest hole. It has never seen our table. It
# has only tried, and this is where the term paid.
#
# ## 9. Train
#
# First something small. With `controls=1` the agent is the **focus puller**: all else is done by the expert, it has
# the ring. The actor walks, and the ring has inertia, so whoever turns it must look ahead.
#
# **Predict.** An untrained focus puller leaves the ring nearly alone. Is that better or worse than turning it at
# random?

# %%
pull = rlfilm.make_vec(SCENE, num_envs=32, controls=1)
learner = rlfilm.learner("ppo", pull, backend=BACKEND, seed=0)


def earned(policy, **settings):
    return rlfilm.evaluate(policy, SCENE, episodes=64, seed=1, **settings).return_mean


judged = {
    "random": earned(pull.random_policy(seed=0), controls=1),
    "untrained": earned(learner.policy(), controls=1),
    "expert": earned(pull.expert_policy(), controls=1),
}
history = rlfilm.train(learner, pull, steps=40_000, progress=False)
judged["trained"] = earned(learner.policy(), controls=1)
print(f"{BACKEND}: {learner.steps:,} steps in {history[-1]['wall_s']:.0f} s;", end=" ")
print(", ".join(f"{name} {value:.1f}" for name, value in judged.items()))

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
steps, returns = (history.column(name) for name in ("steps", "return_mean"))
ended = np.isfinite(returns)  # iterations in which a take ended
axes.plot(steps[ended] / 1000, returns[ended], color=BLUE, lw=2, label="while it tries")
axes.plot(learner.steps / 1000, judged["trained"], "D", color=BLUE, mec=BLACK, ms=8, label="judged without dice")
learning_curves.plot_lines(axes, {name: judged[name] for name in ("random", "untrained", "expert")})
axes.set(xlabel="environment steps (thousands)", ylabel="return of a take (at most 72)")
axes.legend(frameon=False, fontsize=9, loc="lower right")
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Return of the focus puller against steps, rising from near the random policy to near the expert, which is drawn "
    "as a line together with random and untrained.",
)

# %% tags=["nbval-check-output"]
print(
    "the trained focus puller beats the untrained and the random one:",
    judged["trained"] > max(judged["random"] + 1, judged["untrained"] + 1),
)

# %% [markdown]
# Random and untrained are about as bad: turns to and fro cancel, and no turn leaves the ring where it is wrong. The
# trained one is as good as the expert in everything that the ring can do.
#
# Now the whole camera: eight controls, six movements, any brief. That takes minutes, so it is a stored run, three seeds
# in each framework. (The command stands above.)


# %% tags=["hide-input"]
def whole(name, backend="tensorflow"):
    return [run for run in stored["runs"] if (run["name"], run["backend"]) == (name, backend)]


fig, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for backend, colour, style, marker in (("pytorch", VERMILION, "-", "s"), ("tensorflow", BLUE, "--", "D")):
    runs = whole("everything", backend)
    steps = np.array(runs[0]["steps"]) / 1000
    learning_curves.plot(axes, steps, np.array([run["return_mean"] for run in runs]), colour, f"PPO, {backend}", style)
    axes.plot([1.03 * steps[-1]] * len(runs), [run["return"] for run in runs], marker, color=colour, mec=BLACK, ms=6)
axes.plot([], [], "D", color="white", mec=BLACK, ms=6, label="judged without dice")
untrained = float(np.mean([run["untrained"] for run in stored["runs"]]))
learning_curves.plot_lines(axes, {"random": stored["random"], "untrained": untrained, "expert": stored["expert"]})
axes.set(xlabel="environment steps (thousands)", ylabel="return of a take (at most 72)", ylim=(0, 74))
axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.17))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Learning curves of PPO with all eight controls in both frameworks, three seeds each with mean and interval, "
    "beside the lines for random, untrained and expert.",
)


# %%
def score(earned):
    return (earned - stored["random"]) / (stored["expert"] - stored["random"])


for name, backend in (("everything", "pytorch"), ("everything", "tensorflow"), ("focus alone", "tensorflow")):
    runs = whole(name, backend)
    reached = [score(run["return"]) for run in runs]
    print(
        f"{backend:10s} rewarded for {name:11s}: score on the whole reward {np.mean(reached):.2f}, "
        f"seeds {min(reached):.2f} to {max(reached):.2f}, {np.mean([run['seconds'] for run in runs]):.0f} s each"
    )
print(f"untrained {score(untrained):.2f}, random 0, expert 1")

# %% [markdown]
# Paid for everything, it comes close to the scripted operator, from 300,000 actions, a minute or two of
# computing. Paid for focus alone and judged by what we really wanted, it is worse than untrained: that is the
# price of the short reward. Here is the good one at work, before and after: a push-in on a face, then a walk-and-talk.

# %%
row(
    before=clip(
        MEDIA / "camera_move_untrained.mp4", "two takes in which the camera drifts off and loses the actor", 384
    ),
    after=clip(MEDIA / "camera_move_trained.mp4", "the same takes: the camera moves with the actor and keeps him", 384),
)

# %% [markdown]
# ## The answer
#
# “Push in”: the distance shrinks at a rate, a derivative. “On her”: size, side, headroom, and the eyes in focus.
# “Slowly”: the rate, and a small jerk. “From below”: the elevation of the camera, −12°. “Let the room fall away”: the
# blur of the backdrop, which is focal length, f-stop and two distances in one formula; and the light has to come along,
# since the same hole makes both. A dozen numbers for one sentence. Whatever of them the reward forgets, the agent will
# spend: it closes the iris to be sharp and shakes to be fast. So read your reward as the agent will: *what is the
# cheapest way to fill this term?*
#
# Light came up three times. It is the next lesson.
#
# ## Quiz
#
# 1. The actor has the same size at 35 and at 135 mm. What has changed the perspective?
#    (a) the focal length (b) the distance (c) the f-stop
# 2. From f/2.8 to f/5.6, nothing else changes. The picture gets
#    (a) half the light (b) twice the depth of field and the same light (c) a quarter of the light and half the blur
# 3. A dolly zoom goes from 35 to 70 mm and begins 2 m away. It ends
#    (a) 4 m away, the backdrop larger (b) 1 m away, the backdrop smaller (c) 2 m away, the actor larger
# 4. The camera pans past a post in front of a wall. The post and the wall behind it
#    (a) slide past each other (b) keep their places before one another (c) change their sizes
# 5. Which of these has no jerk? (a) setting off at full speed within one step (b) a trembling hand (c) constant
#    acceleration
# 6. A reward of sharp eyes is filled by f/22. What mends it?
#    (a) terms for what the picture lost: blur of the backdrop, light (b) a larger weight (c) a longer training

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None, 6: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "c", 3: "a", 4: "b", 5: "c", 6: "a"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - S. Ray, *Applied Photographic Optics*, 3rd edition, 2002, chapter 22: depth of field.
# - Kodak, *The Essential Reference Guide for Filmmakers*, 2007: the table of section 2.
# - T. Flash, N. Hogan, “The coordination of arm movements: an experimentally confirmed mathematical model”, *Journal of
#   Neuroscience* 5, 1985: hands move so as to keep the jerk small.
# - F. Chaumette, S. Hutchinson, “Visual servo control, part I”, *IEEE Robotics & Automation Magazine* 13, 2006: what
#   the expert does.
# - M. Christie, P. Olivier, J.-M. Normand, “Camera control in computer graphics”, *Computer Graphics Forum* 27, 2008.
# - R. Bonatti et al., “Autonomous aerial cinematography in unstructured environments with learned artistic decision-
#   making”, *Journal of Field Robotics* 37, 2020: a camera that flies, with a learned director.
# - D. Amodei et al., “Concrete problems in AI safety”, 2016, arXiv:1606.06565: reward hacking, with names.
# - J. Skalse, N. Howe, D. Krasheninnikov, D. Krueger, “Defining and characterizing reward hacking”, NeurIPS 2022.
