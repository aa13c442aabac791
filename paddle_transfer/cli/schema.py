"""Print the JSON Schema of search files, for editors: %(prog)s > search.schema.json"""

import argparse
import json

from paddle_transfer.cli.command import Command
from paddle_transfer.settings.schema import json_schema


def schema_text() -> str:
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def run(_arguments: argparse.Namespace) -> int:
    print(schema_text(), end="")
    return 0


COMMAND = Command(__doc__, lambda _parser: None, run)
