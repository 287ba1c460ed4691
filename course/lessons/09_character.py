# %% [markdown]
# # 09 · Character
#
# **Driving question.** “When you hear the bell, bow, and look as if you mean it.” An actor knows what that is. How do
# we tell a body that has weight, muscles and a face, in one number, so that it cannot earn the number without the bow?
#
# **You will**
# - read a pose as numbers, and measure how far two poses are apart;
# - build the servo of a joint, and see why a figure that copies a motion falls over;
# - take the imitation reward of Peng et al. (2018) apart, and see what its exponents do;
# - write a reward and be tricked by it, on screen, and mend it;
# - meet two rules about episodes, and see how little three seeds say about them;
# - give the figure a face and human reflexes, and train it.
#
# **Before you start.** Lesson 06: PPO. This lesson needs MuJoCo, `pip install "rlfilm[character]"`; if it is missing,
# the first cell says so. Nothing of film or mechanics.
#
# **Time.** 85 minutes to read and do, 60 seconds to run.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import character
from rlfilm_lib.media import motion, quaternion
from rlfilm_lib.stage import body
from rlfilm_lib.widgets import character_brief, motion_player, pose_search
from rlfilm_lib.widgets.checks import character as check
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, clip, figure, gallery
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SCENE = "rlfilm/Character-v0"
env = rlfilm.make_vec(SCENE, num_envs=64)
MEDIA = Path(rlfilm.__file__).parents[1] / "course" / "media"
RUNS = json.loads((MEDIA / "character_runs.json").read_text("utf-8"))

# %% [markdown]
# ## 1. A pose is numbers
#
# Animators keep motion in **BVH** files. The first part is the skeleton: joints, each hanging on its parent by an
# offset in metres. The second part has one line per frame: where the hips are, and how every joint is turned. Five
# gestures come with the course. This is the bow, as text and as poses:

# %%
bow = motion.gesture("bow")
path = Path(motion.__file__).parent / "gestures" / "bow.bvh"
print("\n".join(path.read_text().splitlines()[:9]).expandtabs(2))
print(f"...\n{len(bow)} frames at {bow.fps:g} per second, {len(bow.skeleton.names)} joints:")
print(", ".join(bow.skeleton.names))

# %% tags=["hide-input"]
track = character.track("bow")
moments = (0, 11, 22, 31, 42, 57)
fig, axes = plt.subplots(figsize=(7.4, 2.2), layout="constrained")
turns = np.degrees(quaternion.to_rotvec(bow.rotations)[:, :, 0])
for name, colour, style in (
    ("Hips", BLUE, "-"),
    ("Chest", ORANGE, "--"),
    ("Neck", GREEN, "-."),
    ("LeftArm", VERMILION, ":"),
    ("LeftFoot", PURPLE, (0, (5, 1))),
):
    axes.plot(np.arange(len(bow)) / bow.fps, turns[:, body.NAMES.index(name)], color=colour, ls=style, label=name)
axes.set(xlabel="time (s)", ylabel="turn about the\nside axis (degrees)")
axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
axes.spines[["top", "right"]].set_visible(False)
display(
    gallery(
        pose_search.pictures(track["qpos"][list(moments)]),
        [f"{frame / bow.fps:.1f} s" for frame in moments],
        "Six frames of a bow: the figure leans forward from the hips, stays, and straightens again.",
        len(moments),
        130,
    ),
    figure(
        fig,
        "Five joints' turns over time: hips, chest and neck lean forward together and come back, the arms and the feet "
        "turn the other way.",
    ),
)

# %% [markdown]
# How far are two poses apart? That will be the heart of the reward, so it has to be said exactly. A turn in space is
# kept as a **quaternion**, four numbers of length 1:
#
# $$ q = \left(\cos\tfrac{\theta}{2},\; \vec n \sin\tfrac{\theta}{2}\right) $$
#
# for a turn by the angle $\theta$ about the axis $\vec n$. The scalar product of two is the cosine of *half* the angle
# between them: $|p \cdot q| = \cos(\theta/2)$. And $q$ and $-q$ are the same turn, hence the bars.
#
# ### Exercise 1
# Write the angle between two turns.


# %% tags=["exercise"]
def turn_between(p, q):
    """Angles (...) in rad, from 0 to π, between unit quaternions p, q (..., 4)."""
    return None  # your lines here


# %% tags=["solution"]
def turn_between(p, q):
    """Angles (...) in rad, from 0 to π, between unit quaternions p, q (..., 4)."""
    return 2 * np.arccos(np.clip(np.abs(np.sum(p * q, axis=-1)), 0, 1))


# %% tags=["check", "nbval-check-output"]
check.turn_between(turn_between)

# %% [markdown]
# ## 2. A body has weight
#
# An animated figure is simply *put* into each pose. Ours is not. It stands in a physics engine, MuJoCo: 13 joints, 70
# kilograms, feet that press on a floor. What an actor controls are the **servos** of the joints. A servo pulls its
# joint towards a target angle like a spring, brakes it like a damper, and is no stronger than a muscle:
#
# $$ \tau = k\,(\text{target} - q) - d\,\dot q, \qquad |\tau| \le \tau_\text{max} $$
#
# ### Exercise 2
# A shoulder's servo: $k = 600$ N m/rad, $d = 30$ N m s/rad, $\tau_\text{max} = 150$ N m.


# %% tags=["exercise"]
def torque(target, angle, velocity):
    """Torque (N m) of the shoulder's servo, from angles (rad) and the joint's velocity (rad/s)."""
    return None  # your line here


# %% tags=["solution"]
def torque(target, angle, velocity):
    """Torque (N m) of the shoulder's servo, from angles (rad) and the joint's velocity (rad/s)."""
    return np.clip(600 * (target - angle) - 30 * velocity, -150, 150)


# %% tags=["check", "nbval-check-output"]
check.torque(torque)

# %% [markdown]
# **Predict.** An arm is to be raised by 70° within 0.65 s, as in our gesture “point”. We play the motion to the servo:
# the target is, at each moment, where the arm should be. Will the arm be there? Overshoot? Come late, and by how much?

# %% tags=["hide-input"]
ARM = 0.37  # kg m², about the shoulder
STEP = 1 / 1200


def play_arm(lead):
    """A motion and the arm that follows it (degrees); the target is where the motion will be in `lead` seconds."""
    share = np.clip(np.arange(0, 1.2, STEP) / 0.65, 0, 1)
    wanted = np.radians(70) * share**3 * (10 - 15 * share + 6 * share**2)
    targets = wanted + lead * np.gradient(wanted, STEP)
    angle = velocity = 0.0
    angles = []
    for target in targets:
        weight = 3.5 * 9.81 * 0.3 * np.sin(angle)
        pull = np.clip(600 * (target - angle) - 30 * velocity, -150, 150)
        velocity += STEP * (pull - weight) / ARM
        angle += STEP * velocity
        angles.append(angle)
    return np.degrees(wanted), np.degrees(angles)


when = np.arange(0, 1.2, STEP)
wanted, late = play_arm(0.0)
_, led = play_arm(0.05)
fig, axes = plt.subplots(figsize=(6.2, 2.8), layout="constrained")
axes.plot(when, wanted, color=BLACK, lw=3, alpha=0.35, label="motion")
axes.plot(when, late, "--", color=VERMILION, label="arm, target = motion")
axes.plot(when, led, ":", color=BLUE, lw=2, label="arm, target = motion + 0.05 s · velocity")
half = wanted[-1] / 2
at_half = [np.interp(half, curve, when) for curve in (wanted, late)]
axes.annotate("", (at_half[1], half), (at_half[0], half), arrowprops={"arrowstyle": "<->"})
axes.text(at_half[1] + 0.02, half - 6, f"{at_half[1] - at_half[0]:.2f} s")
axes.set(xlabel="time (s)", ylabel="arm raised (degrees)")
axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "An arm's angle over time. Played to the servo as it is, the motion is followed 0.05 s late. "
    "With a target that leads by as much the arm lies on the motion.",
)

# %% [markdown]
# It comes late, by $d/k = 0.05$ s: where the arm moves evenly, the spring has to be stretched far enough to pay for the
# brake, $k\,(\text{target} - q) = d\,\dot q$. For an eye used to 24 frames per second that is more than a frame. It is
# easy to mend: aim ahead.
#
# So let us aim ahead in all 28 directions of the 13 joints, and play the bow to the whole body. Nothing else acts: in
# the environment this is the action 0, since an action is only the **residual**, what an actor adds to the targets.
#
# **Predict.** Each servo now does its job. What will the figure do?


# %%
def zero_residual(observations, deterministic=True):
    return np.zeros((len(observations), env.controls), np.float32)


bowing = motion_player.stage({"gesture": "bow", "cue": "sound", "arc": [(0, 0.0, 0.0), (2.0, 0.6, 0.2), (5, 0.2, 0.0)]})
fallen = motion_player.perform(zero_residual, bowing, seed=3)
motion_player.still(fallen, "zero residual")

# %%
figure_now, wanted_now = (
    character.rotations(states[-1]["physics"][:, 1 : 1 + character.NQ])[0]
    for states in (fallen.states, fallen.references)
)
off = np.degrees(quaternion.angle(quaternion.multiply(quaternion.conjugate(wanted_now), figure_now)))
print(f"at the end the hips lean by {off[0]:.0f}°; the joints are off by {np.sqrt(np.mean(off[1:] ** 2)):.1f}° (rms)")

# %% [markdown]
# It falls, and before it has bowed. Each joint keeps its angle; the *whole* tips over, slowly at first, like a plank
# that stands on end. No joint angle tells that it leans, so no servo does anything about it. Standing is not a pose.
# It is something one does all the time: press with the toes as the weight comes forward, give as it goes back.
#
# That is what an actor has to learn, from an observation in which the lean can be seen. It gets 176 numbers: the body
# against the reference, what the reference does next, the cue, the face.
#
# ## 3. Imitation as a number
#
# Peng et al. (2018) ask four questions at every step, and answer each with $e^{-\alpha\,\text{err}}$, where err is a
# sum of squares. The weights and exponents are the paper's:
#
# | term | weight | α | err |
# |---|---|---|---|
# | pose | 0.65 | 2 | Σ angle² over the 13 joints, rad² |
# | velocity | 0.10 | 0.1 | Σ (difference of the joints' angular velocities)², (rad/s)² |
# | end effector | 0.15 | 40 | Σ distance² of wrists and toes, m² |
# | centre of mass | 0.10 | 10 | distance², m² |
#
# Why the exponential, and why just these exponents? Picture first. The bow's deepest moment, with every joint turned
# away by the same angle in a random direction:

# %% tags=["hide-input"]
reference = pose_search.moment("bow", 1.1)
rng = np.random.default_rng(4)
direction = rng.standard_normal((13, 3))
direction[character.HINGES, 1:] = 0
direction /= np.linalg.norm(direction, axis=1, keepdims=True)
flat = direction.ravel()[character.TURNING]
terms = (0.9, 0.5, 0.1)
angles = [np.sqrt(-np.log(term) / (2 * 13)) for term in terms]
home = pose_search.numbers_of(reference)
_, places = pose_search.poses(np.stack([home, *(home + angle * flat for angle in angles)]))
fig, axes = plt.subplots(figsize=(5, 2.4), layout="constrained")
degrees = np.linspace(0, 40, 161)
for alpha, colour, style in ((0.2, ORANGE, "--"), (2, BLUE, "-"), (20, VERMILION, ":")):
    axes.plot(degrees, np.exp(-alpha * 13 * np.radians(degrees) ** 2), style, color=colour, label=f"α = {alpha}")
axes.plot(np.degrees(angles), terms, "o", color=BLUE)
axes.set(xlabel="every joint off by (degrees)", ylabel="pose term")
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
captions = [f"{np.degrees(a):.0f}° each: pose term {t}" for a, t in zip(angles, terms, strict=True)]
display(
    gallery(
        pose_search.pictures(places),
        ["reference", *captions],
        "The reference and three poses with all joints off by 4, 9 and 17 degrees; their pose terms are 0.9, 0.5, 0.1.",
        4,
        190,
    ),
    figure(
        fig,
        "The pose term against the angle for three exponents: α = 2 falls to nothing within 20 degrees, 0.2 hardly "
        "falls, 20 falls at once. The three poses are marked on α = 2.",
    ),
)

# %% [markdown]
# The exponent is a **yardstick of what counts as close**. α = 0.2 would call all four pictures good, so nothing would
# be gained by doing better. α = 20 would call all but the first bad, and worse, equally bad: a figure that is 20° off
# would feel no slope to follow. Velocity is noisy, so its α is small; wrists and toes are to be right to a few
# centimetres, so theirs is 40.
#
# ### Exercise 3
# Every one of the 13 joints is off by the same angle. At how many **degrees** is the pose term ½?

# %% tags=["exercise"]
half_angle = None  # your calculation here

# %% tags=["solution"]
half_angle = np.degrees(np.sqrt(np.log(2) / (2 * 13)))

# %% tags=["check", "nbval-check-output"]
check.half_angle(half_angle)

# %% [markdown]
# The **motion player** below shows a take frame by frame: the reference on the left, the figure on the right, and all
# terms on one time axis. Choose the actor and the gesture; move the frame with the slider or its arrow keys. The
# *expert* is a controller that knows the physics: it linearises the body's motion about every frame of the reference
# and computes the best answer to every lean.
#
# Find out: which term sees the fall of the zero residual first? Which barely notices it until the end?

# %%
motion_player.MotionPlayer(
    {"expert": lambda env: env.expert_policy(), "zero residual": lambda env: zero_residual}, bowing.brief
)

# %% [markdown]
# The toes and wrists see it first: a small lean moves them by centimetres, and their exponent is sharp. The pose term
# has half its joints in place while the figure is already lost.
#
# ## 4. Be tricked
#
# Four terms are a lot. Would one not do? Someone on the set says: “A bow is when the head goes down. Reward the height
# of the neck.” Another: “Reward where hands and feet are, the rest will follow.” A third: “Reward the centre of mass.”
#
# Let us take all three at their word. Here is a search without any knowledge of bowing, a policy gradient on a single
# pose: 64 tries about a mean pose, and the mean moves to what earned more. It starts from standing. The figure has no
# weight here, so that it takes a second; physics would only change which tricks are cheap.
#
# **Predict.** Draw what each of the three figures will look like. Then run the cell.


# %%
def neck_height(pose, reference):
    """A reward (n,) for poses of n figures; `positions` (n, 13, 3) m, of the joints."""
    height, wanted = (one.positions[:, character.NECK, 2] for one in (pose, reference))
    return np.exp(-40 * (height - wanted) ** 2)


def hands_and_feet(pose, reference):
    """`ends` (n, 4, 3) m, of wrists and toes."""
    return np.exp(-40 * np.sum((pose.ends - reference.ends) ** 2, axis=(1, 2)))


def centre_of_mass(pose, reference):
    """`com` (n, 3) m."""
    return np.exp(-10 * np.sum((pose.com - reference.com) ** 2, axis=1))


rewards = {"neck height": neck_height, "hands and feet": hands_and_feet, "centre of mass": centre_of_mass}
pose_search.still("bow", 1.1, {name: pose_search.search(reward, reference) for name, reward in rewards.items()})

# %% [markdown]
# This is **reward hacking**, on screen. Each figure earns nearly everything there is, and none of them bows. The search
# is not malicious and not stupid. It found one of the many poses that the reward calls right, and a bow is only one of
# those. What a reward leaves open is filled with whatever is nearest.
#
# ### Exercise 4
# Write a reward that cannot be tricked so. You have `pose.rotations` (n, 13, 4), the joints' quaternions, besides
# `positions`, `ends` and `com`, and the same of `reference`, with n = 1. The checker is your adversary: it runs the
# search on the bow and on “point”, and looks at the joints.


# %% tags=["exercise"]
def reward(pose, reference):
    """A reward (n,) for the poses of n figures that only the gesture can earn."""
    return None  # your lines here


# %% tags=["solution"]
def reward(pose, reference):
    """A reward (n,) for the poses of n figures that only the gesture can earn."""
    angles = turn_between(pose.rotations, reference.rotations)
    return 0.8 * np.exp(-2 * np.sum(angles**2, axis=1)) + 0.2 * hands_and_feet(pose, reference)


# %% tags=["check", "nbval-check-output"]
check.reward(reward)

# %% [markdown]
# A reward without tricks is only half of it. Here is one that sees every joint, Peng's pose, end effector and centre
# of mass together. The search gets it for the wave, first from standing, then from a pose half-way there.


# %%
def peng(pose, reference):
    angles = quaternion.angle(quaternion.multiply(quaternion.conjugate(reference.rotations), pose.rotations))
    seen = np.exp(-2 * np.sum(angles**2, axis=1))
    return (0.65 * seen + 0.15 * hands_and_feet(pose, reference) + 0.10 * centre_of_mass(pose, reference)) / 0.9


wave = pose_search.moment("wave", 1.2)
half_way = 0.5 * pose_search.numbers_of(wave)
pose_search.still(
    "wave",
    1.2,
    {
        "Peng, from standing": pose_search.search(peng, wave),
        "Peng, from half-way": pose_search.search(peng, wave, start=half_way),
    },
)

# %% [markdown]
# From standing the raised arm is too far off. $e^{-\alpha\,\text{err}}$ is flat out there, only the centre of mass says
# anything, and the search wanders off after it. From half-way the same reward leads straight home. **Where one starts
# decides what one can learn.** Keep that in mind for a minute.
#
# ## 5. Two rules of episodes
#
# Back to weight. The agent's reward is right now; yet imitation of flips and spins is known to fail without two rules
# about *episodes*, not about rewards:
#
# - **Reference-state initialisation.** Begin episodes not only at the beginning but at random moments of the gesture,
#   in the pose and with the velocity that the reference has there. Otherwise the end of a bow is seen only by those
#   who already get that far.
# - **Early termination.** Stop as soon as the figure is lost, here when hips or head are half a metre off. Otherwise
#   most of what is learned from is the view from the floor.
#
# **Predict.** We train with both, without one, without the other, and without either, with the same number of steps.
# In which order will they come in?

# %% tags=["hide-input"]
LOOKS = {
    "both": (BLUE, "-", "o"),
    "no reference-state initialisation": (ORANGE, "--", "s"),
    "no early termination": (VERMILION, ":", "^"),
    "neither": (BLACK, "-.", "D"),
}
fig, axes = plt.subplots(figsize=(6.4, 3), layout="constrained")
for name, (colour, style, marker) in LOOKS.items():
    curves = np.array([run["curve"] for run in RUNS["rules"] if run["name"] == name])
    for k, curve in enumerate(curves):
        axes.plot(
            curve[:, 0] / 1000, curve[:, 1], marker, ls=style, color=colour, ms=4, lw=1.5, label=None if k else name
        )
axes.set(xlabel="steps (thousands)", ylabel="imitation reward per step,\nfrom the top (reference: 1)", ylim=(0, 1))
axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
axes.spines[["top", "right"]].set_visible(False)
ends = {name: [run["curve"][-1][1] for run in RUNS["rules"] if run["name"] == name] for name in LOOKS}
figure(
    fig,
    "Imitation reward against steps for four ways of training, three seeds each. It ends with "
    + "; with ".join(f"{name} at {', '.join(f'{end:.2f}' for end in sorted(ends[name]))}" for name in LOOKS)
    + ".",
)

# %% [markdown]
# (Stored: `python course/media/character_runs.py rules`. Each line is one seed; all gestures, judged from the top.) Can
# you rank the four? Not from these lines: the seeds lie further apart than the rules. Peng et al. needed both for flips
# and spins, over tens of millions of steps. Our figure starts from targets that follow the reference already, and has
# 41,000 steps. To say by how much a rule helps here takes more seeds, see lesson 15.
#
# What each is there for can be said all the same. Without early termination, most of what is recorded shows a figure
# that is lost: whatever the policy does there, the reward is flat. Reference-state initialisation brings in the rest of
# the gesture before the agent is good enough to get there by itself. And early termination does a second thing, without
# a word in the reward: since all terms are positive, whoever stands longer earns more.
#
# ## 6. A face
#
# So much for the body. What makes it acting is the face. Psychologists place feelings on two axes (Russell 1980):
# **valence**, from unpleasant to pleasant, and **arousal**, from sleepy to excited. Our figure's face has three
# muscles, each from −1 to 1, after the action units of Ekman and Friesen: brow (raised, lowered), eye (wide, drooping),
# mouth (corners up, down). A feeling $(v, a)$ asks for
#
# $$ \text{brow} = 0.6\,v + 0.4\,a, \qquad \text{eye} = a, \qquad \text{mouth} = v. $$

# %% tags=["hide-input"]
valences, arousals = (-1, -0.5, 0, 0.5, 1), (1, 0, -1)
shown = character_brief.face([character_brief.weights(v, a) for a in arousals for v in valences])
gallery(
    shown,
    [f"valence {v:+g}, arousal {a:+g}".replace("+0", "0") for a in arousals for v in valences],
    "A grid of faces. To the right, with valence, the corners of the mouth go up; upwards, with arousal, the eyes open "
    "and the brows rise.",
    5,
    130,
)

# %% [markdown]
# A brief names a gesture, a cue, and an **arc**: how valence and arousal run from the beginning to the end of the take.
# Write one. Can you make a bow that begins in fear and ends in relief?

# %%
editor = character_brief.BriefEditor("bow", "sound", arc=[(0, -0.6, 0.9), (2.5, 0.2, 0.3), (5, 0.9, -0.4)])
editor

# %% [markdown]
# The term *expression* compares the three muscles with what the arc asks for, $e^{-\overline{(b^* - b)^2} / (2 \cdot
# 0.25^2)}$. A muscle takes time (0.12 s), so an actor who waits until the feeling is due comes late. The same lag as
# the servo's, and the same remedy: the observation shows what the arc asks for a sixth of a second ahead.
#
# ## 7. A cue
#
# The bell rings at a random moment, 0.4 to 1.0 s into the take. People need about 0.15 to 0.4 s to react. “Reward the
# quick ones”, somebody says: the sooner the gesture begins, the better. Here is what that reward pays to five actors,
# averaged over all moments at which the bell may ring.
#
# **Predict.** Who earns most?


# %%
def the_sooner_the_better(delay):
    """delay: seconds from the cue to the beginning of the gesture, negative for those who began before it."""
    return float(np.clip(1 - delay, 0, 1))


# %% tags=["nbval-check-output"]
for name, earned in check.strategies(the_sooner_the_better).items():
    print(f"{earned:.2f}  {name}")

# %% [markdown]
# The one who does not listen. He also looks perfect on every take in which the bell happens to ring at once.
#
# ### Exercise 5
# Write the term so that listening pays best, by 0.2 at least.


# %% tags=["exercise"]
def reaction(delay):
    """A term in [0, 1] of the seconds from the cue to the beginning of the gesture, negative for a guess."""
    return None  # your lines here


# %% tags=["solution"]
def reaction(delay):
    """A term in [0, 1] of the seconds from the cue to the beginning of the gesture, negative for a guess."""
    if delay < 0.15:
        return 0.0
    return float(np.clip((1.0 - delay) / 0.6, 0, 1))


# %% tags=["check", "nbval-check-output"]
check.reaction(reaction)

# %% [markdown]
# ## 8. Train it
#
# Body, face and cue are 32 actions, the reward is the sum of six named terms, and the algorithm is PPO from lesson 06,
# unchanged. One setting matters more than the others, `log_std_init`: how widely the untrained policy tries. At its
# default, with a standard deviation of 1, every joint is shaken by 20°, and nobody learns to balance while shaken.
# Here it is $e^{-2.5} = 0.08$, about 2°. What is never tried is never learned, so the other actions are scaled to it:
# three such deviations are a broad smile.
#
# **Predict.** The untrained network answers nearly 0 to everything: it is the zero residual, which falls after two
# seconds. We give it 20,000 steps, a quarter of an hour of rehearsal, with all five gestures, and then as many again.
# How long will it stand then?

# %%
learner = rlfilm.learner("ppo", env, backend=BACKEND, seed=0, **RUNS["settings"] | {"anneal": False})
untrained = learner.policy()
history = rlfilm.train(learner, env, steps=20_480, progress=False)
lasted = history.column("episode_length") / 24
print(f"takes of {np.nanmean(lasted[:3]):.1f} s at first, {np.nanmean(lasted[-3:]):.1f} s now")

# %%
history = rlfilm.train(learner, env, steps=40_960, progress=False)
print(f"takes of {np.nanmean(history.column('episode_length')[-3:]) / 24:.1f} s")
mine = learner.policy()
stored = rlfilm.load(MEDIA / "character")

# %% [markdown]
# Your actor beside the usual yardsticks, and beside a stored one that trained for longer:

# %%
judge = character.Character(24)
actors = {
    "random": judge.random_policy(0),
    "untrained": untrained,
    "yours": mine,
    "stored": stored,
    "expert": judge.expert_policy(),
}
judged = {name: motion_player.tracking(policy, judge, seed=1000) for name, policy in actors.items()}

# %% tags=["hide-input"]
fig, panels = plt.subplots(1, 4, figsize=(9, 2.4), sharey=True, layout="constrained")
measures = {
    "seconds": ("stands for (s of 5)", 5),
    "imitation": ("imitation (0 to 1)", 1),
    "expression": ("expression (0 to 1)", 1),
    "reaction": ("reaction (0 to 1)", 1),
}
colours = ("#8c8c8c", SKY, BLUE, GREEN, BLACK)
for panel, (measure, (label, top)) in zip(panels, measures.items(), strict=True):
    for row, (name, colour) in enumerate(zip(judged, colours, strict=True)):
        values = judged[name][measure]
        panel.barh(row, values.mean(), color=colour)
        panel.plot(np.quantile(values, [0.1, 0.9]), [row, row], color=VERMILION, lw=2)
    panel.set(xlabel=label, xlim=(0, top * 1.02))
    panel.spines[["top", "right"]].set_visible(False)
panels[0].set_yticks(range(len(judged)), list(judged))
panels[0].invert_yaxis()
figure(
    fig,
    "Seconds until the fall, imitation, expression and reaction of five actors, means over 24 takes with the range of "
    "the middle 80 %. A short training raises standing and imitation above the untrained actor's; the longer one "
    "brings all four near the expert's.",
)

# %% tags=["nbval-check-output"]
mean = {name: {measure: values.mean() for measure, values in terms.items()} for name, terms in judged.items()}
print("the body beats random by 0.2:", bool(mean["yours"]["imitation"] > mean["random"]["imitation"] + 0.2))
print("and the zero residual by 0.03:", bool(mean["yours"]["imitation"] > mean["untrained"]["imitation"] + 0.03))
print(
    "the stored actor's face beats the untrained one by 0.5:",
    bool(mean["stored"]["expression"] > mean["untrained"]["expression"] + 0.5),
)

# %% [markdown]
# Balance comes first, and the gestures with it; the face takes longer; the reaction comes last. Look at what an agent
# meets that tries at random: it begins too early in half of its takes, in the six good frames in one of eleven, and is
# told that beginning is bad. So at first it waits until it is prompted, a second after the bell. Only the stored actor,
# which trained five times as long, has found the six frames.
#
# It would never have found them with the observation that this environment had once. That showed *that* the gesture
# had begun, but not whether in time. Yet the reward pays for a beginning in time to the end of the take, and none of
# this could the critic see coming: a reaction looked no better to it than a guess, and in 200,000 steps nobody began
# by himself. Now the term itself is among the 176 numbers, and the time since the bell is spread over the moments
# that matter. Nothing else was changed. **What the reward depends on has to be seen**, or nobody can tell what an
# action was worth: the Markov property of lesson 01, at work.
#
# The stored run had 307,000 steps. Per gesture, the mean imitation reward over whole takes, where the reference is 1
# and a step after a fall counts 0 (`python course/media/character_runs.py train judge`):

# %% tags=["nbval-check-output"]
print("          " + "".join(f"{gesture:>8s}" for gesture in motion.GESTURES))
for name, table in RUNS["tracking"].items():
    print(f"{name:10s}" + "".join(f"{table[gesture]['imitation']:8.2f}" for gesture in motion.GESTURES))

# %%
clip(
    MEDIA / "character.mp4",
    "Five gestures, one after the other: on the left the untrained figure tips over, in the middle the trained one "
    "makes the gesture, on the right is the reference.",
    540,
)

# %% [markdown]
# Watch them all in the player, with the brief that you wrote above. Look at the feet of those who balance, and at what
# your own actor does in its last second.

# %%
motion_player.MotionPlayer(
    {
        "stored": lambda env: stored,
        "yours": lambda env: mine,
        "untrained": lambda env: untrained,
        "random": lambda env: env.random_policy(0),
        "expert": lambda env: env.expert_policy(),
    },
    editor.brief,
)

# %% [markdown]
# The same update in both frameworks, as in lesson 06; nothing in it knows of bodies:

# %%
twins("ppo", ("def clipped_surrogate", "return -"))

# %% [markdown]
# ## The answer
#
# We show it. A motion that somebody made is the yardstick, and at every step four terms ask how far the figure is
# from it: joints, speeds, hands and feet, weight. The exponents say what counts as close. The reward looks at every
# joint, because what it does not look at will be used; it pays for what follows the cue, because a guess looks the
# same otherwise; and the actor is shown all that it is paid for. And the episodes are arranged so that the reward can
# be felt: they begin all over the gesture, and end when it is lost. Balance, which nobody described, is then learned
# from the reward alone.
#
# ## Quiz
#
# 1. All servos hold their angles to within a degree, and the figure falls. Why?
#    (a) the servos are too weak (b) leaning turns the whole body, and no joint angle shows it (c) the targets are late
# 2. A term with α = 20 in place of 2: a figure far from the reference
#    (a) feels no slope (b) learns faster, the slope is steeper (c) is terminated
# 3. Without reference-state initialisation the end of a gesture is learned late, because
#    (a) its reward is smaller (b) the cue has passed (c) only those who get that far ever see it
# 4. A figure is rewarded for its hands and feet alone. It will
#    (a) bow, the rest follows (b) put them there, in whatever way is nearest (c) fall
# 5. Why does a gesture that begins 0.05 s after the cue earn nothing?
#    (a) it is too early to be seen (b) muscles need 0.12 s (c) nobody reacts so fast: it was a guess

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "a", 3: "c", 4: "b", 5: "c"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - X. B. Peng, P. Abbeel, S. Levine, M. van de Panne, “DeepMimic: example-guided deep reinforcement learning of
#   physics-based character skills”, *ACM Transactions on Graphics* 37, 2018: the reward, and both rules of section 5.
# - J. Russell, “A circumplex model of affect”, *Journal of Personality and Social Psychology* 39, 1980.
# - P. Ekman, W. Friesen, *Facial Action Coding System*, 1978.
# - E. Todorov, T. Erez, Y. Tassa, “MuJoCo: a physics engine for model-based control”, IROS 2012.
# - D. Amodei et al., “Concrete problems in AI safety”, 2016, section 4: reward hacking.
# - T. Flash, N. Hogan, “The coordination of arm movements”, *Journal of Neuroscience* 5, 1985: the path of least jerk.
