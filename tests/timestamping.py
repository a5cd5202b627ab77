"""A time-stamping authority of the test's own, made and run by ``openssl ts``."""

import subprocess
from pathlib import Path

_CONFIG = """
[ tsa ]
default_tsa = own
[ own ]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha1, sha256, sha384, sha512
ordering = yes
ess_cert_id_alg = sha256
[ stamping ]
extendedKeyUsage = critical, timeStamping
[ not_stamping ]
extendedKeyUsage = critical, clientAuth
[ root ]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[ req ]
distinguished_name = name
[ name ]
"""


class Authority:
    """A root of its own and a signer under it; answers embed the signer's certificate only."""

    def __init__(self, folder: Path, *, usage: str = "stamping") -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        self._openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -config tsa.cnf"
            f" -extensions root -subj /CN={folder.name} -keyout root.key -out root.pem"
        )
        self._openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config tsa.cnf"
            " -subj /CN=stamps -keyout signer.key -out signer.csr"
        )
        self._openssl(
            "x509 -req -in signer.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30"
            f" -extfile tsa.cnf -extensions {usage} -out signer.pem"
        )

    @property
    def root(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def answer(self, query: bytes) -> bytes:
        """The whole answer to a question, a refusal too."""
        (self.folder / "query.tsq").write_bytes(query)
        self._openssl("ts -reply -config tsa.cnf -queryfile query.tsq -out answer.tsr")
        return (self.folder / "answer.tsr").read_bytes()

    def stamp(self, message: bytes, *words: str) -> bytes:
        """An answer over a message, asked for by ``openssl ts -query`` with more words."""
        (self.folder / "message").write_bytes(message)
        self._openssl("ts -query -data message -cert -out own.tsq " + " ".join(words))
        return self.answer((self.folder / "own.tsq").read_bytes())

    def _openssl(self, words: str) -> None:
        subprocess.run(
            ["openssl", *words.split()],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
