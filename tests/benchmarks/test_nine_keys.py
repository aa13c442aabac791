"""Nine hyperparameters against four: the search files that are compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import nine_keys

TASK = "squeezenet_tuxpaint"


@pytest.mark.parametrize(("keys", "size"), [(4, 196), (9, 6272)])
def test_both_searches_have_the_same_trainings_and_fixed_point(tmp_path, keys, size):
    made = nine_keys.search_file(TASK, keys, 2, tmp_path / "out")
    assert len(made["search_dict"]) == len(made["fixed"]) == keys
    sizes = [len(item["search_values"]) for item in made["search_dict"]]
    total = 1
    for one in sizes:
        total *= one
    assert total == size
    assert all(made["fixed"][item["search_key"]] in item["search_values"]
               for item in made["search_dict"])
    assert (made["max_iter"], made["seed"], made["confirm"]) == (20, 2, "none")


def test_the_named_point_is_trained_alone_with_seeds_that_no_search_has_seen(tmp_path):
    search = nine_keys.search_file(TASK, 9, 0, tmp_path / "out")
    made = nine_keys.fresh_file(search, {"lr": 0.01, "cutmix": True}, 1000, 2, tmp_path / "fresh")
    assert made["search_dict"] == [{"search_key": "lr", "search_values": [0.01]},
                                   {"search_key": "cutmix", "search_values": [True]}]
    assert (made["seed"], made["search_times"], made["search_mode"]) == (1000, 2, "grid")
    assert made["output_dir"] != search["output_dir"]


def test_a_row_has_what_was_seen_and_what_fresh_seeds_gave(tmp_path, monkeypatch, capsys):
    class Found:
        def __init__(self, search):
            self.best_point, self.best_value = {"lr": 0.01, "dropout": 0.2}, 0.8
            seeds = search.get("search_times", 0)
            self.trials = [type("Trial", (), {"value": 0.5 + 0.2 * i}) for i in range(seeds)]

    monkeypatch.setattr(nine_keys, "run", Found)
    assert nine_keys.main([TASK, "--seeds", "0", "--output", str(tmp_path)]) == 0
    rows = Path(tmp_path, "nine_keys.csv").read_text().splitlines()
    assert rows[1] == f"{TASK},4,0,0.8,0.6,0.01,,,,,,,,0.2"
    assert rows[2].startswith(f"{TASK},9,0,0.8,0.6,")
    assert "keys 9" in capsys.readouterr().out
