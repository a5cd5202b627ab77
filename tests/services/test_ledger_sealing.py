"""The worker signs and asks; it says once why it may not, and mends what a stop left half-way."""

import errno
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import differences, publish, record, roll_back_to
from quorum_factories import (
    MemoryWitness,
    ask,
    checkpoint,
    forget_the_files,
    lines_under,
    policy_text,
    set_policy,
    three,
    wire,
)

from lantai.ledger import finality, witnesses
from lantai.ledger.models import Cosigned
from lantai.ops.sealing import Sealer

pytestmark = pytest.mark.django_db


@pytest.fixture
def peers(settings: Any) -> list[MemoryWitness]:
    made = three()
    set_policy(settings, policy_text(made))
    return made


def test_what_witnesses_know_is_asked_before_the_first_signature_and_once(
    peers: list[MemoryWitness],
) -> None:
    record()
    publish()
    record()
    sealer = Sealer(send=wire(*peers))

    sealer.seal()
    sealer.seal()

    assert [(request.old, request.checkpoint.size) for request in peers[0].asked] == [
        (0, 1),
        (1, 2),
    ]


def test_the_worker_says_once_why_it_signs_no_more_and_goes_on(
    peers: list[MemoryWitness], home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(4)
    sealer = Sealer(send=wire(*peers))
    sealer.seal()
    roll_back_to(2)
    forget_the_files(home)
    publish()

    said = [Sealer(send=wire(*peers)).seal_or_say()]
    again = Sealer(send=wire(*peers))
    said += [again.seal_or_say(), again.seal_or_say()]

    assert said == [False, False, False]
    assert len(caplog.messages) == 2
    assert all("已停签" in message for message in caplog.messages)


def test_a_full_disk_ends_no_worker_and_signing_goes_on_when_there_is_room(
    peers: list[MemoryWitness], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record(4)
    sealer = Sealer(send=wire(*peers))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        without_room = sealer.seal_or_say()

    assert (without_room, sealer.seal_or_say()) == (False, True)
    assert ["No space left" in message for message in caplog.messages] == [True]
    assert peers[0].asked[-1].checkpoint.size == 4


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("place", ["get_or_create", "write_checkpoint", "note_said"])
def test_a_stop_at_any_step_is_mended_by_the_next_round(
    peers: list[MemoryWitness], home: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    entry = record(3)
    publish()
    where = {
        "get_or_create": Cosigned.objects,
        "write_checkpoint": witnesses.files,
        "note_said": witnesses,
    }[place]

    def killed(*words: Any, **named: Any) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(where, place, killed)
        with pytest.raises(Killed):
            ask(peers)

    Sealer(send=wire(*peers)).seal()

    assert finality.standing_of(entry).final
    assert lines_under(checkpoint(home)) == 4
    assert differences() == []
