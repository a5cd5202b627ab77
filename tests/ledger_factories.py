"""Acts entered in the log, and rows changed behind the program's back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models, transaction

from lantai.ledger import queries, services
from lantai.ledger.audit import Difference
from lantai.ledger.models import Disclosure, Entry, Head, SigningIntent

NOON = datetime(2026, 11, 25, 4, 0, 0, 123456, tzinfo=UTC)


def record(count: int = 1, *, stream: str = "records", **facts: Any) -> Entry:
    """Enter some acts, each on a case of its own; return the last."""
    made = None
    for _ in range(count):
        size = queries.size_of(stream=stream)
        with transaction.atomic():
            made = services.record(
                at=NOON + timedelta(seconds=size),
                action="cases.case.opened",
                actor="wang",
                subject=f"case:{size:04x}",
                facts={"group": "M60", "number": size, **facts},
                stream=stream,
            )
    assert made is not None
    return made


def publish() -> Head:
    heads = services.publish(at=NOON)
    return heads[0]


def differences() -> list[Difference]:
    return list(queries.check_log())


def rewrite(model: type[models.Model], where: dict[str, Any], **columns: Any) -> None:
    """Change rows as an administrator would: behind the program's back."""
    assert models.QuerySet(model).filter(**where).update(**columns)


def remove(model: type[models.Model], **where: Any) -> None:
    models.QuerySet(model).filter(**where).delete()


def roll_back_to(size: int) -> None:
    """Put an old backup of the database in place of the present one."""
    remove(Disclosure, entry__index__gte=size)
    remove(Entry, index__gte=size)
    remove(Head, size__gt=size)
    remove(SigningIntent, size__gt=size)
