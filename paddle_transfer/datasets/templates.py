"""Training configs and search files, made from one template and the table of data sets."""

from __future__ import annotations

import json
from dataclasses import dataclass

from paddle_transfer.datasets.catalogue import DATASETS, DataSet

_OFF_ON = ("False", "True")

#: mode -> what it is, suggestions at most (0: a grid, all of them), keys beside the published four; the first value of
#: each is the fixed point's.
MODES: dict[str, tuple[str, int, dict[str, tuple[str, ...]]]] = {
    "grid": ("all 196 points of the published space", 0, {}),
    "bayes": ("Bayesian search in the published space", 20, {}),
    "extended": ("the published space with more augmentation and regularization", 50,
                 dict.fromkeys(("cutmix", "autoaugment", "randaugment", "cutout", "dropout"),
                               _OFF_ON)),
    "weights": (
        "the published space from ImageNet weights and from the large-scale ones (100,000 classes)",
        30, {"pretrained": ("imagenet", "10w")}),
}


@dataclass(frozen=True)
class Setting:
    """What differs from one training config to the next. ``root`` is the data set's folder, without a final /."""

    title: str
    root: str
    classes: int
    counts: str
    sample: str
    arch: str = "ResNet50_vd"
    lr: float = 0.001
    epochs: int = 20
    batch_size: int = 64
    has_val: bool = True
    has_test: bool = True
    delimiter: str = " "
    metric: str = "top1"
    two_layers: bool = False
    remark: str = ""
    no_test: str = ""  # what to do without a test list


def setting_of(dataset: DataSet, *, two_layers: bool = False) -> Setting:
    counts = " / ".join(f"{count} {split}" for split, count in dataset.counts.items())
    return Setting(
        title=dataset.title, root=f"./dataset/{dataset.name}", classes=dataset.classes,
        counts=counts, sample=f"./dataset/{dataset.name}/{dataset.sample}", arch=dataset.arch,
        lr=dataset.lr, epochs=dataset.epochs, batch_size=dataset.batch_size,
        has_test=dataset.has_test, metric=dataset.metric, two_layers=two_layers, remark=
        f"# python tools/prepare_data.py --dataset {dataset.name} --root ./dataset/{dataset.name}" +
        ("" if dataset.note else " --download"))


CUSTOM = Setting(
    title="your own images", root="./dataset/custom", classes=10,
    counts="set Arch.class_num to your number of classes", sample="./dataset/custom",
    no_test=" (there is none? -o final=null)",
    remark="# python tools/prepare_data.py --dataset folder --root ./dataset/custom --test 0.2\n"
    "# (a folder per class; it also writes this file with your class count to ./dataset/custom/custom.yaml)"
)


def training_config(setting: Setting) -> str:
    """The text of a flat PaddleClas config."""
    topk = [k for k in (1, 5) if k <= setting.classes]
    parts = [
        _head(setting),
        _GLOBAL.format(epochs=setting.epochs),
        _arch(setting), _LOSS,
        _OPTIMIZER.format(lr=setting.lr),
        _loader(setting),
        _INFER.format(sample=setting.sample, root=setting.root, topk=topk[-1]),
        _METRIC.format(topk=topk)
    ]
    return "\n".join(parts)


def _head(setting: Setting) -> str:
    protocol = (
        "# The protocol of this data set reports mean per class accuracy on the test list.\n"
        if setting.metric == "mean_per_class" else "")
    return (
        f"# {setting.title}: {setting.classes} classes, {setting.counts}\n{setting.remark}\n{protocol}"
        "# Weights: ImageNet; with the tools of paddle_transfer others by one key, e.g. -o Transfer.pretrained=10w\n"
        "# (imagenet, imagenet_ssld, 10w, none, a file or an address).\n")


def _arch(setting: Setting) -> str:
    if not setting.two_layers:
        return _ARCH.format(arch=setting.arch, classes=setting.classes)
    return _ARCH_TWO.format(arch=setting.arch, classes=setting.classes)


def _loader(setting: Setting) -> str:
    delimiter = f"\n      delimiter: {json.dumps(setting.delimiter)}" if setting.delimiter != " " else ""
    common = {"root": setting.root, "delimiter": delimiter}
    text = _TRAIN.format(batch_size=setting.batch_size, **common)
    text += _EVAL.format(section="Eval", list="val" if setting.has_val else "test", **common)
    if setting.has_test and setting.has_val:
        text += "\n  # never looked at while tuning; PaddleClas's own tools leave it alone\n"
        text += _EVAL.format(section="Test", list="test", **common).lstrip("\n")
    return text


def search_file(setting: Setting, *, base: str, output_dir: str, mode: str, lr: float) -> str:
    """The text of a search file for the training config ``base``, made from ``setting``.

    :param mode: one of ``MODES``
    :param lr: of the fixed point
    """
    what, trials, keys = MODES[mode]
    title = setting.title[0].upper() + setting.title[1:]
    text = f"""\
# {title}: {what}
base_config_file: {base}
output_dir: {output_dir}
# one trial on each GPU; without this line trials run on the CPU
# gpus: 0,1,2,3
search_mode: {'bayes' if trials else 'grid'}
"""
    if trials:
        text += f"max_iter: {trials}\nde_duplication: True\n"
    text += _protocol(setting) + _SPACE + "".join(
        f"  - search_key: {key}\n    search_values: [{', '.join(values)}]\n"
        for key, values in keys.items())
    text += f"""\

# the published fixed point, tried first
fixed:
  lr: {lr}
  l2_decay: 1.0e-04
  label_smoothing: False
  mixup: False
"""
    return text + "".join(f"  {key}: {values[0]}\n" for key, values in keys.items())


def _protocol(setting: Setting) -> str:
    """By what to choose, and what is reported in the end."""
    text = ""
    if setting.metric != "top1":
        text += f"# what the protocol of this data set reports\nmetric: {setting.metric}\n"
    if setting.has_val and setting.has_test:
        text += (
            "# tuned on the validation list; then the best point and the fixed point are trained again on train + "
            f"validation\n# and each tested once on the test list{setting.no_test}\n"
            "final: {retrain_on: train+val}\n")
    return text


def all_files() -> dict[str, str]:
    """Path below ``ppcls_configs`` -> text, for everything that is made."""
    files = {}
    for dataset in DATASETS.values():
        path, setting = f"transfer/{dataset.arch}/{dataset.name}.yaml", setting_of(dataset)
        files[path] = training_config(setting)
        _add_searches(files, dataset.name, path, setting, lr=dataset.fixed_lr or dataset.lr)
    voc = DATASETS["voc2012"]
    files["transfer/VGG16/voc2012_two_layers.yaml"] = training_config(
        setting_of(voc, two_layers=True))
    files["transfer/ResNet50_vd/custom.yaml"] = training_config(CUSTOM)
    _add_searches(files, "custom", "transfer/ResNet50_vd/custom.yaml", CUSTOM, lr=CUSTOM.lr)
    return files


def _add_searches(files: dict[str, str], name: str, base: str, setting: Setting, *,
                  lr: float) -> None:
    for mode in MODES:
        if mode == "weights" and "ResNet50_vd" not in base:
            continue  # the 10w weights are there for this network only
        files[f"search/{name}_{mode}.yaml"] = search_file(
            setting, base=f"ppcls_configs/{base}", output_dir=f"./output/search_{name}_{mode}",
            mode=mode, lr=lr)


def own_files(*, root: str, classes: int, lists: dict[str, int], delimiter: str,
              lr: float | None = None) -> dict:
    """name -> text of the training config and search file for a prepared folder or table."""
    counts = " / ".join(
        f"{lists[split]} {split}" for split in ("train", "val", "test") if split in lists)
    setting = Setting(title="your own images", root=root, classes=classes, counts=counts,
                      sample=root, lr=lr or CUSTOM.lr, has_val="val" in lists,
                      has_test="test" in lists, delimiter=delimiter, batch_size=min(
                          64, max(1, lists["train"])), remark="# made by tools/prepare_data.py")
    return {
        "custom.yaml": training_config(setting), "custom_bayes.yaml": search_file(
            setting, base=f"{root}/custom.yaml", output_dir="./output/search_custom", mode="bayes",
            lr=setting.lr)
    }


_GLOBAL = """\
# global configs
Global:
  checkpoints: null
  pretrained_model: null
  output_dir: ./output/
  device: gpu
  save_interval: 1
  eval_during_train: True
  eval_interval: 1
  epochs: {epochs}
  print_batch_step: 10
  use_visualdl: False
  # used for static mode and model export
  image_shape: [3, 224, 224]
  save_inference_dir: ./inference
"""

_ARCH = """\
# model architecture
Arch:
  name: {arch}
  class_num: {classes}
  pretrained: True
"""

_ARCH_TWO = """\
# model architecture: the last layer replaced by two new ones, of 256 and {classes} outputs
Arch:
  name: RecModel
  class_num: {classes}
  infer_output_key: logits
  infer_add_softmax: True
  Backbone:
    name: {arch}
    class_num: 256
    pretrained: True
  Head:
    name: FC
    embedding_size: 256
    class_num: {classes}
"""

_LOSS = """\
# loss function config for training/eval process
Loss:
  Train:
    - CELoss:
        weight: 1.0
  Eval:
    - CELoss:
        weight: 1.0
"""

_OPTIMIZER = """\
Optimizer:
  name: Momentum
  momentum: 0.9
  lr:
    name: Cosine
    learning_rate: {lr}
  regularizer:
    name: 'L2'
    coeff: 0.0001
"""

_TRAIN = """\
# data loader for train and eval
DataLoader:
  Train:
    dataset:
      name: ImageNetDataset
      image_root: {root}/
      cls_label_path: {root}/train_list.txt{delimiter}
      transform_ops:
        - DecodeImage:
            to_rgb: True
            channel_first: False
        - RandCropImage:
            size: 224
        - RandFlipImage:
            flip_code: 1
        - NormalizeImage:
            scale: 1.0/255.0
            mean: [0.485, 0.456, 0.406]
            std: [0.229, 0.224, 0.225]
            order: ''

    sampler:
      name: DistributedBatchSampler
      batch_size: {batch_size}
      drop_last: False
      shuffle: True
    loader:
      num_workers: 4
      use_shared_memory: True
"""

_EVAL = """\

  {section}:
    dataset:
      name: ImageNetDataset
      image_root: {root}/
      cls_label_path: {root}/{list}_list.txt{delimiter}
      transform_ops:
        - DecodeImage:
            to_rgb: True
            channel_first: False
        - ResizeImage:
            resize_short: 256
        - CropImage:
            size: 224
        - NormalizeImage:
            scale: 1.0/255.0
            mean: [0.485, 0.456, 0.406]
            std: [0.229, 0.224, 0.225]
            order: ''
    sampler:
      name: DistributedBatchSampler
      batch_size: 64
      drop_last: False
      shuffle: False
    loader:
      num_workers: 4
      use_shared_memory: True
"""

_INFER = """\
Infer:
  infer_imgs: {sample}
  batch_size: 10
  transforms:
    - DecodeImage:
        to_rgb: True
        channel_first: False
    - ResizeImage:
        resize_short: 256
    - CropImage:
        size: 224
    - NormalizeImage:
        scale: 1.0/255.0
        mean: [0.485, 0.456, 0.406]
        std: [0.229, 0.224, 0.225]
        order: ''
    - ToCHWImage:
  PostProcess:
    name: Topk
    topk: {topk}
    class_id_map_file: {root}/label_list.txt
"""

_METRIC = """\
Metric:
  Train:
    - TopkAcc:
        topk: {topk}
  Eval:
    - TopkAcc:
        topk: {topk}
"""

_SPACE = """\

search_dict:
  - search_key: lr
    search_values: [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001]
  - search_key: l2_decay
    search_values: [1.0e-03, 3.0e-04, 1.0e-04, 3.0e-05, 1.0e-05, 3.0e-06, 1.0e-06]
  - search_key: label_smoothing
    search_values: [False, True]
  - search_key: mixup
    search_values: [False, True]
"""
