"""Options of ``prepare`` that would be ignored are refused."""

from collections.abc import Sequence

from paddle_transfer.datasets.base import Dataset, PrepareOptions
from paddle_transfer.errors import ConfigError, ValidationIssue


def check_options(dataset: Dataset, options: PrepareOptions, *,
                  splits: Sequence[str] = ("train", )) -> None:
    """Raise ConfigError with all options that change nothing for ``dataset``.

    :param splits: that the data set defines itself, as far as they are known
    """
    def refuse(option: str, rule: str, hint: str = "Leave it out.") -> None:
        issues.append(ValidationIssue(option, rule, f"--dataset {dataset.name}", hint))

    issues: list[ValidationIssue] = []
    if not dataset.archives:
        for option, given in (("--download", options.download),
                              ("--unverified", options.unverified)):
            if given:
                refuse(option, "is for data sets with published archives")
    if dataset.official or dataset.name == "folder":
        for option, value in (("--csv", options.csv), ("--image-column", options.image_column),
                              ("--label-column", options.label_column),
                              ("--split-column", options.split_column)):
            if value is not None:
                refuse(option, "is for a table of images", "Leave it out, or use --dataset csv.")
    if dataset.official and options.source is options.unlabeled is None:
        for option, wish in (("--arch", options.arch), ("--size", options.size)):
            if wish is not None:
                refuse(f"{option} {wish}", "is for a config that prepare writes", "Leave it out: "
                       "the shipped config takes -o Arch.name, and search_key: resolution.")
    if options.test and (dataset.official or "test" in splits):
        refuse(f"--test {options.test:g}", "is for data without a test list of its own")
    if options.val is not None and ("val" in dataset.official or "val" in splits):
        refuse(f"--val {options.val:g}", "is for data without a validation list of its own")
    if issues:
        raise ConfigError("prepare", issues)
