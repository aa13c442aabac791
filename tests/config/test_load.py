import math
import os
import stat

import pytest
import yaml

from paddle_transfer.config import load
from paddle_transfer.errors import ConfigError


def write(folder, text):
    (folder / "f.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(folder / "f.yaml")


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("3E-4", 0.0003), ("1e3", 1000.0),
                                             ("-2e-5", -2e-5), (".5e-3", 0.0005), ("1.5e3", 1500.0),
                                             ("1.e-3", 0.001), ("0.1", 0.1), ("7", 7),
                                             ("True", True), ("null", None), ("None", None)])
def test_numbers_are_numbers(text, value):
    read = load.parse_value(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text", ["'1e-3'", "1e", "e3", "1e-3x", "0,1", "1.0/255.0", "2026-11-01", "0,1,2,3"])
def test_other_words_stay_strings(text):
    assert load.parse_value(text) == text.strip("'")


def test_numbers_in_lists_too(tmp_path):
    assert load.load_yaml(write(
        tmp_path, "a: [1e-3, 3e-4]\nb:\n  - 1e-5\n")) == {"a": [1e-3, 3e-4], "b": [1e-5]}


def test_anchors_share_nothing(tmp_path):
    data = load.load_yaml(write(tmp_path, "a: &x {v: [1]}\nb: *x\nc: {<<: *x, w: 2}\n"))
    data["a"]["v"].append(2)
    assert data["b"] == {"v": [1]}
    assert data["c"] == {"v": [1], "w": 2}


@pytest.mark.parametrize(("text", "where", "message"), [
    ("a: 1\nb: [1, 2\nc: 3\n", "line 3, column 2", "valid YAML"),
    ("a:\n\tb: 1\n", "line 2, column 1", "not with tabs"),
    ("a: 1\n b: 2\n", "line 2, column 3", "valid YAML"),
    ("a: !!python/object/apply:os.system ['true']\n", "line 1, column 4", "valid YAML"),
    ("", "", "It is empty"), ("# only a comment\n", "", "It is empty"),
    ("- 1\n- 2\n", "", "must hold a mapping; found [1, 2] (a list)"),
    ("just text", "", "must hold a mapping; found 'just text' (a string)"),
    ("a: &x [*x]\n", "", "must not contain itself"),
    (b"a: \xff\xfe", "", "UTF-8 text; found byte 0xff at offset 3"),
])
def test_what_is_no_config_is_one_clear_mistake(tmp_path, text, where, message):
    with pytest.raises(ConfigError) as caught:
        load.load_yaml(write(tmp_path, text))
    (mistake,) = caught.value.issues
    assert mistake.where == where
    assert message in str(mistake)
    assert str(tmp_path / "f.yaml") in str(caught.value)


def test_every_duplicate_key_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load.load_yaml(write(tmp_path, "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n"))
    assert sorted(str(m) for m in caught.value.issues) == [
        "line 4: a key may stand only once in a mapping; found 'c' here and on line 3. "
        "Keep one of them.",
        "line 5: a key may stand only once in a mapping; found 'a' here and on line 1. "
        "Keep one of them."
    ]


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "nothing.yaml", tmp_path):
        with pytest.raises(ConfigError, match=r"must be readable; found (No such file|Is a dir)"):
            load.load_yaml(str(path))


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    assert load.load_yaml(write(tmp_path, b"\xef\xbb\xbfa: 1\n")) == {"a": 1}


DATA = {
    "Metric": {
        "x": ["1e-3", 1e-3, 1e-5, 1e16, 1e22, 0.1, -3e-7], "d": "2026-11-01", "n": None, "o": "on",
        "s": ""
    }, "Global": {
        "b": True, "list": [{"A": {"k": 1}}, {"B": None}], "empty": {}, "none": [],
        "text": "a: b # c"
    }
}


@pytest.mark.parametrize("reader", [load.parse_value, yaml.safe_load])
def test_what_is_written_is_read_back_alike_by_us_and_by_plain_yaml(reader):
    back = reader(load.dump_text(DATA))
    assert back == DATA
    assert [type(x) for x in back["Metric"]["x"]] == [type(x) for x in DATA["Metric"]["x"]]


def test_sections_stand_in_paddleclas_order_and_lists_of_words_on_one_line():
    text = load.dump_text(
        {"Metric": {"topk": [1, 5]}, "Extra": 1, "Arch": {"name": "X"}, "Global": {"e": 1}})
    assert text == "Global:\n  e: 1\n\nArch:\n  name: X\n\nMetric:\n  topk: [1, 5]\n\nExtra: 1\n"


def test_dump_yaml_writes_a_header_as_comments(tmp_path):
    load.dump_yaml({"a": 1}, str(tmp_path / "f.yaml"), header="one\n\ntwo: 3")
    assert (tmp_path / "f.yaml").read_text() == "# one\n#\n# two: 3\na: 1\n"
    assert stat.S_IMODE(os.stat(tmp_path / "f.yaml").st_mode) == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "f.yaml"
    load.dump_yaml({"a": 1}, str(path))

    def broken(_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(load.os, "fsync", broken)
    with pytest.raises(OSError, match="No space"):
        load.dump_yaml({"a": 2}, str(path))
    assert path.read_text() == "a: 1\n"
    assert os.listdir(tmp_path) == ["f.yaml"]


def test_overrides_change_a_copy():
    data = {"Global": {"epochs": 1, "list": [1, 2]}, "Optimizer": {"lr": {}}}
    changed = load.apply_overrides(data, [
        "Global.epochs=5", "Global.list.1=1e-3", "Optimizer.lr.learning_rate=3e-4", "AMP.level=O1",
        "Global.pretrained_model=None", "Global.url=http://a?b=c"
    ])
    assert data == {"Global": {"epochs": 1, "list": [1, 2]}, "Optimizer": {"lr": {}}}
    assert changed == {"Global": {"epochs": 5, "list": [1, 1e-3], "pretrained_model": None, "url": "http://a?b=c"},
                       "Optimizer": {"lr": {"learning_rate": 3e-4}}, "AMP": {"level": "O1"}}


def test_overrides_are_never_evaluated():
    text = "__import__('os').getcwd()"
    assert load.apply_overrides({"Global": {}}, [f"Global.x={text}"])["Global"]["x"] == text


def test_all_overrides_that_cannot_be_put_in_are_named():
    bad = [
        "Global", "=1", "Global..x=1", "Global.list.9=1", "Global.epochs.x=1", "Global.epoch=1",
        "Gloabl.epochs=1", "Global.x=[1"
    ]
    with pytest.raises(ConfigError) as caught:
        load.apply_overrides({"Global": {"epochs": 1, "list": [1, 2]}}, ["Global.epochs=2", *bad])
    texts = [str(mistake) for mistake in caught.value.issues]
    assert [text.split(":")[0] for text in texts] == [f"-o {option}" for option in bad]
    assert "an override reads key=value" in texts[0]
    assert "It has: 0, 1." in texts[3]
    assert "It holds a single value." in texts[4]
    assert "Did you mean 'Global.epochs'?" in texts[5]
    assert "Did you mean 'Global'?" in texts[6]
    assert "valid YAML" in texts[7]


def test_infinity_is_read_but_is_not_a_learning_rate():
    assert math.isinf(load.parse_value(".inf"))
