"""gunicorn's threads, each with an hour-glass: no caller may hold one by saying nothing.

A request has ``WITHIN`` seconds to arrive; then the socket hears no more and what came is all there
is. A connection that is not kept is deaf before it is handed back, because gunicorn waits for the
caller to hang up in the one thread that accepts all others.
"""

import socket
import struct
import threading
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from lantai.witness.server import hear_no_more

WITHIN: Final = 5.0  # seconds
_SEND_WITHIN: Final = struct.pack("@ll", 5, 0)  # struct timeval, for each piece of an answer


class Worker(ThreadWorker):
    """For ``--worker-class``."""

    def handle(self, conn: Any) -> Any:
        """Serve one request of a connection; runs in a thread of the pool."""
        caller: socket.socket = conn.sock
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_WITHIN)
        glass = threading.Timer(WITHIN, hear_no_more, (caller,))
        glass.start()
        try:
            kept = super().handle(conn)
        finally:
            glass.cancel()
        if not kept:
            hear_no_more(caller)
        return kept
