"""The benchmark of classifiers on features: what it searches."""

from benchmarks import features
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.settings.search_file import load_search_file


def test_it_compares_196_points_with_five_trainings(tmp_path):
    for part in ("train", "val"):
        (tmp_path / f"{part}_list.txt").write_text("a.png 0\nb.png 1\n" * 10)
    (tmp_path / "label_list.txt").write_text("0 a\n1 b\n")
    weights = tmp_path / "weights.pdparams"
    weights.touch()
    sizes = []
    for one in (features.EXTRACTION, features.FULL):
        dump_yaml(features.base_config(tmp_path, weights, epochs=10, strategy=one["strategy"]),
                  str(tmp_path / "base.yaml"))
        dump_yaml({"base_config_file": str(tmp_path / "base.yaml"), "search_mode": "grid",
                   "output_dir": str(tmp_path / "out"), "search_dict": one["search_dict"]},
                  str(tmp_path / "search.yaml"))
        sizes.append(load_search_file(str(tmp_path / "search.yaml")).search_space.space.size)
    assert sizes == [196, 5]
