"""What stands beside the package in a checkout."""

from pathlib import Path


def handwriting() -> Path | None:
    """Where the handwriting fonts of the set-up are, if they are there."""
    modules = Path(__file__).resolve().parents[3] / "node_modules"
    return modules if modules.is_dir() else None
