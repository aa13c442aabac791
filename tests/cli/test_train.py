"""What ``train`` refuses and says before Paddle is there."""

from paddle_transfer.cli import train
from paddle_transfer.config.load import dump_yaml
from tests.helpers.configs import base_config


def run(folder, capsys, **optimizer):
    config = base_config(folder)
    config["Optimizer"].update(optimizer)
    dump_yaml(config, str(folder / "config.yaml"))
    (folder / "file").touch()  # in the place of the output folder, where every run ends
    code = train.COMMAND.main(["-c", str(folder / "config.yaml"), "-o",
                               f"Global.output_dir={folder}/file/out"])
    assert code == 2
    return capsys.readouterr()


def test_an_optimizer_that_cannot_be_built(tmp_path, capsys):
    told = run(tmp_path, capsys, momentum=1.5, bogus=1).err
    assert "Optimizer.momentum: must be a number from 0 up to but not including 1" in told
    assert "Optimizer.bogus: is no argument of Momentum" in told


def test_what_is_passed_over_is_said(tmp_path, capsys):
    lr = {"name": "Cosine", "learning_rate": 0.1, "warmup_epochs": 1}
    told = run(tmp_path, capsys, lr=lr)
    assert told.out == ("note: Optimizer.lr.warmup_epochs is not used: Cosine takes no "
                        "warmup_epochs (is warmup_epoch meant?).\n")
    assert "Global.output_dir" in told.err
