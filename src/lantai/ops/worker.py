"""Work that no person waits for in front of a page: batches read in, log heads signed."""

import signal
import threading
from types import FrameType

from lantai.imaging import services as imaging
from lantai.ledger import services as ledger
from lantai.ops.home import clock

REST = 1.0  # seconds between two looks for work


def work_until_told() -> None:
    """Work until SIGTERM or SIGINT; what is half-way is taken up by the next worker."""
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not told.is_set():
        if not work_once(told):
            told.wait(REST)


def work_once(told: threading.Event) -> bool:
    """Do what there is to do; tell whether there was anything."""
    worked = False
    batch = imaging.claim_next(at=clock())
    if batch is not None:
        worked = True
        for _ in imaging.process(batch=batch, at=clock(), clock=clock):
            if told.is_set():
                break
    ledger.publish(at=clock())
    return worked
