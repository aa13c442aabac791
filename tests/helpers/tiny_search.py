"""A whole search of tiny trainings (``tiny_runner``), for tests. As a command it is what the kill
tests start and kill: ``python -m tests.helpers.tiny_search OUTPUT_DIR '{"max_iter": 5}'``."""

from __future__ import annotations

import json
import sys
from typing import Any

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.registry import Component
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from tests.helpers.settings import make_settings

RUNNER = "tests.helpers.tiny_runner:run"


def tiny_settings(output_dir: str, *, values: dict[str, list] | None = None,
                  tiny: dict[str, Any] | None = None, **changes: Any) -> SearchSettings:
    """Settings of a search over ``Tiny.x.<name>``.

    :param values: the choices of each name; by default a 2 by 3 grid over a and b. A name with a
        dot is a path in the config (``Tiny.misbehave``)
    :param tiny: the base config's section ``Tiny`` (see ``tiny_runner``)
    :param changes: as ``make_settings`` takes them
    """
    values = values or {"a": [0.0, 0.5], "b": [1, 2, 3]}
    keys = tuple(
        SearchKey(Choice(name, tuple(choices)), (name if "." in name else f"Tiny.x.{name}", ))
        for name, choices in values.items())
    section = {"misbehave": None, "x": {name: choices[0] for name, choices in values.items()
                                        if "." not in name}, **(tiny or {})}
    config = {"Global": {"epochs": 3}, "Tiny": section}
    return make_settings(file="tiny_search.yaml", base_config_file="tiny.yaml", base_config=config,
                         output_dir=str(output_dir), keys=keys,
                         **{"search_mode": "grid", "workers": 2, **changes})


def main() -> int:
    from paddle_transfer.api import run_search

    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    fresh = options.pop("fresh", False)
    if "executor" in options:
        options["executor"] = Component(options["executor"].pop("name"), options["executor"])
    try:
        return run_search(tiny_settings(sys.argv[1], **options), fresh=fresh, runner=RUNNER)
    except PaddleTransferError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
