"""An argument parser that drops nothing of what was given."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from typing_extensions import override

from paddle_transfer.errors import one_line


class OptionParser(argparse.ArgumentParser):
    """As argparse's, but an option of one value may stand only once (argparse keeps the last), and
    an option of several values collects those of all its occurrences. Its messages quote arguments
    in one printable line."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.given: set[str] = set()  # dest of the options met so far
        self.register("action", None, _Store)
        self.register("action", "store", _Store)

    @override
    def parse_known_args(  # type: ignore[override]
            self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        self.given.clear()
        return super().parse_known_args(args, namespace)

    @override
    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


class _Store(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: Any, option_string: str | None = None) -> None:
        assert isinstance(parser, OptionParser)
        if option_string is not None and self.dest in parser.given:
            if self.nargs not in ("+", "*"):
                parser.error(f"argument {'/'.join(self.option_strings)}: may stand only once, but "
                             f"{getattr(namespace, self.dest)} and {values} are given")
            values = [*getattr(namespace, self.dest), *values]
        if isinstance(values, list):  # the same again is no further one
            values = list(dict.fromkeys(values))
        parser.given.add(self.dest)
        setattr(namespace, self.dest, values)
