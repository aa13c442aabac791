"""What a search can put into a config is checked before training as the base config is: every
value, and the combinations of keys that meet. The message names the item of search_dict."""

import copy
from pathlib import Path

import pytest

from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.study.records import Proposal
from paddle_transfer.worker.locate import known_ppcls
from tests.helpers.configs import base_config, write_search
from tests.helpers.greedy_files import distillation_config, write_greedy

BATCH = "DataLoader.Train.sampler.batch_size"
LIST = "DataLoader.Train.dataset.cls_label_path"


def item(key, values, *paths, **more):
    paths = {"replace_config": list(paths)} if paths else {}
    return {"search_key": key, "search_values": values, **paths, **more}


def write_lists(folder, **sizes):
    """``short=6``: the file short_list.txt with 6 lines, of 3 classes."""
    for name, size in sizes.items():
        lines = [f"{name}{i}.jpg {i % 3}" for i in range(size)]
        (folder / f"{name}_list.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def base(tmp_path):
    """3 classes, 18 training images, the last batch is left out."""
    write_lists(tmp_path, train=18, val=9, short=6)
    made = base_config(tmp_path)
    made["Arch"]["class_num"] = 3
    made["DataLoader"]["Train"]["sampler"]["drop_last"] = True
    made["Metric"] = {"Eval": [{"TopkAcc": {"topk": [1]}}]}
    return made


def refusals(folder, base, items, **fields):
    file = write_search(folder, base=base, search_dict=items, **fields)
    try:
        load_search_file(file, ppcls=known_ppcls())
    except ConfigError as error:
        return [str(issue) for issue in error.issues]
    return []


# --- batches of which none is trained -----------------------------------------------------------

@pytest.mark.parametrize(("one", "said"), [
    (item("batch_size", [4, 64]), "batch_size 64"),
    (item("batch_size_scaled", [4, 64, 128]), "batch_size_scaled 64, 128"),
    (item("bs", [4, 64], BATCH), "bs 64"),
    (item("sampler", [{"name": "DistributedBatchSampler", "batch_size": size, "drop_last": True,
                       "shuffle": True} for size in (4, 64)], "DataLoader.Train.sampler"),
     "sampler {'name': 'DistributedBatchSam"),
])
def test_a_batch_larger_than_the_list_is_refused_for_every_way_to_set_it(tmp_path, base, one, said):
    fixed = {"fixed": {"batch_size": 4}} if one["search_key"] == "batch_size" else {}
    (text,) = refusals(tmp_path, base, [one], **fixed)
    assert text.startswith(f"search_dict.0.search_values: with {said}")
    assert f"{BATCH} must leave one whole batch of the train list" in text
    assert "18 images, batch_size 64, drop_last True" in text


def test_a_range_is_checked_at_its_ends(tmp_path, base):
    one = {"search_key": "batch_size", "search_range": [4, 64], "integer": True}
    (text,) = refusals(tmp_path, base, [one], search_mode="bayes")
    assert text.startswith("search_dict.0.search_range: with batch_size 64, ")
    one["search_range"] = [4, 18]
    assert refusals(tmp_path, base, [one], search_mode="bayes") == []


def test_a_list_that_meets_a_large_batch_is_told_with_both_and_kept_apart_by_when(tmp_path, base):
    lists = item("list", [str(tmp_path / f"{name}_list.txt") for name in ("train", "short")], LIST)
    (text,) = refusals(tmp_path, base, [lists, item("batch_size", [4, 8])])
    assert text.startswith("search_dict.1.search_values: with batch_size 8 beside list ")
    assert f"when: {{list: ['{tmp_path}/train_list.txt']}}" in text
    base["DataLoader"]["Train"]["sampler"]["batch_size"] = 4
    large = item("batch_size", [8, 16], when={"list": [str(tmp_path / "train_list.txt")]})
    assert refusals(tmp_path, base, [lists, large]) == []


@pytest.mark.parametrize(("sampler", "said"), [
    ({"name": "PKSampler", "sample_per_id": 4, "batch_size": 8}, "must be a multiple of"),
    ({"name": "PKSampler", "sample_per_id": 2, "batch_size": 8}, "2, 3 classes. Keep it at 6"),
    ({"name": "DistributedRandomIdentitySampler", "num_instances": 3, "batch_size": 12,
      "drop_last": False}, "must not need more classes than the train list has"),
    ({"name": "RASampler", "batch_size": 4}, "RASampler uses 0 times 256"),
])
def test_samplers_with_rules_of_their_own(tmp_path, base, sampler, said):
    sampler = {**sampler, **({"batch_size": 6} if "multiple" in said else {})}
    good = {"name": "BatchSampler", "batch_size": 4, "drop_last": False, "shuffle": True}
    texts = refusals(tmp_path, base, [item("s", [good, sampler], "DataLoader.Train.sampler")])
    assert any(said in text for text in texts)  # 2.4 lacks RASampler, which is told as well


def test_a_batch_of_nothing(tmp_path, base):
    (text,) = refusals(tmp_path, base, [item("bs", [4, 0, -1], BATCH)])
    assert f"with bs 0, -1, {BATCH} must be a whole number, 1 or more" in text


def test_more_batches_for_a_step_than_there_are(tmp_path, base):
    base["Global"]["update_freq"] = 1
    items = [item("frequency", [1, 4], "Global.update_freq"), item("batch_size", [4, 8])]
    (text,) = refusals(tmp_path, base, items)
    assert "with batch_size 8 beside frequency 4, Global.update_freq must not be larger than" in (
        text)


def test_nothing_is_mixed_in_a_batch_of_one(tmp_path, base):
    (text,) = refusals(tmp_path, base, [item("batch_size", [1, 4]), item("mixup", [False, True])])
    assert "with mixup True beside batch_size 1" in text
    assert "when: {batch_size: [4]}" in text


# --- lengths and schedules ----------------------------------------------------------------------

def test_epochs_that_meet_an_interval_after_which_nothing_is_evaluated(tmp_path, base):
    items = [item("epochs", [1, 4]), item("interval", [1, 2], "Global.eval_interval")]
    (text,) = refusals(tmp_path, base, items)
    assert "with interval 2 beside epochs 1, Global.eval_interval must let at least one" in text
    items[1]["when"] = {"epochs": [4]}
    assert refusals(tmp_path, base, items) == []


def test_epochs_too_short_for_the_milestones_of_the_base_config(tmp_path, base):
    base["Optimizer"]["lr"] = {"name": "MultiStepDecay", "learning_rate": 0.1,
                               "milestones": [1, 2], "gamma": 0.1}
    (text,) = refusals(tmp_path, base, [item("epochs", [1, 4])])
    assert "with epochs 1, Optimizer.lr.milestones must be numbers, each larger" in text


def test_a_range_whose_ends_are_whole_has_fractions_in_between(tmp_path, base):
    one = {"search_key": "warmup_epochs", "search_range": [0, 2]}
    (text,) = refusals(tmp_path, base, [one], search_mode="bayes")
    assert "search_dict.0.search_range: with warmup_epochs 0.764" in text
    assert "must be a whole number of epochs" in text
    assert refusals(tmp_path, base, [{**one, "integer": True}], search_mode="bayes") == []


def test_a_warmup_that_begins_above_the_smallest_learning_rate(tmp_path, base):
    base["Optimizer"]["lr"]["warmup_start_lr"] = 0.001
    items = [item("lr", [0.1, 0.0001]), item("warmup_epochs", [0, 1])]
    (text,) = refusals(tmp_path, base, items)
    assert "with warmup_epochs 1 beside lr 0.0001, Optimizer.lr.warmup_start_lr must be below" in (
        text)


def test_a_learning_rate_of_nothing_would_show_the_weights_as_they_came(tmp_path, base):
    (text,) = refusals(tmp_path, base, [item("rate", [0.1, 0], "Optimizer.lr.learning_rate")])
    assert "with rate 0, Optimizer.lr.learning_rate must be above 0: nothing would be tra" in text


# --- classes, sizes, files, names ---------------------------------------------------------------

def test_a_class_count_that_meets_a_top_k(tmp_path, base):
    items = [item("classes", [2, 3], "Arch.class_num"),
             item("k", [[1], [1, 3]], "Metric.Eval.0.TopkAcc.topk")]
    (text,) = refusals(tmp_path, base, items)
    assert "with k [1, 3] beside classes 2, Metric.Eval top-k must not be larger than the" in text


def test_a_metric_that_a_value_takes_away(tmp_path, base):
    one = item("metrics", [[{"TopkAcc": {"topk": k}}] for k in (1, 2)], "Metric.Eval")
    (text,) = refusals(tmp_path, base, [one])
    assert "Metric.Eval must report top1, which is searched; found top2" in text


@pytest.mark.parametrize(("values", "said"), [
    ([16, 0], "with size 0, DataLoader.Train.dataset.transform_ops.2.CropImage.size must be a who"),
    ([16, 64], "must not be larger than the image that it is cut from; found size 64 of a side"),
])
def test_sizes_of_crops(tmp_path, base, values, said):
    operators = base["DataLoader"]["Train"]["dataset"]["transform_ops"]
    operators[1:2] = [{"ResizeImage": {"resize_short": 36}}, {"CropImage": {"size": 32}}]
    path = "DataLoader.Train.dataset.transform_ops.2.CropImage.size"
    (text,) = refusals(tmp_path, base, [item("size", values, path)])
    assert said in text


@pytest.mark.parametrize(("path", "values", "said"), [
    ("Loss.Train", [[{"CELoss": {"weight": 1.0}}], [{"CELoss": {"epsilon": 0.1}}]],
     "Loss.Train CELoss must have a weight; found none. Write CELoss: {weight: 1.0}."),
    ("DataLoader.Train.dataset.transform_ops", [[{"RandCropImage": {"size": 32}}], []],
     "DataLoader.Train.dataset.transform_ops is needed by ImageNetDataset; found nothing there"),
])
def test_parts_that_cannot_be_built(tmp_path, base, path, values, said):
    (text,) = refusals(tmp_path, base, [item("it", values, path)])
    assert said in text


def test_a_short_range_of_whole_numbers_is_visited_in_full(tmp_path, base):
    base["DataLoader"]["Train"]["sampler"] = {
        "name": "PKSampler", "batch_size": 4, "sample_per_id": 2, "drop_last": False}
    one = {"search_key": "batch_size", "search_range": [2, 6], "integer": True}
    (text,) = refusals(tmp_path, base, [one], search_mode="random")
    assert "with batch_size 3, 5, " in text
    assert "must be a multiple of sample_per_id" in text


def test_a_list_that_is_not_there(tmp_path, base):
    (text,) = refusals(tmp_path, base, [
        item("list", [str(tmp_path / "train_list.txt"), str(tmp_path / "gone.txt")], LIST)])
    assert text.startswith("search_dict.0.search_values: with list ")
    assert f"{LIST} must be a file that exists; found '{tmp_path}/gone.txt'" in text


@pytest.mark.parametrize(("path", "values", "said"), [
    ("Arch.name", ["ResNet18_vd", "ResNet18vd"], "an architecture of PaddleClas; found 'ResNet18v"),
    ("Optimizer.name", ["Momentum", "Adamw"], "Optimizer.name must be an optimizer of PaddleClas"),
    ("Optimizer.lr.name", ["Cosine", "Cosin"], "must be a schedule of PaddleClas; found 'Cosin'. "
     "Did you mean 'Cosine'?"),
    ("DataLoader.Train.dataset.transform_ops.1", [{"RandCropImage": {"size": 32}},
                                                  {"RandCrop": {"size": 32}}],
     "must be an operator of PaddleClas; found 'RandCrop'"),
])
def test_names_that_paddleclas_does_not_have(tmp_path, base, path, values, said):
    (text,) = refusals(tmp_path, base, [item("it", values, path)])
    assert text.startswith("search_dict.0.search_values: with it ")
    assert said in text


def test_a_hyperparameter_that_needs_what_another_key_takes_away(tmp_path, base):
    items = [item("frozen_stages", [0, 1]),
             item("arch", ["ResNet18_vd", "PPLCNet_x0_25"], "Arch.name")]
    (text,) = refusals(tmp_path, base, items)
    assert "with arch 'PPLCNet_x0_25', frozen_stages needs a ResNet" in text
    assert "when: {arch: ...}" in text
    items[0]["when"] = {"arch": "ResNet18_vd"}
    assert refusals(tmp_path, base, items) == []


@pytest.mark.parametrize(("section", "with_it", "without", "path"), [
    ("Optimizer.lr", {"name": "Cosine", "learning_rate": 0.1, "warmup_epoch": 0},
     {"name": "Step", "learning_rate": 0.1, "step_size": 1, "gamma": 0.1},
     "Optimizer.lr.warmup_epoch"),
    ("AMP", {"use_amp": True, "scale_loss": 1.0}, {"use_amp": False}, "AMP.scale_loss")])
def test_values_that_cannot_be_put_into_one_config(tmp_path, base, section, with_it, without, path):
    base["AMP"] = {"use_amp": True, "scale_loss": 1.0}
    items = [item("section", [with_it, without], section), item("part", [0, 1], path)]
    texts = refusals(tmp_path, base, items)
    assert any("with section {" in text and f"cannot be put into one config; found {path}: nothing "
               "there" in text for text in texts)


def test_a_strategy_that_does_not_exist(tmp_path, base):
    base["Transfer"] = {"strategy": "full"}
    (text,) = refusals(tmp_path, base, [item("way", ["full", "fulll"], "Transfer.strategy"),
                                        item("lr", [0.1, 0.01])])
    assert "with way 'fulll', Transfer.strategy there is no strategy 'fulll'" in text
    base["Transfer"] = {"strategy": "fulll"}
    (text,) = refusals(tmp_path, base, [item("lr", [0.1, 0.01])])
    assert "base.yaml: Transfer.strategy: there is no strategy 'fulll'" in text


def test_a_later_key_of_a_greedy_search_is_first_as_the_base_config_has_it(tmp_path, base):
    base["DataLoader"]["Train"]["sampler"]["batch_size"] = 64
    items = [item("lr", [0.1, 0.01]), item("batch_size", [4, 8])]
    assert refusals(tmp_path, base, items) == []
    (text,) = refusals(tmp_path, base, items, search_mode="greedy")
    assert f"base.yaml: {BATCH}: must leave one whole batch" in text


# --- stages -------------------------------------------------------------------------------------

def test_a_greedy_search_meets_later_keys_as_the_base_config_has_them(tmp_path, base):
    lists = item("list", [str(tmp_path / f"{name}_list.txt") for name in ("train", "short")], LIST)
    items = [item("batch_size", [4, 6]), lists]
    assert refusals(tmp_path, base, items, search_mode="greedy") == []
    (text,) = refusals(tmp_path, base, items[::-1], search_mode="greedy")  # 8 in the base config
    assert "short_list.txt" in text
    assert "when" not in text  # which is not for a greedy search


def test_a_teacher_and_a_list_of_the_distillation(tmp_path, base):
    distil = distillation_config(copy.deepcopy(base))
    distil["Arch"]["models"][1]["Student"]["lr_mult_list"] = [1.0]
    base["Arch"]["lr_mult_list"] = [1.0] * 6
    distil["DataLoader"]["Train"]["sampler"]["batch_size"] = 32
    file = write_greedy(tmp_path, base, distil=distil, teacher={
        "rm_keys": ["Arch.lr_mult_list"], "search_values": ["ResNet101_vd", "ResNet5_vd"]})
    with pytest.raises(ConfigError) as caught:
        load_search_file(file, ppcls=known_ppcls())
    texts = [str(issue) for issue in caught.value.issues]
    assert any(text.startswith("teacher.search_values: in the training of a teacher, with teacher "
                               "'ResNet5_vd', Arch.name must be an arch") for text in texts)
    assert any(f"distil.yaml: {BATCH}: must leave one whole batch" in text for text in texts)


def test_all_mistakes_come_at_once(tmp_path, base):
    items = [item("batch_size", [4, 64]), item("epochs", [1, 4]),
             item("interval", [1, 2], "Global.eval_interval")]
    texts = refusals(tmp_path, base, items, max_itr=3)
    assert [Path(text).parts[0].partition(":")[0] for text in texts] == [
        "max_itr", "search_dict.0.search_values", "search_dict.2.search_values"]


# --- arguments that a part does not take, or passes over -----------------------------------------

def test_a_search_of_what_a_part_passes_over_changes_nothing(tmp_path, base):
    base["Optimizer"]["lr"] = {"name": "Constant", "learning_rate": 0.1, "eta_min": 0.0}
    base["Arch"]["bogus"] = 1
    texts = refusals(tmp_path, base, [item("eta", [0.0, 0.01], "Optimizer.lr.eta_min"),
                                      item("bogus", [1, 2], "Arch.bogus")])
    assert ["It would not, because Constant takes no eta_min. Take the key out." in texts[0],
            "It would not, because ResNet18_vd takes no bogus. " in texts[1]] == [True, True]


def test_what_one_schedule_passes_over_is_searched_beside_the_other(tmp_path, base):
    base["Optimizer"]["lr"] = {"name": "Cosine", "learning_rate": 0.1, "eta_min": 0.0}
    keys = [item("schedule", ["Cosine", "Constant"], "Optimizer.lr.name"),
            item("eta", [0.0, 0.01], "Optimizer.lr.eta_min")]
    text, = refusals(tmp_path, base, keys)
    assert "eta 0.0 (a number) and eta 0.01 (a number) are the same in effect" in text
    assert "beside schedule Constant" in text
    assert "Constant takes no eta_min" in text
    assert "when: {schedule: ['Cosine']}" in text
    keys[1]["when"] = {"schedule": "Cosine"}
    assert refusals(tmp_path, base, keys) == []


def test_an_argument_that_a_value_of_another_key_does_not_take_is_refused(tmp_path, base):
    text, = refusals(tmp_path, base, [item("loss", [{"CELoss": {"weight": 1.0}},
                                                    {"CELoss": {"weight": 1.0, "epsilom": 0.1}}],
                                           "Loss.Train.0")])
    assert "Loss.Train.0.CELoss.epsilom is no argument of CELoss" in text


def test_an_argument_that_the_base_config_lacks_can_be_searched(tmp_path, base):
    epsilon = item("epsilon", [0.05, 0.1], "Loss.Train.0.CELoss.epsilon")
    file = write_search(tmp_path, base=base, search_dict=[epsilon])
    settings = load_search_file(file, ppcls=known_ppcls())
    config = settings.stages.config(Proposal({"epsilon": 0.1}))
    assert config["Loss"]["Train"] == [{"CELoss": {"weight": 1.0, "epsilon": 0.1}}]
    assert base["Loss"]["Train"] == [{"CELoss": {"weight": 1.0}}]
    epsilon["replace_config"] = ["Loss.Train.0.CELoss.epsilom"]
    text, = refusals(tmp_path, base, [epsilon])
    assert "must exist in the base config" in text
    assert "Did you mean 'Loss.Train.0.CELoss.epsilon'?" in text


def test_what_the_base_config_has_in_vain_is_said(tmp_path, base):
    base["Optimizer"]["lr"]["warmup_epochs"] = 2
    settings = load_search_file(write_search(tmp_path, base=base, search_dict=[
        item("lr", [0.1, 0.2])]), ppcls=known_ppcls())
    assert ("Optimizer.lr.warmup_epochs of the base config is not used: Cosine takes no "
            "warmup_epochs (is warmup_epoch meant?).") in settings.notes
