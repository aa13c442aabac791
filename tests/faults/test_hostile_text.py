"""Search files, configs, lists and tables that are broken, hostile or careless: one line each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_transfer import load_search
from paddle_transfer.cli.main import main
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.errors import ConfigError, PaddleTransferError
from paddle_transfer.public import estimate
from tests.helpers.configs import base_config, write_search
from tests.helpers.fuzz_text import READERS, read

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("name", "cases"), [("search", 45), ("data", 30), ("lists", 60),
                                             ("table", 60), ("csv", 40), ("saved", 25)])
def test_mutated_files_end_in_a_result_or_one_error_that_names_them(
        tmp_path, monkeypatch, name, cases):
    monkeypatch.chdir(tmp_path)
    ends = [read(name, number) for number in range(cases)]
    assert name in READERS
    assert any(ends) or name == "saved"  # there is no study in it
    assert not all(ends) or name == "lists"


def told(capsys, *arguments):
    """What a command prints as its error, which is a mistake in its input: exit code 2."""
    code = main(list(arguments))
    captured = capsys.readouterr()
    assert code == 2, captured.err
    lines = captured.err.rstrip("\n").split("\n")
    assert all(line.isprintable() and len(line) <= 1010 for line in lines)
    assert "Traceback" not in captured.err
    return captured.err


def searched(capsys, folder, text="", *, base=None, **fields):
    """The error of a search whose file has ``fields``, and ``text`` at its end."""
    file = write_search(folder, base=base, **fields)
    with open(file, "a", encoding="utf-8") as stream:
        stream.write(text)
    error = told(capsys, "search", "-c", file, "--dry-run")
    assert error.startswith(f"{file}: ")
    return error


def own(*values, name="x", path="Optimizer.lr.learning_rate"):
    return [{"search_key": name, "replace_config": [path], "search_values": list(values)}]


@pytest.mark.parametrize(("fields", "text"), [
    ({"search_dict": own(1, 2, path="Optimizer..lr")},
     "search_dict.0.replace_config.0: must be a dotted path such as Optimizer.lr.learning_rate; "
     "found 'Optimizer..lr'"),
    ({"search_dict": own(1, 2, path=".")}, "search_dict.0.replace_config.0: must be a dotted path"),
    ({"search_dict": own(float("nan"), float("nan"))},
     "search_dict.0.search_values.0: must be a number that is finite; found nan"),
    ({"search_dict": own(1, 2, name="trial")},
     "search_dict.0.search_key: must not be a column that search_results.csv has anyway"),
    ({"search_dict": own(1, 2, name="state")}, "must not be a column that search_results.csv has"),
    ({"search_dict": own(1, 2, name="a\x1b[31mb")}, "found 'a\\\\x1b[31mb'"),
    ({"search_dict": own(1, 2, name="k" * 100_000)}, "search_dict.0.search_key: must be a name"),
    ({"output_dir": "x" * 300}, "output_dir: must be a folder that can be written; found 'xxx"),
    ({"output_dir": "a/\0b"}, "output_dir: must be a folder that can be written; found 'a/\\x00b'"),
    ({"output_dir": "a/" * 2500}, "leaves no room for files in it"),
    ({"base_config_file": "a\0b.yaml"}, "base_config_file: must be a file that exists"),
    ({"base_config_file": "b" * 5000}, "base_config_file: must be a file that exists"),
    ({"search_mode": "x" * 100_000}, "search_mode: must be one of grid, bayes, random"),
    ({"storage": "sqlite:///" + "y" * 300_000, "max_iter": "\x1b"}, "max_iter: must be a whole"),
    ({"warm_start": ["a\0.csv"], "search_mode": "bayes"}, "warm_start.0: must be a folder or a"),
])
def test_a_hostile_value_is_a_mistake_of_its_key(tmp_path, capsys, fields, text):
    assert text in searched(capsys, tmp_path, **fields)


@pytest.mark.parametrize(("text", "told_as"), [
    ("seed: " + "1" * 5000, ", column 7: it must be valid YAML: '1111"),
    ("seed: !!int abc", ", column 7: it must be valid YAML: 'abc' cannot be read as 'int'"),
    ("seed: 1" + ":01" * 5000, "cannot be read as 'int'"),
    ("fixed: &a {x: *a}", "a YAML anchor must not contain itself"),
    ("fixed: " + "[" * 100_000, "it must be valid YAML: exceeded maximum nesting depth"),
    ("fixed: " + "[" * 100 + "]" * 100, "a config may not hold 64 levels"),
    ("fixed: !!timestamp 2026-11-26", "fixed: must be plain data"),
    ("seed: 18446744073709551616", "seed: a whole number must fit in 64 bits"),
    ("\x07", "a text file has no control characters"),
    ("output_dir: again", "a key may stand only once in a mapping; found 'output_dir' here"),
])
def test_a_hostile_text_is_named_with_its_line(tmp_path, capsys, text, told_as):
    assert told_as in searched(capsys, tmp_path, text)


@pytest.mark.parametrize(("path", "value", "text"), [
    ("Global", [1], "base.yaml: Global: must be a mapping; found [1] (a list)"),
    ("Arch", [{"name": "x"}], "base.yaml: Arch: must be a mapping; found [{'name': 'x'}]"),
    ("Metric.Eval", [{"TopkAcc": {"topk": [-1, "a", None]}}],
     "base.yaml: Metric.Eval.0.TopkAcc.topk: must be whole numbers, 1 or more; found [-1, 'a', "),
    ("Metric.Eval", ["TopkAcc"], "base.yaml: Metric.Eval: must be a list of one name each"),
    ("DataLoader.Train.dataset.cls_label_path", "a\0b", "base.yaml: DataLoader.Train.dataset."
     "cls_label_path: must be a text, without a NUL character; found 'a\\x00b'"),
    ("Optimizer.lr", 0.1, "base.yaml: Optimizer.lr: must be a mapping; found 0.1"),
    ("Loss.Train", [{"CELoss": [1]}], "base.yaml: Loss.Train: must be a list of one name each"),
])
def test_a_base_config_of_another_shape_is_one_mistake_for_every_command(
        tmp_path, capsys, path, value, text):
    base = base_config(tmp_path)
    parent, _, last = path.rpartition(".")
    place = base
    for part in parent.split(".") if parent else ():
        place = place[part]
    place[last] = value
    assert text in searched(capsys, tmp_path, base=base)
    for command in ("check", "train"):
        error = told(capsys, command, "-c", str(tmp_path / "base.yaml"))
        assert text.partition("base.yaml: ")[2] in error


def test_a_label_of_any_length_is_a_finding(tmp_path, capsys):
    base = base_config(tmp_path)
    dump_yaml(base, str(tmp_path / "base.yaml"))
    for part in ("train", "val"):
        (tmp_path / f"{part}_list.txt").write_text("a.jpg " + "1" * 5000 + "\n")
    assert main(["check", "-c", str(tmp_path / "base.yaml"), "--processes", "1",
                 "--cache", str(tmp_path / "cache")]) == 1
    out = capsys.readouterr().out
    assert "train_list.txt:1: [label-not-a-number] a label should be a whole number" in out
    assert max(map(len, out.split("\n"))) < 1300


@pytest.mark.parametrize("options", [
    ["max_iter"], ["=1"], ["a." * 5000 + "b=1"], ["lr\x1b[31m=1"], ["Arch=" + "[" * 1000],
    ["Global.epochs=!!int x"], ["Global.x=" + "1" * 5000], ["max_iter=\udcff"]])
def test_a_hostile_override_is_named(tmp_path, capsys, options):
    file = write_search(tmp_path)
    error = told(capsys, "search", "-c", file, "--dry-run", "-o", *options)
    assert f"-o {options[0][:3]}" in error or "unknown key" in error


@pytest.mark.parametrize("place", ["x" * 5000, "~nobody-at-all/ppcls", "/dev/null", "\x1b[31m"])
def test_a_hostile_environment_is_named(tmp_path, capsys, monkeypatch, place):
    monkeypatch.setenv("PADDLECLAS_HOME", place)
    assert main(["search", "-c", write_search(tmp_path), "--dry-run"]) == 0
    capsys.readouterr()
    write_search(tmp_path, base=base_config(tmp_path))
    error = told(capsys, "train", "-c", str(tmp_path / "base.yaml"), "-o", "Global.device=cpu")
    assert "PADDLECLAS_HOME" in error


#: Runs commands on hostile files with little memory, and prints their exit codes.
BOUNDED = """
import resource, sys
from paddle_transfer.cli.main import main
import paddle_transfer.public, paddle_transfer.checks.checker
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
for file in sys.argv[1:]:
    codes = [main([command, "-c", file, *more])
             for command, more in (("search", ["--dry-run"]), ("check", []), ("train", []))]
    print(file, *codes)
"""


def test_small_files_with_endless_content_cost_little_memory(tmp_path):
    bomb = tmp_path / "bomb.yaml"
    bomb.write_text("a0: &a0 [x, x]\n" + "".join(
        f"a{i + 1}: &a{i + 1} [*a{i}, *a{i}, *a{i}, *a{i}]\n" for i in range(30)))
    numbers, pipe, holes = tmp_path / "n.yaml", tmp_path / "pipe.yaml", tmp_path / "holes.yaml"
    numbers.write_text("a: 1" + ":10" * 1_000_000)
    os.mkfifo(pipe)
    with open(holes, "wb") as stream:
        stream.truncate(2**40)
    files = [str(file) for file in (bomb, numbers, pipe, holes, Path("/dev/zero"), tmp_path)]
    done = subprocess.run([sys.executable, "-c", BOUNDED, *files], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    assert done.stdout.splitlines() == [f"{file} 2 2 2" for file in files], done.stderr
    assert all(file in done.stderr for file in files)
    assert "Traceback" not in done.stderr


def test_a_pipe_named_in_a_config_is_no_list(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    base = base_config(tmp_path)
    base["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(tmp_path / "pipe")
    assert main(["search", "-c", write_search(tmp_path, base=base), "--dry-run"]) == 0
    assert "cls_label_path: must be a file that exists" in capsys.readouterr().out
    base["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(tmp_path / "val_list.txt")
    error = searched(capsys, tmp_path, base=base, search_mode="bayes",
                     warm_start=[str(tmp_path / "pipe")])
    assert "warm_start.0: must be " in error


@pytest.mark.parametrize("call", [
    lambda: estimate({}), lambda: estimate({"search_dict": {1, 2}}), lambda: estimate(object()),
    lambda: estimate(None), lambda: estimate("a\0b"), lambda: estimate({}, [3]),
    lambda: estimate({}, {"max_iter": object()}), lambda: estimate({}, {3: 4}),
    lambda: estimate({"base_config_file": {"Global": {"epochs": 10**400}}}),
    lambda: load_search("a\0b"), lambda: load_search("/dev/zero"), lambda: load_search("x" * 5000)])
def test_the_python_api_raises_errors_of_this_package_only(call):
    with pytest.raises(PaddleTransferError):
        call()


def test_data_of_a_program_that_holds_itself_is_refused():
    content = {"search_dict": []}
    content["search_dict"].append(content)
    with pytest.raises(ConfigError, match="a config may not hold 64 levels"):
        estimate(content)
