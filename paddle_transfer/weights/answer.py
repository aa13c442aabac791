"""What a server's answer says: which version of the file, which part of it, how long it is."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from email.message import Message
from http.client import HTTPResponse
from pathlib import Path

from paddle_transfer.errors import one_line
from paddle_transfer.weights.errors import Unavailable

#: Servers that label a compressed file by what it is rather than by how it is sent.
_COMPRESSED = (".gz", ".tgz")


class OtherVersion(Exception):
    """An answer does not continue what is here already."""


@dataclass(frozen=True)
class Version:
    """What tells one version of a file from another; empty or None where it was not said.

    :param etag: also a weak one
    :param modified: the date, as sent
    :param total: bytes of the whole file
    """

    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def validator(self) -> str:
        """For ``If-Range``; empty: the file cannot be resumed. A weak ETag may not be used."""
        return "" if self.etag.startswith("W/") else self.etag or self.modified

    def is_continued_by(self, part: Version) -> bool:
        """Whether ``part``, of an answer with a later part of the file, is the same version. An
        answer to ``If-Range`` must repeat the ETag and may leave out the date (RFC 9110, 15.3.7).
        """
        if not part.etag and not part.modified and part.total is None:
            return False
        return (part.etag == self.etag and part.modified in ("", self.modified)
                and (self.total is None or part.total in (None, self.total)))


def save_version(path: Path, url: str, version: Version) -> None:
    path.write_text(json.dumps({"url": url, **asdict(version)}))


def saved_version(path: Path, url: str) -> Version | None:
    """What ``save_version`` wrote for ``url``; None: nothing, or nothing that can be resumed."""
    try:
        state = json.loads(path.read_text())
        version = Version(str(state["etag"]), str(state["modified"]), state["total"])
        total = version.total is None or type(version.total) is int
        return version if state["url"] == url and version.validator and total else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def read_answer(response: HTTPResponse, url: str, have: int,
                known: Version | None) -> tuple[int, Version]:
    """(where the answer begins in the file, the version).

    :param have: bytes that are here already of ``known``, and were not asked for
    :raises OtherVersion: it begins elsewhere, or is of another version
    :raises Unavailable: it is no answer that can be used
    """
    _check_encoding(response.headers, url)
    version = Version(_header(response.headers, "ETag"), _header(response.headers, "Last-Modified"),
                      _length(response.headers))
    if response.status == 200:
        return 0, version
    if response.status != 206:
        raise Unavailable(f"HTTP {response.status} instead of the file")
    found = response.headers.get("Content-Range") or ""
    match = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", found.strip())
    if not match or int(match[1]) != have:
        raise OtherVersion(f"asked for bytes from {have}, the server answered "
                           f"{one_line(found, 100) or 'none'}")
    end, length = int(match[2]) + 1, version.total
    total = None if match[3] == "*" else int(match[3])
    if end <= have or (length is not None and length != end - have) or (
            total is not None and end > total):
        raise OtherVersion(f"the server's ranges are wrong: {found}, {length} bytes long")
    part = Version(version.etag, version.modified, total)
    if known is not None and not known.is_continued_by(part):
        raise OtherVersion("the server's file has changed meanwhile")
    if total is None:
        total = end if known is None or known.total is None else known.total
    return have, replace(part, total=total)


def _header(headers: Message, name: str) -> str:
    """One header as it can be sent back; empty when it is missing, overlong or strange."""
    value = headers.get(name) or ""
    return value if len(value) <= 500 and value.isascii() and value.isprintable() else ""


def _length(headers: Message) -> int | None:
    """The length of the body; None when it is not said. Raises Unavailable when it is no length."""
    coding = (headers.get("Transfer-Encoding") or "identity").strip().lower()
    if coding != "identity":
        if coding != "chunked":
            raise Unavailable(f"sends it in the transfer coding {one_line(coding, 40)!r}")
        return None  # each piece tells its own
    lengths = {value.strip() for value in headers.get_all("Content-Length") or ()}
    if not lengths:
        return None
    length = lengths.pop()
    if lengths or not re.fullmatch("[0-9]{1,18}", length):
        raise Unavailable(f"its Content-Length is no length: {one_line(length, 40)!r}"
                          f"{' beside another' if lengths else ''}")
    return int(length)


def _check_encoding(headers: Message, url: str) -> None:
    """Raise Unavailable for a compressed body, which was not asked for and has other bytes."""
    coding = (headers.get("Content-Encoding") or "identity").strip().lower()
    path = url.split("?")[0].split("#")[0]
    labelled = coding in ("gzip", "x-gzip") and path.endswith(_COMPRESSED)
    if coding != "identity" and not labelled:
        raise Unavailable(f"sends it compressed (Content-Encoding: {one_line(coding, 40)}), "
                          "which was not asked for")
