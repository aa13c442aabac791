"""What every ``study.base.Store`` must do. Inherit ``StoreSuite`` in a test and say how a store is
opened, and what Optuna calls it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import optuna_dashboard
import pytest

from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.space import Space
from paddle_transfer.study.base import Store
from paddle_transfer.study.records import Proposal, Stage

SPACE = Space((Choice("lr", (0.1, 0.01),
                      log=True), Choice("odd", (1, True, None, "a", [1, 2], {"k": 0.5})),
               Range("x", 0.001, 1.0, log=True), Range("k", 1, 9, integer=True)))
POINT = {"lr": 0.01, "odd": [1, 2], "x": 0.25, "k": 3}


class StoreSuite:
    def open(self, path: Path, space: Space = SPACE) -> Store:
        """The store of ``path``, a folder; the second time, as another process would open it."""
        raise NotImplementedError

    def address(self, path: Path) -> str:
        """What ``optuna-dashboard`` is given to open the store of ``path``."""
        raise NotImplementedError

    def again(self, store: Store, path: Path) -> Store:
        store.close()
        return self.open(path)

    def test_what_was_written_is_there_when_it_is_opened_again(self, tmp_path):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal(POINT), seed=7)
        store.begin(0)
        store.report_epoch(0, epoch=1, value=0.25)
        store.report_epoch(0, epoch=2, value=0.5)
        store.finish(0, state="complete", value=0.5, info={"best_epoch": 2})
        store.reuse(suggestion=1, original=store.records()[0])
        store.set_attribute("identity", {"a": [1, None]})
        before = store.records()
        store = self.again(store, tmp_path)
        assert store.records() == before
        assert store.attributes()["identity"] == {"a": [1, None]}
        first, second = before
        assert (first.number, first.suggestion, first.point, first.seed,
                first.state) == (0, 0, POINT, 7, "complete")
        assert (first.value, first.curve, first.attempts) == (0.5, ((1, 0.25), (2, 0.5)), 1)
        assert first.info == {"best_epoch": 2}
        assert (second.number, second.reused, second.state, second.value) == (1, 0, "complete", 0.5)

    @pytest.mark.parametrize("odd", SPACE["odd"].values, ids=repr)
    def test_points_come_back_with_the_same_types(self, tmp_path, odd):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal({**POINT, "odd": odd}), seed=0)
        point = self.again(store, tmp_path).records()[0].point
        assert repr(point) == repr({**POINT, "odd": odd})

    @pytest.mark.parametrize("teacher", ["A", None])
    @pytest.mark.parametrize("stage", list(Stage))
    def test_the_stage_and_the_teacher_come_back(self, tmp_path, stage, teacher):
        proposal = Proposal(POINT, stage, None if stage is Stage.SEARCH else teacher)
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=proposal, seed=0)
        store.begin(0)
        store.finish(0, state="complete", value=0.5, info={"images": 9})
        store.reuse(suggestion=1, original=store.records()[0])
        records = self.again(store, tmp_path).records()
        assert [record.proposal for record in records] == [proposal, proposal]
        assert [record.images for record in records] == [9, 9]

    def test_an_attempt_forgets_the_epochs_before_it(self, tmp_path):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
        store.begin(0)
        for epoch in (1, 2, 3):
            store.report_epoch(0, epoch=epoch, value=0.9)
        store = self.again(store, tmp_path)
        record = store.begin(0)
        assert (record.attempts, record.curve) == (2, ())
        assert store.report_epoch(0, epoch=1, value=0.1).curve == ((1, 0.1),)
        assert self.again(store, tmp_path).records()[0].curve == ((1, 0.1),)

    def test_an_attempt_that_goes_on_keeps_the_epochs_before(self, tmp_path):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
        store.begin(0)
        for epoch in (1, 2, 3):
            store.report_epoch(0, epoch=epoch, value=epoch / 10)
        record = store.begin(0, keep=2)
        assert (record.attempts, record.curve) == (2, ((1, 0.1), (2, 0.2)))
        store.report_epoch(0, epoch=3, value=0.4)
        assert self.again(store, tmp_path).records()[0].curve == ((1, 0.1), (2, 0.2), (3, 0.4))

    def test_the_curve_given_at_the_end_is_the_one_that_stays(self, tmp_path):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
        store.begin(0)
        for epoch in (1, 2, 9):
            store.report_epoch(0, epoch=epoch, value=0.1)
        store.finish(0, state="complete", value=0.3, curve=[(1, 0.1), (2, 0.2), (3, 0.3)])
        assert self.again(store, tmp_path).records()[0].curve == ((1, 0.1), (2, 0.2), (3, 0.3))

    @pytest.mark.parametrize(("state", "value"), [("complete", 0.5), ("pruned", 0.5),
                                                  ("diverged", None), ("failed", None)])
    def test_every_state_comes_back(self, tmp_path, state, value):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
        store.begin(0)
        store.finish(0, state=state, value=value, info={"reason": "because"})
        record = self.again(store, tmp_path).records()[0]
        assert (record.state, record.value, record.info["reason"]) == (state, value, "because")

    def test_a_finished_trial_does_not_change(self, tmp_path):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
        store.finish(0, state="failed")
        for change in (lambda: store.begin(0), lambda: store.report_epoch(0, epoch=1, value=0.5),
                       lambda: store.finish(0, state="complete", value=0.5)):
            with pytest.raises(AssertionError, match="trial 0 has already ended as failed"):
                change()

    def test_tries_are_kept_through_the_end(self, tmp_path):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
        store.begin(0)
        store.note_try(0, verdict="crashed", message="boom", log_tail="a\nb")
        store = self.again(store, tmp_path)
        assert store.records()[0].info["tries"] == [
            {"attempt": 1, "verdict": "crashed", "message": "boom", "log_tail": "a\nb"}]
        store.begin(0)
        record = store.finish(0, state="complete", value=1.0, info={"best_epoch": 1})
        assert [one["attempt"] for one in record.info["tries"]] == [1]
        assert record.accumulate == 1
        assert record.info["best_epoch"] == 1

    def test_a_divided_batch_is_kept(self, tmp_path):
        store = self.open(tmp_path)
        store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
        store.begin(0)
        store.note_try(0, verdict="out_of_memory", message="boom", log_tail="", accumulate=2)
        store = self.again(store, tmp_path)
        assert store.records()[0].accumulate == 2
        store.begin(0)
        assert store.finish(0, state="complete", value=1.0).accumulate == 2

    def test_numbers_have_no_gaps(self, tmp_path):
        store = self.open(tmp_path)
        for i in range(3):
            assert store.create(suggestion=i, proposal=Proposal(POINT), seed=0).number == i
        store = self.again(store, tmp_path)
        assert store.create(suggestion=3, proposal=Proposal(POINT), seed=0).number == 3

    def test_what_other_stores_write_is_not_in_it(self, tmp_path):
        stores = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            stores.append(self.open(tmp_path / name))
        for number, store in enumerate(stores):
            store.create(suggestion=number, proposal=Proposal(POINT), seed=number)
            store.set_attribute("identity", number)
            store.create(suggestion=9, proposal=Proposal(POINT), seed=number)
        for number, name in enumerate(("one", "two")):
            store = self.again(stores[number], tmp_path / name)
            assert [one.seed for one in store.records()] == [number] * 2
            assert store.attributes()["identity"] == number

    def test_optuna_dashboard_shows_trials_curves_failures_and_notes(self, tmp_path):
        store = self.open(tmp_path)
        store.set_note("a **search**")
        store.set_note("another text, after the first")
        for number in range(3):
            store.create(suggestion=number, proposal=Proposal(POINT), seed=0)
            store.begin(number)
            store.report_epoch(number, epoch=1, value=0.25)
        store.finish(0, state="complete", value=0.25, info={"reason": "it is not one"})
        store.finish(1, state="diverged", info={
            "reason": "the loss became nan", "log_tail": "a\nb"})
        store.close()
        study = shown(self.address(tmp_path))
        assert study["note"]["body"] == "a **search**"
        good, bad, running = study["trials"]
        assert [one["state"] for one in study["trials"]] == ["Complete", "Fail", "Running"]
        assert {one["name"]: one["param_external_value"] for one in bad["params"]} == {
            "lr": "0.01", "odd": "[1, 2]", "x": "0.25", "k": "3"}
        assert running["intermediate_values"] == [{"step": 1, "value": 0.25}]
        attributes = {one["key"]: one["value"] for one in bad["user_attrs"]}
        assert (attributes["state"], attributes["cause"]) == ("diverged", "the loss became nan")
        assert bad["note"]["body"] == "**diverged**: the loss became nan\n\n```\na\nb\n```"
        assert not {"state", "cause"} & {one["key"] for one in good["user_attrs"]}
        assert good["note"]["body"] == ""


def shown(address: str) -> dict:
    """The last study that optuna-dashboard finds at ``address``, as its pages get it."""
    app = optuna_dashboard.wsgi(address)

    def get(path):
        told = []
        body = b"".join(app({
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "test",
            "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO()}, lambda status, *_: told.append(status)))
        assert told == ["200 OK"], body
        return json.loads(body)

    latest = max(one["study_id"] for one in get("/api/studies")["study_summaries"])
    return get(f"/api/studies/{latest}")
