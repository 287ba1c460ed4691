# %% [markdown]
# # 02 · Values or policies
#
# **Driving question.** Why not just learn what every action is worth, and take the best?
#
# **You will**
# - order the panels of a storyboard into a story, by hand, and see why it is a decision process;
# - compute what every action is worth, exactly, when the rules are known;
# - learn it from play alone: with Q-learning, and with SARSA;
# - see the two disagree at a dangerous place, and say why both are right;
# - find out where tables end, and what a policy does instead.
#
# **Before you start.** Lesson 01: state, action, reward, return. Means and probabilities. Nothing of film.
#
# **Time.** 80 minutes to read and do, 30 seconds to run.

# %%
import matplotlib.pyplot as plt
import numpy as np

import rlfilm_lib as rlfilm
from rlfilm_lib.envs import storyboard
from rlfilm_lib.envs.storyboard import ACTIONS, COLUMNS, state_of
from rlfilm_lib.rl import tabular
from rlfilm_lib.widgets import storyboard_board
from rlfilm_lib.widgets.checks import values_or_policies as check
from rlfilm_lib.widgets.picture import BLACK, BLUE, GREEN, SKY, VERMILION, figure, gallery
from rlfilm_lib.widgets.storyboard_board import boards
from rlfilm_lib.widgets.twins import twins

BACKEND = rlfilm.choose_backend()  # or "tensorflow": the one switch between the two frameworks
BOARD, SCENE = "rlfilm/Storyboard-v0", "rlfilm/MovieScene-v0"
GAMMA = 0.97

# %% [markdown]
# ## 1. A wall of panels
#
# Before a scene is shot it is drawn, one panel per set-up of the camera. Here are 32 set-ups of the same scene: two
# people, one conversation. From left to right the camera goes in, from the extreme wide shot to the extreme close-up.
# From top to bottom it goes round, towards the **line**, the orange wire: the line that joins the two people.

# %%
env = rlfilm.make_vec(BOARD, num_envs=1, render_mode="rgb_array")
env.reset(seed=3)
gallery(
    env.render(),
    [""],
    "A board of 32 drawn panels, 8 shot sizes by 4 angles. One panel is framed. Pips mark three panels of the third "
    "row. An orange wire divides the third row from the fourth, which lies in shade.",
    columns=1,
    width=920,
)

# %% [markdown]
# A story is a way through these panels, cut by cut. It has three **beats**, marked with one, two and three pips: *they
# meet* (long shot), *the news* (close-up), *alone* (extreme wide shot). They must be told in this order. A cut leads to
# a neighbour on the board, or shows the same panel again.
#
# Two things make it hard. When the panel of a beat is shown, the audience gets it in 8 cases of 10; otherwise it has to
# be shown again. And below the wire stands the camera on the other side of the line. Look at the two lowest rows: who
# was on the left is on the right. Viewers lose their bearings, and the story ends there, badly. This is the *180°
# rule*, the oldest rule of editing.

# %% tags=["nbval-check-output"]
print("actions:", ", ".join(ACTIONS))
for name, weight in storyboard.Storyboard.weights.items():
    print(f"{name:6s} {weight:+.2f}")

# %% [markdown]
# A beat that gets across earns 1, every panel costs 0.05, crossing the line costs 5. The **state** is the panel and the
# number of beats told so far. Nothing else matters for what comes: that is the Markov property of lesson 01.
#
# **Predict.** How many states are there in which a decision is to be made? (Three rows are on the right side of the
# line; with the third beat the story is over.) Would you write down a number for each of them?

# %% tags=["nbval-check-output"]
decisions = 3 * storyboard.ACROSS * COLUMNS
print(f"{decisions} states, {len(ACTIONS)} actions: a table of {decisions * len(ACTIONS)} numbers")

# %% [markdown]
# ## 2. What is an action worth?
#
# Let us write down the number. The **action value** $q(s, a)$ is the return that can be expected from state $s$ if we
# take action $a$ now and go on in some stated way. With it, choosing is easy: take the action with the largest $q$.
#
# What is it? We get the reward of this step. Then chance chooses the next state $s'$, with probability $p(s' \mid s,
# a)$, and from there on we earn that state's value $v(s')$, discounted:
#
# $$ q(s, a) = r(s, a) + \gamma \sum_{s'} p(s' \mid s, a)\, v(s') $$
#
# ### Exercise 1
# Write it as a function, for one state and one action.


# %% tags=["exercise"]
def action_value(reward, probabilities, values, gamma):
    """q(s, a); probabilities and values: (S,) arrays over the next states."""
    return None  # your line here


# %% tags=["solution"]
def action_value(reward, probabilities, values, gamma):
    """q(s, a); probabilities and values: (S,) arrays over the next states."""
    return reward + gamma * np.sum(probabilities * values)


# %% tags=["check", "nbval-check-output"]
check.action_value(action_value)

# %% [markdown]
# And how much is a state worth? As much as its best action: $v(s) = \max_a q(s, a)$. So values are made of values: each
# of what follows it. Start with all zeros, apply the two lines to all states, and again, and again. That is **value
# iteration**. Each sweep carries the news of a reward one panel further.
#
# To see it we look at one row only, the one next to the wire, with three actions: hold, wider, closer. (`controls=3`.)

# %%
row_model = storyboard.model(controls=3)
v, sweeps = np.zeros(storyboard.STATES), {0: np.zeros(storyboard.STATES)}
for sweep in range(1, 201):
    v = row_model.action_values(v, GAMMA).max(axis=1)
    sweeps[sweep] = v

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(8, 3), layout="constrained")
shades = {1: "#b8d4e8", 3: SKY, 6: BLUE, 200: BLACK}
row = storyboard.NEAR * COLUMNS + np.arange(COLUMNS)
for (sweep, colour), marker in zip(shades.items(), "osD^", strict=True):
    axes.plot(
        sweeps[sweep][state_of(row, 1)],
        marker=marker,
        color=colour,
        lw=2,
        label=f"after {sweep} sweep{'s' * (sweep > 1)}",
    )
axes.axvline(6, color=VERMILION, lw=1, ls=":")
axes.text(5.95, 2.02, "the news", color=VERMILION, ha="right")
axes.set_xticks(range(COLUMNS), list(storyboard.SIZES))
axes.set(xlabel="panel (shot size) on the row next to the line", ylabel="value (expected return)", ylim=(-0.7, 2.2))
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
figure(
    fig,
    "Values of the eight panels of the row, one beat told, after 1, 3, 6 and 200 sweeps: first only the panels beside "
    "“the news” are worth something, then the value spreads outwards; in the end it falls gently with the distance.",
)

# %% [markdown]
# After six sweeps the cost of going on is known and the last beat not yet, so near the news the values have even
# fallen. The last curve does not change any more: $v = \max_a q$ holds everywhere. That is **Bellman's optimality
# equation**, and its solution is the best that can be had. There is a quicker way to it, **policy iteration**: value a
# policy exactly, by solving linear equations; act greedily on those values; repeat until nothing changes.

# %% tags=["nbval-check-output"]
policy, values = tabular.policy_iteration(row_model, GAMMA)
print("sweeps and policy iteration differ by", f"{np.abs(values - sweeps[200]).max():.2f} at most")
print("in the long shot, nothing told:", ACTIONS[policy[state_of(17, 0)]])
print("in the long shot, one beat told:", ACTIONS[policy[state_of(17, 1)]])
print("in the close-up, two beats told:", ACTIONS[policy[state_of(22, 2)]])

# %% [markdown]
# The same panel, three different best actions: it depends on what has been told. Now the whole board. These are the
# optimal values, once the first beat is told, and below them the optimal policy. A dot means hold.

# %%
exact = storyboard.model()
best_policy, best_values = tabular.policy_iteration(exact, GAMMA)
optimal_q = exact.action_values(best_values, GAMMA)
boards({"optimum": optimal_q}, "values", told=1)

# %%
boards({"optimum": optimal_q}, "policy", told=1)

# %% [markdown]
# Everything flows to the close-up, along the shortest way, close to the wire.
#
# ## 3. Without the rules: learning from play
#
# All this needed $p$ and $r$. On a real set nobody hands you the probabilities of what an audience understands. You can
# only try. Then the sum over $s'$ becomes a **sample**: we take action $a$ in $s$, see a reward $r$ and a next state
# $s'$, and move our estimate a small step $\alpha$ towards what we saw:
#
# $$ q(s, a) \leftarrow q(s, a) + \alpha\, \big(\,
# \underbrace{r + \gamma \cdot [\text{what } s' \text{ is worth}]}_{\text{target}} - q(s, a)\big) $$
#
# What is $s'$ worth? **Q-learning** says: as much as the best action there, $\max_{a'} q(s', a')$. Where the story
# *terminated* nothing follows, and the target is $r$ alone.
#
# ### Exercise 2
# Write Q-learning's target.


# %% tags=["exercise"]
def q_target(reward, next_q, next_action, terminated, gamma):
    """Q-learning's target; next_q: (A,) values of the next state's actions; next_action: the one taken there."""
    return None  # your lines here


# %% tags=["solution"]
def q_target(reward, next_q, next_action, terminated, gamma):
    """Q-learning's target; next_q: (A,) values of the next state's actions; next_action: the one taken there."""
    if terminated:
        return reward
    return reward + gamma * np.max(next_q)


# %% tags=["check", "nbval-check-output"]
check.q_target(q_target)

# %% [markdown]
# One thing is missing. Who always takes the action that seems best never learns about the others. So the hand that
# plays is **ε-greedy**: with probability ε it takes any action, otherwise the best. At ε = 0.1 one cut in ten is a
# throw of the dice.
#
# Q-learning ignores those dice in its target: it asks what the *best* action is worth, whatever the hand does next.
# That is called **off-policy**. **SARSA** does not ignore them. Its target is the value of the action $a'$ that the
# hand really takes next: $r + \gamma\, q(s', a')$. That is **on-policy**. The name is the five things it needs:
# $s, a, r, s', a'$.
#
# ### Exercise 3
# Write SARSA's target.


# %% tags=["exercise"]
def sarsa_target(reward, next_q, next_action, terminated, gamma):
    """SARSA's target; next_q: (A,) values of the next state's actions; next_action: the one taken there."""
    return None  # your lines here


# %% tags=["solution"]
def sarsa_target(reward, next_q, next_action, terminated, gamma):
    """SARSA's target; next_q: (A,) values of the next state's actions; next_action: the one taken there."""
    if terminated:
        return reward
    return reward + gamma * next_q[next_action]


# %% tags=["check", "nbval-check-output"]
check.sarsa_target(sarsa_target)

# %% [markdown]
# **Predict.** Both learn for 160,000 cuts with ε = 0.1, on the whole board. Which earns more *while it learns*? Which
# leads closer along the wire? Write both answers down.

# %%
learning = {"gamma": GAMMA, "learning_rate": tabular.decay(0.2, 0.01), "epsilon": 0.1, "seed": 2}
play = rlfilm.make_vec(BOARD, num_envs=64)
q_table = tabular.q_learning(play, 160_000, **learning)
sarsa_table = tabular.sarsa(play, 160_000, **learning)
tables = {"Q-learning": q_table.q, "SARSA": sarsa_table.q}


# %% tags=["hide-input"]
def running_mean(returns, width=400):
    """Means over the last `width` stories."""
    total = np.cumsum(np.concatenate([[0.0], returns]))
    return (total[width:] - total[:-width]) / width


fig, axes = plt.subplots(figsize=(7, 2.9), layout="constrained")
for (name, table), colour, style in zip(
    {"Q-learning": q_table, "SARSA": sarsa_table}.items(), (VERMILION, BLUE), ("-", "--"), strict=True
):
    curve = running_mean(table.returns)
    axes.plot(np.arange(len(curve)) + 400, curve, color=colour, ls=style, lw=2, label=name)
axes.axhline(rlfilm.make_vec(BOARD).metadata["yardsticks"][5]["expert"], color=BLACK, lw=1, ls=":")
axes.text(400, 2.36, "optimum, with a steady hand", fontsize=9)
axes.set(xlabel="story", ylabel="return (mean of 400 stories)", ylim=(-2, 2.9))
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False, loc="lower right")
learned = (q_table.returns[-1500:].mean(), sarsa_table.returns[-1500:].mean())
figure(
    fig,
    f"Return against stories while learning with ε = 0.1: both rise quickly; at the end Q-learning earns "
    f"{learned[0]:.1f} and SARSA {learned[1]:.1f} on average, both below the optimum.",
)

# %%
boards(tables, "policy", told=2)

# %% tags=["nbval-check-output"]
ALONG = state_of(storyboard.NEAR * COLUMNS + np.arange(3, 7), 2)  # next to the line, on the way back to the wide shot
AWAY = ACTIONS.index("away from the line")
print("panels on the wire where it steps away first, of 4:")
print("  Q-learning: 1 at most:", np.sum(q_table.q[ALONG].argmax(axis=1) == AWAY) <= 1)
print("  SARSA: 2 at least:", np.sum(sarsa_table.q[ALONG].argmax(axis=1) == AWAY) >= 2)
print("while learning SARSA earns more:", learned[1] > learned[0])

# %% [markdown]
# Here is the surprise. Q-learning has learned the *better* policy: the shortest way, along the wire. And it earns
# *less* while it learns. Its hand slips now and then, and next to the wire one slip in five crosses the line. SARSA
# knows the hand it has. Its values contain the slips, so the panels along the wire are worth less to it. It steps back
# one row, goes its way there, and comes down again only near the panel that tells the beat.
#
# ### Exercise 4
# How dangerous is it? Each cut, with probability ε, is one of the five actions at random, and one of these five crosses
# the line. Write the probability to get through `panels` panels along the wire without crossing it.


# %% tags=["exercise"]
def arrives(epsilon, panels, actions):
    """Probability that none of so many cuts, each with a chance ε of being any of `actions`, crosses the line."""
    return None  # your line here


# %% tags=["solution"]
def arrives(epsilon, panels, actions):
    """Probability that none of so many cuts, each with a chance ε of being any of `actions`, crosses the line."""
    return (1 - epsilon / actions) ** panels


# %% tags=["check", "nbval-check-output"]
check.arrives(arrives)

# %% [markdown]
# With ε = 0.1 and the 14 cuts that a story takes there, one story in four goes wrong.

# %% tags=["nbval-check-output"]
print(f"goes wrong: {1 - (1 - 0.1 / 5) ** 14:.2f} of all stories; at ε = 0.01: {1 - (1 - 0.01 / 5) ** 14:.2f}")

# %% [markdown]
# ### Both are right
#
# They answer different questions. Q-learning looks for the optimum of the board. SARSA looks for the optimum of *the
# board and this hand*: a board on which every action slips with probability ε. We know that board exactly, too, so we
# can compute both answers (`model.soft(epsilon)`), and value each policy twice: with a steady hand, and with one that
# trembles.

# %%
trembling = exact.soft(0.1)
careful_policy, careful_values = tabular.policy_iteration(trembling, GAMMA)
START = slice(0, storyboard.ACROSS * COLUMNS)  # the panels on which a story begins


def worth(model, policy):
    """Mean value of a policy over the panels on which a story begins."""
    return tabular.policy_evaluation(model, policy, GAMMA)[START].mean()


# %% tags=["nbval-check-output"]
for name, found in {"optimum of the board": best_policy, "optimum of board and hand": careful_policy}.items():
    print(f"{name:26s} steady hand {worth(exact, found):.2f}   trembling hand {worth(trembling, found):.2f}")

# %% [markdown]
# And the two tables that were learned:

# %%
for name, q in tables.items():
    found = q.argmax(axis=1)
    print(f"{name:26s} steady hand {worth(exact, found):.2f}   trembling hand {worth(trembling, found):.2f}")

# %% tags=["nbval-check-output"]
bold, careful = (q.argmax(axis=1) for q in tables.values())
print("steady hand: Q-learning's policy is better:", worth(exact, bold) > worth(exact, careful))
print("trembling hand: SARSA's is better:", worth(trembling, careful) > worth(trembling, bold))

# %% [markdown]
# Let ε fall while learning, to almost zero (`epsilon=tabular.decay(1.0, 0.01)`), and the hand becomes steady: then the
# two agree.
#
# ## 4. Your turn
#
# Tell the story yourself. First with a steady hand: can you match the optimum? Then set the hand to 0.3 and go along
# the wire. Switch to *values* or *policy* to be told what a table thinks of every panel, for the number of beats told
# so far, and compare the three tables.

# %%
storyboard_board.StoryboardBoard({"optimum": optimal_q, **tables})

# %% [markdown]
# ## 5. Where tables end
#
# So why not just learn what every action is worth? On the board it works, so well that nothing else is needed. Now look
# at the film set of lesson 01: thirty numbers are observed, nine knobs are turned. To make a table of it, divide each
# number into bins.
#
# **Predict.** Ten bins for each number: will the table fit into this computer? Into all computers?
#
# ### Exercise 5
# Write the number of entries of that table.


# %% tags=["exercise"]
def table_size(bins, observations, actions):
    """Entries of a table with so many bins for each of so many observed numbers and of so many knobs."""
    return None  # your line here


# %% tags=["solution"]
def table_size(bins, observations, actions):
    """Entries of a table with so many bins for each of so many observed numbers and of so many knobs."""
    return bins ** (observations + actions)


# %% tags=["check", "nbval-check-output"]
check.table_size(table_size)

# %% tags=["nbval-check-output"]
for name, observed, knobs in (("board", 1, 1), ("dimmer", 30, 1), ("film set", 30, 9)):
    size = decisions * len(ACTIONS) if name == "board" else 10.0 ** (observed + knobs)
    print(f"{name:8s} {size:.0e} entries")
print("atoms in all of you: 7e+27")

# %% [markdown]
# A function can stand in for the table: a network that takes the state and returns a value for each action. That is
# how Q-learning came to play video games (Mnih et al., 2015). It mends one half, the states. But a game has a handful
# of buttons. A knob has no list of actions to give values to.
#
# So the knob, too, is divided into bins? Let us see what that costs, at its best. The expert of lesson 01 knows exactly
# how to turn all nine knobs. We round each of its turns to the nearest bin, and judge what is left.
#
# **Predict.** With how many bins per knob does it lose less than 2 %? And how many actions is that, for nine knobs?

# %%
expert = rlfilm.make_vec(SCENE, num_envs=1).expert_policy()


def rounded(bins):
    """The expert, each knob's turn in [-1, 1] rounded to the nearest of so many bins."""

    def policy(observations, deterministic=True):
        return np.round((expert(observations) + 1) / 2 * (bins - 1)) / (bins - 1) * 2 - 1

    return policy


BINS = np.array([2, 3, 5, 9, 17, 33])
kept = np.array([rlfilm.evaluate(rounded(bins), SCENE, episodes=32, seed=1).normalised_score for bins in BINS])
smooth = rlfilm.evaluate(expert, SCENE, episodes=32, seed=1).normalised_score

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
axes.axhline(smooth, color=BLACK, lw=1, ls=":")
axes.text(2, smooth + 0.02, "not rounded", fontsize=9)
axes.plot(BINS, kept, "o-", color=BLUE, lw=2)
for bins, score in zip(BINS, kept, strict=True):
    axes.annotate(
        f"{float(bins) ** 9:.0e}", (bins, score), (0, -16), textcoords="offset points", ha="center", fontsize=9
    )
axes.set_xscale("log", base=2)
axes.set_xticks(BINS, BINS)
axes.set(
    xlabel="bins per knob (the numbers count the actions of nine knobs)", ylabel="normalised score", ylim=(-0.1, 1.15)
)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Score of the rounded expert against the bins per knob: "
    + ", ".join(f"{bins} bins {score:.2f}" for bins, score in zip(BINS, kept, strict=True))
    + ". Under each point the number of actions, from 5e+02 to 5e+13.",
)

# %% tags=["nbval-check-output"]
enough = BINS[kept > smooth - 0.02].min()
print(f"{enough} bins per knob: {enough**9:,} actions")

# %% [markdown]
# A light that should settle flickers between two bins, a camera that should glide jerks. And the finer the bins, the
# longer the search: to act by value means to find the largest of all these values, *at every step*. A network that
# takes the action as well, $q(s, a)$, needs no bins, but $\arg\max_a$ over a continuum is a search, and stays one.
#
# **The way out.** Turn the question round. Do not ask what every action is worth and then search. Let a function answer
# at once: state in, *action* out. Or rather, a distribution over actions: a mean and a spread for every knob. That is a
# **policy**, $\pi_\theta(a \mid s)$. Nothing has to be searched. Its randomness is its exploration; no ε is added. And
# what it needs to learn is the direction in which to change θ, so that the return grows. How that direction is found is
# lesson 03.
#
# ## 6. A policy on the board
#
# Can a policy do what the table can? A policy may also choose among five actions; then it returns five probabilities.
# Here the course's own PPO, which lesson 06 explains, learns the board with a small network. `BACKEND`, at the top,
# chooses the framework.

# %%
train_env = rlfilm.make_vec(BOARD, num_envs=32)
learner = rlfilm.learner("ppo", train_env, backend=BACKEND, seed=0)
untrained = learner.policy()
history = rlfilm.train(learner, train_env, steps=80_000, progress=False)

# %%
contenders = {
    "random": rlfilm.make_vec(BOARD, num_envs=1).random_policy(seed=0),
    "untrained policy": untrained,
    "SARSA": sarsa_table,
    "Q-learning": q_table,
    "trained policy (PPO)": learner.policy(),
    "optimum": rlfilm.make_vec(BOARD, num_envs=1).expert_policy(),
}
results = {name: rlfilm.evaluate(found, BOARD, episodes=128, seed=1) for name, found in contenders.items()}

# %% tags=["hide-input"]
fig, axes = plt.subplots(figsize=(7.4, 2.7), layout="constrained")
colours = ("#8c8c8c", "#8c8c8c", BLUE, VERMILION, GREEN, BLACK)
for row, (result, colour) in enumerate(zip(results.values(), colours, strict=True)):
    axes.barh(row, result.normalised_score, color=colour, height=0.6)
    axes.text(max(result.normalised_score, 0) + 0.02, row, f"{result.normalised_score:.2f}", va="center", fontsize=9)
axes.set_yticks(range(len(results)), list(results))
axes.invert_yaxis()
axes.set(
    xlabel="normalised score: 0 random, 1 optimum",
    xlim=(min(-0.15, *(r.normalised_score for r in results.values())) - 0.02, 1.15),
)
axes.spines[["top", "right"]].set_visible(False)
figure(
    fig,
    "Normalised scores without exploration: "
    + ", ".join(f"{name} {result.normalised_score:.2f}" for name, result in results.items()),
)

# %% tags=["nbval-check-output"]
score = {name: result.normalised_score for name, result in results.items()}
print(
    "the trained policy beats random and untrained:",
    score["trained policy (PPO)"] > max(0.5, score["untrained policy"]),
)
print("nobody beats the optimum:", max(score.values()) < 1.05)

# %% [markdown]
# On a small board the table wins, or ties: it is exact, and cheap. The policy gets there as well, and it did not need
# the board to be small. Of all these, it alone can go on to nine knobs. This is the line in which a policy draws its
# actions, for buttons and for knobs, in both frameworks; tinted lines differ.

# %%
twins("learner", ("def log_prob", "return"))

# %% [markdown]
# ## The answer
#
# Where states and actions can be counted, *do* learn what every action is worth. With the rules known, policy iteration
# computes it exactly. Without them, Q-learning finds it from play, and SARSA finds what it is worth in the hands that
# you have; they differ where a slip is dear.
#
# It stops where actions cannot be listed. A table over ten bins of a film set's numbers would have $10^{39}$ entries;
# even with a network for the values every single step would have to search a continuum for its maximum. So the course
# goes on with policies: functions that answer a state with an action, at once, and are improved directly. Values do not
# disappear. They come back in lesson 05, as critics, who only have to judge and no longer to choose.
#
# ## Quiz
#
# 1. Why is Q-learning called off-policy?
#    - (a) it learns without playing
#    - (b) its target is the value of the best next action, whichever is taken
#    - (c) its policy is thrown away at the end
# 2. ε is lowered step by step to 0. SARSA's policy …
#    - (a) stays away from the line for ever
#    - (b) becomes random
#    - (c) moves towards the line, to the same as Q-learning's
# 3. A story is *truncated* after 60 panels. What belongs into the target of its last step?
#    - (a) the reward and the discounted value of the panel where it was cut
#    - (b) the reward alone
#    - (c) nothing
# 4. A network gives $q(s, a)$ for nine knobs. What is still in the way?
#    - (a) nothing
#    - (b) finding the action with the largest value
#    - (c) the number of states
# 5. What did Q-learning and SARSA have to know of the rules of the board?
#    - (a) the probabilities
#    - (b) the rewards of all panels
#    - (c) nothing; they could play

# %% tags=["exercise"]
answers = {1: None, 2: None, 3: None, 4: None, 5: None}  # "a", "b" or "c"

# %% tags=["solution"]
answers = {1: "b", 2: "c", 3: "a", 4: "b", 5: "c"}

# %% tags=["check", "nbval-check-output"]
check.quiz(answers)

# %% [markdown]
# ## References
#
# - R. Sutton, A. Barto, *Reinforcement Learning: An Introduction*, 2nd edition, 2018: chapter 4, dynamic programming;
#   sections 6.4 and 6.5, SARSA and Q-learning; example 6.6, the cliff that our line is modelled on; section 5.4,
#   ε-soft policies.
# - C. Watkins, P. Dayan, “Q-learning”, *Machine Learning* 8, 1992.
# - G. Rummery, M. Niranjan, “On-line Q-learning using connectionist systems”, Cambridge University technical report
#   CUED/F-INFENG/TR 166, 1994: SARSA.
# - V. Mnih et al., “Human-level control through deep reinforcement learning”, *Nature* 518, 2015: a network for the
#   table.
# - S. Katz, *Film Directing Shot by Shot*, 1991: storyboards, and the line.
