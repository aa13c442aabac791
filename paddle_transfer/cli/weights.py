"""Pretrained weights: list, fetch, verify, inspect, convert."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from paddle_transfer.cli.command import Command
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.worker.locate import ppcls_folder


def run(arguments: argparse.Namespace) -> int:
    return arguments.run(arguments) or 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument(
        "--paddleclas", help="a PaddleClas checkout, for architectures outside the catalogue "
        "(default: as for training)")
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("what", help="imagenet, imagenet_ssld, 10w, an address, or a file")
    one.add_argument("--arch", help="PaddleClas's name of the network, as in ResNet50_vd")
    command = commands.add_parser("list", parents=[place],
                                  help="the weights that have a name, and which are here")
    command.add_argument("--all", action="store_true", help="also PaddleClas's own MODEL_URLS")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_list)
    command = commands.add_parser("fetch", parents=[place, one],
                                  help="fetch into the cache and check")
    command.add_argument("--mirror", help="base address to use instead (or PADDLE_TRANSFER_MIRROR)")
    command.set_defaults(run=_fetch)
    command = commands.add_parser(
        "verify", help="read files through and hold them to what is recorded of them")
    command.add_argument("files", nargs="*", help="default: all weights in the cache")
    command.set_defaults(run=_verify)
    command = commands.add_parser("inspect", help="what is in a file; nothing of it is run")
    command.add_argument("file")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_inspect)
    command = commands.add_parser(
        "convert", help="to .safetensors, or to a .pdparams with nothing but tensors")
    command.add_argument("file")
    command.add_argument("-o", "--output",
                         help="default: the file's name with -plain.pdparams or .safetensors")
    command.add_argument("--to", choices=("safetensors", "pdparams"),
                         help="default: by --output, else safetensors")
    command.add_argument("--strip-prefix", default="",
                         help="take this off all names; tensors without it are left out")
    command.add_argument("--force", action="store_true", help="overwrite the output")
    command.set_defaults(run=_convert)


def _list(arguments) -> None:
    from paddle_transfer.weights.cache import cache_folder
    from paddle_transfer.weights.catalogue import entries

    home = cache_folder()
    rows = [{
        "name": entry.name, "arch": entry.arch, "classes": entry.classes, "top1": entry.top1,
        "head": entry.head, "input_size": entry.size, "mean": entry.mean, "std": entry.std,
        "urls": entry.urls, "page": entry.page, "note": entry.note, "file": str(
            home / entry.filename), "here": (home / entry.filename).exists()
    } for entry in entries(ppcls_folder(arguments.paddleclas) if arguments.all else None)]
    if arguments.json:
        for row in rows:
            print(json.dumps(row))
        return
    print(
        f"{'name':14} {'architecture':32} {'classes':>7} {'top-1 %':>7} {'px':>4} here  first address"
    )
    for row in rows:
        top1 = f"{100 * row['top1']:.2f}" if row["top1"] else ""
        print(
            f"{row['name']:14} {row['arch']:32} {row['classes']:7} {top1:>7} {row['input_size']:4} "
            f"{'yes' if row['here'] else '-':4}  {row['urls'][0]}")
    print(f"kept in {home}")


def _fetch(arguments) -> None:
    from paddle_transfer.weights.download import Network
    from paddle_transfer.progress import ProgressBar
    from paddle_transfer.weights.resolve import resolve

    bar = ProgressBar(arguments.what.rsplit("/", 1)[-1], unit="bytes", lines=True)
    try:
        network = Network(progress=bar, log=lambda line: print(line, file=sys.stderr))
        found = resolve(arguments.what, arch=arguments.arch, ppcls=ppcls_folder(
            arguments.paddleclas), mirror=arguments.mirror, network=network)
    finally:
        bar.close()
    print("none: nothing to fetch" if found is None else f"{found.path}\nSHA-256 {found.sha256}")


def _verify(arguments) -> int:
    from paddle_transfer.weights.cache import cache_folder, read_record, verify_checksum
    from paddle_transfer.weights.read import read

    home = cache_folder()
    files = [Path(file) for file in arguments.files] or [
        file for file in sorted(home.glob("*"))
        if file.suffix in (".pdparams", ".safetensors", ".tar")
    ]
    bad = 0
    for file in files:
        try:
            weights = read(file)
            known = read_record(file) is not None
            if known or file.parent == home:
                verify_checksum(file)
            held = "as recorded" if known else "recorded now" if file.parent == home else "nothing is recorded of it"
            print(f"{file}: good: {len(weights.tensors)} tensors, {held}")
        except PaddleTransferError as error:
            bad += 1
            print(f"error: {error}", file=sys.stderr)
    if not files:
        print(f"no weights in {home}")
    return 1 if bad else 0


def _inspect(arguments) -> None:
    from paddle_transfer.weights.read import read

    weights = read(arguments.file, digest=True)
    tensors = {
        name: {"shape": list(array.shape), "dtype": str(array.dtype)}
        for name, array in weights.tensors.items()
    }
    numbers = sum(array.size for array in weights.tensors.values())
    if arguments.json:
        print(
            json.dumps({
                "file": arguments.file, "kind": weights.kind, "size": weights.size,
                "sha256": weights.sha256, "inside": weights.inside, "others": weights.others,
                "numbers": numbers, "tensors": tensors
            }))
        return
    for name, entry in tensors.items():
        print(f"{name:60} {entry['dtype']:8} {entry['shape']}")
    print(f"{len(tensors)} tensors, {numbers:,} numbers; {weights.kind}, {weights.size:,} bytes, "
          f"SHA-256 {weights.sha256}")
    if weights.inside or weights.others:
        print(
            f"found under: {weights.inside or 'the top'}; beside them: {', '.join(weights.others) or 'nothing'}"
        )


def _convert(arguments) -> None:
    from paddle_transfer.weights.read import read
    from paddle_transfer.weights.write import write

    source = Path(arguments.file)
    to = arguments.to or ("pdparams" if
                          (arguments.output or "").endswith(".pdparams") else "safetensors")
    default = source.with_name(
        f"{source.stem}{'.safetensors' if to == 'safetensors' else '-plain.pdparams'}")
    output = Path(arguments.output) if arguments.output else default
    if not output.name.endswith("." + to):
        raise PaddleTransferError(f"--output: must end in .{to}; found {output.name}")
    if output.exists() and not arguments.force:
        raise PaddleTransferError(f"{output}: is there already. --force overwrites it")
    tensors = {
        name[len(arguments.strip_prefix):]: array
        for name, array in read(source).tensors.items()
        if name.startswith(arguments.strip_prefix)
    }
    if not tensors:
        raise PaddleTransferError(
            f"--strip-prefix: no tensor of {source} begins with {arguments.strip_prefix!r}")
    try:
        write(output, tensors)
    except (OSError, ValueError) as error:
        raise PaddleTransferError(f"{output}: {error}") from None
    print(f"{output}: {len(tensors)} tensors, {output.stat().st_size:,} bytes")


COMMAND = Command("Pretrained weights.", add_arguments, run,
                  interrupted="interrupted; the same command goes on from where it stopped")
main = COMMAND.main
