from __future__ import annotations

import pytest

from paddle_transfer.weights.key_naming import read_names

#: A ResNet18_vd-like network in PaddleClas's names: a stem of three, two blocks in stage 0, one in stage 1.
TAILS = ("conv.weight", "bn.weight", "bn.bias", "bn._mean", "bn._variance")
LAYERS = ("stem.0", "stem.1", "stem.2", "blocks.0.conv0", "blocks.0.conv1", "blocks.0.short",
          "blocks.1.conv0", "blocks.2.conv0", "blocks.2.short")
WANTED = (*tuple(f"{layer}.{tail}" for layer in LAYERS for tail in TAILS), "fc.weight", "fc.bias")
HUB = {
    "stem.0": "conv1_1", "stem.1": "conv1_2", "stem.2": "conv1_3", "blocks.0": "bb_0_0",
    "blocks.1": "bb_0_1", "blocks.2": "bb_1_0", "fc": "out"
}
STATIC = {
    "stem.0": "conv1_1", "stem.1": "conv1_2", "stem.2": "conv1_3",
    "blocks.0.conv0": "res2a_branch2a", "blocks.0.conv1": "res2a_branch2b",
    "blocks.0.short": "res2a_branch1", "blocks.1.conv0": "res2b_branch2a",
    "blocks.2.conv0": "res3a_branch2a", "blocks.2.short": "res3a_branch1"
}


def hub(name):
    for new, old in HUB.items():
        if name.startswith(new + "."):
            name = old + name[len(new):]
    return name.replace(".conv.", "._conv.").replace(".bn.", "._batch_norm.")


def static(name):
    if name.startswith("fc."):
        return {"fc.weight": "fc_0.w_0", "fc.bias": "fc_0.b_0"}[name]
    layer, part, tail = name.rsplit(".", 2)
    old = STATIC[layer]
    return f"{old}_weights" if part == "conv" else f"bn{old[3:]}_" + {
        "weight": "scale", "bias": "offset", "_mean": "mean", "_variance": "variance"}[tail]


def test_plain_names_stay():
    reading = read_names(WANTED, WANTED)
    assert reading.names == {name: name for name in WANTED}
    assert (reading.prefix, reading.style) == ("", "")


@pytest.mark.parametrize(("rename", "style"), [(hub, "PaddleHub"), (static, "Paddle 1.x")])
def test_earlier_names_are_translated(rename, style):
    found = tuple(map(rename, WANTED))
    assert len(set(found)) == len(WANTED)
    assert not set(found) & set(WANTED)
    reading = read_names(found, WANTED)
    assert reading.style == style
    assert reading.names == dict(zip(WANTED, found))


def test_hub_names_are_the_real_ones():
    # from PaddleHub's module and PaddleClas issue 1438, not from the helper above
    names = ("conv1_1._conv.weight", "bb_0_0.conv0._batch_norm._variance",
             "bb_3_2.short._conv.weight", "out.bias")
    assert tuple(read_names(names, ()).names) == names
    assert set(read_names(
        names, WANTED).names) >= {"stem.0.conv.weight", "blocks.0.conv0.bn._variance", "fc.bias"}


@pytest.mark.parametrize("prefix", [
    "backbone.", "Student.", "module.", "_layers.", "_layers.Student.", "model.",
    "Student.backbone.", "_layers.module.backbone."
])
def test_prefixes_are_taken_off(prefix):
    reading = read_names(tuple(prefix + name for name in WANTED), WANTED)
    assert reading.prefix == prefix
    assert reading.names["fc.bias"] == f"{prefix}fc.bias"
    assert not reading.outside


def test_a_network_that_has_the_prefix_keeps_it():
    names = tuple("backbone." + name for name in WANTED)
    assert read_names(names, names).prefix == ""


def test_the_student_is_taken_and_the_teacher_left():
    found = tuple(f"Teacher.{name}" for name in WANTED) + tuple(f"Student.{name}"
                                                                for name in WANTED)
    reading = read_names(found, WANTED)
    assert reading.prefix == "Student."
    assert len(reading.outside) == len(WANTED)
    assert all(name.startswith("Teacher.") for name in reading.outside)


def test_the_loss_is_no_part_of_the_network():
    reading = read_names((*WANTED, "loss_func.0.centers"), WANTED)
    assert reading.outside == ("loss_func.0.centers",)
    assert "loss_func.0.centers" not in reading.names
