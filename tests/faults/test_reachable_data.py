"""Every list that a search can reach is checked before training, with the lists that it meets."""

import pytest

from paddle_transfer.errors import DataError
from paddle_transfer.public import check_all_data
from paddle_transfer.settings.check_data import check_data, reachable_data
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import base_config, write_search
from tests.helpers.datasets import picture
from tests.helpers.greedy_files import distillation_config, write_greedy

TRAIN, ROOT = (f"DataLoader.Train.dataset.{key}" for key in ("cls_label_path", "image_root"))


@pytest.fixture
def data(tmp_path, monkeypatch):
    """3 classes; the lists train, val and test of 6 images each, and leak: train and val."""
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "home"))
    lines = {name: [f"{name}{i}.jpg {i % 3}" for i in range(6)]
             for name in ("train", "val", "test")}
    for start, name in enumerate(lines):
        for i in range(6):
            (tmp_path / f"{name}{i}.jpg").write_bytes(picture(6 * start + i))
    lines["leak"] = lines["train"] + lines["val"]
    lines["late"] = [f"train{i}.jpg {i % 3 + 1}" for i in range(6)]
    for name, some in lines.items():
        (tmp_path / f"{name}_list.txt").write_text("\n".join(some) + "\n")
    return tmp_path


def base(folder):
    made = base_config(folder)
    made["Arch"]["class_num"] = 3
    made["Metric"] = {"Eval": [{"TopkAcc": {"topk": [1]}}]}
    return made


def lists(folder, key, path, *names):
    return {"search_key": key, "replace_config": [path],
            "search_values": [str(folder / f"{name}_list.txt") for name in names]}


def load(folder, *items, **fields):
    made = fields.pop("base", None) or base(folder)
    return load_search_file(write_search(folder, base=made, search_dict=list(items), **fields))


def errors(settings):
    return [str(finding) for finding in check_data(settings, processes=1).errors]


def test_a_train_list_that_leaks_is_refused_with_its_item_and_value(data):
    settings = load(data, lists(data, "list", TRAIN, "train", "leak"))
    with pytest.raises(DataError) as caught:
        check_all_data(settings)
    assert f"(with list '{data}/leak_list.txt' of search_dict.0). It is in val and in train" in str(
        caught.value)
    assert "6 errors" in str(caught.value)


def folders(data):
    """The images' folder, and one with other pictures under the same names."""
    (data / "other").mkdir()
    for i, file in enumerate(sorted(data.glob("*.jpg"))):
        (data / "other" / file.name).write_bytes(picture(100 + i))
    return {"search_key": "root", "replace_config": [ROOT],
            "search_values": [str(data), str(data / "other")]}


def test_two_values_that_must_not_meet_are_told_together_and_kept_apart_by_when(data):
    root, leak = folders(data), lists(data, "list", TRAIN, "train", "leak")
    texts = errors(load(data, root, leak))
    assert len(texts) == 6
    assert f"(with root '{data}' of search_dict.0, list '{data}/leak_list.txt' of s" in texts[0]
    leak["when"] = {"root": [str(data / "other")]}
    assert errors(load(data, root, leak)) == []


def test_a_base_list_that_is_always_replaced_is_not_looked_at(data):
    made = base(data)
    made["DataLoader"]["Train"]["dataset"]["cls_label_path"] = str(data / "leak_list.txt")
    assert errors(load(data, lists(data, "list", TRAIN, "train"), base=made)) == []


def test_labels_meet_a_searched_class_count(data):
    classes = {"search_key": "classes", "replace_config": ["Arch.class_num"],
               "search_values": [4, 3]}
    texts = errors(load(data, lists(data, "list", TRAIN, "train", "late"), classes))
    assert any("label 3, but Arch.class_num is 3" in text and
               "late_list.txt' of search_dict.0, classes 3 of search_dict.1)" in text
               for text in texts)
    assert not any("train_list.txt' of search" in text for text in texts)


def test_roots_and_delimiters(data):
    made = base(data)
    made["DataLoader"]["Train"]["dataset"]["delimiter"] = " "
    (data / "empty").mkdir()
    for path, value, said in (("image_root", str(data / "empty"), "image-missing"),
                              ("delimiter", ",", "wrong-delimiter")):
        own = made["DataLoader"]["Train"]["dataset"][path]
        one = {"search_key": "it", "replace_config": [f"DataLoader.Train.dataset.{path}"],
               "search_values": [own, value]}
        texts = errors(load(data, one, base=made))
        assert all(f"[{said}]" in text and "of search_dict.0)" in text for text in texts)
        assert texts


def test_the_test_list_of_a_final_training_is_read_as_that_will_read_it(data):
    made = base(data)
    made["DataLoader"]["Eval"]["dataset"]["delimiter"] = "\t"
    made["DataLoader"]["Test"] = base_config(data)["DataLoader"]["Eval"]
    made["DataLoader"]["Test"]["dataset"]["cls_label_path"] = str(data / "test_list.txt")
    for name in ("val", "test"):
        file = data / f"{name}_list.txt"
        file.write_text(file.read_text().replace(" ", "\t"))
    rates = {"search_key": "lr", "search_values": [0.1, 0.01]}
    assert errors(load(data, rates, base=made, final={"retrain_on": "train"})) == []
    (text,) = errors(load(data, rates, base=made))
    assert "[wrong-delimiter]" in text


def test_the_lists_of_a_distillation(data):
    distil = distillation_config(base(data))
    distil["DataLoader"]["Train"]["dataset"]["cls_label_path"] = str(data / "leak_list.txt")
    made = base(data)
    for config in (made["Arch"], distil["Arch"]["models"][1]["Student"]):
        config["lr_mult_list"] = [1.0]
    texts = errors(load_search_file(write_greedy(data, made, distil=distil)))
    assert len(texts) == 6


def test_images_are_measured_against_the_sizes_that_are_searched(data):
    """The pictures have 24 px; what the base config alone has is trained by nobody."""
    made = base(data)
    for part in ("Train", "Eval"):
        made["DataLoader"][part]["dataset"]["transform_ops"][1] = {"ResizeImage": {"size": 224}}

    def told(*items):
        found = check_data(load(data, *items, base=made), processes=1).warnings
        return [str(one) for one in found if one.kind == "enlarged"]

    rates = {"search_key": "lr", "search_values": [0.1, 0.01]}
    assert "enlarges images to 224 px, 9.3 times their side" in told(rates)[0]
    assert told({"search_key": "resolution", "search_values": [32, 48]}) == []
    (text,) = told({"search_key": "resolution", "search_values": [32, 64]})
    assert "enlarges images to 64 px" in text
    assert "(with resolution 64 of search_dict.0)" in text


def test_each_image_is_looked_at_once_for_all_combinations(data):
    settings = load(data, lists(data, "list", TRAIN, "train", "leak"), folders(data),
                    {"search_key": "lr", "search_values": [0.1, 0.01]})
    assert len(reachable_data(settings)) == 4
    report = check_data(settings, processes=1)
    assert (report.scanned, report.cached) == (12 + 12, 0)
    again = check_data(settings, processes=1)
    assert (again.scanned, again.cached) == (0, 12 + 12)


@pytest.mark.parametrize("strategy", ["multi_task", "domain_adaptation"])
def test_classes_of_a_source_are_those_of_the_network_under_some_strategies(data, strategy):
    made = base(data)
    loaders = made["DataLoader"]
    for section, name in (("Source", "late"), ("Unlabeled", "test")):
        loaders[section] = {**loaders["Train"], "dataset": {
            **loaders["Train"]["dataset"], "cls_label_path": str(data / f"{name}_list.txt")}}
    texts = errors(load(data, {"search_key": "strategy", "search_values": ["full", strategy]},
                        base=made))
    assert len(texts) == (3 if strategy == "domain_adaptation" else 0)
    assert all("(with strategy 'domain_adaptation' of search_dict.0)" in text for text in texts)
