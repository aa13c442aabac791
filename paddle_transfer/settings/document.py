"""The tables of docs/keys.md and docs/keys.zh.md, made from the schema of the search file."""

from __future__ import annotations

from paddle_transfer.settings.schema import SearchFile, texts

#: Between these lines of a page stands the table.
BEGIN, END = "<!-- search file: begin -->", "<!-- search file: end -->"


def table(*, chinese: bool = False) -> str:
    """The keys of a search file as a Markdown table."""
    rows = [("键", "含义", "默认值") if chinese else ("key", "meaning", "default")]
    for name, field in SearchFile.model_fields.items():
        text, default = texts()[name], field.default
        words = text.get("default_zh" if chinese else "default")
        if default is None:
            words = words or ("无" if chinese else "none")
        rows.append((f"`{name}`", text["zh" if chinese else "en"], words or (
            f"`{default}`" if isinstance(default, (bool, str)) else str(default))))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|", *lines[1:], ""])


def with_table(page: str, *, chinese: bool = False) -> str:
    """``page`` with the table between its two marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"the page lacks {BEGIN}"
    assert end, f"the page lacks {END}"
    return f"{before}{BEGIN}\n{table(chinese=chinese)}{END}{after}"
