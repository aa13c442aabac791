"""What is kept of a pass through PaddleClas's networks, and their ends as passes of their own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from paddle_transfer.errors import TrialError
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.features.feature_set import TooLarge
from paddle_transfer.worker.locate import locate

HOME = locate()
networks = import_with_ppcls("networks", HOME)
capture = import_with_ppcls("features.capture", HOME)
classifier = import_with_ppcls("features.classifier", HOME)
shortened = import_with_ppcls("features.shortened", HOME)

import paddle  # noqa: E402  # after the preparations for it


def recognition(backbone, width, head="FC"):
    return {"name": "RecModel", "infer_output_key": "features", "infer_add_softmax": False,
            "Backbone": {"name": backbone, "pretrained": False},
            "BackboneStopLayer": {"name": "flatten"},
            "Neck": {"name": "FC", "embedding_size": width, "class_num": 16},
            "Head": {"name": head, "embedding_size": 16, "class_num": 5}}


#: section Arch, what follows the classifier, width of the features
NETWORKS = {
    "SqueezeNet1_1": ({}, "relu, mean", 512), "MobileNetV2_x0_25": ({}, "", 1280),
    "PPLCNet_x0_25": ({}, "", 1280), "MobileNetV1_x0_25": ({}, "", 256),
    "RecModel": (recognition("MobileNetV1_x0_25", 256), "", 16)}


def made(arch):
    """A network with statistics as trained ones have them, and its head's tensors."""
    arch = arch if "Head" in arch else {**arch, "class_num": 5}
    paddle.seed(3)
    with paddle.utils.unique_name.guard():  # other tests build networks, too
        model = networks.build_network({"Arch": dict(arch)})
    for layer in model.sublayers():
        if hasattr(layer, "_variance"):
            layer._momentum = 0.0
    model.train()
    forward(model, IMAGES)
    return model, networks.head_of(dict(arch))


def forward(model, images):
    recognition = type(model).__name__ == "RecModel"
    out = model(images, *[paddle.zeros([len(images), 1], "int64")] * recognition)
    return out["logits"] if recognition else out


paddle.seed(5)
IMAGES = paddle.rand([6, 3, 64, 64])
LABELS = np.array([0, 1, 2, 3, 4, 0])


def data():
    """The images in two batches."""
    return iter([(IMAGES[:4], LABELS[:4]), (IMAGES[4:], LABELS[4:])])


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    arch, end, width = NETWORKS[request.param]
    model, head = made(arch or {"name": request.param})
    return SimpleNamespace(model=model, head=head, end=end, width=width,
                           found=classifier.find(model, head))


def test_features_and_the_classifier_give_the_networks_answers(network):
    model, found = network.model, network.found
    model.train()
    set_, end = capture.compute(model, data(), 6, key="k", classifier=found)
    assert all(layer.training for layer in model.sublayers())
    assert not any(layer._forward_pre_hooks or layer._forward_post_hooks
                   for layer in model.sublayers())
    assert (end, set_.features.shape, set_.inputs) == (network.end, (6, network.width), None)
    assert set_.labels.tolist() == LABELS.tolist()
    model.eval()
    state = model.state_dict()
    weight, bias = state[found.weight].numpy(), state[found.bias].numpy()
    shift = 1000.0 if end else 0.0  # keeps the ReLU of SqueezeNet open, wherever it is
    state[found.bias].set_value(bias + np.float32(shift))
    expected = forward(model, IMAGES).numpy() - shift
    state[found.bias].set_value(bias)
    weight = weight.reshape(5, -1).T if weight.ndim == 4 else weight
    np.testing.assert_allclose(set_.features @ weight + bias, expected, atol=1e-3)
    assert (set_.low <= set_.features.min(axis=0) + 1e-6).all()
    assert (set_.high >= set_.features.max(axis=0) - 1e-6).all()


def shorten(network, monkeypatch, losses=("CELoss",)):
    monkeypatch.setattr(shortened.capture, "batches", lambda *_, **__: data())
    monkeypatch.setattr(shortened, "dataset_section", lambda *_: {})
    for name, value in network.model.named_parameters():
        value.stop_gradient = name not in (network.found.weight, network.found.bias)
    network.model.train()
    for layer in network.model.sublayers():
        if hasattr(layer, "_variance"):
            layer.eval()
    engine = SimpleNamespace(model=network.model,
                             is_rec=type(network.model).__name__ == "RecModel")
    return shortened.shorten(engine, {"Loss": {"Train": [{name: {}} for name in losses]}},
                                  network.found)


def test_the_end_of_a_network_answers_and_learns_as_the_whole(network, monkeypatch):
    """With the same random numbers: the dropout before the classifier is a part of it."""
    end = shorten(network, monkeypatch)
    set_, _ = capture.compute(network.model, data(), 6, key="k", classifier=network.found,
                              inputs=True, room=1 << 30)
    inputs = paddle.to_tensor(set_.inputs)
    results = []
    for run in (lambda: forward(network.model, IMAGES), lambda: end(inputs)):
        paddle.seed(11)
        out = run()
        out = out["logits"] if isinstance(out, dict) else out
        out.square().mean().backward()
        weight = network.found.layer.weight
        results.append((out.numpy(), weight.grad.numpy().copy()))
        weight.clear_gradient()
    for whole, short in zip(*results, strict=True):
        np.testing.assert_allclose(short, whole, rtol=1e-4, atol=1e-6)
        assert np.abs(whole).max() > 0


def test_a_network_that_is_random_before_its_classifier_is_trained_as_a_whole(monkeypatch):
    model, head = made(recognition("PPLCNet_x0_25", 1280))  # its backbone ends in a dropout
    network = SimpleNamespace(model=model, head=head, found=classifier.find(model, head))
    with pytest.raises(shortened.AsUsual, match="random before its classifier"):
        shorten(network, monkeypatch)


def test_one_whose_loss_looks_further_back_is_trained_as_a_whole(monkeypatch):
    model, head = made(NETWORKS["RecModel"][0])
    network = SimpleNamespace(model=model, head=head, found=classifier.find(model, head))
    assert set(shorten(network, monkeypatch).names) == {"neck", "features", "logits"}
    with pytest.raises(shortened.AsUsual, match="the loss TripletLoss may look at layers"):
        shorten(network, monkeypatch, ["CELoss", "TripletLoss"])


def test_heads_that_are_not_one_affine_layer_are_refused_by_name():
    model, head = made(recognition("MobileNetV1_x0_25", 256, "ArcMargin"))
    with pytest.raises(TrialError, match=r"RecModel: its classifier head is ArcMargin, neither a "
                       "linear layer nor a convolution"):
        classifier.find(model, head)
    model, head = made({"name": "MobileNetV1_x0_25"})
    with pytest.raises(TrialError, match="MobileNet has no layer whose size depends on the"):
        classifier.find(model, ())
    with pytest.raises(TrialError, match=r"MobileNet has 2 layers \(conv.conv, fc\) whose size"):
        classifier.find(model, (*head, "conv.conv.weight"))


def test_answers_that_are_not_the_classifiers_are_refused():
    model, head = made({"name": "MobileNetV1_x0_25"})
    found, whole = classifier.find(model, head), model.forward
    for forward in (lambda images: paddle.nn.functional.softmax(whole(images)),
                    lambda images: [whole(images), whole(images)]):
        model.forward = forward
        with pytest.raises(TrialError, match="MobileNet: its answers are not those of its "
                           "classifier fc alone"):
            capture.compute(model, data(), 6, key="k", classifier=found)


def test_a_named_layer_gives_the_mean_of_its_map():
    model, _ = made({"name": "MobileNetV1_x0_25"})
    seen = []
    layer = dict(model.named_sublayers())["conv"]
    hook = layer.register_forward_post_hook(lambda _, __, output: seen.append(output))
    set_, _ = capture.compute(model, data(), 6, key="k", layer="conv")
    hook.remove()
    maps = np.concatenate([one.numpy() for one in seen])
    np.testing.assert_allclose(set_.features, maps.mean(axis=(2, 3)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(set_.low, maps.min(axis=(0, 2, 3)))
    np.testing.assert_array_equal(set_.high, maps.max(axis=(0, 2, 3)))
    with pytest.raises(TrialError, match=r"MobileNet has no layer 'cnv'\. Did you mean 'conv'\?"):
        capture.compute(model, data(), 6, key="k", layer="cnv")


def test_inputs_that_do_not_fit_are_told_before_they_are_computed():
    model, head = made({"name": "SqueezeNet1_1"})
    passed = []
    hook = model.register_forward_post_hook(lambda *_: passed.append(1))
    with pytest.raises(TooLarge, match=r"what the classifier gets of 6 images has 108 KB, but the "
                       "cache of features has 97.7 KB"):
        capture.compute(model, data(), 6, key="k", classifier=classifier.find(model, head),
                        inputs=True, room=100_000)
    hook.remove()
    assert len(passed) == 1
