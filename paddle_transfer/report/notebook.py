"""A search as HTML for a notebook: the answer in a sentence, the best points as a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from paddle_transfer.loop.saved_ranking import RankedPoint
from paddle_transfer.report.formatting import on_images, show_point, show_value
from paddle_transfer.report.gain import gain_over, gain_text

#: Points of the table.
SHOWN = 10


def search_html(output_dir: str, metric: str, reason: str | None, ranking: Sequence[RankedPoint]
                ) -> str:
    """
    :param reason: why the search ended; None while it runs, and when it was killed
    :param ranking: best first
    """
    state = "not ended" if reason is None else reason
    place = f"<p><code>{escape(output_dir)}</code>: {escape(state)}</p>"
    if not ranking:
        return f"<p>No trial is complete.</p>{place}"
    return f"<p>{escape(answer(metric, ranking))}</p>{_table(metric, ranking)}{place}"


def answer(metric: str, ranking: Sequence[RankedPoint]) -> str:
    """``top1 0.8125 on 9 images with lr 0.01: a gain of +11.25 ± 14.19 points over the fixed
    point.``"""
    best, fixed = ranking[0], next((row for row in ranking if row.is_baseline), None)
    text = f"{metric} {best.value:.4f}{on_images(best.images)} with {show_point(best.point)}"
    if fixed is best:
        return f"{text}, which is the fixed point."
    if fixed is None:
        return f"{text}."
    told = gain_text(gain_over(fixed, best, metric=metric), metric)
    return f"{text}: a gain of {told} over the fixed point."


def _table(metric: str, ranking: Sequence[RankedPoint]) -> str:
    shown = [row for row in ranking if row.rank <= SHOWN or row.is_baseline]
    names = list(ranking[0].point)
    rows = [["rank", metric, "trial", *names, ""]]
    rows += [[str(row.rank), f"{row.value:.4f}" + ("" if row.error is None else
                                                   f" ± {row.error:.4f}"),
              str(row.best_trial.number), *(show_value(row.point[name]) for name in names),
              "fixed point" if row.is_baseline else ""] for row in shown]
    lines = ["".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
             for row, tag in zip(rows, ["th", *["td"] * len(shown)], strict=True)]
    head, *body = (f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
