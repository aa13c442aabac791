"""What ``tools/prepare_data.py`` does and says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from paddle_transfer.config.load import write_atomic
from paddle_transfer.datasets.catalogue import DATASETS
from paddle_transfer.datasets.prepare import BAD_IMAGES, CONVERTED, Prepared, Wishes, prepare
from paddle_transfer.datasets.templates import own_files
from paddle_transfer.progress import ProgressBar


def run(name: str, root: str, wishes: Wishes) -> int:
    """Prepare, and say what was written and which command comes next. Returns the exit code 0."""
    result = prepare(name, Path(root), wishes, tell=lambda text: print(text, file=sys.stderr),
                     progress=ProgressBar("images"))
    for _split, (file, count) in result.lists.items():
        print(f"{file}: {count} images")
    print(f"{Path(root) / 'label_list.txt'}: {len(result.classes)} classes")
    for line in _remarks(result):
        print(f"note: {line}")
    if name in DATASETS:
        dataset = DATASETS[name]
        config = f"ppcls_configs/transfer/{dataset.arch}/{name}.yaml"
        if os.path.normpath(root) != os.path.normpath(f"./dataset/{name}"):
            print(f"note: {config} looks for the data in ./dataset/{name}")
        search = f"ppcls_configs/search/{name}_bayes.yaml"
    else:
        files = own_files(root=Path(root).as_posix(), classes=len(result.classes),
                          delimiter=result.delimiter,
                          lists={split: count for split, (_, count) in result.lists.items()})
        for file, text in files.items():
            write_atomic(os.path.join(root, file), text)
        config, search = (os.path.join(root, file) for file in files)
    print(
        f"next: python tools/check_data.py -c {config} --sheet {os.path.join(root, 'contact_sheet.png')}\n"
        f"      python tools/train.py -c {config}\n"
        f"      python tools/search.py -c {search}")
    return 0


def _remarks(result: Prepared) -> list[str]:
    remarks = list(result.notes)
    if result.converted:
        remarks.append(
            f"{result.converted} images that not every OpenCV reads were written again as PNG "
            f"({result.root / CONVERTED})")
    if result.bad:
        remarks.append(
            f"{len(result.bad)} images left out, see {result.root / BAD_IMAGES}: {result.bad[0]}" +
            (" ..." if len(result.bad) > 1 else ""))
    if result.delimiter == "\t":
        remarks.append(
            'paths hold spaces, so the lists are delimited by tabs: delimiter: "\\t" in the config')
    return remarks
