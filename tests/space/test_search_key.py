"""What every hyperparameter does to a config, in every form in which PaddleClas takes it."""

import copy

import pytest

from paddle_transfer import dotpath
from paddle_transfer.space import edits
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.registry import HYPERPARAMETERS
from paddle_transfer.space.search_key import SearchKey, apply_point
from tests.helpers.configs import base_config


@pytest.fixture
def base():
    return base_config()


def apply(base, **point):
    """``base`` with the point applied; sees that ``base`` stays as it is and that a second time
    changes nothing."""
    before = copy.deepcopy(base)
    keys = [SearchKey(Choice(name, (value,))) for name, value in point.items()]
    config = apply_point(base, keys, point)
    assert base == before
    assert apply_point(config, keys, point) == config
    return config


def changes(base, **point):
    return dotpath.diff(base, apply(base, **point))


# --- lr ------------------------------------------------------------------------------------------

def test_lr(base):
    assert changes(base, lr=0.003) == ["Optimizer.lr.learning_rate: 0.1 -> 0.003"]


@pytest.mark.parametrize(("schedule", "expected"), [
    ({"name": "Constant", "learning_rate": 0.1}, {"name": "Constant", "learning_rate": 0.02}),
    ({"learning_rate": 0.1}, {"learning_rate": 0.02}),
    ({"name": "Cosine"}, {"name": "Cosine", "learning_rate": 0.02}),
    ({"name": "Piecewise", "decay_epochs": [3, 6], "values": [0.1, 0.01, 0.001]
      }, {"name": "Piecewise", "decay_epochs": [3, 6], "values": [0.02, 0.002, 0.0002]}),
    ({"name": "Piecewise", "learning_rate": 0.5, "decay_epochs": [3], "values": [0.1, 0.03]
      }, {"name": "Piecewise", "decay_epochs": [3], "values": [0.02, 0.006]}),
    ({"name": "Piecewise", "learning_rate": 0.1}, {"name": "Piecewise", "learning_rate": 0.02}),
    ({"name": "Cyclic", "base_learning_rate": 0.025, "max_learning_rate": 0.1
      }, {"name": "Cyclic", "base_learning_rate": 0.005, "max_learning_rate": 0.02}),
    ({"name": "OneCycleLR", "max_learning_rate": 0.1
      }, {"name": "OneCycleLR", "max_learning_rate": 0.02}),
    (0.1, {"learning_rate": 0.02}),
    (None, {"learning_rate": 0.02}),
])
def test_lr_in_every_schedule(base, schedule, expected):
    base["Optimizer"]["lr"] = schedule
    assert apply(base, lr=0.02)["Optimizer"]["lr"] == expected


def scoped(**scopes):
    return [{
        "Momentum": {
            "scope": scope, "momentum": 0.9, "lr": {"name": "Cosine", "learning_rate": lr}
        }
    } for scope, lr in scopes.items()]


def test_lr_of_several_scopes_keeps_their_proportion_and_leaves_losses_alone(base):
    base["Optimizer"] = scoped(backbone=0.01, head=0.1, CenterLoss=0.5)
    optimizers = apply(base, lr=0.002)["Optimizer"]
    assert [next(iter(item.values()))["lr"]["learning_rate"]
            for item in optimizers] == [0.002, 0.02, 0.5]


# --- l2_decay ------------------------------------------------------------------------------------

def test_l2_decay(base):
    assert changes(base, l2_decay=3e-4) == ["Optimizer.regularizer.coeff: 1e-05 -> 0.0003"]


@pytest.mark.parametrize("regularizer", [None, {"name": "L1", "coeff": 0.1}, "absent"])
def test_l2_decay_replaces_whatever_was_there(base, regularizer):
    if regularizer == "absent":
        del base["Optimizer"]["regularizer"]
    else:
        base["Optimizer"]["regularizer"] = regularizer
    base["Optimizer"]["weight_decay"] = 0.05
    optimizer = apply(base, l2_decay=1e-4)["Optimizer"]
    assert optimizer["regularizer"] == {"name": "L2", "coeff": 1e-4}
    assert "weight_decay" not in optimizer


def test_no_l2_decay_leaves_no_regularizer_not_even_a_null(base):
    # null would reach the optimizer's constructor as an argument that it does not have
    assert "regularizer" not in apply(base, l2_decay=0)["Optimizer"]


@pytest.mark.parametrize("value", [0.05, 0])
def test_adamw_has_a_weight_decay_of_its_own(base, value):
    base["Optimizer"].update(name="AdamW", weight_decay=0.1)
    optimizer = apply(base, l2_decay=value)["Optimizer"]
    assert optimizer["weight_decay"] == value
    assert "regularizer" not in optimizer


def test_l2_decay_goes_to_every_scope_of_the_model(base):
    base["Optimizer"] = [
        *scoped(backbone=0.01, CenterLoss=0.5), {"AdamW": {"scope": "head", "lr": {}}}
    ]
    first, loss, head = (next(iter(item.values()))
                         for item in apply(base, l2_decay=1e-3)["Optimizer"])
    assert first["regularizer"] == {"name": "L2", "coeff": 1e-3}
    assert "regularizer" not in loss
    assert head["weight_decay"] == 1e-3


# --- label smoothing -----------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "epsilon"), [(True, 0.1), (0.2, 0.2), (False, None), (0, None),
                                                (0.0, None)])
@pytest.mark.parametrize("before", [{"weight": 2.0}, {"weight": 2.0, "epsilon": 0.3}])
def test_label_smoothing(base, value, epsilon, before):
    base["Loss"]["Train"] = [{"TripletLoss": {"weight": 1.0}}, {"CELoss": before}]
    triplet, loss = apply(base, label_smoothing=value)["Loss"]["Train"]
    assert triplet == {"TripletLoss": {"weight": 1.0}}
    assert loss["CELoss"] == {"weight": 2.0, **({"epsilon": epsilon} if epsilon else {})}


def test_label_smoothing_of_a_loss_without_arguments(base):
    base["Loss"]["Train"] = [{"CELoss": None}]
    assert apply(base, label_smoothing=True)["Loss"]["Train"] == [{
        "CELoss": {"weight": 1.0, "epsilon": 0.1}
    }]


def test_evaluation_is_never_smoothed(base):
    assert apply(base, label_smoothing=True, mixup=True)["Loss"]["Eval"] == base["Loss"]["Eval"]


# --- mixup ---------------------------------------------------------------------------------------

def batch_ops(config):
    return config["DataLoader"]["Train"]["dataset"].get("batch_transform_ops")


def test_mixup_off_changes_nothing(base):
    assert changes(base, mixup=False) == changes(base, mixup=0) == []


@pytest.mark.parametrize(("value", "alpha"), [(True, 0.2), (0.8, 0.8), (1, 1)])
def test_mixup_on(base, value, alpha):
    assert changes(base, mixup=value) == [
        "Loss.Train.0.CELoss.epsilon: (absent) -> 1e-07",
        "DataLoader.Train.dataset.batch_transform_ops: (absent) -> "
        f"[{{'MixupOperator': {{'alpha': {alpha}}}}}]",
        "Metric.Train.0: {'TopkAcc': {'topk': [1, 5]}} -> (absent)"
    ]


@pytest.mark.parametrize(("mixup", "smoothing", "epsilon"),
                         [(True, True, 0.1), (True, False, edits.SOFT_LABEL_EPSILON),
                          (False, True, 0.1), (False, False, None)])
@pytest.mark.parametrize("order", [("mixup", "label_smoothing"), ("label_smoothing", "mixup")])
def test_mixup_and_smoothing_together_in_either_order(base, mixup, smoothing, epsilon, order):
    point = {"mixup": mixup, "label_smoothing": smoothing}
    config = apply(base, **{name: point[name] for name in order})
    assert config["Loss"]["Train"][0]["CELoss"].get("epsilon") == epsilon


def test_mixup_sets_the_alpha_of_an_operator_that_is_there(base):
    base["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{
        "MixupOperator": {"alpha": 0.9}
    }]
    assert batch_ops(apply(base, mixup=True)) == [{"MixupOperator": {"alpha": 0.2}}]
    assert batch_ops(apply(base, mixup=False)) is None


OTHER = {"MyOperator": {"x": 1}}


def test_other_batch_operators_stay_with_mixup_off(base):
    base["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [
        OTHER, {"MixupOperator": {"alpha": 0.9}}, {"CutmixOperator": {"alpha": 1.0}}
    ]
    assert batch_ops(apply(base, mixup=False)) == [OTHER, {"CutmixOperator": {"alpha": 1.0}}]


def test_mixup_beside_another_mixing_operator_is_drawn_by_batch(base):
    base["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{
        "CutmixOperator": {"alpha": 1.0}
    }, OTHER]
    assert batch_ops(apply(base, mixup=True)) == [
        OTHER, {
            "OpSampler": {
                "CutmixOperator": {"alpha": 1.0, "prob": 0.5},
                "MixupOperator": {"alpha": 0.2, "prob": 0.5}
            }
        }
    ]


def test_an_op_sampler_keeps_its_probabilities(base):
    sampler = {
        "MixupOperator": {"alpha": 0.8, "prob": 0.3}, "CutmixOperator": {"alpha": 1.0, "prob": 0.6}
    }
    base["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{"OpSampler": sampler}]
    assert batch_ops(apply(base, mixup=0.4)) == [{
        "OpSampler": {
            "MixupOperator": {"alpha": 0.4, "prob": 0.3},
            "CutmixOperator": {"alpha": 1.0, "prob": 0.6}
        }
    }]
    assert batch_ops(apply(
        base, mixup=False)) == [{"OpSampler": {"CutmixOperator": {"alpha": 1.0, "prob": 0.6}}}]
    del sampler["CutmixOperator"]
    assert batch_ops(apply(base, mixup=False)) is None


@pytest.mark.parametrize("operator", [{"CutmixOperator": {"alpha": 1.0}}, {"MixupOperator": None},
                                      {"OpSampler": {"FmixOperator": {"prob": 1.0}}}])
def test_the_base_configs_own_mixing_gets_its_soft_labels_too(base, operator):
    base["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [operator]
    config = apply(base, lr=0.1)
    assert config["Loss"]["Train"][0]["CELoss"]["epsilon"] == edits.SOFT_LABEL_EPSILON
    assert config["Metric"]["Train"] == []


def test_only_hard_label_metrics_leave(base):
    base["Metric"]["Train"] = [{"TopkAcc": {"topk": 1}}, {"Other": None}, {"TopkAcc": {"topk": 5}}]
    config = apply(base, mixup=True)
    assert config["Metric"] == {"Train": [{"Other": None}], "Eval": base["Metric"]["Eval"]}


@pytest.mark.parametrize("metric", [{"Eval": [1]}, {"Train": None, "Eval": [1]}])
def test_a_config_without_training_metrics(base, metric):
    base["Metric"] = metric
    assert apply(base, mixup=True)["Metric"] == metric


# --- all hyperparameters, and custom keys --------------------------------------------------------

#: Values of parents that are not the last of the usual ones.
PARENTS = {"trained_stages": "partial", "head_epochs": "gradual", "stage_epochs": "gradual",
           **dict.fromkeys(("classifier", "strength", "neighbors"), "feature_extraction"),
           "target_weight": "multi_task",
           **dict.fromkeys(("adaptation", "adaptation_weight"), "domain_adaptation")}


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_every_entry_is_whole(base, name):
    entry = HYPERPARAMETERS[name]
    assert entry.name == name
    assert entry.meaning
    assert entry.source
    assert entry.edits
    assert all(entry.check(value) is None for value in entry.values)
    if entry.parent:
        base = apply(base, **{entry.parent: PARENTS.get(
            name, HYPERPARAMETERS[entry.parent].values[-1])})
    assert entry.check_requirements(base) is None
    configs = [apply(base, **{name: value}) for value in entry.values]
    assert all(
        a != b for i, a in enumerate(configs) for b in configs[:i]), "two values build the same run"
    for config in configs:  # nothing but what the entry declares changes
        for line in dotpath.diff(base, config):
            path = line.partition(":")[0]
            assert any(_declared(path, edit) for edit in entry.edits), f"{name} changes {path}"


def _declared(path, edit):
    """Whether ``edit`` names ``path``, a part of it, or (as in a list that is new as a whole) what
    holds it."""
    return all(p in ("*", q) for p, q in zip(edit.split("."), path.split("."), strict=False))


def test_custom_keys_set_every_path_to_the_value_itself(base):
    key = SearchKey(
        Choice("crop", (28, [1, 2])),
        ("DataLoader.Train.dataset.transform_ops.1.RandCropImage.size", "Global.image_shape.1"))
    config = apply_point(base, [key], {"crop": 28})
    assert dotpath.diff(base, config) == [
        "Global.image_shape: [3, 32, 32] -> [3, 28, 32]",
        "DataLoader.Train.dataset.transform_ops.1.RandCropImage.size: 32 -> 28"
    ]
    value = [1, 2]
    shared = apply_point(base, [key], {"crop": value})
    shared["Global"]["image_shape"][1].append(3)
    assert value == [1, 2]
    assert dotpath.get(shared, key.replace_config[0]) == [1, 2]


def test_keys_are_applied_in_their_order(base):
    keys = [
        SearchKey(Choice("lr", (0.5, ))),
        SearchKey(Choice("x", (0.7, )), ("Optimizer.lr.learning_rate", ))
    ]
    point = {"lr": 0.5, "x": 0.7}
    assert apply_point(base, keys, point)["Optimizer"]["lr"]["learning_rate"] == 0.7
    assert apply_point(base, keys[::-1], point)["Optimizer"]["lr"]["learning_rate"] == 0.5


def test_a_path_that_is_gone_is_an_error(base):
    key = SearchKey(Choice("x", (1,)), ("Arch.nothing",))
    with pytest.raises(dotpath.PathError, match=r"Arch\.nothing"):
        apply_point(base, [key], {"x": 1})
