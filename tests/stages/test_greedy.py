"""One key at a time, in PaddleClas's order and with its tie rule."""

import pytest

from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.stages.distillation import make_stages
from paddle_transfer.stages.plan import BASE, Distillation, Plan
from paddle_transfer.study.records import Stage, TrialRecord

KEYS = (Choice("lr", (0.1, 0.2, 0.3)), Choice("mult", ([0.0, 1.0], [1.0, 1.0])))
START = {"lr": 0.2, "mult": BASE}


def plan(**changes):
    return Plan(**{"keys": KEYS, "start": START, **changes})


class Search:
    """Plays a search: ``values`` of (name, value) pairs, or of stages; what is not there gets 0.5.

    Points are as result files show them: with the teacher and the stage in a search that distils.
    """

    def __init__(self, what, values=(), *, failed=()):
        self.plan, self.space, self.values = what, what.space(), dict(values)
        self.failed, self.records = set(failed), []
        self.sampler = make_sampler("greedy", plan=what)
        distillation = Distillation("f", {}, "skl-ugi", what.teachers) if what.final else None
        self.stages = make_stages(base={}, keys=(), space=self.space, output_dir="out", plan=what,
                                  distillation=distillation)

    def ask(self, running=()):
        """The next point; ``running`` are points being trained."""
        records = list(self.records)
        for point in running:
            records.append(self.record(point, number=len(records), state="running", value=None))
        proposal = self.stages.propose(records, self.sampler)
        return None if proposal is None else self.stages.shown(proposal)

    def record(self, point, **fields):
        stage, teacher = point.get("stage", "search"), point.get("teacher", "-")
        return TrialRecord(suggestion=0, seed=0, stage=Stage(stage),
                           teacher=None if teacher == "-" else teacher,
                           point={name: point[name] for name in self.space.names}, **fields)

    def tell(self, point, value, state="complete"):
        self.records.append(self.record(point, number=len(self.records), state=state,
                                        value=value if state == "complete" else None))

    def run(self):
        points = []
        while (point := self.ask()) is not None:
            points.append(point)
            names = [f"{name}={value}" for name, value in point.items()]
            value = next((self.values[name] for name in reversed(names) if name in self.values),
                         0.5)
            self.tell(point, value, "failed" if self.failed & set(names) else "complete")
        return [tuple(point.values()) for point in points]


def test_each_key_begins_with_the_best_of_those_before():
    points = Search(plan(), {"lr=0.3": 0.9, "mult=[0.0, 1.0]": 0.7}).run()
    assert points == [(0.1, BASE), (0.2, BASE), (0.3, BASE), (0.3, [0.0, 1.0]), (0.3, [1.0, 1.0])]


def test_of_equal_values_the_first_stays():
    assert Search(plan()).run()[3:] == [(0.1, [0.0, 1.0]), (0.1, [1.0, 1.0])]
    assert Search(plan(), {f"lr={lr}": 0.0 for lr in KEYS[0].values}).run()[3][0] == 0.1


def test_the_mean_of_the_repeats_counts():
    search = Search(plan())
    for lr, values in ((0.1, (0.9, 0.3)), (0.2, (0.7, 0.7)), (0.3, (0.8, 0.5))):
        for value in values:
            search.tell({"lr": lr, "mult": BASE}, value)
    assert search.ask() == {"lr": 0.2, "mult": [0.0, 1.0]}


@pytest.mark.parametrize("state", ["failed", "diverged", "pruned"])
def test_a_value_without_a_result_is_passed_over(state):
    search = Search(plan())
    for lr, how in ((0.1, state), (0.2, "complete"), (0.3, state)):
        search.tell({"lr": lr, "mult": BASE}, 0.1, how)
    assert search.ask()["lr"] == 0.2


def test_a_key_whose_values_all_fail_stays_as_it_is():
    points = Search(plan(), failed=["lr=0.1", "lr=0.3", "mult=[0.0, 1.0]"]).run()
    assert [point[0] for point in points[3:]] == [0.2, 0.2]
    search = Search(plan(keys=KEYS[::-1], start=START),
                    failed=["mult=[0.0, 1.0]", "mult=[1.0, 1.0]"])
    assert search.run()[2:] == [(BASE, 0.1), (BASE, 0.2), (BASE, 0.3)]


def test_the_base_configs_own_value_is_not_trained_twice():
    points = Search(plan(keys=KEYS[::-1]), {"mult=[1.0, 1.0]": 0.9}).run()
    assert points == [([0.0, 1.0], 0.2), ([1.0, 1.0], 0.2), ([1.0, 1.0], 0.1), ([1.0, 1.0], 0.3)]
    assert plan(keys=KEYS[::-1]).suggestions == 4


def test_values_of_one_key_run_beside_each_other_and_the_next_key_waits():
    search, running = Search(plan()), []
    for _ in range(3):
        running.append(search.ask(running))
    assert [point["lr"] for point in running] == [0.1, 0.2, 0.3]
    assert search.ask(running) is None
    search.tell(running[0], 0.4)
    search.tell(running[1], 0.9)
    assert search.ask(running[2:]) is None, "the third may be the best"
    search.tell(running[2], 0.5)
    assert search.ask()["lr"] == 0.2


TEACHERS = {"teachers": ("A", "B"), "final": True}


def test_teachers_and_the_final_run_follow():
    points = Search(plan(**TEACHERS), {"mult=[1.0, 1.0]": 0.6, "teacher=B": 0.9}).run()
    best = (0.1, [1.0, 1.0])
    assert points[5:] == [(*best, "A", "teacher"), (*best, "B", "teacher"), (*best, "B", "final")]
    assert plan(**TEACHERS).suggestions == len(points)
    assert Search(plan(final=True)).run()[5:] == [(0.1, [0.0, 1.0], "-", "final")]


def test_teachers_run_beside_each_other_and_the_final_run_waits():
    search = Search(plan(**TEACHERS))
    for point in ((0.1, BASE), (0.2, BASE), (0.3, BASE), (0.1, [0.0, 1.0]), (0.1, [1.0, 1.0])):
        search.tell({"lr": point[0], "mult": point[1], "teacher": "-", "stage": "search"}, 0.5)
    first = search.ask()
    second = search.ask([first])
    assert (first["teacher"], second["teacher"]) == ("A", "B")
    assert search.ask([first, second]) is None
    search.tell(first, None, "failed")
    search.tell(second, 0.1)
    assert search.ask() == {**second, "stage": "final"}


def test_without_a_teacher_there_is_no_final_run():
    search = Search(plan(**TEACHERS), failed=["stage=teacher"])
    assert search.run()[-1] == (0.1, [0.0, 1.0], "B", "teacher")
    assert search.stages.why_done(search.records).startswith("no teacher could be trained")
    done = Search(plan(**TEACHERS))
    done.run()
    assert done.stages.why_done(
        done.records) == "all 2 keys were searched and the student was distilled"


def test_every_point_lies_in_the_space():
    search = Search(plan(**TEACHERS))
    search.run()
    assert all(search.space.contains(one.point) for one in search.records)
