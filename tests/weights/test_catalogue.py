from __future__ import annotations

import pytest

from paddle_transfer.weights.catalogue import CATALOGUE, entries, entry, model_urls
from paddle_transfer.weights.errors import UnknownWeights


@pytest.fixture
def ppcls(tmp_path):
    folder = tmp_path / "ppcls" / "arch" / "backbone" / "zoo"
    folder.mkdir(parents=True)
    (folder / "net.py").write_text(
        'raise SystemExit("imported")\n'
        'MODEL_URLS = {"Net_384": "https://h/d/Net_384_pretrained.pdparams", "Empty": ""}\n')
    (folder / "bad.py").write_text("MODEL_URLS = {")
    (folder / "computed.py").write_text("MODEL_URLS = dict(a=b)")
    return tmp_path / "ppcls"


def test_what_the_issue_asks_for_is_there():
    for arch in ("ResNet50_vd", "ResNet18", "ResNet18_vd", "ResNet34_vd", "ResNet101_vd", "VGG16",
                 "MobileNetV3_large_x1_0", "MobileNetV3_small_x1_0", "PPLCNet_x1_0"):
        found = entry("imagenet", arch)
        assert found.urls[0].endswith(f"/dygraph/legendary_models/{arch}_pretrained.pdparams")
        assert found.head
        assert found.classes == 1000
        assert found.size == 224
        assert 0.5 < found.top1 < 0.9
    assert entry("imagenet", "ResNet50_vd").top1 == 0.7912
    assert entry("imagenet_ssld", "ResNet50_vd").filename == "ResNet50_vd_ssld_pretrained.pdparams"


def test_10w_has_four_addresses_and_no_head():
    found = entry("10w")
    assert found is entry("10w", "ResNet50_vd")
    assert not found.head
    assert found.classes == 100_000
    assert len(found.urls) == 4
    assert "legendary_models" in found.urls[0]


def test_every_entry_is_well_formed():
    for (name, arch), found in CATALOGUE.items():
        assert (found.name, found.arch) == (name, arch)
        assert found.page.startswith("https://")
        assert all(
            url.startswith("https://") and found.arch.lower() in url.lower() for url in found.urls)


def test_other_architectures_come_from_paddleclas_unimported(ppcls):
    assert model_urls(ppcls) == {"Net_384": "https://h/d/Net_384_pretrained.pdparams"}
    found = entry("imagenet", "Net_384", ppcls=ppcls)
    assert found.urls == ("https://h/d/Net_384_pretrained.pdparams",)
    assert found.size == 384
    assert entry("imagenet_ssld", "Net_384", ppcls=ppcls).urls == ("https://h/d/Net_384_ssld_pretrained.pdparams",)
    assert [e.arch for e in entries(ppcls)][-1] == "Net_384"


@pytest.mark.parametrize(("name", "arch", "text"), [
    ("imagnet", "ResNet50_vd", "Did you mean 'imagenet'?"),
    ("imagenet", "ResNet50_v", "Did you mean 'ResNet50_vd'?"),
    ("10w", "ResNet18_vd", "there is none for ResNet18_vd. For ResNet18_vd there is imagenet"),
    ("imagenet", None, "needs an architecture"),
    ("none", "ResNet50_vd", "must be one of"),
])
def test_mistakes_are_named(name, arch, text):
    with pytest.raises(UnknownWeights) as caught:
        entry(name, arch)
    assert text in str(caught.value)
