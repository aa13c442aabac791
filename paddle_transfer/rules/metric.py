"""The metric that is searched."""

from __future__ import annotations

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean
from paddle_transfer.rules.base import CLASSES, Config, Rule
from paddle_transfer.strategies.section import WHERE, metric_names


def metric_rule(metric: str) -> Rule:
    """The rule that a config measures ``metric``."""
    def check(config: Config, issues: ValidationIssues) -> None:
        names, closed = metric_names(config)
        if closed and metric not in names:
            issues.add("Metric.Eval", f"must report {metric}, which is searched",
                       ", ".join(names) or "nothing", did_you_mean(metric, names))
    return Rule(("Metric.Eval", WHERE, "Global.eval_mode", "Global.use_multilabel", *CLASSES),
                check)
