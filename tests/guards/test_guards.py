"""The lists of guards fit the code: ``run.py`` beside this file switches each one off."""

import pytest

from tests.guards.run import ROOT, Guard, read_guards


@pytest.mark.parametrize("guard", read_guards(), ids=lambda guard: guard.guard)
def test_a_guard_can_be_switched_off_and_names_tests_that_exist(guard: Guard) -> None:
    text = (ROOT / guard.file).read_text(encoding="utf-8")
    assert len(guard.found(text)) == 1
    compile(guard.without(text), guard.file, "exec")
    assert guard.without(text) != text
    for node in guard.tests.split():
        file, _, name = node.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not name or f"def {name.partition('[')[0].rpartition('::')[2]}(" in text
