"""The search file: what it becomes, and that every kind of mistake is told, all at once."""

import os

import pytest

from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.portable import for_trial
from paddle_transfer.errors import ConfigError
from paddle_transfer.samplers.gp.sampler import ACQUISITIONS
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings import devices, values
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from paddle_transfer.space.hyperparameter import Range
from paddle_transfer.study.records import Proposal
from tests.helpers.configs import PUBLISHED_FIXED, base_config, write_search


def issues(path, overrides=()):
    with pytest.raises(ConfigError) as caught:
        load_search_file(path, overrides)
    return [str(mistake) for mistake in caught.value.issues]


# --- what it becomes ----------------------------------------------------------------------------

def test_the_published_space(tmp_path):
    settings = load_search_file(write_search(tmp_path, fixed=PUBLISHED_FIXED))
    assert settings.search_space.space.size == settings.budget.max_iter == 196
    assert settings.search_space.space.names == ("lr", "l2_decay", "label_smoothing", "mixup")
    assert settings.search_space.baseline == PUBLISHED_FIXED
    assert settings.objective.metric == "top1"
    assert settings.search_space.space["lr"].log
    assert settings.search_space.space["l2_decay"].log
    assert not settings.search_space.space["mixup"].log
    assert (settings.devices.gpus, settings.devices.workers) == ((), 1)
    assert (settings.repeats.search_times, settings.repeats.seed) == (1, 0)
    assert settings.base.config == base_config(tmp_path)


def test_paddleclas_words(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "find_gpus", lambda: ["0", "1", "2", "3"])
    base = base_config(tmp_path)
    base["Arch"]["lr_mult_list"] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    size = "DataLoader.Train.dataset.transform_ops.1.RandCropImage.size"
    settings = load_search_file(
        write_search(
            tmp_path, base=base, gpus="0,1,2,3", search_times=2, search_mode="random",
            search_dict=[{
                "search_key": "lrs", "replace_config": ["Optimizer.lr.learning_rate"],
                "search_values": [0.0075, 0.01]
            }, {"search_key": "resolutions", "replace_config": [size], "search_values": [28, 32]}, {
                "search_key": "lr_mult", "replace_config": ["Arch.lr_mult_list"],
                "search_values": [[0.0, 1.0], [1.0, 1.0]]
            }, {
                "search_key": "name", "replace_config": "Arch.name",
                "search_values": ["ResNet18_vd", "ResNet34_vd"]
            }]))
    assert settings.devices.gpus == ("0", "1", "2", "3")
    assert settings.repeats.search_times == 2
    assert settings.search_space.space.size == 16
    assert settings.search_space.keys[1].replace_config == (size,)
    assert settings.search_space.keys[3].replace_config == ("Arch.name",)


@pytest.mark.parametrize(("written", "read"), [("0,1", ("0", "1")), ([0, 1], ("0", "1")),
                                               (0, ("0", )), ("2", ("2", )), (None, ()),
                                               ("0, 3", ("0", "3"))])
def test_gpus_in_every_form(tmp_path, monkeypatch, written, read):
    monkeypatch.setattr(devices, "find_gpus", lambda: ["0", "1", "2", "3"])
    assert load_search_file(write_search(tmp_path, gpus=written)).devices.gpus == read


@pytest.mark.parametrize(("written", "read"), [(None, 60.0), (0, 0.0), (2.5, 2.5), ("none", None),
                                               ("None", None)])
def test_the_seconds_between_checkpoints(tmp_path, written, read):
    given = {} if written is None else {"checkpoint_every": written}
    settings = load_search_file(write_search(tmp_path, **given))
    assert settings.devices.checkpoint_every == read
    assert SearchSettings.from_dict(settings.to_dict()).devices.checkpoint_every == read


@pytest.mark.parametrize("written", [-1, "60", True, [60], float("nan"), float("inf")])
def test_seconds_between_checkpoints_that_are_none(tmp_path, written):
    (text,) = issues(write_search(tmp_path, checkpoint_every=written))
    assert text.startswith("checkpoint_every: must be a number of seconds, 0 or more, or none")
    assert text.endswith("0 saves a checkpoint after every epoch, none saves none.")


def test_max_iter_defaults_to_twenty_where_there_is_no_grid(tmp_path):
    assert load_search_file(write_search(tmp_path, search_mode="bayes")).budget.max_iter == 20
    path = write_search(tmp_path, search_mode="bayes", max_iter=7)
    assert load_search_file(path).budget.max_iter == 7


def test_ranges(tmp_path):
    settings = load_search_file(
        write_search(
            tmp_path, search_mode="bayes", fixed={"lr": 1, "epochs": 3.0},
            search_dict=[{"search_key": "lr", "search_range": [1e-4, 1]}, {
                "search_key": "epochs", "search_range": [2, 9], "integer": True,
                "replace_config": ["Global.epochs"]
            }]))
    assert settings.search_space.space.hyperparameters == (Range("lr", 1e-4, 1.0,
                                                    log=True), Range("epochs", 2, 9, integer=True))
    assert settings.search_space.baseline == {"lr": 1.0, "epochs": 3}
    assert type(settings.search_space.baseline["epochs"]) is int


def test_log_may_be_turned_off_and_on(tmp_path):
    settings = load_search_file(
        write_search(
            tmp_path, search_dict=[{"search_key": "lr", "log": False},
                                   {"search_key": "l2_decay", "search_values": [0, 1e-4, 1e-3]}, {
                                       "search_key": "m", "replace_config": ["Optimizer.momentum"],
                                       "search_values": [0.5, 0.9], "log": True
                                   }]))
    space = settings.search_space.space
    assert [hyperparameter.log for hyperparameter in space.hyperparameters] == [False, True, True]


def test_the_fixed_point_is_made_of_the_spaces_own_values(tmp_path):
    settings = load_search_file(
        write_search(tmp_path, search_dict=[{"search_key": "lr", "search_values": [1, 0.5]}],
                     fixed={"lr": 1.0}))
    assert type(settings.search_space.baseline["lr"]) is int


def test_overrides_go_to_the_search_file_and_to_the_base_config(tmp_path):
    path = write_search(tmp_path)
    settings = load_search_file(path, [
        "search_mode=bayes", "max_iter=5", "search_dict.0.search_values=[1e-3, 1e-2]",
        "Global.epochs=9", "DataLoader.Train.sampler.batch_size=4"
    ])
    assert (settings.sampling.sampler.name, settings.budget.max_iter) == ("bayes", 5)
    assert settings.search_space.space["lr"].values == (0.001, 0.01)
    assert settings.base.config["Global"]["epochs"] == 9
    assert settings.base.config["DataLoader"]["Train"]["sampler"]["batch_size"] == 4
    assert settings.base.options == ("Global.epochs=9", "DataLoader.Train.sampler.batch_size=4")
    assert load_yaml(str(tmp_path / "base.yaml"))["Global"]["epochs"] == 3


def test_the_base_config_is_looked_for_here_first_and_then_beside_the_search_file(
        tmp_path, monkeypatch):
    path = write_search(tmp_path, base_config_file="base.yaml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load_search_file(path).base.config["Global"]["epochs"] == 3
    (elsewhere / "base.yaml").write_text((tmp_path / "base.yaml").read_text().replace(
        "epochs: 3", "epochs: 8"))
    assert load_search_file(path).base.config["Global"]["epochs"] == 8


def test_gpus_that_are_not_used_are_pointed_out(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "find_gpus", lambda: ["0", "1"])
    assert any(
        "-o gpus=0,1 uses them" in note for note in load_search_file(write_search(tmp_path)).notes)
    (note,) = load_search_file(write_search(tmp_path, gpus="0", workers=2)).notes
    assert "workers is for the CPU" in note


def test_names_agree_with_the_samplers():
    assert set(SAMPLERS.names()) == {"grid", "bayes", "random", "greedy"}
    assert {name.lower() for name in values.ACQUISITIONS} == set(ACQUISITIONS)


def test_identity_changes_with_what_matters_only(tmp_path):
    path = write_search(tmp_path)
    first = load_search_file(path).identity()
    for same in ("workers=2", "max_iter=3", "keep_models=9", "search_mode=random",
                 "Global.device=cpu", "DataLoader.Train.loader.num_workers=4", "trial_timeout=9"):
        assert load_search_file(path, [same]).identity() == first, same
    for other in ("seed=1", "metric=top5", "search_times=2", "Global.epochs=4",
                  "search_dict.0.log=False", "search_dict.0.search_values=[0.1]",
                  "search_dict=[{search_key: lr}]"):
        assert load_search_file(path, [other]).identity() != first, other


# --- the ten kinds of mistakes ------------------------------------------------------------------

TEN = {
    "unknown key": ({"colour": "red"}, ["colour: unknown key; found 'colour'"]),
    "misspelt key": ({"max_itr": 3}, [
        "max_itr: unknown key; found 'max_itr'. Did you mean 'max_iter'?"
    ]),
    "empty values": ({
        "search_dict": [{"search_key": "lr", "search_values": []},
                        {"search_key": "mixup", "search_values": None}], "seed": None
    }, [
        "search_dict.0.search_values: must be a list with at least one item; found [] (a list). "
        "List the",
        "search_dict.1.search_values: must not be empty; found nothing. List the values to try",
        "seed: must not be empty; found nothing. Give a value, or leave the line out (then it is "
        "0)."
    ]),
    "wrong type": ({
        "workers": 1.5, "de_duplication": 1, "search_dict": {"search_key": "lr"},
        "trial_timeout": -1
    }, [
        "search_dict: must be a list with at least one item; found {'search_key': 'lr'} (a "
        "mapping)",
        "workers: must be a whole number, 1 to 1000; found 1.5 (a number)",
        "de_duplication: must be True or False; found 1 (an integer)",
        "trial_timeout: must be a number of seconds above 0; found -1"
    ]),
    "missing base config": ({"base_config_file": "no/such.yaml"}, [
        "base_config_file: must be a file that exists; found 'no/such.yaml'. Looked in"
    ]),
    "dotted path that does not exist": ({
        "search_dict": [{
            "search_key": "a", "replace_config": ["Optimizer.lr.learning_rte"],
            "search_values": [1]
        }, {
            "search_key": "b", "replace_config": ["Global.epochs", "Arch.xyz"],
            "search_values": [1]
        }]
    }, [
        "search_dict.0.replace_config.0: must exist in the base config; found "
        "'Optimizer.lr.learning_rte'. "
        "Did you mean 'Optimizer.lr.learning_rate'?",
        "search_dict.1.replace_config.1: must exist in the base config; found 'Arch.xyz'. Arch "
        "has name, class_num."
    ]),
    "metric that is not evaluated": ({"metric": "top3"}, [
        "metric: must be one that Metric.Eval of the base config reports; found 'top3'. Did you "
        "mean 'top"
    ]),
    "a gpu that is not there": ({"gpus": "0,7"}, [
        "gpus: must be GPUs that are there; found 7. There are 0, 1."
    ]),
    "a value that YAML read as a string": ({
        "search_dict": [{"search_key": "lr", "search_values": ["0.1", "1e-3x", "0,01"]}, {
            "search_key": "m", "replace_config": ["Optimizer.momentum"], "search_values": ["0.9"]
        }]
    }, [
        "search_dict.0.search_values.0: must be a number above 0; found '0.1' (a string). YAML "
        "read a string; write 0",
        "search_dict.0.search_values.1: must be a number above 0; found '1e-3x' (a string). YAML "
        "read a string; write",
        "search_dict.0.search_values.2: must be a number above 0; found '0,01' (a string). YAML "
        "read a string; write "
        "0.01, a number without quotes and with a decimal point.",
        "search_dict.1.search_values.0: must be a number, as what it replaces in the base config "
        "is; found '0.9' (a"
    ]),
    "an unwritable output_dir": ({"output_dir": "FILE/out"}, [
        "output_dir: must be a folder that can be written; found 'FILE/out'"
    ]),
}


@pytest.mark.parametrize("kind", TEN)
def test_each_of_the_ten_kinds(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(devices, "find_gpus", lambda: ["0", "1"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    fields, expected = TEN[kind]
    found = issues(write_search(tmp_path, **fields))
    assert len(found) == len(expected), found
    for text, start in zip(found, expected, strict=True):
        assert text.startswith(start), text


def test_all_ten_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "find_gpus", lambda: [])
    (tmp_path / "FILE").touch()
    path = write_search(
        tmp_path, colour="red", max_itr=3, workers="2", metric="top3", gpus=7, output_dir=str(
            tmp_path / "FILE" / "x"), search_dict=[{"search_key": "lr", "search_values": ["0.1"]}, {
                "search_key": "mixup", "search_values": []
            }, {"search_key": "a", "replace_config": ["Nowhere.at.all"], "search_values": [1]}])
    with pytest.raises(ConfigError) as caught:
        load_search_file(path, ["Gloabl.epochs=1"])
    assert str(caught.value).startswith(f"{path}: 10 mistakes\n  - ")
    assert {mistake.where for mistake in caught.value.issues} == {
        "colour", "max_itr", "workers", "metric", "gpus", "output_dir",
        "search_dict.0.search_values.0", "search_dict.1.search_values",
        "search_dict.2.replace_config.0", "-o Gloabl.epochs=1"
    }
    assert all(mistake.rule and (mistake.found or mistake.hint) for mistake in caught.value.issues)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; runs as an ordinary user")
def test_a_protected_output_dir(tmp_path):
    (tmp_path / "shut").mkdir(mode=0o555)
    (text,) = issues(write_search(tmp_path, output_dir=str(tmp_path / "shut" / "out")))
    assert "Permission denied" in text


# --- more mistakes ------------------------------------------------------------------------------

LR = {"search_key": "lr"}


@pytest.mark.parametrize(("item", "expected"), [
    ("lr", "search_dict.0: must be a mapping with search_key; found 'lr' (a string)"),
    ({}, "search_dict.0.search_key: is needed"),
    ({"search_key": 3}, "search_dict.0.search_key: must be a text; found 3"),
    ({"search_key": "mixpu"
      }, "search_dict.0.search_key: is not one that needs no replace_config; found 'mixpu'. "
     "Did you mean 'mixup'? Or say with replace_config what it sets."),
    ({"search_key": "x", "replace_config": ["Global.epochs"]
      }, "search_dict.0.search_values: is needed (or search_ran"),
    ({"search_key": "x", "replace_config": [], "search_values": [1]
      }, "search_dict.0.replace_config: must be a list w"),
    ({"search_key": "x", "replace_config": [7], "search_values": [1]
      }, "search_dict.0.replace_config.0: must be a dot"),
    ({**LR, "serch_values": [1]
      }, "search_dict.0.serch_values: unknown key; found 'serch_values'. Did you mean 'searc"),
    ({**LR, "search_values": [0.1, 0.1]
      }, "search_dict.0.search_values.1: must differ from the values before it; foun"),
    ({**LR, "search_values": [1, 1.0]
      }, "search_dict.0.search_values.1: must differ from the values before it"),
    ({**LR, "search_values": [0]
      }, "search_dict.0.search_values.0: must be a number above 0; found 0"),
    ({**LR, "search_values": [-0.1]
      }, "search_dict.0.search_values.0: must be a number above 0; found -0.1"),
    ({**LR, "search_values": [True]
      }, "search_dict.0.search_values.0: must be a number above 0; found True (a boolean"),
    ({**LR, "search_values": [float("nan")]
      }, "search_dict.0.search_values.0: must be a number above 0; found nan"),
    ({**LR, "search_values": [None]
      }, "search_dict.0.search_values.0: must be a number above 0; found nothing"),
    ({"search_key": "l2_decay", "search_values": [-1e-4]
      }, "search_dict.0.search_values.0: must be a number, 0 or mor"),
    ({"search_key": "label_smoothing", "search_values": [False, 1.0]
      }, "search_dict.0.search_values.1: must be False,"),
    ({"search_key": "label_smoothing", "search_values": [True, 0.1]},
     "search_dict.0.search_values.1: must differ from the values before it; found 0.1 (a "
     "number). True says the same."
     ),
    ({"search_key": "mixup", "search_values": [0, False]
      }, "search_dict.0.search_values.1: must differ from the value"),
    ({"search_key": "mixup", "search_values": ["on"]
      }, "search_dict.0.search_values.0: must be False, True (alpha 0.2"),
    ({**LR, "search_range": [1, 2], "search_values": [1]
      }, "search_dict.0.search_range: may not stand beside search_v"),
    ({**LR, "search_range": [1]
      }, "search_dict.0.search_range: must be two numbers, [low, high]; found [1] (a list)"),
    ({**LR, "search_range": ["1e-4x", 1]
      }, "search_dict.0.search_range: must be two numbers, [low, high]"),
    ({**LR, "search_range": [2, 1]
      }, "search_dict.0.search_range: low < high must hold; found [2, 1]"),
    ({**LR, "search_range": [0, 1]
      }, "search_dict.0.search_range: must be a number above 0; found [0, 1]"),
    ({"search_key": "l2_decay", "search_range": [0, 1]},
     "search_dict.0.search_range: a range on a logarithmic axis starts above 0; found [0, 1] (a "
     "list). Write 'log: F"
     ),
    ({
        "search_key": "x", "replace_config": ["Global.epochs"], "search_range": [1, 2.5],
        "integer": True
    }, "search_dict.0.search_range: the ends of an integer range must be whole numbers"),
    ({**LR, "integer": True}, "search_dict.0.integer: belongs to search_range"),
    ({**LR, "log": "yes"}, "search_dict.0.log: must be True or False; found 'yes' (a string)"),
    ({"search_key": "x", "replace_config": ["Arch.name"], "search_values": ["a", "b"], "log": True
      }, "search_dict.0.log: needs values that are numbers, 0 or more"),
])
def test_mistakes_in_search_dict(tmp_path, item, expected):
    (text,) = issues(write_search(tmp_path, search_mode="bayes", search_dict=[item]))
    assert text.startswith(expected), text


@pytest.mark.parametrize(("fields", "expected"), [
    ({"search_dict": [LR, LR]
      }, "search_dict.1.search_key: may stand only once in search_dict; found 'lr'"),
    ({"search_dict": None
      }, "search_dict: must not be empty; found nothing. List what is to be searched"),
    ({"search_dict": [{**LR, "search_range": [1e-3, 1e-1]}]
      }, "search_dict.0.search_range: a grid needs a finite number of values; found [0.001, 0.1]"),
    ({"search_mode": "greedy", "fixed": PUBLISHED_FIXED
      }, "fixed: is not for a greedy search, which begins with the base"),
    ({"search_mode": "byes"},
     "search_mode: must be one of grid, bayes, random, greedy; found 'byes' (a string). Did you mea"
     ),
    ({"teacher": {"rm_keys": []}
      }, "teacher: belongs to search_mode greedy, PaddleClas's own search. Take it"),
    ({"max_iter": 0}, "max_iter: must be a whole number, 1 or more; found 0"),
    ({"search_times": "2"
      }, "search_times: must be a whole number, 1 to 1000; found '2' (a string). YAML read a stri"),
    ({"seed": 2 ** 31}, "seed: must be a whole number, 0 to 2147483647; found 2147483648"),
    ({"storage": "study.db"
      }, "storage: must be a storage URL of Optuna (sqlite:///file.db); found 'study.db'"),
    *(({"storage": storage}, "storage: must be a storage URL of Optuna (postgresql+psycopg://"
       "USER@HOST/DATABASE); found something that may hold a password. Characters such as @ / : ")
      for storage in ("postgresql://me:p@ssw0rd@host/db", "postgresql:me:ssw0rd@host/db",
                      "postgresql://me:p/w0rd@host/db", {"url": "postgresql://me:ssw0rd@host/db"})),
    ({"acquisition": "best"},
     "acquisition: must be one of KG, EI, logEI, PI, LCB, UCB; found 'best'"),
    ({"gpus": "a,b"}, "gpus: must be ids of GPUs, such as 0,1 or [0, 1]; found 'a,b'"),
    ({"gpus": True}, "gpus: must be ids of GPUs, such as 0,1 or [0, 1]; found True (a boolean)"),
    ({"gpus": [0, 0]}, "gpus: must name each GPU once; found [0, 0]"),
    ({"fixed": [1]}, "fixed: must be a mapping with at least one key; found [1] (a list)"),
    ({"fixed": {**PUBLISHED_FIXED, "lr": 0.5}
      }, "fixed.lr: must be one of the values that are searched; found 0.5 (a "
     "number). They are [0.1, 0.03,"),
    ({"fixed": {k: v for k, v in PUBLISHED_FIXED.items() if k != "mixup"}},
     "fixed.mixup: is needed: the fixed point has a value for every search_key; found nothing there"
     ),
    ({"fixed": {**PUBLISHED_FIXED, "cutmix": True}}, "fixed.cutmix: unknown key; found 'cutmix'"),
    ({"metric": 5}, "metric: must be a text; found 5"),
    ({"output_dir": ""}, "output_dir: must be a text; found ''"),
])
def test_mistakes_in_other_fields(tmp_path, monkeypatch, fields, expected):
    monkeypatch.setattr(devices, "find_gpus", lambda: ["0"])
    (text,) = issues(write_search(tmp_path, **fields))
    assert text.startswith(expected), text


def test_what_must_be_there(tmp_path):
    path = write_search(tmp_path, without=("base_config_file", "search_dict"))
    assert [text.partition(":")[0] for text in issues(path)] == ["base_config_file", "search_dict"]
    assert all(": is needed; found nothing there. " in text for text in issues(path))


def test_results_go_to_a_folder_named_after_the_file_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_search_file(write_search(tmp_path,
                                    without=("output_dir", ))).output.output_dir == "output/search"


def test_a_misspelt_key_is_not_also_missing(tmp_path):
    (text,) = issues(write_search(tmp_path, without=("search_mode",), serch_mode="grid"))
    assert "Did you mean 'search_mode'?" in text


def test_mistakes_of_the_base_config_come_along_with_its_name(tmp_path):
    base = base_config(tmp_path)
    base["Global"]["save_interval"] = 0
    base["Arch"]["class_num"] = 3
    path = write_search(tmp_path, base=base, workers=0)
    found = issues(path)
    file = str(tmp_path / "base.yaml")
    assert [text.partition(": must")[0].partition(": top-k")[0] for text in found] == [
        f"{file}: Global.save_interval", f"{file}: Metric.Train", f"{file}: Metric.Eval",
        "workers"
    ]


@pytest.mark.parametrize(("text", "expected"), [
    ("a: [1\n", "base.yaml: line 2, column 1: it must be valid YAML"),
    ("", "base.yaml: the file must hold a mapping"),
    ("Global: 3\nArch: x\n",
     "base.yaml: Global: must be a mapping; found 3 (an integer)"),
    ("Global: {epochs: 1}\nArch: []\n", "base.yaml: Arch: must be a mapping; found [] (a list)"),
])
def test_a_broken_base_config(tmp_path, text, expected):
    path = write_search(tmp_path, workers=0)
    (tmp_path / "base.yaml").write_text(text)
    found = issues(path)
    assert any(expected in line for line in found)
    assert any(line.startswith("workers") for line in found)


def test_a_broken_search_file_is_told_like_any_yaml(tmp_path):
    (tmp_path / "s.yaml").write_text("base_config_file: a\n  output_dir: b\n")
    (text,) = issues(str(tmp_path / "s.yaml"))
    assert text.startswith("line 2, column 13: it must be valid YAML")


@pytest.mark.parametrize(("change", "key", "expected"), [
    (lambda base: base["Arch"].pop("class_num"), "mixup",
     "mixup needs Arch.class_num of the base config"),
    (lambda base: base["Loss"].update(Train=[{"MultiLabelLoss": {"weight": 1.0}}]),
     "label_smoothing", "label_smoothing needs a CELoss in Loss.Train of the base config"),
    (lambda base: base["Loss"].update(Train=[{"MultiLabelLoss": {"weight": 1.0}}]), "mixup",
     "mixup needs a CELoss"),
    (lambda base: base["DataLoader"].update(Train={"x": 1}), "mixup",
     "mixup needs the DataLoader.Train.dataset"),
    (lambda base: base.update(Optimizer=[{"SGD": {"scope": "CenterLoss"}}]), "lr",
     "lr needs an Optimizer for the mod"),
])
def test_a_key_that_the_base_config_cannot_take(tmp_path, change, key, expected):
    base = base_config(tmp_path)
    change(base)
    (text,) = issues(write_search(tmp_path, base=base, search_dict=[{"search_key": key}]))
    assert text.startswith(f"search_dict.0.search_key: {expected}"), text


def test_a_value_that_cannot_be_put_in_is_found_before_training(tmp_path):
    base = base_config(tmp_path)
    base["Optimizer"]["lr"] = {"name": "Piecewise", "values": ["a", "b"], "decay_epochs": [1]}
    (text,) = issues(write_search(tmp_path, base=base, search_dict=[LR]))
    assert text.startswith("search_dict.0: lr=0.1 cannot be put into the base config; found ")


def test_a_metric_that_shrinks_is_not_for_a_search(tmp_path):
    base = base_config(tmp_path)
    base["Metric"]["Eval"] = [{"HammingDistance": None}, {"AccuracyScore": None}]
    assert load_search_file(write_search(tmp_path, base=base)).objective.metric == "AccuracyScore"
    (text,) = issues(write_search(tmp_path, base=base, metric="HammingDistance"))
    assert text.startswith("metric: must grow as the model gets better")
    assert text.endswith("Use AccuracyScore.")


def test_metrics_that_are_not_known(tmp_path):
    base = base_config(tmp_path)
    base["Metric"]["Eval"] = [{"MyOwn": None}]
    settings = load_search_file(write_search(tmp_path, base=base, metric="anything"))
    assert settings.objective.metric == "anything"
    (text,) = issues(write_search(tmp_path, base=base))
    assert text.startswith("metric: is needed")


def test_a_base_config_that_is_not_evaluated_in_training_is_in_a_search(tmp_path):
    base = base_config(tmp_path)
    base["Global"]["eval_during_train"] = False
    settings = load_search_file(write_search(tmp_path, base=base))
    point = next(iter(settings.search_space.space.points()))
    config = for_trial(settings.stages.raw_config(Proposal(point)), output_dir="out", seed=0,
                       device="cpu")
    assert config["Global"]["eval_during_train"] is True


@pytest.mark.parametrize(("key", "hints"), [
    ("epochs", ["Did you mean 'Global.epochs', of the training config?", "search_key: epochs"]),
    ("lr", ["Did you mean 'Optimizer.lr.learning_rate', of the training config?",
            "write search_key: lr in search_dict"]),
    ("weight_decay", ["write search_key: l2_decay in search_dict"]),
])
def test_a_key_of_the_training_config_is_told_with_its_place(tmp_path, key, hints):
    with pytest.raises(ConfigError) as caught:
        load_search_file(write_search(tmp_path), [f"{key}=3"])
    issue, = caught.value.issues
    assert issue.where == key
    assert all(hint in issue.hint for hint in hints)


@pytest.mark.parametrize(("word", "name"), [("weight_decay", "l2_decay"), ("learning_rate", "lr"),
                                            ("warmup_epoch", "warmup_epochs"),
                                            ("labelsmoothing", "label_smoothing")])
def test_another_word_for_a_search_key_is_told(tmp_path, word, name):
    with pytest.raises(ConfigError, match=f"Did you mean '{name}'"):
        load_search_file(write_search(tmp_path, search_dict=[
            {"search_key": word, "search_values": [0.1, 0.2]}], fixed=None))
