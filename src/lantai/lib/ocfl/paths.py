"""Paths below a folder: texts of parts joined by ``/``, that stay where they are put."""

import re
from pathlib import Path


def is_path(text: str) -> bool:
    """Tell whether a logical or content path stays where it is put.

    Parts joined by ``/``, none empty, ``.`` or ``..``; no control characters, no backslash.
    """
    return bool(text) and all(
        part not in {"", ".", ".."} and not re.search(r"[\x00-\x1f\x7f\\]", part)
        for part in text.split("/")
    )


def below(folder: Path, path: str) -> Path:
    """Return a path in a folder. Raises ValueError if it would lead out of it."""
    if not is_path(path):
        raise ValueError(f"not a path inside an object: {path!r}")
    return folder.joinpath(*path.split("/"))


def joined(folder: str, name: str) -> str:
    """A name in a folder; the folder "" is the one all paths stand below."""
    return f"{folder}/{name}" if folder else name
