"""The folder of features: bounded whoever writes, safe for who reads."""

import fcntl
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock

from paddle_transfer.errors import SetupError
from paddle_transfer.worker.features import opening
from paddle_transfer.worker.features.cache import (
    LIMIT,
    LIMIT_VARIABLE,
    FeatureCache,
    default_folder,
    default_limit,
)
from paddle_transfer.worker.features.feature_set import FeatureSet, from_arrays, to_arrays


def arrays(number, count=1000):
    """An entry of a little more than 4 kB for 1000."""
    return {"labels": np.arange(3), "features": np.full((count,), number, np.float32)}


def names(folder):
    return sorted(path.stem for path in folder.glob("*.features"))


def test_what_was_written_is_read(tmp_path):
    cache = FeatureCache(tmp_path, 100_000)
    assert cache.read("aa") is None
    assert cache.write("aa", arrays(7))
    found = FeatureCache(tmp_path, 100_000).read("aa")
    assert found["labels"].tolist() == [0, 1, 2]
    assert found["features"].tolist() == [7] * 1000
    assert not found["features"].flags.writeable
    assert not list(tmp_path.glob("*.tmp"))


def test_a_feature_set_comes_back_whole():
    floats = np.arange(6, dtype=np.float32).reshape(2, 3)
    for inputs in (None, floats, floats.reshape(2, 3, 1, 1) + 1):
        made = FeatureSet(floats, np.array([1, 0]), floats[0], floats[1], "k", {"a": [1]}, inputs)
        found = from_arrays(to_arrays(made), "k")
        assert (found.key, found.facts, found.labels.tolist()) == ("k", {"a": [1]}, [1, 0])
        for name in ("features", "low", "high", "inputs"):
            np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    assert "inputs" not in to_arrays(FeatureSet(floats, *[floats] * 3, "k", {}, floats))


@pytest.mark.parametrize("content", [b"", b"no features", b"\xff" * 100])
def test_a_broken_entry_counts_as_none_and_is_replaced(tmp_path, content):
    cache = FeatureCache(tmp_path, 100_000)
    (tmp_path / "aa.features").write_bytes(content)
    assert cache.read("aa") is None
    assert cache.write("aa", arrays(1))
    assert cache.read("aa") is not None


def test_the_least_recently_used_go_first_and_a_used_one_stays_readable(tmp_path):
    cache = FeatureCache(tmp_path, 9_500)
    for i, key in enumerate("ab"):
        assert cache.write(key, arrays(i))
    for i, key in enumerate("ab"):
        os.utime(tmp_path / f"{key}.features", (1_000 + i, 1_000 + i))
    held = cache.read("a")  # now b is the one that was used before
    assert cache.write("c", arrays(2))
    assert names(tmp_path) == ["a", "c"]
    assert cache.write("d", arrays(3, 2000))
    assert names(tmp_path) == ["d"]
    assert held["features"].tolist() == [0] * 1000, "open, though its file is deleted"


def test_a_new_entry_of_a_key_replaces_the_old_one_first(tmp_path):
    cache = FeatureCache(tmp_path, 9_500)
    for i, key in enumerate("ab"):
        assert cache.write(key, arrays(i))
    os.utime(tmp_path / "a.features", (1_000, 1_000))
    assert cache.write("b", arrays(5))
    assert names(tmp_path) == ["a", "b"]


def test_what_has_no_room_is_not_kept(tmp_path, monkeypatch):
    cache = FeatureCache(tmp_path, 9_500)
    assert cache.write("a", arrays(0))
    assert not cache.write("b", arrays(1, 10_000))
    assert names(tmp_path) == ["a"], "nothing was deleted in vain"
    assert not FeatureCache(tmp_path / "none", 0).write("a", arrays(0))
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").write_text("")
    closed = FeatureCache(tmp_path / "file", 9_500)
    with closed.making("aa"):
        assert not closed.write("aa", arrays(0))
    assert closed.read("aa") is None

    def full(*_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    assert not cache.write("c", arrays(1))
    assert names(tmp_path) == ["a"]
    assert not list(tmp_path.glob("*.tmp"))


def test_the_rest_of_a_killed_writer_is_deleted_and_a_living_one_is_counted(tmp_path):
    cache = FeatureCache(tmp_path, 9_500)
    (tmp_path / "left.tmp").write_bytes(bytes(9_000))
    with open(tmp_path / "living.tmp", "wb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        living.truncate(5_000)
        assert cache.write("a", arrays(0))
        assert not cache.write("b", arrays(0, 2000))
        assert sorted(path.name for path in tmp_path.glob("*.tmp")) == ["living.tmp"]
    assert cache.write("b", arrays(0, 2000))


def test_a_file_has_its_size_before_its_content(tmp_path):
    cache = FeatureCache(tmp_path, 9_500)
    handle, path = cache._claim(5_000)
    assert os.stat(path).st_size == 5_000
    assert not cache.write("a", arrays(0, 2000))
    os.close(handle)
    assert cache.write("a", arrays(0, 2000))


def fill(folder, number):
    """Write twelve entries of different sizes; the most bytes that the folder was seen to have."""
    cache, most = FeatureCache(folder, 40_000), 0
    for i in range(12):
        cache.write(f"{number:x}{i:x}", arrays(i, 500 + 300 * ((i + number) % 5)))
        with FileLock(folder / "locks" / "all"):  # no file comes or goes; some are renamed
            files = {}
            for name in os.listdir(folder):
                try:
                    status = os.stat(folder / name)
                except FileNotFoundError:
                    continue
                files[status.st_ino] = status.st_size if name != "locks" else 0
        most = max(most, sum(files.values()))
    return most


def test_the_bound_holds_under_four_processes(tmp_path):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        seen = pool.starmap(fill, [(tmp_path, number) for number in range(4)])
    assert 20_000 < max(seen) <= 40_000
    assert sum(path.stat().st_size for path in tmp_path.glob("*.*")) <= 40_000


def test_one_computes_and_the_others_wait(tmp_path, monkeypatch):
    """Four workers want the same features at once."""
    computed, floats = [], np.ones((2, 3), np.float32)

    def compute(*_, key, **__):
        computed.append(key)
        return FeatureSet(floats, np.array([0, 1]), floats[0], floats[0], key)

    monkeypatch.setattr(opening, "_compute", compute)
    monkeypatch.setattr(opening, "features_key", lambda *_, **__: "aa")
    monkeypatch.setattr(opening, "dataset_section", lambda *_: {})

    def work(_):
        cache = FeatureCache(tmp_path, 100_000)
        return opening.open_features({}, "Train", home=SimpleNamespace(), engine=lambda: None,
                                     cache=cache)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))
    assert computed == ["aa"]
    assert all(np.array_equal(one.features, floats) for one in found)
    opening.open_features({}, "Train", home=SimpleNamespace(), engine=lambda: None, inputs=True,
                          cache=FeatureCache(tmp_path, 100_000))
    assert computed == ["aa", "aa"], "an entry without inputs does not do for who wants them"


@pytest.mark.parametrize(("text", "bytes_"), [
    ("", LIMIT), ("0", 0), ("500MB", 500 << 20), ("1.5 gb", 3 << 29), (" 1000 ", 1000)])
def test_the_limit_comes_from_the_environment(monkeypatch, tmp_path, text, bytes_):
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path))
    assert default_limit() == bytes_
    assert default_folder() == tmp_path / "features"


def test_a_limit_that_is_no_size_is_refused(monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "-1GB")
    with pytest.raises(SetupError, match=r"PADDLE_TRANSFER_FEATURES_LIMIT: must be .*'-1GB'"):
        default_limit()
