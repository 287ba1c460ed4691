# %% [markdown]
# # 00 · First take
#
# **Driving question.** Nobody tells this program where to put the camera or how bright to set the lights. It only gets
# a score, twelve times a second. Can it learn to frame and light a shot?
#
# Press play.

# %% tags=["hide-input"]
from pathlib import Path

import rlfilm_lib as rlfilm
from rlfilm_lib.widgets.picture import BLUE, ORANGE, PURPLE, VERMILION, clip, figure, row, strip

MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"
row(
    before=clip(
        MEDIA / "first_take_untrained.mp4", "three takes in which camera, lights and actor drift at random", 480
    ),
    after=clip(
        MEDIA / "first_take_trained.mp4", "the same three takes: the camera settles on the framing asked for", 480
    ),
)

# %% [markdown]
# Both films begin from the same three set-ups. Before, an agent that has not learned anything tries actions at random.
# After, the same agent has practised on 200,000 actions. The director's **brief** was: first a wide shot, brightly
# lit, the actor on the right; then a medium shot with the actor on the left; then a dark close-up.
#
# **You will**
# - shoot a take with a trained agent, and read its score;
# - train an agent of your own, in seconds, in PyTorch or TensorFlow;
# - say what a return, a seed and a normalised score are.
#
# **Before you start.** Python, and what a neural network is. Nothing of film, nothing of reinforcement learning.
#
# **Time.** 25 minutes to read and do, 20 seconds to run.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from rlfilm_lib.envs.shooting import play
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import viewfinder
from rlfilm_lib.widgets.checks import first_take as check
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
STORED = os.environ.get("RLFILM_STORED") == "1"  # on small machines: show the stored run instead of training
SCENE = "rlfilm/MovieScene-v0"

# %% [markdown]
# ## 1. A take and its score
#
# An **agent** looks at the scene and answers with an **action**: small pushes on the camera, three lights and the
# actor. Then it gets a **reward**, a number that says how well the picture fulfils the brief. After 48 actions, 4
# seconds, the take is over. Let us load the agent from the film above and give it a brief.

# %% tags=["nbval-check-output"]
agent = rlfilm.load(MEDIA / "first_take")
for name in ("wide", "medium", "close"):
    print(f"{name:6s}", viewfinder.brief_words(name))

# %%
shot = play(agent, SCENE, seed=7, options={"brief": "medium"})
strip(
    preview.render(shot.take[::23], 320, 180),
    "Five frames, one second apart: the camera moves in until the actor fills the left of a medium shot.",
)

# %% [markdown]
# The reward is a sum of **terms** with names from a film set. *Thirds*: are the eyes where the brief wants them?
# *Headroom*: is there the right gap above the head? *Shot size*: is enough of the person in the picture? *Exposure*,
# *key:fill* and *separation* judge the light; *smoothness* the camera's movement.
#
# **Predict.** Which terms does an agent earn that acts at random, and which does it lose? Which one is hardest to earn
# by luck?

# %% tags=["hide-input"]
untrained = play(rlfilm.make_vec(SCENE).random_policy(seed=0), SCENE, seed=7, options={"brief": "medium"})
names = [name for name in shot.terms if name != "collision"]
places = np.arange(len(names))
fig, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.barh(places - 0.2, [shot.terms[name].mean() for name in names], 0.38, color=BLUE, label="trained")
axes.barh(
    places + 0.2, [untrained.terms[name].mean() for name in names], 0.38, color=ORANGE, hatch="//", label="random"
)
axes.set(
    yticks=places,
    yticklabels=[viewfinder.words(name) for name in names],
    xlabel="mean of the term over the take (0 to 1)",
)
axes.invert_yaxis()
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Mean of each reward term over one take: the trained agent earns far more than the random one in each; "
    "smoothness is the lowest of its bars.",
)

# %% [markdown]
# Most bars are nearly full. Smoothness lags behind. An agent that learns by trying actions shakes the camera by trying
# them, and that hides how well a calm hand is paid: a camera that means to stand still, but is pushed about with a
# spread of 0.5, earns 0.07 of that term. Remember this gap between what a score asks for and what an agent finds.
#
# The sum of all 48 rewards is the **return** of the take. A bare return says little: is 30 good? So every result in
# this course is put between two yardsticks, what *random* actions earn and what an *expert* earns, a program that
# knows all formulas of the stage.
#
# ### Exercise 1
# Write the **normalised score**: 0 for the random policy, 1 for the expert, on a straight line through both.


# %% tags=["exercise"]
def normalised_score(earned, random, expert):
    """Where a return lies between the two yardsticks."""
    return None  # your line here


# %% tags=["solution"]
def normalised_score(earned, random, expert):
    """Where a return lies between the two yardsticks."""
    return (earned - random) / (expert - random)


# %% tags=["check", "nbval-check-output"]
check.normalised_score(normalised_score)

# %% [markdown]
# Here is the stored agent's score on 20 new scenes, with an interval: the mean of so few takes is uncertain, and a
# result without its uncertainty is half a result.

# %%
result = rlfilm.evaluate(agent, SCENE, episodes=20, seed=1)
print(
    f"return {result.return_mean:.1f}, 95 % interval {result.ci95[0]:.1f} to {result.ci95[1]:.1f}; "
    f"normalised score {result.normalised_score:.2f}"
)

# %% [markdown]
# ## 2. Train your own
#
# The agent is a neural network: thirty numbers about the scene go in, nine pushes come out. Training repeats three
# steps. Play takes with some randomness; see which actions were followed by more reward than expected; make those
# actions a little more likely. That is REINFORCE, the algorithm of lesson 04, and it is all there is.
#
# **Predict.** We give it 100,000 actions. How much of the way from random to expert will it make: a tenth, half, nearly
# all? And how many seconds will that take on your machine?

# %%
if not STORED:
    env = rlfilm.make_vec(SCENE, num_envs=16)
    learner = rlfilm.learner("reinforce", env, backend=BACKEND, seed=0)
    history = rlfilm.train(learner, env, steps=100_000, progress=False)
    mine = rlfilm.evaluate(learner.policy(), SCENE, episodes=20, seed=1)
    print(f"{BACKEND}: {learner.steps:,} actions in {history[-1]['wall_s']:.1f} s,", end=" ")
    print(f"normalised score {mine.normalised_score:.2f}")
else:
    print("RLFILM_STORED=1: nothing is trained here. To train anyway, set STORED = False above and run on from there.")

# %% tags=["hide-input"]
thousands, *curves = np.loadtxt(MEDIA / "first_take" / "curves.csv", delimiter=",", skiprows=1).T
yardsticks = rlfilm.make_vec(SCENE).metadata["yardsticks"][9]
fig, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
axes.fill_between(
    thousands, *np.quantile(curves, [0, 1], axis=0), color=BLUE, alpha=0.2, label="stored: range of 5 seeds"
)
axes.plot(thousands, np.mean(curves, axis=0), color=BLUE, lw=2, label="stored: mean of 5 seeds")
if not STORED:
    mine_at, mine_earned = history.column("steps") / 1000, history.column("return_mean")
    axes.plot(mine_at, mine_earned, color=VERMILION, lw=1, label=f"yours, {BACKEND}")
for name, style in (("expert", "--"), ("random", ":")):
    axes.axhline(yardsticks[name], color=PURPLE, ls=style, lw=1.5, label=name)
axes.set(xlabel="actions taken (thousands)", ylabel="return of a take (sum of 48 rewards)", ylim=(0, 48))
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Return against actions taken. Five stored runs rise from the random level towards the expert's within 200,000 "
    "actions and stay close together.",
)

# %% [markdown]
# The stored curves were made with `python course/media/make.py`. A **seed** fixes all chance in a run: first weights,
# scenes, tried actions. Same seed, same run. Five seeds tell how much of a curve is luck.
#
# ### Exercise 2
# One action lasts two frames of a film at 24 frames per second. How many **hours** of film does an agent shoot in
# 400,000 actions?

# %% tags=["exercise"]
hours = None  # your calculation here

# %% tags=["solution"]
hours = 400_000 * 2 / 24 / 3600

# %% tags=["check", "nbval-check-output"]
check.hours_filmed(hours)

# %% [markdown]
# ## 3. Direct it
#
# Change the brief and run the cell again. `lens` is "wide", "medium" or "close"; `side` is "left" or "right";
# `key_fill` is the contrast between the two sides of the face, from 2 (soft) to 8 (dramatic); `exposure` runs from −1
# (dark) to 1 (bright).

# %%
brief = {"lens": "close", "side": "left", "key_fill": 6.0, "exposure": 0.5}
directed = play(agent, SCENE, seed=3, options={"brief": brief})
strip(preview.render(directed.take[::23], 320, 180), "Five frames, one second apart, of a take after the brief above.")

# %% [markdown]
# ## 4. One course, two frameworks
#
# Everything here runs in PyTorch and in TensorFlow; `BACKEND` is the switch. The two halves of the library are twins.
# This is the loss that trained the agent, in both; tinted lines differ.

# %%
twins("reinforce", ("def policy_gradient_loss", "return"))

# %% [markdown]
# ## The answer
#
# Yes. A score is enough, if it measures the picture and if the agent may try often. In a few seconds of computing it
# shoots hours of film, and from the score alone it learns to frame and to light. Holding the camera calm comes
# hardest, because trying gets in its way. How to write a score that means what we want is the next lesson; how to
# learn from it with less noise is what the later ones are about.
#
# ## Quiz
#
# 1. Who told the agent how to move the camera?
#    - (a) a list of camera moves written by hand
#    - (b) nobody: it got a number after every action
#    - (c) films that it had watched
# 2. What does a normalised score of 0 mean?
#    - (a) no reward at all
#    - (b) as good as the expert
#    - (c) as good as random actions
# 3. Why five seeds and not one?
#    - (a) a single run may be lucky or unlucky
#    - (b) to train five times as long
#    - (c) one for each part of the course

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "c", 3: "a"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - R. Williams, “Simple statistical gradient-following algorithms for connectionist reinforcement learning”, *Machine
#   Learning* 8, 1992: REINFORCE.
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, 2nd edition, 2018, chapter 1.
# - R. Agarwal et al., “Deep reinforcement learning at the edge of the statistical precipice”, NeurIPS 2021: why seeds
#   and intervals.
