"""How an exercise is judged: against known answers, and against the usual mistakes carried out on purpose."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Case = tuple[tuple, Any]  # (arguments, right answer)
FACTORS = {2: "twice", 0.5: "half", -1: "minus", 10: "ten times", 1000: "a thousand times", 1e-3: "a thousandth of"}


def function(answer: Callable, cases: Sequence[Case], mistakes: Mapping[str, Callable], praise: str) -> None:
    """Print whether `answer(*arguments)` equals the right answer in every case.

    mistakes: what to say → the wrong function it is said about; the first that agrees with `answer` everywhere speaks.

    >>> cases = [((1.0,), 2.0), ((3.0,), 6.0)]
    >>> function(lambda x: 2 * x, cases, {}, "doubled")
    ✓ doubled
    >>> function(lambda x: x**2, cases, {"you squared it": lambda x: x**2}, "doubled")
    ✗ you squared it
    >>> function(lambda x: 4 * x, cases, {}, "doubled")
    ✗ for (1.0) the answer is 2.0; yours gives 4.0, twice the expected value
    >>> function(lambda x: None, cases, {}, "doubled")
    not done yet
    """
    given = []
    for arguments, _ in cases:
        try:
            given.append(answer(*arguments))
        except Exception as error:
            print(f"✗ for {show(arguments)} yours stopped with {type(error).__name__}: {error}")
            return
    if all(value is None for value in given):
        print("not done yet")
        return
    if all(same(value, right) for value, (_, right) in zip(given, cases, strict=True)):
        print("✓", praise)
        return
    for words, wrong in mistakes.items():
        if all(same(value, wrong(*arguments)) for value, (arguments, _) in zip(given, cases, strict=True)):
            print("✗", words)
            return
    value, (arguments, right) = next(
        (value, case) for value, case in zip(given, cases, strict=True) if not same(value, case[1])
    )
    print(f"✗ for {show(arguments)} the answer is {tidy(right)}; yours gives {tidy(value)}{difference(value, right)}")


def value(answer: Any, right: Any, mistakes: Mapping[str, Any], praise: str) -> None:
    """Print whether a value is right; mistakes: what to say → the wrong value it is said about.

    >>> value(5.0, 10.0, {"is a factor 2 missing?": 5.0}, "ten")
    ✗ is a factor 2 missing?
    """
    wrongs = {words: lambda wrong=wrong: wrong for words, wrong in mistakes.items()}
    function(lambda: answer, [((), right)], wrongs, praise)


def quiz(answers: Mapping[int, str | None], key: Mapping[int, str], why: Mapping[int, str]) -> None:
    """Print, per question, whether the letter is right; why: a sentence per question, shown with a wrong answer.

    >>> quiz({1: "a", 2: "b"}, {1: "a", 2: "a"}, {2: "think of the lens"})
    ✗ 1 of 2 right. Question 2: think of the lens
    """
    if all(answers.get(number) is None for number in key):
        print("not done yet")
        return
    wrong = [number for number, letter in key.items() if str(answers.get(number)).strip().lower() != letter]
    hints = " ".join(f"Question {number}: {why[number]}" for number in wrong)
    print(f"✗ {len(key) - len(wrong)} of {len(key)} right. {hints}" if wrong else f"✓ all {len(key)} right")


def same(given: Any, right: Any) -> bool:
    """Equal up to rounding: relative 1e-4, absolute 1e-8; the shapes must agree as well."""
    if isinstance(right, str) or given is None:
        return given == right
    try:
        given, right = np.asarray(given, float), np.asarray(right, float)
    except (TypeError, ValueError):
        return False
    return given.shape == right.shape and np.allclose(given, right, rtol=1e-4, atol=1e-8)


def difference(given: Any, right: Any) -> str:
    """A remark on how a wrong value differs from the right one, "" when there is nothing to remark.

    >>> difference(np.zeros((3, 1)), np.zeros(3))
    ', of shape (3, 1) where (3,) is expected'
    """
    try:
        given, right = np.asarray(given, float), np.asarray(right, float)
    except (TypeError, ValueError):
        return ""
    if given.shape != right.shape:
        return f", of shape {given.shape} where {right.shape} is expected"
    if not np.all(np.isfinite(given)):
        return ", which is not a finite number: is something divided by zero?"
    ratio = given.ravel()[0] / right.ravel()[0] if right.size and right.ravel()[0] else math.nan
    words = next((words for factor, words in FACTORS.items() if np.allclose(given, factor * right)), None)
    return f", {words} the expected value" if words and np.isfinite(ratio) else ""


def show(arguments: tuple) -> str:
    """Arguments as they are written in a call."""
    return f"({', '.join(tidy(argument) for argument in arguments)})"


def tidy(number: Any) -> str:
    """A value in at most four significant digits.

    >>> tidy(np.float64(2 / 3)), tidy([1.0, 0.25]), tidy("wide")
    ('0.6667', '[1.0, 0.25]', "'wide'")
    """
    if isinstance(number, float | np.floating):
        return repr(float(f"{number:.4g}"))
    if isinstance(number, np.ndarray | list | tuple):
        return f"[{', '.join(tidy(n) for n in number)}]"
    return repr(number)
