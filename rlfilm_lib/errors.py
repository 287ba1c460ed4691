"""The one exception a user's mistake raises, and the one-line messages it carries."""

import difflib
from collections.abc import Iterable

LISTED = 20
"""Longest list of choices that a message spells out."""


class UserError(ValueError):
    """Something the user can put right: the message is one line that names the value and the remedy.

    The command line prints it and exits with 2; everything else is a defect and keeps its traceback.
    """


def unknown(kind: str, value: object, choices: Iterable[str]) -> UserError:
    """The error for a name that is not among `choices`, with the nearest valid one.

    >>> print(unknown("algorithm", "poo", ["reinforce", "ppo"]))
    unknown algorithm 'poo'; did you mean 'ppo'? (one of: reinforce, ppo)
    """
    choices = list(choices)
    nearest = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    more = f" and {len(choices) - LISTED} more" if len(choices) > LISTED else ""
    return UserError(f"unknown {kind} '{value}'{hint} (one of: {', '.join(choices[:LISTED])}{more})")
