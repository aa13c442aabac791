"""What a search costs beside its trainings, measured on very few."""

import json

from benchmarks import driver
from benchmarks.simulated import SimulatedExecutor
from paddle_transfer.executors.base import Job


def test_a_line_has_the_names_that_others_read(capsys):
    assert driver.main(["--trials", "3", "--workers", "2", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["trials"], line["workers"]) for line in lines] == [(3, 2)]
    for line in lines:
        assert list(line) == ["trials", "workers", "ms_per_trial", "bytes_per_trial", "resume_s",
                              "store"]
        assert min(line["ms_per_trial"], line["resume_s"]) > 0


def test_workers_train_nearly_all_the_time_on_a_clock_without_a_driver():
    made = SimulatedExecutor(4, SimulatedExecutor.options(median=8.0, spread=0.7))
    for number in range(400):
        while not made.free():
            made.poll(0.5)
        made.submit(Job(number, 1, ""))
    assert made.busy > 1 - 1e-9
    assert len({round(length, 6) for _, length in made.trainings}) == 400, "uneven"


def test_a_database_in_the_place_of_the_journal(tmp_path):
    url = "postgresql+psycopg://me@host/db"
    made = driver.settings_of(tmp_path, trials=2, workers=2, storage=url)
    assert made.output.storage == url


def test_the_plot_shows_every_store_and_the_workers(tmp_path):
    cost = {"workers": 8, "bytes_per_trial": 3000.0, "resume_s": 0.1, "ms_per_trial": 3.0}
    lines = [{**cost, "trials": trials, "store": store} for trials in (100, 1000)
             for store in ("journal", "sqlite")]
    lines += [{"trials": 9, "workers": workers, "ms_per_trial": 2.0, "busy": 0.99}
              for workers in (8, 64)]
    file = tmp_path / "driver.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert driver.main(["--plot", str(file)]) == 0
    text = (tmp_path / "driver.svg").read_text()
    for shown in ("journal", "sqlite", "ms a trial", "workers", "99"):
        assert shown in text
