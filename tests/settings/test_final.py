"""final of a search file: its mistakes, and the config of the last training."""

import pytest

from paddle_transfer import dotpath
from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.final import Final, final_config, joined
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey, apply_point
from tests.helpers.configs import base_config, write_search


@pytest.fixture
def base(tmp_path):
    """A base config with a test list; for ``edit`` with dotted paths."""
    config = base_config(tmp_path)
    config["DataLoader"]["Test"] = dotpath.clone(config["DataLoader"]["Eval"])
    config["DataLoader"]["Test"]["dataset"]["cls_label_path"] = str(tmp_path / "test_list.txt")
    (tmp_path / "test_list.txt").touch()
    return config


def issues(folder, base, **fields):
    with pytest.raises(ConfigError) as caught:
        load_search_file(write_search(folder, base=base, **fields))
    return [str(mistake) for mistake in caught.value.issues]


@pytest.mark.parametrize(("written", "read"), [({"retrain_on": "train+val"}, Final("train+val")),
                                           ({"retrain_on": "train"}, Final("train")), (None, None),
                                           ({"soup": "greedy"}, Final(soup="greedy"))])
def test_what_it_becomes(tmp_path, base, written, read):
    base["Transfer"] = {"pretrained": "imagenet"}
    settings = load_search_file(write_search(tmp_path, base=base, final=written))
    assert settings.final == read
    assert settings.to_dict().get("final") == written


def test_it_is_no_part_of_what_the_search_is(tmp_path, base):
    without = load_search_file(write_search(tmp_path, base=base)).identity()
    assert load_search_file(write_search(tmp_path, base=base,
                                    final={"retrain_on": "train"})).identity() == without


@pytest.mark.parametrize(("written", "text"), [
    ({"retrain_on": "all"
      }, "final.retrain_on: must be one of train, train+val; found 'all' (a string). "
     "For example final: {retrain_on: train+val}."),
    ({"retrainon": "train"
      }, "final.retrainon: unknown key; found 'retrainon'. Did you mean 'retrain_on'?"),
    ("train", "final: must be a mapping with at least one key; found 'train' (a string). "
     "For example final: {retrain_on: train+val}."),
])
def test_mistakes_of_the_field(tmp_path, base, written, text):
    assert issues(tmp_path, base, final=written) == [text]


SOUP = {"soup": "greedy"}


def soup_issues(folder, base, **fields):
    base.setdefault("Transfer", {"pretrained": "imagenet"})
    return issues(folder, base, final=SOUP, **fields)


def test_a_soup_is_not_trained_again(tmp_path, base):
    found, = issues(tmp_path, base, final={"retrain_on": "train", "soup": "greedy"})
    assert found == (
        "final: may not have both retrain_on and soup: a soup is made of the trials' weights, and "
        "a model that is trained again takes their place; found {'retrain_on': 'train', 'soup': "
        "'greedy'} (a mapping). Keep one of them.")
    found, = issues(tmp_path, base, final={"soup": None})
    assert found.startswith(
        "final: must have retrain_on or soup; found {'soup': None} (a mapping). For ")
    found, = issues(tmp_path, base, final={"soup": "uniform"})
    assert found == ("final.soup: must be one of greedy; found 'uniform' (a string). "
                     "Write final: {soup: greedy}.")


@pytest.mark.parametrize("kept", [0, 1])
def test_a_soup_is_of_weights_that_are_kept(tmp_path, base, kept):
    found, = soup_issues(tmp_path, base, keep_models=kept)
    assert found == (
        "keep_models: must be at least 2 beside final.soup, which averages the weights of the "
        f"trials that are kept; found {kept} (an integer). Write keep_models: 8, say.")


def test_a_soup_is_of_networks_that_began_at_the_same_weights(tmp_path, base):
    base["Transfer"] = {"pretrained": "none"}
    found, = soup_issues(tmp_path, base)
    assert found.startswith("final.soup: needs pretrained weights: the mean of networks that began "
                            "at different random weights is worth nothing; found ")
    search = {"search_key": "pretrained", "search_values": ["none", "imagenet"]}
    load_search_file(write_search(tmp_path, base=base, final=SOUP,
                                  search_dict=[{"search_key": "lr"}, search]))


def test_a_soup_is_of_networks_that_were_trained(tmp_path, base):
    base["Transfer"] = {"pretrained": "imagenet", "strategy": "feature_extraction"}
    found, = soup_issues(tmp_path, base, search_dict=[{"search_key": "strength"}])
    assert found.startswith("final.soup: is for networks that are trained; found Transfer.strategy:"
                            " feature_extraction")


def test_a_soup_is_measured_outside_of_trainings(tmp_path, base):
    base["Transfer"] = {"pretrained": "imagenet", "strategy": "domain_adaptation"}
    base["DataLoader"]["Unlabeled"] = dotpath.clone(base["DataLoader"]["Train"])
    found = soup_issues(tmp_path, base, metric="target_free")
    assert ("final.soup: needs a metric that is measured outside of trainings; found 'target_free'."
            " Choose one of Metric.Eval, or take out final.") in found
    load_search_file(write_search(tmp_path, base=base, final=SOUP, metric="top1",
                                  search_dict=[{"search_key": "lr"}]))


def test_a_soup_needs_no_test_list_but_may_not_be_chosen_on_one(tmp_path, base):
    base["Transfer"] = {"pretrained": "imagenet"}
    test = base["DataLoader"].pop("Test")
    load_search_file(write_search(tmp_path, base=base, final=SOUP))
    base["DataLoader"]["Test"] = {**test, "dataset": base["DataLoader"]["Eval"]["dataset"]}
    found, = soup_issues(tmp_path, base)
    assert "DataLoader.Test and Eval of the base config name the same" in found


def test_without_a_test_list(tmp_path):
    found, = issues(tmp_path, base_config(tmp_path), final={"retrain_on": "train"})
    assert found.startswith(
        "final: needs a test list: DataLoader.Test.dataset.cls_label_path of the base config; "
        "found nothing. Write a section Test like Eval")


def test_the_search_may_not_choose_on_the_test_list(tmp_path, base):
    base["DataLoader"]["Test"] = dotpath.clone(base["DataLoader"]["Eval"])
    found, = issues(tmp_path, base, final={"retrain_on": "train"})
    assert "DataLoader.Test and Eval of the base config name the same" in found


def test_a_test_list_that_is_not_there(tmp_path, base):
    (tmp_path / "test_list.txt").unlink()
    found, = issues(tmp_path, base, final={"retrain_on": "train"})
    assert "DataLoader.Test.dataset.cls_label_path: must be a file that exists" in found
    load_search_file(write_search(tmp_path, base=base))


@pytest.mark.parametrize(("key", "value"), [("delimiter", "\t"), ("image_root", "/")])
def test_lists_that_cannot_be_joined(tmp_path, base, key, value):
    base["DataLoader"]["Eval"]["dataset"][key] = value
    found, = issues(tmp_path, base, final={"retrain_on": "train+val"})
    assert found.startswith(
        f"final.retrain_on: train+val needs the same {key} in DataLoader.Train.dataset and "
        "DataLoader.Eval.dataset of the base config; found ")
    assert repr(value) in found
    assert found.endswith("Make them the same, or write retrain_on: train.")
    load_search_file(write_search(tmp_path, base=base, final={"retrain_on": "train"}))


@pytest.mark.parametrize(("path", "value", "text"), [
    ("EMA", {"decay": 0.99}, "final: is not for EMA"),
    ("Optimizer.lr.name", "ReduceOnPlateau", "final: is not for the schedule ReduceOnPlateau"),
])
def test_what_would_choose_on_the_test_list(tmp_path, base, path, value, text):
    dotpath.set_(base, path, value, create=True)
    assert any(
        found.startswith(text) for found in issues(tmp_path, base, final={"retrain_on": "train"}))


def test_a_searched_ema_would_choose_on_the_test_list(tmp_path, base):
    found, = issues(tmp_path, base, final={"retrain_on": "train"},
                    search_dict=[{"search_key": "ema"}])
    assert found.startswith("final: is not for EMA")


def test_a_searched_list_cannot_be_joined(tmp_path, base):
    key = {"search_key": "list", "replace_config": ["DataLoader.Train.dataset.cls_label_path"],
           "search_values": [str(tmp_path / "train_list.txt"), str(tmp_path / "val_list.txt")]}
    found, = issues(tmp_path, base, final={"retrain_on": "train+val"},
                    search_dict=[{"search_key": "lr"}, key])
    assert found.startswith(
        "search_dict.1.replace_config: may not change the lists that final joins")


def test_the_config_of_the_last_training(base):
    base["DataLoader"]["Test"]["sampler"]["batch_size"] = 2
    base["Global"]["start_eval_epoch"] = 1
    point = dotpath.clone(base)
    dotpath.set_(point, "DataLoader.Eval.dataset.transform_ops.1.RandCropImage.size", 64)
    before = dotpath.clone(point)
    made = final_config(point, base, train_list="both.txt")
    assert point == before
    assert made["DataLoader"].keys() == {"Train", "Eval"}
    dataset = made["DataLoader"]["Eval"]["dataset"]
    assert dataset["cls_label_path"].endswith("test_list.txt")
    assert dataset["transform_ops"][1]["RandCropImage"]["size"] == 64, "tested as it was validated"
    assert made["DataLoader"]["Eval"]["sampler"][
        "batch_size"] == 2, "what Test says otherwise than Eval stays"
    assert made["DataLoader"]["Train"]["dataset"]["cls_label_path"] == "both.txt"
    assert made["Global"]["eval_interval"] == made["Global"]["epochs"] == 3
    assert "start_eval_epoch" not in made["Global"]
    assert final_config(point, base)["DataLoader"]["Train"] == point["DataLoader"]["Train"]


@pytest.mark.parametrize("own", [
    [], [{"ResizeImage": {"resize_short": 40}}],  # of 32 px, as Eval, after a resize of its own
    [{"RandCropImage": {"size": 48}}]])
def test_the_resolution_of_a_point_reaches_the_test_list(base, own):
    ops = base["DataLoader"]["Test"]["dataset"]["transform_ops"]
    ops[1:1] = own
    before = dotpath.clone(base)
    point = apply_point(base, [SearchKey(Choice("resolution", (64,)))], {"resolution": 64})
    made = final_config(point, base)["DataLoader"]["Eval"]["dataset"]
    assert base == before
    assert made["cls_label_path"].endswith("test_list.txt")
    assert [next(iter(op)) for op in made["transform_ops"]] == [next(iter(op)) for op in ops]
    assert made["transform_ops"][-2]["RandCropImage"]["size"] == 64
    assert made["transform_ops"] == point["DataLoader"]["Test"]["dataset"]["transform_ops"]
    if own == [{"ResizeImage": {"resize_short": 40}}]:
        assert made["transform_ops"][1] == {"ResizeImage": {"resize_short": 80}}, "in proportion"


def test_a_test_section_that_names_its_list_alone_is_read_as_the_validation_list(base):
    base["DataLoader"]["Test"] = {"dataset": {"cls_label_path": "test_list.txt"}}
    point = apply_point(base, [SearchKey(Choice("resolution", (64,)))], {"resolution": 64})
    made = final_config(point, base)["DataLoader"]["Eval"]
    assert made["dataset"] == {
        **point["DataLoader"]["Eval"]["dataset"], "cls_label_path": "test_list.txt"
    }
    assert made["sampler"] == base["DataLoader"]["Eval"]["sampler"]


def test_joined_lists(tmp_path):
    (tmp_path / "a").write_text("x 0\ny 1")  # without a newline at the end
    (tmp_path / "b").write_text("\nz z.png 1\n\n")
    assert joined(str(tmp_path / "a"), str(tmp_path / "b")) == "x 0\ny 1\nz z.png 1\n"


def test_mean_per_class_is_a_metric(tmp_path):
    settings = load_search_file(write_search(tmp_path, metric="mean_per_class"))
    assert settings.objective.metric == "mean_per_class"
    assert load_yaml(str(tmp_path / "search.yaml"))["metric"] == "mean_per_class"
