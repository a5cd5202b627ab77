"""``lantai storage probe``: a store that does what it must passes; each silent failure is named."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import seaweed
from between import Answer, Asked, Without, relay
from django.utils import timezone

from lantai.lib.ocfl import disk, writer
from lantai.lib.refusals import Unacceptable
from lantai.ops import main, storage
from lantai.vault import packages, stores

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
NAMES = [
    "写入后读回相同",
    "不覆盖已有的键（If-None-Match）",
    "只替换所读的那一份（If-Match）",
    "拒收校验值不符的内容",
    "拒绝错误的访问密钥",
    "写入、删除后立即列得出",
    "可以分段读取",
    "保留旧版本并可读出",
    "保留期内不能删除",
]


@pytest.fixture(scope="module")
def bucket() -> str:
    return seaweed.server().bucket(days=1)


def use(settings: Any, address: str, endpoint: str, *, days: int = 0) -> None:
    settings.LANTAI_STORE = address
    settings.LANTAI_S3 = {
        "endpoint": endpoint,
        "region": seaweed.REGION,
        "key": seaweed.KEY,
        "secret": seaweed.SECRET,
    }
    settings.LANTAI_S3_TIMEOUT = 10.0
    settings.LANTAI_S3_RETENTION_DAYS = days


def probed(home: Path) -> dict[str, Any]:
    """The finding about the primary store."""
    return next(storage.probe(home=home, at=timezone.now()))


def failed(row: dict[str, Any]) -> list[str]:
    return [check["name"] for check in row["checks"] if not check["good"]]


def keys(bucket: str) -> list[str]:
    found = seaweed.server().client().list_objects_v2(Bucket=bucket)
    return [held["Key"] for held in found.get("Contents", ())]


def test_a_bucket_is_refused_until_it_is_proved_and_used_after(
    home: Path, settings: Any, bucket: str
) -> None:
    use(settings, f"s3://{bucket}/office", seaweed.server().address, days=1)
    with pytest.raises(Unacceptable, match="lantai storage probe"):
        packages.store_in(home)

    row = probed(home)

    assert [check["name"] for check in row["checks"]] == NAMES
    assert (row["good"], failed(row)) == (True, [])
    assert keys(bucket) == []
    writer.found(packages.store_in(home))
    assert "office/0=ocfl_1.1" in keys(bucket)


def test_a_finding_holds_for_one_server_one_address_and_one_retention(
    home: Path, settings: Any, bucket: str
) -> None:
    address = seaweed.server().address
    use(settings, f"s3://{bucket}/a", address, days=1)
    assert probed(home)["good"]
    packages.store_in(home)

    for store, endpoint, days in (
        (f"s3://{bucket}/b", address, 1),
        (f"s3://{bucket}/a", "http://127.0.0.1:9", 1),
        (f"s3://{bucket}/a", address, 30),
    ):
        use(settings, store, endpoint, days=days)
        with pytest.raises(Unacceptable, match="lantai storage probe"):
            packages.store_in(home)


def test_a_finding_that_was_tampered_with_or_cut_is_none(
    home: Path, settings: Any, bucket: str
) -> None:
    use(settings, f"s3://{bucket}/c", seaweed.server().address)
    assert probed(home)["good"]
    record = next(home.glob("stores/*/probe.json"))
    kept = json.loads(record.read_bytes())

    for held in (b"", b"{", json.dumps({**kept, "good": False}).encode()):
        record.chmod(0o600)
        record.write_bytes(held)
        with pytest.raises(Unacceptable):
            packages.store_in(home)


def on_put(of: str, header: str) -> Callable[[Asked], Without | None]:
    """A server that never looks at a header when a certain key is put."""

    def rule(asked: Asked) -> Without | None:
        if asked.method == "PUT" and asked.key.endswith(of) and header in lower(asked):
            dropped = [name for name in lower(asked) if "checksum" in name]
            return Without((header, *(dropped if "checksum" in header else ())))
        return None

    return rule


def lower(asked: Asked) -> set[str]:
    return {name.lower() for name in asked.headers}


def any_secret(asked: Asked) -> Without:
    """A server that takes any signature."""
    return Without()


def forgetful_list(asked: Asked) -> Answer | None:
    """A server whose lists come late."""
    empty = b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
    return Answer(200, empty) if "list-type=2" in asked.path and "listed" in asked.path else None


def whole_answers(asked: Asked) -> Without | None:
    """A server that gives everything where a part was asked for."""
    return Without(("range",)) if asked.key.endswith("/long") and asked.method == "GET" else None


def lets_go(asked: Asked) -> Answer | None:
    """A server that says a locked version was deleted."""
    return Answer(204) if asked.method == "DELETE" and "/locked?" in asked.path else None


def flips(asked: Asked) -> Answer | None:
    """A server that gives other bytes back."""
    if asked.method == "GET" and asked.key.endswith("/plain"):
        return Answer(200, b"x" * 200_000)
    return None


SILENT = {
    "reads-other-bytes": (flips, NAMES[0], "读回的内容不同"),
    "overwrites": (on_put("/once", "if-none-match"), NAMES[1], "写了两次都被接受"),
    "swaps-blindly": (on_put("/swapped", "if-match"), NAMES[2], "内容已变，旧的凭据仍被接受"),
    "takes-damage": (on_put("/damaged", "x-amz-checksum-sha256"), NAMES[3], "损坏的内容被接受"),
    "any-secret": (any_secret, NAMES[4], "用错误的密钥也能读"),
    "late-lists": (forgetful_list, NAMES[5], "刚写入的键没有全部列出"),
    "no-ranges": (whole_answers, NAMES[6], "分段读到的内容不对"),
    "no-locks": (lets_go, NAMES[8], "保留期内的版本被删除"),
}


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_a_server_that_fails_in_silence_is_named_and_refused(
    home: Path, settings: Any, bucket: str, case: tuple[Callable[[Asked], Any], str, str]
) -> None:
    rule, name, told = case
    with relay(seaweed.server().address, rule) as between:
        use(settings, f"s3://{bucket}/d", between.address, days=1)

        row = probed(home)

        assert (row["good"], failed(row)) == (False, [name])
        assert told in [check["told"] for check in row["checks"]]
        with pytest.raises(Unacceptable, match="lantai storage probe"):
            packages.store_in(home)


def test_a_bucket_that_keeps_no_versions_is_refused(home: Path, settings: Any) -> None:
    server = seaweed.server()
    server.client().create_bucket(Bucket="plain")
    use(settings, "s3://plain/store", server.address, days=1)

    assert failed(probed(home)) == [NAMES[7], NAMES[8]]
    assert keys("plain") == []


def test_a_lock_that_is_too_short_is_refused(home: Path, settings: Any, bucket: str) -> None:
    use(settings, f"s3://{bucket}/e", seaweed.server().address, days=3650)

    row = probed(home)

    assert failed(row) == [NAMES[8]]
    assert "不足 3650 天" in row["checks"][8]["told"]


def test_a_server_that_is_not_there_fails_every_check_in_a_sentence(
    home: Path, settings: Any
) -> None:
    use(settings, "s3://none/store", "http://127.0.0.1:9")
    settings.LANTAI_S3_TIMEOUT = 0.5

    row = probed(home)

    assert failed(row) == NAMES
    assert all(check["told"] for check in row["checks"])
    assert seaweed.SECRET not in json.dumps(row)


def test_buckets_are_made_ready_and_pass(home: Path, settings: Any) -> None:
    use(settings, "s3://made-ready/store", seaweed.server().address, days=2)

    assert [row["made"] for row in storage.prepare(home=home)] == [True]
    assert [row["made"] for row in storage.prepare(home=home)] == [False]

    assert failed(probed(home)) == []


@pytest.mark.parametrize(
    "address", ["s3://", "s3://B/x", "s3:bucket", "s3://bucket/../x", "s3://bucket/a b"]
)
def test_an_address_that_is_none_is_refused(home: Path, settings: Any, address: str) -> None:
    use(settings, address, "http://127.0.0.1:9")

    with pytest.raises(Unacceptable, match="LANTAI_STORE"):
        packages.store_in(home)


def test_a_bucket_without_a_key_is_refused(home: Path, settings: Any) -> None:
    use(settings, "s3://bucket/store", "http://127.0.0.1:9")
    settings.LANTAI_S3["secret"] = ""

    with pytest.raises(Unacceptable, match="LANTAI_S3_SECRET"):
        packages.store_in(home)


def test_copies_stand_where_the_settings_say(home: Path, settings: Any) -> None:
    settings.LANTAI_STORE = settings.LANTAI_COPY = settings.LANTAI_SECRET_COPY = ""
    settings.LANTAI_SECRET_STORE = ""
    assert packages.store_in(home).root == home / "preserved" / "root"
    assert packages.secret_store_in(home).root == home / "secret" / "root"
    assert packages.copy_store() is None
    assert packages.secret_copy_store() is None

    settings.LANTAI_COPY, settings.LANTAI_SECRET_COPY = str(home / "x"), str(home / "y")

    copies = [packages.copy_store(), packages.secret_copy_store()]
    assert [copy and copy.root for copy in copies] == [home / "x" / "root", home / "y" / "root"]


def test_folders_are_tried_and_left_as_they_were(home: Path, settings: Any) -> None:
    settings.LANTAI_STORE = ""
    settings.LANTAI_COPY = str(home / "copy")

    rows = list(storage.probe(home=home, at=AT))

    assert [(row["setting"], row["good"]) for row in rows] == [
        ("LANTAI_STORE", True),
        ("LANTAI_COPY", True),
        ("LANTAI_SECRET_STORE", True),
    ]
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("force_all", "可以强制写入磁盘（syncfs、fsync）"),
        ("move", "目录与文件可以一步改名"),
        ("alone", "锁对另一个打开者有效"),
    ],
)
def test_a_folder_that_cannot_is_named(
    home: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    name: str,
) -> None:
    settings.LANTAI_STORE = ""

    def fails(*words: object, **more: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(disk, call, fails)

    row = next(storage.probe(home=home, at=AT))

    assert (row["good"], failed(row)) == (False, [name])


def test_the_command_prints_a_table_and_ends_bad(
    home: Path,
    settings: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANTAI_HOME", str(home))
    use(settings, "s3://none/store", "http://127.0.0.1:9")
    settings.LANTAI_S3_TIMEOUT = 0.5

    assert main.main(["storage", "probe"]) == 1

    told = capsys.readouterr().out
    assert told.startswith("s3://none/store（LANTAI_STORE）\n  不合格  写入后读回相同：")
    assert "不能使用：请改正以上各项，或另换存储" in told
    assert stores.primary(home).stage.joinpath("probe.json").exists()
