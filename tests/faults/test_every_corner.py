"""Whatever passes the checks trains and measures in every corner: random base configs and search
spaces over the named hyperparameters and the paths that limit each other."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paddle_transfer.config.portable import for_trial
from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.space.registry import HYPERPARAMETERS
from paddle_transfer.stages.plan import BASE
from paddle_transfer.study.records import Proposal
from tests.helpers.configs import base_config
from tests.helpers.corner_worker import run

SIZES = (1, 2, 5, 18, 40)
#: Names with values of their own here, so that they meet the others; all else as in the catalogue.
VALUES = {"batch_size": (1, 2, 4, 6, 16, 64), "batch_size_scaled": (1, 4, 6, 64),
          "epochs": (1, 2, 3, 6), "warmup_epochs": (0, 1, 2, 0.5, 5), "resolution": (16, 32),
          "lr": (0.1, 1e-3, 1e-6)}
SAMPLER = "DataLoader.Train.sampler"
PATHS = {
    f"{SAMPLER}.batch_size": (1, 3, 8, 64, 0), f"{SAMPLER}.drop_last": (True, False),
    SAMPLER: ({"name": "PKSampler", "batch_size": 4, "sample_per_id": 2},
              {"name": "DistributedRandomIdentitySampler", "batch_size": 6, "num_instances": 2,
               "drop_last": False},
              {"name": "BatchSampler", "batch_size": 6, "drop_last": True, "shuffle": True}),
    "Global.update_freq": (1, 2, 5), "Global.eval_interval": (1, 2, 4),
    "Global.start_eval_epoch": (0, 2, 5),
    "Optimizer.lr.warmup_epoch": (0, 1, 3), "Optimizer.lr.learning_rate": (0.1, 1e-4, 0.0),
    "Optimizer.lr": ({"name": "MultiStepDecay", "learning_rate": 0.1, "milestones": [1, 2]},
                     {"name": "Step", "learning_rate": 0.1, "step_size": 2, "gamma": 0.1},
                     {"name": "Piecewise", "decay_epochs": [1, 2], "values": [0.1, 0.01]}),
    "Metric.Eval.0.TopkAcc.topk": ([1], [1, 2], [1, 5]), "Arch.class_num": (3, 4),
    "DataLoader.Train.dataset.transform_ops.1": ({"ResizeImage": {"size": 16}},
                                                 {"RandCropImage": {"size": 36}}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("corners")
    for size in SIZES:
        (made / f"{size}.txt").write_text("".join(f"{i}.jpg {i % 3}\n" for i in range(size)))
    return made


@st.composite
def searches(draw):
    """(changes of the base config by dotted path, search file)"""
    base = {
        "train": draw(st.sampled_from(SIZES)), "val": draw(st.sampled_from(SIZES)),
        f"{SAMPLER}.batch_size": draw(st.sampled_from((2, 4, 18))),
        f"{SAMPLER}.drop_last": draw(st.booleans()),
        "DataLoader.Eval.sampler": {"name": "DistributedBatchSampler", "drop_last":
                                    draw(st.booleans()), "batch_size": draw(
                                        st.sampled_from((1, 8, 64)))},
        "Global.epochs": draw(st.integers(1, 4)), "Optimizer.lr": draw(st.sampled_from((
            {"name": "Cosine", "learning_rate": 0.1, "warmup_epoch": 1},
            {"name": "Linear", "learning_rate": 0.1, "warmup_epoch": 0, "warmup_start_lr": 1e-5},
            {"name": "Step", "learning_rate": 0.1, "step_size": 1, "gamma": 0.1,
             "warmup_epoch": 0}))),
    }
    names = draw(st.lists(st.sampled_from(sorted({*HYPERPARAMETERS.builtin, *PATHS, *VALUES})),
                          min_size=1, max_size=4, unique=True))
    items = []
    for name in names:
        values = PATHS.get(name) or VALUES.get(name) or HYPERPARAMETERS[name].values
        chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3, unique_by=repr))
        items.append({"search_key": name.replace(".", "_"), "search_values": chosen,
                      **({"replace_config": [name]} if name in PATHS else {})})
    if draw(st.booleans()) and len(items) > 1 and len(items[0]["search_values"]) > 1:
        items[-1]["when"] = {items[0]["search_key"]: items[0]["search_values"][:1]}
    mode = "greedy" if draw(st.booleans()) and "when" not in items[-1] else "grid"
    return base, {"search_dict": items, "search_mode": mode}


def load(folder, changes, search):
    """The settings; None when they are refused."""
    base = base_config(folder)
    base["Arch"]["class_num"] = 3
    base["Metric"] = {"Eval": [{"TopkAcc": {"topk": [1]}}]}
    base["DataLoader"]["Eval"]["dataset"]["transform_ops"][1:2] = [
        {"ResizeImage": {"resize_short": 36}}, {"CropImage": {"size": 32}}]
    for part, key in (("Train", "train"), ("Eval", "val")):
        base["DataLoader"][part]["dataset"]["cls_label_path"] = str(folder / f"{changes[key]}.txt")
    base["DataLoader"]["Train"]["sampler"].update(
        batch_size=changes[f"{SAMPLER}.batch_size"], drop_last=changes[f"{SAMPLER}.drop_last"])
    base["DataLoader"]["Eval"]["sampler"] = changes["DataLoader.Eval.sampler"]
    base["Global"]["epochs"] = changes["Global.epochs"]
    base["Global"].update(start_eval_epoch=0, update_freq=1)
    base["Optimizer"]["lr"] = dict(changes["Optimizer.lr"])
    try:
        return load_search_file({"base_config_file": base, **search,
                                 "output_dir": str(folder / "out")})
    except ConfigError:
        return None


def corners(found):
    """Points of the space, all of a small one; of a greedy search those that it can come to."""
    space = found.search_space.space
    points = list(space.points()) if space.size is not None and space.size <= 60 else [
        space.sample(random.Random(i)) for i in range(60)]
    if found.plan is None:
        return points
    names = [key.name for key in found.plan.keys]
    stepped = []
    for point in points:  # later keys are as the base config has them
        for i in range(len(names)):
            made = {name: point[name] if j <= i else found.plan.start[name]
                    for j, name in enumerate(names)}
            own = {name: found.plan.start[name] for name in names}
            if all(value != BASE for name, value in made.items() if name in names[:i + 1]):
                stepped.append({**own, **made})
    return stepped


REACHED = {"passed": 0, "refused": 0, "corners": 0}


@settings(max_examples=100, deadline=None, derandomize=True, database=None,
          suppress_health_check=list(HealthCheck))
@given(case=searches())
def test_whatever_passes_trains_and_measures_the_whole_list_in_every_corner(folder, case):
    changes, search = case
    found = load(folder, changes, search)
    if found is None:
        REACHED["refused"] += 1
        return
    REACHED["passed"] += 1
    for point in corners(found):
        config = for_trial(found.stages.raw_config(Proposal(point)), output_dir="out", seed=0,
                           device="cpu")
        outcome = run(config)
        REACHED["corners"] += 1
        assert outcome.iterations > 0
        assert outcome.steps > 0
        assert set(outcome.evaluated) == {changes["val"]}


def test_the_property_was_tried_on_spaces_of_both_kinds():
    assert min(REACHED.values()) > 20, REACHED
    assert REACHED["corners"] > 100
