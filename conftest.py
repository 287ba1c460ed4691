"""What every test may ask for: the installed frameworks, and a library whose optional parts may be absent."""

import os
from importlib.util import find_spec

import pytest

import rlfilm_lib

INSTALLED = rlfilm_lib.backends()
if INSTALLED:  # a lesson that a test opens runs in what is installed
    os.environ.setdefault("RLFILM_BACKEND", INSTALLED[0])

# Doctests need the packages of their part.
NEEDS = {
    "rlfilm_lib/pytorch": ["torch"],
    "rlfilm_lib/tf": ["tensorflow"],
    "rlfilm_lib/media": ["av"],
    "rlfilm_lib/screening.py": ["av", "matplotlib", "PIL"],
    "rlfilm_lib/widgets": ["ipywidgets", "matplotlib"],
    "course/build.py": ["jupytext", "nbclient", "nbformat"],
}
collect_ignore = [part for part, modules in NEEDS.items() if not all(map(find_spec, modules))]
collect_ignore += ["course/lessons", "course/media"]


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.skipif(name not in INSTALLED, reason=f"{name} is not installed"))
        for name in rlfilm_lib.BACKENDS
    ]
)
def backend(request):
    """Each framework in turn, by the name the library gives it; one that is not installed skips."""
    return request.param


@pytest.fixture
def backends():
    """Both frameworks' names, for a test that compares them; skips where one is missing."""
    if len(INSTALLED) < 2:
        pytest.skip(f"compares the frameworks; installed: {', '.join(INSTALLED) or 'none'}")
    return INSTALLED


@pytest.fixture(scope="session")
def any_backend():
    """One installed framework, where which one does not matter; skips where there is none."""
    if not INSTALLED:
        pytest.skip("needs PyTorch or TensorFlow")
    return INSTALLED[0]
