"""RFC 3161 time stamps: ask for one over a message, and check one with no network.

A time stamp is kept as the authority's whole answer (DER, ``.tsr``), as ``openssl ts -verify -in``
reads it. Digests are SHA-256 or SHA-512. An answer embeds the certificate of its signer only; the
certificates that lead from it to a trusted root stand with the roots.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.x509 import Certificate, ObjectIdentifier, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

QUERY_TYPE: Final = "application/timestamp-query"
REPLY_TYPE: Final = "application/timestamp-reply"
MOST_BYTES: Final = 65_536  # an answer with one certificate is about 1 kB
_DIGESTS: Final = {
    ObjectIdentifier("2.16.840.1.101.3.4.2.1"): hashlib.sha256,
    ObjectIdentifier("2.16.840.1.101.3.4.2.3"): hashlib.sha512,
}


class TimestampFault(ValueError):
    """A time stamp proves nothing; the text says why, for a person."""


@dataclass(frozen=True)
class Query:
    """A question to an authority: what to send, and what its answer must repeat."""

    content: bytes
    nonce: int | None


def query(message: bytes) -> Query:
    """Ask for a time stamp over the SHA-256 of a message, with the authority's certificate."""
    asked: TimeStampRequest = (
        TimestampRequestBuilder()
        .data(message)
        .hash_algorithm(HashAlgorithm.SHA256)
        .nonce(nonce=True)
        .cert_request(cert_request=True)
        .build()
    )
    return Query(asked.as_bytes(), asked.nonce)


def read_roots(pem: bytes) -> tuple[Certificate, ...]:
    """Read the certificates of trusted authorities, root first or last. Raises TimestampFault."""
    try:
        return tuple(load_pem_x509_certificates(pem))
    except ValueError as strange:
        raise TimestampFault("时间戳根证书不是 PEM 格式的证书，请换用正确的文件") from strange


def verify_token(
    token: bytes, message: bytes, roots: Sequence[Certificate], *, nonce: int | None = None
) -> datetime:
    """Return when a message was stamped at the latest (UTC), by the word of an authority.

    ``roots`` are the trusted root and what leads from it to the signer; they hold at the time of
    the stamp, not now. ``nonce`` is that of the question, when the answer is fresh. Raises
    TimestampFault.
    """
    if not roots:
        raise TimestampFault("没有可信的时间戳根证书，无法核验时间戳")
    answer = _decoded(token)
    stamped = answer.tst_info
    digest = _DIGESTS.get(stamped.message_imprint.hash_algorithm)
    if digest is None:
        raise TimestampFault("时间戳所用的摘要算法不是 SHA-256 或 SHA-512")
    expected = digest(message).digest()
    if not secrets.compare_digest(bytes(stamped.message_imprint.message), expected):
        raise TimestampFault("时间戳不是对这份内容所加的")
    trusted = VerifierBuilder()
    for certificate in dict.fromkeys(roots):
        trusted = trusted.add_root_certificate(certificate)
    if nonce is not None:
        trusted = trusted.nonce(nonce)
    try:
        trusted.build().verify(answer, expected)
    except (VerificationError, ValueError) as refused:
        raise TimestampFault(f"时间戳无效或不是由所信任的机构签发（{refused}）") from refused
    at = stamped.gen_time
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _decoded(token: bytes) -> TimeStampResponse:
    if len(token) > MOST_BYTES:
        raise TimestampFault(f"时间戳超过 {MOST_BYTES} 字节，不予读取")
    try:
        answer = decode_timestamp_response(token)
        answer.tst_info  # noqa: B018 -- a refusal has no token, and says so only here
    except ValueError as strange:
        raise TimestampFault(
            f"不是 RFC 3161 时间戳，或时间戳机构拒绝签发（{strange}）"
        ) from strange
    return answer


__all__ = [
    "MOST_BYTES",
    "QUERY_TYPE",
    "REPLY_TYPE",
    "Query",
    "TimestampFault",
    "query",
    "read_roots",
    "verify_token",
]
