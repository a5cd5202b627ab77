"""Signing and witnessing, in the one order that never signs over what witnesses hold."""

import logging
from typing import Any

from lantai.ledger import finality, queries, quorum, witnesses
from lantai.ledger import services as ledger
from lantai.ledger.keys import KeyFault
from lantai.ledger.models import STREAMS
from lantai.ledger.queries import LogDamaged
from lantai.lib.tlog import leaf as leaves
from lantai.ops.home import clock

logger = logging.getLogger(__name__)


class Sealer:
    """One process's signing: what witnesses know is looked at before its first signature.

    A data directory put back to an old backup looks whole from inside; only the witnesses know
    that more was signed once.
    """

    def __init__(self, *, send: witnesses.Send = witnesses.send) -> None:
        self._send = send
        self._compared = False
        self._last_said = ""

    def seal(self) -> None:
        """Sign what is new, have it cosigned. Raises LogDamaged or KeyFault: nothing is signed."""
        if not self._compared:
            for stream in STREAMS:
                witnesses.collect(stream=stream, at=clock(), everyone=True, send=self._send)
            self._compared = True
        ledger.publish(at=clock())
        for stream in STREAMS:
            witnesses.collect(stream=stream, at=clock(), send=self._send)

    def seal_or_say(self) -> bool:
        """Seal, or tell the operator once why nothing is signed; other work can go on."""
        try:
            self.seal()
        except (LogDamaged, KeyFault, OSError) as incident:  # a full disk is tried again
            if str(incident) != self._last_said:
                logger.critical("nothing is signed any more: %s", incident)
            self._last_said = str(incident)
            return False
        self._last_said = ""
        return True


def ask_now(*, reason: str | None = None) -> dict[str, Any]:
    """Sign, ask every witness at once, and tell where everything stands.

    With a reason, streams that were stopped are resumed first, where no witness holds anything
    against them any more. Raises what ``witnesses.resume`` raises.
    """
    if reason is not None:
        for stream, _ in finality.stops():
            witnesses.resume(stream=stream, reason=reason, by=witnesses.ACTOR, at=clock())
    said = ""
    try:
        Sealer().seal()
        for stream in STREAMS:
            witnesses.collect(stream=stream, at=clock(), everyone=True)
    except (LogDamaged, KeyFault) as incident:
        said = str(incident)
    log = [
        {
            "stream": stream,
            "size": queries.size_of(stream=stream),
            "final": finality.final_up_to(stream=stream),
        }
        for stream in STREAMS
    ]
    return {
        "rule": quorum.in_words(quorum.in_force()),
        "witnesses": [_state(state) for state in finality.witness_state()],
        "stopped": [
            {"stream": stream, "witness": stopped.witness, "why": stopped.why, "at": stopped.at}
            for stream, stopped in finality.stops()
        ],
        "refusals": len(finality.refusals()),
        "log": log,
        "incident": said,
        "final": not said and all(each["size"] == each["final"] for each in log),
    }


def _state(state: finality.WitnessState) -> dict[str, Any]:
    return {
        "witness": state.witness,
        "stream": state.stream,
        "size": state.size,
        "behind": state.behind,
        "time": leaves.moment(state.time) if state.time else "",
        "error": state.error,
    }
