"""Which pretrained weights a training config asks for, and the config that stock PaddleClas takes in its place.

``Transfer.pretrained`` is ours: ``imagenet``, ``imagenet_ssld``, ``10w``, ``none``, a file or an address. Beside it
stand PaddleClas's own words, ``Global.pretrained_model`` and ``Arch.pretrained``. Nothing here changes its argument.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.fields import Fields, one_of
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

#: What of ``Arch`` tells networks apart, as far as their weights go (not lr_mult_list, dropout and the like).
SHAPING = ("name", "class_num", "use_ml_decoder", "Backbone", "Neck", "Head", "BackboneStopLayer")


@dataclass(frozen=True)
class Wanted:
    """The weights that a config asks for.

    :param spec: a name, a file or an address
    :param head: ``keep`` the classifier where the number of classes is the same, or ``fresh``: never
    :param where: the dotted path that asks
    """

    spec: str
    head: str = "keep"
    where: str = "Transfer.pretrained"


def is_none(spec: Any) -> bool:
    """Whether ``spec`` asks for no weights: none, None, False or empty."""
    return spec is None or spec is False or (isinstance(spec, str)
                                             and spec.strip().lower() in ("", "none"))


def rule_for(spec: Any) -> str | None:
    """The rule that a value of ``pretrained`` breaks, or None."""
    if is_none(spec) or spec is True:
        return None
    if not isinstance(spec, str):
        return f"must be one of {', '.join(NAMES)}, a file or an address"
    if "://" in spec:
        fine = spec.lower().startswith(("http://", "https://"))
        return None if fine else "an address must begin with http:// or https://"
    if spec in NAMES or os.path.isfile(spec) or os.path.isfile(spec + SUFFIX) or os.path.isfile(
            os.path.expanduser(spec)) or os.path.isfile(os.path.expanduser(spec) + SUFFIX):
        return None
    return f"must be one of {', '.join(NAMES)}, an address, or a file that exists"


def check_transfer(config: dict, issues: ValidationIssues, *, prefix: str = "",
                   train: bool = True) -> None:
    """Add what is wrong with the section ``Transfer``; ``prefix`` (the file) stands before every path.

    :param train: else ``Global.pretrained_model`` (what was trained) is what counts, where both stand
    """
    section = config.get("Transfer")
    if section is None:
        return
    if not isinstance(section, dict):
        issues.add(f"{prefix}Transfer", "must be a mapping", show(section),
                     "For example Transfer: {pretrained: 10w}.")
        return
    fields = Fields(section, issues, f"{prefix}Transfer.")
    fields.unknown(KEYS + STRATEGY_KEYS)
    fields.take("head", "keep", one_of(*HEADS),
                hint="fresh begins with a new classifier even where the file's fits.")
    rule = rule_for(section.get("pretrained"))
    if rule:
        value = section["pretrained"]
        hint = did_you_mean(value, NAMES) if isinstance(value, str) else ""
        issues.add(f"{prefix}Transfer.pretrained", rule, show(value),
                   hint if hint.startswith("Did") else "")
    clash = (config.get("Global") or {}).get("pretrained_model")
    if train and clash and section.get("pretrained") is not None:
        issues.add(f"{prefix}Global.pretrained_model", "may not stand beside Transfer.pretrained",
                   show(clash), "Keep one of them.")


def checked(config: dict, *, file: str, train: bool) -> dict:
    """``config``. Raises ConfigError when its section ``Transfer`` has a mistake."""
    issues = ValidationIssues()
    check_transfer(config, issues, train=train)
    if issues:
        raise ConfigError(file, issues)
    return config


def choose(config: dict, spec: Any) -> None:
    """Edit ``config`` in place: it asks for ``spec`` and nothing else."""
    config.setdefault("Transfer", {})["pretrained"] = "none" if is_none(spec) else spec
    if (config.get("Global") or {}).get("pretrained_model"):
        config["Global"]["pretrained_model"] = None


def wanted(config: dict) -> Wanted | None:
    """What ``config`` asks for; None for no weights, and for those that stay PaddleClas's own affair: the several
    networks of a distillation, and weights beyond our names."""
    arch, transfer = config.get("Arch") or {}, config.get("Transfer") or {}
    named = (config.get("Global") or {}).get("pretrained_model")
    head = str(transfer.get("head") or "keep").lower()
    if left_alone(config):
        return None
    if "pretrained" in transfer and not named:
        spec = transfer["pretrained"]
        return None if is_none(spec) else Wanted("imagenet" if spec is True else spec, head)
    if named:
        return Wanted(str(named), head, "Global.pretrained_model")
    spec = arch.get("pretrained",
                    str(arch.get("name")).startswith("UniFormer"))  # these are by default
    if is_none(spec):
        return None
    if spec is True:
        spec = "imagenet_ssld" if arch.get("use_ssld") else "imagenet"
    return Wanted(str(spec), head, "Arch.pretrained")


def left_alone(config: dict) -> bool:
    """Whether PaddleClas loads the weights by its own rules."""
    arch = config.get("Arch") or {}
    if "models" in arch or (config.get("Global") or {}).get("use_distillation"):
        return True
    return bool(arch.get("pretrained")) and any(
        arch.get(key)
        for key in OTHER_WEIGHTS) and not ("pretrained" in (config.get("Transfer") or {}) or
                                           (config.get("Global") or {}).get("pretrained_model"))


def with_file(config: dict, file: str | None) -> dict:
    """A copy for stock PaddleClas that loads ``file`` (None: nothing) and no other weights.

    Of the section ``Transfer`` the strategy is left.
    """
    section = config.get("Transfer") or {}
    alone = left_alone(config) or (
        file is None and wanted(config) is None and not any(key in section for key in KEYS))
    config = dotpath.clone(config)
    config.pop("Transfer", None)
    if "strategy" in section:
        config["Transfer"] = {key: section[key] for key in STRATEGY_KEYS if key in section}
    if alone:
        return config
    arch = config["Arch"]
    config.setdefault("Global", {})["pretrained_model"] = file
    arch.pop("use_ssld", None)
    for key in OTHER_WEIGHTS:
        arch.pop(key, None)
    if str(arch.get("name")).startswith("AdaFace_") or "Backbone" in arch:
        arch.pop("pretrained", None)  # they take no such argument
    else:
        arch[
            "pretrained"] = False  # written out, as some networks (UniFormer) are pretrained by default
    return config


def prepared_stem(config: dict, output_dir: str) -> str | None:
    """Where a search keeps the weights that ``config`` asks for, checked and made ready for its architecture and class
    count; without ``.pdparams``, as every PaddleClas takes it. None when it asks for none."""
    found = wanted(config)
    if found is None:
        return None
    label = found.spec if found.spec in NAMES else os.path.splitext(
        os.path.basename(found.spec.rstrip("/")))[0]
    label = "".join(c if c.isalnum() or c in "_-" else "_" for c in label)[:40] or "weights"
    mark = hashlib.sha256(question(config).encode()).hexdigest()[:8]
    return os.path.join(output_dir, "pretrained",
                        f"{label}-{config['Arch'].get('name', 'network')}-{mark}")


def question(config: dict) -> str:
    """Which weights for which network: the same text for configs that one prepared file serves."""
    found, arch = wanted(config), config.get("Arch") or {}
    shapes = {name: arch[name] for name in SHAPING if name in arch}
    asked = [found.spec, found.head] if found else None
    return json.dumps([asked, shapes, config.get("MLDecoder")], sort_keys=True, default=str)


def network(config: dict) -> dict[str, Any]:
    """The parts of ``config`` that make the network, without any weights."""
    bare = with_file({key: config[key] for key in ("Arch", "MLDecoder", "Slim") if key in config},
                     None)
    bare.pop("Global", None)
    return bare


def for_search(config: dict, output_dir: str) -> dict:
    """``config`` as a search trains and hands it out: its weights are the prepared file."""
    return with_file(config, prepared_stem(config, output_dir))
