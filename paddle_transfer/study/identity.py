"""Whether a study belongs to a search: the settings, and the content of the files that its results
depend on, that make two searches the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.evaluation import evaluated_sections, forget_order
from paddle_transfer.errors import StudyError
from paddle_transfer.study.base import Store
from paddle_transfer.study.inputs import (
    Changes,
    Inputs,
    compare,
    keep_attributes,
    keep_copies,
    to_plain,
)

#: The study's attributes that hold the settings, and the hashes of the inputs.
IDENTITY, INPUTS = "identity", "inputs"
#: What every trial has whatever the base config says, so that it may change.
OVERRIDDEN = ("Global.checkpoints", "Global.eval_during_train", "Global.uniform_output_enabled",
              "profiler_options")
#: How the content of weights stands in the settings of a study.
HASHED = "sha256:"


def check_identity(store: Store, identity: dict[str, Any], inputs: Inputs | None = None, *,
                   place: str, rebuilt: bool = False) -> list[str]:
    """Make sure that the study's trials belong to the search of ``identity`` and ``inputs``; a new
    study keeps both. Returns remarks for the user.

    :param inputs: None: they are not compared, or kept
    :param place: the search's output_dir
    :param rebuilt: whether the trials are known to belong to the search where the study does not
        say it
    Raises StudyError with everything that changed.
    """
    attributes = store.attributes()
    known = attributes.get(IDENTITY)
    if known is None:
        if store.records() and not rebuilt:
            raise StudyError(
                f"{place}: the study holds trials of something else than a search of this package. "
                "Choose another output_dir or storage, or start anew with --fresh (the old run is "
                "moved aside)")
        store.set_attribute(IDENTITY, identity)
    then = attributes.get(INPUTS)
    changes = compare(then or {}, inputs or {}, place)
    notes = list(changes.told)
    whole = then is not None
    if known is not None and _refuse_changes(known, identity, changes, place, whole=whole):
        store.set_attribute(IDENTITY, identity)
    if inputs is not None and to_plain(inputs) != then:
        if known is not None and then is None and inputs:
            notes.append("This search was begun by an earlier version, which did not keep the "
                         "content of its lists and images: a change since then would not be "
                         "noticed, one from now on will be.")
        keep_copies(inputs, place)
        keep_attributes({IDENTITY: identity, INPUTS: to_plain(inputs)}, place)
        store.set_attribute(INPUTS, to_plain(inputs))
    return notes


def check_settings(attributes: Mapping[str, Any], identity: dict[str, Any], inputs: Inputs, *,
                   place: str) -> None:
    """As ``check_identity`` while the content of pretrained weights is not known yet: they are not
    compared, and nothing is kept.

    :param attributes: of the study
    """
    known = attributes.get(IDENTITY)
    if known is None:
        return
    then = attributes.get(INPUTS)
    _refuse_changes(known, _with_hashes(known, identity), compare(then or {}, inputs, place), place,
                    whole=then is not None)


def _with_hashes(known: Any, now: Any) -> Any:
    """``now`` with the hashes that ``known`` has in the places of texts."""
    if isinstance(known, dict) and isinstance(now, dict):
        return {key: _with_hashes(known.get(key), value) for key, value in now.items()}
    if isinstance(known, list) and isinstance(now, list) and len(known) == len(now):
        return [_with_hashes(*pair) for pair in zip(known, now, strict=True)]
    hashed = isinstance(known, str) and known.startswith(HASHED)
    return known if hashed and isinstance(now, str) else now


def _refuse_changes(known: dict[str, Any], identity: dict[str, Any], changes: Changes, place: str,
                    *, whole: bool) -> bool:
    """Raises StudyError for changes; else whether something without effect is another.

    :param whole: whether the trials were evaluated on whole lists; those of the first version were
        not under ``drop_last``
    """
    plain = dotpath.diff(known, identity)
    then, now = (_effective(dotpath.replaced(one, changes.renamed), whole=whole)
                 for one in (known, identity))
    settings = dotpath.diff(then, now) if plain else []
    if settings or changes.refused:
        raise _refusal(place, settings, changes.refused, in_steps=bool(known.get("greedy")))
    return bool(plain)


def _effective(identity: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """A copy of ``identity`` without what has no effect in trials."""
    made: dict[str, Any] = dotpath.clone(identity)
    for path in ("base_config", "distillation.config"):
        config = dotpath.find(made, path)
        if not isinstance(config, dict):
            continue
        for one in OVERRIDDEN:
            if dotpath.exists(config, one):
                dotpath.delete(config, one)
        if whole or not any(dotpath.find(section, "sampler.drop_last")
                            for _, section in evaluated_sections(config)):
            forget_order(config)
    return made


def _refusal(place: str, settings: Sequence[str], files: Sequence[str], *,
             in_steps: bool) -> StudyError:
    """:param in_steps: whether the trials are of a greedy search, of no use to another"""
    what = " and ".join(word for word, there in (("settings", settings), ("data", files)) if there)
    return StudyError("\n".join([
        f"{place}: holds a search with other {what}, and its trials would not compare with new "
        "ones. Changed:", *(f"  - {change}" for change in (*files, *settings)),
        "Take the changes back to go on with it, or begin anew: with --fresh (the old run is moved "
        "aside) or in another output_dir" + ("" if in_steps else (
            ". There a search with search_mode bayes learns from these trials by warm_start: "
            f"[{place}]"))]))
