"""Keys that name registered parts, settings from and to plain data, and what makes a search."""

from typing import Annotated

import pytest
from typing_extensions import override

from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.rules import one_of
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import ConfigError
from paddle_transfer.executors.base import RegisteredExecutor
from paddle_transfer.executors.registry import EXECUTORS
from paddle_transfer.registry import Component
from paddle_transfer.samplers.base import RegisteredSampler
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from tests.helpers.configs import PUBLISHED_FIXED, base_config, write_search
from tests.helpers.greedy_files import write_greedy


def issues(path):
    with pytest.raises(ConfigError) as caught:
        load_search_file(path)
    return [str(mistake) for mistake in caught.value.issues]


def write(tmp_path, **fields):
    """A search file that names its sampler only as ``fields`` do."""
    return write_search(tmp_path, without=() if "search_mode" in fields else ("search_mode",),
                        **fields)


def load(tmp_path, **fields):
    return load_search_file(write(tmp_path, **fields))


# --- registered parts --------------------------------------------------------------------------

@pytest.mark.parametrize(("written", "read"), [
    ({"sampler": "random"}, Component("random")),
    ({"sampler": {"name": "grid"}}, Component("grid")),
    ({"sampler": {"name": "bayes"}}, Component("bayes", {"acquisition": "KG"})),
    ({"sampler": {"name": "bayes", "acquisition": "logEI"}},
     Component("bayes", {"acquisition": "logEI"})),
    ({"sampler": "bayes", "search_mode": "bayes", "acquisition": "pi"},
     Component("bayes", {"acquisition": "PI"})),
    ({"search_mode": "Grid"}, Component("grid")),
    ({"sampler": None}, Component("greedy")),
])
def test_forms_of_a_sampler(tmp_path, written, read):
    assert load(tmp_path, **written).sampling.sampler == read


@pytest.mark.parametrize(("fields", "expected"), [
    ({"sampler": "byes"},
     "sampler.name: must be a sampler; found 'byes' (a string). Did you mean 'bayes'?"),
    ({"sampler": {"name": "bayes", "acquisiton": "EI"}},
     "sampler.acquisiton: is no argument of bayes; found 'EI' (a string). Did you mean "
     "'acquisition'?"),
    ({"sampler": {"name": "bayes", "acquisition": "best"}}, "sampler.acquisition: "),
    ({"sampler": {"name": "grid", "seed": 1}},
     "sampler.seed: is no argument of grid; found 1 (an integer). grid takes none."),
    ({"sampler": 3}, "sampler: must be a mapping with a name; found 3 (an integer)"),
    ({"sampler": "grid", "search_mode": "bayes"},
     "sampler.name: must be the sampler that search_mode names; found 'grid'. Take one of the"),
    ({"sampler": {"name": "bayes", "acquisition": "EI"}, "acquisition": "PI"},
     "acquisition: may not stand beside sampler.acquisition; found 'PI'"),
    ({"sampler": "grid", "prior": "shipped"}, "prior: is only for search_mode bayes"),
    ({"sampler": "grid", "search_dict": [{"search_key": "lr", "search_range": [0.1, 1]}]},
     "search_dict.0.search_range: a grid needs a finite number of values"),
    ({"executor": "lokal"}, "executor.name: must be an executor; found 'lokal' (a string). Did"),
    ({"executor": {"name": "local", "slots": 3}},
     "executor.slots: is no argument of local; found 3 (an integer)"),
    ({"sampler": "greedy", "fixed": PUBLISHED_FIXED}, "fixed: is not for a greedy search"),
])
def test_mistakes(tmp_path, fields, expected):
    (text,) = issues(write(tmp_path, **fields))
    assert text.startswith(expected), text


def test_a_mistake_in_the_sampler_brings_no_others_along(tmp_path):
    for sampler in ("byes", {"name": "bayes", "acquisiton": 1}):
        path = write(tmp_path, sampler=sampler, stop="auto", fixed=PUBLISHED_FIXED)
        assert len(issues(path)) == 1
    assert len(issues(write_search(tmp_path, search_mode="byes", stop="auto"))) == 1


class ToyOptions(Options):
    order: Annotated[str, one_of("up", "down")] = "up"


class Toy(RegisteredSampler):
    name, options = "toy", ToyOptions
    needs_finite_space = has_posterior = True
    supports_baseline = False

    @classmethod
    def max_trials(cls, space):
        return space.size // 2

    @classmethod
    @override
    def build(cls, options, context):
        return cls()

    @override
    def suggest(self, space, finished, running, *, seed):
        return None


@pytest.fixture
def toy():
    SAMPLERS.register("toy", Toy)
    yield
    SAMPLERS.unregister("toy")


@pytest.mark.usefixtures("toy")
def test_a_registered_sampler_is_read_by_its_options_and_capabilities(tmp_path):
    settings = load(tmp_path, sampler={"name": "toy", "order": "Down"}, stop="auto")
    assert settings.sampling.sampler == Component("toy", {"order": "Down"})
    assert (settings.sampling.stop, settings.repeats.confirm) == ("auto", 2)
    assert settings.pruner == Component("auto")
    assert settings.budget.max_iter == 98
    assert load(tmp_path, search_mode="toy").sampling.sampler == Component("toy")
    (text,) = issues(write_search(tmp_path, search_mode="toy", fixed=PUBLISHED_FIXED))
    assert text.startswith("fixed: ")
    (text,) = issues(write(tmp_path, sampler={"name": "toy", "order": "left"}))
    assert text.startswith("sampler.order: must be one of up, down; found 'left'")


def test_a_registered_executor(tmp_path):
    class Here(RegisteredExecutor):
        options = ToyOptions

    EXECUTORS.register("here", Here)
    try:
        settings = load(tmp_path, executor={"name": "here", "order": "down"})
        assert settings.devices.executor == Component("here", {"order": "down"})
        assert settings.to_dict()["executor"] == {"name": "here", "order": "down"}
    finally:
        EXECUTORS.unregister("here")


def test_one_of_optunas_samplers(tmp_path):
    settings = load(tmp_path, sampler={"name": "TPESampler", "multivariate": True}, max_iter=5)
    assert settings.sampling.sampler == Component("TPESampler", {"multivariate": True})
    assert settings.to_dict()["sampler"] == {"name": "TPESampler", "multivariate": True}
    assert "search_mode" not in settings.to_dict()
    assert load(tmp_path, search_mode="TPESampler").budget.max_iter == 20
    (text,) = issues(write(tmp_path, sampler={"name": "TPESampler", "multivariat": True}))
    assert "Did you mean 'multivariate'?" in text


# --- plain data --------------------------------------------------------------------------------

def without_file(settings):
    return {name: value for name, value in settings.__dict__.items() if name != "file"}


@pytest.mark.parametrize("fields", [
    {}, {"search_mode": "bayes", "stop": "auto", "pruner": {"name": "MedianPruner"}, "confirm": 2},
    {"search_mode": "bayes", "prior": "none", "pruner": "none", "acquisition": "LCB"},
    {"search_mode": "random", "max_iter": 7, "gpus": [], "time_budget": 2, "seed": 3},
    {"search_mode": "random", "search_dict": [
        {"search_key": "lr", "search_range": [1e-3, 1e-1]},
        {"search_key": "n", "replace_config": ["Global.epochs"], "search_range": [1, 4],
         "integer": True}, {"search_key": "mixup", "when": {"n": [3, 4]}}]},
])
def test_settings_to_plain_data_and_back(tmp_path, fields):
    fields = {name: value for name, value in fields.items() if value != []}
    settings = load_search_file(write_search(tmp_path, fixed=None, **fields))
    again = SearchSettings.from_dict(settings.to_dict())
    assert without_file(again) == without_file(settings)
    assert again.to_dict() == settings.to_dict()


def test_a_greedy_search_with_a_distillation_to_plain_data_and_back(tmp_path):
    for part in ("train", "val"):
        (tmp_path / f"{part}_list.txt").touch()
    settings = load_search_file(write_greedy(tmp_path, base_config(tmp_path)))
    again = SearchSettings.from_dict(settings.to_dict())
    assert without_file(again) == without_file(settings)


def test_a_mapping_in_the_place_of_a_file(tmp_path):
    data = load_yaml(write_search(tmp_path))
    settings = load_search_file(data, ["max_iter=3", "Global.epochs=5"])
    assert (settings.budget.max_iter, settings.base.config["Global"]["epochs"]) == (3, 5)
    assert data["search_mode"] == "grid"
    assert "max_iter" not in data, "the argument is left alone"
    base = {"search_dict": data["search_dict"], "base_config_file": base_config(tmp_path)}
    inline = load_search_file(base)
    assert inline.base.config == base_config(tmp_path)
    assert inline.output.output_dir == "output/search"
    assert inline.to_dict()["base_config_file"] == base_config(tmp_path)
    base["base_config_file"]["Global"]["epochs"] = 0
    base["workers"] = 0
    with pytest.raises(ConfigError) as caught:
        load_search_file(base)
    assert [str(mistake).partition(": must")[0] for mistake in caught.value.issues] == [
        "base_config_file: Global.epochs", "workers"]


def test_a_study_of_an_earlier_version_is_the_same_search(tmp_path, monkeypatch):
    """This is what earlier versions have written into studies."""
    monkeypatch.chdir(tmp_path)
    settings = load_search_file(write_search(tmp_path, search_dict=[
        {"search_key": "lr", "search_range": [0.001, 0.1]}, {"search_key": "mixup"},
        {"search_key": "n", "replace_config": ["Global.epochs"], "search_values": [1, 2],
         "when": {"mixup": True}}], search_mode="bayes", seed=3))
    identity = settings.identity()
    assert identity.pop("base_config")["Global"]["epochs"] == 3
    assert identity == {
        "space": {
            "lr": {"range": [0.001, 0.1], "log": True, "integer": False, "edits": "catalogue"},
            "mixup": {"choices": [False, True], "log": False, "edits": "catalogue"},
            "n": {"choices": [1, 2], "log": False, "when": {"mixup": [True]},
                  "edits": ["Global.epochs"]}},
        "order": ["lr", "mixup", "n"], "metric": "top1", "seed": 3, "search_times": 1}


def test_what_shows_the_search(tmp_path):
    assert load(tmp_path).reports == (
        Component("visualdl"), Component("html"), Component("terminal"))
    assert load(tmp_path, reports="none").reports == ()
    assert load(tmp_path, reports="terminal").reports == (Component("terminal"),)
    assert load(tmp_path, reports=["terminal", {"name": "html", "top": 5}]).reports == (
        Component("terminal"), Component("html", {"top": 5}))
    found = issues(write_search(tmp_path, reports=[3, {"nam": "x"}, {}]))
    assert [text.partition(":")[0] for text in found] == ["reports.0", "reports.1",
                                                          "reports.2"]
