"""The office's electronic signature on a PDF (PAdES, ETSI EN 319 142-1, baseline B).

The key is made on first use and kept in the data directory. It is no certified product of
commercial cryptography: it proves that the paper is unchanged since this installation issued it,
and to those who hold this installation's certificate, who issued it.
"""

import datetime as dt
import io
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter

from lantai.ledger import files

_YEARS: Final = 10


def signed(pdf: bytes, *, home: Path, issuer: str, at: dt.datetime) -> bytes:
    """Return the PDF with the office's signature behind it; its own bytes stay as they are."""
    key, certificate = _keys(home, issuer=issuer, at=at)
    signer = signers.SimpleSigner.load(key_file=str(key), cert_file=str(certificate))
    if signer is None:
        raise RuntimeError(f"the seal's key cannot be read: {key}")
    out = io.BytesIO()
    signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)),
        signers.PdfSignatureMetadata(
            field_name="Seal", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
        ),
        signer=signer,
        output=out,
    )
    return out.getvalue()


def certificate_file(home: Path) -> Path:
    """Where the certificate that checks the signatures stands."""
    return home / "keys" / "seal.crt"


def _keys(home: Path, *, issuer: str, at: dt.datetime) -> tuple[Path, Path]:
    key, certificate = home / "keys" / "seal.key", certificate_file(home)
    if not certificate.exists():
        secret = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, issuer),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{issuer} 档案证明（自签）"),
            ]
        )
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(secret.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - dt.timedelta(days=1))
            .not_valid_after(at + dt.timedelta(days=365 * _YEARS))
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=True,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=False,
                    crl_sign=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(secret, hashes.SHA256())
        )
        files.make_directories(key.parent, mode=0o700)
        _write(
            key,
            secret.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        # The certificate last: it is what says that both are there.
        _write(certificate, made.public_bytes(serialization.Encoding.PEM))
    return key, certificate


def _write(target: Path, content: bytes) -> None:
    files.write_whole(target, content, incoming=target.parent, mode=0o600)
    files.sync_directory(target.parent)
