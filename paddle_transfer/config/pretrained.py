"""The pretrained weights that a training config asks for, and its form for stock PaddleClas.

``Transfer.pretrained`` is this package's own key: ``imagenet``, ``imagenet_ssld``, ``10w``,
``none``, a file or an address; ``Global.pretrained_model`` and ``Arch.pretrained`` are those of
PaddleClas. Only ``set_weights`` changes its argument.
"""

from __future__ import annotations

import hashlib
import os
import re
import urllib.parse
from dataclasses import dataclass
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import new_head, resolve
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError, did_you_mean, show

NAMES = ("imagenet", "imagenet_ssld", "10w", "none")
HEADS = ("keep", "fresh")
KEYS = ("pretrained", "head")
#: Keys of the section Transfer that ``paddle_transfer.strategies`` reads.
STRATEGY_KEYS = ("strategy", "note")
SUFFIX = ".pdparams"

#: Arguments of a few networks of PaddleClas that choose among more weights than have a name here.
OTHER_WEIGHTS = ("use_ssld_stage1_pretrained", "use_imagenet22k_pretrained",
                 "use_imagenet22kto1k_pretrained")

#: Keys of ``Arch`` that change which weights fit (not lr_mult_list, dropout and the like).
SHAPING = ("name", "class_num", "use_ml_decoder", "Backbone", "Neck", "Head", "BackboneStopLayer")


@dataclass(frozen=True)
class WantedWeights:
    """The weights that a config asks for.

    :param spec: a name, a file or an address
    :param head: ``keep`` the classifier if the number of classes is the same, or ``fresh``: never
    :param where: the dotted path that asks
    :param replaced: see ``new_head.replaced``
    """

    spec: str
    head: str = "keep"
    where: str = "Transfer.pretrained"
    replaced: tuple[str, ...] = ()


def is_none(spec: object) -> bool:
    """Whether ``spec`` asks for no weights: none, None, False or empty."""
    return spec is None or spec is False or (
        isinstance(spec, str) and spec.strip().lower() in ("", "none"))


def broken_rule(spec: object) -> str | None:
    """The rule that a value of ``pretrained`` breaks, or None."""
    if is_none(spec) or spec is True:
        return None
    if not isinstance(spec, str):
        return f"must be one of {', '.join(NAMES)}, a file or an address"
    if "://" in spec:
        why = fault_of_address(spec)
        return f"an address {why}" if why else None
    files = [path + suffix for path in (spec, os.path.expanduser(spec)) for suffix in ("", SUFFIX)]
    if spec in NAMES or any(map(os.path.isfile, files)):
        return None
    there = ("a file; this is a folder, a pipe or a device" if any(map(os.path.exists, files))
             else "a file that exists")
    return f"must be one of {', '.join(NAMES)}, an address, or {there}"


def fault_of_address(url: str) -> str:
    """What an address to fetch from must be and ``url`` is not; empty if it is one. Nothing is
    looked up."""
    if not re.fullmatch("[!-~]+", url):
        return "must have spaces and letters other than ASCII percent-encoded"
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError as error:
        return f"must be well formed ({error})"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not re.fullmatch(r"[\w.:%-]+", host):
        return "must name a server"
    return "must not name a user" if "@" in parts.netloc else ""


def check_transfer(config: dict[str, Any], issues: ValidationIssues, *, train: bool = True) -> None:
    """Add the mistakes of the section ``Transfer`` to ``issues``.

    :param train: else ``Global.pretrained_model`` (trained weights) may stand beside it
    """
    section = config.get("Transfer")
    if not isinstance(section, dict):  # absent, or a mistake in the config's shape
        return
    for key in section:
        if key not in KEYS + STRATEGY_KEYS:
            issues.add(f"Transfer.{key}", "unknown key", repr(key),
                       did_you_mean(key, KEYS + STRATEGY_KEYS))
    head, spec = section.get("head", "keep"), section.get("pretrained")
    if not isinstance(head, dict) and str(head).lower() not in HEADS:
        rule = ("must not be empty" if head is None
                else f"must be one of {', '.join(HEADS)}, or a mapping")
        issues.add("Transfer.head", rule, show(head),
                   "fresh begins with a new classifier even where the file's fits.")
    rule = broken_rule(spec) or ""
    if rule:
        hint = did_you_mean(spec, NAMES) if isinstance(spec, str) else ""
        issues.add("Transfer.pretrained", rule, show(spec), hint if hint.startswith("Did") else "")
    trained = _section(config, "Global").get("pretrained_model")
    if train and trained and spec is not None:
        issues.add("Global.pretrained_model", "may not stand beside Transfer.pretrained",
                   show(trained), "Keep one of them.")


def require_valid_transfer(config: dict[str, Any], *, file: str, train: bool) -> None:
    """Raise ConfigError if the section ``Transfer`` has a mistake; see ``check_transfer``."""
    issues = ValidationIssues()
    check_transfer(config, issues, train=train)
    if issues:
        raise ConfigError(file, issues)


def set_weights(config: dict[str, Any], spec: object) -> None:
    """Edit ``config`` in place so that it asks for ``spec`` and nothing else."""
    config.setdefault("Transfer", {})["pretrained"] = "none" if is_none(spec) else spec
    if _section(config, "Global").get("pretrained_model"):
        config["Global"]["pretrained_model"] = None


def wanted_weights(config: dict[str, Any]) -> WantedWeights | None:
    """The weights that ``config`` asks for; None for no weights, and if PaddleClas loads them."""
    if loaded_by_paddleclas(config):
        return None
    arch, transfer = _section(config, "Arch"), _section(config, "Transfer")
    trained = _section(config, "Global").get("pretrained_model")
    head = "fresh" if new_head.is_new(config) else str(transfer.get("head") or "keep").lower()
    replaced = new_head.replaced(config)
    if trained:
        return WantedWeights(str(trained), head, "Global.pretrained_model", replaced)
    if "pretrained" in transfer:
        spec, default, where = transfer["pretrained"], "imagenet", "Transfer.pretrained"
    else:  # UniFormer is pretrained by default
        spec = arch.get("pretrained", str(arch.get("name")).startswith("UniFormer"))
        default = "imagenet_ssld" if arch.get("use_ssld") else "imagenet"
        where = "Arch.pretrained"
    if is_none(spec):
        return None
    return WantedWeights(default if spec is True else str(spec), head, where, replaced)


def network_name(config: dict[str, Any]) -> str | None:
    """PaddleClas's name of the network that pretrained weights are for: a RecModel's backbone."""
    arch = _section(config, "Arch")
    backbone = arch.get("Backbone")
    name = (backbone if isinstance(backbone, dict) else arch).get("name")
    return name if isinstance(name, str) else None


def loaded_by_paddleclas(config: dict[str, Any]) -> bool:
    """Whether PaddleClas loads the weights by its own rules: for the several networks of a
    distillation, and for weights beyond ``NAMES``."""
    arch, common = _section(config, "Arch"), _section(config, "Global")
    if "models" in arch or common.get("use_distillation"):
        return True
    named = "pretrained" in _section(config, "Transfer") or common.get("pretrained_model")
    return bool(arch.get("pretrained") and not named and any(map(arch.get, OTHER_WEIGHTS)))


def _section(config: dict[str, Any], name: str) -> dict[str, Any]:
    return config.get(name) or {}


def with_file(config: dict[str, Any], file: str | None) -> dict[str, Any]:
    """A copy for stock PaddleClas that loads ``file`` (None: nothing) and no other weights.

    Of the section ``Transfer`` the strategy is left, and a new head.
    """
    section = _section(config, "Transfer")
    same_weights = loaded_by_paddleclas(config) or (
        file is None and wanted_weights(config) is None and not any(key in section for key in KEYS))
    changed: dict[str, Any] = dotpath.clone(config)
    kept = {key: value for key, value in (changed.pop("Transfer", None) or {}).items()
            if key in STRATEGY_KEYS or (key == "head" and isinstance(value, dict))}
    if "strategy" in kept or "head" in kept:
        changed["Transfer"] = kept
    if same_weights:
        return changed
    arch = changed["Arch"]
    changed.setdefault("Global", {})["pretrained_model"] = file
    for key in ("use_ssld", *OTHER_WEIGHTS):
        arch.pop(key, None)
    if str(arch.get("name")).startswith("AdaFace_") or "Backbone" in arch:
        arch.pop("pretrained", None)  # they take no such argument
        if isinstance(arch.get("Backbone"), dict) and "pretrained" in arch["Backbone"]:
            arch["Backbone"]["pretrained"] = False
    else:
        arch["pretrained"] = False  # UniFormer is pretrained by default
    return changed


def prepared_stem(config: dict[str, Any], output_dir: str) -> str | None:
    """The path of a search's weights for ``config``, checked and made to fit its architecture and
    class count; without ``.pdparams``, as every PaddleClas takes it. None if it asks for none."""
    wanted = wanted_weights(config)
    if wanted is None:
        return None
    file = os.path.basename(wanted.spec.rstrip("/"))
    label = wanted.spec if wanted.spec in NAMES else os.path.splitext(file)[0]
    label = "".join(c if c.isalnum() or c in "_-" else "_" for c in label)[:40] or "weights"
    digest = hashlib.sha256(weights_key(config).encode()).hexdigest()[:8]
    return os.path.join(output_dir, "pretrained",
                        f"{label}-{network_name(config) or 'network'}-{digest}")


def weights_key(config: dict[str, Any]) -> str:
    """A text that is the same for configs that can share one prepared file."""
    wanted, arch = wanted_weights(config), _section(resolve.with_class_num(config), "Arch")
    shapes = {name: arch[name] for name in SHAPING if name in arch}
    asked = [wanted.spec, wanted.head, *wanted.replaced] if wanted else None
    return dotpath.stable_text([asked, shapes, config.get("MLDecoder")])


def network_config(config: dict[str, Any]) -> dict[str, Any]:
    """The sections of ``config`` that define the network, without any weights."""
    sections = ("Arch", "MLDecoder", "Slim")
    whole = resolve.with_class_num(config)
    bare = with_file({key: whole[key] for key in whole if key in sections}, None)
    bare.pop("Global", None)
    return bare


def for_search(config: dict[str, Any], output_dir: str) -> dict[str, Any]:
    """``config`` as a search trains it and writes it out: its weights are the prepared file."""
    return with_file(config, prepared_stem(config, output_dir))
