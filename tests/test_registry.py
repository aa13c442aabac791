"""Parts by name, by module:attribute, and by a name that another process knows."""

import sys

import pytest

from paddle_transfer.registry import Registry, UnknownName


class Part:
    pass


@pytest.fixture
def parts():
    return Registry("part", group="paddle_transfer.no_such_group",
                    builtin={"path": "os:path.join"})


def test_module_and_attribute_is_a_name_of_every_registry(parts):
    import os
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
