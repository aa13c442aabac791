"""The features of a list: read from the cache, or computed now and kept there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from paddle_transfer import dotpath
from paddle_transfer.config import base, resolve
from paddle_transfer.errors import TrialError
from paddle_transfer.progress import tracked
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.features.cache import FeatureCache
from paddle_transfer.worker.features.feature_set import FeatureSet, from_arrays, to_arrays
from paddle_transfer.worker.features.key import dataset_section, features_key
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.options import Origin

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine

#: Images a batch where the config does not say.
_BATCH = 64


def open_features(config: dict[str, Any], split: str, *, home: EngineHome,
                  engine: Callable[[], TransferEngine], transforms: str = "Eval", layer: str = "",
                  inputs: bool = False, prepared: Mapping[str, Origin] | None = None,
                  cache: FeatureCache | None = None) -> FeatureSet:
    """The features of ``DataLoader.<split>``, computed by one process of all that want them.

    :param config: of a training, complete, with the weights that it asks for
    :param engine: gives an engine with these weights, not trained yet; called on a miss only
    :param transforms: the split whose transforms are used
    :param layer: the name of a layer whose output is wanted; empty: the input of the classifier
    :param inputs: whether ``FeatureSet.inputs`` are wanted, too
    :param prepared: weights that a search prepared, by ``Global.pretrained_model``
    :param cache: default: that of this machine
    :raises TooLarge: ``inputs`` do not fit into the cache
    :raises TrialError: no weights, or not one affine classifier; see ``features_key``, too
    """
    key = features_key(config, split, home=home, transforms=transforms, layer=layer,
                       prepared=prepared)
    cache = cache or FeatureCache()
    found = _read(cache, key, inputs)
    if found is not None:
        return found
    with cache.making(key):
        found = _read(cache, key, inputs)  # another process may have made it meanwhile
        if found is not None:
            return found
        section = dataset_section(config, split, transforms)
        made = _compute(engine(), config, split, section, key=key, layer=layer, inputs=inputs,
                        room=cache.limit)
        cache.write(key, to_arrays(made))
    return made


def _read(cache: FeatureCache, key: str, inputs: bool) -> FeatureSet | None:
    arrays = cache.read(key)
    if arrays is None:
        return None
    try:
        found = from_arrays(arrays, key)
    except (KeyError, ValueError, TypeError):  # another program's file
        return None
    return None if inputs and found.inputs is None else found


def _compute(engine: TransferEngine, config: dict[str, Any], split: str, section: dict[str, Any], *,
             key: str, layer: str, inputs: bool, room: int) -> FeatureSet:
    """One pass over a list. What is kept of the network is what any strategy asks for: an entry is
    for all of them."""
    capture = import_with_ppcls("features.capture", engine.home)
    head = import_with_ppcls("networks", engine.home).head_of(dotpath.clone(
        resolve.with_class_num(config)["Arch"]))
    classifier = None if layer else import_with_ppcls("features.classifier", engine.home).find(
        engine.model, head)
    own = head if classifier is None else (classifier.weight, classifier.bias)
    _require_loaded(engine, own)
    loader = engine.config["DataLoader"][split]["loader"]
    size = dotpath.find(config, "DataLoader.Eval.sampler.batch_size")
    data = capture.batches(section, f"DataLoader.{split}", size=resolve.whole(size) or _BATCH,
                           workers=loader["num_workers"],
                           shared_memory=loader["use_shared_memory"])
    count = base.list_size(config, split) or 0
    data = tracked(data, count, f"features of DataLoader.{split}", lines=True,
                   size=lambda batch: len(batch[1]))
    made: FeatureSet
    made, end = capture.compute(engine.model, data, count, key=key,
                                layer=layer, classifier=classifier, inputs=inputs, room=room)
    facts = {
        "end": end, "head": list(head),
        "shapes": {name: list(value.shape) for name, value in engine.model.state_dict().items()},
        "classifier": None if classifier is None else {
            "name": classifier.name, "weight": classifier.weight, "bias": classifier.bias,
            "kind": type(classifier.layer).__name__,
            "shape": list(classifier.layer.weight.shape)}}
    print(f"paddle_transfer: features of {len(made.labels)} images of DataLoader.{split} computed",
          flush=True)
    return replace(made, facts=facts)


def _require_loaded(engine: TransferEngine, own: tuple[str, ...]) -> None:
    """:param own: the classifier's tensors, which need no pretrained values
    :raises TrialError: others have none, or are not of 32 bits
    """
    report = engine.pretrained
    left = [name for name in (report.head if report is not None else {}) if name not in own]
    if report is None or left:
        what = f"of {', '.join(left[:5])}" if left else "of any layer"
        raise TrialError(f"features would be random: the pretrained weights have no values {what}")
    half = {str(one.dtype) for one in engine.model.parameters()} - {"paddle.float32"}
    if half:
        raise TrialError(f"features need weights of 32 bits; found {', '.join(sorted(half))}. "
                         "Choose AMP.level: O1")
