"""SoftHSM: what its own check says of a signature, and whether it gives a key out."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pkcs11
from answering import answer_all, octets

MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
)
MODULE = next((str(path) for path in MODULES if path.is_file()), "")


def judge(asked: Mapping[str, Any]) -> None:
    token = pkcs11.lib(MODULE).get_token(token_label=asked["token"])
    with token.open(user_pin=asked["pin"]) as session:
        if asked["kind"] == "token signature":
            key = session.get_key(pkcs11.ObjectClass.PUBLIC_KEY, label=asked["label"])
            if not key.verify(octets(asked["message"]), octets(asked["signature"])):
                raise ValueError("not its signature")
        elif asked["kind"] == "token gives out":
            kind = pkcs11.ObjectClass[asked.get("class", "PRIVATE_KEY")]
            key = session.get_key(kind, label=asked["label"])
            key[pkcs11.Attribute.VALUE]
        else:
            raise ValueError(asked["kind"])


if shutil.which("softhsm2-util") is None or not MODULE:
    sys.exit("Debian's softhsm2 is not here")
answer_all(judge)
