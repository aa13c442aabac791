"""For every entry of the catalogue: what a PaddleClas engine built from the edited config really is
and does, on the installed wheel and on the checkout that PADDLECLAS_HOME names when it names
one."""

import inspect
import math
import sys

import pytest

from paddle_transfer.config.versions import older
from paddle_transfer.errors import TrialError
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.registry import HYPERPARAMETERS
from paddle_transfer.space.search_key import SearchKey, apply_point, unsupported
from tests.helpers import truth
from tests.helpers.digits import tiny_config

RATE = 0.05  # the base config's

#: Entries whose truth is told elsewhere: in test_weights.py; in test_strategies.py and
#: tests/strategies/test_worker_halves.py; in test_new_head.py there and here.
ELSEWHERE = {"head_hidden", "head_init",
             "pretrained", "strategy", "backbone_rate", "stage_decay", "trained_stages",
             "head_epochs", "stage_epochs", "classifier", "strength", "neighbors",
             "target_weight", "adaptation", "adaptation_weight"}


@pytest.fixture
def ask(trainings, digits, tmp_path):
    """ask(question, point, *args, base={...}): an answer of ``testing.truth`` about the config of a
    point."""
    def asked(question, point, *args, base=None, **kwargs):
        config = apply_point(tiny_config(digits, "unused", **(base or {})), keys_of(point), point)
        return trainings(question, config, str(tmp_path), *args, **kwargs)
    return asked


def keys_of(point):
    return [SearchKey(Choice(name, (value,))) for name, value in point.items()]


def test_every_entry_has_its_truth_here():
    told = inspect.getsource(sys.modules[__name__])
    assert [name for name in HYPERPARAMETERS
            if f'"{name}":' not in told and name not in ELSEWHERE] == []


# --- optimizer and schedule -----------------------------------------------------------------------

def test_lr_and_its_schedules(ask):
    steps = 10  # 2 epochs of 5
    cosine = [0.02 * (1 + math.cos(math.pi * i / steps)) / 2 for i in range(steps)]
    assert ask(truth.look, {"lr": 0.02})["rates"] == pytest.approx(cosine)
    assert ask(truth.look, {"lr": 0.02, "lr_schedule": "cosine"})["rates"] == pytest.approx(cosine)
    assert ask(truth.look, {"lr_schedule": "linear", "lr": 0.02})["rates"] == pytest.approx(
        [0.02 * (1 - i / steps) for i in range(steps)])
    assert ask(truth.look,
               {"lr": 0.02, "lr_schedule": "constant"})["rates"] == pytest.approx([0.02] * steps)
    step = ask(truth.look, {"lr": 0.02, "lr_schedule": "step", "epochs": 4})
    assert step["rates"] == pytest.approx([0.02] * 10 + [0.002] * 5 + [0.0002] * 5)
    assert (step["epochs"], step["steps"]) == (4, 5)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "step", "constant"])
def test_warmup_works_with_every_schedule(ask, schedule):
    rates = ask(truth.look, {"lr": 0.02, "warmup_epochs": 1, "lr_schedule": schedule})["rates"]
    assert rates[:6] == pytest.approx([0.004 * i for i in range(6)])


def test_epochs_move_the_milestones(ask):
    piecewise = {"name": "Piecewise", "decay_epochs": [1], "values": [0.1, 0.01]}
    rates = ask(truth.look, {"epochs": 4}, base={"Optimizer__lr": piecewise})["rates"]
    assert rates == pytest.approx([0.1] * 10 + [0.01] * 10)


def _shrinks(ask, point):
    shares = ask(truth.decays, point)
    norms = {share for name, share in shares.items() if ".bn." in name}
    return [share for name, share in shares.items() if ".bn." not in name], norms


def test_l2_decay_on_each_parameter(ask):
    # MobileNetV3 itself says that its norms have none
    for value in (0.01, 0):
        weights, norms = _shrinks(ask, {"l2_decay": value})
        assert len(weights) > 30
        assert weights == pytest.approx([value] * len(weights), abs=1e-4)
        assert norms == {0.0}


@pytest.mark.parametrize(("name", "type_", "factor"), [("Momentum", "Momentum", 1.0),
                                                       ("Nesterov", "Momentum", 1.9),
                                                       ("AdamW", "AdamW", 1.0),
                                                       ("SGD", "SGD", 1.0),
                                                       ("Adam", "Adam", None),
                                                       ("RMSProp", "RMSProp", None)])
def test_optimizer(ask, trainings, name, type_, factor):
    point = {"optimizer": name, "l2_decay": 0.01, "clip_norm": 2.0}
    if older(trainings(truth.version), "2.5") and name == "Nesterov":
        with pytest.raises(TrialError, match="use_nesterov"):
            ask(truth.look, point)
        assert "Nesterov" in str(unsupported(keys_of(point), trainings(truth.version))[0])
        return
    assert ask(truth.look, point)["optimizers"] == [
        {"type": type_, "nesterov": name == "Nesterov", "clip": ("ClipGradByNorm", 2.0)}]
    assert ask(truth.look, point)["rates"][0] == pytest.approx(RATE)
    weights, _ = _shrinks(ask, point)
    if factor:
        # a first step of Nesterov goes 1 + momentum times as far
        assert weights == pytest.approx([0.01 * factor] * len(weights), rel=0.05, abs=2e-4)
    else:
        assert min(weights) > 0.1  # they divide what L2 adds to the gradient by its own size


@pytest.mark.parametrize("norm", [0.01, False])
def test_clip_norm(ask, norm):
    point = {"clip_norm": norm, "l2_decay": 0}
    for moved, largest, length in ask(truth.one_step, point).values():
        shorter = min(1.0, norm / length) if norm and length else 1.0
        assert moved == pytest.approx(RATE * largest * shorter, rel=0.02, abs=1e-6)


# --- labels, losses, mixed batches ----------------------------------------------------------------

LOGITS = [[2.0, -1.0, 0.5, 0.0], [0.1, 0.2, -3.0, 1.0]]
SOFT = [[0.7, 0.3, 0.0, 0.0], [0.0, 0.25, 0.75, 0.0]]
HARD = [0, 2]


def cross_entropy(labels, epsilon):
    total = 0.0
    for logits, label in zip(LOGITS, labels, strict=True):
        shares = [float(i == label) for i in range(4)] if isinstance(label, int) else label
        log_sum = math.log(sum(math.exp(x) for x in logits))
        total -= sum(((1 - epsilon) * share + epsilon / 4) * (x - log_sum)
                     for share, x in zip(shares, logits, strict=True))
    return total / len(labels)


@pytest.mark.parametrize(
    ("point", "labels", "epsilon"),
    [
        ({"label_smoothing": False}, HARD, 0.0),
        ({"label_smoothing": True}, HARD, 0.1),
        ({"label_smoothing": 0.3}, HARD, 0.3),
        ({"mixup": True}, SOFT, 0.0),
        ({"mixup": True, "label_smoothing": True}, SOFT, 0.1),
        ({"cutmix": True, "label_smoothing": False}, SOFT, 0.0),
        ({"cutmix": 0.5, "label_smoothing": 0.2}, SOFT, 0.2),
        # a batch that is not mixed keeps its numbers as labels
        ({"mixup": True, "cutmix": True}, SOFT, 0.0),
        ({"mixup": True, "cutmix": True}, HARD, 0.0)
    ])
def test_the_loss_is_that_of_a_hand_calculation(ask, point, labels, epsilon):
    assert ask(truth.loss_of, point, LOGITS, labels) == pytest.approx(
        cross_entropy(labels, epsilon), abs=2e-5)


@pytest.mark.parametrize(("point", "kinds"), [({"mixup": True}, {"mixup"}),
                                              ({"cutmix": True}, {"cutmix"}),
                                              ({"mixup": 0.5, "cutmix": 0.5}, {"mixup", "cutmix"})])
def test_mixed_batches_and_their_labels(ask, point, kinds):
    found = []
    for batch in ask(truth.draw_batches, point, 40):
        blended = False
        for image, label in zip(batch["images"], batch["labels"], strict=True):
            pixels = [pixel for row in image for pixel in row]
            # image i is made of the number i + 1, its class is i: the mean tells the shares
            assert sum(pixels) / len(pixels) == pytest.approx(
                sum(s * (i + 1) for i, s in enumerate(label)), abs=1e-5)
            assert sum(label) == pytest.approx(1.0)
            blended |= any(abs(pixel - round(pixel)) > 1e-6 for pixel in pixels)
        found.append("mixup" if blended else "cutmix")
    mixed = found.count("mixup")
    assert mixed >= 30 if kinds == {"mixup"
                                    } else mixed == 0 if kinds == {"cutmix"} else 8 <= mixed <= 32


def test_metrics_of_mixed_training_batches(ask):
    assert ask(truth.look, {"mixup": False, "cutmix": False})["train_metrics"]
    looked = ask(truth.look, {"mixup": True})
    assert not looked["train_metrics"]
    assert all(len(label) == 4 for label in looked["labels"])


# --- pictures -------------------------------------------------------------------------------------

PICTURE = [[[(x * 9) % 256, (y * 9) % 256, (x * y) % 256] for x in range(28)] for y in range(28)]
WHOLE = {"DataLoader__Train__dataset__transform_ops__1__RandCropImage__scale": [1.0, 1.0],
         "DataLoader__Train__dataset__transform_ops__1__RandCropImage__ratio": [1.0, 1.0]}


def transforms(looked):
    return dict(looked["transforms"])


@pytest.mark.parametrize(("point", "name", "expected"), [
    ({"autoaugment": True}, "AutoAugment", {}),
    ({"randaugment": True}, "RandAugment", {"num_layers": 2, "magnitude": 5}),
    ({"randaugment_magnitude": 9, "randaugment_layers": 3, "randaugment": True}, "RandAugment",
     {"num_layers": 3, "magnitude": 9}),
    ({"timm_autoaugment": True}, "TimmAutoAugment", {"prob": 1.0}),
    ({"timm_autoaugment": "augmix-m5-w4-d2"}, "TimmAutoAugment", {})])
def test_pictures_through_an_augmentation(ask, point, name, expected):
    built = transforms(ask(truth.look, point))
    assert list(built) == ["DecodeImage", "RandCropImage", name, "NormalizeImage"]
    assert expected.items() <= built[name].items()
    results = ask(truth.through, point, PICTURE, times=40, upto="NormalizeImage", base=WHOLE)
    assert all(shape == [28, 28, 3] for shape, _ in results)
    changed = sum(values != PICTURE for _, values in results)
    assert changed >= 25
    assert all(0 <= channel <= 255
               for _, values in results
               for row in values
               for pixel in row
               for channel in pixel)
    assert name not in transforms(
        ask(truth.look, {key: False for key in point if "_" not in key or "timm" in key}))


def holes(results):
    """The share of pictures with a hole (0 after normalization), and the largest hole's share of a
    picture."""
    shares = [
        sum(not any(pixel) for row in values for pixel in row) / (28 * 28) for _, values in results
    ]
    return sum(share > 0 for share in shares) / len(shares), max(shares)


def test_cutout(ask):
    for value, side in ((True, 14), (0.25, 7)):
        often, largest = holes(ask(truth.through, {"cutout": value}, PICTURE, times=30, base=WHOLE))
        assert often == 1.0
        assert largest == pytest.approx((side // 2 * 2) ** 2 / 28 ** 2)
    assert holes(ask(truth.through, {"cutout": False}, PICTURE, times=5, base=WHOLE)) == (0.0, 0.0)


def test_random_erasing(ask):
    for value, low, high in ((True, 0.1, 0.45), (0.9, 0.7, 1.0)):
        often, largest = holes(
            ask(truth.through, {"random_erasing": value}, PICTURE, times=60, base=WHOLE))
        assert low <= often <= high
        assert largest <= 0.45
    assert holes(ask(truth.through, {"random_erasing": False}, PICTURE, times=5,
                     base=WHOLE)) == (0.0, 0.0)


def test_all_augmentations_together(ask):
    point = {
        "autoaugment": True, "cutout": True, "randaugment": True, "random_erasing": 1.0,
        "timm_autoaugment": True, "mixup": True
    }
    assert list(transforms(ask(truth.look, point))) == [
        "DecodeImage", "RandCropImage", "AutoAugment", "RandAugment", "TimmAutoAugment",
        "NormalizeImage", "RandomErasing", "Cutout"
    ]


def test_batch_size(ask):
    looked = ask(truth.look, {"batch_size": 4})
    assert looked["batch"] == [4, 3, 28, 28]
    assert looked["steps"] == 10
    assert looked["eval_batch"][0] == 8
    assert looked["rates"][0] == pytest.approx(RATE)
    scaled = ask(truth.look, {"batch_size_scaled": 16, "lr": 0.02})
    assert scaled["batch"][0] == 16
    assert scaled["rates"][0] == pytest.approx(0.04)


def test_resolution(ask):
    looked = ask(truth.look, {"resolution": 20, "cutout": True})
    assert looked["batch"] == [8, 3, 20, 20]
    assert looked["eval_batch"] == [8, 3, 20, 20]
    assert looked["image_shape"] == [3, 20, 20]
    assert transforms(looked)["Cutout"]["length"] == 10
    eval_ops = [{"DecodeImage": {}}, {"ResizeImage": {"resize_short": 32}},
                {"CropImage": {"size": 28}}, {"NormalizeImage": {"order": ""}}]
    looked = ask(truth.look, {"resolution": 56},
                 base={"DataLoader__Eval__dataset__transform_ops": eval_ops})
    assert looked["eval_batch"] == [8, 3, 56, 56]
    assert dict(looked["eval_transforms"])["ResizeImage"]["resize_short"] == 64


# --- the model ------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", [
    "MobileNetV3_small_x0_35", "PPLCNet_x0_25", "ESNet_x0_25", "PPHGNet_tiny", "ResNet18",
    "ShuffleNetV2_x0_25", "DeiT_tiny_patch16_224"
])
def test_dropout_is_active_in_training_only(ask, arch):
    base = {"Arch__name": arch, **({"Arch__img_size": 28} if "DeiT" in arch else {})}
    off = ask(truth.head_inputs, {"dropout": False}, base=base)
    on = ask(truth.head_inputs, {"dropout": 0.5}, base=base)
    kept = 1 - off["eval"]
    assert off["train"] == pytest.approx(off["eval"], abs=0.15)
    assert on["train"] == pytest.approx(1 - kept * 0.5, abs=0.15)
    assert on["eval"] == pytest.approx(off["eval"], abs=0.15)


def test_dropout_before_a_classifier_that_is_a_convolution(ask):
    base = {"Arch__name": "SqueezeNet1_1"}
    own, more = (ask(truth.head_inputs, {"dropout": rate}, base=base) for rate in (False, 0.5))
    assert more["train"] == pytest.approx(1 - (1 - own["train"]) * 0.5, abs=0.1)
    assert more["eval"] == pytest.approx(own["eval"], abs=0.1)


@pytest.mark.parametrize("arch", ["ResNet18", "MobileNetV3_small_x0_35"])
def test_lr_mult(ask, arch):
    moves = ask(truth.one_step, {"lr_mult": 0.1, "l2_decay": 0}, base={"Arch__name": arch})
    for name, (moved, largest, _) in moves.items():
        factor = 1.0 if name.startswith("fc.") else 0.1
        assert moved == pytest.approx(RATE * factor * largest, rel=0.02, abs=1e-6), name


def test_frozen_stages(ask):
    for point in ({"frozen_stages": 2}, {"frozen_stages": 2, "lr_mult": 0.1}):
        moves = ask(truth.one_step, point, base={"Arch__name": "ResNet18"})
        # stages of ResNet18 have two blocks each: the stem and the first of them are frozen
        frozen = {
            name for name, (moved, *_) in moves.items()
            if moved == 0.0 and "_mean" not in name and "_variance" not in name
        }
        assert frozen == {
            name for name in moves
            if name.startswith(("stem.", "blocks.0.",
                                "blocks.1.")) and "_mean" not in name and "_variance" not in name
        }


def test_ema(ask, trainings):
    point = {"ema": 0.9}
    if older(trainings(truth.version), "2.5"):
        with pytest.raises(TrialError, match=r"EMA: needs PaddleClas 2.5 or newer: older ones ig"):
            ask(truth.look, point)
        assert unsupported(keys_of(point), trainings(truth.version))
        return
    assert ask(truth.look, point)["ema"] == {"decay": 0.9}
    assert ask(truth.look, {"ema": False})["ema"] is None
    average, model = ask(truth.averaged, point)
    assert 0 < average < model


def test_amp(ask):
    assert ask(truth.look, {"amp": True})["amp"] == "O1"
    assert not ask(truth.look, {"amp": False}, base={"AMP": {"level": "O1", "scale_loss": 128.0}
                                                     })["amp"]
