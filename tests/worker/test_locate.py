"""Which PaddleClas is used, on made-up directory trees; nothing is imported."""

import subprocess
import sys

import pytest

from paddle_transfer.errors import SetupError
from paddle_transfer.worker.locate import ENGINE_FILES, locate, require_paddle


def checkout(path, *, version="2.6.0", modern=True, without=()):
    for name in ENGINE_FILES:
        if name not in without:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text("")
    path.mkdir(parents=True, exist_ok=True)
    if version:
        (path / "version.txt").write_text(version + "\n")
    if modern:
        (path / "ppcls/utils").mkdir(parents=True, exist_ok=True)
        (path / "ppcls/utils/amp.py").write_text("")
        (path / "ppcls/utils/ema.py").write_text("")
    return path


def wheel(site, *, version="2.4.2", without=()):
    checkout(site / "paddleclas", version=None, modern=False, without=without)
    information = site / f"paddleclas-{version}.dist-info"
    information.mkdir()
    (information /
     "METADATA").write_text(f"Metadata-Version: 2.1\nName: paddleclas\nVersion: {version}\n")
    # the wheel really carries this inside the package; on sys.path it looks like a second
    # installation
    (site / "paddleclas/paddleclas.egg-info").mkdir()
    (site / "paddleclas/paddleclas.egg-info/PKG-INFO"
     ).write_text(f"Name: paddleclas\nVersion: {version}\n")
    return site


@pytest.fixture
def places(tmp_path):
    """A checkout named on the command line, one in the environment, one as the current directory,
    and a wheel."""
    for name in ("explicit", "environment", "current", "python_path"):
        checkout(tmp_path / name)
    (tmp_path / "empty").mkdir()
    wheel(tmp_path / "site")
    return tmp_path


def find(places, explicit=None, environment=None, cwd="empty", search=("site",)):
    return locate(explicit and str(places / explicit), cwd=str(places / cwd),
                  environ={"PADDLECLAS_HOME": str(places / environment)} if environment else {},
                  search_path=[str(places / name) for name in search])


def test_the_order_in_which_places_are_asked(places):
    everything = ("python_path", "site")
    assert find(places, "explicit", "environment", "current",
                everything).path == str(places / "explicit")
    assert find(places, None, "environment", "current",
                everything).path == str(places / "environment")
    assert find(places, None, None, "current", everything).path == str(places / "current")
    assert find(places, None, None, "empty", everything).path == str(places / "python_path")
    assert find(places, None, None, "empty", ("site",)).path == str(places / "site/paddleclas")


def test_it_says_which_one_it_uses(places):
    assert str(find(places, "explicit")) == f"PaddleClas 2.6.0, checkout at {places}/explicit"
    assert str(find(places)) == f"PaddleClas 2.4.2, wheel at {places}/site/paddleclas"


def test_what_the_engine_can_do(places):
    assert (find(places).amp, find(places).ema) == ("flags", False)
    assert (find(places, "explicit").amp, find(places, "explicit").ema) == ("auto_cast", True)


def test_the_wheel_stays_the_wheel_when_an_earlier_run_put_it_on_the_search_path(places):
    assert find(places, search=("site/paddleclas", "site")).kind == "wheel"


def test_a_named_place_that_is_no_checkout_is_an_error_and_not_the_next_place(places):
    with pytest.raises(
            SetupError,
            match=r"--paddleclas names .*/empty, which is no PaddleClas checkout: it lacks "
            "ppcls/engine/engine.py, .*pip install --no-deps paddleclas==2.4.2"):
        find(places, "empty", "environment")
    with pytest.raises(SetupError,
                       match=r"PADDLECLAS_HOME names .*/nowhere.*: there is no such directory"):
        find(places, None, "nowhere")


def test_a_wheel_without_the_engine(tmp_path):
    wheel(tmp_path / "site", version="2.6.0", without=ENGINE_FILES[:2])
    (tmp_path / "empty").mkdir()
    with pytest.raises(
            SetupError,
            match=r"paddleclas 2.6.0 has no training engine \(the wheels 2.5.0 to 2.6.0.*"
            "pip install --no-deps paddleclas==2.4.2.*PADDLECLAS_HOME"):
        find(tmp_path)


def test_no_paddleclas_at_all(tmp_path):
    for name in ("empty", "site"):
        (tmp_path / name).mkdir()
    with pytest.raises(SetupError,
                       match=r"was not found.*pip install --no-deps paddleclas==2.4.2.*git clone"):
        find(tmp_path)


def test_no_paddle(tmp_path):
    with pytest.raises(
            SetupError,
            match=r'pip install "paddle_transfer\[cpu\]".*pip install "paddle_transfer\[gpu\]"'):
        require_paddle([str(tmp_path)])
    (tmp_path / "paddle").mkdir()
    (tmp_path /
     "paddle/__init__.py").write_text("raise ImportError('it must not be imported to be found')")
    require_paddle([str(tmp_path)])


def test_looking_imports_neither_paddle_nor_ppcls():
    code = (
        "import sys; from paddle_transfer.cli import train; "
        "from paddle_transfer.worker import diverged, locate;"
        "print([name for name in ('paddle', 'ppcls', 'numpy', 'sklearn') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": ":".join(filter(None, sys.path))})
    assert done.stdout.strip() == "[]"
