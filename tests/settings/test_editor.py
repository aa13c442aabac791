"""What an editor shows of a search file, by the language server that editors use."""

from pathlib import Path

import pytest

from paddle_transfer.report.registry import REPORTS
from paddle_transfer.space.registry import HYPERPARAMETERS
from tests.helpers.language_server import LanguageServer, command

SHIPPED = Path(__file__).resolve().parents[2] / "ppcls_configs" / "search"
MODELINE = "# yaml-language-server: $schema=../search.schema.json\n"

pytestmark = pytest.mark.skipif(
    command() is None, reason="needs node, and npm install --prefix tests/node")


@pytest.fixture(scope="module")
def server():
    made = LanguageServer(SHIPPED)
    yield made
    made.close()


def test_keys_are_completed_with_their_meaning_in_both_languages(server):
    offered = server.completions(MODELINE + "base_config_file: a.yaml\n|\n")
    assert "base_config_file" not in offered, "it is there already"
    assert offered["workers"] == ("trials at once on a CPU, or on a Ray cluster\n\n"
                                  "CPU 或 Ray 集群上同时运行几次训练")


@pytest.mark.parametrize(("text", "words"), [
    ("search_mode: |\n", {"bayes", "grid", "random", "greedy"}),
    ("reports:\n  - |\n", set(REPORTS.builtin)),
    ("search_dict:\n  - search_key: |\n", set(HYPERPARAMETERS.builtin)),
    ("search_dict:\n  - search_key: lr\n    |\n", {"search_values", "search_range", "log", "when"}),
    ("sampler:\n  name: bayes\n  |\n", {"acquisition"}),
    ("final:\n  |\n", {"retrain_on", "soup"}),
])
def test_values_and_sections_are_completed(server, text, words):
    assert words <= set(server.completions(MODELINE + text))


@pytest.mark.parametrize(("text", "words"), [
    ("max_|iter: 3\n", ("suggestions at most", "最多的建议数")),
    ("search_dict:\n  - search_|key: lr\n", ("a known hyperparameter", "已知的超参数", "`mixup`")),
])
def test_the_meaning_of_a_key_is_shown(server, text, words):
    shown = server.hover(MODELINE + text)
    for word in words:
        assert word in shown


def test_mistakes_are_marked_where_they_are(server):
    text = (MODELINE + "base_config_file: a.yaml\nmax_iter: 0\nsearch_mod: bayes\n"
            "search_dict:\n  - search_key: lr\n    log: maybe\n")
    assert server.mistakes(text) == {
        2: "Value is below the minimum of 1.", 3: "Property search_mod is not allowed.",
        6: 'Incorrect type. Expected "boolean".'}


def test_a_shipped_file_has_none(server):
    for name in ("oxford_iiit_pets_bayes", "custom_multi_task_search"):
        text = (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
        assert text.startswith(MODELINE)
        assert server.mistakes(text) == {}
