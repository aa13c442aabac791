"""Pretrained weights of one run: found, read safely, and loaded strictly where PaddleClas would."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from paddle import nn

from paddle_transfer.config import pretrained
from paddle_transfer.errors import TrialError
from paddle_transfer.weights import heads
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.load_report import LoadReport
from paddle_transfer.weights.read import Weights, read
from paddle_transfer.weights.resolve import local_file, resolve
from paddle_transfer.weights.strict_load import FRESH, LoadPlan
from paddle_transfer.worker import load_weights
from paddle_transfer.worker.networks import build_network, head_of
from paddle_transfer.worker.options import Origin


@dataclass(frozen=True)
class Source:
    """A local file with the weights of a run.

    :param source: the name or address asked for, for the report
    :param head: ``keep`` or ``fresh``
    :param origin: of a file that a search prepared
    :param replaced: layers that begin anew, too (``WantedWeights.replaced``)
    """

    file: str
    sha256: str = ""
    source: str = ""
    head: str = "keep"
    origin: Origin | None = None
    replaced: tuple[str, ...] = ()


def find(config: dict[str, Any], *, ppcls: str, prepared: Mapping[str, Origin]) -> Source | None:
    """The weights that ``config`` asks for, downloaded where needed; None for none.

    :param ppcls: PaddleClas's ``ppcls`` folder, for the addresses of networks outside our catalogue
    :param prepared: weights that a search prepared, by ``Global.pretrained_model``
    :raises TrialError: there is no such file, it cannot be downloaded, or holds no weights
    """
    wanted = pretrained.wanted_weights(config)
    if wanted is None:
        return None
    try:
        if wanted.spec in prepared:
            origin = prepared[wanted.spec]
            return Source(file=str(local_file(wanted.spec)), sha256=origin["prepared_sha256"],
                          origin=origin, replaced=wanted.replaced)
        found = resolve(wanted.spec, arch=pretrained.network_name(config), ppcls=ppcls)
    except WeightsError as error:
        raise TrialError(f"{wanted.where}: {error}") from error
    assert found is not None, "a config that wants weights names some"
    return Source(file=str(found.path), sha256=found.sha256, source=found.source, head=wanted.head,
                  replaced=wanted.replaced)


def require(source: Source | None, config: dict[str, Any], mode: str) -> None:
    """:raises TrialError: ``mode`` is no training, and there are no weights that it would use"""
    if source is None and mode != "train" and not pretrained.loaded_by_paddleclas(config):
        raise TrialError(
            "Global.pretrained_model names no weights, so the network's answers would be random. "
            "Write -o Global.pretrained_model=... with the weights that were trained")


class Loader:
    """Replaces ``load_dygraph_pretrain`` in PaddleClas's engine, which skips what does not fit.

    ``report`` has what was loaded, once it was.

    :param arch: the config's section ``Arch``
    :param training: else a classifier that is not in the file is an error: its predictions would
        be random
    """

    def __init__(self, source: Source, *, arch: dict[str, Any], training: bool):
        self._source, self._arch, self._training = source, arch, training
        self.report: LoadReport | None = None

    def __call__(self, model: nn.Layer | list[nn.Layer | None], *_: object, **__: object) -> None:
        """Load into a network, or into [network, loss or None], as the engine hands them over.

        :raises TrialError: tensors other than the classifier's do not fit
        """
        network, *others = model if isinstance(model, list) else [model]
        file = self._source.file
        assert network is not None
        try:
            weights = read(file, sha256=self._source.sha256 or None)
            planned = plan_for(network, weights, arch=self._arch, file=file,
                               source=self._source.source, head=self._source.head,
                               replaced=self._source.replaced)
            report = load_weights.apply(network, weights, planned)
        except WeightsError as error:
            raise TrialError(str(error)) from error
        if report.head and not self._training:
            raise TrialError(
                f"{file}: has no classifier for this network ({', '.join(report.head)}: "
                f"{'; '.join(dict.fromkeys(report.head.values()))}), so its answers would be "
                "random. Name the weights that were trained: -o Global.pretrained_model=...")
        for other in others:
            _load_loss(other, weights)
        if self.report is None:
            self.report = with_origin(report, self._source.origin)
            print(self.report.line(), flush=True)


def plan_for(network: nn.Layer, weights: Weights, *, arch: dict[str, Any], file: str,
             source: str = "", head: str = "keep", replaced: Collection[str] = ()) -> LoadPlan:
    """The plan with the head known by its names or, where these fail, found by building twice.

    :param replaced: layers that count as the head's, too (``heads.of_layers``)
    """
    present = tuple(network.state_dict())
    further = heads.of_layers(replaced, present)

    def make(names: Collection[str]) -> LoadPlan:
        return load_weights.make_plan(network, weights, file=file, source=source,
                                      head=(*names, *further), mode=head)
    planned = make(heads.by_name(present))
    if planned.report.ok and (head != FRESH or set(planned.report.head) - set(further)):
        return planned
    return make(head_of(arch))


def prepare_files(request: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Compare weights with networks before a search, and write the files that its trials load.

    :returns: the ``Origin`` of every job in ``request["jobs"]``, by its ``stem``
    :raises WeightsError: with every tensor that does not fit
    :raises TrialError: a network cannot be built
    """
    return {job["stem"]: _prepare_file(job) for job in request["jobs"]}


def _prepare_file(job: dict[str, Any]) -> dict[str, Any]:
    """:param job: ``config`` (``Arch`` and whatever else makes the network), ``file``, ``sha256``,
        ``source``, ``head`` and ``stem`` (the path to write, without ``.pdparams``)
    """
    network = build_network(job["config"])
    weights = read(job["file"], sha256=job["sha256"])
    planned = plan_for(network, weights, arch=job["config"]["Arch"], file=job["file"],
                       source=job["source"], head=job["head"],
                       replaced=job.get("replaced", ()))
    path = load_weights.write_prepared(f"{job['stem']}.pdparams", weights, planned)
    line = planned.report.line()
    print(line, flush=True)
    return {"source": job["source"], "file": job["file"], "sha256": job["sha256"], "line": line,
            "head": dict(planned.report.head), "prepared_sha256": read(path, digest=True).sha256}


def with_origin(report: LoadReport, origin: Origin | None) -> LoadReport:
    """``report`` about the original of a prepared file."""
    if origin is None:
        return report
    return replace(report, source=origin["source"], file=origin["file"], sha256=origin["sha256"],
                   head={name: origin["head"].get(name, why) for name, why in report.head.items()})


def _load_loss(loss: nn.Layer | None, weights: Weights) -> None:
    """A loss with parameters (CenterLoss) finds them beside the network's in PaddleClas's files."""
    if loss is None or not hasattr(loss, "state_dict"):
        return
    for name, value in loss.state_dict().items():
        found = weights.tensors.get(name)
        if found is not None and tuple(found.shape) == tuple(value.shape):
            value.set_value(found)
