"""A client of the YAML language server that editors use (npm ``yaml-language-server``)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

INSTALLED = Path(__file__).parents[1] / "node" / "node_modules" / ".bin" / "yaml-language-server"
#: Where a completion or a hover is asked for in a document.
CURSOR = "|"


def command() -> list[str] | None:
    """That starts the server; None without node, or where nobody has installed it."""
    found = shutil.which(str(INSTALLED)) or shutil.which("yaml-language-server")
    return [found, "--stdio"] if found and shutil.which("node") else None


class LanguageServer:
    """The server as a process, spoken to over its pipes.

    :param folder: where the documents are; they need not be on the disk
    """

    def __init__(self, folder: Path):
        self._folder, self._count, self._diagnostics = folder, 0, dict[str, list[dict[str, Any]]]()
        started = command()
        assert started is not None
        self._process = subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ask("initialize", processId=None, rootUri=folder.as_uri(), capabilities={
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {"snippetSupport": False}},
                             "hover": {"contentFormat": ["markdown"]}}})
        self._send({"method": "initialized", "params": {}})

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def completions(self, text: str) -> dict[str, str]:
        """What is offered at the ``CURSOR``: label -> documentation."""
        found = self._at("completion", text)
        items = found["items"] if isinstance(found, dict) else found or []
        return {one["label"]: _text(one.get("documentation")) for one in items}

    def hover(self, text: str) -> str:
        """What is shown of the word at the ``CURSOR``; empty: nothing."""
        found = self._at("hover", text)
        return _text(found["contents"]) if found else ""

    def mistakes(self, text: str) -> dict[int, str]:
        """The diagnostics of a document by line, from 0."""
        uri = self._open(text)
        while uri not in self._diagnostics:
            self._read()
        return {one["range"]["start"]["line"]: one["message"] for one in self._diagnostics[uri]}

    def _at(self, kind: str, text: str) -> Any:
        before, _, after = text.partition(CURSOR)
        lines = before.split("\n")
        return self._ask(f"textDocument/{kind}", textDocument={"uri": self._open(before + after)},
                         position={"line": len(lines) - 1, "character": len(lines[-1])})

    def _open(self, text: str) -> str:
        self._count += 1
        uri = (self._folder / f"document_{self._count}.yaml").as_uri()
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": {
            "uri": uri, "languageId": "yaml", "version": 1, "text": text}}})
        return uri

    def _ask(self, method: str, **params: Any) -> Any:
        self._count += 1
        number = self._count
        self._send({"id": number, "method": method, "params": params})
        while True:
            answer = self._read()
            if answer.get("id") == number and "method" not in answer:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        """The next message; what the server asks or tells by itself is seen to here."""
        assert self._process.stdout is not None
        size = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        assert size, "the server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(size))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            items = (message.get("params") or {}).get("items", [])
            self._send({"id": message["id"], "result": [_settings(one) for one in items]})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()


def _settings(item: dict[str, Any]) -> dict[str, Any] | None:
    """An editor's settings of a section: those of VS Code, but nothing from the network."""
    return {"validate": True, "hover": True, "completion": True,
            "schemaStore": {"enable": False}} if item.get("section") == "yaml" else None


def _text(content: Any) -> str:
    return str(content["value"] if isinstance(content, dict) else content or "")
