"""What the final trainings gave, in words."""

from __future__ import annotations

from typing import Any

from paddle_transfer.search.final import TITLES


def summary(told: dict[str, Any]) -> list[str]:
    """The test metrics of ``final.json``, the point found beside the fixed point."""
    metric, best, fixed = told["metric"], told["best"], told.get("fixed")
    lines = [f"Trained again on {told['retrain_on']}, tested once:",
             f"  {TITLES['best']}  test {metric} {best['test']:.4f}"]
    if fixed is not None and fixed == best:
        lines.append("  (it is the fixed point)")
    elif fixed is not None:
        lines.append(f"  {TITLES['fixed']}  test {metric} {fixed['test']:.4f}")
        lines.append(
            f"A gain of {100 * (best['test'] - fixed['test']):+.2f} points on the test list.")
    return lines
