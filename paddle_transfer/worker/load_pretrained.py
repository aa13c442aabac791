"""``load_pretrained(model, "10w")``: pretrained weights into a Paddle network, from Python."""

from __future__ import annotations

from paddle_transfer.weights.resolve import resolve
from paddle_transfer.worker.load_weights import load_file


def load_pretrained(model, spec, *, arch=None, head=None, mode="keep", ignore=(), ppcls=None,
                    network=None, mirror=None):
    """Load ``spec`` into a Paddle network, or raise; never half of it without a word.

    :param model: a ``paddle.nn.Layer``
    :param spec: ``imagenet``, ``imagenet_ssld``, ``10w``, ``none``, a file or an address
    :param arch: PaddleClas's name of the network (``ResNet50_vd``), for all names but 10w
    :param head: names of the tensors that depend on the number of classes; found by their names by default
    :param mode: ``keep`` the file's head where its shape is right, or ``fresh``: leave the network's own
    :param ignore: patterns (``*.attn_mask``) of tensors that may stay as they are
    :returns: a ``strict_load.LoadReport``, or None when ``spec`` is none
    :raises paddle_transfer.weights.errors.WeightsError: see its subclasses
    """
    found = resolve(spec, arch=arch, ppcls=ppcls, network=network, mirror=mirror)
    if found is None:
        return None
    return load_file(model, found.path, sha256=found.sha256, source=found.source, head=head,
                     mode=mode, ignore=ignore)
