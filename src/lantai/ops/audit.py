"""Hold the database against the log: whoever edits rows behind the program's back is found."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from lantai.access import audit as access
from lantai.cases import queries as cases
from lantai.certificates import queries as certificates
from lantai.dossiers import queries as dossiers
from lantai.identity import audit as identity
from lantai.imaging import audit as imaging
from lantai.ledger import anchors, promises
from lantai.ledger import queries as ledger
from lantai.ledger.audit import Difference
from lantai.preservation import audit as preservation
from lantai.vault import queries as vault


def audit(*, promises_in: Path | None = None, at: datetime) -> dict[str, Any]:
    """Recompute what the log says and compare it with what the tables and the store hold.

    ``promises_in`` is a folder of promises that offices kept; they are held against the log too.
    """
    overdue = promises.check_promises(folder=promises_in, at=at) if promises_in else ()
    rooms: tuple[tuple[str, Callable[[], Iterator[Difference]]], ...] = (
        ("vault", vault.check_rows),
        ("identity", identity.check_rows),
        ("dossiers", dossiers.check_rows),
        ("access", access.check_rows),
        ("imaging", imaging.check_rows),
        ("cases", cases.check_rows),
        ("certificates", certificates.check_rows),
        ("preservation", preservation.check_rows),
    )
    found = [
        *ledger.check_log(),
        *anchors.check_anchors(),
        *chain.from_iterable(_whole(name, check) for name, check in rooms),
        *overdue,
    ]
    return {
        "differences": [asdict(difference) for difference in found],
        "log": [state.as_json() for state in ledger.log_state()],
    }


def _whole(name: str, check: Callable[[], Iterator[Difference]]) -> Iterator[Difference]:
    """The differences of a room. An entry no service writes so must not end the audit."""
    try:
        yield from check()
    except (KeyError, TypeError, ValueError, AttributeError) as strange:
        why = f"{type(strange).__name__}: {strange}"
        yield Difference(name, "", "facts", "日志条目的内容合乎格式", why, "")
