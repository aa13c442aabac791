"""The weights that have a name: where they are, what they were trained on, what goes with them.

Addresses and accuracies are PaddleClas's own: ``MODEL_URLS`` in ppcls/arch/backbone, the tables in
docs/zh_CN/models/ImageNet1k/README.md, and for 10w the four addresses that the pages of PaddleClas
and PaddleHub give.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from paddle_transfer.config.pretrained import NAMES
from paddle_transfer.errors import did_you_mean
from paddle_transfer.files import read_bytes
from paddle_transfer.weights.errors import UnknownWeights

BUCKET = "https://paddle-imagenet-models-name.bj.bcebos.com"
LEGENDARY = f"{BUCKET}/dygraph/legendary_models"
MAX_SOURCE = 4 << 20  # bytes of a backbone's file
DOCS = "https://github.com/PaddlePaddle/PaddleClas/blob/develop/docs/zh_CN"
TABLE = f"{DOCS}/models/ImageNet1k/README.md"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Entry:
    """Weights of one name for one architecture.

    :param urls: addresses, the likeliest first
    :param classes: how many it was trained on
    :param top1: on ImageNet-1k's validation images, 0..1; None where nothing is published
    :param head: whether the file has a classifier
    :param size: of the images, in pixels
    :param mean, std: of the normalisation, after scaling to 0..1 (RGB)
    """

    name: str
    arch: str
    urls: tuple[str, ...]
    classes: int = 1000
    top1: float | None = None
    head: bool = True
    size: int = 224
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    page: str = TABLE
    note: str = ""

    @property
    def filename(self) -> str:
        """The name in the cache folder; PaddleClas uses the same."""
        return self.urls[0].rsplit("/", 1)[-1]


#: Top-1 accuracies on ImageNet-1k.
_IMAGENET = {
    "ResNet18": .7098, "ResNet18_vd": .7226, "ResNet34_vd": .7598, "ResNet50_vd": .7912,
    "ResNet101_vd": .8017, "VGG16": .7200, "MobileNetV3_small_x0_35": .5303,
    "MobileNetV3_small_x0_5": .5921, "MobileNetV3_small_x0_75": .6602,
    "MobileNetV3_small_x1_0": .6824, "MobileNetV3_small_x1_25": .7067,
    "MobileNetV3_large_x0_35": .6432, "MobileNetV3_large_x0_5": .6924,
    "MobileNetV3_large_x0_75": .7314, "MobileNetV3_large_x1_0": .7532,
    "MobileNetV3_large_x1_25": .7641, "PPLCNet_x0_25": .5186, "PPLCNet_x0_35": .5809,
    "PPLCNet_x0_5": .6314, "PPLCNet_x0_75": .6818, "PPLCNet_x1_0": .7132, "PPLCNet_x1_5": .7371,
    "PPLCNet_x2_0": .7518, "PPLCNet_x2_5": .7660,
}
_SSLD = {
    "ResNet34_vd": .7972, "ResNet50_vd": .8300, "ResNet101_vd": .8370,
    "MobileNetV3_small_x0_35": .5555, "MobileNetV3_small_x1_0": .7129,
    "MobileNetV3_large_x1_0": .7896, "PPLCNet_x0_5": .6610, "PPLCNet_x1_0": .7440,
    "PPLCNet_x2_5": .8080,
}
_10W = Entry(
    "10w", "ResNet50_vd",
    (f"{LEGENDARY}/ResNet50_vd_10w_pretrained.pdparams",
     f"{BUCKET}/dygraph/ResNet50_vd_10w_pretrained.pdparams",
     "https://paddlehub.bj.bcebos.com/dygraph/image_classification/resnet50_vd_10w.pdparams",
     f"{BUCKET}/ResNet50_vd_10w_pretrained.tar"),
    classes=100_000, head=False, page=f"{DOCS}/algorithm_introduction/transfer_learning.md",
    note="100,000 classes, 43 million images; the file has no classifier. The second address's "
         "file names its tensors as PaddleHub does (PaddleClas issue 1438), the last is a tar of "
         "Paddle 1.x")
CATALOGUE: dict[tuple[str, str], Entry] = {(found.name, found.arch): found for found in (
    *(Entry("imagenet", arch, (f"{LEGENDARY}/{arch}_pretrained.pdparams",), top1=top1)
      for arch, top1 in _IMAGENET.items()),
    *(Entry("imagenet_ssld", arch, (f"{LEGENDARY}/{arch}_ssld_pretrained.pdparams",), top1=top1,
            note="distilled (SSLD)") for arch, top1 in _SSLD.items()),
    _10W)}


def entry(name: str, arch: str | None = None, *, ppcls: str | Path | None = None) -> Entry:
    """The weights ``name`` for ``arch``; 10w is for one architecture only and needs no ``arch``.

    :param ppcls: PaddleClas's ``ppcls`` folder: the MODEL_URLS of other architectures are read
    :raises UnknownWeights: saying what there is
    """
    if name not in NAMES or name == "none":
        raise UnknownWeights(
            f"weights must be one of {', '.join(NAMES)}, a file or an address; found {name!r}. "
            f"{did_you_mean(name, NAMES)}")
    arch = _10W.arch if arch is None and name == _10W.name else arch
    if arch is None:
        raise UnknownWeights(f"{name}: needs an architecture, as in arch='ResNet50_vd'")
    known = CATALOGUE.get((name, arch))
    if known is None and ppcls is not None and name != _10W.name:
        known = _from_ppcls(name, arch, Path(ppcls))
    if known is not None:
        return known
    others = sorted(n for n, a in CATALOGUE if a == arch)
    hint = f"For {arch} there is {', '.join(others)}. " if others else ""
    raise UnknownWeights(
        f"{name}: there is none for {arch}. {hint}"
        f"{did_you_mean(arch, sorted({a for n, a in CATALOGUE if n == name}))} A file or an "
        "address may be given instead.")


def entries(ppcls: str | Path | None = None) -> Iterator[Entry]:
    """The whole catalogue, then what PaddleClas's own tables have beside it."""
    yield from CATALOGUE.values()
    for arch in sorted(model_urls(Path(ppcls)) if ppcls is not None else ()):
        if ("imagenet", arch) not in CATALOGUE:
            yield entry("imagenet", arch, ppcls=ppcls)


def _from_ppcls(name: str, arch: str, ppcls: Path) -> Entry | None:
    url = model_urls(ppcls).get(arch)
    if not url:
        return None
    size, note = re.search(r"_(\d{3})\Z", arch), "from PaddleClas's MODEL_URLS"
    if name == "imagenet_ssld":  # as ppcls/utils/save_load.py does for use_ssld
        url = url.replace("_pretrained", "_ssld_pretrained")
        note = "by PaddleClas's rule for use_ssld; whether it exists is not known"
    return Entry(name, arch, (url,), size=int(size[1]) if size else 224, note=note)


@lru_cache(maxsize=8)
def model_urls(ppcls: Path) -> dict[str, str]:
    """All MODEL_URLS of ``ppcls``'s backbones, read as text: nothing of PaddleClas is imported."""
    urls: dict[str, str] = {}
    for file in sorted((ppcls / "arch" / "backbone").rglob("*.py")):
        try:
            tree = ast.parse(read_bytes(file, MAX_SOURCE))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MODEL_URLS":
                urls.update(_literal(node.value))
    return urls


def _literal(node: ast.expr) -> dict[str, str]:
    """The texts by text of a dict that is written out, those that are not empty."""
    try:
        items = ast.literal_eval(node).items()
    except (AttributeError, TypeError, ValueError):  # computed, or no dict
        return {}
    return {arch: url for arch, url in items
            if isinstance(arch, str) and isinstance(url, str) and url}
