"""Why PaddleClas has no batch to train on: its data sets replace an image that fails by another,
so in the end one hears only that there is none. Imports no Paddle."""

from __future__ import annotations

from typing import Any, NoReturn

import cv2
import numpy as np

from paddle_transfer.errors import TrialError, cause
from paddle_transfer.files import read_bytes

MAX_IMAGE = 256 << 20  # bytes


class _NoOther(Exception):
    """Raised where a data set asks for another image in the place of one that failed."""


def data_fault(dataset: object, failure: BaseException | None) -> TrialError | None:
    """The error of a data set of which not one image can be had; None when its first one can.

    :param dataset: one of PaddleClas's
    :param failure: what reading ended with, as far as it is known
    """
    files = getattr(dataset, "images", None)
    fault = _first_failure(dataset) if files else None
    if fault is None:
        while isinstance(failure, RecursionError) and failure.__context__ is not None:
            failure = failure.__context__
        return None if failure is None else TrialError(
            f"PaddleClas fails on every image: {cause(failure)}")
    assert files, "the first of them has failed"
    reason = _why_unreadable(str(files[0]))
    if reason:
        return TrialError(f"not one image can be read; the first, {files[0]}, {reason}")
    return TrialError("the images can be read, but PaddleClas fails on every one of them. Look at "
                      f"transform_ops of the data set: {cause(fault)}")


def unusable_image(file: str, fault: Exception) -> TrialError:
    """The error of one image that PaddleClas cannot prepare for a prediction."""
    reason = _why_unreadable(file)
    return TrialError(f"{file} {reason}" if reason else
                      f"{file} can be read, but PaddleClas fails on it. Look at Infer.transforms: "
                      f"{cause(fault)}")


def _first_failure(dataset: Any) -> BaseException | None:
    """What PaddleClas's code raises for the first image; None when it does not."""
    def no_other(_: int) -> NoReturn:
        raise _NoOther

    dataset.__getitem__ = no_other  # what a data set calls for another one
    try:
        type(dataset).__getitem__(dataset, 0)
    except _NoOther as error:
        return error.__context__
    except Exception as error:
        return error
    finally:
        del dataset.__getitem__
    return None


def _why_unreadable(file: str) -> str:
    try:
        content = np.frombuffer(read_bytes(file, MAX_IMAGE), np.uint8)
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    if not content.size:
        return "is empty"
    return "" if cv2.imdecode(content, cv2.IMREAD_COLOR) is not None else "is no image"
