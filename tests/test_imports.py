"""What importing the package brings in, seen from fresh processes."""

import subprocess
import sys

import numpy as np
import pytest

import rlfilm_lib as rlfilm

BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "tensorflow", "keras", "jax"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
"""


def python(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_importing_brings_in_neither_framework_nor_plotting():
    done = python("import sys, rlfilm_lib; print(*sorted({name.split('.')[0] for name in sys.modules}))")
    assert not {"torch", "tensorflow", "keras", "matplotlib", "av", "scipy", "pandas", "IPython"} & set(
        done.stdout.split()
    )
    assert done.returncode == 0 and "numpy" in done.stdout


def test_a_trained_policy_plays_where_no_framework_can_be_imported(any_backend, tmp_path):
    env = rlfilm.make_vec("rlfilm/MovieScene-v0", num_envs=4)
    learner = rlfilm.learner("reinforce", env, backend=any_backend)
    rlfilm.train(learner, env, steps=400, progress=False)
    learner.save(tmp_path)
    code = "import sys, rlfilm_lib; p = rlfilm_lib.load(sys.argv[1])\n"
    done = python(
        BLOCK + code + "print(repr(rlfilm_lib.evaluate(p, p.env_id, episodes=3, seed=1).return_mean))", tmp_path
    )
    here = rlfilm.evaluate(learner.policy(), "rlfilm/MovieScene-v0", episodes=3, seed=1).return_mean
    assert float(done.stdout) == pytest.approx(here, rel=1e-6) and np.isfinite(here)


def test_a_framework_that_is_not_installed_is_named_with_the_line_that_installs_it():
    code = "import importlib.util as u, rlfilm_lib; u.find_spec = lambda name: None\n"
    code += "rlfilm_lib.learner('reinforce', rlfilm_lib.make_vec('CartPole-v1'), backend=sys.argv[1])"
    for name, extra in (("pytorch", "torch"), ("tensorflow", "tensorflow")):
        done = python(BLOCK + code, name)
        assert f"""backend '{name}' is not installed: pip install "rlfilm[{extra}]\"""" in done.stderr
