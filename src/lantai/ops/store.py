"""Check the store of masters, and mend what can be mended without guessing."""

from typing import Any

from lantai.ops.home import clock
from lantai.vault import queries as vault
from lantai.vault import services as vault_services


def fsck(*, repair: bool) -> dict[str, Any]:
    """Compare every row with its file and every file with its row.

    Repair sweeps what an interrupted writer left and restores read-only modes; a damaged or
    missing master is never mended from anything but a copy, so it stays a fault.
    """
    if repair:
        vault_services.repair(by="ops", at=clock())
    faults = [{"path": fault.path, "what": fault.what} for fault in vault.store_faults()]
    return {"objects": vault.count(), "faults": faults}
