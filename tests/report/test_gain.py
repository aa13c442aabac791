"""The gain over the fixed point: the same figure and the same words wherever it is told."""

import json
import math

import pytest

from paddle_transfer.report.gain import Gain, gain_over, gain_text, gains_by_seed, verdict_text
from paddle_transfer.report.html.data import read_search_data
from paddle_transfer.report.results import summary
from paddle_transfer.report.summary import summary_lines
from tests.helpers.records import ranker_of, record, shown_settings
from tests.helpers.saved_study import write_study


@pytest.mark.parametrize(("gain", "sureness"), [
    (Gain(0.21, 0.1, "seeds", 3), "surely"), (Gain(0.19, 0.1, "seeds", 3), "probably"),
    (Gain(0.1, 0.1, "seeds", 3), "luck"), (Gain(-0.2, 0.1, "seeds", 3), "luck"),
    (Gain(0.29, 0.1, "seeds", 2), "probably"), (Gain(0.31, 0.1, "seeds", 2), "surely"),
    (Gain(0.29, 0.1, "noise", 3), "probably"), (Gain(0.29, 0.1, "images", 3), "probably"),
    (Gain(0.9, None, ""), "unknown")])
def test_two_trainings_must_show_more_than_three(gain, sureness):
    assert gain.sureness == sureness


def test_the_error_counts_seeds_and_images():
    found, fixed = record(1, 0.1, value=0.8), record(0, 0.1, value=0.7)
    rows = [type("Row", (), {"value": one.value, "error": None, "images": 25, "trials": (0,)})()
            for one in (fixed, found)]
    by_seed = gains_by_seed({0: 0.7, 1: 0.6, 2: 0.5}, {1: 0.8, 0: 0.8, 3: 0.9})
    assert by_seed == pytest.approx([0.2, 0.1])
    gain = gain_over(*rows, metric="top1", by_seed=by_seed)
    images = math.sqrt((0.8 * 0.2 + 0.7 * 0.3) / 25 / 2)
    assert gain.error == pytest.approx(math.hypot(0.05, images))
    assert (gain_text(gain, "top1"), gain_text(gain, "recall1")) == (
        "+15.00 ± 9.95 points", "+0.1500 ± 0.0995")
    assert verdict_text(gain) == (
        "The found settings are probably, not surely, better than the fixed ones (± counts 2 seeds "
        "that both were trained with and 25 images).")
    alone = gain_over(*rows, metric="top1")
    assert (alone.source, alone.error) == ("images", pytest.approx(images))
    assert gain_over(*rows, metric="recall1").error is None
    assert gains_by_seed({0: 0.7}, {0: 0.8}) == [], "one seed has no error"


def test_the_terminal_the_page_and_the_file_tell_one_gain(tmp_path):
    seeds = [record(number, lr, value=value, seed=number % 2, suggestion=number // 2)
             for number, (lr, value) in enumerate(((0.01, 0.5), (0.01, 0.6),
                                                   (0.1, 0.9), (0.1, 0.8)))]
    settings = shown_settings(tmp_path / "out", confirm=2)
    data = read_search_data(write_study(settings, seeds))
    ranker = ranker_of(settings)
    board, outlook = ranker.leaderboard(data.records), ranker.outlook(data.records)
    gain = data.gain
    assert (gain.source, round(gain.value, 6), gain.images) == ("seeds", 0.3, 9)
    told = summary(settings, data.records, board, outlook=outlook)
    assert told["gain"] == gain.as_dict() == json.loads(
        (tmp_path / "out" / "search_results.json").read_text())["gain"]
    lines = summary_lines(settings, data.records, board, outlook)
    assert f"a gain of {gain_text(gain, 'top1')}." in lines[0]
    assert lines[1] == verdict_text(gain)
