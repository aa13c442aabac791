"""Transfer.head as a mapping: checked, turned into a config, and put into networks."""

import copy

import numpy as np
import pytest

from paddle_transfer.config import pretrained
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError
from paddle_transfer.strategies.new_head import NewHead, check_new_head
from paddle_transfer.strategies.section import apply_strategy, read_strategy
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate
from tests.helpers.configs import base_config
from tests.helpers.small_vgg import small_vgg


def config(head, *, arch="VGG16", **sections):
    made = {**base_config(), "Transfer": {"head": head}, **sections}
    made["Arch"] = {"name": arch, "class_num": 5} if isinstance(arch, str) else arch
    return made


def issues_of(made):
    issues = ValidationIssues()
    check_new_head(made, issues)
    return list(map(str, issues))


@pytest.mark.parametrize("made", [
    config("fresh"), config({}), config({"hidden": [256], "dropout": 0.5, "init": "Xavier"}),
    config({"hidden": [4096, 1]}), config({"hidden": [256]}, arch="AlexNet"),
    config({"hidden": [64]}, arch="ResNet18"), config({"init": "zeros"}, arch="GoogLeNet"),
    config({"dropout": 0.5}, FineTune={"backbone_lr_mult": 0.1})])
def test_what_is_right(made):
    assert issues_of(made) == []
    assert apply_strategy(made)["Transfer"]["head"] == made["Transfer"]["head"]


@pytest.mark.parametrize(("made", "message"), [
    (config({"hiden": [256]}), "Transfer.head.hiden: unknown key; found 'hiden'. Did you mean "
     "'hidden'?"),
    (config({"hidden": 256}), "Transfer.head.hidden: must be a list"),
    (config({"hidden": [0]}), "Transfer.head.hidden.0: must be a whole number, 1 or more; found 0"),
    (config({"dropout": 1}), "Transfer.head.dropout: must be less than 1"),
    (config({"init": "xavir"}), "Transfer.head.init: must be one of xavier, kaiming, normal, "
     "zeros; found 'xavir' (a string). Did you mean 'xavier'?"),
    (config({"hidden": [8], "init": "zeros"}), "Transfer.head.init: zeros is not for hidden"),
    (config({"hidden": [5000]}), "Transfer.head.hidden: must be one or two numbers up to 4096: the "
     "layers have to fit into fc1, fc2 of VGG16; found [5000]"),
    (config({"hidden": [9, 9, 9]}, arch="AlexNet"), "the layers have to fit into _fc6, _fc7 of "),
    (config({"hidden": [9, 9]}, arch="ResNet18"), "must be one number: PaddleClas can express one "
     "hidden layer in ResNet18; found [9, 9]"),
    (config({"hidden": [9]}, arch="GoogLeNet"), "PaddleClas cannot express hidden layers in "
     "GoogLeNet"),
    (config({"hidden": [9]}, arch={"name": "RecModel", "Backbone": {"name": "ResNet18"},
                                   "Head": {"name": "FC"}}), "cannot express hidden layers in "
     "RecModel"),
    (config({"init": "zeros"}, arch={"name": "DistillationModel", "models": [
        {"Teacher": {"name": "ResNet18"}}]}), "Transfer.head: is for one network, not for the "
     "several of a distillation; found Arch.models.0.Teacher"),
    (config({"hidden": [9]}, arch={"name": "ResNet18", "pretrained": True,
                                   "use_ssld_stage1_pretrained": True}),
     "is not for weights that PaddleClas chooses by a key of its own; found use_ssld_stage1"),
    (config({"dropout": 0.5}, FineTune={"dropout": 0.1}), "FineTune.dropout: may not stand beside "
     "Transfer.head.dropout; found 0.1"),
])
def test_what_is_wrong(made, message):
    told = issues_of(made)
    assert len(told) == 1
    assert message in told[0]
    with pytest.raises(ConfigError) as caught:
        apply_strategy(made)
    assert message in str(caught.value)


def test_what_is_neither_a_word_nor_a_mapping():
    issues = ValidationIssues()
    pretrained.check_transfer({"Transfer": {"head": "new"}}, issues)
    assert "Transfer.head: must be one of keep, fresh, or a mapping; found 'new'" in str(issues[0])


def test_dense_layers_stay_in_the_architecture_and_other_networks_become_a_recmodel():
    vgg = config({"hidden": [256]}, arch="VGG16")
    assert apply_strategy(vgg)["Arch"] == vgg["Arch"]
    made = config({"hidden": [64]}, arch={"name": "ResNet50_vd", "class_num": 5, "pretrained": True,
                                          "lr_mult_list": [0.1] * 5})
    made["Transfer"]["strategy"] = "head"
    before = copy.deepcopy(made)
    applied = apply_strategy(made)
    assert made == before
    assert applied["Arch"] == {
        "name": "RecModel", "class_num": 5, "infer_output_key": "logits", "infer_add_softmax": True,
        "Backbone": {"name": "ResNet50_vd", "lr_mult_list": [0.1] * 5, "class_num": 64,
                     "pretrained": False},
        "Neck": {"name": "Tanh"}, "Head": {"name": "FC", "embedding_size": 64, "class_num": 5}}
    assert applied["Transfer"]["pretrained"] == "imagenet"
    assert pretrained.network_name(applied) == "ResNet50_vd"
    assert read_strategy(applied).name == "head"
    assert apply_strategy(applied) == applied
    assert issues_of(applied) == []
    squeeze = apply_strategy(config({"hidden": [64]}, arch="SqueezeNet1_1"))
    assert "Neck" not in squeeze["Arch"], "it ends in a ReLU"


def test_a_new_head_asks_for_no_weights_of_what_it_replaces():
    def wanted(arch):
        asked = apply_strategy(config({"hidden": [8]}, arch=arch))
        asked["Transfer"]["pretrained"] = "imagenet"
        return pretrained.wanted_weights(asked)

    assert (wanted("VGG11").head, wanted("VGG11").replaced) == ("fresh", ("fc1", "fc2"))
    assert wanted("PPLCNet_x0_25").replaced == ("backbone.",)
    keys = {pretrained.weights_key({**config(head), "Transfer": {
        "head": head, "pretrained": "imagenet"}}) for head in ("keep", "fresh", {"hidden": [8]})}
    assert len(keys) == 3


# --- in networks ----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def networks():
    return import_with_ppcls("networks", locate())


def built(networks, arch, head, *, seed=3):
    """A network with a new head, and the half that made it."""
    import paddle

    from paddle_transfer.strategies.worker.new_head import NewHeadHalf
    paddle.seed(seed)
    made = config(head, arch=arch)
    with small_vgg(), paddle.utils.unique_name.guard():
        model = networks.build_network({"Arch": dict(made["Arch"])})
        names = networks.head_of(dict(made["Arch"]))
    half = NewHeadHalf(NewHead.model_validate(head), made)
    half.find_head = half.find_classifier = lambda: names
    assert half.model_built(model) == ()
    return model


def test_the_log_says_what_is_replaced_by_what(networks, capsys):
    built(networks, "VGG11", {"hidden": [8, 4]})
    built(networks, "SqueezeNet1_1", {"init": "kaiming", "dropout": 0.25})
    assert capsys.readouterr().out.splitlines() == [
        "paddle_transfer: head: fc1, fc2, fc3 are now 64 -> 8 -> 4 -> 5 within their own shapes, "
        "with ReLU, weights drawn by xavier, dropout 0.5",
        "paddle_transfer: head: new are _conv9, weights drawn by kaiming, dropout 0.25"]


@pytest.mark.parametrize("hidden", [[8], [8, 4]])
def test_the_padded_layers_are_the_small_ones(networks, hidden):
    """The logits are those of small layers with ReLU; what is zero stays zero in training, by
    RMSProp with momentum and weight decay; the layer that hands on does not move."""
    import paddle
    model = built(networks, "VGG11", {"hidden": hidden, "dropout": 0.0})
    images = paddle.rand([4, 3, 32, 32])
    optimizer = paddle.optimizer.RMSProp(0.01, momentum=0.9, parameters=model.parameters(),
                                         weight_decay=0.01)
    for _ in range(3):
        model.train()
        paddle.nn.functional.cross_entropy(model(images), paddle.to_tensor([0, 1, 2, 3])).backward()
        optimizer.step()
        optimizer.clear_grad()
    model.eval()
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    first, last = hidden[0], hidden[-1]
    assert not state["fc1.weight"][:, first:].any()
    assert not state["fc1.bias"][first:].any()
    assert not state["fc3.weight"][last:].any()
    assert state["fc1.bias"][:first].any(), "it has been trained"
    if len(hidden) == 1:
        np.testing.assert_array_equal(state["fc2.weight"][:8, :8], 4 * np.eye(8))
        assert not state["fc2.bias"].any()
        assert not state["fc2.weight"][8:].any()
    else:
        assert not state["fc2.weight"][8:].any()
        assert not state["fc2.weight"][:, 4:].any()
    x = features(model, images)
    x = np.maximum(x @ state["fc1.weight"][:, :first] + state["fc1.bias"][:first], 0)
    if len(hidden) == 2:
        x = np.maximum(x / 2 @ state["fc2.weight"][:8, :4] + state["fc2.bias"][:4], 0) / 2
    expected = x @ state["fc3.weight"][:last] + state["fc3.bias"]
    np.testing.assert_allclose(model(images).numpy(), expected, rtol=1e-4, atol=1e-5)


def features(model, images):
    """What goes into the first dense layer."""
    seen = []
    hook = model.fc1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].numpy()))
    model(images)
    hook.remove()
    return seen[0]


@pytest.mark.parametrize(("head", "rate"), [
    ({"hidden": [8]}, 0.5), ({"hidden": [8], "dropout": 0.25}, 0.25)])
def test_dropout_of_hidden_layers_acts_once_and_in_training_only(networks, head, rate):
    import paddle
    images = paddle.rand([64, 3, 32, 32])
    model = built(networks, "VGG11", head)
    model.fc1.weight.set_value(paddle.zeros_like(model.fc1.weight))
    model.fc1.bias.set_value(paddle.ones_like(model.fc1.bias))  # every hidden output is 1
    seen = []
    model.fc3.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, :8].numpy()))
    for switch in (model.train, model.eval):
        switch()
        model(images)
    train, evaluation = seen
    np.testing.assert_allclose(np.unique(train), [0, 1 / (1 - rate)], rtol=1e-6)
    assert (train == 0).mean() == pytest.approx(rate, abs=0.08)
    np.testing.assert_array_equal(evaluation, np.ones_like(evaluation))


@pytest.mark.parametrize(("init", "deviation"), [
    ("xavier", (2 / (512 + 5))**0.5), ("kaiming", (2 / 512)**0.5), ("normal", 0.01), ("zeros", 0)])
def test_initializers_of_the_classifier(networks, init, deviation):
    for arch, name in (("SqueezeNet1_1", "_conv9"), ("ResNet18", "fc")):
        state = built(networks, arch, {"init": init}).state_dict()
        assert float(state[f"{name}.weight"].std()) == pytest.approx(deviation, rel=0.1)
        assert not state[f"{name}.bias"].numpy().any()
