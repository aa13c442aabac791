"""The tables of the READMEs, made from the schema of the search file."""

from __future__ import annotations

from paddle_transfer.settings.schema import SearchFile, texts

#: Between these lines of a README stands the table.
BEGIN, END = "<!-- search file: begin -->", "<!-- search file: end -->"


def table(*, chinese: bool = False) -> str:
    """The keys of a search file as a Markdown table."""
    rows = [("键", "含义", "默认值") if chinese else ("key", "meaning", "default")]
    for name, field in SearchFile.model_fields.items():
        text = texts()[name]
        meaning = text["zh"] if chinese else " ".join((field.description or "").split())
        default = text.get("default_zh" if chinese else "default")
        rows.append((f"`{name}`", meaning, default or _default(field.default, chinese=chinese)))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|", *lines[1:], ""])


def _default(value: object, *, chinese: bool) -> str:
    if value is None:
        return "无" if chinese else "none"
    return f"`{value}`" if isinstance(value, (bool, str)) else str(value)


def with_table(page: str, *, chinese: bool = False) -> str:
    """``page`` with the table between its two marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"the page lacks {BEGIN} or {END}"
    return f"{before}{BEGIN}\n{table(chinese=chinese)}{END}{after}"
