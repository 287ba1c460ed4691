"""The twins side by side: same files, same public names, same parameters, same order."""

import ast
from pathlib import Path

import pytest

import rlfilm_lib

PACKAGE = Path(rlfilm_lib.__file__).parent
FILES = sorted(path.name for path in (PACKAGE / "pytorch").glob("*.py"))


def public_signatures(path):
    """(name, parameter names) of every public function and method, in the order of the file."""
    found = []
    for node in ast.parse(path.read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) else []
        if isinstance(node, ast.ClassDef):
            found.append((node.name, [ast.unparse(base) for base in node.bases]))
        for function in [node, *inner]:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                # TensorFlow's gradients come from a tape that recorded the loss, PyTorch's from the loss itself.
                names = [a.arg for a in function.args.args + function.args.kwonlyargs if a.arg != "tape"]
                found.append((function.name, names))
    return found


def test_the_same_files():
    assert FILES == sorted(path.name for path in (PACKAGE / "tf").glob("*.py")) and "reinforce.py" in FILES


@pytest.mark.parametrize("name", FILES)
def test_the_same_names_and_parameters_in_the_same_order(name):
    assert public_signatures(PACKAGE / "pytorch" / name) == public_signatures(PACKAGE / "tf" / name)
