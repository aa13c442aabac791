"""Stand-ins for libraries while PaddleClas is imported. A real multi-label training, which calls
them, is in ``tests/e2e``."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def run_alone(code):
    """What ``code`` prints in a process of its own, in which no library was imported before."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


PREFIX = """
import sys
from paddle_transfer.worker.late_imports import LIBRARIES, late_imports
{before}
with late_imports():
    import sklearn
    import sklearn.preprocessing
    import matplotlib.pyplot as plt
    from sklearn.metrics import accuracy_score as accuracy
    from scipy.stats import beta
    import sklearn.cluster.nothing_like_it
"""


def test_nothing_is_imported_until_it_is_used_and_then_the_real_one():
    assert run_alone(PREFIX.format(before="") + """
print([name for name in sys.modules if name.split(".")[0] in LIBRARIES])
print(accuracy([1, 0, 1, 1], [1, 1, 1, 1]))
print(sklearn.preprocessing.binarize([[0.2, 0.7]], threshold=0.5).tolist() == [[0.0, 1.0]])
print(beta.mean(1, 3))
import sklearn.metrics
print(sklearn.metrics.accuracy_score([1], [1]), "matplotlib" in sys.modules)
""") == ["[]", "0.75", "True", "0.25", "1.0", "False"]


def test_what_was_imported_before_stays():
    before = """
import types
real = types.ModuleType("sklearn")
real.__path__, real.accuracy_score = [], len
for name in ("", ".preprocessing", ".metrics", ".cluster", ".cluster.nothing_like_it"):
    sys.modules["sklearn" + name] = real
"""
    assert run_alone(PREFIX.format(before=before) + """
print(sklearn is real, accuracy is len, sys.modules["sklearn"] is real)
""") == ["True", "True", "True"]


@pytest.mark.parametrize("name", ["__wrapped__", "__file__"])
def test_a_stand_in_has_no_names_of_pythons_own(name):
    assert run_alone(PREFIX.format(before="") + f"""
print(hasattr(accuracy, {name!r}), hasattr(sklearn, {name!r}))
""") == ["False", "False"]
