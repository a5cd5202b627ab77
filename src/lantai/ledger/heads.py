"""Signed heads and what was to be signed, held against each other: none is missing, none extra."""

from collections.abc import Iterator

from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import STREAMS, Head, SigningIntent
from lantai.lib.tlog.leaf import moment
from lantai.lib.tlog.merkle import SHA256, SM3, Frontier, Suite

_HEAD = "ledger_head"
_INTENT = "ledger_signingintent"


def check_heads() -> Iterator[Difference]:
    """Yield a difference for every head or intent that has not its other, or is of no stream.

    The newest intent may wait for its head; every earlier one has it.
    """
    for stream in STREAMS:
        heads = {head.size: head for head in Head.objects.filter(stream=stream)}
        newest = max(heads, default=0)
        intents = {row.size: row for row in SigningIntent.objects.filter(stream=stream)}
        for size, intent in sorted(intents.items()):
            key, since = f"{stream}/{size}", moment(intent.at)
            if size <= newest and size not in heads:
                yield Difference(_HEAD, key, "", "曾登记待签", MISSING, since)
                yield Difference(_INTENT, key, "", "已签署", "没有签署", since)
            for field, frontier, root, tree in (
                ("frontier", intent.frontier, intent.root, SHA256),
                ("twin_frontier", intent.twin_frontier, intent.twin_root, SM3),
            ):
                if not _leads_to(frontier, size, root, tree):
                    expected = bytes(root).hex() if root is not None else MISSING
                    yield Difference(_INTENT, key, field, expected, "不是这一树根的前沿", since)
        for size in sorted(heads.keys() - intents.keys()):
            since = moment(heads[size].at)
            yield Difference(_INTENT, f"{stream}/{size}", "", "曾登记待签", MISSING, since)
    for table, model in ((_HEAD, Head), (_INTENT, SigningIntent)):
        for row in model.objects.exclude(stream__in=STREAMS):
            key = f"{row.stream}/{row.size}"
            yield Difference(table, key, "stream", "、".join(STREAMS), row.stream, moment(row.at))


def _leads_to(packed: bytes | None, size: int, root: bytes | None, tree: Suite) -> bool:
    """Whether a frontier gives a root; neither of them is right as well."""
    if packed is None or root is None:
        return packed is root
    try:
        frontier = Frontier.restore(bytes(packed), size=size, suite=tree)
    except ValueError:
        return False
    return frontier.root() == bytes(root)
