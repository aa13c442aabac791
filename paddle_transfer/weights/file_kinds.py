"""What a file is, from its first bytes: a weights file is often a web page, a zip, or empty."""

from __future__ import annotations

PICKLE, SAFETENSORS, TAR = "pdparams", "safetensors", "tar"
HEAD_BYTES = 4096
_PICKLE_STARTS = b"\x80(}]NIJKLMSTUVXcdlp)\x88\x89BC\x8cG"
_FOREIGN = {
    b"PK\x03\x04": "a zip archive (a PyTorch file is one too)",
    b"PK\x05\x06": "an empty zip archive", b"\x1f\x8b": "a gzip file", b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file", b"\x28\xb5\x2f\xfd": "a zstd file", b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive", b"\x89HDF": "an HDF5 file (Keras?)",
    b"version https://git-lfs": "a Git LFS pointer, not the file", b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image", b"%PDF": "a PDF", b"\x7fELF": "a program",
    b"\x08\x00\x12": "an ONNX model or a Paddle program",
}
_TEXTS = {
    (b"<!doctype html", b"<html", b"<head", b"<body"): "a web page (HTML) instead of weights",
    (b"<?xml", b"<error"): "an XML page (an error message of the server?) instead of weights",
    (b'{"', b"{ ", b"{\n", b"{\r"): "a JSON text instead of weights",
}


def kind_of(head: bytes, size: int) -> tuple[str | None, str]:
    """What a file of ``size`` bytes is that starts with ``head`` (its first 4096 bytes, or all).

    Gives (kind, "") for the three that are read: ``pdparams``, ``safetensors`` and ``tar`` (Paddle
    1.x), else (None, what it is, for a person).
    """
    if size == 0:
        return None, "an empty file"
    if head[4:9] == b"\0\0\0\0{":  # the header's length, the header: also when it is cut short
        return SAFETENSORS, ""
    if head[257:262] == b"ustar":
        return TAR, ""
    what = _foreign(head)
    if what:
        return None, what
    if head[:1] in _PICKLE_STARTS:
        return PICKLE, ""
    if not head.strip(b"\0"):
        return None, "a file of zero bytes only (a download that was cut short?)"
    return None, "neither a pickle nor a safetensors file"


def _foreign(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    found = [what for magic, what in _FOREIGN.items() if head.startswith(magic)]
    found += [what for starts, what in _TEXTS.items() if text.startswith(starts)]
    return found[0] if found else ""
