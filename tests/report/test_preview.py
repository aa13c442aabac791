import re
from dataclasses import replace

import pytest

from paddle_transfer import dotpath
from paddle_transfer.config.load import parse_value
from paddle_transfer.report.config_diff import difference
from paddle_transfer.report.forecast import final_trainings, first_points, total_text
from paddle_transfer.report.preview import FULL_LIST, preview
from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.settings.final import Final
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import PUBLISHED_FIXED, base_config, write_search
from tests.helpers.greedy_files import write_greedy
from tests.helpers.records import shown_settings


def settings_of(folder, **fields):
    return load_search_file(write_search(folder, **fields))


def trial_lines(text):
    return re.findall(r"^  (\d+|\.\.\.) .*$|^  (\.\.\.)$",
                      text.partition("Config of trial 0")[0], re.MULTILINE)


SMALL = [{"search_key": "lr", "search_values": [0.1, 0.01, 0.001]}, {"search_key": "mixup"}]


@pytest.mark.parametrize("fixed", [
    None, {"lr": 0.1, "mixup": False}, {"lr": 0.01, "mixup": True}, {"lr": 0.001, "mixup": True}])
@pytest.mark.parametrize("max_iter", [None, 4])
def test_a_grid_lists_what_the_sampler_will_give(tmp_path, fixed, max_iter):
    settings = settings_of(tmp_path, search_dict=SMALL, fixed=fixed, max_iter=max_iter)
    sampler, finished = make_sampler("grid", baseline=settings.fixed), []
    for number in range(settings.max_iter):
        point = sampler.suggest(settings.space, finished, [], seed=0)
        finished.append(Observation(number, point, 0.5))
    assert first_points(settings) == [observation.point for observation in finished]
    assert len(finished) == (max_iter or 6)


@pytest.mark.parametrize(("mode", "count"), [("bayes", 2), ("random", 10)])
def test_other_modes_show_the_samplers_first_points(tmp_path, mode, count):
    settings = settings_of(tmp_path, search_mode=mode, fixed=PUBLISHED_FIXED, seed=3)
    points = first_points(settings)
    sampler = make_sampler(mode, baseline=PUBLISHED_FIXED)
    assert len(points) == count
    assert points[0] == PUBLISHED_FIXED
    assert points[1] == sampler.suggest(settings.space, [], points[:1], seed=3)


def test_no_more_points_than_the_budget_or_the_space_has(tmp_path):
    assert len(first_points(settings_of(tmp_path, search_mode="random", max_iter=4))) == 4
    tiny = [{"search_key": "mixup"}]
    assert len(first_points(settings_of(tmp_path, search_mode="random", search_dict=tiny))) == 2
    assert len(first_points(settings_of(tmp_path, search_mode="bayes", search_dict=tiny,
                                        workers=5))) == 2


def test_the_published_grid_is_listed_in_full(tmp_path):
    text = preview(settings_of(tmp_path, fixed=PUBLISHED_FIXED))
    assert [int(number) for number, _ in trial_lines(text)] == list(range(196))
    assert "196 points" in text
    assert "the fixed point" in text.partition("\n  1 ")[0]


def test_a_long_list_is_cut_in_its_middle(tmp_path):
    values = [round(0.01 * i, 2) for i in range(1, FULL_LIST + 2)]
    text = preview(
        settings_of(tmp_path, search_dict=[{"search_key": "lr", "search_values": values}]))
    numbers = [number or dots for number, dots in trial_lines(text)]
    assert numbers == [*map(str, range(20)), "...", "196", "197", "198", "199", "200"]


def test_the_config_of_the_first_trial_is_whole(tmp_path):
    settings = settings_of(tmp_path, search_dict=SMALL, fixed={"lr": 0.01, "mixup": True}, seed=4,
                           output_dir="out")
    config = parse_value(preview(settings).partition("Config of trial 0\n")[2])
    assert set(dotpath.diff(base_config(tmp_path), config)) >= {
        "Optimizer.lr.learning_rate: 0.1 -> 0.01", "Global.seed: (absent) -> 4",
        "Global.output_dir: './output/' -> 'out/trials/0000'",
        "Loss.Train.0.CELoss.epsilon: (absent) -> 1e-07"
    }


def test_the_head_says_what_will_run(tmp_path):
    text = preview(
        settings_of(
            tmp_path, search_mode="bayes", max_iter=9, workers=2, search_times=3, seed=5,
            metric="top5", trial_timeout=60, search_dict=[{
                "search_key": "lr", "search_range": [1e-4, 1]
            }, {"search_key": "size", "replace_config": ["Global.epochs"], "search_values": [1,
                                                                                             2]}]))
    for part in (
            "continuous",
            "at most 9 points, each trained 3 times (seeds 5 to 7), 27 trainings, 60 seconds each",
            "top5, maximised", "cpu:0, cpu:1 (2 at once)", "0.0001 to 1.0, log axis",
            "edits Optimizer.lr.learning_rate", "edits Global.epochs", "depends on their results"):
        assert part in text, part


@pytest.mark.parametrize(("spec", "told"), [("nothing", True), (None, False)])
def test_weights_that_are_not_there_are_told(tmp_path, spec, told):
    spec = str(tmp_path / spec) if told else spec
    base = base_config(tmp_path)
    base["Global"]["pretrained_model"] = spec
    text = preview(settings_of(tmp_path, base=base))
    assert (f"a real run stops here: Global.pretrained_model: {spec}: there is no such file"
            in " ".join(text.split())) is told


def test_the_head_says_how_trainings_are_spent(tmp_path):
    text = preview(
        settings_of(tmp_path, search_mode="bayes", fixed=PUBLISHED_FIXED, seed=5, stop="auto",
                    time_budget=2.5, epoch_budget=60, confirm=3, prior="shipped",
                    pruner={"name": "MedianPruner", "n_startup_trials": 4}))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
            "Limits 2.5 hours of searching and 60 epochs in all",
            "Pruner MedianPruner (n_startup_trials: 4)",
            "Stop auto: after 7 points or more, when one more training is expected to gain little "
            "beside the noise of a seed",
            "Confirm the best 3 points and the fixed one have 3 trainings each, with seeds 5, 6 "
            "and 7",
            "In all 20 trials + 8 trainings of confirm = 28 at most",
            "Prior shipped: of recorded searches"):
        assert line in lines, line
    usual = preview(settings_of(tmp_path, search_mode="bayes"))
    assert ("  Confirm      the best 3 points have 2 trainings each, with seeds 0 and 1\n"
            "  In all       20 trials + 3 trainings of confirm = 23 at most\n"
            "  Pruner       auto: hopeless trainings are broken off\n") in usual
    assert "\n  Prior " not in usual
    for plain in (settings_of(tmp_path, search_mode="bayes", pruner="none",
                              confirm="none"), settings_of(tmp_path, search_mode="random"),
                  settings_of(tmp_path, search_mode="grid")):
        for word in ("Limits", "Stop", "Confirm", "In all", "Pruner", "Prior", "Learns from"):
            assert f"\n  {word} " not in preview(plain)


def test_all_trainings_are_added_up():
    settings = shown_settings("out", confirm=3)
    assert total_text(settings) == "6 trials + 8 trainings of confirm = 14 at most"
    whole = replace(settings, final=Final("train"))
    assert total_text(whole).endswith("+ 8 trainings of confirm + 2 final trainings = 16 at most")
    assert final_trainings(replace(settings, final=Final(soup="greedy"))) == 0
    assert total_text(shown_settings("out", confirm=None)) == ""


def test_repeats_take_trial_numbers_of_their_own(tmp_path):
    text = preview(settings_of(tmp_path, search_dict=SMALL, search_times=2))
    assert [number for number, _ in trial_lines(text)] == ["0", "2", "4", "6", "8", "10"]


def changes(text, title):
    """The lines of the difference that follows ``title``."""
    return text.partition(title)[2].lstrip("\n").partition("\n\n")[0].splitlines()


def test_the_difference_to_the_base_config(tmp_path):
    settings = settings_of(tmp_path, search_dict=SMALL, fixed={"lr": 0.01, "mixup": True},
                           output_dir="out")
    lines = changes(preview(settings), f"What trial 0 changes in {settings.base_config_file}\n")
    assert "-     learning_rate: 0.1" in lines
    assert "+     learning_rate: 0.01" in lines
    assert lines.index("@@ Optimizer.lr") < lines.index("+     learning_rate: 0.01")
    assert "+         epsilon: 1.0e-07" in lines
    assert "-   output_dir: ./output/" in lines
    assert sum(line[0] == "-" for line in lines) < 8, "only what differs"
    assert len(lines) < 60


def test_the_difference_is_coloured_for_a_terminal_only(tmp_path):
    settings = settings_of(tmp_path, search_dict=SMALL)
    assert "\033" not in preview(settings)
    coloured = preview(settings, colour=True)
    assert "\033[32m+   seed: 0\033[0m" in coloured
    assert "\033[36m@@ Global\033[0m" in coloured
    assert re.sub(r"\033\[\d+m", "", coloured) == preview(settings)


def test_the_difference_applied_to_the_old_gives_the_new():
    old, new = base_config(), base_config()
    new["Arch"]["class_num"] = 7
    del new["Loss"]["Eval"]
    lines = difference(old, new)
    assert [line for line in lines if line[0] in "-+"] == [
        "-   class_num: 5", "+   class_num: 7", "-   Eval:", "-     - CELoss:",
        "-         weight: 1.0"
    ]
    assert difference(old, old) == ["  nothing"]


def test_a_greedy_search_lists_every_training(tmp_path):
    for part in ("train", "val"):
        (tmp_path / f"{part}_list.txt").touch()
    settings = load_search_file(
        write_greedy(
            tmp_path, base_config(tmp_path), search_times=2, search_dict=[{
                "search_key": "mult", "replace_config": ["Arch.lr_mult_list"],
                "search_values": [[0.0, 1.0]]
            }, {
                "search_key": "lrs", "replace_config": ["Optimizer.lr.learning_rate"],
                "search_values": [0.05, 0.1]
            }]))
    text = preview(settings)
    rows = [
        line.split()
        for line in text.partition("\nTrainings ")[2].partition("\n\n")[0].splitlines()[1:]
    ]
    assert [row[0] for row in rows] == [
        "step", "mult", "mult", *["lrs"] * 4, "teacher", "teacher", "final"
    ]
    assert rows[3:5] == [["lrs", "0.05", "0"], ["lrs", "0.05", "1"]]
    assert " ".join(rows[5][3:]).startswith("the base config's")
    assert ("at most 5 points, each trained 2 times (seeds 0 to 1) (teacher and final run once), "
            "7 trainings") in text
    lines = changes(text, "if the first of all values were the best\n")
    assert "+         name: ResNet101_vd" in lines
    assert "+         lr_mult_list: [0.0, 1.0]" in lines
    config = parse_value(text.partition("Config of trial 0\n")[2])
    assert config["Arch"]["lr_mult_list"] == [0.0, 1.0]
    assert config["Optimizer"]["lr"]["learning_rate"] == 0.1
