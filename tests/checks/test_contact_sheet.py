import json
from dataclasses import replace

import numpy as np

from paddle_transfer.checks.contact_sheet import SIZE, TEXT, compose, write_sheet
from paddle_transfer.checks.sheet_rows import COLUMNS, choose_rows
from tests.helpers.configs import base_config
from tests.helpers.datasets import picture


def config_with_images(folder, classes=3, per_class=2):
    lines = []
    for label in range(classes):
        for i in range(per_class):
            (folder / f"{label}_{i}.jpg").write_bytes(picture(10 * label + i))
            lines.append(f"{label}_{i}.jpg {label}")
    (folder / "broken.jpg").write_bytes(b"broken")
    (folder / "train_list.txt").write_text("\n".join([*lines, "broken.jpg 0", "absent.jpg 1"]))
    (folder / "val_list.txt").write_text(lines[0])
    return base_config(folder)


def test_chosen_images_are_there_and_seeded(tmp_path):
    config = config_with_images(tmp_path)
    rows, _ = choose_rows(config, seed=0)
    assert [row.label for row in rows] == [0, 1, 2]
    assert all(len(row.images) == COLUMNS - 1 for row in rows)
    assert not any("broken" in image or "absent" in image for row in rows for image in row.images)
    assert rows == choose_rows(config, seed=0)[0]


def test_further_lists_have_rows_of_their_own(tmp_path):
    config = config_with_images(tmp_path, classes=2)
    (tmp_path / "source_list.txt").write_text("0_0.jpg 2\nbroken.jpg 2\n1_0.jpg 0\n")
    (tmp_path / "source_label_list.txt").write_text("0 bee\n1 cow\n2 elk\n")
    (tmp_path / "unlabeled_list.txt").write_text("0_1.jpg\n1_1.jpg 9\n")
    for section in ("Source", "Unlabeled"):
        config["DataLoader"][section] = json.loads(json.dumps(
            config["DataLoader"]["Train"]).replace("train_list", f"{section.lower()}_list"))
    rows, remarks = choose_rows(config, seed=0)
    assert [(row.section, row.title.strip()) for row in rows] == [
        ("Train", "0"), ("Train", "1"), ("Source", "source 0 bee"), ("Source", "source 2 elk"),
        ("Unlabeled", "unlabeled"), ("Unlabeled", "unlabeled")]
    assert {*rows[4].images, *rows[5].images} == {f"{tmp_path}/0_1.jpg", f"{tmp_path}/1_1.jpg"}
    assert f"source left out, broken or missing: {tmp_path}/broken.jpg" in remarks


def test_the_sheet_has_a_row_per_class_and_the_given_pictures(tmp_path):
    rows, _ = choose_rows(config_with_images(tmp_path), seed=0)
    rows[0] = replace(rows[0], title="0 rose \u82b1")
    pictures = np.zeros((3 * (COLUMNS - 1), SIZE, SIZE, 3), np.uint8)
    pictures[COLUMNS - 1] = 77  # the first of the second class
    sheet = np.asarray(compose(rows, pictures))
    assert (sheet[120:180, TEXT + SIZE + 20:TEXT + SIZE + 80] == 77).all()
    assert (sheet[:20, :TEXT] < 100).any(), "the class's name is written"


def test_pictures_are_augmented_as_in_training(tmp_path):
    """By PaddleClas's own transforms, RandomErasing after the normalization and mixup included."""
    from PIL import Image

    config = config_with_images(tmp_path)
    dataset = config["DataLoader"]["Train"]["dataset"]
    (tmp_path / "one.txt").write_text("0_0.jpg\n")
    config["DataLoader"]["Unlabeled"] = {"dataset": {
        **dataset, "cls_label_path": str(tmp_path / "one.txt"),
        "transform_ops": [dataset["transform_ops"][0], {"ResizeImage": {"size": SIZE}}]}}
    dataset["transform_ops"].append(
        {"RandomErasing": {"EPSILON": 1.0, "sl": 0.3, "sh": 0.5, "r1": 0.5}})
    dataset["batch_transform_ops"] = [{"MixupOperator": {"alpha": 0.2}}]
    path = tmp_path / "sheets" / "sheet.png"
    said = write_sheet(config, str(path))
    assert said.startswith(f"contact sheet: {path} (left out, broken or missing: {tmp_path}/")
    assert said.endswith(" and 1 more)")
    sheet = np.asarray(Image.open(path)).astype(int)
    first = [
        sheet[4:4 + SIZE, TEXT + i * (SIZE + 4):TEXT + i * (SIZE + 4) + SIZE]
        for i in range(COLUMNS)
    ]
    assert all(np.abs(first[0] - other).mean() > 5
               for other in first[1:]), "the copies differ from the original"
    assert 20 < np.mean(first[1:]) < 235, "normalization was undone"
    last = sheet[-4 - SIZE:-4, TEXT + SIZE + 4:TEXT + 2 * SIZE + 4]
    assert np.abs(last - sheet[-4 - SIZE:-4, TEXT:TEXT + SIZE]).mean() < 5, "by its own transforms"


def test_without_paddleclas_the_originals_are_shown_and_said_so(tmp_path):
    config = config_with_images(tmp_path)
    said = write_sheet(config, str(tmp_path / "sheet.png"), paddleclas=str(tmp_path))
    assert "without augmentation" in said
    assert "--paddleclas" in said
    assert (tmp_path / "sheet.png").exists()
    (tmp_path / "train_list.txt").write_text("absent.jpg 0\n")
    assert write_sheet(json.loads(json.dumps(config)),
                       str(tmp_path / "s2.png")).startswith("no contact sheet")
