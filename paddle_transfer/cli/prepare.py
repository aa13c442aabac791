"""Make PaddleClas's list files from a data set's archives, a folder per class, or a table.

  %(prog)s --dataset oxford_iiit_pets --root ./dataset/oxford_iiit_pets --download
  %(prog)s --dataset folder --root ./dataset/custom --test 0.2
  %(prog)s --dataset folder --root ./dataset/icons --size 64 --arch PPLCNet_x1_0
  %(prog)s --dataset csv --root ./dataset/custom --csv labels.csv
  %(prog)s --dataset folder --root ./dataset/custom --unlabeled ./dataset/shop

For a public data set the training config and search files are shipped (as -c oxford_iiit_pets and
-c oxford_iiit_pets_bayes); for other images, and with a second folder, they are written into the
root.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_transfer import dotpath
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.listfile import read_list
from paddle_transfer.cli.command import Command
from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.shipped import FOLDER, command, find_config, path_argument
from paddle_transfer.datasets.base import (
    BAD_IMAGES,
    CONTACT_SHEET,
    CONVERTED,
    FURTHER,
    LABELS,
    SOURCE_LABELS,
    Dataset,
    PrepareOptions,
)
from paddle_transfer.datasets.config_files import written_files
from paddle_transfer.datasets.notes import replaced_config
from paddle_transfer.datasets.registry import DATASETS
from paddle_transfer.errors import (
    ConfigError,
    DataError,
    ValidationIssue,
    counted,
    did_you_mean,
    reading,
    show,
)
from paddle_transfer.hardware import find_gpus, paddle_is_cpu_only
from paddle_transfer.progress import ProgressBar
from paddle_transfer.weights.catalogue import entries
from paddle_transfer.worker.locate import known_ppcls

if TYPE_CHECKING:
    from paddle_transfer.datasets.prepare import Prepared

#: Sides of images that --size takes: the key resolution has the first as its least, too.
LEAST, MOST = 16, 2048


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = DATASETS.names()
    parser.add_argument("--dataset", required=True, choices=names, metavar="NAME", dest="name",
                        help=f"one of {', '.join(names)}")
    parser.add_argument("--root", required=True, type=Path, help="the data set's folder: archives "
                        "are looked for, and lists written, there")
    parser.add_argument("--download", action="store_true", help="fetch archives that are missing")
    parser.add_argument("--unverified", action="store_true",
                        help="accept archives whose md5 is not the published one")
    parser.add_argument("--seed", type=int, default=0, help="of the splits (default: 0)")
    parser.add_argument("--val", type=_share, help="share of train for validation where there is "
                        "no official split (default: the protocol's; 0.2 for folder and csv)")
    parser.add_argument("--test", type=_share, default=0.0,
                        help="folder and csv: share for the test list (default: 0)")
    parser.add_argument("--processes", type=int,
                        help="that decode the images (default: one per core)")
    parser.add_argument("--source", type=Path, metavar="DIR", help="labelled images from "
                        "elsewhere, a folder per class: for multi_task; with --unlabeled for "
                        "domain_adaptation, and the classes are those of the root")
    parser.add_argument("--unlabeled", type=Path, metavar="DIR", help="images from where the "
                        "network will be used, in any folders: for domain_adaptation")
    parser.add_argument("--size", type=_side, metavar="PX", help="of the images in the config that "
                        "is written (default: 224)")
    parser.add_argument("--arch", metavar="NETWORK", help="of that config, a network of PaddleClas "
                        "with ImageNet weights (default: ResNet50_vd)")
    parser.add_argument("--csv", help="csv: the table (default: ROOT/labels.csv)")
    for column in ("image", "label", "split"):
        parser.add_argument(f"--{column}-column", help=f"csv: the column of {column}s")


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"a share from 0 to below 1, but got {text}")
    return value


def _side(text: str) -> int:
    if not text.isdecimal() or not LEAST <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"a whole number of pixels from {LEAST} to {MOST}, but "
                                         f"got {text}")
    return int(text)


def _check_arch(arch: str) -> None:
    """Raises ConfigError for a network that is known to have no ImageNet weights."""
    ppcls = known_ppcls()
    known = [one.arch for one in entries(ppcls) if one.name == "imagenet"]
    if ppcls is not None and arch not in known:
        raise ConfigError("prepare", [ValidationIssue(
            "--arch", "must be a network of PaddleClas with ImageNet weights", arch,
            did_you_mean(arch, known))])


def run(arguments: argparse.Namespace) -> int:
    options = vars(arguments)
    return prepare_and_print(options.pop("name"), options.pop("root"), PrepareOptions(**options))


def prepare_and_print(name: str, root: Path, options: PrepareOptions) -> int:
    """Prepare; print what was written and the next commands. Returns the exit code 0."""
    from paddle_transfer.datasets.prepare import prepare

    if options.arch is not None:
        _check_arch(options.arch)
    with reading(root, error=DataError):
        result = prepare(name, root, options, log=lambda text: print(text, file=sys.stderr),
                         progress=ProgressBar("checking images"))
    for file, count in result.lists.values():
        print(f"{file}: {counted(count, 'image')}")
    for file, classes in ((LABELS, result.classes), (SOURCE_LABELS, result.source_classes)):
        if classes:
            print(f"{root / file}: {len(classes)} classes")
    config, search = _configs(DATASETS[name], result, options)
    notes = [*result.notes, *_notes(result, os.path.basename(config))]
    if config.startswith(FOLDER) and os.path.normpath(root) != os.path.join("dataset", name):
        notes.append(f"{config} looks for the data in ./dataset/{name}")
    for note in notes:
        print(f"note: {note}")
    on_cpu = [] if find_gpus() and not paddle_is_cpu_only() else ["-o", "Global.device=cpu"]
    if on_cpu and not config.startswith(FOLDER) and None in (options.arch, options.size):
        print("note: there is no GPU, or no Paddle for it: --arch SqueezeNet1_1 --size 64 make a "
              "config for a few CPU cores, see docs/own_images.md")
    config, search = path_argument(config), path_argument(search)
    print(f"next: {command('check', '-c', config, '--sheet', CONTACT_SHEET)}\n"
          f"      {command('train', '-c', config, *on_cpu)}\n"
          f"      {command('search', '-c', search)}")
    return 0


def _configs(dataset: Dataset, result: Prepared, options: PrepareOptions) -> tuple[str, str]:
    """The training config and search file: the shipped ones, else written into the root."""
    config = f"{FOLDER}/transfer/{dataset.recipe.arch}/{dataset.name}.yaml"
    if os.path.isfile(find_config(config)) and not result.lists.keys() & {*FURTHER}:
        return config, f"{FOLDER}/search/{dataset.name}_bayes.yaml"
    files = written_files(dataset, root=result.root.as_posix(), classes=len(result.classes),
                          lists={split: count for split, (_, count) in result.lists.items()},
                          delimiter=result.delimiter, arch=options.arch, size=options.size,
                          sample="" if dataset.official else _sample(result))
    config, search = (str(result.root / file) for file in files)
    old = _loaded(config)
    for file, text in files.items():
        result.files.write(file, text)
    if old is not None:
        result.notes += replaced_config(config, old, load_yaml(config))
    return config, search


def _sample(result: Prepared) -> str:
    """The folder of an image that is not trained on, for inference: PaddleClas takes the images of
    a folder, and before 2.5 none of those below."""
    file, _ = result.lists.get("val") or result.lists["train"]
    rows = read_list(file, delimiter=result.delimiter, report=Report())
    return os.path.dirname(os.path.join(result.root.as_posix(), rows[0].path if rows else ""))


def _loaded(file: str) -> dict[str, Any] | None:
    """None where there is no config that can be read."""
    try:
        return load_yaml(file) if os.path.isfile(file) else None
    except ConfigError:
        return None


def _notes(result: Prepared, config: str) -> list[str]:
    """:param config: name of the training config in the root"""
    notes = []
    if result.converted:
        notes.append(f"{counted(result.converted, 'image')} that not every OpenCV reads "
                     f"{'was' if result.converted == 1 else 'were'} written again as "
                     f"PNG ({result.root / CONVERTED})")
    if result.bad:
        more = " ..." if len(result.bad) > 1 else ""
        notes.append(f"{counted(len(result.bad), 'image')} left out, see "
                     f"{result.root / BAD_IMAGES}: {result.bad[0]}{more}")
    notes += [*result.files.notes(), *_out_of_date(result, config)]
    if result.delimiter == "\t":
        notes.append('paths hold spaces, so the lists are delimited by tabs: delimiter: "\\t" in '
                     'the config')
    return notes


def _out_of_date(result: Prepared, config: str) -> list[str]:
    """What a config that was kept has to take over from the new one beside it."""
    new = result.files.kept.get(config)
    if not new:
        return []
    try:
        kept, made = (load_yaml(str(result.root / name)) for name in (config, new))
    except ConfigError as error:
        return [str(error)]
    notes = []
    for path in ("Arch.class_num", "DataLoader.Train.dataset.delimiter",
                 "DataLoader.Eval.dataset.delimiter", "DataLoader.Eval.dataset.cls_label_path"):
        values = [dotpath.find(config, path) for config in (kept, made)]
        if values[0] != values[1]:
            notes.append(f"{result.root / config}: {path} is {show(values[0])}, but the lists need "
                         f"{show(values[1])}")
    return notes


COMMAND = Command(__doc__, add_arguments, run)
