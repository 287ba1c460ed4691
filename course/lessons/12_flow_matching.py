# %% [markdown]
# # 12 · Flow matching
#
# **Driving question.** How do you draw a clip out of pure noise, when nobody can write down the density of films?
#
# **You will**
# - draw straight lines from noise to data, and see why no particle can follow them;
# - write down the exact velocity from noise to a few points, and see what is wrong with it;
# - learn a velocity by least squares, and know why its loss never reaches 0;
# - walk from noise to data in 1, 2, 5 and 20 steps, and turn the knob called guidance;
# - walk the same way with dice, and end in the same cloud;
# - scrub from noise to video, give prompts of your own, and measure steps and guidance.
#
# **Before you start.** Lesson 00. Least squares, and the bell curve. Nothing of film.
#
# **Time.** 80 minutes to read and do, 60 seconds to run. From section 7 on it needs `pip install "rlfilm[video]"`.

# %%
import importlib
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.video import captions, data, features, metrics
from rlfilm_lib.video.codec import PCA
from rlfilm_lib.video.conditions import Encoder
from rlfilm_lib.video.flow import FlowConfig, integrate, points, wander
from rlfilm_lib.video.generator import Size, minibatches, train
from rlfilm_lib.widgets import clip_scrubber, flow_field
from rlfilm_lib.widgets.checks import flow_matching as check
from rlfilm_lib.widgets.clip_scrubber import ClipScrubber
from rlfilm_lib.widgets.flow_field import FlowField, follow
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, SKY, VERMILION, figure, image_tag, png
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
twin = importlib.import_module(f"{rlfilm.BACKENDS[BACKEND][1]}.flow")
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"

# %% [markdown]
# ## 1. Lines that cross
#
# A clip is a long row of numbers. Somewhere among all rows of that length lie those that look like film. A formula for
# their density? Nobody has one. But we own *examples*. And there is one density that everybody can draw from: noise,
# every number from a bell curve of its own.
#
# So: take noise, and move it. Until it lies where the examples lie.
#
# Begin with clips of **one number**. There are two films in the world, at −1.5 and at +1.5. Draw noise $\varepsilon$ at
# time $t = 0$, draw one of the films $x_1$ by the toss of a coin, and go straight from one to the other:
#
# $$ x_t = (1-t)\,\varepsilon + t\,x_1, \qquad 0 \le t \le 1 $$
#
# The left picture shows thirty such lines. They are easy to draw, because we have tossed the coin. A particle that
# comes out of noise and is to find its own way has no coin. All it knows is where it is, $x$, and what time it is, $t$.
#
# **Predict.** Put a particle at the black dot, where two lines cross, one going up and one going down. Which way shall
# it go? And one in the middle, $x = 0$?

# %% tags=["hide-input"]
films = np.array([-1.5, 1.5]).reshape(2, 1, 1)
noise = np.random.default_rng(4).standard_normal((30, 1, 1))
ends = films[np.random.default_rng(5).integers(2, size=30)]
ways = follow(flow_field.field(films), noise, 100)
fig, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6), sharey=True, layout="constrained")
for start, end in zip(noise.ravel(), ends.ravel(), strict=True):
    left.plot([0, 1], [start, end], color=SKY, lw=0.9)
right.plot(np.linspace(0, 1, 101), ways[:, :, 0, 0], color=SKY, lw=0.9)
for start, end in ((1.423, -1.5), (-0.192, 1.5)):
    left.plot([0, 1], [start, end], color=BLACK, lw=1.2)
left.plot(0.35, 0.4, "o", color=BLACK, ms=7, zorder=3)
for axes, title in ((left, "each noise with a film by chance"), (right, "each place with its average direction")):
    axes.plot([1, 1], [-1.5, 1.5], "o", color=ORANGE, ms=9, zorder=3, clip_on=False)
    axes.set(xlabel="time t", title=title, xlim=(0, 1.02), ylim=(-2.6, 2.6))
    axes.spines[["top", "right"]].set_visible(False)
left.set_ylabel("the clip, one number x")
figure(
    fig,
    "Left: thirty straight lines from noise at t = 0 to two films at t = 1; they cross everywhere. Right: the paths "
    "of particles that follow the average direction at each place and time. They do not cross: the upper half of the "
    "noise bends to the upper film, the lower half to the lower.",
)

# %% [markdown]
# Let it go the **average** way. Of all lines that pass through $x$ at time $t$, some lead up and some lead down, and
# some are more likely than others. Their mean is the velocity
#
# $$ v(x, t) = \mathbb E\big[\,x_1 - \varepsilon \;\big|\; x_t = x\,\big] $$
#
# On the right every particle does just that, and the paths no longer cross: one place, one time, one direction. At the
# black dot up wins, three to one: a line that leads up from there began at −0.2, which noise often does; one that leads
# down began at 1.4, which it seldom does. In the middle up and down cancel.
#
# And here is the wonder. Look at the two pictures at any time $t$, through a vertical slit: **the same crowd** stands
# there. Through each place the particles carry as much as the lines do, ups and downs balanced; so nowhere is anybody
# missing, or too many. At $t = 1$ both end in the same two films, half and half. The lines needed a coin. The particles
# only need $v$.
#
# ## 2. The exact velocity
#
# With a handful of films we can work $v$ out. A particle is at $x$ at time $t$. If its line leads to film $x_i$, it
# must have begun in the noise $\varepsilon = (x - t x_i)/(1-t)$, so its velocity is
#
# $$ x_i - \varepsilon = \frac{x_i - x}{1-t}. $$
#
# How likely is it that it leads there? The line to $x_i$ stands at $t x_i$ plus noise of standard deviation $1-t$. So
# weigh each film by that bell, and let the weights add up to 1:
#
# $$ w_i \;\propto\; \exp\left(-\frac{\lVert x - t\,x_i\rVert^2}{2\,(1-t)^2}\right), \qquad
#    v(x, t) = \sum_i w_i\, \frac{x_i - x}{1-t} $$
#
# From now on a clip has **two numbers**, so that we can see it.
#
# ### Exercise 1
# Write it for $N$ particles at once. (If the exponents are very negative, take their largest away before the `exp`: the
# weights stay the same.)


# %% tags=["exercise"]
def exact_velocity(x, t, data):
    """x (N, 2): particles; t: one number below 1; data (M, 2): the films. Returns v (N, 2)."""
    return None  # your lines here


# %% tags=["solution"]
def exact_velocity(x, t, data):
    """x (N, 2): particles; t: one number below 1; data (M, 2): the films. Returns v (N, 2)."""
    squared = ((x[:, None] - t * data) ** 2).sum(axis=-1)
    logits = -squared / (2 * (1 - t) ** 2)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    return (weights @ data - x) / (1 - t)


# %% tags=["check", "nbval-check-output"]
check.exact_velocity(exact_velocity)

# %% [markdown]
# Eight films, on two crescents. On the left you hold one particle (black): the blue lines lead to where it may be
# going, the wider the likelier; the red arrow points to their average. On the right goes the whole cloud.
#
# **Predict**, before you move the time: where do *all* the arrows point at $t = 0$? What do they do shortly before
# $t = 1$?

# %%
angles = np.pi * (np.arange(4) + 0.5) / 4
crescent = np.stack([(np.cos(angles) - 0.5) / 0.87, (np.sin(angles) - 0.25) / 0.5], axis=1)
eight = np.concatenate([crescent, -crescent])
FlowField(eight)

# %% [markdown]
# At $t = 0$ nothing is known yet. Every film is equally likely, wherever the particle is, so all arrows point to the
# **mean of all films**. On the way the places become clues; the weights part. Near the end each particle has one film
# left, and the arrows point to the nearest.
#
# Now the flaw. Where does every particle end? On one of the eight films. Here are four hundred films on the crescents,
# and two hundred particles that follow their exact velocity:


# %%
def crescents(n, rng):
    """n points (n, 1, 2) of about unit variance on two crescents, and which of them as one-hot rows (n, 2)."""
    label, angle = np.arange(n) % 2, np.pi * rng.random(n)
    sign = 1 - 2 * label
    x, y = sign * (np.cos(angle) - 0.5) / 0.87, sign * (np.sin(angle) - 0.25) / 0.5
    return (np.stack([x, y], axis=1) + 0.08 * rng.standard_normal((n, 2)))[:, None], np.eye(2)[label]


films, labels = crescents(400, np.random.default_rng(0))


def nearest(some, others):
    """(N,) distance of each of some (N, 1, 2) to the nearest of the others (M, 1, 2)."""
    return np.sqrt(((some - others[:, 0]) ** 2).sum(axis=-1)).min(axis=1)


# %% tags=["nbval-check-output"]
copies = integrate(flow_field.field(films), np.random.default_rng(1).standard_normal((200, 1, 2)), 300)
fresh, _ = crescents(200, np.random.default_rng(7))
for name, some in (("particles", copies), ("fresh films, drawn like the 400", fresh)):
    print(f"{name:32s} less than 0.005 from one of the 400: {np.mean(nearest(some, films) < 0.005):.0%}")

# %% [markdown]
# A perfect copying machine. The exact velocity of a data set makes the data set, and nothing else. And each arrow looks
# at all films, at each step: with a million films that is slow as well.
#
# What we want is a *smooth* velocity that is almost this one. Something like a network.
#
# ## 3. Least squares
#
# How does a network learn an average that we cannot work out? By the oldest trick of statistics. Ask for one number $v$
# that is as close as can be, in squares, to many targets. The best answer is their **mean**.
#
# So nobody has to tell it the mean. Draw a film, a noise and a time. Stand on the line between them. Say to the
# network: *here, now, the answer was $x_1 - \varepsilon$*. The next time another line comes through the same place and
# says something else. The network cannot please both, and settles for the average, which is $v(x, t)$:
#
# $$ \text{loss} = \mathbb E\;\big\lVert\, v_\theta(x_t, t) - (x_1 - \varepsilon) \,\big\rVert^2 $$
#
# This is all of flow matching (Lipman et al., 2023). No simulation in the loop, no second network, no likelihood.
#
# ### Exercise 2
# Write what the loss is made of: the place and the target. Each film of the batch has a time of its own.


# %% tags=["exercise"]
def training_pair(noise, clips, t):
    """noise, clips (B, 2); t (B,), each in [0, 1]. Returns the places x_t (B, 2) and the targets (B, 2)."""
    return None  # your lines here


# %% tags=["solution"]
def training_pair(noise, clips, t):
    """noise, clips (B, 2); t (B,), each in [0, 1]. Returns the places x_t (B, 2) and the targets (B, 2)."""
    t = t[:, None]
    return (1 - t) * noise + t * clips, clips - noise


# %% tags=["check", "nbval-check-output"]
check.training_pair(training_pair)

# %% [markdown]
# In the library that is `points` in `video/flow.py`, in NumPy, once for both frameworks. What each of them adds is the
# step. Tinted lines differ.

# %%
twins("flow", ("def descend", "return loss"))

# %% [markdown]
# Let us train one on the 400 films: the library's own `Flow`, with clips of one frame ($T = 1$) of two numbers
# ($Z = 2$). It is also told which crescent a film lies on ($C = 2$); three times in ten that is withheld.
# (`known` above; section 5 says what for.)
#
# **Predict.** The network is large enough. After many steps, where will the loss be: near 0, near 1, or still falling?

# %%
config = FlowConfig(
    width=32, layers=1, minibatch_size=256, learning_rate=3e-3, ema_decay=0.99, condition_dropout=0.3, guidance=1.0
)
flow = twin.Flow(config, Size(frames=1, latent=2, condition=2))
draw = minibatches(films.astype(np.float32), labels.astype(np.float32))
both = np.eye(2, dtype=np.float32)[np.arange(600) % 2]  # conditions to sample with: half of each crescent
seen, losses = {}, []
for steps in (0, 50, 200, 800):
    losses += [row["loss"] for row in train(flow, draw, steps, progress=False)]
    seen[steps] = flow.sample(both, np.random.default_rng(1))

# %% tags=["hide-input"]
MOON = np.array([BLUE, VERMILION])


def scatter(axes, made, title, colours=None):
    axes.plot(*films[:, 0].T, ".", color="#cccccc", ms=4, zorder=0)
    axes.scatter(*made[:250, 0].T, s=3, c=BLUE if colours is None else colours[:250])
    axes.set(xlim=(-3, 3), ylim=(-2.6, 2.6), xticks=(), yticks=(), aspect="equal")
    axes.set_title(title, fontsize=10)


fig, grid = plt.subplots(1, 5, figsize=(10.5, 2.3), width_ratios=(1, 1, 1, 1, 1.25), layout="constrained")
for axes, (steps, made) in zip(grid, seen.items(), strict=False):
    scatter(axes, made, f"{steps} steps", MOON[both.argmax(axis=1)])
curve = grid[-1]
curve.plot(np.arange(1, len(losses) + 1), losses, color="#bbbbbb", lw=0.7)
curve.plot(np.arange(25, len(losses) - 24), np.convolve(losses, np.ones(50) / 50, "valid"), color=BLUE, lw=1.8)
curve.set(xlabel="steps", ylabel="loss", ylim=(0, 2.2))
curve.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Points made after 0, 50, 200 and 800 steps of training, over the 400 films in grey: round noise, two clouds side "
    "by side, two bent clouds, two crescents, each in its colour. Right: the loss falls from 2 to about 1.2 within a "
    "hundred steps, and then hardly at all.",
)

# %% [markdown]
# The pictures get better and better. The loss stops after a hundred steps. It looks as if nothing more was learned!
#
# Of course: the targets through one place *differ*. Even the exact velocity cannot say them all. Its loss is the floor.
# Let us measure both on 20,000 fresh lines, told the crescent, and count what lies above the floor.

# %%
rows = np.random.default_rng(2).integers(400, size=20_000)
drawn = points(films[rows], np.random.default_rng(3), 0.0)
known_crescent = [flow_field.field(films[labels[:, label] == 1]) for label in (0, 1)]
v = {"exact, of the 400 films": np.empty_like(drawn.x)}
for label, exact in enumerate(known_crescent):
    mine = labels[rows, label] == 1
    v["exact, of the 400 films"][mine] = exact(drawn.x[mine], drawn.times[mine])
v["network, 800 steps"] = flow.velocity(labels[rows], guidance=1.0)(
    drawn.x.astype(np.float32), drawn.times.astype(np.float32)
)
floor = np.mean((v["exact, of the 400 films"] - drawn.velocity) ** 2)
for name, each in v.items():
    print(f"{name:24s} loss {np.mean((each - drawn.velocity) ** 2):.3f}")

# %% [markdown]
# So a loss of flow matching tells little. It is mostly floor. Judge the *clouds*.
#
# And what of the copying machine? How far is a made point from the nearest film, and how far would a *fresh* film be,
# drawn by the same hand as the 400?

# %%
learned = flow.sample(both, np.random.default_rng(1))
for name, some in (("exact velocity", copies), ("network", learned), ("fresh films", fresh)):
    print(f"{name:15s} distance to the nearest of the 400: median {np.median(nearest(some, films)):.3f}")

# %% tags=["nbval-check-output"]
print("the network's points are new:", bool(np.median(nearest(learned, films)) > 1e-3))
print("and lie where films lie:", bool(np.median(nearest(learned, films)) < 3 * np.median(nearest(fresh, films))))

# %% [markdown]
# The network is *worse* than the exact velocity at the task it was given. That is why it makes new films. It is too
# smooth to turn into 400 single points, and fills in between. (A very large network, trained for very long, copies.)
#
# ## 4. Steps
#
# A velocity says how to go, not where to arrive. One has to walk: from noise at $t = 0$, in steps of length $h$,
#
# $$ x \leftarrow x + h\, v(x, t), \qquad t \leftarrow t + h. $$
#
# That is **Euler's method**. Each step trusts the velocity at its beginning until its end.
#
# ### Exercise 3
# Write it.


# %% tags=["exercise"]
def euler(velocity, noise, steps):
    """velocity(x, t): from places (N, 2) and one number to (N, 2); noise (N, 2). Returns the places at t = 1."""
    return None  # your lines here


# %% tags=["solution"]
def euler(velocity, noise, steps):
    """velocity(x, t): from places (N, 2) and one number to (N, 2); noise (N, 2). Returns the places at t = 1."""
    x = noise
    for step in range(steps):
        x = x + velocity(x, step / steps) / steps
    return x


# %% tags=["check", "nbval-check-output"]
check.euler(euler)

# %% [markdown]
# **Predict.** The whole way in *one* step: what comes out? Remember where the arrows point at $t = 0$. (Each particle
# is told its crescent, blue or red.) How many steps does it take until you cannot see the difference?

# %%
start = flow.noise(600, np.random.default_rng(1))
walked = {steps: integrate(flow.velocity(both, guidance=1.0), start, steps) for steps in (1, 2, 5, 20, 100)}
for steps, made in walked.items():
    off, missed = nearest(made, films).mean(), nearest(films, made).mean()
    print(f"{steps:3d} steps: a point is {off:.2f} off the nearest film; a film is {missed:.2f} off the nearest point")

# %% tags=["hide-input"]
fig, grid = plt.subplots(1, 5, figsize=(10.5, 2.1), layout="constrained")
for axes, (steps, made) in zip(grid, walked.items(), strict=True):
    scatter(axes, made, f"{steps} step{'s' * (steps > 1)}", MOON[both.argmax(axis=1)])
figure(
    fig,
    "Points after 1, 2, 5, 20 and 100 Euler steps, each in the colour of the crescent that it was told. One step: two "
    "small blots, inside the bows. Two: two thick short arcs. Five: two crescents. Twenty and a hundred look the same.",
)

# %% tags=["nbval-check-output"]
means = np.stack([films[labels[:, label] == 1].mean(axis=0) for label in (0, 1)])  # of each crescent, (2, 1, 2)
error = np.abs(walked[1] - means[both.argmax(axis=1)]).mean()
print("one step lands on the mean of the crescent that was told, nearly:", bool(error < 0.25 * films.std()))

# %% [markdown]
# One step gives the **mean of all films** that fit what was told, whatever the noise:
# $x + v(x, 0) = x + (\bar x - x) = \bar x$. No film lies there. For video that is a grey blur. Two steps find the mean
# of what is still possible after half the way, and so on. The paths bend, and each step cuts a corner.
#
# If the paths were straight, one step would do. *Rectified flow* (Liu et al., 2023) makes them straighter: draw noise,
# follow the flow to its end, and train a second flow on lines between these two. Those pairs do not cross any more.
#
# ## 5. Guidance
#
# Now to the words. The network was told which crescent, and sometimes not told. So it knows two velocities: $v_c$ with
# the condition and $v_0$ without. Their difference is *what the words change*. Why not go further in that direction
# than it was learned?
#
# $$ v_g = v_0 + g\,(v_c - v_0) $$
#
# With $g = 0$ it does not listen, $g = 1$ is as learned, $g > 1$ is **guidance** (Ho & Salimans, 2022).
#
# ### Exercise 4
# One line.


# %% tags=["exercise"]
def guided(without, with_condition, guidance):
    """without, with_condition: velocities (N, 2); guidance: one number. Returns the guided velocity (N, 2)."""
    return None  # your line here


# %% tags=["solution"]
def guided(without, with_condition, guidance):
    """without, with_condition: velocities (N, 2); guidance: one number. Returns the guided velocity (N, 2)."""
    return without + guidance * (with_condition - without)


# %% tags=["check", "nbval-check-output"]
check.guided(guided)

# %% [markdown]
# **Predict.** Two crescents, each point coloured by the one it was *told*. What does $g = 0$ look like? What does
# $g = 4$ do to the blue one: fuller, thinner, longer, moved? Which part of it does it lose?

# %%
told = both.argmax(axis=1)
strengths = {g: flow.sample(both, np.random.default_rng(1), guidance=g) for g in (0, 1, 2, 4)}
for g, made in strengths.items():
    right = np.mean((nearest(made, films[labels[:, 1] == 1]) < nearest(made, films[labels[:, 0] == 1])) == told)
    spread = np.mean([made[told == one].std(axis=0).mean() for one in (0, 1)])
    print(f"g = {g}: {right:4.0%} on the crescent they were told; spread of one crescent {spread:.2f}")

# %% tags=["hide-input"]
fig, grid = plt.subplots(1, 4, figsize=(9.4, 2.3), layout="constrained")
for axes, (g, made) in zip(grid, strengths.items(), strict=True):
    scatter(axes, made, f"g = {g}", MOON[told])
figure(
    fig,
    "Points in the colour of the crescent that they were told, at guidance 0, 1, 2 and 4. At 0 both colours are mixed "
    "on both crescents. At 1 each colour has its own. At 2 they are thinner. At 4 they are short thin arcs that have "
    "drawn away from each other, and the tips next to the other crescent are empty.",
)

# %% [markdown]
# With more guidance the points are surer of their crescent, and they *vary less*. The tips that lie close to the other
# crescent empty first: there the words change little for a particle, and are pushed away from. At $g = 4$ the points no
# longer lie where films lie. So guidance buys obedience with variety: a knob, and its best setting is a measurement.
#
# ## 6. Noise on the way
#
# The walk so far has no dice in it once the noise is drawn. The next lesson wants to *reinforce* a generator, and for
# that it needs what every policy in this course has had: a **log-probability** of what was done. A walk without dice
# has none. So: can we shake the particles on their way, and still end in the right cloud?
#
# **Predict.** After every step, kick each particle by a little random amount. What happens to the crescents?
#
# They blur; noise spreads. To make up for it, let the particles drift back to where the crowd is denser, just as fast
# as the kicks drive them apart. The direction to the denser place is the *score*, $\nabla \log p_t(x)$. And we own it
# already: $p_t$ is a blur of standard deviation $1-t$, and the noise in $x$ is on the average
# $\mathbb E[\varepsilon \mid x] = x - t v$, so that
#
# $$ \nabla \log p_t(x) = -\frac{\mathbb E[\varepsilon \mid x]}{1-t} = \frac{t\,v - x}{1-t}. $$
#
# With kicks of strength $\sigma_t = a\sqrt{2(1-t)}$ the drift back is $\tfrac12 \sigma_t^2\, \nabla\log p_t$, and $1-t$
# falls out:
#
# $$ dx = \big(v + a^2\,(t\,v - x)\big)\,dt + a\sqrt{2(1-t)}\;dw. $$
#
# `wander` in the library does it. Here are a walk without kicks, one with kicks and drift, and one with kicks alone;
# all with the exact velocity, so that no network can be blamed.

# %%
STEPS, exact = 60, flow_field.field(films)
noise = np.random.default_rng(1).standard_normal((500, 1, 2))
smooth = follow(exact, noise, STEPS)
shaken = wander(exact, noise, STEPS, noise_level=1.0, rng=np.random.default_rng(8))
x, kicked = noise, [noise]
for step in range(STEPS):  # the kicks, without the drift
    t = np.full(len(x), step / STEPS)
    kick = np.sqrt(2 * (1 - t[:, None, None]) / STEPS) * np.random.default_rng(step).standard_normal(x.shape)
    x = x + exact(x, t) / STEPS + kick
    kicked.append(x)
walks = {"no kicks, a = 0": smooth, "kicks and drift, a = 1": shaken.x, "kicks alone": np.stack(kicked)}

# %% tags=["hide-input"]
fig, grid = plt.subplots(3, 3, figsize=(6.6, 5.0), layout="constrained")
for row, (name, places) in zip(grid, walks.items(), strict=True):
    for axes, t in zip(row, (0.5, 0.85), strict=False):
        scatter(axes, places[round(t * STEPS)], f"t = {t:g}")
    row[0].set_ylabel(name)
    for number, colour in ((4, BLUE), (7, GREEN), (11, VERMILION)):
        row[2].plot(*places[:, number, 0].T, color=colour, lw=1)
        row[2].plot(*places[0, number, 0], "o", color=colour, ms=4)
    row[2].plot(*films[:, 0].T, ".", color="#cccccc", ms=4, zorder=0)
    row[2].set(xlim=(-3, 3), ylim=(-2.6, 2.6), xticks=(), yticks=(), aspect="equal")
    row[2].set_title("three of them", fontsize=10)
figure(
    fig,
    "Three rows: without kicks, with kicks and drift, with kicks alone. The clouds of the first two rows are alike at "
    "t = 0.5 and 0.85, though single paths are smooth in the first and jagged in the second. In the third row the "
    "clouds are much too wide.",
)

# %% tags=["nbval-check-output"]
print("spread of the cloud    " + "   ".join(f"t = {t:.2f}" for t in (0.25, 0.5, 0.75, 0.9)))
variance = films.var(axis=0).mean()
theory = [np.sqrt((1 - t) ** 2 + t**2 * variance) for t in (0.25, 0.5, 0.75, 0.9)]
print(f"{'of the lines':24s}" + "       ".join(f"{spread:.1f}" for spread in theory))
for name, places in walks.items():
    spreads = [np.sqrt(places[round(t * STEPS)].var(axis=0).mean()) for t in (0.25, 0.5, 0.75, 0.9)]
    print(f"{name:24s}" + "       ".join(f"{spread:.1f}" for spread in spreads))

# %% [markdown]
# Same clouds, at every time. Other paths, and each step is now a draw from a bell of known mean and width. So it has a
# log-probability, exactly:

# %% tags=["nbval-check-output"]
step = 30
z = (shaken.x[step + 1] - shaken.means[step]) / shaken.stds[step][:, None, None]
by_hand = (-(z**2) / 2 - np.log(shaken.stds[step][:, None, None]) - np.log(2 * np.pi) / 2).sum(axis=(1, 2))
print("steps, particles:", shaken.log_probs.shape)
print("log-probability of a step, by hand and stored, agree:", np.allclose(by_hand, shaken.log_probs[step]))

# %% [markdown]
# A state, an action drawn from a bell, its log-prob: the walk from noise to a clip has become an episode. That is where
# lesson 13 begins.

# %% [markdown]
# ## 7. Frames
#
# Now for video. Our films are made here (`video/data.py`): a shape or a digit goes over a dark ground, in time with a
# sound. Each comes with three descriptions, and each of these tells what the others do not.
#
# - A **caption**: colour, subject, verb, speed, direction.
# - A **reference** picture: the exact shade, the size, the handwriting, where it sets off.
# - The **onsets** of the sound, a number per frame: on a beat the subject swells and surges ahead.
#
# Sixteen frames of 16 × 16 pixels in three colours are 12,288 numbers, and most of them are redundant. A principal
# component analysis writes each frame as a few numbers, coarse ones first: where the subject is, its colour; then finer
# ones. They are scaled so that the coarse ones are about as large as noise and the fine ones smaller. Thus noise drowns
# the fine ones first, and on the way back they appear last. Above a clip, below what the numbers keep of it:

# %%
encoder = Encoder(PCA.load(MEDIA / "flow" / "codec.safetensors"))
codec = encoder.codec
clips = data.make(96, seed=12)  # none that the flow was trained on
print(f"a frame: {np.prod(codec.shape)} numbers, as {codec.components}; a clip: {encoder.frames} of them")
print(f"the first caption: {clips.captions[0].text}")

# %% tags=["hide-input"]
sheet = clip_scrubber.strip([clips.frames[0], codec.decode(codec.encode(clips.frames[0]))])
image_tag(
    png(sheet),
    "Two strips of sixteen frames: a clip as it was made, and below it what the codec keeps of it, a little softer.",
    sheet.shape[1],
)

# %% [markdown]
# What changes in the flow? Nothing but the shape. A point $x$ is now sixteen frames of so many numbers each. The
# velocity has the same shape. So `points`, `integrate` and the loss are those of the crescents, to the letter.
#
# The network has to see a clip as a whole: frame 9 must know where the subject was in frame 8. It is a small
# **transformer** (Peebles & Xie, 2023). Each frame is a token. In *attention* every frame looks at every other and
# takes from it what it needs. The time $t$ and the condition do not enter as tokens; they *modulate*: in each block
# they make a shift, a scale and a gate.

# %%
twins("flow", ("def velocity", 'return linear(params, "velocity"'))

# %%
twins("flow", ("def guided", "return without +"))

# %% [markdown]
# Training it takes too long for a lesson, so it is stored; the command stands beside it.

# %%
film_flow = twin.Flow.load(MEDIA / "flow" / "shipped")
stored = json.loads((MEDIA / "flow.json").read_text("utf-8"))["shipped"]["train"]
print(stored["command"])
print(f"{film_flow.size}, {stored['weights']:,} weights, {film_flow.steps:,} minibatches")

# %% [markdown]
# ### From noise to video
#
# The slider goes from noise (0) to the clip, in Euler steps. The upper strip is the clip *as it stands*. The lower one
# shows where it is *heading*: $x_t + (1-t)\,v$, where the velocity would take it if it went straight on. (In section 2
# that was the tip of the red arrow.)
#
# **Predict**, before you move it: what is in the lower strip at $t = 0$, when there is nothing but noise above? What
# will you recognise first: colour, subject, or the way it moves?
#
# Then write prompts of your own, in the grammar *a colour subject verb speed direction*: "a yellow three circles fast
# to the right". Change the number of the noise, and the same prompt gives another clip.

# %%
PROMPTS = (
    "a red disc bounces slowly to the left",
    "a green seven moves fast up",
    "a yellow triangle circles fast to the right",
    "a blue zero moves slowly down",
)
ClipScrubber(film_flow, encoder, PROMPTS, seed=1)

# %% [markdown]
# At $t = 0$ the velocity knows the prompt and nothing else, so every noise is heading for the **mean of all clips of
# that prompt**, a coloured fog. (With guidance, a mean that overdoes what the words change.) It is section 4 again: one
# Euler step would stop right there.
#
# When is what decided? Take 48 prompts, and split the numbers of a frame into the four coarsest, the next twelve, and
# the fine rest. At each moment compare where a clip is heading with what it becomes.
#
# **Predict.** Which numbers settle first? At what time are the coarse ones half settled?

# %%
asked = clips.captions[:48]
told_text = encoder(captions=asked)
ways = clip_scrubber.record(film_flow, told_text, guidance=1.0, seed=2)
error = np.sqrt(np.mean((ways.heading - ways.x[-1]) ** 2, axis=(1, 2)))  # by step and number of a frame
parts = {"1 to 4": slice(0, 4), "5 to 16": slice(4, 16), f"17 to {codec.components}": slice(16, None)}
open_yet = {name: error[:, part].mean(axis=1) / error[0, part].mean() for name, part in parts.items()}
times = np.linspace(0, 1, ways.steps + 1)

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.6, 2.7), layout="constrained")
for (name, left_open), colour, style in zip(open_yet.items(), (BLUE, GREEN, VERMILION), ("-", "--", ":"), strict=True):
    axes.plot(times, left_open, style, color=colour, lw=2, label=f"numbers {name}")
axes.set(xlabel="time t", ylabel="share still open", xlim=(0, 1), ylim=(0, 1.1))
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
half = {name: float(times[int(np.argmax(left_open < 0.5))]) for name, left_open in open_yet.items()}
figure(
    fig,
    "How much of a clip is still open, over time, for the coarse, the middle and the fine numbers of its frames: each "
    "curve falls from 1 to 0. "
    + " ".join(f"Numbers {name} are half settled at t = {moment:.2f}." for name, moment in half.items()),
)

# %% [markdown]
# Coarse to fine, whatever the noise: first where the light is and of what colour, last the edges. By a third of the way
# half of the coarse numbers is decided. That is why the lower strip looks like the clip so early, and why the first
# steps are the ones that matter.
#
# ## 8. Ask for it
#
# Now write what you want to see. One prompt, six noises.

# %%
prompt = "a white seven bounces fast up"  # yours
made = film_flow.sample(np.repeat(encoder(captions=[prompt]), 6, axis=0), np.random.default_rng(3))
clip_scrubber.players(
    list(codec.decode(made)), [f"noise {number}" for number in range(6)], f"Six clips of the prompt “{prompt}”.", 110
)

# %% [markdown]
# A word that it does not know is reported, never ignored: a generator that drops half a prompt without a word is a
# nuisance on any set.

# %% tags=["nbval-check-output"]
for prompt in ("a pink disc bounces slowly to the left", "a red disc bounces slowly"):
    try:
        encoder(captions=[prompt])
    except rlfilm.UserError as error:
        print(error)

# %% [markdown]
# A caption leaves much open: where the subject sets off, how large it is, when the beats fall. So six noises gave six
# clips. The reference and the sound tell the rest. Here is a clip that the flow has never seen, and what comes out if
# we tell its caption, its picture, its sound, or all three, with two noises each.
#
# **Predict.** In which of the four pairs are the two clips most alike? In which do they still differ, and in what?

# %%
whole = encoder(clips.captions, clips.reference, clips.onsets)
TOLD = {"caption": ("text",), "picture": ("image",), "sound": ("sound",), "all three": ("text", "image", "sound")}
ONE = 5
asks = [encoder.without(whole[[ONE]], *({"text", "image", "sound"} - set(given))) for given in TOLD.values()]
made = film_flow.sample(np.repeat(np.concatenate(asks), 2, axis=0), np.random.default_rng(4))
print(clips.captions[ONE].text)
clip_scrubber.players(
    [clips.frames[ONE], *codec.decode(made)],
    ["the clip", *(f"{name} {noise}" for name in TOLD for noise in (1, 2))],
    "A clip, and beside it pairs of clips from its caption, its picture, its sound, and all three.",
    88,
)

# %% [markdown]
# The picture fixes shade, size and place. The caption fixes what it does, and leaves the place open. The sound alone
# leaves everything open but the moments at which the subject swells and surges. With all three there is hardly any
# chance left.
#
# On 256 clips that it was not trained on, told two or three of the descriptions, or the caption alone (stored; 1 is
# best in each column; the first row is real clips, as the codec shows them):

# %%
COLUMNS = ("text", "image", "sound")
print(f"{'told':42s}" + "".join(f"{name:>9s}" for name in COLUMNS))
for told_what, judged in stored["held out"].items():
    print(f"{told_what:42s}" + "".join(f"{judged[name]:9.2f}" for name in COLUMNS))

# %% [markdown]
# Take one description away, and its own column falls most. Each tells something that the others do not.
#
# ### Steps, measured
#
# The crescents needed five to twenty steps. And a clip? The same prompts and noises, in 1, 2, 5, 10 and 20. Two judges:
# a network that has never met the flow reads the five words of the caption, and the **Fréchet distance** compares what
# another one sees in made and in real clips, as two clouds: their means and their spreads (0 is best).
#
# **Predict.** One step leads to a fog. What will each of the two judges say of it?

# %%
real = features.features(codec.decode(codec.encode(clips.frames)))
in_steps = {}
for steps in (1, 2, 5, 10, 20):
    made = film_flow.sample(encoder(captions=clips.captions), np.random.default_rng(2), steps=steps)
    in_steps[steps] = codec.decode(made)
    read = np.mean(list(features.accuracy(in_steps[steps], clips.captions).values()))
    apart = metrics.frechet(real, features.features(in_steps[steps]))
    print(f"{steps:2d} steps: {read:.0%} of the words read rightly; Fréchet distance to real clips {apart:5.1f}")

# %% tags=["hide-input"]
sheet = clip_scrubber.strip([frames[1] for frames in in_steps.values()])
image_tag(
    png(sheet),
    f"Five strips of sixteen frames, “{clips.captions[1].text}” from one noise in 1, 2, 5, 10 and 20 steps from top to "
    "bottom: from a fog to a subject that moves.",
    sheet.shape[1],
)

# %% [markdown]
# The reader of words is content with the fog: a red smear that drifts to the left *is* red and *does* go to the left.
# The Fréchet distance is not: a fog is no film. It falls steeply up to five steps, and hardly from ten on. So two
# things to keep. A handful of steps does most of the work. And one judge alone can be fooled; the next lesson will fool
# one on purpose.
#
# ### Guidance, measured
#
# And the knob. Stored, on 256 held-out captions, told the caption alone. *Match* is the share of words read rightly.
# *Precision* is the share of made clips that lie among real ones, *recall* the share of real ones that lie among the
# made: how much of the world it still shows.

# %%
for name, judged in stored["held out"].items():
    if not name.startswith(("text, guidance", "real")):
        continue
    print(
        f"{name:27s}: match {judged['text']:.2f}   precision {judged['precision']:.2f}   "
        f"recall {judged['recall']:.2f}   Fréchet distance {abs(judged['frechet']):.1f}"
    )

best = stored["held out"]["text, guidance 2.5"]
print("word by word at 2.5:", ", ".join(f"{slot} {best[slot]:.0%}" for slot in captions.VOCABULARY))

# %% [markdown]
# The crescents warned us that guidance costs variety. Here the first part of the knob costs nothing: from 1 to 2.5 the
# clips show more of the words *and* lie nearer to real ones. This network is small, and where its velocity is half sure
# it is a mixture of clips; guidance takes it out of the mixture. Beyond, there is little left to gain. The best setting
# is not a law but a measurement, of this flow.
#
# And word by word? Colour and speed come right nearly always, the other three mostly. A digit is a matter of fine
# numbers, which settle last; and what a thing *does* is hard to tell in sixteen frames when nobody said where it
# begins.
#
# ## The answer
#
# How do you draw a clip out of noise, when nobody can write down the density of films? You do not write it down. You
# learn which way to go. Between a noise and an example lies a straight line; at each place and time the lines that pass
# have a mean direction, and a network finds it by least squares, without ever being told it. Follow it, and a cloud of
# noise becomes a cloud of films. One step gives the mean of all films, which is none; twenty give one film each. Going
# further in the direction of the words buys obedience with variety. And since each place on the way is known to be a
# blur of the data, one may shake the particles and still end right: then each step is a draw, with a log-probability.
# Nothing in all this asked whether anybody *likes* the clip. Lesson 13 does.
#
# ## Quiz
#
# 1. A flow takes the whole way in one Euler step. What comes out?
#    (a) noise (b) the mean of the data that fit the condition (c) the nearest training example
# 2. Why can no particle follow the straight lines themselves?
#    (a) they are too long (b) they leave the data (c) two lines cross in one point and ask for two directions
# 3. The network's loss is above that of the exact velocity of the training set. Is that bad?
#    (a) no, the exact one makes only copies (b) yes, it must reach 0 (c) yes, more steps would help
# 4. Guidance goes up from 1 to 4. What happens?
#    (a) more variety (b) clearer obedience, less variety (c) nothing, if the network is trained well
# 5. Particles are kicked on their way. Why do they still end in the right cloud?
#    (a) the kicks are too small to matter (b) the kicks cancel (c) a drift to denser places makes up for them

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "c", 3: "a", 4: "b", 5: "c"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - Y. Lipman, R. T. Q. Chen, H. Ben-Hamu, M. Nickel, M. Le, “Flow matching for generative modeling”, ICLR 2023.
# - X. Liu, C. Gong, Q. Liu, “Flow straight and fast: learning to generate and transfer data with rectified flow”, ICLR
#   2023.
# - M. S. Albergo, E. Vanden-Eijnden, “Building normalizing flows with stochastic interpolants”, ICLR 2023.
# - J. Ho, T. Salimans, “Classifier-free diffusion guidance”, 2022, arXiv:2207.12598.
# - W. Peebles, S. Xie, “Scalable diffusion models with transformers”, ICCV 2023.
# - Y. Song et al., “Score-based generative modeling through stochastic differential equations”, ICLR 2021: walks with
#   and without dice through the same clouds.
# - T. Kynkäänniemi et al., “Improved precision and recall metric for assessing generative models”, NeurIPS 2019.
