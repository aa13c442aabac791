"""The steps of the quickstart: data, the weights that it begins from, and its searches."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from paddle_transfer.cli.train import RESULT
from paddle_transfer.report.files import replace_with_link
from tools.digits import write_digits

ROOT = Path(__file__).resolve().parent.parent
OUT = Path("output/quickstart")
CONFIGS = Path("ppcls_configs/quick_start")
WEIGHTS = OUT / "SqueezeNet1_1_pretrained.pdparams"
#: The search files: what the search is compared with, and the search.
SEARCHES = ("rates", "strategies")


@dataclass(frozen=True)
class Start:
    """What is transferred to the digits 5 to 9.

    :param out: the folder of its searches
    :param size: of the target's images, in px
    :param overrides: of both search files
    """

    name: str
    out: Path
    data: Path
    size: int
    overrides: list[str] = field(default_factory=list)

    def command(self, search: str) -> list[str]:
        """Runs one of ``SEARCHES``, or goes on with it."""
        file = CONFIGS / f"digits_{search}_search.yaml"
        options = [*self.overrides, f"output_dir={self.folder(search)}"]
        return [sys.executable, "tools/search.py", "-c", str(file),
                *(part for option in options for part in ("-o", option))]

    def folder(self, search: str) -> Path:
        return self.out / ("search" if search == "strategies" else search)


IMAGENET = Start("ImageNet weights (SqueezeNet1_1, 64 px)", OUT, OUT / "data/target_64px", 64)
DIGITS = Start("weights of the digits 0 to 4 (ResNet18_vd, 32 px)", OUT / "from_digits",
               OUT / "data/target", 32,
               [f"base_config_file={CONFIGS / 'digits_target.yaml'}"])


def write_target(start: Start) -> None:
    """The digits 5 to 9 of scikit-learn: 20 images of each for training, 80 for validation."""
    if not (start.data / "label_list.txt").exists():
        write_digits(start.data, classes=range(5, 10), per_class_train=20, per_class_val=80,
                     size=start.size)


def train_source() -> int:
    """Train on the digits 0 to 4 unless that is done. Returns the training's exit code."""
    folder, data = OUT / "source", OUT / "data/source"
    if not (data / "label_list.txt").exists():
        write_digits(data, classes=range(5), per_class_train=147, per_class_val=30, size=32)
    if not (folder / RESULT).exists():
        code = subprocess.call([sys.executable, "tools/train.py", "-c",
                                str(CONFIGS / "digits_source.yaml")])
        if code:
            return code
    weights = Path(json.loads((folder / RESULT).read_text())["weights"])
    target = folder / "best_model.pdparams"  # PaddleClas 2.4 saves into a folder below
    if weights.resolve() != target.resolve():
        replace_with_link(weights, target)
    return 0
