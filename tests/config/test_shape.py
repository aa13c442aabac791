import pytest

from paddle_transfer import dotpath
from paddle_transfer.config.shape import SHAPES, check_shape, require_shape
from paddle_transfer.errors import ConfigError
from tests.helpers.configs import base_config


def changed(path, value):
    config = base_config()
    dotpath.set_(config, path, value, create=True)
    return config

TRAIN_OPS = "DataLoader.Train.dataset.transform_ops"
BATCH_OPS = "DataLoader.Train.dataset.batch_transform_ops"


@pytest.mark.parametrize(("path", "value", "told"), [
    ("Global", [1], "Global: must be a mapping; found [1] (a list)"),
    ("Arch", [{"name": "x"}], "Arch: must be a mapping"),
    ("Arch.name", ["x"], "Arch.name: must be a text"),
    ("Loss", [1], "Loss: must be a mapping"),
    ("Loss.Train", "CELoss", "Loss.Train: must be a list of one name each with its arguments"),
    ("Loss.Train", ["CELoss"], "Write one a line, such as '- TopkAcc: {topk: [1, 5]}'."),
    ("Metric.Eval", [{"TopkAcc": [1]}], "Metric.Eval: must be a list of one name each"),
    ("Metric.Eval", [{"TopkAcc": None, "b": None}], "Metric.Eval: must be a list of one name"),
    ("Metric.Eval.0.TopkAcc.topk", [-1, "a", None],
     "Metric.Eval.0.TopkAcc.topk: must be whole numbers, 1 or more; found [-1, 'a', None]"),
    ("Metric.Eval.0.TopkAcc.topk", [], "topk: must be whole numbers, 1 or more; found []"),
    ("Metric.Eval.0.TopkAcc.topk", True, "topk: must be whole numbers, 1 or more; found True"),
    ("Optimizer", "Adam", "Optimizer: must be a mapping, or a list of one name each"),
    ("Optimizer.lr", 0.1, "Optimizer.lr: must be a mapping"),
    ("DataLoader.Train", "x", "DataLoader.Train: must be a mapping"),
    ("DataLoader.Train.sampler.batch_size", "8", "batch_size: must be a whole number, 1 or more"),
    ("DataLoader.Eval.dataset.delimiter", 3, "DataLoader.Eval.dataset.delimiter: must be a text"),
    ("DataLoader.Eval.dataset.transform_ops", {"a": 1}, "transform_ops: must be a list of one"),
    ("Transfer", "10w", "Transfer: must be a mapping; found '10w' (a string). For example"),
    ("Infer.PostProcess.topk", 0, "Infer.PostProcess.topk: must be whole numbers, 1 or more"),
    *((TRAIN_OPS, [{operator: {key: text}}], f"{operator}.{key}: must be a number, or a text of")
      for operator, key, text in (
          ("NormalizeImage", "scale", "__import__('os').system('x')"),
          ("NormalizeImage", "scale", "9**9**9"), ("RandomErasing", "EPSILON", "exit()"),
          ("RandomErasing", "r1", "open"), ("RandomErasing", "sl", [0.1]))),
    (TRAIN_OPS, [{"exit()": None}], "transform_ops: must be a list of one name each"),
    ("Loss.Train", [{"print(1)": {"weight": 1}}], "Loss.Train: must be a list of one name each"),
    (BATCH_OPS, [{"OpSampler": {"__import__('os').system": {"prob": 1}}}],
     "OpSampler: must be a mapping of operators' names"),
])
def test_what_has_another_shape_is_named_once(path, value, told):
    issue, = check_shape(changed(path, value))
    assert told in str(issue)


@pytest.mark.parametrize("path", [path for path in SHAPES if "*" not in path])
def test_what_is_null_has_no_shape(path):
    assert check_shape(changed(path, None)) == []


@pytest.mark.parametrize("scale", ["1.0/255.0", "1/255.", 0.00392157, 1, "(1 / 255)", "3.9e-3"])
def test_a_formula_of_numbers_is_one(scale):
    assert check_shape(changed(TRAIN_OPS, [{"NormalizeImage": {"scale": scale}}])) == []


def test_a_search_file_is_no_training_config():
    with pytest.raises(ConfigError, match="is a search file, but a training config is wanted here"):
        require_shape({"base_config_file": "x", "search_dict": []}, "s.yaml")


def test_sections_that_a_command_needs():
    with pytest.raises(ConfigError, match=r"Infer\.transforms: is needed; found nothing there"):
        require_shape({"Arch": {"name": "x"}}, "f", ("Arch", "Infer.transforms"))


def test_all_mistakes_come_at_once():
    config = changed("Global", 1)
    config["Metric"]["Eval"] = config["Metric"]["Train"] = 3
    with pytest.raises(ConfigError, match=r"^a\.yaml: 3 mistakes\n") as told:
        require_shape(config, "a.yaml")
    assert {issue.where for issue in told.value.issues} == {"Global", "Metric.Eval", "Metric.Train"}


def test_whole_configs_have_their_shape():
    require_shape(base_config(), "f")
    require_shape({"Optimizer": [{"SGD": {"lr": {}}}], "DataLoader": {"mean": [0.5], "Eval": {
        "Query": {"dataset": {"name": "x"}}}}, "Metric": {"Eval": [{"mAP": None}]}}, "f")
