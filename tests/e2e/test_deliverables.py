"""Every config that the package hands out or back trains with PaddleClas's own engine, from the
start that it names, and measures the metric that was searched."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from paddle_transfer import dotpath
from paddle_transfer.cli.prepare import prepare_and_print
from paddle_transfer.config.base import FURTHER
from paddle_transfer.config.load import apply_overrides, dump_yaml, load_yaml, show_override
from paddle_transfer.config.resolve import MEAN_PER_CLASS
from paddle_transfer.config.shipped import shipped_configs
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.loop.final import FinalConfigs
from paddle_transfer.report.files import best_config
from paddle_transfer.settings import ineffective_keys
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.strategies.domain_adaptation import TARGET_FREE
from paddle_transfer.study.records import Stage, TrialRecord
from tests.helpers.datasets import picture
from tests.helpers.greedy_files import write_greedy
from tests.helpers.stock import train_all

CLASSES, IMAGES, SIDE = 5, 8, 32


@dataclass(frozen=True)
class Deliverable:
    """:param metric: that the search showed; empty for a config that is there before any search"""

    name: str
    config: dict
    metric: str = ""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder per class, and lists of train, val and test."""
    root = tmp_path_factory.mktemp("data")
    for first, split in enumerate(("train", "val", "test")):
        lines = []
        for i in range(IMAGES):
            file = root / f"class{i % CLASSES}" / f"{split}{i}.jpg"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(picture(first * IMAGES + i, side=SIDE))
            lines.append(f"{file.relative_to(root)} {i % CLASSES}\n")
        (root / f"{split}_list.txt").write_text("".join(lines))
    return root


def shrunk(config: dict, data: Path) -> list[str]:
    """Overrides that make a shipped config small: data, sizes, epochs and network."""
    arch = {"Arch.name": "PPLCNet_x0_25", "Arch.class_num": CLASSES}
    if "Backbone" in config["Arch"]:
        arch = {"Arch.Backbone.name": "PPLCNet_x0_25", "Arch.Backbone.pretrained": False,
                "Arch.Head.class_num": CLASSES, "Arch.class_num": CLASSES}
    values = {**arch, "Global.epochs": 1, "Global.eval_interval": 1, "Global.device": "cpu",
              "Global.image_shape": [3, SIDE, SIDE]}
    if config["Global"]["pretrained_model"]:
        values["Global.pretrained_model"] = str(data / "weights" / "best_model")
    for part, split in (("Train", "train"), ("Eval", "val"), ("Test", "test"),
                        *((part, "train") for part in FURTHER)):
        place = f"DataLoader.{part}"
        if not dotpath.exists(config, place):
            continue
        values |= {f"{place}.dataset.image_root": str(data), f"{place}.sampler.batch_size": 4,
                   f"{place}.dataset.cls_label_path": str(data / f"{split}_list.txt"),
                   f"{place}.loader.num_workers": 0, f"{place}.loader.use_shared_memory": False}
        if dotpath.exists(config, f"{place}.dataset.delimiter"):
            values[f"{place}.dataset.delimiter"] = " "
        for i, operator in enumerate(config["DataLoader"][part]["dataset"]["transform_ops"]):
            for name, arguments in operator.items():
                for key in ("size", "resize_short"):
                    if key in (arguments or {}):
                        values[f"{place}.dataset.transform_ops.{i}.{name}.{key}"] = SIDE
    return [show_override(path, value) for path, value in values.items()]


def of_search(name: str, source: str, overrides: list[str], folder: Path) -> list[Deliverable]:
    """``best_config.yaml`` of the first and the last point of a search, and the config of the final
    training of the last one."""
    settings = load_search_file(source, [*overrides, f"output_dir={folder / name}"])
    made, metric = [], settings.objective.metric
    points = [{key.name: key.hyperparameter.values[place] for key in settings.search_space.keys}
              for place in (0, -1)]
    for point in points:
        best = SimpleNamespace(best=TrialRecord(0, 0, point, 3))
        made.append(Deliverable(f"{name}: best_config", best_config(settings, best), metric))
        if settings.final is None or point is points[0]:
            continue
        final = FinalConfigs(settings.final, folder / name / "final", base=settings.base,
                             stages=settings.stages, device="cpu", metric=metric)
        final.join_lists()
        file = folder / name / "final" / "config.yaml"
        final.write(TrialRecord(0, 0, point, 3), file)
        made.append(Deliverable(f"{name}: final", load_yaml(str(file)), metric))
    return made


def shipped(data: Path, folder: Path) -> list[Deliverable]:
    """Of every shipped file, and of a folder of images of one's own."""
    made, root, own = [], shipped_configs(), folder / "my images"
    shutil.copytree(data, own)
    (data / "weights").mkdir()
    (data / "weights" / "best_model.pdparams").touch()  # that it is there is checked
    prepare_and_print("folder", own, PrepareOptions(test=0.2, processes=1))
    configs = [*sorted(root.glob("transfer/*/*.yaml")), *root.glob("quick_start/*_target.yaml"),
               *root.glob("quick_start/*_source.yaml"), own / "custom.yaml"]
    for file in configs:
        config = load_yaml(str(file))
        small = apply_overrides(config, [*shrunk(config, data), "Arch.pretrained=False"])
        made.append(Deliverable(file.name, small))
    seen = set()
    for file in [*sorted(root.glob("search/*.yaml")), *root.glob("quick_start/*search*.yaml"),
                 own / "custom_bayes.yaml"]:
        search = load_yaml(str(file))
        base = Path(search["base_config_file"])
        base_config = load_yaml(str(base if base.is_absolute() else root.parent / base))
        overrides = shrunk(base_config, data)
        # those of most data sets differ in nothing that a training shows that was shrunk
        kind = json.dumps([search.get(key) for key in ("search_dict", "metric", "final")]) + mark(
            apply_overrides(base_config, overrides))
        if kind not in seen:
            seen.add(kind)
            made += of_search(file.stem, str(file), overrides, folder)
    return made


def careless(data: Path, folder: Path) -> Deliverable:
    """Of a search over a config that was begun once, on another machine, with an older PaddleClas:
    nothing of that trains, or chooses the best epoch."""
    config = load_yaml(str(shipped_configs() / "transfer/ResNet18/cifar10.yaml"))
    config = apply_overrides(config, shrunk(config, data))
    del config["Arch"]["class_num"]
    config["Arch"].update(use_sync_bn=True, pretrained=False)
    config["Global"].update(class_num=CLASSES, checkpoints="./output/old/latest",
                            use_visualdl=True, image_shape=[3, 224, 224])
    config["DataLoader"]["Eval"]["sampler"].update(batch_size=3, drop_last=True)
    made = of_search("careless", {"base_config_file": config, "metric": "top5", "search_mode":
                     "grid", "search_dict": [{"search_key": "mixup"}]}, [], folder)
    return made[-1]


def student(data: Path, folder: Path) -> Deliverable:
    """Of PaddleClas's own search, which ends with a distillation."""
    config = load_yaml(str(shipped_configs() / "transfer/ResNet18/cifar10.yaml"))
    config = apply_overrides(config, [*shrunk(config, data), "Arch.pretrained=False",
                                      "Global.checkpoints=./output/old/latest"])
    (folder / "greedy").mkdir()
    file = write_greedy(
        folder / "greedy", config, search_mode="greedy", final_replace={}, search_dict=[
            {"search_key": "lrs", "replace_config": ["Optimizer.lr.learning_rate"],
             "search_values": [0.05, 0.1]}],
        teacher={"rm_keys": [], "search_values": ["PPLCNet_x0_25"]})
    settings = load_search_file(file)
    point = {"lrs": 0.1}
    teacher = TrialRecord(2, 2, point, 0, state="complete", value=0.5, stage=Stage.TEACHER,
                          teacher="PPLCNet_x0_25")
    best = SimpleNamespace(best=TrialRecord(3, 3, point, 3, stage=Stage.FINAL,
                                            teacher="PPLCNet_x0_25"))
    return Deliverable("student", best_config(settings, best, [teacher]),
                       settings.objective.metric)


def mark(config: dict) -> str:
    """The same of configs that differ in folders, comments and numbers that stock training takes
    as they are."""
    config = dotpath.clone(config)
    for path in ("Global.output_dir", "Global.save_inference_dir", "Infer", "DataLoader.Test"):
        if dotpath.exists(config, path):
            dotpath.delete(config, path)
    config["Optimizer"].pop("regularizer", None)
    config["Optimizer"]["lr"].pop("learning_rate", None)
    config["Global"]["pretrained_model"] = bool(config["Global"]["pretrained_model"])
    for part in ("Train", "Eval"):
        dataset = config["DataLoader"][part]["dataset"]
        dataset["cls_label_path"] = Path(dataset["cls_label_path"]).name
    return json.dumps(config, sort_keys=True)


def different(found: list[Deliverable]) -> list[Deliverable]:
    """One of all that have the same ``mark``."""
    return list({mark(one.config): one for one in reversed(found)}.values())


def test_every_deliverable_trains_with_paddleclass_own_engine(trainings, data, tmp_path,
                                                             monkeypatch):
    monkeypatch.setattr(ineffective_keys, "POINTS", 2)  # another test's matter
    found = different([*shipped(data, tmp_path), careless(data, tmp_path),
                       student(data, tmp_path)])
    files = []
    for number, one in enumerate(found):
        files.append(str(tmp_path / f"{number}.yaml"))
        dump_yaml(one.config, files[-1])
    for one, told in zip(found, trainings(train_all, files, str(tmp_path / "stock")), strict=True):
        images = 2 * IMAGES if one.name.endswith("final") else IMAGES
        assert told["epochs"] == [1], one.name
        assert told["steps"] >= images // 4, one.name
        assert told["loaded"], one.name
        assert told["saved"], one.name
        if one.metric and one.metric not in (MEAN_PER_CLASS, TARGET_FREE):  # ours
            assert told["chosen"] == one.metric, one.name
