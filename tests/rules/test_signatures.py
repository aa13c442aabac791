"""The arguments of PaddleClas's parts, read from its sources."""

import pytest

from paddle_transfer.rules.signatures import Signature, signature
from paddle_transfer.worker.locate import known_ppcls

NET = """
from .base import Base as Parent
from .base import build
class Net(Parent):
    def __init__(self, width, *places, class_num=10, **others):
        super().__init__(*places, **others)
class Eats:
    def __init__(self, a, b=1, **kwargs):
        self.depth = kwargs.get("depth", 1)
        if "extra" in kwargs:
            kwargs["extra"]
class Inherits(Parent): ...
class Outside(nn.Layer): ...
class Several(Parent, Eats): ...
def net(pretrained=False, **kwargs):
    return Net(8, scale=1, **kwargs)
def eats(**kwargs):
    return Eats(a=1, **kwargs)
def either(kind, **kwargs):
    return Eats(1, **kwargs) if kind else Net(8, **kwargs)
def away(**kwargs):
    return something(kwargs)
def other(**kwargs):
    return paddle.nn.Linear(**kwargs)
@wrapped
def decorated(a): ...
def over_there(**kwargs):
    return build(**kwargs)
Alias = Eats
Number = 1
def around(**kwargs):
    return around(**kwargs)
"""
BASE = """
class Base:
    def __init__(self, scale=1.0, *, level): ...
def build(a, b=2): ...
"""


@pytest.fixture
def ppcls(tmp_path):
    (tmp_path / "arch").mkdir()
    (tmp_path / "arch" / "__init__.py").write_text("from .net import *\n")
    (tmp_path / "arch" / "net.py").write_text(NET)
    (tmp_path / "arch" / "base.py").write_text(BASE)
    return tmp_path


@pytest.mark.parametrize(("name", "names", "needed", "ignores"), [
    ("Net", "width class_num scale level", "width", False),
    ("Inherits", "scale level", "level", False),
    ("Eats", "a b depth extra", "a", True),
    ("Alias", "a b depth extra", "a", True),
    ("net", "pretrained class_num level", "", False),
    ("eats", "b depth extra", "", True),
    ("either", "kind b depth extra class_num scale level", "kind", False),
    ("over_there", "a b", "", False),
])
def test_what_a_part_takes_follows_what_it_hands_on(ppcls, name, names, needed, ignores):
    found = signature(ppcls, "architecture", name)
    assert found is not None
    assert set(found.names) == set(names.split())
    assert (found.needed, found.ignores) == (frozenset(needed.split()), ignores)


@pytest.mark.parametrize("name", ["away", "other", "decorated", "Outside", "Several", "Number",
                                  "around", "Nothing"])
def test_what_the_sources_do_not_say_plainly_is_not_known(ppcls, name):
    assert signature(ppcls, "architecture", name) is None


def test_of_the_engine_that_is_there():
    constant = signature(known_ppcls(), "schedule", "Constant")
    assert constant == Signature(("learning_rate", "last_epoch"), frozenset({"learning_rate"}),
                                 ignores=True)
    network = signature(known_ppcls(), "architecture", "ResNet18_vd")
    assert {"class_num", "lr_mult_list", "pretrained"} <= set(network.names)
    assert signature(known_ppcls(), "operator", "RandCropImage").ignores is False
