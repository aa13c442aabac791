"""Makes sure that an evaluation measures every image of its list once, and counts them."""

from __future__ import annotations

import functools
import itertools
import random
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import paddle
from ppcls.engine.engine import Engine

from paddle_transfer import dotpath
from paddle_transfer.config import base
from paddle_transfer.config.evaluation import evaluated_sections
from paddle_transfer.errors import TrialError
from paddle_transfer.worker.batches import UnreadableImage, read

#: Where engines keep the loaders of an evaluation, and the section that each reads.
LOADERS = {"eval_dataloader": "Eval", "query_dataloader": "Eval.Query",
           "gallery_dataloader": "Eval.Gallery", "gallery_query_dataloader": "Eval"}
#: Data sets with an image in every line of their list.
ONE_A_LINE = ("ImageNetDataset", "MultiLabelDataset", "MultiScaleDataset")


def require_whole_lists(engine: Engine) -> None:
    """Check the loaders of the evaluation, and make them refuse images that cannot be read.

    PaddleClas replaces such an image by a random other one, which then counts twice.

    :raises TrialError: a list is empty, or some images would be evaluated not once
    """
    if engine.use_dali and hasattr(getattr(engine, "eval_dataloader", None), "size"):
        return  # its images are counted
    for attribute, place in LOADERS.items():
        loader = getattr(engine, attribute, None)
        if loader is None:
            continue
        total, place = len(loader.dataset), f"DataLoader.{place}"
        if not total:
            raise TrialError(f"{place} has no image, so nothing can be measured")
        _check_lines(engine.config, place, loader.dataset)
        if paddle.distributed.get_world_size() == 1:
            _check_order(loader.batch_sampler, place, total)
        read_strictly(loader.dataset, place)


def list_mark(config: dict[str, Any]) -> str | None:
    """A checksum of the lists that are evaluated; None when there are none, or one is gone."""
    files = [dotpath.find(section, "dataset.cls_label_path")
             for path, section in evaluated_sections(config) if "DataLoader.Test" not in path]
    try:
        mark = 0
        for file in files:
            with open(file, "rb") as stream:
                mark = functools.reduce(lambda before, line: zlib.crc32(line, before), stream, mark)
    except (OSError, TypeError):  # no file, or none is named
        return None
    return f"{mark:08x}" if files else None


def _check_lines(config: dict[str, Any], place: str, dataset: Any) -> None:
    lines = base.list_size(config, place.removeprefix("DataLoader."))
    if lines is not None and type(dataset).__name__ in ONE_A_LINE and lines != len(dataset):
        raise TrialError(f"{place} has {len(dataset)} images, but its list has {lines} lines")


def _check_order(sampler: Any, place: str, total: int) -> None:
    """Read ``sampler`` once, without a trace in the random numbers of the training."""
    states = random.getstate(), np.random.get_state()
    try:
        indices = (index for batch in sampler for index in batch)
        # MultiScaleSampler's are (width, height, index)
        seen = Counter(int(index[-1] if isinstance(index, tuple) else index)
                       for index in itertools.islice(indices, total + 1))
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    if seen.total() != total or len(seen) != total:
        raise TrialError(
            f"{place}.sampler, a {type(sampler).__name__}, gives {len(seen)} of the {total} images "
            + ("and some of them twice" if seen.total() > len(seen) else "only")
            + ". A metric is over the whole list: name DistributedBatchSampler, with batch_size")


def read_strictly(dataset: Any, place: str) -> None:
    """Make ``dataset`` raise UnreadableImage in the place of reading another image."""
    kind = type(dataset)

    class Strict(kind):  # type: ignore[misc, valid-type]  # PaddleClas ships no types
        _depth, _asked = 0, ""

        def __getitem__(self, index: Any) -> Any:
            if self._depth:  # the data set calls itself when it cannot read an image
                cause = sys.exc_info()[1]
                raise UnreadableImage(f"{place}: PaddleClas cannot read {self._asked} "
                                      f"({type(cause).__name__}: {cause})")
            self._depth, self._asked = 1, _name_of(self, index)
            try:
                return kind.__getitem__(self, index)
            finally:
                self._depth = 0

    Strict.__name__ = kind.__name__
    dataset.__class__ = Strict


def _name_of(dataset: Any, index: Any) -> str:
    """The file of image ``index``, as far as the data set knows it."""
    images = getattr(dataset, "images", None)
    number = index[-1] if isinstance(index, tuple) else index
    return str(images[number]) if isinstance(images, list) else f"image {number}"


class CountedLoader:
    """A loader of an evaluation loop of PaddleClas's own, which counts the images.

    :param seen: images that were read the last time
    """

    def __init__(self, loader: Any):
        self._loader, self.seen = loader, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        self.seen = 0
        for batch in read(iter(self._loader)):
            first = batch[0]["data"] if isinstance(batch[0], dict) else batch[0]
            processes = paddle.distributed.get_world_size()
            self.seen += first.shape[0] * processes
            if processes > 1:  # these fill up their last batches, and PaddleClas cuts the rest off
                self.seen = min(self.seen, len(self._loader.dataset))
            yield batch


@contextmanager
def count_images(engine: Engine, *attributes: str) -> Iterator[list[CountedLoader]]:
    """Count what PaddleClas's own loop reads of those loaders of ``engine`` that there are."""
    loaders = {name: loader for name in attributes
               if (loader := getattr(engine, name, None)) is not None}
    counted = {name: CountedLoader(loader) for name, loader in loaders.items()}
    vars(engine).update(counted)
    try:
        yield list(counted.values())
    finally:
        vars(engine).update(loaders)


def require_all(seen: int, total: int) -> int:
    """``seen`` images, which an evaluation of a list of ``total`` has measured. Raises TrialError
    when these differ."""
    if seen != total or not seen:
        more = ("" if seen < total else
                ": the last batch was filled up (DALI does so where batch_size does not divide the "
                "list)")
        raise TrialError(f"the evaluation has measured {seen} images of a list of {total}{more}. "
                         "A metric is over the whole list, each image once")
    return seen
