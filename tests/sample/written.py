"""A batch as it was written: its folder, and its truth as read back from the file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DPI = 100


class Batch:
    """A written batch: its folder, and its truth as read back from the file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.truth: dict[str, Any] = json.loads((root / "truth.json").read_text())

    @property
    def dossiers(self) -> list[dict[str, Any]]:
        return self.truth["dossiers"]

    def planted(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The dossier a plant went into, and what its truth says of the plant."""
        for dossier in self.dossiers:
            for each in dossier["planted"]:
                if each["name"] == name:
                    return dossier, each
        raise AssertionError(f"{name} was not planted")

    def page(self, name: str) -> dict[str, Any]:
        """The page a plant is on."""
        dossier, each = self.planted(name)
        return next(page for page in dossier["pages"] if page["file"] == each["file"])

    def bytes_of(self, page: Mapping[str, Any]) -> bytes:
        return (self.root / page["path"]).read_bytes()
