"""Parts by name, by module:attribute, and by a name that another process knows."""

import os
import sys
from importlib.metadata import EntryPoint

import pytest

from paddle_transfer import registry
from paddle_transfer.registry import Registry, UnknownName


class Part:
    pass


@pytest.fixture
def parts():
    return Registry("part", group="paddle_transfer.no_such_group",
                    builtin={"path": "os:path.join"})


def test_module_and_attribute_is_a_name_of_every_registry(parts):
    assert parts["os:path.split"] is os.path.split
    assert "os:path.split" in parts
    assert list(parts) == ["path"], "only registered names are listed"
    for name in ("os:nothing", "no_such_module:part", "os:", ":path", "a b:c"):
        with pytest.raises(UnknownName, match="there is no part"):
            parts[name]
    assert "os:" not in parts


def test_a_module_of_the_current_directory_is_found_after_all_others(parts, tmp_path, monkeypatch):
    (tmp_path / "my_part_of_a_test.py").write_text("PART = 'mine'\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('shadows the library')\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    assert parts["my_part_of_a_test:PART"] == "mine"
    assert parts["json:loads"] is not None


def test_names_that_another_process_knows(parts):
    parts.register("mine", Part)
    parts.register("late", "os:path.split")
    assert parts.portable_name("path") == "path"
    assert parts.portable_name("late") == "os:path.split"
    assert parts.portable_name("os:sep") == "os:sep"
    assert parts.portable_name("mine") == f"{__name__}:Part"
    assert Registry("part", group="x", builtin={})[parts.portable_name("late")]

    class Local:
        pass

    parts.register("local", Local)
    with pytest.raises(UnknownName, match=r"'local' .* cannot be found by other processes"):
        parts.portable_name("local")


def test_a_builtin_part_is_imported_when_it_is_asked_for(parts):
    parts.register("missing", "no_such_module:PART")
    assert "missing" in parts
    assert parts["path"] is os.path.join
    with pytest.raises(ImportError, match="no_such_module"):
        parts["missing"]


def test_what_is_registered_has_its_name_until_it_is_removed(parts):
    parts.register("mine", Part)
    assert parts["mine"] is Part
    assert parts.names() == tuple(parts) == ("path", "mine")
    parts.unregister("mine")
    parts.unregister("mine")
    assert "mine" not in parts
    with pytest.raises(UnknownName):
        parts["mine"]


def test_an_unknown_name_is_refused_with_the_closest_one(parts):
    parts.register("median", Part)
    with pytest.raises(UnknownName, match=r"there is no part 'meadian'\. Did you mean 'median'\?"):
        parts["meadian"]
    with pytest.raises(UnknownName, match=r"there is no part 'x'\. Known: path, median\."):
        parts["x"]
    assert 7 not in parts


def test_a_name_is_taken_by_one_part_only(parts):
    parts.register("mine", Part)
    parts.register("mine", Part)
    parts.register("path", "os:path.join")
    for name, other in (("mine", object()), ("path", object()), ("path", "os:path.split")):
        with pytest.raises(ValueError, match=f"there is a part named '{name}' already"):
            parts.register(name, other)
    assert parts["mine"] is Part


def test_entry_points_of_installed_packages(parts, monkeypatch):
    asked = []

    def entry_points(*, group):
        asked.append(group)
        return [EntryPoint("theirs", "os:path.split", group),
                EntryPoint("path", "os:path.basename", group)]
    monkeypatch.setattr(registry, "entry_points", entry_points)
    assert parts["path"] is os.path.join, "a name of this package is never replaced"
    assert asked == [], "entry points are read when a name is not known"
    assert "theirs" in parts
    assert parts["theirs"] is os.path.split
    assert parts.names() == ("path", "theirs")
    assert parts["path"] is os.path.join
    assert parts.portable_name("theirs") == "theirs", "other processes read entry points, too"
    assert asked == ["paddle_transfer.no_such_group"]


def test_what_is_no_part_and_what_cannot_be_imported(tmp_path, monkeypatch):
    strict = Registry("sampler", group="paddle_transfer.no_such_group", builtin={},
                      attribute="options")
    (tmp_path / "half_written_of_a_test.py").write_text("def broken(:\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownName, match="'os:sep' is no sampler: it has no 'options'"):
        strict["os:sep"]
    with pytest.raises(UnknownName, match="there is no sampler 'half_written_of_a_test:Part'"):
        strict["half_written_of_a_test:Part"]
