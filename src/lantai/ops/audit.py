"""Hold the database against the log: whoever edits rows behind the program's back is found."""

from dataclasses import asdict
from itertools import chain
from typing import Any

from lantai.cases import queries as cases
from lantai.certificates import queries as certificates
from lantai.dossiers import queries as dossiers
from lantai.ledger import queries as ledger
from lantai.vault import queries as vault


def audit() -> dict[str, Any]:
    """Recompute what the log says and compare it with what the tables and the store hold."""
    found = list(
        chain(
            ledger.check_log(),
            vault.check_rows(),
            dossiers.check_rows(),
            cases.check_rows(),
            certificates.check_rows(),
        )
    )
    return {
        "differences": [asdict(difference) for difference in found],
        "log": [state.as_json() for state in ledger.log_state()],
    }
