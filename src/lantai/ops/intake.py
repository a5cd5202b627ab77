"""Take a scanner folder in from the command line, as the operator named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from lantai.identity import queries as people
from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Role
from lantai.imaging import queries as production
from lantai.imaging import services as imaging
from lantai.imaging.rules import BatchState
from lantai.imaging.services import Outcome
from lantai.lib.refusals import NotFound
from lantai.ops.home import clock
from lantai.ops.sealing import Sealer

OPERATOR = "mingling"


def clear_inbox() -> Iterator[dict[str, Any]]:
    """Take the scans of accepted batches out of the inbox; yield a row for each batch."""
    for batch in production.accepted_in_inbox():
        cleared = imaging.clear_inbox(batch_uid=batch.uid, by="ops", at=clock())
        yield {"batch": batch.name, "gone": cleared.gone, "stays": list(cleared.stays)}


def take_in(folder: Path, *, username: str | None, name: str, device: str) -> Iterator[Outcome]:
    """Receive and process a folder; an outcome a file, as each is done."""
    by = _operator() if username is None else people.account(username=username)
    if by is None:
        raise NotFound(f"没有名为 {username} 的账户，请核对用户名")
    post = people.posts_of(user=by, on=identity.office_day(clock())).first()
    if post is None:
        raise NotFound(f"账户 {by.username} 没有在任岗位，请先登记岗位")
    body = post.body.parent or post.body
    begun = production.batch_of_folder(body=body, folder=folder)
    # A folder whose reading in was interrupted is taken up where it stopped.
    batch = (
        begun
        if begun is not None and begun.state == BatchState.RECEIVING
        else imaging.receive_folder(
            folder=folder,
            name=name or folder.resolve().name,
            body=body,
            device=device,
            by=by,
            at=clock(),
        )
    )
    yield from imaging.process(batch=batch, at=clock(), clock=clock)
    Sealer().seal()


@transaction.atomic
def _operator() -> User:
    """The operator of the command line: an account without a password, in the first body."""
    if known := people.account(username=OPERATOR):
        return known
    at = clock()
    body = people.bodies().first() or identity.found_body(
        code=settings.LANTAI_ORG,
        name=settings.LANTAI_ORG_NAME,
        kind=Body.Kind.CITY,
        parent=None,
        by="ops",
        at=at,
    )
    operator = identity.open_account(
        username=OPERATOR, name="命令行扫描员", password=None, by="ops", at=at
    )
    identity.give_post(user=operator, body=body, role=Role.SCAN_OPERATOR, by="ops", at=at)
    return operator
