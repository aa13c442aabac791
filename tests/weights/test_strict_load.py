from __future__ import annotations

import json

import pytest

from paddle_transfer.weights import heads
from paddle_transfer.weights.errors import WeightsError, WeightsMismatch
from paddle_transfer.weights.strict_load import check_fit, plan_load

NET = {"conv.weight": (8, 3, 3, 3), "bn._mean": (8,), "fc.weight": (8, 5), "fc.bias": (5,)}
HEAD = ("fc.weight", "fc.bias")


def made(found, **options):
    return plan_load(NET, found, head=HEAD, file="w.pdparams", **options)


def test_all_loaded():
    report = made(NET).report
    assert report.ok
    assert report.loaded == tuple(NET)
    assert not report.head
    assert report.numbers == 8 * 27 + 8 + 40 + 5


def test_another_number_of_classes_leaves_the_head():
    result = made({**NET, "fc.weight": (8, 1000), "fc.bias": (1000,)})
    assert result.report.ok
    assert result.names == {"conv.weight": "conv.weight", "bn._mean": "bn._mean"}
    assert result.report.head == {
        "fc.weight": "8x1000 in the file, 8x5 here", "fc.bias": "1000 in the file, 5 here"
    }


def test_an_absent_head_is_no_error():
    report = made({name: NET[name] for name in ("conv.weight", "bn._mean")}).report
    assert report.ok
    assert report.head == {"fc.weight": "not in the file", "fc.bias": "not in the file"}


def test_a_head_is_kept_whole_or_not_at_all():
    report = made({**NET, "fc.weight": (9, 5)}).report
    assert set(report.head) == set(HEAD)
    assert report.head["fc.bias"] == "its layer's other tensors differ"


def test_a_fresh_head_is_never_loaded():
    report = made(NET, mode="fresh").report
    assert report.ok
    assert set(report.head) == set(HEAD)
    assert set(report.head.values()) == {"asked for"}
    with pytest.raises(WeightsError, match="'keep' or 'fresh'; found 'new'"):
        made(NET, mode="new")


def test_a_renamed_tensor_is_an_error_with_names_and_shapes():
    report = made(
        {**{name: shape for name, shape in NET.items() if name != "bn._mean"}, "bn.mean": (8, )
         }).report
    with pytest.raises(WeightsMismatch) as caught:
        check_fit(report)
    text = str(caught.value)
    assert "1 missing in the file:\n    bn._mean: the network has [8]" in text
    assert "1 not in the network:\n    bn.mean: the file has [8]" in text
    assert caught.value.report is report


def test_another_shape_is_an_error_with_both():
    with pytest.raises(
            WeightsMismatch,
            match=r"conv.weight: the network has \[8, 3, 3, 3\], the file \[8, 4, 3, 3\]"):
        check_fit(made({**NET, "conv.weight": (8, 4, 3, 3)}).report)


def test_an_unexpected_tensor_is_an_error_and_can_be_allowed():
    found = {**NET, "more.weight": (1,)}
    with pytest.raises(WeightsMismatch, match=r"more.weight: the file has \[1\]"):
        check_fit(made(found).report)
    report = made(found, ignore=("more.*",)).report
    assert report.ok
    assert report.ignored == ("more.weight",)


def test_a_file_of_another_network_lists_at_most_twenty_of_a_kind():
    wanted = {f"x.{i}": (1,) for i in range(50)}
    with pytest.raises(WeightsMismatch, match="and 30 more"):
        check_fit(plan_load(wanted, {"y": (1,)}, head=()).report)


def test_the_line_and_the_dict():
    found = {
        f"backbone.{name}": shape
        for name, shape in {**NET, "fc.bias": (6, ), "fc.weight": (8, 6)}.items()
    }
    report = made(found, source="10w", others=("epoch",)).report
    assert report.line() == (
        "pretrained 10w: 2 of 4 tensors loaded (0.0 M numbers); head newly initialised: "
        "fc.weight, fc.bias (8x6 in the file, 8x5 here; 6 in the file, 5 here); 1 ignored; "
        "names: without backbone.; w.pdparams"
    )
    assert "\n" not in report.line()
    assert report.short() == "10w, 2/4"
    entry = json.loads(json.dumps(report.to_dict()))
    assert entry["loaded"] == 2
    assert entry["total"] == 4
    assert entry["head"]["fc.bias"] == "6 in the file, 5 here"


@pytest.mark.parametrize(("names", "head"), [
    (("stem.0.conv.weight", "fc.weight", "fc.bias"), ("fc.weight", "fc.bias")),
    (("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"),
     ("fc3.weight", "fc3.bias")),
    (("blocks.0.fc.weight", "norm.weight", "head.weight", "head_dist.weight"),
     ("head.weight", "head_dist.weight")),
    (("conv.weight", ), ()),
])
def test_heads_by_name(names, head):
    assert heads.by_name(names) == head


def test_a_head_without_a_layer_is_one_too():
    report = plan_load({"w": (3, 5)}, {"w": (3, 7)}, head=("w",)).report
    assert report.ok
    assert report.head == {"w": "3x7 in the file, 3x5 here"}
    assert heads.other_parts(("w", "w.bias", "v.bias"), ("w",)) == {"w.bias"}


def test_heads_by_shape():
    assert heads.by_shape({"a": (1, 2), "b": (3,)}, {"a": (1, 2), "b": (4,)}) == ("b",)
