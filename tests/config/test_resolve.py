import copy

import pytest

from paddle_transfer.config import resolve
from paddle_transfer.config.pretrained import network_config, weights_key
from tests.helpers.configs import base_config

DISTILLATION = {"name": "DistillationModel", "class_num": 7, "models": [
    {"Teacher": {"name": "ResNet18", "class_num": 5}},
    {"Student": {"name": "PPLCNet_x0_25", "class_num": 3}}]}
CHAIN = {"name": "DistillationModel", "models": [
    {"Teacher": {"name": "ResNet34"}},
    {"Student": {"name": "AttentionModel", "models": [
        {"ResNet18": {"name": "ResNet18", "class_num": 9}}, {"Bridge": {"name": "LinearTrans"}}]}}]}
HEAD = {"name": "RecModel", "class_num": 7, "Backbone": {"class_num": 8}, "Head": {"class_num": 9}}


@pytest.fixture
def config(tmp_path):
    return base_config(tmp_path)


@pytest.mark.parametrize(("arch", "globally", "where", "named", "built"), [
    ({"name": "X", "class_num": 7}, 4, "Arch.class_num", 7, 7),
    ({"name": "X"}, 4, "Global.class_num", 4, 4),
    ({"name": "X"}, None, "Arch.class_num", None, 1000),
    ({"name": "X", "class_num": None}, 4, "Arch.class_num", None, None),
    ({"name": "X", "class_num": "3"}, None, "Arch.class_num", None, None),
    ({"name": "X", "class_num": 3.0}, None, "Arch.class_num", None, None),
    ({"name": "X", "class_num": True}, None, "Arch.class_num", None, None),
    ({"name": "WideResNet", "num_classes": 10}, None, "Arch.num_classes", 10, 10),
    (HEAD, 4, "Arch.Head.class_num", 9, 9),
    ({"name": "RecModel", "Backbone": {}}, 4, "Arch.Head.class_num", None, None),
    (DISTILLATION, 4, "Arch.models.1.Student.class_num", 3, 3),
    ({"models": [{"A": {}}, {"B": {}}], "infer_model_name": "A"}, 4, "Arch.models.0.A.class_num",
     None, 1000),
    (CHAIN, 4, "Arch.models.1.Student.models.0.ResNet18.class_num", 9, 9),
    ({"models": [{"A": HEAD}]}, None, "Arch.models.0.A.Head.class_num", 9, 9),
    ("a text", None, "Arch.class_num", None, 1000),
])
def test_the_class_count_is_the_one_that_the_network_is_built_with(arch, globally, where, named,
                                                                   built):
    config = {"Arch": arch, "Global": {} if globally is None else {"class_num": globally}}
    before = copy.deepcopy(config)
    assert resolve.class_num_path(config) == where
    assert (resolve.class_num(config), resolve.outputs(config)) == (named, built)
    assert config == before


def test_without_a_student_the_metric_names_the_network():
    arch = {"models": [{"A": {"class_num": 2}}, {"B": {"class_num": 3}}], "infer_model_name": "B"}
    config = {"Arch": arch, "Metric": {"Eval": [{"DistillationTopkAcc": {"model_key": "A"}}]}}
    assert resolve.class_num(config) == 2


@pytest.mark.parametrize(("arch", "classes"), [(HEAD, 7), ({"name": "X"}, 4), (DISTILLATION, 7)])
def test_mixed_labels_have_the_classes_of_arch(arch, classes):
    assert resolve.mixed_classes({"Arch": arch, "Global": {"class_num": 4}}) == classes


def test_a_class_count_of_global_reaches_the_weights_as_one_of_arch_does():
    mine = {"Global": {"class_num": 3}, "Arch": {"name": "ResNet18", "pretrained": True}}
    same = {"Global": {}, "Arch": {"class_num": 3, "name": "ResNet18", "pretrained": True}}
    assert resolve.with_class_num(mine) == same
    assert network_config(mine) == network_config(same)
    assert weights_key(mine) == weights_key(same)


@pytest.mark.parametrize(("metrics", "names", "closed"), [
    ([{"TopkAcc": {"topk": [1, 5]}}], ["top1", "top5", "mean_per_class"], True),
    ([{"TopkAcc": {"topk": 1}}], ["top1", "mean_per_class"], True),
    ([{"TopkAcc": None}], ["top1", "top5", "mean_per_class"], True),
    ([{"TopkAcc": {"topk": [1, 9]}}], ["top1", "mean_per_class"], True),
    ([{"ATTRMetric": None}, {"MultiLabelMAP": {}}], [
        "ma", "label_f1", "label_pos_recall", "label_neg_recall", "instance_f1", "instance_acc",
        "instance_prec", "instance_recall", "MultiLabelMAP"
    ], True),
    ([{"HammingDistance": None}, {"AccuracyScore": None}], ["AccuracyScore"], True),
    ([{"MyOwn": {"x": 1}}], [], False),
    ([], [], True),
])
def test_metric_names(config, metrics, names, closed):
    config["Metric"]["Eval"] = metrics
    assert resolve.metric_names(config) == (names, closed)


@pytest.mark.parametrize("setting", [{"use_multilabel": True}, {"eval_mode": "retrieval"}])
def test_mean_per_class_is_for_one_label_an_image(config, setting):
    assert "mean_per_class" in resolve.metric_names(config)[0]
    config["Global"].update(setting)
    assert "mean_per_class" not in resolve.metric_names(config)[0]




def test_the_metric_of_stock_training_is_the_first():
    def metric(*metrics):
        return resolve.metric({"Arch": {"class_num": 3}, "Metric": {"Eval": list(metrics)}})
    assert metric({"TopkAcc": {"topk": [5, 1]}}) == "top1", "5 is more than the classes"
    assert metric({"MultiLabelMAP": None}, {"TopkAcc": None}) == "MultiLabelMAP"
    assert metric({"MyOwn": None}, {"TopkAcc": None}) is None
    assert metric() is None


@pytest.mark.parametrize(("section", "epochs"), [
    ({"epochs": 5}, [1, 2, 3, 4, 5]), ({"epochs": 5, "eval_interval": 2}, [2, 4]),
    ({"epochs": 5, "eval_interval": 2, "start_eval_epoch": 3}, [4]),
    ({"epochs": 3, "start_eval_epoch": 3}, [3]), ({"epochs": 3, "start_eval_epoch": 4}, []),
    ({"epochs": 3, "eval_interval": 4}, []), ({"epochs": "3"}, []), ({"epochs": True}, [])])
def test_the_epochs_that_are_evaluated(section, epochs):
    assert list(resolve.evaluated_epochs({"Global": section})) == epochs


@pytest.mark.parametrize(("operators", "size"), [
    ([{"ResizeImage": {"resize_short": 36}}, {"CropImage": {"size": 32}}], (32, 32)),
    ([{"ResizeImage": {"size": [48, 192]}}], (48, 192)),
    ([{"CenterCrop": {"size": [48, 192]}}], (192, 48)),
    ([{"ResizeImage": {"size": 64, "resize_short": 36}}], None),
    ([{"CropImage": {"size": "32"}}], None), ([{"DecodeImage": None}], None), ([], None)])
def test_the_size_of_images_is_that_of_the_last_operator_that_sets_one(operators, size):
    config = {"DataLoader": {"Eval": {"dataset": {"transform_ops": operators}}}}
    assert resolve.image_size(config) == size


@pytest.mark.parametrize(("shape", "read"), [([3, 32, 48], [3, 32, 48]), ([3, "32", 32], None),
                                             ([3, 32], None), (None, None), (32, None)])
def test_the_input_of_the_exported_network(shape, read):
    assert resolve.image_shape({"Global": {"image_shape": shape}}) == read


def test_seed_and_device():
    assert (resolve.seed({}), resolve.device({})) == (None, "cpu")
    settings = {"Global": {"seed": 0, "device": "gpu:1"}}
    assert (resolve.seed(settings), resolve.device(settings)) == (0, "gpu")
    assert resolve.seed({"Global": {"seed": True}}) is None
