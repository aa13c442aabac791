import pytest

from paddle_transfer.config import pretrained
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError


def config(*, arch=None, **sections):
    return {
        "Global": {"pretrained_model": None},
        "Arch": {"name": "ResNet50_vd", "class_num": 5, **(arch or {})}, **sections
    }


@pytest.mark.parametrize(("asked", "found"), [
    (config(), None),
    (config(Transfer={"pretrained": "10w"}), ("10w", "keep", "Transfer.pretrained")),
    (config(Transfer={"pretrained": "10w", "head": "fresh"}),
     ("10w", "fresh", "Transfer.pretrained")),
    (config(Transfer={"pretrained": "None"}, arch={"pretrained": True}), None),
    (config(Transfer={"pretrained": True}), ("imagenet", "keep", "Transfer.pretrained")),
    (config(arch={"pretrained": True}), ("imagenet", "keep", "Arch.pretrained")),
    (config(arch={"pretrained": True, "use_ssld": True}),
     ("imagenet_ssld", "keep", "Arch.pretrained")),
    (config(arch={"pretrained": "a/b"}, Global={"pretrained_model": "c"}),
     ("c", "keep", "Global.pretrained_model")),
    (config(arch={"name": "UniFormer_small"}), ("imagenet", "keep", "Arch.pretrained")),
    (config(arch={"models": [], "pretrained": True}), None),
    (config(arch={"pretrained": True, "use_imagenet22k_pretrained": True}), None),
])
def test_what_is_asked_for(asked, found):
    assert pretrained.wanted_weights(asked) == (pretrained.WantedWeights(*found) if found else None)


def test_stock_paddleclas_gets_its_own_words():
    asked = config(Transfer={"pretrained": "imagenet_ssld"},
                   arch={"pretrained": True, "use_ssld": True})
    assert pretrained.with_file(asked, "out/x") == {
        "Global": {"pretrained_model": "out/x"},
        "Arch": {"name": "ResNet50_vd", "class_num": 5, "pretrained": False}}
    assert asked["Arch"]["use_ssld"] is True


@pytest.mark.parametrize("same", [config(), config(arch={"models": [{"T": {"pretrained": True}}]}),
                                  {"Tiny": {"x": 1}, "Global": {"epochs": 1}}])
def test_a_config_that_asks_for_nothing_stays_as_it_is(same):
    assert pretrained.for_search(same, "out") == same


def test_the_file_of_a_search_is_one_for_each_network_and_weights():
    base = config(Transfer={"pretrained": "10w"})
    stem = pretrained.for_search(base, "out")["Global"]["pretrained_model"]
    assert stem.startswith("out/pretrained/10w-ResNet50_vd-")
    assert "Transfer" not in pretrained.for_search(base, "out")

    def differs(**changes):
        return pretrained.prepared_stem({**base, **changes}, "out") != stem
    assert differs(Arch={**base["Arch"], "class_num": 6})
    assert differs(Transfer={"pretrained": "imagenet"})
    assert differs(Transfer={"pretrained": "10w", "head": "fresh"})
    assert not differs(Arch={**base["Arch"], "lr_mult_list": [0.1] * 5})
    assert not differs(Optimizer={"name": "Momentum"})


@pytest.mark.parametrize(("section", "text"), [
    ({"pretraned": "10w"
      }, "Transfer.pretraned: unknown key; found 'pretraned'. Did you mean 'pretrained'?"),
    ({"pretrained": "imagenett"
      }, "Transfer.pretrained: must be one of imagenet, imagenet_ssld, 10w, none, an address, "
     "or a file that exists; found 'imagenett' (a string). Did you mean 'imagenet'?"),
    ({"pretrained": 10
      }, "must be one of imagenet, imagenet_ssld, 10w, none, a file or an address; found 10"),
    ({"pretrained": "ftp://h/x"}, "an address must begin with http:// or https://"),
    ({"pretrained": "http://[::1"}, "an address must be well formed"),
    ({"pretrained": "http:///x"}, "an address must name a server"),
    ({"pretrained": "/dev"}, "or a file; this is a folder, a pipe or a device"),
    ({"pretrained": "10w", "head": "new"}, "Transfer.head: must be one of keep, fresh"),
])
def test_mistakes_are_named(section, text):
    with pytest.raises(ConfigError) as caught:
        pretrained.require_valid_transfer(config(Transfer=section), file="a.yaml", train=True)
    assert text in str(caught.value)


def test_two_that_ask_clash_in_training_only():
    both = config(Transfer={"pretrained": "10w"}, Global={"pretrained_model": "trained"})
    message = r"Global\.pretrained_model: may not stand beside Transfer\.pretrained"
    with pytest.raises(ConfigError, match=message):
        pretrained.require_valid_transfer(both, file="a.yaml", train=True)
    pretrained.require_valid_transfer(both, file="a.yaml", train=False)
    assert pretrained.wanted_weights(both).spec == "trained"
    pretrained.set_weights(both, "imagenet")
    pretrained.require_valid_transfer(both, file="a.yaml", train=True)
    assert pretrained.wanted_weights(both).spec == "imagenet"
    pretrained.set_weights(both, None)
    assert pretrained.wanted_weights(both) is None


def test_all_mistakes_are_collected():
    issues = ValidationIssues()
    pretrained.check_transfer(config(Transfer={"pretrained": 3, "head": 4, "x": 5}), issues)
    assert [mistake.where for mistake in issues] == [
        "Transfer.x", "Transfer.head", "Transfer.pretrained"]


def test_no_weights_are_none_for_the_backbone_of_a_recmodel_too():
    arch = {"name": "RecModel", "Backbone": {"name": "VGG16", "pretrained": True}, "Head": {}}
    asked = {"Global": {}, "Arch": arch, "Transfer": {"pretrained": "none"}}
    assert pretrained.with_file(asked, None)["Arch"]["Backbone"]["pretrained"] is False
    assert pretrained.with_file({**asked, "Transfer": {}}, None)["Arch"] == arch, "as it is written"
