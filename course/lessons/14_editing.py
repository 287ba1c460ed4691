# %% [markdown]
# # 14 · Cutting
#
# **Driving question.** Four cameras filmed one conversation. When do we cut, to what, and how? And since there are more
# cuts of half a minute than atoms in the universe: how do we know that an agent's cut is any good?
#
# **You will**
# - cut a scene by hand, and see what every cut is worth;
# - let the sound go before the picture or after it, and know why a dissolve says “later”;
# - write a reward for rhythm, and be tricked by it;
# - find the best of all cuts exactly, by dynamic programming, and check it against trying them all;
# - measure an agent by its regret, and watch and hear what it cut;
# - learn a reward from what a viewer prefers, and push it until it breaks.
#
# **Before you start.** Lessons 01 and 06. Nothing of film.
#
# **Time.** 90 minutes to read and do, 60 seconds to run. The clips need `pip install "rlfilm[film]"`, the last section
# `pip install "rlfilm[edit]"`; all else runs without them.

# %%
import importlib
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import coverage, film_edit
from rlfilm_lib.envs.coverage import ANGLES, BEAT_FRAMES, BEATS, FPS, PAIRS
from rlfilm_lib.envs.film_edit import WEIGHTS, FilmEdit
from rlfilm_lib.envs.preference import FEATURES, Cuts, screen, taste
from rlfilm_lib.film import pacing
from rlfilm_lib.rl.preference import Viewer
from rlfilm_lib.rl.statistics import bootstrap_interval
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import cutting_room, learning_curves, pace_dial
from rlfilm_lib.widgets.checks import editing as check
from rlfilm_lib.widgets.cutting_room import CuttingRoom
from rlfilm_lib.widgets.monitor import Monitor
from rlfilm_lib.widgets.pace_dial import PaceDial
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, clip, figure, gallery, row
from rlfilm_lib.widgets.preference_pairs import PreferencePairs
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
TASK = "rlfilm/FilmEdit-v0"
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"
SEED = 3  # of the scene that this lesson cuts
scene = cutting_room.scene(SEED)

# %% [markdown]
# ## 1. Coverage
#
# A conversation at a table, half a minute long. Four cameras ran all the time: a **master** that shows everything, a
# **single** of A, a single of B, and a fourth that differs from scene to scene. Together they are the scene's
# **coverage**. Here they are at two moments.

# %% tags=["hide-input"]
cutting_room.angles_picture(
    scene,
    [10, 44],
    "Two rows of four pictures. Master: A in orange and B in blue sit at a small table. Single A and single B: each "
    "alone, from the chest up. The fourth camera shows both again. In the lower row the light has changed to evening.",
)

# %% [markdown]
# The light of the lower row is another: between the two, **time has passed**. Screenwriters call the gap an *ellipse*.
#
# An editor decides beat by beat, every half second: stay, or cut to another angle. What does an angle show? Everything
# here is measured from the geometry of cameras and people: whose face is seen, how large, from which side. Bright is
# good:

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(9, 2.4), layout="constrained")
shown = axes.imshow(scene.shot[:, :, 0], aspect="auto", cmap="cividis", vmin=0, vmax=1, extent=(0, 30, 3.5, -0.5))
for who, colour in ((0, ORANGE), (1, BLUE)):
    talks = (scene.active[:, 0] > 0) & (scene.speaker[:, 0] == who)
    axes.fill_between(
        np.arange(BEATS + 1) / 2, -1.1, -0.6, where=np.append(talks, False), step="post", color=colour, lw=0
    )
    axes.text(30.3, -0.85 + 0.6 * who, f"{'AB'[who]} speaks", color=colour, va="center", fontsize=9)
axes.set(yticks=range(4), yticklabels=ANGLES, xlabel="time (s)", ylim=(3.5, -1.2))
fig.colorbar(shown, label="shot quality (0 to 1)", pad=0.11)
figure(
    fig,
    "Shot quality of the four angles over 30 s, with bars for who speaks. The single of whoever speaks is best, the "
    "master is fair all the time.",
)

# %% [markdown]
# So: always cut to whoever speaks? Count the bars. That would be a cut at every line, tick-tock, like watching tennis.
# Editors call it *ping-pong*. Editing is more than the sum of good pictures.
#
# ## 2. Cut points
#
# A cut jumps from one place to another in no time. We accept it when the brain can go on. From a hundred years of
# practice:
#
# - **180° line.** All cameras stay on one side of the line between A and B. Beyond it left and right are swapped.
# - **30° rule.** The view changes by at least 30°, or clearly in size. Less looks like a mistake, a *jump cut*.
# - **Eyeline.** Who looks right in one single is looked at from the right in the other.
# - **Match on action.** A movement goes on in the same direction on the screen.
# - **Step.** Brightness and colour do not jump.
#
# Seen from above, another scene whose fourth camera stands *across the line*:

# %% tags=["hide-input"]
crossed = cutting_room.scene(1)
fig, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
people = crossed.person[:2, :2, 0]
direction = crossed.line_direction[:, 0]
axes.axline(people[0], people[1], color="grey", lw=1, ls="--", label="the line")
for who, colour in ((0, ORANGE), (1, BLUE)):
    axes.plot(*people[who], "o", color=colour, ms=13)
    axes.text(*(people[who] + (-0.06, 0.18)), "AB"[who])
for angle, name in enumerate(ANGLES):
    place, colour = crossed.camera[angle, :2, 0], cutting_room.COLOUR[name]
    pan = crossed.pan[angle, 0]
    axes.plot(*place, "s", color=colour, ms=10, label="fourth: across the line" if angle == 3 else name)
    axes.annotate(
        "",
        place + 0.7 * np.array([np.sin(pan), np.cos(pan)]),
        place,
        arrowprops={"arrowstyle": "->", "color": colour, "lw": 2},
    )
axes.set(xlabel="x (m)", ylabel="y (m)", aspect="equal", xlim=(-4, 4))
axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
figure(
    fig,
    "Plan: A and B face each other, a dashed line runs through both. Master and the two singles stand on one side of "
    "it, the fourth camera on the other.",
)

# %% [markdown]
# **Predict.** Six pairs of angles can be cut together. Which of them cross the line?

# %% tags=["nbval-check-output"]
for pair, (one, other) in enumerate(PAIRS):
    terms = {name: getattr(crossed, name)[pair, 0] for name in ("line", "thirty_degrees", "step")}
    print(f"{ANGLES[one]:9s} to {ANGLES[other]:9s}", "  ".join(f"{name} {value:.2f}" for name, value in terms.items()))

# %% [markdown]
# A cut's quality counts for as long as the shot that it opens. So the reward of the whole cut is a mean over the
# **screen time** of eleven terms, each in [0, 1]:

# %% tags=["nbval-check-output"]
for name, meaning in {
    "shot": "who speaks or acts is seen, and well framed",
    "listener": "a reaction is seen; halved in a ping-pong",
    "line": "the cut keeps the 180° line",
    "thirty_degrees": "it keeps the 30° rule",
    "eyeline": "looks meet",
    "match_on_action": "movement goes on",
    "step": "brightness and colour do not jump",
    "speech": "the sound is not cut inside a word, and is near",
    "beat": "cuts fall on accents of the music or ends of lines",
    "transition": "a dissolve where time passes, and nowhere else",
    "rhythm": "shots are as long as the brief asks",
}.items():  # fmt: skip
    print(f"{name:16s} {meaning}")
print("weights add up to", round(sum(WEIGHTS.values()), 6))

# %% [markdown]
# The plainest number of a film's cutting is its **average shot length**, ASL. It fell from about 9 s in the 1940s to
# about 4 s today (Salt 2009).
#
# ### Exercise 1
# A film of so many seconds has so many cuts. What is its ASL?


# %% tags=["exercise"]
def average_shot_length(seconds, cuts):
    """Average shot length in seconds."""
    return None  # your line here


# %% tags=["solution"]
def average_shot_length(seconds, cuts):
    """Average shot length in seconds."""
    return seconds / (cuts + 1)


# %% tags=["check", "nbval-check-output"]
check.average_shot_length(average_shot_length)

# %% [markdown]
# ### The cutting room: you are the editor
#
# The playhead shows all four angles. Move it, choose an angle and a join, press *Cut here*; the shot lasts until the
# next cut. The table says what every term earns, and what each of your shots loses most on. `asked for` is the brief:
# how long a shot that begins there should be. Your figure of merit is the **regret**: 100 % is a random cut, 0 % the
# best there is.
#
# **Predict.** How far down can you get in ten minutes: 50 %, 20 %, 5 %? When you are done, tick *compare*.

# %%
agent = rlfilm.load(MEDIA / "film_edit")
CuttingRoom(SEED, agent=agent)

# %% [markdown]
# Under it, for readers without a kernel, are a timeline with nothing cut yet, the agent's cut and the best one.
# (Section 5 says how we know that it is the best.) Each box is a shot; the letters under a cut say how it is made.
#
# ## 3. Transitions
#
# Picture and sound need not change together. In a **J cut** the sound of the next shot comes first, in an **L cut** the
# sound of the last one stays. (Look at a timeline with the picture above the sound: the clips have the shape of the
# letters.) Why bother? Here a cut is wanted in the middle of a sentence:

# %% tags=["hide-input"]
quality = scene.word[:3, :, 0]
beat = int((quality[1:].min(axis=0) - quality[0] - (np.arange(BEATS) < 4)).argmax())
at = beat * BEAT_FRAMES
fig, axes = plt.subplots(figsize=(9, 2.2), layout="constrained")
for who, first, end in coverage.words(scene):
    if abs(first - at) < 30 or abs(end - at) < 30:
        axes.barh(
            0,
            (end - first) / FPS,
            left=(first - at) / FPS,
            color=(ORANGE, BLUE, GREEN)[who],
            edgecolor="white",
            height=0.5,
        )
for join, colour, style in ((0, BLACK, "-"), (1, VERMILION, "--"), (2, PURPLE, ":")):
    moment = -float(scene.offset[join, beat, 0]) / FPS
    axes.plot([moment, moment], [-0.5, 0.75 + 0.3 * join], color=colour, ls=style, lw=2)
    label = ("straight: sound and picture", "J cut: the sound changes here", "L cut: and here")[join]
    axes.text(moment + 0.01, 0.7 + 0.3 * join, f"{label}, speech {quality[join, beat]:.2f}", color=colour, fontsize=9)
axes.set(
    xlabel="time from the cut of the picture (s)", yticks=[0], yticklabels=["words"], xlim=(-1, 1), ylim=(-0.5, 1.6)
)
axes.spines[["top", "right", "left"]].set_visible(False)
figure(
    fig,
    "Words as bars around a cut of the picture. The straight cut falls inside a word. The J cut moves the sound's cut "
    "back to the last gap between words, the L cut forward to the next one; both score higher.",
)

# %% [markdown]
# The picture may change on the beat, and the sound in the nearest gap between two words, up to half a second away. A
# split of picture and sound costs a little, a word cut in two costs all.
#
# A **dissolve** lets one picture fade into the next. Between two shots of one moment it looks like a mistake; where
# time is left out it says just that. Six of its twelve frames:

# %% tags=["hide-input"]
lapse = int(scene.ellipse[0, 0])
frames = lapse * BEAT_FRAMES + np.arange(0, 12, 2)
leaving, coming = (
    preview.render(coverage.film(scene, frames, np.full(6, angle)), 224, 126).astype(float) for angle in (1, 0)
)
share = (np.arange(0, 12, 2) + 0.5)[:, None, None, None] / 12
gallery(
    list((leaving + share * (coming - leaving)).astype(np.uint8)),
    [f"{100 * part:.0f} %" for part in share.ravel()],
    "A dissolve in six pictures: the single of A fades out while the master fades in.",
    columns=6,
    width=155,
)

# %% [markdown]
# In our task a cut over the ellipse scores 0.4 and a dissolve 1; elsewhere a dissolve scores 0. Staying on a shot
# across the ellipse earns nothing for the rest of that shot.
#
# ## 4. Pacing, and its traps
#
# The brief says: *medium*, shots of about 4 s, some long, some short. Film historians find that shot lengths are spread
# about log-normally, with a standard deviation of 1.2 times their average (Salt). Call that density $p$. How does one
# make a reward of it? Three ideas that sound right:
#
# 1. Add up $\log p(\ell)$ over the shots: the likelihood of the film.
# 2. Add up $p(\ell) / \max p$ over the shots: every shot earns up to 1.
# 3. Take the *mean* of $\log p(\ell)$ over the shots.
#
# **Predict.** For each: what does the half minute look like that earns most? Draw three bars before you go on.

# %%
spread = np.log1p(pacing.SPREAD**2)
middle = np.log(pacing.ASL["medium"]) - spread / 2


def log_density(length, target=None):
    """ln p of a log-normal about the average asked for."""
    return -((np.log(length) - middle) ** 2) / (2 * spread) - np.log(length)


peak = log_density(np.exp(middle - spread))
any_target = np.full(BEATS, pacing.ASL["medium"])
films = {
    "1 · sum of log p": pace_dial.best_lengths(log_density, any_target),
    "2 · sum of p / max p": pace_dial.best_lengths(lambda length, _: np.exp(log_density(length) - peak), any_target),
    "3 · mean of log p": pace_dial.best_lengths(log_density, any_target, mean=True),
}

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(9, 2.2), layout="constrained")
pace_dial.plot_rows(axes, films)
figure(
    fig,
    "The best film for each reward. "
    + " ".join(f"{name}: {pace_dial.describe(lengths)}." for name, lengths in films.items()),
)

# %% [markdown]
# None of them is a film. The first is **one endless shot**: $\log p$ is negative, so every further shot costs. The
# second **flickers**: every further shot earns. The third takes **the mode** every time, a metronome. All three were
# found exactly, so no learner is to blame. The rewards are.
#
# What is wrong is the count. A sum over shots pays for *shots*, but the viewer sits there for *time*. So let a shot
# weigh as much as it lasts, and let the brief draw the lengths, long and short, instead of naming their distribution:
#
# $$ \text{rhythm} = \frac{1}{T} \sum_i \ell_i \, \exp\left(-\frac{\ln^2(\ell_i / \tau_i)}{2 \cdot 0.3^2}\right) $$
#
# with $\ell_i$ the length of shot $i$ and $\tau_i$ the one asked for where it begins.
#
# ### Exercise 2: write one, and be tricked
# Write what *one shot* is worth. The check cuts half a minute to the largest **sum** of it over all shots, exactly, for
# four briefs of 4 s, and looks at what it got. Try the ideas of your own first; the formula above is one that holds.


# %% tags=["exercise"]
def rhythm_reward(length, target):
    """What a shot of `length` seconds is worth where `target` seconds are asked for."""
    return None  # your line here


# %% tags=["solution"]
def rhythm_reward(length, target):
    """What a shot of `length` seconds is worth where `target` seconds are asked for."""
    return length * np.exp(-(np.log(length / target) ** 2) / (2 * 0.3**2))


# %% tags=["check", "nbval-check-output"]
check.rhythm_reward(rhythm_reward)

# %% [markdown]
# Rhythm is one of eleven terms. How long are the shots of the best cuts when all of them count? Move the slider.

# %%
PaceDial()

# %% [markdown]
# Look at the far left of the histograms. Some of the best cuts hold flashes of half a second. They cost little screen
# time, so they cost little rhythm, and they buy a better cut or a better sound on the way. It is the same lesson once
# more, smaller: what optimises your reward exactly shows you the holes that are left in it.
#
# ## 5. The best of all cuts
#
# How many cuts are there? Four angles in each of 60 beats: $4^{60} \approx 10^{36}$, before any choice of joins. Nobody
# tries them all. On a small scene one can. Three angles, eight beats:

# %% tags=["nbval-check-output"]
small = cutting_room.part(cutting_room.scene(SEED, "fast"), angles=3, beats=8, start=10)
worth = cutting_room.table(small)  # of a shot: [angle before it, its angle, beat it begins, beat it ends before]
tried = {way: cutting_room.added_up(worth, way) for way in cutting_room.every_cut(3, 8)}
best_way = max(tried, key=tried.get)
print(len(tried), "cuts tried; the best:", "".join("MAB"[angle] for angle in best_way), f"earns {tried[best_way]:.4f}")

# %% [markdown]
# ### Picture first
#
# A cut is a path from left to right. A dot is a place where a shot has just ended: at this beat, on this angle. An
# arc is a shot. What an arc is worth depends on the dot where it begins, on its angle and on where it ends. *Nothing
# earlier matters.* So each dot has one number: the best that can still be earned from it. From the right edge, where it
# is 0, these numbers can be filled in backwards.


# %% tags=["hide-input"]
def solve_small(worth):
    """Values (B + 1, A) and the best shot (angle, end) from each dot, backwards."""
    angles, beats = worth.shape[1:3]
    value, follow = np.zeros((beats + 1, angles)), {}
    for start in reversed(range(beats)):
        for before in range(angles):
            ways = worth[before, :, start] + value.T  # (angle, end)
            follow[start, before] = np.unravel_index(ways.argmax(), ways.shape)
            value[start, before] = ways.max()
    return value, follow


value, follow = solve_small(worth)
fig, axes = plt.subplots(figsize=(8, 2.9), layout="constrained")
beats, angles = np.meshgrid(np.arange(9), np.arange(3), indexing="ij")
dots = axes.scatter(beats[1:], angles[1:], c=value[1:], cmap="cividis", s=330, zorder=2)
for start in range(1, 9):
    for before in range(3):
        shade = "white" if value[start, before] < 3.5 else "black"
        axes.text(
            start, before, f"{value[start, before]:.1f}", ha="center", va="center", fontsize=8, color=shade, zorder=3
        )
place, start = (0.0, float(best_way[0])), 0
while start < 8:
    angle, end = (
        (best_way[0], next(b for b in range(1, 9) if b == 8 or best_way[b] != best_way[0]))
        if start == 0
        else follow[start, int(place[1])]
    )
    axes.annotate(
        "",
        (end, angle),
        place,
        arrowprops={
            "arrowstyle": "->",
            "color": VERMILION,
            "lw": 2.5,
            "connectionstyle": "arc3,rad=-0.25",
            "shrinkB": 9,
        },
        zorder=1,
    )
    place, start = (end, angle), end
fig.colorbar(dots, label="best still to come")
axes.set(xlabel="beat", yticks=range(3), yticklabels=ANGLES[:3], xlim=(-0.4, 8.5), ylim=(2.6, -0.6))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Dots for each beat and angle, each with the best that can still be earned, which falls to 0 at the right. Arrows "
    "show the shots of the best cut.",
)

# %% [markdown]
# Now the formula. Let $V(b, p)$ be the best still to come when a shot on angle $p$ has ended before beat $b$, and
# $w(p, a, b, e)$ what a shot on angle $a$ from $b$ to $e$ is worth after $p$. Then
#
# $$ V(b, p) = \max_{a \ne p,\; e > b} \big[\, w(p, a, b, e) + V(e, a) \,\big], \qquad V(B, p) = 0 $$
#
# This is Bellman's equation of lesson 02 with one change: an action lasts as long as it likes. Such a process is
# called **semi-Markov**. With $A$ angles and $B$ beats it takes about $A^2 B^2 / 2$ steps: 29,000 for our scene. It
# was used to cut animated films by Galvane and others in 2015.
#
# ### Exercise 3
# Write the one line. `worth[before, angle, beat, end]` is −∞ where there is no such shot (the same angle, or no
# length); `value[end, angle]` is known for all later beats.


# %% tags=["exercise"]
def one_step(worth, value, before, beat):
    """V(beat, before), from worth (A, A, B, B + 1) and value (B + 1, A)."""
    return None  # your line here


# %% tags=["solution"]
def one_step(worth, value, before, beat):
    """V(beat, before), from worth (A, A, B, B + 1) and value (B + 1, A)."""
    return max(
        worth[before, angle, beat, end] + value[end, angle]
        for angle in range(worth.shape[1])
        for end in range(beat + 1, worth.shape[3])
    )


# %% tags=["check", "nbval-check-output"]
check.one_step(one_step)

# %% [markdown]
# The library's version knows joins as well, and takes the whole scene. On the small one it must agree with all 6,561
# cuts that we tried:

# %% tags=["nbval-check-output"]
by_program, small_shots = film_edit.optimum(small)
print("as good as the best of all that were tried:", abs(by_program - tried[best_way]) < 1e-4)
best, optimum = film_edit.optimum(scene)
earned = cutting_room.score(scene, optimum)["return"]
print("and on the whole scene it earns what it promises:", abs(best - earned) < 1e-4)

# %% [markdown]
# ## 6. The agent and its regret
#
# If the best can be computed, why learn? Because the dynamic program needs a reward that is a sum over shots, written
# down in full. An agent learns from any reward, and section 8 has one that nobody wrote. Here the optimum is its
# yardstick:
#
# $$ \text{regret} = \frac{R_\text{optimum} - R}{R_\text{optimum} - R_\text{random}} $$
#
# As a decision process: the **state** is the scene and the cut so far; the **action** is to stay, or to go to one of
# four angles with one of four joins: 17 in all. The **observation** is what an editor knows who has seen the rushes. It
# looks ahead, but not to the end: four steps of the program above, four shots. What comes after them is taken to earn
# a going rate, 0.8 a beat. So the agent sees what staying would earn over a cut at once, and how much worse each angle
# is than the best. Beside it: word gaps, accents and targets ahead, the length of the shot on screen, the ellipse.
#
# **Predict.** An agent is trained for a few seconds, straight cuts only. What will it learn first: whom to show, or how
# long?

# %%
SETTINGS = {
    "num_envs": 32, "num_steps": 60, "minibatch_size": 240, "epochs": 6, "learning_rate": 2e-3, "gamma": 0.95,
    "normalize_observations": False, "max_grad_norm": 2.0,
}  # fmt: skip
env = rlfilm.make_vec(TASK, num_envs=32, controls=1)
learner = rlfilm.learner("ppo", env, backend=BACKEND, seed=0, **SETTINGS)
untrained = learner.policy()
monitor = Monitor(learner, env, steps=17_000)
monitor.start()
monitor

# %%
history = await monitor.finish()
monitor.still()

# %% [markdown]
# Which terms did it earn? Each before and after, on scenes of its own:


# %%
def terms_of(policy, controls, scenes=48, seed=1000, deterministic=True):
    """Mean of every term over screen time (terms, N), and returns (N,), of a policy on scenes it has not seen."""
    env = FilmEdit(scenes, controls=controls)
    observations, _ = env.reset(seed=seed)
    total, returns = 0.0, 0.0
    for _ in range(BEATS):
        observations, rewards, _, _, terms = env.advance(policy(observations, deterministic=deterministic))
        total, returns = total + terms, returns + rewards
    total[:-1] /= BEATS  # rhythm is paid in shares of the whole
    return total, returns


before, start_returns = terms_of(untrained, 1, deterministic=False)
after, end_returns = terms_of(learner.policy(), 1)

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(7, 3), layout="constrained")
rows = np.arange(len(WEIGHTS))
axes.barh(rows - 0.2, before.mean(axis=1), height=0.38, color="#999999", label="untrained")
axes.barh(rows + 0.2, after.mean(axis=1), height=0.38, color=BLUE, label="after the training above")
axes.set(yticks=rows, yticklabels=[name.replace("_", " ") for name in WEIGHTS], xlabel="term (0 to 1)", xlim=(0, 1))
axes.invert_yaxis()
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
axes.spines[["top", "right"]].set_visible(False)
figure(fig, "Each reward term before and after the short training, as bars.")

# %% tags=["nbval-check-output"]
print("better than before:", end_returns.mean() > start_returns.mean() + 3)

# %% [markdown]
# That was a short one. Stored are longer ones, with all joins. Their regret on the scenes of 20 seeds that none of them
# has seen; in brackets the 95 % bootstrap interval over the seeds of the training:

# %%
stored = json.loads((MEDIA / "film_edit.json").read_text("utf-8"))
frameworks = {"pytorch": "PyTorch", "tensorflow": "TensorFlow"}


def row_of(name, regrets):
    """One line of the table: mean regret per framework, of regrets {framework: (R, 20)}."""
    cells = []
    for framework in frameworks:
        found = 100 * np.array(regrets[framework])
        low, high = bootstrap_interval(found, np.mean)
        interval = f"({low:.1f} to {high:.1f})" if len(found) > 1 else ""
        cells.append(f"{found.mean():5.1f} % {interval:16s}")
    return f"{name:13s}" + "  ".join(cells)


def of_runs(algorithm, kind):
    """What is stored of an algorithm's runs, {framework: (R, 20)}."""
    return {
        framework: [run[kind] for run in stored["runs"] if (run["algorithm"], run["backend"]) == (algorithm, framework)]
        for framework in frameworks
    }


print(stored["command"])
print(f"{'':13s}" + "  ".join(f"{name:24s}" for name in frameworks.values()))
print(f"{'random':13s}  100 %")
print(row_of("untrained", of_runs("ppo", "untrained_regrets")))
advised = f"{100 * np.mean(stored['advised_regrets']):5.1f} %"
for algorithm, words in {"reinforce": "REINFORCE", "actor-critic": "Actor-Critic", "ppo": "PPO"}.items():
    print(row_of(words, of_runs(algorithm, "regrets")))
print(f"{'look-ahead':13s}{advised}, by a rule that was told what its numbers mean")
print(f"{'optimum':13s}    0 %")

# %% [markdown]
# The last line but one keeps us honest. Its rule is written by hand: stay where the look-ahead says that staying earns
# more, else make the best cut by the join that suits the sound. It is ahead of every agent here, so the look-ahead does
# most of the work. But nobody told the agents the rule. They saw 48 numbers without names, and found out by cutting
# what each is good for. Always ask what a simple rule would earn from the same observations.
#
# All three learned from rewards alone. REINFORCE and Actor-Critic use each beat once; PPO goes over it five times. Here
# is how the mean return grew, of one training each:

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for (algorithm, words), colour in zip(
    {"reinforce": "REINFORCE", "actor-critic": "Actor-Critic", "ppo": "PPO"}.items(), (ORANGE, GREEN, BLUE), strict=True
):
    for run in stored["runs"]:
        if (run["algorithm"], run["seed"]) == (algorithm, 0):
            style = "-" if run["backend"] == "pytorch" else "--"
            label = f"{words}, {frameworks[run['backend']]}"
            axes.plot(np.array(run["steps"]) / 1e6, run["return_mean"], style, color=colour, label=label)
axes.set(xlabel="beats (millions)", ylabel="return of a scene")
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Mean return against beats learned from, a line per algorithm and framework. All begin near 28 and "
    "flatten near 50.",
)

# %% [markdown]
# PPO's first seed in PyTorch is the agent of this lesson. Here it is on 48 scenes beside its yardsticks; each dot is a
# scene:

# %%
held_out = FilmEdit(48)
held_out.reset(seed=1000)
rushes = held_out.rushes()
optima = np.concatenate([film_edit.solve(rushes.of(np.arange(first, first + 16))).score for first in range(0, 48, 16)])
fresh = rlfilm.learner("ppo", rlfilm.make_vec(TASK, num_envs=1), backend=BACKEND, seed=0).policy()
earned = {
    "random": terms_of(held_out.random_policy(seed=0), 3)[1],
    "untrained": terms_of(fresh, 3, deterministic=False)[1],
    "trained": terms_of(agent, 3)[1],
    "optimum": optima,
}
span = (optima - earned["random"].mean()).mean()
regrets = {name: 100 * (optima - returns) / span for name, returns in earned.items()}

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(7, 2.2), layout="constrained")
learning_curves.plot_scores(axes, regrets)
axes.set(xlabel="regret (% of the span from random to optimum)", xlim=(-5, 135))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Regret of 48 scenes: random and untrained about 100 %, the trained agent far lower, the optimum 0 by definition. "
    "Bars are 95 % intervals of the interquartile mean.",
)

# %% tags=["nbval-check-output"]
print("no policy beats the optimum on any scene:", all((optima - returns > -1e-3).all() for returns in earned.values()))

# %% [markdown]
# The last line is worth a moment. With an exact optimum a bug in the environment has nowhere to hide: one scene on
# which an agent earns *more* would prove the program or the reward wrong.
#
# The learner is the PPO of lesson 06, unchanged. Nothing in it knows of cuts.
#
# ## 7. Screening
#
# Numbers are not a film. Eight seconds of our scene, from 10 s to 18 s, with sound; time passes at 14.5 s. Voices are
# tones, one per word, as the microphone of the angle hears them.
#
# **Predict.** What will you hear first in the random cut?

# %% tags=["hide-input"]
names = {"random": "cut at random, as an untrained agent does", "agent": "cut by the agent", "optimum": "the optimum"}
row(
    **{
        words: clip(MEDIA / f"editing_{name}.mp4", f"Eight seconds of two people talking, {words}.", 300, sound=True)
        for name, words in names.items()
    }
)

# %% [markdown]
# Most people hear the random cut before they see it: words are chopped and the level jumps with each microphone. That
# is why editors cut for the sound first. Walter Murch ranks the reasons for a cut by how much they matter: emotion,
# story, rhythm, eye-trace, and only then the line and the geometry. The first two are not in our reward at all. Which
# brings us to the last part.
#
# ## 8. A reward learned from preferences
#
# Nobody can write down what makes a cut engaging. But anybody can say which of *two* cuts they like better. In the
# model of Bradley and Terry (1952) each cut has a worth $r$, and the first of two is preferred with probability
#
# $$ P(1 \succ 2) = \sigma(r_1 - r_2) = \frac{1}{1 + e^{-(r_1 - r_2)}} $$
#
# A network that tells $r$ from what a cut is like is trained to make the answers likely, by the loss
# $-\log P$ of what the viewer said (Christiano et al. 2017). With $y = 1$ where the first was preferred, 0 where the
# second, the loss of one pair is $-y \log \sigma(r_1 - r_2) - (1 - y) \log \sigma(r_2 - r_1)$.
#
# ### Exercise 4
# Its gradient by $r_1$ and $r_2$.


# %% tags=["exercise"]
def preference_gradient(first, second, preferred):
    """Slopes (2,) of the loss of one pair by the rewards of its first and second cut."""
    return None  # your line here


# %% tags=["solution"]
def preference_gradient(first, second, preferred):
    """Slopes (2,) of the loss of one pair by the rewards of its first and second cut."""
    surprise = 1 / (1 + np.exp(second - first)) - preferred
    return np.array([surprise, -surprise])


# %% tags=["check", "nbval-check-output"]
check.preference_gradient(preference_gradient)

# %% [markdown]
# Its code in both frameworks; tinted lines differ.

# %%
twins("preference", ("def preference_loss", "return"))

# %% [markdown]
# ### Whose taste?
#
# Two cuts of one scene, side by side: which is better? Choose a few, then let a simulated viewer choose the rest, and
# press *Learn the taste*.

# %%
PreferencePairs(agent, pairs=40, backend=BACKEND)

# %% [markdown]
# The simulated viewer is useful because its taste is *known*, so we can ask how much of it is found again. The
# program that learns does not see it: only 200 answers “the first” or “the second”, some of them wrong, as people's
# are. Then it ranks 256 cuts that it has never seen:

# %%
cuts = screen(agent, FilmEdit(256), seed=0).cuts
unseen = screen(agent, FilmEdit(256), seed=1000).cuts
twin = importlib.import_module(f"{rlfilm.BACKENDS[BACKEND][1]}.preference")
model = twin.fit(Viewer(taste).compare(cuts, pairs=200, seed=0))


def rank_correlation(one, other):
    """Spearman's ρ: the correlation of the ranks."""
    return float(np.corrcoef(one.argsort().argsort(), other.argsort().argsort())[0, 1])


# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(4.6, 3.4), layout="constrained")
axes.plot(taste(unseen), model(unseen), ".", color=BLUE, alpha=0.6)
axes.set(xlabel="the viewer's hidden taste", ylabel="learned reward")
axes.spines[["top", "right"]].set_visible(False)
figure(fig, "Learned reward against the hidden taste of 256 unseen cuts: a rising cloud.")

# %% tags=["nbval-check-output"]
print("the taste is found again (ρ of at least 0.8):", rank_correlation(model(unseen), taste(unseen)) >= 0.8)

# %% [markdown]
# ### Pushed too far
#
# So the learned reward is good. Now optimise it, hard. The plainest optimiser: take the agent's cuts, change one
# decision at random, keep the change if the *learned* reward rises. Again and again.
#
# **Predict.** The learned reward will rise, by construction. What will the viewer's own taste do: rise with it, level
# off, or fall?


# %%
def climbed(model, rounds=60, scenes=24, seed=2000):
    """Learned reward, true taste and cuts per minute, means over the scenes, round by round: (rounds + 1, 3)."""
    env, dice = FilmEdit(scenes), np.random.default_rng(0)

    def described(actions):
        env.reset(seed=seed)
        cut = Cuts(scenes)
        for beat in range(BEATS):
            terms = env.advance(actions[:, beat])[-1]
            cut.add(actions[:, beat], dict(zip(env.weights, terms, strict=True)))
        return cut.features()

    actions = screen(agent, env, seed=seed).actions
    features = described(actions)
    rows = []
    for _ in range(rounds + 1):
        rows.append(
            [model(features).mean(), taste(features).mean(), features[:, FEATURES.index("cuts_per_minute")].mean()]
        )
        changed = actions.copy()
        changed[np.arange(scenes), dice.integers(BEATS, size=scenes)] = dice.integers(1, 17, size=scenes)
        found = described(changed)
        better = model(found) > model(features)
        actions[better], features[better] = changed[better], found[better]
    return np.array(rows)


climb = climbed(model)

# %% tags=["hide-input"]
fig, panels = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
for axes, line, colour, name in zip(
    panels, climb.T, (BLUE, VERMILION, BLACK), ("learned reward", "the viewer's taste", "cuts per minute"), strict=True
):
    axes.plot(line, color=colour, lw=2)
    axes.set(xlabel="rounds of optimisation", title=name)
    axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Three curves over the rounds of optimisation: the learned reward rises; the viewer's taste falls far below where "
    "it began; the cuts per minute rise without end.",
)

# %% tags=["nbval-check-output"]
print(
    "the learned reward rose:",
    climb[-1, 0] > climb[0, 0] + 0.5,
    "· the viewer likes the result less:",
    climb[-1, 1] < climb[0, 1] - 1,
)

# %% [markdown]
# The viewer likes a *brisk* pace, 32 cuts a minute. Of the cuts that it was shown nearly all were slower. So the
# model has learned, rightly as far as it could see, *the faster the better*, and the optimiser follows it out of the
# pictures that anybody ever judged. This is **over-optimisation**: a learned reward holds near the cuts that it was
# learned from.
#
# Three remedies, all in use: ask again, about the *new* cuts; stop early; or stay near where you started, by taking
# $\beta\, \mathrm{KL}(\pi \,\|\, \pi_\text{ref})$ off the reward. The last one turns PPO into the fine-tuning that
# language models get: `rlfilm_lib.envs.preference.KLPenalty`, and `course/media/preference.py` runs it.
#
# ## 9. Real footage
#
# A finished film has no coverage to cut from, and a holiday no script. The task changes: keep which pieces, in order?
# The rewards of Zhou and others (2018) ask that the summary be *diverse* and *representative* of the whole. One command
# finds the shots, measures them, trains a policy on that footage, and writes the cut with its files for other programs:
#
#     rlfilm edit bbb_480p_30s.mp4 --seconds 10 --out cut.mp4
#
# It needs `pip install "rlfilm[edit]"`. Here is its contact sheet of half a minute of *Big Buck Bunny*: what was kept,
# and what each shot earns.

# %% tags=["hide-input"]
sheet = plt.imread(MEDIA / "editing_footage.jpg")
gallery(
    [sheet], ["cut.jpg, written beside cut.mp4 (pictures: Big Buck Bunny, © Blender Foundation, CC BY 3.0)"],
    "Contact sheet: the first and last frame of every kept shot, with bars for its terms.", columns=1, width=760,
)  # fmt: skip

# %% [markdown]
# A warning from the research on it. Summaries are often compared by the F1 overlap with what people chose. Otani and
# others (2019) showed that *random* importance scores reach about the published F1, because the lengths of the segments
# decide most of it. They propose rank correlation with people's scores instead; there random is 0, and people among
# themselves reach only about 0.2. `rlfilm bench summaries` prints it, always with those rows.
#
# ## The answer
#
# Cut when the next angle shows more, at a place where eye and ear can go on, and after about as long as the pace
# asks. The sound may go first or last; a dissolve says that time has passed. Written as a sum over shots, each a
# function of its beginning, its end and the angle before, the *best* of $10^{36}$ cuts is found exactly in a few
# thousand steps, and an agent's cut is good when its **regret** against that is small, on scenes that it has not
# seen. What is not in the reward, emotion and story, can be learned from preferences, as far as people were asked and
# no further.
#
# ## Quiz
#
# 1. In a J cut
#    (a) the picture changes first (b) the sound changes first (c) both fade
# 2. Why does the sum of log-likelihoods of the shot lengths prefer one endless shot?
#    (a) each shot adds a negative number (b) long shots are likely (c) the optimiser stops too early
# 3. What makes the optimum computable?
#    (a) a fast computer (b) that only 17 actions exist (c) that a shot's worth depends on nothing before the last angle
# 4. The optimum earns 51, random 27, your agent 48. Its regret is about
#    (a) 6 % (b) 12 % (c) 48 %
# 5. The learned reward rises and the viewers are less and less happy. Why?
#    (a) too few steps of training (b) Bradley and Terry's model is wrong (c) the cuts have left those that were judged

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "a", 3: "c", 4: "b", 5: "c"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - W. Murch, *In the Blink of an Eye*, 2nd edition, 2001: why cuts work, and which reasons for a cut weigh most.
# - B. Salt, *Film Style and Technology: History and Analysis*, 3rd edition, 2009: average shot lengths, and their
#   spread.
# - Q. Galvane, R. Ronfard, C. Lino, M. Christie, “Continuity editing for 3D animation”, AAAI 2015: the semi-Markov
#   model.
# - R. Bradley, M. Terry, “Rank analysis of incomplete block designs: the method of paired comparisons”, *Biometrika*
#   39, 1952.
# - P. Christiano et al., “Deep reinforcement learning from human preferences”, NeurIPS 2017, arXiv:1706.03741.
# - D. Ziegler et al., “Fine-tuning language models from human preferences”, 2019, arXiv:1909.08593: the KL term.
# - K. Zhou, Y. Qiao, T. Xiang, “Deep reinforcement learning for unsupervised video summarization with
#   diversity-representativeness reward”, AAAI 2018, arXiv:1801.00054.
# - M. Otani, Y. Nakashima, E. Rahtu, J. Heikkilä, “Rethinking the evaluation of video summaries”, CVPR 2019,
#   arXiv:1903.11328.
