"""Every shipped YAML: in step with its table, and loaded and validated."""

import re
from pathlib import Path

import pytest
import yaml

from paddle_transfer.cli.schema import schema_text
from paddle_transfer.config import pretrained
from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.shipped import SCHEMA
from paddle_transfer.datasets.config_files import shipped_files
from paddle_transfer.datasets.registry import public_datasets
from paddle_transfer.errors import ConfigError
from paddle_transfer.report.preview import preview
from paddle_transfer.settings import ineffective_keys
from paddle_transfer.settings.final import Final
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.study.records import Proposal

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "ppcls_configs"
PUBLIC = public_datasets()
TRANSFER = sorted(CONFIGS.glob("transfer/*/*.yaml"))
SEARCH = sorted(CONFIGS.glob("search/*.yaml"))
#: Strategy -> the section of its second list.
TWO_LISTS = {"multi_task": "Source", "domain_adaptation": "Unlabeled"}


def name(path):
    return path.stem


def test_files_are_in_step_with_the_table():
    files = shipped_files()
    there = {path.relative_to(CONFIGS).as_posix(): path.read_text() for path in TRANSFER + SEARCH}
    assert there.keys() == files.keys(), "python tools/make_configs.py"
    assert [file for file in files
            if there[file] != files[file]] == [], "python tools/make_configs.py"


def test_the_schema_is_in_step_and_every_search_file_names_it():
    assert (CONFIGS / SCHEMA).read_text(encoding="utf-8") == schema_text(), (
        "python tools/make_configs.py")
    for path in (*SEARCH, *CONFIGS.glob("quick_start/*search*.yaml")):
        first = path.read_text().splitlines()[0]
        assert first == f"# yaml-language-server: $schema=../{SCHEMA}"
        assert (path.parent / first.partition("=")[2]).is_file()


def test_the_fourteen_are_there():
    assert {path.stem for path in TRANSFER} == {
        *PUBLIC, "custom", *(f"custom_{strategy}" for strategy in TWO_LISTS), "voc2012_two_layers"}
    modes = {
        f"{data}_{mode}" for data in (*PUBLIC, "custom")
        for mode in ("grid", "bayes", "extended", "weights", "strategies")
    }
    modes |= {f"custom_{strategy}_search" for strategy in TWO_LISTS}
    assert {path.stem for path in SEARCH} == modes - {"voc2012_weights", "cifar10_weights"}


@pytest.mark.parametrize("path", TRANSFER, ids=name)
def test_training_configs_are_flat_and_right(path):
    config = load_yaml(str(path))
    assert [section for section in config if section != "Transfer"] == [
        "Global", "Arch", "Loss", "Optimizer", "DataLoader", "Infer", "Metric"]
    dataset = PUBLIC.get(path.stem.removesuffix("_two_layers"))
    classes = dataset.classes if dataset else 10
    assert config["Arch"]["class_num"] == config["Arch"].get("Head", {}).get("class_num",
                                                                             classes) == classes
    assert path.parent.name == (dataset.recipe.arch if dataset else "ResNet50_vd")
    published = {
        "voc2012": (0.0005, 64, 20), "cifar10": (0.0005, 128, 10), "custom": (0.001, 64, 20)
    }
    lr, batch, epochs = published.get(dataset.name if dataset else "custom", (0.003, 64, 20))
    assert config["Optimizer"]["lr"]["learning_rate"] == lr
    assert config["Optimizer"]["regularizer"]["coeff"] == 0.0001
    assert config["DataLoader"]["Train"]["sampler"]["batch_size"] == batch
    assert config["Global"]["epochs"] == epochs
    assert config["Loss"]["Train"] == [{"CELoss": {"weight": 1.0}}], "no label smoothing"
    loader = config["DataLoader"]
    assert "batch_transform_ops" not in loader["Train"]["dataset"], "no mixup"
    further = {section for section in TWO_LISTS.values() if section in loader}
    for section in further:
        assert loader[section]["dataset"]["transform_ops"] == loader["Train"]["dataset"][
            "transform_ops"]
        assert {TWO_LISTS[config["Transfer"]["strategy"]]} == further
    for section in set(loader) - {"Train", *further}:
        ops = {
            key: value
            for op in loader[section]["dataset"]["transform_ops"]
            for key, value in op.items()
        }
        assert ops["ResizeImage"] == {"resize_short": 256}
        assert ops["CropImage"] == {"size": 224}
        assert ops["NormalizeImage"]["mean"] == [0.485, 0.456, 0.406]
    assert ("Test" in loader) == (dataset is None or "test" in dataset.official)
    # a number that YAML 1.1 reads as a string, as PaddleClas's own reader does
    assert not re.search(r": \d+e-?\d+\s*$", path.read_text(), re.M)


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory):
    """A folder with the shipped configs and (empty) data where they look for it."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "ppcls_configs").symlink_to(CONFIGS)
    for data in (*PUBLIC, "custom"):
        (folder / "dataset" / data).mkdir(parents=True)
        for split in ("train", "val", "test", "source", "unlabeled"):
            (folder / "dataset" / data / f"{split}_list.txt").touch()
    return folder


def published(path):
    return not path.stem.endswith(("_strategies", "_search"))


@pytest.mark.parametrize("path", filter(published, SEARCH), ids=name)
def test_search_files_have_the_published_points(path, anywhere, monkeypatch):
    monkeypatch.chdir(anywhere)
    if not path.stem.startswith(("custom", "cifar10", "voc2012")):
        # the points of the others are those of custom: which of them are the same is known
        monkeypatch.setattr(ineffective_keys, "POINTS", 4)
    settings = load_search_file(f"ppcls_configs/search/{path.name}")
    mode = path.stem.rpartition("_")[2]
    more = {
        "extended": ("cutmix", "autoaugment", "randaugment", "cutout", "dropout"),
        "weights": ("pretrained", )
    }
    assert settings.space.size == 196 * 2 ** len(more.get(mode, ()))
    assert settings.space.names == ("lr", "l2_decay", "label_smoothing", "mixup",
                                    *more.get(mode, ()))
    assert list(settings.space["lr"].values) == [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001]
    assert list(settings.space["l2_decay"].values) == [1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6]
    assert settings.search_mode == ("grid" if mode == "grid" else "bayes")
    assert settings.max_iter == {"grid": 196, "bayes": 20, "extended": 50, "weights": 30}[mode]
    data = path.stem.removesuffix(f"_{mode}")
    lr = {"custom": 0.001, "voc2012": 0.0003, "cifar10": 0.0003}.get(data, 0.003)
    assert settings.fixed == {
        "lr": lr, "l2_decay": 1e-4, "label_smoothing": False, "mixup": False,
        **{key: "imagenet" if key == "pretrained" else False for key in more.get(mode, ())}
    }
    # the protocol: chosen on the validation list by what is reported; then train + validation,
    # and the test list once
    per_class = {"oxford_iiit_pets", "oxford_102_flowers", "caltech101", "fgvc_aircraft"}
    assert settings.metric == ("mean_per_class" if data in per_class else "top1")
    assert settings.final == (None if data == "voc2012" else Final("train+val"))
    lists = {part: section["dataset"]["cls_label_path"].rpartition("/")[2]
             for part, section in settings.base_config["DataLoader"].items()}
    assert lists == {"Train": "train_list.txt", "Eval": "val_list.txt",
                     **({"Test": "test_list.txt"} if settings.final else {})}


@pytest.mark.parametrize("path", [path for path in SEARCH if path.stem.endswith("_strategies")
                                  and not path.stem.startswith("voc2012")], ids=name)
def test_strategies_are_searched_with_weights_and_rate_in_few_trials(path, anywhere, monkeypatch):
    monkeypatch.chdir(anywhere)
    settings = load_search_file(f"ppcls_configs/search/{path.name}")
    names, space = settings.search_space.space.names, settings.search_space.space
    large = settings.base.config["Arch"]["name"] == "ResNet50_vd"
    assert names == ("strategy", "backbone_rate", "strength", "lr", *["pretrained"] * large)
    assert space.size == ((3 + 2) * 7 + 3) * (1 + large)
    assert settings.budget.max_iter == 12
    assert settings.search_space.baseline["strategy"] == "full"


@pytest.mark.parametrize(("strategy", "metric", "size", "first"), [
    ("multi_task", "top1", 5 + 5 * 3, {"strategy": "full"}),
    ("domain_adaptation", "target_free", 5 * (2 * 3 + 1),
     {"adaptation": "adversarial", "adaptation_weight": 1.0})])
def test_strategies_on_two_lists_have_a_search_each(strategy, metric, size, first, anywhere,
                                                    monkeypatch):
    monkeypatch.chdir(anywhere)
    settings = load_search_file(f"ppcls_configs/search/custom_{strategy}_search.yaml")
    assert (settings.metric, settings.space.size, settings.max_iter) == (metric, size, 12)
    assert settings.fixed.items() >= {**first, "lr": 0.001}.items()
    assert settings.final == (Final("train+val") if metric == "top1" else None)


def test_the_published_comparison_of_four_ways_on_voc2012(anywhere, monkeypatch):
    monkeypatch.chdir(anywhere)
    settings = load_search_file("ppcls_configs/search/voc2012_strategies.yaml")
    assert [settings.search_space.space.size, settings.sampling.sampler.name] == [4, "grid"]
    assert settings.objective.columns == (
        "top5", "mean_per_class", "train_top1", "train_top5", "train_mean_per_class")
    rows = {}
    for way in settings.search_space.space["strategy"].values:
        config = settings.stages.raw_config(Proposal({
            "strategy": way, "head_hidden": 256, "optimizer": "RMSProp", "lr": 0.0005,
            "lr_schedule": "constant"}))
        assert config["Arch"]["name"] == "VGG16"
        assert config["Optimizer"]["name"] == "RMSProp"
        assert "0.0005" in str(config["Optimizer"]["lr"])
        assert config["Transfer"]["head"] == {"hidden": [256]}
        name = way if isinstance(way, str) else way["name"]
        rows[name] = (config["Transfer"].get("strategy"), pretrained.wanted_weights(config))
    assert rows["discriminative"][0] == {"name": "discriminative", "backbone": 0.2}
    assert rows["scratch"][1] is None
    assert rows["full"] == (None, pretrained.WantedWeights(
        "imagenet", "fresh", "Arch.pretrained", ("fc1", "fc2")))


def test_resnet18_on_cifar10_is_the_published_recipe():
    config = yaml.safe_load((CONFIGS / "transfer/ResNet18/cifar10.yaml").read_text())
    assert config["Transfer"] == {"head": {"init": "xavier"}}
    assert (config["Global"]["epochs"], config["Optimizer"]["lr"]["learning_rate"]) == (10, 0.0005)
    operators = config["DataLoader"]["Train"]["dataset"]["transform_ops"]
    assert operators[-1]["NormalizeImage"]["mean"] == [0.485, 0.456, 0.406]


@pytest.mark.parametrize(("data", "parts"), [
    ("voc2012", ("Train", "Eval")), ("custom", ("Train", "Eval", "Test"))])
def test_a_dry_run_needs_no_data_and_a_search_names_each_list(data, parts, monkeypatch, tmp_path):
    (tmp_path / "ppcls_configs").symlink_to(CONFIGS)
    monkeypatch.chdir(tmp_path)
    file = f"ppcls_configs/search/{data}_bayes.yaml"
    text = preview(load_search_file(file, dry_run=True))
    assert ("tested once" in text) == ("Test" in parts)
    with pytest.raises(ConfigError) as caught:
        load_search_file(file)
    for lines in (text, str(caught.value)):
        assert [
            part for part in ("Train", "Eval", "Test")
            if f"DataLoader.{part}.dataset.cls_label_path: must be a file that exists" in lines
        ] == list(parts)
