"""Time stamps of an authority that openssl makes here are taken; whatever is altered is not."""

import time
from datetime import UTC
from pathlib import Path

import pytest
from timestamping import Authority

from lantai.lib import timestamp
from lantai.lib.timestamp import TimestampFault

HEAD = b"lantai.example/110105/records\n2\nAAAA\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stamps") / "authority")


def test_a_stamp_tells_when_the_message_existed(authority: Authority) -> None:
    asked = timestamp.query(HEAD)
    before = time.time() - 2

    at = timestamp.verify_token(
        authority.answer(asked.content),
        HEAD,
        timestamp.read_roots(authority.root),
        nonce=asked.nonce,
    )

    assert before <= at.timestamp() <= time.time() + 2
    assert at.tzinfo is UTC


def test_a_stamp_asked_for_by_another_program_with_sha512_is_taken(authority: Authority) -> None:
    token = authority.stamp(HEAD, "-sha512", "-no_nonce")

    assert timestamp.verify_token(token, HEAD, timestamp.read_roots(authority.root))


def test_a_stamp_of_another_message_is_refused(authority: Authority) -> None:
    roots = timestamp.read_roots(authority.root)

    with pytest.raises(TimestampFault, match="不是对这份内容所加"):
        timestamp.verify_token(authority.stamp(HEAD, "-sha256"), HEAD + b"\n", roots)


def test_a_stamp_of_an_authority_nobody_trusts_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    token = authority.stamp(HEAD, "-sha256")
    stranger = Authority(tmp_path / "stranger")

    with pytest.raises(TimestampFault, match="不是由所信任的机构签发"):
        timestamp.verify_token(token, HEAD, timestamp.read_roots(stranger.root))
    with pytest.raises(TimestampFault, match="没有可信的时间戳根证书"):
        timestamp.verify_token(token, HEAD, ())


def test_the_answer_to_another_question_is_refused(authority: Authority) -> None:
    token = authority.answer(timestamp.query(HEAD).content)

    with pytest.raises(TimestampFault, match="Nonce mismatch"):
        timestamp.verify_token(token, HEAD, timestamp.read_roots(authority.root), nonce=7)


def test_a_weak_digest_is_refused(authority: Authority) -> None:
    token = authority.stamp(HEAD, "-sha1")

    with pytest.raises(TimestampFault, match="不是 SHA-256 或 SHA-512"):
        timestamp.verify_token(token, HEAD, timestamp.read_roots(authority.root))


def test_a_certificate_that_is_not_for_stamping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="returned non-zero"):
        Authority(tmp_path / "other", usage="not_stamping").stamp(HEAD, "-sha256")


def test_what_is_no_stamp_is_refused(authority: Authority) -> None:
    roots = timestamp.read_roots(authority.root)
    token = authority.stamp(HEAD, "-sha256")

    for bad in (b"", b"not DER", token[:-1], token + b"\0" * timestamp.MOST_BYTES):
        with pytest.raises(TimestampFault):
            timestamp.verify_token(bad, HEAD, roots)
    with pytest.raises(TimestampFault, match="不是 PEM"):
        timestamp.read_roots(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def test_no_changed_byte_of_a_stamp_goes_unseen(authority: Authority) -> None:
    token = authority.stamp(HEAD, "-sha256")
    roots = timestamp.read_roots(authority.root)
    good = timestamp.verify_token(token, HEAD, roots)

    unseen = []
    for place in range(len(token)):
        bad = token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :]
        try:
            if timestamp.verify_token(bad, HEAD, roots) != good:
                unseen.append(place)
        except TimestampFault:
            continue

    assert unseen == []
