"""The address of a database. Its password never leaves this process but to the database."""

from __future__ import annotations

import re

from paddle_transfer.errors import without_passwords

#: The addresses with a password that this process was given, by what they are without it.
_KNOWN: dict[str, str] = {}
_FORM = re.compile(r"(?P<scheme>[\w.+-]+)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)


class StorageUrl(str):
    """An Optuna storage URL as a text without its password: that is what messages, files and logs
    get.

    :ivar full: with it, for the database's driver
    """

    __slots__ = ("full",)
    full: str

    def __new__(cls, url: str) -> StorageUrl:
        made = super().__new__(cls, without_passwords(str(url)))
        made.full = url.full if isinstance(url, StorageUrl) else str(url)
        if made.full != made:
            _KNOWN[str(made)] = made.full
        return made


def full_url(url: str) -> str:
    """``url`` with its password, as far as this process knows it."""
    return url.full if isinstance(url, StorageUrl) else _KNOWN.get(url, url)


def is_url(url: str) -> bool:
    """Whether it is clear what in ``url`` is a password."""
    found = _FORM.fullmatch(url)
    if found is None:
        return False
    authority, rest = found["authority"], found["rest"]
    return not authority or (authority.count("@") <= 1 and "@" not in rest)
