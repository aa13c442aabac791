"""docs/hyperparameters.md: this package's hyperparameters as a table."""

from __future__ import annotations

from paddle_transfer.space.entry import OLDEST, Entry
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.space.registry import BUILTIN, HYPERPARAMETERS

_HEAD = """# Hyperparameters that are known by name

Written by `python tools/make_docs.py` from `paddle_transfer/space/entries/`; a test keeps it in
step.

A `search_key` of this list needs no `replace_config`. Without `search_values` its usual values are
searched; other values that fit may be given, or a range: `search_range: [1e-4, 1e-1]` with
`log: True` or `integer: True`. Where two keys touch the same thing (optimizer and l2_decay, mixup
and cutmix) their order does not matter.

```yaml
search_dict:
  - search_key: lr
    search_range: [1e-4, 1e-1]
  - search_key: randaugment
  - search_key: randaugment_magnitude
    search_values: [3, 5, 9]
  - search_key: cutout
    when: {randaugment: False}
```

`when` names the values of other keys (one, or a list) under which a key matters. Where it does not
hold, the key leaves the base config as it is, and points that differ only there are one point and
are trained once. The two `randaugment_...` keys have `when: {randaugment: True}` by themselves.

Values that an engine version lacks are refused before training, with the name of the key. The
section `FineTune` (dropout and lr_mult on architectures without an argument for them) is heeded by
trainings of this package (searches, `tools/train.py`) only: PaddleClas's own `tools/train.py`
prints the section's note in its log and trains without it. Every other key makes a config that
PaddleClas itself trains just so.

Another package adds a key with an entry point of the group `paddle_transfer.hyperparameters` that
names a `paddle_transfer.space.entry.Entry`.

"""

_COLUMNS = ("name", "meaning", "usual values", "what it edits", "PaddleClas", "source")


def page() -> str:
    """The text of the page."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(HYPERPARAMETERS[name]) for name in BUILTIN)]
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    values = ", ".join(map(_shown, entry.values)) + ("; log axis" if entry.log else "")
    edits = ", ".join(f"`{path}`" for path in entry.edits)
    return f"`{entry.name}`", entry.meaning, values, edits, _versions(entry), entry.source


def _shown(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _versions(entry: Entry) -> str:
    parts = ["all" if entry.since == OLDEST else f"{entry.since} and newer"]
    parts += [f"{value}: {since} and newer" for value, since in entry.since_values.items()]
    parts += [f"{entry.device.upper()} only"] if entry.device else []
    return "; ".join(parts)
