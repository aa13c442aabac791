import json

import numpy as np

from paddle_transfer.checks.contact_sheet import (
    COLUMNS,
    SIZE,
    TEXT,
    choose_images,
    compose,
    write_sheet,
)
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
    rows = choose_images(config, seed=0)
    assert list(rows) == [0, 1, 2]
    assert all(len(images) == COLUMNS - 1 for images in rows.values())
    assert not any("broken" in image or "absent" in image
                   for images in rows.values()
                   for image in images)
    assert rows == choose_images(config, seed=0)


def test_the_sheet_has_a_row_per_class_and_the_given_pictures(tmp_path):
    rows = choose_images(config_with_images(tmp_path), seed=0)
    pictures = np.zeros((3 * (COLUMNS - 1), SIZE, SIZE, 3), np.uint8)
    pictures[COLUMNS - 1] = 77  # the first of the second class
    sheet = np.asarray(compose(rows, pictures, names={0: "rose \u82b1"}))
    assert (sheet[120:180, TEXT + SIZE + 20:TEXT + SIZE + 80] == 77).all()
    assert (sheet[:20, :TEXT] < 100).any(), "the class's name is written"


def test_pictures_are_augmented_as_in_training(tmp_path):
    """By PaddleClas's own transforms, RandomErasing after the normalization and mixup included."""
    from PIL import Image

    config = config_with_images(tmp_path)
    dataset = config["DataLoader"]["Train"]["dataset"]
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


def test_without_paddleclas_the_originals_are_shown_and_said_so(tmp_path):
    config = config_with_images(tmp_path)
    said = write_sheet(config, str(tmp_path / "sheet.png"), paddleclas=str(tmp_path))
    assert "without augmentation" in said
    assert "--paddleclas" in said
    assert (tmp_path / "sheet.png").exists()
    (tmp_path / "train_list.txt").write_text("absent.jpg 0\n")
    assert write_sheet(json.loads(json.dumps(config)),
                       str(tmp_path / "s2.png")).startswith("no contact sheet")
