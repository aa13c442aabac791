from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from paddle_transfer.cli.weights import main
from paddle_transfer.weights.read import read
from tests.helpers.evil_weights import evil_files
from tests.helpers.weights_server import WeightsServer

STATE = {
    "backbone.w": np.arange(6, dtype=np.float32).reshape(2, 3), "backbone.b": np.zeros(2),
    "neck": np.ones(1)
}
TOOL = Path(__file__).resolve().parents[2] / "tools" / "pretrained.py"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("http_proxy", raising=False)
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({**STATE, "epoch": 3}, 4))
    return path


@pytest.mark.usefixtures("file")
def test_list(capsys):
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert "ResNet50_vd" in text
    assert "79.12" in text
    assert "10w" in text
    assert main(["list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"name", "arch", "urls", "classes", "head", "input_size", "mean", "std", "page",
            "here"} <= set(rows[0])


def test_fetch_then_verify(file, tmp_path, capsys):
    with WeightsServer({"/x/w.pdparams": file.read_bytes()}) as server:
        assert main(["fetch", server.address + "/x/w.pdparams"]) == 0
        assert main(["fetch", server.address + "/none"]) == 2
    out, err = capsys.readouterr()
    assert "SHA-256" in out
    assert "HTTP 404" in err
    assert "100 %" in err
    assert main(["verify"]) == 0
    assert "as recorded" in capsys.readouterr().out
    kept = next((tmp_path / "home" / "weights").glob("w-*.pdparams"))
    kept.write_bytes(pickle.dumps(STATE, 4))
    assert main(["verify"]) == 1
    assert "has changed" in capsys.readouterr().err


def test_inspect(file, capsys):
    assert main(["inspect", str(file)]) == 0
    text = capsys.readouterr().out
    assert "backbone.w" in text
    assert "[2, 3]" in text
    assert "3 tensors, 9 numbers" in text
    assert "beside them: epoch" in text
    assert main(["inspect", "--json", str(file)]) == 0
    assert json.loads(
        capsys.readouterr().out)["tensors"]["neck"] == {"shape": [1], "dtype": "float64"}


@pytest.mark.parametrize(("arguments", "name"), [([], "w.safetensors"),
                                                 (["--to", "pdparams"], "w-plain.pdparams"),
                                                 (["-o", "{}/x.pdparams"], "x.pdparams")])
def test_convert(file, tmp_path, arguments, name):
    assert main(["convert", str(file), *(text.format(tmp_path) for text in arguments)]) == 0
    weights = read(tmp_path / name)
    assert weights.others == ()
    assert list(weights.tensors) == list(STATE)
    assert np.array_equal(weights.tensors["backbone.w"], STATE["backbone.w"])
    if name.endswith(".pdparams"):  # plain arrays by name: nothing but what numpy needs
        assert set(pickle.loads((tmp_path / name).read_bytes())) == set(STATE)


def test_convert_strips_a_prefix_and_overwrites_nothing(file, tmp_path, capsys):
    arguments = ["convert", str(file), "--strip-prefix", "backbone."]
    assert main(arguments) == 0
    assert list(read(tmp_path / "w.safetensors").tensors) == ["w", "b"]
    assert main(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0
    assert main([*arguments[:-1], "Student.", "--force"]) == 2
    assert "begins with 'Student.'" in capsys.readouterr().err
    assert main(["convert", str(file), "--to", "pdparams", "-o", "x.bin"]) == 2


def test_an_evil_file(tmp_path, capsys):
    file = tmp_path / "evil.pdparams"
    file.write_bytes(next(iter(evil_files(str(tmp_path / "mark"))))[1])
    for command in ("inspect", "convert", "verify"):
        assert main([command, str(file)]) != 0
        assert "asks for" in capsys.readouterr().err
    assert not (tmp_path / "mark").exists()


def test_the_tool_itself_reads_model_urls(tmp_path):
    folder = tmp_path / "pc"
    for name in ("ppcls/engine/engine.py", "ppcls/data/__init__.py", "ppcls/arch/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "ppcls/arch/backbone").mkdir()
    (folder / "ppcls/arch/backbone/net.py").write_text('MODEL_URLS = {"Net": "https://h/Net_pretrained.pdparams"}')
    done = subprocess.run(
        [sys.executable, str(TOOL), "list", "--all", "--paddleclas",
         str(folder)], text=True, capture_output=True, check=True)
    assert "Net " in done.stdout
    assert "https://h/Net_pretrained.pdparams" in done.stdout
