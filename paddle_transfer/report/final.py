"""What the final trainings gave, as text."""

from __future__ import annotations

from typing import Any

from paddle_transfer.loop.final import TITLES


def final_lines(results: dict[str, Any]) -> list[str]:
    """The test metrics of ``final.json``: the point found beside the fixed point."""
    metric, best, fixed = results["metric"], results["best"], results.get("fixed")
    lines = [f"Trained again on {results['retrain_on']}, tested once:",
             f"  {TITLES['best']}  test {metric} {best['test']:.4f}"]
    if fixed is not None and fixed == best:
        lines.append("  (it is the fixed point)")
    elif fixed is not None:
        gain = 100 * (best["test"] - fixed["test"])
        lines += [f"  {TITLES['fixed']}  test {metric} {fixed['test']:.4f}",
                  f"A gain of {gain:+.2f} points on the test list."]
    return lines
