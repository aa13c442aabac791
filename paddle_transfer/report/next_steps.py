"""The commands that go on from the result of a search."""

from __future__ import annotations

import os
import shlex

from paddle_transfer.config.generated import GeneratedFiles
from paddle_transfer.config.load import show_yaml
from paddle_transfer.config.shipped import command, path_argument
from paddle_transfer.settings.search_file import SearchSettings


def commands(out: str, *, weights: bool, processes: int = 1) -> dict[str, str]:
    """Command of this package -> the whole line that goes on from the best config in ``out``.

    :param weights: whether the best model is there as well
    :param processes: that trained each trial together, and have to again
    """
    best = GeneratedFiles(out).current("best_config.yaml").name
    config, (model, inference) = f"{out}/{best}", (
        shlex.quote(show_yaml(f"{out}/{name}")) for name in ("best_model", "inference"))
    pretrained = f"-o Global.pretrained_model={model}"
    made = {"train": _launched(command("train", "-c", config), processes)}
    if weights:
        made |= {"eval": f"{command('eval', '-c', config)} {pretrained}",
                 "infer": f"{command('infer', '-c', config)} {pretrained} "
                          "-o Infer.infer_imgs=photo.jpg",
                 "export": f"{command('export', '-c', config)} {pretrained} "
                           f"-o Global.save_inference_dir={inference}"}
    return made


def _launched(line: str, processes: int) -> str:
    """``line``, a command, run by several processes."""
    if processes == 1:
        return line
    script = line.removeprefix("python ").replace("paddle-transfer ",
                                                  '"$(command -v paddle-transfer)" ', 1)
    return f"python -m paddle.distributed.launch --nproc_per_node {processes} {script}"


def next_steps(settings: SearchSettings, *, final: bool = False) -> list[str]:
    """The commands that go on from the result; none that needs what was not kept or written.

    :param final: whether there is a model from the final trainings
    """
    out = path_argument(settings.output.output_dir.rstrip("/"))
    made = commands(out, weights=bool(settings.output.keep_models or settings.distillation),
                    processes=settings.devices.processes)
    tested = [f"  the tested model  {out}/final/best/best_model.pdparams, trained by config.yaml "
              "beside it"]
    look = [f"  look              visualdl --logdir {shlex.quote(f'{out}/vdl')}"]
    report = [f"  see all of it     {out}/report.html, in a browser"]
    return ["", "What next:",
            *(f"  {words:16}  {made[name]}" for name, words in (
                ("train", "train it again"), ("eval", "evaluate"), ("infer", "try an image"),
                ("export", "export"))
              if name in made),
            *(tested if final else []),
            *(report if os.path.isfile(f"{out}/report.html") else []),
            *(look if os.path.isdir(f"{out}/vdl/search") else [])]
