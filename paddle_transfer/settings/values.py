"""The types of the search file's keys: what a person may write, and what it is read as."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import core_schema

from paddle_transfer.config.rules import (
    TEXT,
    YES_NO,
    Filled,
    Rule,
    above_zero,
    broken,
    number_hint,
    one_of,
    whole,
)
from paddle_transfer.executors.registry import EXECUTORS
from paddle_transfer.pruners.options import OPTIONS
from paddle_transfer.pruners.registry import PRUNERS
from paddle_transfer.registry import Component
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.components import NameOf, PartOf
from paddle_transfer.space.hyperparameter import is_number

#: numpy takes seeds below 2**32; repeats count up from the seed, so there is room left.
SEED_LIMIT = 2**31 - 1

#: As ``samplers.gp`` knows them.
ACQUISITIONS = ("EI", "logEI", "PI", "LCB", "UCB")

CONFIG_HINT = ("Name a training config of PaddleClas; its path is relative to the current "
               "directory or to this file.")
ITEMS_HINT = "List what is to be searched: - search_key: lr"
VALUES_HINT = "List the values to try, such as [0.1, 0.01]."
TEACHERS_HINT = "List architectures, such as [ResNet101_vd, ResNet50_vd]."
TABLES_HINT = "List output_dirs of earlier searches, or recorded tables (.csv, .csv.gz)."


def _one_item(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _none_as_null(value: Any) -> Any:
    return None if str(value).lower() == "none" else value


def _two_numbers(value: Any) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)):
        return value[0], value[1]
    texts = [part for part in value if isinstance(part, str)] if isinstance(value, list) else []
    raise broken("must be two numbers, [low, high]",
                 hint=number_hint(texts[0]) if texts else "For example [1e-4, 1e-1].")


def _gpu_ids(value: Any) -> tuple[str, ...]:
    """``0``, ``"0,1"`` or ``[0, 1]`` as ids."""
    if value is None:
        return ()
    parts = value if isinstance(value, list) else [value]
    fine = all(isinstance(part, (int, str)) and not isinstance(part, bool) for part in parts)
    ids = tuple(part.strip() for part in ",".join(map(str, parts)).split(","))
    if not fine or not all(re.fullmatch(r"\d+|GPU-[\w-]+", gpu) for gpu in ids):
        raise broken("must be ids of GPUs, such as 0,1 or [0, 1]", hint="Leave it out for a CPU.")
    if len(set(ids)) < len(ids):
        raise broken("must name each GPU once")
    return ids


def _reports(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return () if str(value).lower() == "none" and value is not None else (
        (value,) if isinstance(value, (str, dict)) else value)


def _report(value: Any) -> Component:
    if isinstance(value, str) and value.strip():
        return Component(value.strip())
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise broken("must be a name, or a mapping with a name",
                     hint="For example reports: [terminal].")
    return Component(value["name"], {key: one for key, one in value.items() if key != "name"})


def _moves(value: Any) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(path, str) and all(path.split("."))
                                       for pair in value.items() for path in pair):
        return value
    raise broken("must be a mapping of dotted paths to dotted paths",
                 hint="For example Arch.lr_mult_list: Arch.models.1.Student.lr_mult_list.")


def _teachers(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name
                                                           for name in value):
        raise broken("must be a list of at least one name", hint=TEACHERS_HINT)
    if len(set(value)) < len(value):
        raise broken("must name each once", hint=TEACHERS_HINT)
    return tuple(value)


def _list_of(kind: str, **limits: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "array", "items": {"type": kind}, **limits})


def _text(rule: str, hint: str = "", pattern: str = r"\S") -> Rule:
    return Rule(rule, hint, schema=core_schema.str_schema(strict=True, pattern=pattern))


Text = Annotated[str, TEXT]
YesNo = Annotated[bool, YES_NO]
Count = Annotated[int, whole(0)]
AtLeast1 = Annotated[int, whole(1)]
Seed = Annotated[int, whole(0, SEED_LIMIT)]
Seconds = Annotated[float, above_zero("seconds")]
Hours = Annotated[float, above_zero("hours")]
Confirm = Annotated[int, whole(2, hint="It is the number of trainings, each with another seed; "
                               "for example confirm: 3.")]

#: A file, or the config itself.
ConfigFile = Annotated[str | dict[str, Any], Rule("must be a text", CONFIG_HINT, schema=(
    core_schema.union_schema([core_schema.str_schema(pattern=r"\S"), core_schema.dict_schema()])))]
Folder = Annotated[str | None, _text("must be a text",
                                     "Leave it out for output/NAME_OF_THIS_FILE.")]
StorageUrl = Annotated[str, _text("must be a storage URL of Optuna (sqlite:///file.db)",
                                  pattern="://")]
GpuIds = Annotated[tuple[str, ...], PlainValidator(_gpu_ids), WithJsonSchema(
    {"anyOf": [{"type": ["integer", "string", "null"]},
               {"type": "array", "items": {"type": ["integer", "string"]}}]})]
#: Each item is looked at with the file system.
_Paths = Annotated[tuple[Any, ...], Filled(list, TABLES_HINT), BeforeValidator(_one_item)]
Paths = Annotated[_Paths | None, BeforeValidator(
    _none_as_null, json_schema_input_type=str | list[str] | None)]
DottedPath = Annotated[str, _text("must be a dotted path such as Optimizer.lr.learning_rate",
                                  pattern=r"^[^.]+(\.[^.]+)*$")]
DottedPaths = Annotated[tuple[DottedPath, ...], Filled(list), BeforeValidator(
    _one_item, json_schema_input_type=str | list[str])]
Values = Annotated[tuple[Any, ...], Filled(list, VALUES_HINT)]
LowHigh = Annotated[tuple[float, float] | None, PlainValidator(_two_numbers),
                    _list_of("number", minItems=2, maxItems=2)]
LogAxis = Annotated[bool | None, YES_NO]
Condition = Annotated[dict[str, Any], Filled(dict, "For example when: {randaugment: True}.",
                                             "must be a mapping of search keys to their values")]
FixedPoint = Annotated[dict[str, Any], Filled(dict)]

RemovedPaths = Annotated[tuple[Text, ...], Filled(list, "List dotted paths.",
                                                  "must be a list of texts", empty=True)]
Teachers = Annotated[tuple[str, ...] | None, PlainValidator(_teachers),
                     _list_of("string", minItems=1, uniqueItems=True)]
Moves = Annotated[dict[str, str], BeforeValidator(_moves)]

SamplerName = Annotated[str, NameOf(SAMPLERS)]
SamplerPart = Annotated[Component | None, PartOf(
    SAMPLERS, (), "For example sampler: {name: TPESampler}.")]
ExecutorPart = Annotated[Component | None, PartOf(
    EXECUTORS, ("local",), "For example executor: local.")]
PrunerPart = Annotated[Component | None, PartOf(
    PRUNERS, ("auto", "none"), "For example pruner: auto, or pruner: {name: MedianPruner}.",
    tuple(OPTIONS))]
#: Names and options are for the room of the reports to check.
_Report = Annotated[Component, PlainValidator(_report), WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "object", "required": ["name"]}]})]
Reports = Annotated[tuple[_Report, ...] | None, BeforeValidator(
    _reports, json_schema_input_type=str | list[_Report] | None)]
Algorithm = Annotated[str, one_of("skl-ugi", "udml")]
Acquisition = Annotated[str, one_of(*ACQUISITIONS)]
Stop = Annotated[str, one_of("none", "auto")]
Prior = Annotated[str, one_of("none", "shipped")]
RetrainOn = Annotated[str, one_of("train", "train+val", hint="For example final: {retrain_on: "
                                  "train+val}.")]
