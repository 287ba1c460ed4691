"""What every test may ask for: the installed frameworks, and a library whose optional parts may be absent."""

from importlib.util import find_spec

import pytest

import rlfilm_lib

INSTALLED = rlfilm_lib.backends()

# Doctests of the parts whose packages are not installed.
NEEDS = {"pytorch": "torch", "tf": "tensorflow", "media": "av", "screening.py": "matplotlib", "widgets": "ipywidgets"}
collect_ignore = [f"rlfilm_lib/{part}" for part, module in NEEDS.items() if not find_spec(module)]
collect_ignore += [] if find_spec("jupytext") else ["course/build.py"]


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


@pytest.fixture
def any_backend():
    """One installed framework, where which one does not matter; skips where there is none."""
    if not INSTALLED:
        pytest.skip("needs PyTorch or TensorFlow")
    return INSTALLED[0]
