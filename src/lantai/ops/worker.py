"""Work that no person waits for in front of a page.

Batches are read in; dossiers are kept, copied and read again; heads are signed and witnessed.
"""

import signal
import threading
from types import FrameType

from lantai.imaging import services as imaging
from lantai.ops.home import clock
from lantai.ops.sealing import Sealer
from lantai.ops.watch import Keeper

REST = 1.0  # seconds between two looks for work


def work_until_told() -> None:
    """Work until SIGTERM or SIGINT; what is half-way is taken up by the next worker."""
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sealer, keeper = Sealer(), Keeper()
    while not told.is_set():
        if not work_once(told, sealer, keeper):
            told.wait(REST)


def work_once(told: threading.Event, sealer: Sealer, keeper: Keeper) -> bool:
    """Do what there is to do; tell whether there was anything.

    A log that may not be signed any more is an incident; batches are read in all the same, and
    before the store has its turn. It is signed before that: what a package is made of without a
    proof stays in it without one.
    """
    worked = False
    batch = imaging.claim_next(at=clock())
    if batch is not None:
        worked = True
        for _ in imaging.process(batch=batch, at=clock(), clock=clock):
            if told.is_set():
                break
    sealer.seal_or_say()
    return keeper.work(told) or worked
