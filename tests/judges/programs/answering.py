"""What the programs that question a library share: questions in, answers out, a line of JSON each."""

import base64
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any


def answer_all(judge: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]) -> None:
    """Answer every question; whatever the library raises is its refusal."""
    for line in sys.stdin:
        try:
            told = {"accepted": True, "why": "", **(judge(json.loads(line)) or {})}
        except Exception as refused:  # noqa: BLE001 -- each library has exceptions of its own
            told = {"accepted": False, "why": f"{type(refused).__name__}: {refused}"}
        print(json.dumps(told))


def octets(text: str) -> bytes:
    return base64.b64decode(text)


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()
