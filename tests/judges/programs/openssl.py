"""SM2 signatures before the command openssl."""

import base64
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from answering import answer_all, octets

# SubjectPublicKeyInfo of a point on the SM2 curve, up to the point (RFC 8998 names the curve).
HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")


def judge(asked: Mapping[str, Any]) -> None:
    if asked["kind"] != "sm2":
        raise ValueError(asked["kind"])
    key = base64.encodebytes(HEAD + octets(asked["public"])).decode()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "key").write_text(f"-----BEGIN PUBLIC KEY-----\n{key}-----END PUBLIC KEY-----\n")
        (folder / "message").write_bytes(octets(asked["message"]))
        (folder / "signature").write_bytes(der(octets(asked["signature"])))
        done = subprocess.run(
            [
                *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin"),
                *("-in", "message", "-sigfile", "signature", "-digest", "sm3"),
                *("-pkeyopt", f"distid:{asked['identity']}"),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0 or "Verified Successfully" not in done.stdout:
        raise ValueError(done.stdout.strip() or done.stderr.strip()[:200])


def der(raw: bytes) -> bytes:
    """Write r ‖ s as SEQUENCE { INTEGER r, INTEGER s }."""
    if len(raw) != 64:
        raise ValueError("a signature has 64 bytes")
    numbers = b"".join(map(integer, (raw[:32], raw[32:])))
    return b"\x30" + bytes([len(numbers)]) + numbers


def integer(number: bytes) -> bytes:
    shortest = number.lstrip(b"\0") or b"\0"
    if shortest[0] & 0x80:
        shortest = b"\0" + shortest
    return b"\x02" + bytes([len(shortest)]) + shortest


if shutil.which("openssl") is None:
    sys.exit("there is no command openssl")
answer_all(judge)
