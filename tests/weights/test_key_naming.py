from __future__ import annotations

import pytest

from paddle_transfer.weights.key_naming import match_names

#: Like ResNet18_vd, in PaddleClas's names: a stem of three, two blocks in stage 0, one in stage 1.
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
    match = match_names(WANTED, WANTED)
    assert match.names == {name: name for name in WANTED}
    assert (match.prefix, match.naming) == ("", "")


@pytest.mark.parametrize(("rename", "style"), [(hub, "PaddleHub"), (static, "Paddle 1.x")])
def test_earlier_names_are_translated(rename, style):
    found = tuple(map(rename, WANTED))
    assert len(set(found)) == len(WANTED)
    assert not set(found) & set(WANTED)
    match = match_names(found, WANTED)
    assert match.naming == style
    assert match.names == dict(zip(WANTED, found, strict=True))


def test_hub_names_are_the_real_ones():
    # from PaddleHub's module and PaddleClas issue 1438, not from the helper above
    names = ("conv1_1._conv.weight", "bb_0_0.conv0._batch_norm._variance",
             "bb_3_2.short._conv.weight", "out.bias")
    assert tuple(match_names(names, ()).names) == names
    assert set(match_names(
        names, WANTED).names) >= {"stem.0.conv.weight", "blocks.0.conv0.bn._variance", "fc.bias"}


@pytest.mark.parametrize("name", ["bb_{}_0.conv0._conv.weight", "res2a{}_branch2a_weights"])
def test_numbers_without_end_are_no_blocks(name):
    names = (name.format("9" * 5000), name.format("1"))
    assert set(match_names(names, WANTED).names.values()) == set(names)


@pytest.mark.parametrize("prefix", [
    "backbone.", "Student.", "module.", "_layers.", "_layers.Student.", "model.",
    "Student.backbone.", "_layers.module.backbone."
])
def test_prefixes_are_taken_off(prefix):
    match = match_names(tuple(prefix + name for name in WANTED), WANTED)
    assert match.prefix == prefix
    assert match.names["fc.bias"] == f"{prefix}fc.bias"
    assert not match.outside


def test_a_network_that_has_the_prefix_keeps_it():
    names = tuple("backbone." + name for name in WANTED)
    assert match_names(names, names).prefix == ""


def test_the_student_is_taken_and_the_teacher_left():
    found = tuple(f"Teacher.{name}" for name in WANTED) + tuple(f"Student.{name}"
                                                                for name in WANTED)
    match = match_names(found, WANTED)
    assert match.prefix == "Student."
    assert len(match.outside) == len(WANTED)
    assert all(name.startswith("Teacher.") for name in match.outside)


def test_the_loss_is_no_part_of_the_network():
    match = match_names((*WANTED, "loss_func.0.centers"), WANTED)
    assert match.outside == ("loss_func.0.centers",)
    assert "loss_func.0.centers" not in match.names
