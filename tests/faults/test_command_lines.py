"""Options that contradict each other are refused, and printed commands run in a shell."""

import argparse
import os
import subprocess
from pathlib import Path

import pytest

from paddle_transfer.cli.command import Command
from paddle_transfer.cli.main import COMMANDS
from paddle_transfer.cli.main import main as paddle_transfer
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.cli.prepare import prepare_and_print
from paddle_transfer.config.load import apply_overrides
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.datasets.prepare import prepare
from paddle_transfer.errors import ConfigError, PaddleTransferError
from paddle_transfer.registry import attribute_of
from paddle_transfer.report.next_steps import next_steps
from tests.helpers.own_folder import fill
from tests.helpers.tiny_search import tiny_settings
from tools import benchmark

# --- options given twice, or against each other ---

def test_tables_of_a_replay_given_one_by_one_are_all_replayed():
    given = benchmark.parser().parse_args(
        ["replay", "--table", "a", "b", "--table", "c", "--method", "random", "--method", "bayes"])
    assert (given.table, given.method) == (["a", "b", "c"], ["random", "bayes"])
    twice = benchmark.parser().parse_args(["replay", "--table", "a", "--table", "b", "a"])
    assert twice.table == ["a", "b"], "not replayed again"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_keeps_the_last_of_two_values(name):
    command: Command = attribute_of(f"paddle_transfer.cli.{name}:COMMAND")
    parser = OptionParser()
    command.add_arguments(parser)
    parsers = [parser, *(sub for action in parser._actions
                         if isinstance(action, argparse._SubParsersAction)
                         for sub in action.choices.values())]
    for one in parsers:
        for action in one._actions:
            if not action.option_strings or action.nargs == 0:
                continue
            option, found = action.option_strings[-1], argparse.Namespace()
            action(one, found, ["1"] if action.nargs else "1", option)
            if action.dest == "override":
                continue  # a list of them; apply_overrides compares them
            with pytest.raises(SystemExit):
                action(one, found, "2", option)


def test_a_config_given_twice_is_refused_and_both_are_named(tmp_path, capsys):
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("x: 1\n")
    with pytest.raises(SystemExit) as end:
        paddle_transfer(["search", "-c", str(tmp_path / "a.yaml"), "-c", str(tmp_path / "b.yaml")])
    assert end.value.code == 2
    text = capsys.readouterr().err
    assert "-c/--config: may stand only once" in text
    assert "a.yaml" in text
    assert "b.yaml" in text


def test_a_second_call_of_one_parser_begins_anew():
    parser = OptionParser()
    parser.add_argument("--seed", type=int, default=0)
    assert [parser.parse_args(["--seed", text]).seed for text in "01"] == [0, 1]
    with pytest.raises(SystemExit):
        parser.parse_args(["--seed", "0", "--seed", "1"])


@pytest.mark.parametrize(("options", "wrong"), [
    (["Global.epochs=5", "Global.epochs=6"], ["-o Global.epochs=6"]),
    (["Global.epochs=5", "Global={}"], ["-o Global={}"]),
])
def test_an_override_that_undoes_another_is_refused(options, wrong):
    with pytest.raises(ConfigError, match="must not undo another one") as caught:
        apply_overrides({"Global": {"epochs": 1}}, options)
    assert [issue.where for issue in caught.value.issues] == wrong


def test_the_same_override_twice_and_a_part_of_one_before_it_are_no_contradiction():
    found = apply_overrides({"Global": {}}, ["Global={a: 1}", "Global.a=2", "Global.a=2"])
    assert found == {"Global": {"a": 2}}


@pytest.mark.parametrize("command", ["search", "train"])
def test_two_kinds_of_weights_on_one_command_line_are_refused(tmp_path, capsys, command):
    (tmp_path / "c.yaml").write_text("Global: {pretrained_model: null}\n")
    code = paddle_transfer([command, "-c", str(tmp_path / "c.yaml"), "--pretrained", "imagenet",
                            "-o", "Transfer.pretrained=10w", "-o", "Global.pretrained_model=mine"])
    text = capsys.readouterr().err
    assert code == 2
    assert "2 mistakes" in text
    assert "-o Global.pretrained_model=mine: must not name other weights than --pretrained" in text


def test_a_prior_file_beside_leave_one_out_is_refused(tmp_path):
    arguments = benchmark.parser().parse_args(
        ["replay", "--table", "x.csv", "--prior", str(tmp_path / "p"), "--leave-one-out"])
    with pytest.raises(PaddleTransferError, match="--prior and --leave-one-out: give one of them"):
        benchmark.cli.main(arguments)


@pytest.mark.parametrize(("name", "options", "wrong"), [
    ("folder", PrepareOptions(download=True, csv="t.csv", label_column="x"),
     ["--download", "--csv", "--label-column"]),
    ("dtd", PrepareOptions(test=0.2, val=0.1), ["--test 0.2", "--val 0.1"]),
    ("dtd", PrepareOptions(arch="VGG16", size=64), ["--arch VGG16", "--size 64"]),
    ("csv", PrepareOptions(unverified=True), ["--unverified"]),
])
def test_options_that_a_data_set_would_ignore_are_refused(tmp_path, name, options, wrong):
    with pytest.raises(ConfigError) as caught:
        prepare(name, tmp_path, options)
    assert [issue.where for issue in caught.value.issues] == wrong


def test_shares_of_a_folder_that_has_its_own_lists_are_refused(tmp_path):
    for split in ("train", "val"):
        fill(tmp_path / split, {"a": 2, "b": 2})
    with pytest.raises(ConfigError, match=r"--val 0\.3: is for data without a validation list"):
        prepare("folder", tmp_path, PrepareOptions(val=0.3, processes=1))


# --- commands that are printed ---

#: Folders whose names a shell, or YAML, reads as something else.
FOLDERS = ("it's $HOME & `x`", "- dash # no comment: \"ü\"", "*'\"$(touch x)", "~")


def through_a_shell(line: str) -> list[str]:
    """The arguments that a shell gives to the command of ``line``."""
    script = "paddle-transfer() { printf '%s\\0' \"$@\"; }\nvisualdl() { paddle-transfer \"$@\"; }"
    done = subprocess.run(["bash", "-c", f"{script}\n{line}"], capture_output=True, check=True)
    return os.fsdecode(done.stdout).split("\0")[:-1]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_commands_after_prepare_run_in_a_shell(home, capsys, name):
    fill(Path(name), {"a": 4, "b": 4})
    prepare_and_print("folder", Path(name), PrepareOptions(processes=1))
    out = capsys.readouterr().out
    lines = [line[6:] for line in out[out.index("next: "):].splitlines()]
    check, train, search = map(through_a_shell, lines)
    assert paddle_transfer(check[:3]) == 0
    assert check[3:] == ["--sheet", "contact_sheet.png"]
    assert paddle_transfer([*search, "--dry-run"]) == 0
    assert Path(train[2]).is_file()
    assert not (home / "x").exists()


@pytest.mark.parametrize("name", FOLDERS)
def test_the_commands_after_a_search_run_in_a_shell(home, name):
    (home / name / "vdl" / "search").mkdir(parents=True)
    lines = [line[20:] for line in next_steps(tiny_settings(name)) if line[:2] == "  "]
    train, evaluate, infer, export, look = map(through_a_shell, lines)
    folder = f"{'./' * name.startswith('-')}{name}"
    assert train == ["train", "-c", f"{folder}/best_config.yaml"]
    options = [text for command in (evaluate, infer, export) for text in command[4::2]]
    assert apply_overrides({"Global": {}}, options) == {"Infer": {"infer_imgs": "photo.jpg"},
        "Global": {"pretrained_model": f"{folder}/best_model",
                   "save_inference_dir": f"{folder}/inference"}}
    assert look == ["--logdir", f"{folder}/vdl"]
    assert not (home / "x").exists()
