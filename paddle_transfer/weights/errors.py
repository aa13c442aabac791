"""What can be wrong with weights: a class each, so that callers can tell them apart."""

from __future__ import annotations

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.weights.load_report import LoadReport


class WeightsError(PaddleTransferError):
    """Something about pretrained weights: the root of the errors here."""


class UnknownWeights(WeightsError):
    """A name that stands for nothing, or not for this architecture."""


class NotWeights(WeightsError):
    """The file is something else (a web page, a zip, empty) or is damaged or cut short."""


class UnsafeWeights(WeightsError):
    """The file asks for something that weights have no need of.

    :param asked: the name it asked for, as in ``posix.system``
    """

    def __init__(self, message: str, *, asked: str):
        self.asked = asked
        super().__init__(message)


class FetchError(WeightsError):
    """The file could not be had from any address, or is not the one that was seen first."""


class Unavailable(FetchError):
    """This address will not give the file, however often it is asked."""


class Unreachable(Unavailable):
    """Nor will any other address of the same host, which cannot be reached."""


class WeightsMismatch(WeightsError):
    """The file's tensors do not go with the network. ``report`` has all of them."""

    def __init__(self, message: str, report: LoadReport):
        self.report = report
        super().__init__(message)
