"""Faults of the operators on images: images that are enlarged far, and a normalisation that is not
that of the pretrained weights, or differs between two lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

from paddle_transfer.checks.config_splits import SECTIONS, Split
from paddle_transfer.checks.findings import Report
from paddle_transfer.config import resolve
from paddle_transfer.config.base import components
from paddle_transfer.config.pretrained import NAMES, network_name, wanted_weights

#: Images are told when they are enlarged to more than so many times their side.
ENLARGED = 2.0
#: Two normalisations differ when a black or a white pixel becomes a number that is so far off: an
#: eighth of a standard deviation that is wrong does it.
FAR = 0.25


class Normalisation(NamedTuple):
    """(pixel * scale - mean) / std, of each channel, as what black and white become."""

    black: tuple[float, ...]
    white: tuple[float, ...]

    @classmethod
    def of(cls, mean: Sequence[float], std: Sequence[float], scale: float = 1 / 255
           ) -> Normalisation:
        pairs = list(zip(mean, std, strict=True))
        return cls(tuple(-m / s for m, s in pairs), tuple((255 * scale - m) / s for m, s in pairs))

    def is_near(self, other: Normalisation) -> bool:
        return all(abs(one - its) <= FAR for mine, theirs in zip(self, other, strict=True)
                   for one, its in zip(mine, theirs, strict=True))


_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalisation.of(_MEAN, _STD)
HALF, PLAIN = Normalisation.of((.5,) * 3, (.5,) * 3), Normalisation.of((0.,) * 3, (1.,) * 3)
#: What PaddleClas's configs give networks whose names begin so; all others have ImageNet's.
OTHERS = {"ViT_": HALF, "TNT_": HALF, "VAN_": HALF, "EfficientNetV2": HALF, "MobileViT": PLAIN}
WORDS = {IMAGENET: f"mean {list(_MEAN)}, std {list(_STD)}", HALF: "mean and std 0.5",
         PLAIN: "mean 0, std 1"}


def check_enlarged(splits: Sequence[Split], *, config: dict[str, Any], file: str, report: Report
                   ) -> None:
    """Images that are far smaller than what the network is given; by the first list that has some.

    :param splits: with their images
    """
    for split in splits:
        made = resolve.image_size(config, _operators(split.name))
        sides = [min(image.width, image.height) for _, image in split.decoded()]
        if made is None or not sides:
            continue
        side, short = min(made), median(sides)
        if side > ENLARGED * short:
            report.add(
                "enlarged", file, 0, f"{_operators(split.name)} enlarges images to {side} px, "
                f"{side / short:.1f} times their side: half of the {split.name} list have "
                f"{short:g} px or less", error=False, hint=f"A size near {_near(short)} costs less "
                "and is often as good (prepare --size, or search_key: resolution). Or are these "
                "thumbnails of larger images?")
            return


def _near(short: float) -> int:
    """A multiple of 32, from 32 on."""
    return max(32, round(short / 32) * 32)


def check_normalisation(config: dict[str, Any], *, file: str, report: Report) -> None:
    """Normalisations that are not those of the pretrained weights, or differ from training's."""
    known, name = _of_weights(config), network_name(config) or "the network"
    trained: Normalisation | None = None  # of training, where nothing is wrong with it
    for place, arguments in _normalised(config):
        if any(number == 0 for number in _numbers(arguments.get("std")) or ()):
            report.add("normalisation", file, 0, f"{place}.std has a 0, by which pixels would be "
                       "divided", hint=f"ImageNet's is {list(_STD)}.")
            continue
        found = _read(arguments)
        if found is None:
            continue
        fits = not known or any(map(found.is_near, known))
        if not fits:
            wanted = " or ".join(WORDS[one] for one in known)
            report.add(
                "normalisation", file, 0, f"{place} ({_shown(arguments)}) is not what the "
                f"pretrained weights of {name} were trained with: {wanted}, scale 1/255",
                error=False, hint="Other numbers cost accuracy, unless the weights are your own "
                "and were trained so.")
        elif trained is not None and not found.is_near(trained):
            report.add("normalisation", file, 0, f"{place} ({_shown(arguments)}) is another one "
                       "than that of the train list", error=False,
                       hint="The network would be given other numbers than it is trained with.")
        trained = trained or (found if fits and ".Train." in place else None)


def _of_weights(config: dict[str, Any]) -> tuple[Normalisation, ...]:
    """What the pretrained weights may have been trained with; () where there are none. A file may
    be anybody's."""
    wanted = wanted_weights(config)
    if wanted is None:
        return ()
    if wanted.spec not in NAMES:
        return tuple(WORDS)
    name = network_name(config) or ""
    return (next((one for prefix, one in OTHERS.items() if name.startswith(prefix)), IMAGENET),)


def _operators(split: str) -> str:
    return f"DataLoader.{SECTIONS[split]}.dataset.transform_ops"


def _normalised(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(dotted path, arguments) of each NormalizeImage, that of training first."""
    for path in (*map(_operators, SECTIONS), "Infer.transforms"):
        for place, (name, arguments) in enumerate(components(config, path)):
            if name == "NormalizeImage":
                yield f"{path}.{place}.{name}", arguments


def _read(arguments: dict[str, Any]) -> Normalisation | None:
    """With PaddleClas's defaults; None for what is not of three channels, or no number."""
    mean, std = (_numbers(arguments.get(key) or default) for key, default in (
        ("mean", _MEAN), ("std", _STD)))
    scale = _scale(arguments.get("scale"))
    return None if not mean or not std or scale is None else Normalisation.of(mean, std, scale)


def _numbers(value: object) -> tuple[float, ...] | None:
    found = value if isinstance(value, (list, tuple)) else ()
    if len(found) != 3 or not all(isinstance(one, (int, float)) for one in found):
        return None
    return tuple(map(float, found))


def _scale(value: object) -> float | None:
    """PaddleClas evaluates a text: a number, or one divided by another, is read here."""
    if value is None:
        return 1 / 255
    above, _, below = str(value).partition("/")
    try:
        return float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        return None


def _shown(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{key} {arguments[key]}" for key in ("scale", "mean", "std")
                     if arguments.get(key) is not None) or "with its defaults"
