"""The schema of the search file, and what is generated from it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_transfer import dotpath
from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.shipped import FOLDER, SCHEMA, schema_path
from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.document import table, with_table
from paddle_transfer.settings.schema import SearchFile, SearchItem, json_schema, texts
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import PUBLISHED_FIXED, write_search
from tests.helpers.json_schema import mistakes

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted([*ROOT.glob("ppcls_configs/search/*.yaml"),
                  *ROOT.glob("ppcls_configs/quick_start/*search*.yaml")])
MINIMAL = {"base_config_file": "base.yaml", "search_dict": [{"search_key": "lr"}]}


def test_the_committed_schema_is_in_step():
    committed = json.loads((ROOT / FOLDER / SCHEMA).read_text(encoding="utf-8"))
    assert committed == json_schema(), "python tools/make_docs.py"


def test_pages_are_in_step():
    done = subprocess.run([sys.executable, "tools/make_docs.py", "--check"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_fit_the_schema_that_they_name(path):
    assert mistakes(load_yaml(str(path)), json_schema()) == []
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema_path(str(path.parent))}"
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert (path.parent / named[1]).resolve() == ROOT / FOLDER / SCHEMA


@pytest.mark.parametrize(("fields", "expected"), [
    ({"colour": "red"}, ["colour: additionalProperties"]),
    ({"workers": 1.5}, ["workers: type"]),
    ({"workers": 0}, ["workers: minimum"]),
    ({"search_dict": []}, ["search_dict: minItems"]),
    ({"search_dict": [{}]}, ["search_dict.0: required"]),
    ({"search_dict": [{"search_key": "lr", "log": "yes"}]}, ["search_dict.0.log: type"]),
    ({"stop": "maybe"}, ["stop: anyOf"]),
    ({"pruner": {"name": "MedianPruner", "n_warmup": 3}}, ["pruner: anyOf"]),
    ({"pruner": {"name": "PercentilePruner"}}, ["pruner: anyOf"]),
    ({"sampler": {"name": "grid", "seed": 3}}, ["sampler: anyOf"]),
    ({"final": {"retrain_on": "all"}}, ["final: anyOf"]),
])
def test_what_the_schema_refuses(fields, expected):
    assert mistakes({**MINIMAL, **fields}, json_schema()) == expected


@pytest.mark.parametrize("fields", [
    {}, {"gpus": "0,1"}, {"gpus": [0, 1]}, {"gpus": 0}, {"gpus": None}, {"pruner": "auto"},
    {"pruner": {"name": "OurOwn", "anything": 1}}, {"pruner": {"name": "MedianPruner"}},
    {"warm_start": "out"}, {"warm_start": ["out"]}, {"fixed": PUBLISHED_FIXED}, {"stop": None},
    {"sampler": {"name": "TPESampler", "multivariate": True}}, {"search_mode": "bayes"},
    {"sampler": {"name": "bayes", "acquisition": "logEI"}},
    {"search_dict": [{"search_key": "x", "replace_config": "Arch.name", "search_range": [1, 2]}]},
    {"executor": "local"}, {"max_iter": None}, {"time_budget": 1.5},
])
def test_what_the_schema_takes(fields):
    assert mistakes({**MINIMAL, **fields}, json_schema()) == []


def test_what_must_be_there():
    assert mistakes({}, json_schema()) == [": required"]


def test_every_key_has_its_texts_in_both_languages():
    schema = json_schema()
    sections = {"": schema["properties"], **{name: section["properties"]
                                             for name, section in schema["$defs"].items()}}
    assert set(sections) == {"", "SearchItem", "Teacher", "FinalSection"}
    for properties in sections.values():
        for name, field in properties.items():
            assert field["description"], name
            assert field["description"] == field["markdownDescription"], name
            english, chinese = field["description"].split("\n\n")
            assert english, name
            assert re.search(r"[\u4e00-\u9fff]|`", chinese), name
            assert "](" not in english + chinese, name
    assert [name for name in texts() if "." not in name] == list(SearchFile.model_fields)


STRANGE = (None, True, 0, 1.5, float("nan"), "", "none", "1e-3", [], [None], [{}], {}, {"name": 1},
           {"name": "bayes", "x": 1}, {True: 1}, {"a.b": "c"}, 10**30)


@pytest.mark.parametrize("key", [*SearchFile.model_fields, *(
    f"search_dict.0.{name}" for name in SearchItem.model_fields), "teacher.rm_keys"])
def test_no_value_of_a_key_is_more_than_a_mistake(tmp_path, key):
    data = load_yaml(write_search(tmp_path, search_dict=[{"search_key": "mixup"}], teacher={}))
    for value in STRANGE:
        changed, issues = dotpath.clone(data), ()
        dotpath.set_(changed, key, value, create=True)
        try:
            assert load_search_file(changed).to_dict()
        except ConfigError as error:
            issues = error.issues
        assert all(issue.where and issue.rule for issue in issues)


def test_tables():
    english, chinese = table().splitlines(), table(chinese=True).splitlines()
    assert len(english) == len(chinese) == 2 + len(SearchFile.model_fields)
    assert english[:2] == ["| key | meaning | default |", "|---|---|---|"]
    assert "| `workers` | trials at once on a CPU, or on a Ray cluster | 1 |" in english
    assert "| `de_duplication` | `True`：" in table(chinese=True)
    assert "| `fixed` | 最先尝试的点 | 无 |" in chinese


def test_a_page_gets_its_table_between_the_marks():
    page = "# A\n<!-- search file: begin -->\nold\n<!-- search file: end -->\nB\n"
    made = with_table(page)
    assert made.startswith("# A\n<!-- search file: begin -->\n| key ")
    assert made.endswith("|\n<!-- search file: end -->\nB\n")
    assert with_table(made) == made


def test_the_path_of_the_schema_is_relative_inside_the_checkout(tmp_path):
    assert schema_path(str(ROOT / "output" / "mine")) == "../../ppcls_configs/search.schema.json"
    assert schema_path(str(tmp_path)) == str(ROOT / FOLDER / SCHEMA)
