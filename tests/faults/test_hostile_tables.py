"""Recorded tables and prior files that are cut, damaged or hostile."""

from __future__ import annotations

import gzip
import json
import math
import os
import random

import pytest

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers import tables
from paddle_transfer.samplers.gp.past_tasks import read_tasks
from paddle_transfer.samplers.tables import load_table

HEAD = "lr,seed,epoch,top1\n"
GOOD = HEAD + "".join(f"{lr},{seed},{epoch},0.{epoch}\n" for lr in (0.1, 0.2) for seed in (0, 1)
                      for epoch in (1, 2))
PRIOR = {"tasks": [{"name": "a", "names": ["lr"], "points": [[0.1], [0.2]], "values": [1, 2.5]}]}


def put(folder, text, name="t.csv"):
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder / name


def refused(use, path, words=""):
    with pytest.raises(PaddleTransferError, match=words) as caught:
        use(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1100


@pytest.mark.parametrize(("text", "words"), [
    (HEAD + "0.1,0,1,0.5\n0.1,0,1000000000000,0.5\n", "a seed or an epoch of .* is missing"),
    (HEAD + "0.1,0,0,0.5\n", "epochs count from 1"), (HEAD + "0.1,0,-1,0.5\n", "count from 1"),
    (HEAD + "0.1,0,1,nan\n", "metrics lie in 0..1"), (HEAD + "0.1,0,1,55.2\n", "lie in 0..1"),
    (HEAD + "0.1,0,1,0.5\n0.1,0,1,0.6\n", "line 3 .* each once"),
    (HEAD + "0.1,0," + "9" * 5000 + ",0.5\n", "line 2 is not a row"),
    ("".join(f"c{i}," for i in range(20)) + HEAD + "".join(
        f"{','.join([str(j)] * 20)},0.1,0,1,0.5\n" for j in range(100)), "the columns make 1000"),
    ("x" * 1_000_000, "field larger than field limit"),
    (HEAD + "\0\n", "line 2 is not a row|line contains NUL"), (b"\xff" * 9, "must be UTF-8 text"),
    (HEAD + "\x1b[2J,1\n", "x1b"),
], ids=lambda value: str(value)[:40])
def test_a_table_that_is_none_is_told_in_a_line(tmp_path, text, words):
    refused(load_table, put(tmp_path, text), words)


def test_a_packed_table_is_whole_and_of_bounded_size(tmp_path, monkeypatch):
    packed = gzip.compress(GOOD.encode())
    assert load_table(put(tmp_path, packed, "t.csv.gz")).curves.shape == (2, 2, 2)
    for data in (packed[:-3], packed[:20], packed + b"x", GOOD.encode(), b""):
        refused(load_table, put(tmp_path, data, "t.csv.gz"), "cannot be read")
    monkeypatch.setattr(tables, "MAX_BYTES", len(GOOD) - 1)
    refused(load_table, put(tmp_path, packed, "t.csv.gz"), "unfolds to more than")


def test_more_points_than_are_compared_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_POINTS", 1)
    refused(load_table, put(tmp_path, GOOD), "2 points are more than the 1 that are compared")


def test_integers_that_collide_are_texts(tmp_path):
    # multiples of 2^61 - 1 all have the same place in a mapping
    rows = [f"{i * (2**61 - 1)},0,1,0.5\n" for i in range(1, 300)]
    values = load_table(put(tmp_path, HEAD + "".join(rows))).space["lr"].values
    assert len({hash(value) for value in values}) == len(values) == 299


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    for use in (load_table, read_tasks):
        refused(use, tmp_path / "t.csv", "named pipe")


def test_damaged_tables_are_read_or_told_in_a_line(tmp_path):
    rng, seen = random.Random(0), set()
    for number in range(300):
        text = bytearray(GOOD.encode())
        for _ in range(rng.choice((1, 2, 4))):
            at = rng.randrange(len(text))
            text[at:at + rng.randrange(9)] = rng.choice(
                (b"", b"\0", b"\xff", b",", b"\n", b"9" * 30, b"-", b"nan", b'"', b"1e999"))
        try:
            table = load_table(put(tmp_path, text))
            good = table.curves.size <= 16 and math.isfinite(table.curves.sum())
            seen.add("read" if good else number)
        except PaddleTransferError as error:
            seen.add("refused" if "\n" not in str(error) else number)
    assert seen == {"read", "refused"}


def changed(**entries):
    return {"tasks": [{**PRIOR["tasks"][0], **entries}]}


@pytest.mark.parametrize("content", [
    [], {}, {"tasks": 1}, {"tasks": [1]}, {"tasks": None}, changed(points=[[1, 2]]),
    changed(values=[1]), changed(values=[1, math.nan]), changed(values=[1, 10**400]),
    changed(values=[1, "x"]), changed(points=1), changed(names=None), changed(names=[["lr"]]),
], ids=str)
def test_a_prior_file_that_is_none_is_told_in_a_line(tmp_path, content):
    refused(read_tasks, put(tmp_path, json.dumps(content), "p.json"), "not a prior file")


def test_a_prior_file_is_read(tmp_path):
    (task,) = read_tasks(put(tmp_path, json.dumps(PRIOR), "p.json"))
    assert (task.name, task.points, task.values) == ("a", ({"lr": 0.1}, {"lr": 0.2}), (1.0, 2.5))
    for text in ("[" * 100_000, b"\xff", "{", json.dumps(PRIOR)[:-3], ""):
        refused(read_tasks, put(tmp_path, text, "p.json"), "not a prior file")
