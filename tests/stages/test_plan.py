"""PaddleClas's own search files: read as they are, and what becomes of every value in each
stage."""

import os
from pathlib import Path

import pytest

from paddle_transfer import dotpath
from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import ConfigError
from paddle_transfer.settings import devices
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.stages.plan import BASE, final_config, teacher_config
from paddle_transfer.study.records import Proposal, Stage
from tests.helpers.configs import base_config, write_search
from tests.helpers.greedy_files import FULL, SLOW, distillation_config, write_greedy

CHECKOUT = os.environ.get("PADDLECLAS_HOME")


def base(folder):
    for part in ("train", "val"):
        (folder / f"{part}_list.txt").touch()
    return base_config(folder)


def load(folder, *, overrides=(), dry_run=False, **fields):
    file = write_greedy(folder, base(folder), **fields)
    return load_search_file(file, overrides, dry_run=dry_run)


def issues(folder, **fields):
    with pytest.raises(ConfigError) as caught:
        load(folder, **fields)
    return [str(mistake) for mistake in caught.value.issues]


def point(settings):
    return {**settings.plan.first, "lrs": 0.05, "lr_mult_list": FULL}


def test_a_file_without_a_search_mode_is_searched_greedily(tmp_path):
    settings = load(tmp_path)
    assert settings.search_mode == "greedy"
    assert settings.max_iter == settings.plan.suggestions == 2 + 2 + 2 + 1
    assert settings.plan.teachers == ("ResNet101_vd", "ResNet50_vd")
    assert settings.plan.final
    # the base config's 0.1 is a searched value, its lack of lr_mult_list is none
    assert settings.plan.first == {"lrs": 0.1, "lr_mult_list": BASE}
    assert settings.stages.shown(Proposal(settings.plan.first)) == {
        "lrs": 0.1, "lr_mult_list": BASE, "teacher": "-", "stage": "search"}
    assert load(tmp_path, without=("teacher",)).plan.suggestions == 4
    plain = write_search(tmp_path, without=("search_mode",))
    assert load_search_file(plain).search_mode == "greedy"


def test_repeats_are_for_the_keys_only_as_in_paddleclas(tmp_path):
    settings = load(tmp_path, search_times=3)
    assert settings.plan.trainings(3) == (2 + 2) * 3 + 2 + 1
    times, found = settings.stages.times, point(settings)
    assert times(Proposal(found)) == 3
    assert times(Proposal(found, Stage.TEACHER, "ResNet50_vd")) == 1
    assert times(Proposal(found, Stage.FINAL, "ResNet50_vd")) == 1


def test_a_value_of_the_base_config_needs_no_second_training(tmp_path):
    keys = [{"search_key": "mult", "replace_config": ["Arch.lr_mult_list"],
             "search_values": [SLOW, FULL]}, {"search_key": "lrs",
                                              "replace_config": ["Optimizer.lr.learning_rate"],
                                              "search_values": [0.05, 0.1]}]
    assert load(tmp_path, search_dict=keys,
                without=("teacher", "final_replace")).plan.suggestions == 3
    assert load(tmp_path, search_dict=keys,
                without=("teacher", "final_replace")).max_iter == 4, "if all of mult fail"


def test_the_teacher_trains_without_the_removed_paths(tmp_path):
    settings = load(tmp_path)
    config = teacher_config(settings.base_config, settings.keys, settings.distillation,
                            point(settings), "ResNet50_vd")
    assert set(dotpath.diff(settings.base_config, config)) == {
        "Arch.name: 'ResNet18_vd' -> 'ResNet50_vd'", "Optimizer.lr.learning_rate: 0.1 -> 0.05"}


def test_removed_paths_are_compared_part_by_part(tmp_path):
    """PaddleClas looks for the text anywhere in its options: ``Arch.lr`` would take
    Arch.lr_mult_list away."""
    (text,) = issues(tmp_path, teacher={"rm_keys": ["Arch.lr"], "search_values": ["A"]})
    assert text.startswith("teacher.rm_keys: must be a path of a replace_config; found 'Arch.lr'")


def test_the_student_gets_the_values_where_final_replace_says(tmp_path):
    settings = load(tmp_path)
    config = final_config(settings.keys, settings.distillation,
                          point(settings), teacher="ResNet101_vd", weights="out/best_model")
    assert set(dotpath.diff(distillation_config(base_config(tmp_path)), config)) == {
        "Arch.models.0.Teacher.name: 'ResNet50_vd' -> 'ResNet101_vd'",
        "Arch.models.0.Teacher.pretrained: (absent) -> 'out/best_model'",
        f"Arch.models.1.Student.lr_mult_list: (absent) -> {FULL}",
        "Optimizer.lr.learning_rate: 0.1 -> 0.05"}


def test_a_value_that_says_the_old_path_is_not_touched(tmp_path):
    """PaddleClas replaces text in values too, and in the name of the config file."""
    keys = [{"search_key": "note", "replace_config": ["Arch.note"],
             "search_values": ["Arch.note", "x"]}]
    settings = load(tmp_path, search_dict=keys,
                    final_replace={"Arch.note": "Arch.models.1.Student.note"},
                    teacher={"algorithm": "udml"})
    config = final_config(settings.keys, settings.distillation, {"note": "Arch.note"})
    assert config["Arch"]["models"][1]["Student"]["note"] == "Arch.note"


def test_udml_trains_both_together(tmp_path):
    settings = load(tmp_path, teacher={"algorithm": "udml"})
    assert settings.plan.teachers == ()
    assert settings.plan.final
    config = final_config(settings.keys, settings.distillation, point(settings))
    teacher, student = (model for model in config["Arch"]["models"])
    assert teacher["Teacher"]["lr_mult_list"] == student["Student"]["lr_mult_list"] == FULL
    assert "pretrained" not in teacher["Teacher"]
    assert teacher["Teacher"]["name"] == "ResNet50_vd"


def test_overrides_reach_the_final_run(tmp_path):
    settings = load(tmp_path,
                    overrides=["Global.epochs=7", "Arch.lr_mult_list=[0.5]", "Arch.class_num=5"])
    assert settings.base_config["Arch"]["lr_mult_list"] == [0.5]
    config = settings.distillation.config
    assert config["Global"]["epochs"] == 7
    assert config["Arch"]["models"][1]["Student"]["lr_mult_list"] == [0.5]
    assert "lr_mult_list" not in config["Arch"]
    assert any(note.startswith("-o Arch.class_num=5 is for the base config only")
               for note in settings.notes)


@pytest.mark.parametrize(("fields", "expected"), [
    ({"teacher": {"algorithm": "udlm"}
      }, "teacher.algorithm: must be one of skl-ugi, udml; found 'udlm' (a string)"),
    ({"teacher": {"rm_keys": []}
      }, "teacher.search_values: is needed with skl-ugi; found nothing there"),
    ({"teacher": {"search_values": ["A", "A"]}}, "teacher.search_values: must name each once"),
    ({"teacher": {"search_values": ["A"], "rm_key": []}
      }, "teacher.rm_key: unknown key; found 'rm_key'. Did you mean"),
    ({"without": ("distill_config_file", )}, "distill_config_file: is needed"),
    ({"distill_config_file": "gone.yaml"
      }, "distill_config_file: must be a file that exists; found 'gone.yaml'"),
    ({"final_replace": {}
      }, "search_key lr_mult_list: Arch.lr_mult_list means nothing to the DistillationModel of "),
    ({"final_replace": {"Arch.lr_mult": "Arch.models.1.Student.lr_mult_list"}
      }, "final_replace: must be a path of a "),
    ({"final_replace": {"Arch.lr_mult_list": "Arch.models.2.S.x"}
      }, "search_key lr_mult_list: Arch.models.2.S.x must exist in "),
    ({
        "search_dict": [{"search_key": "lr"}, {"search_key": "label_smoothing"}],
        "without": ("final_replace", ), "teacher": {"search_values": ["A"]}
    }, "search_key label_smoothing: label_smoothing needs a CELoss in Loss.Train of"),
    ({
        "search_dict": [{"search_key": "pretrained"}], "without": ("final_replace", ),
        "teacher": {"search_values": ["A"]}
    },
     "search_key pretrained: must mean something in the final run, which has another model; "
     "found it edits "
     ),
    ({"final_replace": ["a"]}, "final_replace: must be a mapping of dotted paths to dotted paths"),
    ({
        "search_dict": [{
            "search_key": "teacher", "replace_config": ["Global.epochs"], "search_values": [1, 2]
        }], "without": ("final_replace", ), "teacher": {"search_values": ["A"]}
    }, "search_dict.0.search_key: must not be a column that search_results.csv has anyway"),
    ({
        "search_dict": [{"search_key": "lr", "search_range": [0.1, 0.2]}],
        "without": ("teacher", "final_replace")
    }, "search_dict.0.search_range: a grid needs a finite number of values"),
    ({
        "search_dict": [{
            "search_key": "x", "replace_config": ["Optimizer.lr.learning_rat"],
            "search_values": [1]
        }], "without": ("teacher", "final_replace")
    },
     "search_dict.0.replace_config.0: must exist in the base config; "
     "found 'Optimizer.lr.learning_rat'. Did you mean"
     ),
    ({
        "search_dict": [{
            "search_key": "x", "replace_config": ["Optimiser.lr.x"], "search_values": [1]
        }], "without": ("teacher", "final_replace")
    }, "search_dict.0.replace_config.0: must exist in the base config"),
])
def test_mistakes(tmp_path, fields, expected):
    found = issues(tmp_path, **fields)
    assert any(text.startswith(expected) for text in found), found


def test_a_metric_must_be_reported_by_both_configs(tmp_path):
    distil = distillation_config(base_config(tmp_path))
    distil["Metric"]["Eval"] = [{"TopkAcc": {"topk": [2]}}]
    (text,) = issues(tmp_path, distil=distil)
    assert text.startswith("metric: must be one that Metric.Eval of ")
    assert "found 'top1'" in text


def test_values_that_stand_twice_are_tried_once(tmp_path):
    keys = [{"search_key": "lrs", "replace_config": ["Optimizer.lr.learning_rate"],
             "search_values": [0.1, 0.2, 0.1]}]
    settings = load(tmp_path, search_dict=keys, without=("teacher", "final_replace"))
    assert settings.plan.keys[0].values == (0.1, 0.2)
    assert "twice" in settings.notes[-1] + settings.notes[0]


def test_a_machine_that_lacks_images_and_gpus_is_warned_before_a_dry_run_only(
        tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "find_gpus", lambda: [])
    config = base(tmp_path)
    config["DataLoader"]["Train"]["dataset"]["cls_label_path"] = "gone.txt"
    file = write_greedy(tmp_path, config, gpus="0,1",
                        without=("teacher", "final_replace", "distill_config_file"))
    settings = load_search_file(file, dry_run=True)
    assert [text.partition(" must")[0].rpartition(" ")[2] for text in settings.warnings] == [
        "DataLoader.Train.dataset.cls_label_path:", "gpus:", "gpus:"]
    with pytest.raises(ConfigError) as caught:
        load_search_file(file)
    assert [str(one) for one in caught.value.issues] == list(settings.warnings)


@pytest.mark.parametrize("where", ["PADDLECLAS_HOME", "--paddleclas", "inside"])
def test_configs_are_found_in_a_checkout(tmp_path, monkeypatch, where):
    home, mine = tmp_path / "PaddleClas", tmp_path / "mine"
    folder = home / "ppcls" / "configs" / "PULC" / "x"
    folder.mkdir(parents=True)
    mine.mkdir()
    write_greedy(folder, base(tmp_path))
    search = load_yaml(str(folder / "search.yaml"))
    text = (folder / "search.yaml").read_text()
    for key, name in (("base_config_file", "base"), ("distill_config_file", "distil")):
        text = text.replace(search[key], f"ppcls/configs/PULC/x/{name}.yaml")
    monkeypatch.delenv("PADDLECLAS_HOME", raising=False)
    file = (folder if where == "inside" else mine) / "search.yaml"
    file.write_text(text)
    if where == "PADDLECLAS_HOME":
        monkeypatch.setenv("PADDLECLAS_HOME", str(home))
    checkout = str(home) if where == "--paddleclas" else None
    settings = load_search_file(str(file), paddleclas=checkout)
    assert settings.base_config_file == str(home / "ppcls/configs/PULC/x/base.yaml")
    assert settings.distillation.config_file == str(home / "ppcls/configs/PULC/x/distil.yaml")


def test_a_config_that_was_moved_is_found_beside_the_search_file(tmp_path):
    settings = load(tmp_path, base_config_file="ppcls/configs/PULC/elsewhere/base.yaml")
    assert settings.base_config_file == str(tmp_path / "base.yaml")
    assert any(note.startswith("There is no ppcls/configs/PULC/elsewhere/base.yaml")
               for note in settings.notes)


def test_another_distillation_is_another_search(tmp_path):
    first = load(tmp_path).identity()
    assert dotpath.diff(first, load(tmp_path, teacher={"rm_keys": ["Arch.lr_mult_list"],
                                                     "search_values": ["ResNet50_vd"]}).identity())
    assert dotpath.diff(first, load(tmp_path, gpus=None, workers=2, keep_models=1).identity()) == []
    assert "greedy: True -> (absent)" in dotpath.diff(
        first, load_search_file(write_search(tmp_path)).identity())


PULC = sorted(Path(CHECKOUT).glob("ppcls/configs/PULC/*/search.yaml")) if CHECKOUT else []


@pytest.mark.skipif(not CHECKOUT, reason="PADDLECLAS_HOME names no checkout of PaddleClas")
def test_there_are_search_files_in_the_checkout():
    assert len(PULC) >= 9


@pytest.mark.parametrize("file", PULC, ids=lambda file: file.parent.name)
def test_every_search_file_of_paddleclas_lists_its_trainings(file, tmp_path):
    from paddle_transfer.report.preview import preview

    written = load_yaml(str(file))
    settings = load_search_file(str(file), [f"output_dir={tmp_path}"], dry_run=True)
    wanted = []
    for item in written["search_dict"]:
        values = [value for i, value in enumerate(item["search_values"])
                  if value not in item["search_values"][:i]]
        wanted += [[item["search_key"], str(value), "0"] for value in values]
    wanted += [["teacher", name, "0"] for name in written["teacher"].get("search_values", [])]
    wanted += [["final", settings.distillation.config_file, "0"]]
    lines = preview(settings).partition("\nTrainings ")[2].partition("\n\n")[0].splitlines()[2:]
    assert [[part.strip() for part in line.split("  ") if part.strip()][:3]
            for line in lines] == wanted
    place = written["final_replace"]["Arch.lr_mult_list"]
    first = {key.name: key.values[0] for key in settings.plan.keys}
    config = final_config(settings.keys, settings.distillation, {**settings.plan.first, **first})
    assert dotpath.get(config, place) == first["lr_mult_list"]
