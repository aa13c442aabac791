"""Pretrained weights of one run: found, read safely, and loaded strictly where PaddleClas would load them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer.config import pretrained
from paddle_transfer.errors import TrialError
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.read import Weights, read
from paddle_transfer.weights.strict_load import FRESH, LoadReport, Plan
from paddle_transfer.worker import load_weights

#: What a search's parent tells about a prepared file, for the record: where it came from.
Origin = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """The weights of a run.

    :param file: a local file
    :param sha256: of the file; empty when it does not matter
    :param source: what was asked for, for the report
    :param head: ``keep`` or ``fresh``
    :param origin: of a file that a search prepared: ``source``, ``file``, ``sha256``, ``head`` (name -> why not loaded)
    """

    file: str
    sha256: str = ""
    source: str = ""
    head: str = "keep"
    origin: Origin | None = None


def find(config: dict, *, ppcls: str, prepared: Mapping[str, Origin] = {}) -> Source | None:
    """The weights that ``config`` asks for, fetched if need be; None for none.

    :param ppcls: PaddleClas's ``ppcls`` folder, for the addresses of networks outside our catalogue
    :param prepared: what a search made ready, by ``Global.pretrained_model``
    :raises TrialError: there is no such file, it cannot be had, or is no weights
    """
    from paddle_transfer.weights.resolve import local_file, resolve

    wanted = pretrained.wanted(config)
    if wanted is None:
        return None
    try:
        if wanted.spec in prepared:
            origin = prepared[wanted.spec]
            return Source(file=str(local_file(wanted.spec)), sha256=origin["prepared_sha256"],
                          origin=origin)
        found = resolve(wanted.spec, arch=config["Arch"].get("name"), ppcls=ppcls)
    except WeightsError as error:
        raise TrialError(f"{wanted.where}: {error}") from error
    return Source(file=str(found.path), sha256=found.sha256, source=found.source, head=wanted.head)


class Loader:
    """Stands where PaddleClas's engine expects ``load_dygraph_pretrain``, which skips what does not fit without a word.

    :param arch: the config's section ``Arch``
    :param training: else a classifier that is not in the file is a mistake: its answers would be random
    """

    def __init__(self, source: Source, *, arch: dict, training: bool):
        self._source, self._arch, self._training = source, arch, training
        self.report: LoadReport | None = None

    def __call__(self, model: Any, *_: Any, **__: Any) -> None:
        """``model``: the network, or [network, loss or None], as the engine hands them over.

        :raises TrialError: tensors other than the classifier's do not fit
        """
        network, *others = model if isinstance(model, list) else [model]
        try:
            weights = read(self._source.file, sha256=self._source.sha256 or None)
            made = plan_for(network, weights, arch=self._arch, file=self._source.file,
                            source=self._source.source, head=self._source.head)
            report = load_weights.apply(network, weights, made)
        except WeightsError as error:
            raise TrialError(str(error)) from error
        if report.head and not self._training:
            raise TrialError(
                f"{self._source.file}: has no classifier for this network ({', '.join(report.head)}: "
                f"{'; '.join(dict.fromkeys(report.head.values()))}), so its answers would be random. Name "
                "the weights that were trained: -o Global.pretrained_model=...")
        for other in others:
            _load_loss(other, weights)
        if self.report is None:
            self.report = _told(report, self._source.origin)
            print(self.report.line(), flush=True)


def plan_for(network, weights: Weights, *, arch: dict, file: str, source: str = "",
             head: str = "keep") -> Plan:
    """The plan with the head told by its names or, where these do not tell, by building the network twice."""
    def made(names) -> Plan:
        return load_weights.make_plan(network, weights, file=file, source=source, head=names,
                                      mode=head)
    plan = made(None)
    if plan.report.ok and (head != FRESH or plan.report.head):
        return plan
    return made(load_weights.head_of(arch))


def _told(report: LoadReport, origin: Origin | None) -> LoadReport:
    """``report``, speaking of the file that a search's prepared one was made from."""
    if origin is None:
        return report
    return replace(report, source=origin["source"], file=origin["file"], sha256=origin["sha256"],
                   head={name: origin["head"].get(name, why) for name, why in report.head.items()})


def _load_loss(loss: Any, weights: Weights) -> None:
    """A loss with parameters of its own (CenterLoss) finds them beside the network's in what PaddleClas saved."""
    if not hasattr(loss, "set_state_dict") or not hasattr(loss, "state_dict"):
        return
    import paddle

    mine = loss.state_dict()
    found = {
        name: paddle.to_tensor(weights.tensors[name])
        for name, value in mine.items()
        if name in weights.tensors and tuple(weights.tensors[name].shape) == tuple(value.shape)
    }
    if found:
        loss.set_state_dict(found)
