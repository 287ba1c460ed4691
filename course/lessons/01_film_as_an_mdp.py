# %% [markdown]
# # 01 · A film set as a decision process
#
# **Driving question.** A director asks for “a medium shot, eyes on the left third, moody”. How do we write that down
# so precisely that a program can get better at it, and cannot cheat?
#
# **You will**
# - name the state, the observation, the action and the reward of a film set;
# - work out what a lens shows and how a composition is scored, by hand and in code;
# - move a camera and three lights in the viewfinder and watch every part of the reward answer;
# - write a policy by hand and measure it between two yardsticks: random, and an expert.
#
# **Before you start.** Lesson 00. Python and NumPy; nothing of film.
#
# **Time.** 60 minutes to read and do, 30 seconds to run.

# %%
import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import movie_scene
from rlfilm_lib.film import framing
from rlfilm_lib.stage import preview
from rlfilm_lib.widgets import viewfinder
from rlfilm_lib.widgets.checks import film_as_an_mdp as check
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, figure
from rlfilm_lib.widgets.twins import twins

LIGHTS = ("key", "fill", "back")
EXPOSURE_ERROR = movie_scene.OBSERVATION.index("exposure error")
BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
SCENE = "rlfilm/MovieScene-v0"

# %% [markdown]
# ## 1. State: everything that decides the picture
#
# One actor stands or sits on a small stage. One camera looks straight ahead. Three lights hang in fixed places: the
# **key** lights the face from one side, the **fill** softens the shadows on the other, the **back** light draws a
# bright rim around head and shoulders. Here is the stage from above. (Code that only plots is folded away; click on
# the dots to read it.)

# %%
env = rlfilm.make_vec(SCENE, num_envs=1, brief="medium")
observations, _ = env.reset(seed=1)
state = env.state()

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
camera, actor = state["camera"][0], state["character"][0]
spread = 3.2 * movie_scene.GATE_WIDTH / 2 / state["brief"][0, viewfinder.LENS]
axes.fill(
    [camera[0], camera[0] - spread, camera[0] + spread],
    [camera[1], camera[1] + 3.2, camera[1] + 3.2],
    color=BLUE,
    alpha=0.15,
    label="what the camera sees",
)
axes.plot(*camera[:2], "s", color=BLUE, ms=10, label="camera")
axes.plot(*actor[:2], "o", color=BLACK, ms=12, label="actor")
for light, place, style, colour in zip(LIGHTS, movie_scene.LIGHT_POSITION, "^vD", (ORANGE, GREEN, PURPLE), strict=True):
    axes.plot(*place[:2], style, color=colour, ms=10, label=f"{light} light")
axes.axhline(movie_scene.BACKDROP, color="grey", lw=4, label="backdrop")
axes.set(
    xlabel="x, to the right (m)", ylabel="y, away from the camera (m)", aspect="equal", xlim=(-5, 5), ylim=(-2, 6.5)
)
axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
figure(
    fig,
    "Plan of the stage: the camera near y = 0 looks along y at the actor about 2 m away; the key light stands on the "
    "left, the fill light on the right, the back light above the backdrop at y = 6 m.",
)

# %% [markdown]
# In a formula, the **state** is everything that the next picture and the next state depend on:
#
# $$ s = (\underbrace{c_x, c_y, c_z}_{\text{camera, m}},\; \underbrace{\ell_k, \ell_f, \ell_b}_{\text{lights, stops}},\;
#    \underbrace{p_x, p_y, p_z}_{\text{actor, m}},\; \underbrace{b}_{\text{the brief}},\;
#    \underbrace{\dot c, \ddot c}_{\text{camera's motion}}) $$
#
# A **stop** is a factor of two in light: +1 stop is twice as much, −2 stops a quarter. The **brief** is what the
# director asks for. It belongs to the state, because the same picture is good under one brief and bad under another.

# %% tags=["nbval-check-output"]
for name in ("camera", "lights", "character"):
    print(f"{name:10s}", state[name][0].round(2))
print("brief     ", viewfinder.brief_words("medium"))

# %% [markdown]
# **The Markov property.** What comes next may depend on the present state and the action, on nothing earlier. That is
# why the camera's velocity and acceleration are part of the state: a shaky move is penalised, and where the camera
# *is* does not tell how it is *moving*.
#
# The agent does not read the state as it stands. It gets an **observation**: thirty numbers, each scaled to about [−1,
# 1], among them what a camera assistant would read off viewfinder and light meter.

# %% tags=["nbval-check-output"]
print(len(movie_scene.OBSERVATION), "numbers:", ", ".join(movie_scene.OBSERVATION))

# %% [markdown]
# ## 2. What a lens shows
#
# Picture first. The same actor from the same place, through three lenses:

# %% tags=["hide-input"]
lens_state = {name: array.copy() for name, array in state.items()}
lens_state["camera"][0] = actor[0], actor[1] - 2.5, 1.35
fig, panels = plt.subplots(1, 3, figsize=(9.6, 2.2), layout="constrained")
for panel, focal_length in zip(panels, viewfinder.MILLIMETRES, strict=True):
    lens_state["brief"][0, viewfinder.LENS] = focal_length
    panel.imshow(preview.render(env.take([lens_state])[:1], 320, 180)[0])
    panel.set_title(f"{focal_length} mm", fontsize=10)
    panel.axis("off")
figure(
    fig,
    "Three pictures of the actor from 2.5 m: the 25 mm lens shows most of the figure, the 50 mm lens head and chest, "
    "the 85 mm lens the face.",
)

# %% [markdown]
# Now the formula. Light from a strip of height $S$ at distance $d$ passes the lens and fills the gate, 14 mm high, at
# the focal length $f$ behind it. The two triangles are similar:
#
# $$ \frac{S}{d} = \frac{14\,\text{mm}}{f} \qquad\Longrightarrow\qquad S = d \cdot \frac{14\,\text{mm}}{f} $$
#
# The **shot size** is $k = S / 1.75\,\text{m}$, the height of the picture in heights of the person: up to 0.25 is a
# close-up (CU), up to 0.55 a medium shot (MS), up to 3 a long shot (LS).
#
# **Predict.** The camera stands 2.5 m away with the 50 mm lens. How much of the actor does it show: 0.35 m, 0.70 m or
# 1.40 m? Write your guess down before you go on.
#
# ### Exercise 1
# Write the formula as a function.


# %% tags=["exercise"]
def visible_height(distance, focal_length):
    """Height in metres that fills the picture at `distance` (m) through a lens of `focal_length` (mm)."""
    return None  # your line here


# %% tags=["solution"]
def visible_height(distance, focal_length):
    """Height in metres that fills the picture at `distance` (m) through a lens of `focal_length` (mm)."""
    return distance * 14.0 / focal_length


# %% tags=["check", "nbval-check-output"]
check.visible_height(visible_height)

# %% [markdown]
# The library's version, and what it is called on a set:

# %% tags=["nbval-check-output"]
for focal_length in viewfinder.MILLIMETRES:
    height = framing.visible_height(2.5, focal_length)
    k = height / 1.75
    print(f"{focal_length} mm from 2.5 m: {height:.2f} m high, k = {k:.2f}, {framing.shot_size(k)}")

# %% [markdown]
# ## 3. Action: small pushes on nine knobs
#
# An action is nine numbers in [−1, 1]: one push each for camera x, y, z, for key, fill and back, and for the actor's
# x, y and height. A push of 1 moves a knob by its largest step. One action lasts two frames, 1/12 of a second.

# %% tags=["nbval-check-output"]
for name, increment in zip(movie_scene.OBSERVATION, movie_scene.INCREMENT.ravel(), strict=False):
    print(f"{name:13s} {increment:.3f} {'stops' if name in LIGHTS else 'm'} per action")

# %% [markdown]
# **Predict.** The camera stands about 2 m from the actor. The agent pushes camera y with +1 in every action. After how
# many actions does something happen, and what?

# %% tags=["nbval-check-output"]
env.restore(state)
forward = np.zeros((1, 9), np.float32)
forward[0, 1] = 1.0
steps, terminated, truncated = 0, [False], [False]
while not (terminated[0] or truncated[0]):
    _, reward, terminated, truncated, terms = env.advance(forward)
    steps += 1
distance = np.hypot(*(env.state()["camera"] - env.state()["character"])[0, :2])
print(f"after {steps} actions: terminated {terminated[0]}, distance {distance:.2f} m, reward {reward[0]:.1f}")

# %% [markdown]
# The camera ran into the actor. The episode **terminated**: there is no next picture, and the reward holds a penalty.
# Had nothing happened, the episode would have been cut off after 48 actions, 4 seconds of film: it would have been
# **truncated**. The difference matters later. A truncated episode could have gone on, so what would have come still
# has a value; after a termination nothing comes.
#
# Nine knobs at once are a wall. So the environment takes `controls=1` (one dimmer for all lights), `controls=3` (the
# camera) or `controls=9`. You will start with one.
#
# ## 4. Reward: the brief as numbers
#
# The reward of one action is a weighted sum of **terms**, each between 0 and 1, each with the name a film set gives
# it:
#
# $$ r = \sum_k w_k\, \text{term}_k $$
#
# Most terms have the same shape: 1 where the target is met, falling like a bell with the error on either side. For the
# eyes, at $(u, v)$ in the picture (from 0 at the left and the bottom to 1), the target $q$ lies on the third that the
# brief names, and on the upper third:
#
# $$ \text{thirds} = \exp\left(-\frac{(u - q_u)^2 + (v - q_v)^2}{2\sigma^2}\right), \qquad
#    q = \left(\tfrac12 + \tfrac{\text{side}}{6},\; \tfrac23\right), \quad \sigma = 0.12 $$
#
# with side −1 for left and +1 for right.
#
# ### Exercise 2
# Write the term as a function.


# %% tags=["exercise"]
def thirds(u, v, side):
    """How well eyes at (u, v) sit on the upper third of the brief's side (-1 left, +1 right): between 0 and 1."""
    return None  # your lines here


# %% tags=["solution"]
def thirds(u, v, side):
    """How well eyes at (u, v) sit on the upper third of the brief's side (-1 left, +1 right): between 0 and 1."""
    du, dv = u - (1 / 2 + side / 6), v - 2 / 3
    return np.exp(-(du**2 + dv**2) / (2 * 0.12**2))


# %% tags=["check", "nbval-check-output"]
check.thirds(thirds)

# %% [markdown]
# ### What one knob does to all terms
#
# **Predict.** We start from a well-lit, well-framed medium shot and move one thing only. First the camera, back and
# forth. Then the key light, up and down. Which terms react to the camera? Which to the key? Could one of them react to
# both?

# %%
expert = env.expert_policy()
good, _ = list(viewfinder.takeover(env, state, expert))[-1]


def sweep(entry, axis, offsets):
    """Reward terms (terms, offsets) when one number of the good state is moved by each offset."""
    rows = []
    for offset in offsets:
        moved = {name: array.copy() for name, array in good.items()}
        moved[entry][0, axis] += offset
        rows.append(list(viewfinder.look(env, moved).terms.values()))
    return np.array(rows).T


# %% tags=["hide-input"]
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, BLACK)
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))


def plot_terms(axes, offsets, terms, label):
    for name, term, colour, style in zip(env.weights, terms, COLOURS, STYLES, strict=False):
        axes.plot(offsets, term, color=colour, ls=style, lw=2, label=viewfinder.words(name))
    axes.set(xlabel=label, ylim=(-0.03, 1.05))
    axes.spines[["top", "right"]].set_visible(False)


metres, stops = np.linspace(-1.5, 1.0, 26), np.linspace(-4, 4, 33)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
plot_terms(left, metres, sweep("camera", 1, metres), "camera moved forward (m)")
plot_terms(right, stops, sweep("lights", 0, stops), "key light changed (stops)")
left.set_ylabel("reward term (0 to 1)")
right.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
figure(
    fig,
    "Six reward terms against one moved knob. Moving the camera bends shot size, thirds and headroom. Changing the key "
    "light bends exposure, key:fill and separation. All fall to both sides of their peak.",
)

# %% [markdown]
# Three things to see. Brighter is not better: exposure falls on *both* sides, so the oldest trick, more light, does
# not pay. One knob moves several terms at once: the key changes the exposure, the key:fill ratio *and*, because it
# spills on the backdrop, the separation. The agent cannot tune its knobs one after another. And terms compete: in a
# medium shot thirds pulls the camera back and headroom pulls it forward. The best compromise leaves both at 0.87.
#
# ## 5. The viewfinder: you are the agent
#
# Now move things yourself. First the camera alone. Each slider has its unit; click on it and use the arrow keys for
# small steps. Try to bring the three framing bars, thirds, shot size and headroom, above 0.85. Then let the agent
# take over; it works the lights and the actor as well.

# %%
viewfinder.Viewfinder("medium", controls=("camera",))

# %% [markdown]
# Now a close-up with everything. This is the wall of nine knobs; count how long you take to reach 0.8.

# %%
viewfinder.Viewfinder("close")

# %% [markdown]
# ## 6. Return: what an episode is worth
#
# An agent is not after the next reward but after the **return**, the sum of all rewards to come. With a discount
# $\gamma \le 1$ a reward counts less the later it comes:
#
# $$ G = r_0 + \gamma r_1 + \gamma^2 r_2 + \dots = \sum_{t=0}^{T-1} \gamma^t r_t $$
#
# **Predict.** A camera that frames perfectly from the start earns about 1 per action. What is its return over 48
# actions with $\gamma = 1$? And with $\gamma = 0.9$: nearer to 48, to 24 or to 10?
#
# ### Exercise 3
# Write the return of a list of rewards.


# %% tags=["exercise"]
def discounted_return(rewards, gamma):
    """The return of a sequence of rewards, the first one undiscounted."""
    return None  # your lines here


# %% tags=["solution"]
def discounted_return(rewards, gamma):
    """The return of a sequence of rewards, the first one undiscounted."""
    total = 0.0
    for reward in reversed(rewards):
        total = reward + gamma * total
    return total


# %% tags=["check", "nbval-check-output"]
check.discounted_return(discounted_return)

# %% tags=["nbval-check-output"]
for gamma in (1.0, 0.99, 0.9):
    print(f"48 rewards of 1, γ = {gamma}: {np.sum(gamma ** np.arange(48)):.1f}")

# %% [markdown]
# ## 7. Policy: from observations to actions
#
# A **policy** answers every observation with an action. Two policies serve as yardsticks. The random one knows
# nothing. The expert knows the formulas of the stage and plans its move. Every result of this course is reported
# between the two:
#
# $$ \text{normalised score} = \frac{R - R_\text{random}}{R_\text{expert} - R_\text{random}} $$

# %%
policies = {"random": env.random_policy(seed=0), "expert": expert}
results = {name: rlfilm.evaluate(policy, SCENE, episodes=64, seed=1) for name, policy in policies.items()}

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.4, 1.6), layout="constrained")
for row, result in enumerate(results.values()):
    axes.plot(
        result.returns, np.full(64, row) + np.random.default_rng(0).uniform(-0.2, 0.2, 64), ".", color=BLUE, alpha=0.4
    )
    axes.plot(result.ci95, [row, row], color=VERMILION, lw=5, solid_capstyle="butt")
axes.set(
    yticks=range(len(results)), yticklabels=results, xlabel="return of an episode (sum of 48 rewards)", ylim=(-0.6, 1.6)
)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Returns of 64 episodes each: those of the random policy lie far below those of the expert. Dots are episodes, "
    "the thick bar is the 95 % interval of the mean.",
)

# %% [markdown]
# ### Exercise 4: a policy of your own
#
# `controls=1` leaves one knob: a dimmer that changes all three lights together, by at most 0.2 stops per action. The
# observation's entry `EXPOSURE_ERROR` is $(\text{stops too bright}) / 3$. Write a policy that holds the exposure. It
# gets observations of shape (N, 30) and returns actions of shape (N, 1).


# %% tags=["exercise"]
def hold_exposure(observations):
    """Actions (N, 1) that bring the exposure error to zero and keep it there."""
    return None  # your lines here


# %% tags=["solution"]
def hold_exposure(observations):
    """Actions (N, 1) that bring the exposure error to zero and keep it there."""
    too_bright = observations[:, [EXPOSURE_ERROR]] * 3  # stops
    return np.clip(-too_bright / 0.2, -1, 1)


# %% tags=["check", "nbval-check-output"]
check.hold_exposure(hold_exposure)

# %% [markdown]
# You have just written down, by hand, what an agent will have to find out from rewards alone. With one knob that is
# one line. With nine that push on one another it is not.
#
# ## 8. One policy, two frameworks
#
# A learning policy is a small neural network. Its weights live in NumPy when it acts, and in PyTorch or TensorFlow
# when it learns. `BACKEND`, at the top, is the only switch. The first weights come from NumPy, so both frameworks
# start from the same policy, and this cell prints the same numbers whichever you choose:

# %% tags=["nbval-check-output"]
learner = rlfilm.learner("reinforce", env, backend=BACKEND, seed=0)
observations = env.restore(state)
print("first action:", learner.policy()(observations)[0].round(3))

# %% [markdown]
# The two learners are twins, line beside line. Here is the network in both; tinted lines differ.

# %%
twins("learner", ("def mlp", "return"))

# %% [markdown]
# ## The answer
#
# A director's wish becomes a **Markov decision process**. The *state* holds what decides the picture: camera, lights,
# actor, the brief, and the camera's motion. *Actions* are small pushes with stated limits. The *reward* is a sum of
# named terms, measured on the picture, not on the knobs, and two-sided, so that more of anything does not pay. The
# *return* adds rewards over the shot. What remains is to find a policy with a high return. That is what the rest of
# the course is about.
#
# ## Quiz
#
# 1. After 48 actions an episode ends. Why is it called truncated and not terminated?
#    - (a) because the agent failed
#    - (b) because the reward was low
#    - (c) because only the clock ended it
# 2. Why is the camera's velocity in the observation?
#    - (a) smoothness depends on it, and position alone does not tell it
#    - (b) it makes training faster
#    - (c) the renderer needs it
# 3. You raise the key light by one stop. Which terms move?
#    - (a) exposure only
#    - (b) exposure, key:fill and separation
#    - (c) all of them
# 4. With γ = 0.9, how far does the agent look ahead?
#    - (a) the whole shot
#    - (b) about 10 actions, a bit under a second
#    - (c) one action

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "c", 2: "a", 3: "b", 4: "b"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, 2nd edition, 2018, chapter 3: Markov decision
#   processes.
# - B. Brown, *Cinematography: Theory and Practice*, 3rd edition, 2016: shot sizes, thirds, key and fill.
# - F. Pardo et al., “Time limits in reinforcement learning”, ICML 2018: truncated against terminated.
# - Gymnasium, the interface of every environment in this course: https://gymnasium.farama.org
