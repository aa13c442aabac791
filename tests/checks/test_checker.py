"""Planted faults: each is reported with its file and line, all of them in one run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_transfer.checks.checker import check_config
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.errors import DataError
from tests.helpers.configs import base_config
from tests.helpers.datasets import picture

TOOLS = Path(__file__).resolve().parents[2] / "tools"


class Data:
    """Five classes with good images and lists; then faults are planted."""

    def __init__(self, folder):
        self.folder = folder
        self.lines = {"train": [], "val": [], "test": []}
        self.config = base_config(folder)
        self.config["DataLoader"]["Test"] = json.loads(
            json.dumps(self.config["DataLoader"]["Eval"]).replace("val_list", "test_list"))
        self.drawn = 0
        for split, count in (("train", 30), ("val", 10), ("test", 10)):
            for i in range(count):
                self.plant(split, f"{split}{i}.jpg", i % 5)

    def plant(self, split, name, label, *, data=None, line=None):
        """Add an image (a new picture, or ``data``; none for b'absent') and its line.

        Returns the line's number.
        """
        if data != b"absent":
            self.drawn += 1
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(self.drawn) if data is None else data)
        text = line if line is not None else f"{name} {label}"
        self.lines[split].append(text)
        return len(self.lines[split])

    def write(self):
        for split, lines in self.lines.items():
            data = b"".join(
                (line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)
            (self.folder / f"{split}_list.txt").write_bytes(data)

    def check(self, **wishes):
        self.write()
        return check_config(self.config, file="config.yaml", cache_folder=self.folder / "cache",
                            **{"processes": 1, **wishes})


@pytest.fixture
def data(tmp_path):
    return Data(tmp_path)


def found(report):
    """(kind, file name, line) of every finding."""
    return {(finding.kind, os.path.basename(finding.file), finding.line)
            for finding in report.findings}


def test_good_data_has_no_findings(data):
    report = data.check()
    assert report.findings == []
    assert report.counts["train"] == {
        "images": 30, "classes": 5, "per_class": dict.fromkeys(range(5), 6), "sizes": [24, 24, 24]
    }
    report.raise_errors()


def test_every_planted_fault_is_reported_with_file_and_line_in_one_run(data, tmp_path):
    good = picture(900, side=64)
    train = "train_list.txt"
    expected = set()

    def fault(kind, name, label=0, *, split="train", **how):
        expected.add((kind, f"{split}_list.txt", data.plant(split, name, label, **how)))

    fault("image-missing", "nowhere.jpg", data=b"absent")
    fault("image-empty", "empty.jpg", data=b"")
    fault("image-unreadable", "page.jpg", data=b"<!DOCTYPE html><html>404</html>")
    fault("image-truncated", "short.jpg", data=good[: len(good) * 2 // 3])
    fault("image-truncated", "short.png", data=picture(901, side=64, ending=".png")[:-40])
    fault("wrong-suffix", "really_png.jpg", data=picture(902, ending=".png"))
    fault("tiny", "tiny.png", data=picture(903, side=4, ending=".png"))
    fault("label-out-of-range", "high.jpg", 5)
    fault("label-negative", "low.jpg", -1)
    fault("label-not-a-number", "word.jpg", "rose")
    fault("label-missing", "bare.jpg", line="bare.jpg")
    fault("wrong-delimiter", "comma.jpg", line="comma.jpg,1")
    fault("wrong-delimiter", "tab.jpg", line="tab.jpg\t1")
    fault("doubled-delimiter", "two.jpg", line="two.jpg  1")
    fault("space-in-name", "a name.jpg", 1)
    fault("extra-columns", "more.jpg", line="more.jpg 1 2")
    expected.add(("blank-line", train, data.plant("train", "unused.jpg", 0, line="   ")))
    fault("not-utf8", "umlaut.jpg", line=b"umlaut.jpg 1" + b" \xe4")
    fault("duplicate-line", "train3.jpg", 3, data=(tmp_path / "train3.jpg").read_bytes())
    fault("two-labels", "train4.jpg", 3, data=(tmp_path / "train4.jpg").read_bytes())
    fault("duplicate-image", "again.jpg", 1, data=(tmp_path / "train6.jpg").read_bytes())
    fault("duplicate-two-labels", "other.jpg", 4, data=(tmp_path / "train7.jpg").read_bytes())
    fault("leak", "copied.jpg", 1, split="test", data=(tmp_path / "train11.jpg").read_bytes())
    data.config["Metric"]["Eval"] = [{"TopkAcc": {"topk": [6]}}]
    expected.add(("topk", "config.yaml", 0))
    report = data.check()
    missing = expected - found(report)
    assert not missing
    assert len({kind for kind, _, _ in expected}) >= 20
    with pytest.raises(DataError, match=r"(?s)nowhere\.jpg.*page\.jpg.*it is a web page"):
        report.raise_errors()


@pytest.mark.parametrize(("content", "kind"),
                         [(b"\xef\xbb\xbftrain0.jpg 0\ntrain1.jpg 1\n", "byte-order-mark"),
                          (b"", "list-empty"), (None, "list-missing")])
def test_lists_as_a_whole(data, tmp_path, content, kind):
    data.write()
    file = tmp_path / "val_list.txt"
    file.unlink() if content is None else file.write_bytes(content.replace(b"train", b"val"))
    report = check_config(data.config, processes=1, cache_folder=tmp_path / "cache")
    assert (kind, "val_list.txt") in {found[:2] for found in found(report)}


def test_a_list_with_the_wrong_delimiter_is_one_finding_and_its_images_are_checked(data, tmp_path):
    data.lines["train"] = [line.replace(" ", "\t") for line in data.lines["train"]]
    (tmp_path / "train9.jpg").write_bytes(b"broken")
    report = data.check()
    assert found(report) == {("wrong-delimiter", "train_list.txt", 1),
                                       ("image-unreadable", "train_list.txt", 10)}
    assert 'delimiter: "\\t"' in str(report.findings[0])
    assert "all 30 lines" in str(report.findings[0])
    data.config["DataLoader"]["Train"]["dataset"]["delimiter"] = "\t"
    assert ("wrong-delimiter", "train_list.txt", 1) not in found(data.check())


def test_one_based_labels_are_called_so(data):
    for split, lines in data.lines.items():
        data.lines[split] = [f"{line[:-1]}{int(line[-1]) + 1}" for line in lines]
    report = data.check()
    assert {"one-based", "label-out-of-range"} <= {finding.kind for finding in report.errors}
    assert "must be 0-based" in report.text()


def test_classes_without_training_images_and_class_counts(data, tmp_path):
    data.lines["train"] = [line for line in data.lines["train"] if not line.endswith(" 2")]
    report = data.check()
    assert ("class-without-train", "val_list.txt", 3) in found(report)
    data.config["Arch"]["class_num"] = 9
    report = data.check()
    assert "4 of these classes have no image at all: 5, 6, 7, 8" in report.text()
    names = tmp_path / "label_list.txt"
    names.write_text("0 a\n1 b\n")
    data.config["Infer"] = {"PostProcess": {"topk": 5, "class_id_map_file": str(names)}}
    assert ("label-list", "label_list.txt", 0) in found(data.check())


def test_class_count_of_a_network_with_a_head_of_its_own(data):
    data.config["Arch"] = {
        "name": "RecModel", "Backbone": {"class_num": 256}, "Head": {"name": "FC", "class_num": 4}
    }
    assert ("label-out-of-range", "train_list.txt", 5) in found(data.check())


def test_relabel_with_other_labels_in_each_list(data):
    for section in ("Train", "Eval"):
        data.config["DataLoader"][section]["dataset"]["relabel"] = True
    data.lines["val"] = [line for line in data.lines["val"] if not line.endswith(" 0")]
    assert ("relabel", "val_list.txt", 0) in found(data.check())


def test_no_whole_batch(data):
    data.config["DataLoader"]["Train"]["sampler"].update(batch_size=64, drop_last=True)
    assert ("batch-too-large", "train_list.txt", 0) in set(found(data.check()))


def test_hints_for_images_that_are_not_there(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Upper.JPG").write_bytes(picture(800))
    (tmp_path / "sub").mkdir()
    data.plant("train", "upper.jpg", 0, data=b"absent")
    data.plant("train", "back\\slash.jpg", 0, data=b"absent")
    data.plant("train", "deeper/x.jpg", 0, data=b"absent")
    text = data.check().text()
    assert "There is a Upper.JPG" in text
    assert "Write forward slashes" in text
    assert "deeper is not there" in text
    data.config["DataLoader"]["Train"]["dataset"]["image_root"] = str(tmp_path / "sub")
    assert "this one is there without it" in data.check().text()


@pytest.mark.parametrize("how", ["renamed", 95, 75, "png", "larger"])
def test_leaks_by_content_and_to_the_eye(data, tmp_path, how):
    import cv2
    import numpy as np

    source = tmp_path / "photo.jpg"
    source.write_bytes(picture(700, side=96))
    data.plant("train", "photo.jpg", 2, data=source.read_bytes())
    image = cv2.imdecode(np.frombuffer(source.read_bytes(), np.uint8), 1)
    if how == "larger":
        image = cv2.resize(image, (150, 150), interpolation=cv2.INTER_CUBIC)
    copy = (source.read_bytes() if how == "renamed" else
            cv2.imencode(".png", image)[1].tobytes() if how in ("png", "larger") else cv2.imencode(
                ".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, how])[1].tobytes())
    line = data.plant("test", f"innocent.{'png' if how in ('png', 'larger') else 'jpg'}", 2,
                      data=copy)
    report = data.check()
    leaks = [finding for finding in report.findings if finding.kind == "leak"]
    assert [(os.path.basename(leak.file), leak.line) for leak in leaks] == [("test_list.txt", line)]
    assert f"photo.jpg of {tmp_path}/train_list.txt:31" in leaks[0].message
    assert leaks[0].error
    assert ("has the content of" if how == "renamed" else "looks the same as") in leaks[0].message
    assert not [finding for finding in data.check(max_leak=0.5).errors if finding.kind == "leak"]


def further_list(data, section, name, lines, strategy):
    """A list of ``section`` with ``lines``, for that strategy."""
    (data.folder / name).write_text("".join(f"{line}\n" for line in lines))
    loaders = data.config["DataLoader"]
    loaders[section] = json.loads(json.dumps(loaders["Train"]).replace("train_list.txt", name))
    data.config["Transfer"] = {"strategy": strategy}


def test_images_without_labels_are_read_and_their_labels_are_not(data):
    """An image of the evaluation among them is told, and is no error: its label is not seen."""
    for i in range(3):
        data.plant("val", f"new{i}.jpg", 0)
    (data.folder / "cut.jpg").write_bytes(picture(99)[:200])
    lines = ["new0.jpg", "train1.jpg 77", "absent.jpg", "cut.jpg"]
    further_list(data, "Unlabeled", "more.txt", lines, "domain_adaptation")
    report = data.check()
    assert found(report) == {("image-missing", "more.txt", 3), ("image-truncated", "more.txt", 4),
                             ("leak", "val_list.txt", 11)}
    assert [finding.kind for finding in report.errors] == ["image-missing", "image-truncated"]


@pytest.mark.parametrize("strategy", ["multi_task", "domain_adaptation"])
def test_images_of_the_source_have_classes_of_their_own_in_another_task_only(data, strategy):
    for i in range(3):
        data.plant("val", f"new{i}.jpg", 0)
    (data.folder / "cut.jpg").write_bytes(picture(99)[:200])
    lines = ["new0.jpg 0", "train1.jpg 77", "cut.jpg 0"]
    further_list(data, "Source", "more.txt", lines, strategy)
    report = data.check()
    kinds = {one for one in found(report) if one[1] == "more.txt"}
    assert kinds == {("image-truncated", "more.txt", 3), *(
        [("class-count", "more.txt", 0)] if strategy == "multi_task" else
        [("label-out-of-range", "more.txt", 2)])}
    assert ("leak", "val_list.txt", 11) in {(finding.kind, os.path.basename(finding.file),
                                             finding.line) for finding in report.errors}


@pytest.mark.parametrize(("label", "kinds"), [
    (1, []), (3, [("class-count", False)]), (10 ** 6, [("class-count", True)]),
    (-1, [("label-negative", True)])])
def test_labels_of_a_source_with_classes_of_its_own(data, label, kinds):
    further_list(data, "Source", "more.txt", ["train1.jpg 0", f"train2.jpg {label}"], "multi_task")
    assert [(finding.kind, finding.error) for finding in data.check().findings] == kinds


@pytest.mark.parametrize(("names", "strategy", "message"), [
    ("0 b\n1 a\n2 c\n", "domain_adaptation",
     "numbers the classes of this list in another way than those of the train list: b is 0 there "
     "and 1 in {}/label_list.txt, and 1 more"),
    ("0 A\n1 b\n", "domain_adaptation", "has other names: 0 is A there and a in {}/label_list.txt"),
    ("0 a\n1 b\n", "domain_adaptation", ""), ("0 b\n1 a\n", "multi_task", "")])
def test_classes_of_two_lists_are_compared_by_name(data, names, strategy, message):
    (data.folder / "label_list.txt").write_text("".join(
        f"{i} {chr(97 + i)}\n" for i in range(5)))
    further_list(data, "Source", "source_list.txt", ["train1.jpg 0"], strategy)
    (data.folder / "source_label_list.txt").write_text(names)
    found = [finding for finding in data.check().findings if finding.kind == "class-map"]
    assert [finding.error for finding in found] == ["way" in message] * bool(message)
    for finding in found:
        assert message.format(data.folder) in finding.message


def test_a_test_list_that_is_the_training_list(data):
    data.config["DataLoader"]["Test"] = data.config["DataLoader"]["Train"]
    report = data.check()
    assert [(finding.kind, finding.error) for finding in report.findings] == [("same-list", True)]


def test_unchanged_images_are_not_looked_at_again_and_changed_ones_are(data, tmp_path):
    assert (data.check().scanned, data.check().scanned) == (50, 0)
    path = tmp_path / "train5.jpg"
    stamp = path.stat()
    path.write_bytes(b"x" * stamp.st_size)
    os.utime(path,
             ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # size and mtime as before: ctime tells
    report = data.check()
    assert report.scanned == 1
    assert ("image-unreadable", "train_list.txt", 6) in found(report)


def test_a_torn_or_unwritable_cache_is_no_fault(data, tmp_path):
    data.check()
    (cache,) = (tmp_path / "cache").iterdir()
    cache.write_bytes(b"torn" * 1000)
    assert data.check().scanned == 50
    assert data.check().scanned == 0
    (tmp_path / "file").write_text("")
    data.write()
    report = check_config(data.config, processes=1, cache_folder=tmp_path / "file")
    assert report.findings == []
    assert report.scanned == 50


def test_two_processes_find_the_same(data, tmp_path):
    for i in range(220):
        data.plant("train", f"more{i}.jpg", i % 5, data=b"broken" if i == 150 else None)
    alone = data.check()
    together = check_config(data.config, file="config.yaml", processes=2,
                            cache_folder=tmp_path / "cache2")
    assert together.findings == alone.findings
    assert together.scanned == 270


def test_a_list_of_another_kind_is_said_not_to_be_checked(data):
    data.config["DataLoader"]["Train"]["dataset"]["name"] = "MultiLabelDataset"
    assert [finding.kind for finding in data.check().warnings] == ["not-checked"]


def run_tool(*arguments):
    return subprocess.run([sys.executable, str(TOOLS / "check_data.py"), *arguments],
                          capture_output=True, text=True, check=False)


def test_the_tool_exits_by_errors_and_prints_json(data, tmp_path):
    data.write()
    dump_yaml(data.config, str(tmp_path / "config.yaml"))
    arguments = ("-c", str(
        tmp_path / "config.yaml"), "--processes", "1", "--cache", str(tmp_path / "cache"))
    done = run_tool(*arguments)
    assert done.returncode == 0, done.stderr
    assert "50 images checked: 0 errors, 0 warnings" in done.stdout
    done = run_tool(*arguments, "-o", "Arch.class_num=3", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["cached"] == 50
    assert report["errors"] == 20
    assert {finding["kind"] for finding in report["findings"]} == {"label-out-of-range", "topk"}
    done = run_tool("-c", str(tmp_path / "gone.yaml"))
    assert done.returncode == 2
    assert "gone.yaml" in done.stderr
    assert "Traceback" not in done.stderr
