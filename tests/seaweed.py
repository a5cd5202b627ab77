"""A real S3 server for the tests: SeaweedFS on free loopback ports, ended with the run.

``server()`` starts it once a process; every test takes a bucket of its own from it. Nothing is
asked of the internet, and nothing is told: telemetry is off.
"""

import atexit
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

import botocore.session
from botocore.config import Config

from lantai.lib.ocfl.bucket import Bucket
from lantai.lib.ocfl.layout import Store
from lantai.lib.ocfl.s3 import Credentials

KEY, SECRET, REGION = "lantai-test", "secret-of-the-tests", "us-east-1"
_PATIENCE: Final = 60


@dataclass
class Server:
    """A server that runs; ``address`` is its endpoint."""

    address: str
    running: subprocess.Popen[bytes]
    folder: Path
    _numbers: "count[int]" = field(default_factory=count)

    def bucket(self, *, days: int = 0) -> str:
        """Make a bucket that keeps versions, and with days also locks what enters for so long."""
        name = f"test-{next(self._numbers)}"
        client = self.client()
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if days:
            rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": days}}
            client.put_object_lock_configuration(
                Bucket=name,
                ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
            )
        return name

    def client(self, address: str = "") -> Any:
        """The other client of S3, for what the program's own is not asked to do."""
        return client(address or self.address)

    def store(self, stage: Path, bucket: str, prefix: str = "", *, address: str = "") -> Store:
        """A store in a bucket, reached at another address where one is given (a proxy)."""
        return store(stage, bucket, prefix, address=address or self.address)

    def stop(self) -> None:
        if self.running.stdin:
            self.running.stdin.close()
        self.running.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def client(address: str, *, secret: str = SECRET) -> Any:
    return _session().create_client(
        "s3",
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def store(stage: Path, bucket: str, prefix: str, *, address: str) -> Store:
    """A store in a bucket of a server that runs somewhere."""
    return Store(stage, Bucket(bucket, prefix, credentials(address)))


def credentials(address: str, **other: Any) -> Credentials:
    """Credentials of the tests; few and quick retries, so that a fault is soon told."""
    stated = {"key": KEY, "secret": SECRET, "region": REGION, "timeout": 5.0, "patience": 2.0}
    return Credentials(endpoint=address, **{**stated, **other})


@cache
def server() -> Server:
    """Start the server, on first call; it ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="lantai-s3-"))
    names = ("master", "volume", "filer", "s3")
    ports = _free_ports(2 * len(names))
    http = dict(zip(names, ports, strict=False))
    grpc = dict(zip(names, ports[len(names) :], strict=True))
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    # A bucket is a set of volumes; with one each, there is room for many small buckets.
    (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
    words = [
        str(Path(sys.executable).with_name("weed")),
        f"-logdir={folder}",
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-s3.config={config}",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=2000",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-filer.localSocket={folder}/filer.sock",
        f"-s3.localSocket={folder}/s3.sock",
        *(f"-{name}.port={port}" for name, port in http.items()),
        *(f"-{name}.port.grpc={port}" for name, port in grpc.items()),
    ]
    with (folder / "output").open("wb") as output:
        # It ends with this process however that ends: then there is nothing to read any more.
        held = ["sh", "-c", '"$@" & read -r _; kill -9 $!; wait', "sh", *words]
        running = subprocess.Popen(
            held,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # what is sent to the run does not reach who has to end it
        )
    started = Server(f"http://127.0.0.1:{http['s3']}", running, folder)
    atexit.register(started.stop)
    _await(started)
    return started


def copied_down(server: Server, bucket: str, folder: Path, prefix: str = "") -> Path:
    """Copy what stands in a bucket below a prefix into a folder; return the folder."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for key in [held["Key"] for page in pages for held in page.get("Contents", ())]:
        target = folder / key.removeprefix(prefix).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(server.client().get_object(Bucket=bucket, Key=key)["Body"].read())
    return folder


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _await(started: Server) -> None:
    """Wait until the server takes an object: it answers before it has a place to put one."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if started.running.poll() is not None:
            break
        with contextlib.suppress(Exception):
            # Any error means "not yet"; the last one is in the server's own output.
            name = started.bucket()
            started.client().put_object(Bucket=name, Key="ready", Body=b"ready")
            return
        threading.Event().wait(0.1)
    told = (started.folder / "output").read_text(errors="replace")[-2000:]
    raise RuntimeError(f"the S3 server did not start: {told}")
