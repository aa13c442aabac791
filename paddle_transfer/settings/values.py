"""The types of the search file's keys: what a person may write, and what it is read as."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import core_schema

from paddle_transfer.config import rules
from paddle_transfer.errors import did_you_mean
from paddle_transfer.executors.registry import EXECUTORS
from paddle_transfer.pruners.options import OPTIONS
from paddle_transfer.pruners.registry import PRUNERS
from paddle_transfer.registry import Component, UnknownName
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.components import PartOf, open_enum
from paddle_transfer.space.hyperparameter import is_number
from paddle_transfer.space.registry import HYPERPARAMETERS
from paddle_transfer.study.url import is_url

#: numpy takes seeds below 2**32; repeats count up from the seed, so there is room left.
SEED_LIMIT = 2**31 - 1

#: As ``samplers.gp`` knows them.
ACQUISITIONS = ("KG", "EI", "logEI", "PI", "LCB", "UCB")

CONFIG_HINT = ("Name a training config of PaddleClas; its path is relative to the current "
               "directory or to this file.")
ITEMS_HINT = "List what is to be searched: - search_key: lr"
FINAL_HINT = "For example final: {retrain_on: train+val}."
TEACHERS_HINT = "List architectures, such as [ResNet101_vd, ResNet50_vd]."
TABLES_HINT = "List output_dirs of earlier searches, or recorded tables (.csv, .csv.gz)."


def _one_item(value: object) -> Any:
    return [value] if isinstance(value, (str, dict)) else value


def _is_none(value: object) -> bool:
    return isinstance(value, str) and value.lower() == "none"


def _two_numbers(value: object) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)):
        return value[0], value[1]
    texts = [part for part in value if isinstance(part, str)] if isinstance(value, list) else []
    raise rules.broken("must be two numbers, [low, high]", hint=rules.number_hint(texts[0])
                       if texts else "For example [1e-4, 1e-1].")


def _gpu_ids(value: object) -> tuple[str, ...]:
    """``0``, ``"0,1"`` or ``[0, 1]`` as ids."""
    if value in (None, "", []) or _is_none(value):
        return ()
    parts = value if isinstance(value, list) else [value]
    fine = all(isinstance(part, (int, str)) and not isinstance(part, bool) for part in parts)
    ids = tuple(part.strip() for part in ",".join(map(str, parts)).split(","))
    if not fine or not all(re.fullmatch(r"\d+|GPU-[\w-]+", gpu) for gpu in ids):
        raise rules.broken("must be ids of GPUs, such as 0,1 or [0, 1]",
                           hint="Write none for a CPU.")
    if len(set(ids)) < len(ids):
        raise rules.broken("must name each GPU once")
    return ids


def _report(value: object) -> Component:
    given = {"name": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or not str(given.get("name") or "").strip():
        raise rules.broken("must be a name, or a mapping with a name",
                           hint="For example reports: [terminal].")
    return Component(given["name"], {key: one for key, one in given.items() if key != "name"})


def _sampler_name(value: object) -> str:
    known = {name.lower(): name for name in SAMPLERS.names()}
    if isinstance(value, str) and (value.lower() in known or value in SAMPLERS):
        if ":" in value:
            try:
                _ = SAMPLERS[value]
            except UnknownName as error:  # it cannot be imported, or is no sampler
                raise rules.broken(str(error)) from error
        return known.get(value.lower(), value)
    names = ", ".join(known.values())
    raise rules.broken(f"must be one of {names}", hint=did_you_mean(value, list(known.values()))
                       if isinstance(value, str) else f"Choose one of {names}.")


def _moves(value: object) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(path, str) and all(path.split("."))
                                       for pair in value.items() for path in pair):
        return value
    raise rules.broken("must be a mapping of dotted paths to dotted paths",
                       hint="For example Arch.lr_mult_list: Arch.models.1.Student.lr_mult_list.")


def _teachers(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else []
    if not names or not all(isinstance(name, str) and name for name in names):
        raise rules.broken("must be a list of at least one name", hint=TEACHERS_HINT)
    if len(set(names)) < len(names):
        raise rules.broken("must name each once", hint=TEACHERS_HINT)
    return tuple(names)


def _storage_url(value: object) -> str:
    if isinstance(value, str) and is_url(value):
        return value
    if isinstance(value, str) and "@" not in value:
        raise rules.broken("must be a storage URL of Optuna (sqlite:///file.db)")
    raise rules.broken(
        "must be a storage URL of Optuna (postgresql+psycopg://USER@HOST/DATABASE)",
        found="something that may hold a password",  # so it is not shown
        hint="Characters such as @ / : in a user's name or password are written %40 %2F %3A.")


def _text(rule: str, hint: str = "", pattern: str = r"\S") -> rules.Rule:
    return rules.Rule(rule, hint, schema=core_schema.str_schema(strict=True, pattern=pattern))


def _array(kind: str, **limits: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "array", "items": {"type": kind}, **limits})


Text = Annotated[str, rules.TEXT]
SearchKeyName = Annotated[str, rules.TEXT, WithJsonSchema(open_enum(HYPERPARAMETERS.builtin))]
YesNo = Annotated[bool, rules.YES_NO]
LogAxis = Annotated[bool | None, rules.YES_NO]
Count = Annotated[int, rules.whole(0)]
AtLeast1 = Annotated[int, rules.whole(1)]
#: Trainings of one point, and trials at once: each has a row, a seed, a place of its own.
Trainings = Annotated[int, rules.whole(1, 1000)]
Workers = Annotated[int, rules.whole(1, 1000)]
Seed = Annotated[int, rules.whole(0, SEED_LIMIT)]
Confirm = Annotated[int | str, rules.Rule(
    "must be a whole number, 2 to 1000, or none", "It is the number of trainings, each with "
    "another seed; for example confirm: 3.", schema=core_schema.union_schema(
        [core_schema.int_schema(strict=True, ge=2, le=1000),
         core_schema.literal_schema(["none"])])),
    BeforeValidator(lambda value: "none" if _is_none(value) else value)]
Seconds = Annotated[float, rules.above_zero("seconds")]
#: None where a search file says none.
CheckpointEvery = Annotated[float | None, rules.Rule(
    "must be a number of seconds, 0 or more, or none",
    "0 saves a checkpoint after every epoch, none saves none.", schema=core_schema.union_schema(
        [core_schema.float_schema(strict=True, ge=0, allow_inf_nan=False),
         core_schema.none_schema()])),
    BeforeValidator(lambda value: None if _is_none(value) else value)]
Hours = Annotated[float, rules.above_zero("hours")]
Acquisition = Annotated[str, rules.one_of(*ACQUISITIONS)]
Stop = Annotated[str, rules.one_of("none", "auto")]
Prior = Annotated[str, rules.one_of("none", "shipped")]
Algorithm = Annotated[str, rules.one_of("skl-ugi", "udml")]
FurtherLists = Annotated[
    tuple[Annotated[str, rules.one_of("train")], ...], rules.Filled(list, empty=True)]
RetrainOn = Annotated[str, rules.one_of("train", "train+val", hint=FINAL_HINT)]
Soup = Annotated[str, rules.one_of("greedy", hint="Write final: {soup: greedy}.")]
#: A file, or the config itself.
ConfigFile = Annotated[str | dict[str, Any], rules.Rule(
    "must be a text", CONFIG_HINT, schema=core_schema.union_schema(
        [core_schema.str_schema(pattern=r"\S"), core_schema.dict_schema(min_length=1)]))]
Folder = Annotated[str | None, _text("must be a text",
                                     "Leave it out for output/NAME_OF_THIS_FILE.")]
StorageUrl = Annotated[str, PlainValidator(_storage_url),
                       WithJsonSchema({"type": "string", "pattern": "://"})]
GpuIds = Annotated[tuple[str, ...], PlainValidator(_gpu_ids), WithJsonSchema(
    {"anyOf": [{"type": ["integer", "string", "null"]},
               {"type": "array", "items": {"type": ["integer", "string"]}}]})]
#: Each path is looked at with the file system.
_Paths = Annotated[tuple[Any, ...], rules.Filled(list, TABLES_HINT), BeforeValidator(_one_item)]
Paths = Annotated[_Paths | None, BeforeValidator(
    lambda value: None if _is_none(value) else value,
    json_schema_input_type=str | list[str] | None)]
#: What editors offer. Names and options are for the room of the reports to check.
REPORT_NAMES = ("files", "visualdl", "tensorboard", "html", "terminal")
_Report = Annotated[Component, PlainValidator(_report), WithJsonSchema(
    {"anyOf": [open_enum(REPORT_NAMES), {"type": "object", "required": ["name"],
                                         "properties": {"name": open_enum(REPORT_NAMES)}}]})]
_Reports = Annotated[tuple[_Report, ...], rules.Filled(list, empty=True)]
Reports = Annotated[_Reports | None, BeforeValidator(
    lambda value: [] if _is_none(value) else _one_item(value),
    json_schema_input_type=str | list[_Report] | None)]

DottedPaths = Annotated[
    tuple[Annotated[str, _text("must be a dotted path such as Optimizer.lr.learning_rate",
                               pattern=r"^[^.]+(\.[^.]+)*$")], ...],
    rules.Filled(list), BeforeValidator(_one_item, json_schema_input_type=str | list[str])]
Values = Annotated[tuple[Any, ...], rules.Filled(
    list, "List the values to try, such as [0.1, 0.01].")]
LowHigh = Annotated[tuple[float, float] | None, PlainValidator(_two_numbers),
                    _array("number", minItems=2, maxItems=2)]
Condition = Annotated[dict[str, Any], rules.Filled(
    dict, "For example when: {randaugment: True}.",
    "must be a mapping of search keys to their values")]
FixedPoint = Annotated[dict[str, Any], rules.Filled(dict)]
RemovedPaths = Annotated[tuple[Text, ...], rules.Filled(
    list, "List dotted paths.", "must be a list of texts", empty=True)]
Teachers = Annotated[tuple[str, ...] | None, PlainValidator(_teachers),
                     _array("string", minItems=1, uniqueItems=True)]
Moves = Annotated[dict[str, str], BeforeValidator(_moves)]

SamplerName = Annotated[str, PlainValidator(_sampler_name),
                        WithJsonSchema(open_enum(SAMPLERS.builtin))]
SamplerPart = Annotated[Component | None, PartOf(
    SAMPLERS, (), "For example sampler: {name: TPESampler}.")]
ExecutorPart = Annotated[Component | None, PartOf(
    EXECUTORS, ("local", "ray"), "For example executor: local.")]
PrunerPart = Annotated[Component | None, PartOf(
    PRUNERS, ("auto", "none"), "For example pruner: auto, or pruner: {name: MedianPruner}.",
    tuple(OPTIONS))]
