"""The commands that go on from the result of a search."""

from __future__ import annotations

import os
import shlex

from paddle_transfer.config.generated import GeneratedFiles
from paddle_transfer.config.load import show_yaml
from paddle_transfer.config.shipped import command, path_argument
from paddle_transfer.settings.search_file import SearchSettings


def next_steps(settings: SearchSettings, *, final: bool = False) -> list[str]:
    """The commands that go on from the result; none that needs what was not kept or written.

    :param final: whether there is a model from the final trainings
    """
    out = path_argument(settings.output.output_dir.rstrip("/"))
    best = GeneratedFiles(out).current("best_config.yaml").name
    config, (weights, inference) = f"{out}/{best}", (
        shlex.quote(show_yaml(f"{out}/{name}")) for name in ("best_model", "inference"))
    pretrained = f"-o Global.pretrained_model={weights}"
    tested = [f"  the tested model  {out}/final/best/best_model.pdparams, trained by config.yaml "
              "beside it"]
    with_weights = [f"  evaluate          {command('eval', '-c', config)} {pretrained}",
                    f"  export            {command('export', '-c', config)} {pretrained} "
                    f"-o Global.save_inference_dir={inference}"]
    look = [f"  look              visualdl --logdir {shlex.quote(f'{out}/vdl')}"]
    report = [f"  see all of it     {out}/report.html, in a browser"]
    return ["", "What next:",
            f"  train it again    {command('train', '-c', config)}",
            *(with_weights if settings.output.keep_models or settings.distillation else []),
            *(tested if final else []),
            *(report if os.path.isfile(f"{out}/report.html") else []),
            *(look if os.path.isdir(f"{out}/vdl/search") else [])]
