"""Callbacks of a search: the protocol, and a list that survives a mistake in one of them."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

from paddle_transfer.errors import ConfigError, ValidationIssue, cause, did_you_mean, show
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.space.space import Point
from paddle_transfer.study.records import TrialRecord

#: Reasons for the end of a search that is not over: it was asked to stop, or failed with an error.
INTERRUPTED = "interrupted"
_ERROR = "ended by an error"


def error_reason(error: BaseException) -> str:
    """The reason of a search that ``error`` ended."""
    return f"{_ERROR}: {type(error).__name__}"


def is_over(reason: str) -> bool:
    """Whether a search that ended for ``reason`` came to its end."""
    return reason != INTERRUPTED and not reason.startswith(_ERROR)


class SearchCallback(Protocol):
    """Called when something has happened and is on disk. A trial that is reused, or whose result
    was found on disk at the start, ends without having started. A subclass may override some of
    the methods only. ``records`` are the search's own, which go on changing: ``list(records)`` is a
    copy."""

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        """``records``: what earlier runs of the same search left."""
        return

    def trial_started(self, record: TrialRecord, device: str) -> None:
        """An attempt of a trial has begun on ``device``: ``cpu:0``, ``gpu:3``."""
        return

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        """A running trial was evaluated."""
        return

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        """A trial has come to its end; ``records`` are all trials."""
        return

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        """``reason``: one line; also called when the search was interrupted or failed."""
        return


class TurnCallback(Protocol):
    """Called when all that has happened was told as well: every half second, or more often."""

    def turn_ended(self, records: Sequence[TrialRecord]) -> None:
        """``records`` are all trials."""
        return


@runtime_checkable
class FinalCallback(Protocol):
    """Called for the final trainings after a search as well; ``name`` is ``best`` or ``fixed``."""

    def final_started(self, names: Sequence[str]) -> None:
        """``names`` are trained now; not called when both were trained by an earlier run."""
        return

    def final_training_started(self, name: str, point: Point) -> None:
        """An attempt at the training of ``point`` has begun."""
        return

    def final_epoch_reported(self, name: str, report: EpochReport) -> None:
        """``report.value`` is the metric on the test list."""
        return

    def final_ended(self, results: dict[str, Any] | None) -> None:
        """``results``: the content of ``final.json``; None after an interrupt or a failure."""
        return


class SoupCallback(Protocol):
    """Called for ``final: {soup: greedy}`` after a search; trials by their numbers."""

    def soup_started(self, trials: Sequence[int], left_out: Mapping[int, str]) -> None:
        """``trials`` are the candidates, best metric first; ``left_out``: why others are none. Not
        called when there are fewer than two."""
        return

    def soup_step_ended(self, trial: int, value: float | None, taken: bool) -> None:
        """``value``: the metric of the mean with ``trial``, which joins it when ``taken``; None: it
        has none."""
        return

    def soup_ended(self, result: dict[str, Any] | None) -> None:
        """``result``: the content of ``soup`` in ``search_results.json``; None after an interrupt
        or a failure."""
        return


#: The events of the protocols, with the numbers of their arguments.
EVENTS = {"search_started": 1, "trial_started": 2, "epoch_reported": 2, "trial_ended": 2,
          "turn_ended": 1, "search_ended": 2, "final_started": 1, "final_training_started": 2,
          "final_epoch_reported": 2, "final_ended": 1, "soup_started": 2, "soup_step_ended": 3,
          "soup_ended": 1}


class CallbackList:
    """Calls all of ``callbacks``. One that raises is not called again, which one line on stderr
    says: a night's search does not end with its display. Those with ``essential = True``, such as
    the result files, do end it."""

    def __init__(self, callbacks: Sequence[object]):
        self._callbacks = list(callbacks)

    @property
    def active(self) -> tuple[object, ...]:
        """Those that are not switched off."""
        return tuple(self._callbacks)

    def call(self, event: str, *arguments: object) -> None:
        """Call the method ``event`` of each that has it."""
        for callback in list(self._callbacks):
            method = getattr(callback, event, None)
            if method is None:
                continue
            if getattr(callback, "essential", False) is True:
                method(*arguments)
                continue
            try:
                method(*arguments)
            except Exception as error:
                self._callbacks.remove(callback)
                tell_switched_off(_name(callback), f"failed in {event}", error)


def tell_switched_off(name: str, how: str, error: BaseException) -> None:
    """Say on stderr that ``name`` is used no longer, because of ``error``.

    :param how: what it did, such as ``failed in trial_ended``
    """
    if isinstance(error, BrokenPipeError):  # nobody reads our output: what is left of it is dropped
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError, ValueError):
        print(f"{name} {how} and is switched off; the search goes on: {cause(error)}",
              file=sys.stderr, flush=True)


def check_callbacks(callbacks: object) -> None:
    """Raises ConfigError for what is no callback: no list, or an item that has no event as a
    method, or one that does not take the event's arguments."""
    if isinstance(callbacks, (str, Mapping)) or not isinstance(callbacks, Iterable):
        raise ConfigError("search()", [ValidationIssue(
            "callbacks", "must be a list of callbacks", show(callbacks),
            "Write callbacks=[...], or leave it out.")])
    issues = [ValidationIssue(f"callbacks.{number}", *mistake)
              for number, one in enumerate(callbacks) for mistake in _mistakes(one)]
    if issues:
        raise ConfigError("search()", issues)


def _mistakes(callback: object) -> Iterator[tuple[str, str, str]]:
    """(rule, found, hint) of what is wrong with one callback."""
    if isinstance(callback, type):
        yield ("must be an object, not its class", callback.__name__,
               f"Write {callback.__name__}().")
        return
    methods = {event: getattr(callback, event) for event in EVENTS if hasattr(callback, event)}
    if not methods:
        public = [name for name in dir(type(callback)) if not name.startswith("_")]
        near = (did_you_mean(name, list(EVENTS)) for name in public)
        meant = next((hint for hint in near if hint.startswith("Did")), "")
        yield ("must be an object with at least one of the methods of SearchCallback",
               show(callback), meant or f"They are {', '.join(EVENTS)}.")
    for event, method in methods.items():
        if not callable(method):
            yield f"{event} must be a method", show(method), ""
        elif not _takes(method, EVENTS[event]):
            protocol = next(one for one in (SearchCallback, TurnCallback, FinalCallback,
                                        SoupCallback) if hasattr(one, event))
            wanted = list(inspect.signature(getattr(protocol, event)).parameters)[1:]
            yield (f"{event} must take the arguments of the event",
                   f"{event}{inspect.signature(method)}", f"Write {event}({', '.join(wanted)}).")


def _takes(method: Callable[..., object], count: int) -> bool:
    """Whether ``method`` can be called with so many arguments, as far as Python knows."""
    try:
        inspect.signature(method).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # it has no signature: written in C
        return True
    return True


def _name(callback: object) -> str:
    """``the report visualdl`` for a report, else ``the callback MyCallback``."""
    name = getattr(callback, "name", None)
    return (f"the report {name}" if isinstance(callback, FinalCallback) and isinstance(name, str)
            else f"the callback {type(callback).__name__}")
