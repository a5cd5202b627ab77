"""A server that is slow, broken, away or forgetful: nothing is lost, and it is said plainly."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import ocfl_factories as factories
import pytest
import seaweed
from between import Answer, Asked, Cut, Relay, relay
from botocore.exceptions import ClientError
from s3_stores import PREFIX, A, faults, put

from lantai.lib.ocfl import backend, check, disk, inventory, reader, writer
from lantai.lib.ocfl.bucket import Bucket
from lantai.lib.ocfl.faults import Unreachable
from lantai.lib.ocfl.layout import Store


def failing(times: int, answer: Answer | Cut, *, of: str = "") -> Callable[[Asked], object]:
    """A rule by which the first requests of a kind go wrong."""
    left = [times]

    def rule(asked: Asked) -> Answer | Cut | None:
        if (not of or asked.method == of) and left[0]:
            left[0] -= 1
            return answer
        return None

    return rule


SLOW_DOWN = Answer(503, b"<Error><Code>SlowDown</Code></Error>")
BROKEN = Answer(500, b"<Error><Code>InternalError</Code></Error>")
LOST = Cut(before_status=True)


@pytest.mark.parametrize("of", ["GET", "PUT"])
@pytest.mark.parametrize("wrong", [SLOW_DOWN, BROKEN, LOST], ids=["slow-down", "error", "lost"])
def test_a_request_that_fails_once_or_twice_is_made_again(
    tmp_path: Path, bucket: str, wrong: Answer | Cut, of: str
) -> None:
    with relay(seaweed.server().address, failing(2, wrong, of=of)) as between:  # type: ignore[arg-type]
        store = seaweed.server().store(tmp_path, bucket, PREFIX, address=between.address)

        factories.grown(store, versions=2)

        assert reader.read(store.at(A), "catalogue.xml") == b"<v2/>"
    assert faults(seaweed.server().store(tmp_path, bucket, PREFIX)) == []


@pytest.mark.parametrize("wrong", [SLOW_DOWN, LOST], ids=["slow-down", "lost"])
def test_every_answer_lost_once_changes_nothing(
    tmp_path: Path, bucket: str, wrong: Answer | Cut
) -> None:
    seen = set()

    def rule(asked: Asked) -> Answer | Cut | None:
        if (asked.method, asked.path) in seen:
            return None
        seen.add((asked.method, asked.path))
        return wrong

    with relay(seaweed.server().address, rule) as between:
        store = seaweed.server().store(tmp_path, bucket, PREFIX, address=between.address)
        made = factories.grown(store, versions=2)

    plain = seaweed.server().store(tmp_path, bucket, PREFIX)
    assert reader.standing(plain.at(A)).inventory == made
    assert faults(plain) == []


def test_a_server_that_stays_away_is_told_in_a_sentence_and_nothing_is_visible(
    tmp_path: Path, store: Store, bucket: str
) -> None:
    factories.grown(store, versions=2)

    def rule(asked: Asked) -> Answer | None:
        return SLOW_DOWN if asked.method == "PUT" and "v3/inventory.json" in asked.path else None

    with relay(seaweed.server().address, rule) as between:
        away = seaweed.server().store(tmp_path / "away", bucket, PREFIX, address=between.address)
        with pytest.raises(Unreachable, match=r"应答 503.*LANTAI_S3_ENDPOINT"):
            factories.grown_by_one(away)

        assert reader.standing(store.at(A)).inventory.number == 2
        between.rule = lambda asked: None

        assert factories.grown_by_one(away).number == 3
    assert faults(store) == []
    assert list(away.stage.iterdir()) == []


def test_a_silent_server_is_an_error_and_not_damage(tmp_path: Path, bucket: str) -> None:
    address = seaweed.server().address
    factories.grown(seaweed.server().store(tmp_path, bucket, PREFIX), versions=1)

    def rule(asked: Asked) -> Answer | None:
        return BROKEN if asked.method == "GET" and "1-1-001.jpg" in asked.path else None

    with relay(address, rule) as between:
        store = seaweed.server().store(tmp_path, bucket, PREFIX, address=between.address)

        with pytest.raises(Unreachable, match="应答 500"):
            list(check.check_store(store))
        with pytest.raises(Unreachable, match="应答 500"):
            list(check.fixity(store.at(A)))


def test_a_body_cut_short_is_read_on_or_told(tmp_path: Path, bucket: str) -> None:
    large = bytes(range(256)) * 20_000
    factories.version(seaweed.server().store(tmp_path, bucket, PREFIX), A, {"large": large})
    cut = [10**9]

    def rule(asked: Asked) -> Cut | None:
        if asked.method == "GET" and asked.key.endswith("/large") and cut[0]:
            cut[0] -= 1
            return Cut(after=100_000)
        return None

    with relay(seaweed.server().address, rule) as between:
        store = seaweed.server().store(tmp_path, bucket, PREFIX, address=between.address)
        with pytest.raises(Unreachable):
            reader.read(store.at(A), "large")
        cut[0] = 1

        assert reader.read(store.at(A), "large") == large


def listing(*keys: str) -> Answer:
    """A server's list of some keys."""
    told = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-11-25T08:52:20.000Z</LastModified>"
        '<ETag>"x"</ETag><Size>1</Size></Contents>'
        for key in keys
    )
    whole = f"<ListBucketResult><IsTruncated>false</IsTruncated>{told}</ListBucketResult>"
    return Answer(200, whole.encode())


@pytest.mark.parametrize("key", ["a//b", "../b", "a/./b", "&#1;b"])
def test_a_key_that_is_no_path_is_named_and_leads_nowhere(
    tmp_path: Path, bucket: str, key: str
) -> None:
    plain = seaweed.server().store(tmp_path, bucket, PREFIX)
    factories.grown(plain, versions=1)
    place = plain.at(A).place
    listed = [f"prefix={quote(f'{PREFIX}/{folder}', safe='')}" for folder in ("", f"{place}/")]

    for where, folder in zip(listed, ("", f"{place}/"), strict=True):
        answer = listing(f"{PREFIX}/{folder}{key}")

        def rule(asked: Asked, where: str = where, answer: Answer = answer) -> Answer | None:
            ends = asked.method == "GET" and asked.path.endswith(where)
            return answer if ends and "delimiter" in asked.path else None

        with relay(seaweed.server().address, rule) as between:
            store = seaweed.server().store(tmp_path, bucket, PREFIX, address=between.address)

            found = [fault for one in check.check_store(store) for fault in one.faults]

            assert [fault.code for fault in found] == [backend.UNREADABLE]
            assert found[0].path == f"{folder}{key.replace('&#1;', '?')}"
            assert reader.read(plain.at(A), "1-1-001.jpg") == b"page 1"


def test_a_server_that_is_not_there_is_told_soon(tmp_path: Path) -> None:
    store = seaweed.server().store(tmp_path, "nowhere", address="http://127.0.0.1:9")

    with pytest.raises(Unreachable, match="没有应答"):
        factories.grown(store)


def test_a_bucket_that_is_not_there_is_no_empty_store(tmp_path: Path) -> None:
    store = seaweed.server().store(tmp_path, "not-made", PREFIX)

    with pytest.raises(Unreachable, match="没有存储桶 not-made"):
        factories.grown(store)


def test_a_wrong_secret_is_told_and_not_repeated_in_the_error(tmp_path: Path, bucket: str) -> None:
    wrong = seaweed.credentials(seaweed.server().address, secret="not-the-secret")
    store = Store(tmp_path, Bucket(bucket, PREFIX, wrong))

    with pytest.raises(Unreachable, match="拒绝了访问") as refused:
        factories.grown(store)

    assert "not-the-secret" not in f"{refused.value!r}{store!r}{refused.value.__cause__!r}"


def test_what_is_put_carries_a_digest(tmp_path: Path, bucket: str) -> None:
    with relay(seaweed.server().address) as between:
        store = seaweed.server().store(tmp_path, bucket, PREFIX, address=between.address)
        factories.grown(store, versions=1)

    bare = [
        asked.key
        for asked in between.asked
        if asked.method == "PUT" and "x-amz-checksum-sha256" not in asked.headers
    ]
    assert between.puts()
    assert bare == []


def test_the_stage_is_on_disk_before_anything_of_it_is_put(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(seaweed.server().address) as between:
        store = seaweed.server().store(tmp_path, bucket, PREFIX, address=between.address)
        writer.found(store)
        founded = len(between.puts())
        forced = []
        monkeypatch.setattr(disk, "force_all", lambda made: forced.append(len(between.puts())))

        factories.grown(store, versions=1)

    assert forced == [founded]
    assert len(between.puts()) > founded


def test_a_version_enters_in_its_order(tmp_path: Path, bucket: str) -> None:
    with relay(seaweed.server().address) as between:
        store = seaweed.server().store(tmp_path, bucket, PREFIX, address=between.address)
        factories.grown(store, versions=2)

    sidecar = inventory.sidecar_name(inventory.ALGORITHM)
    entered = in_object(between, f"{PREFIX}/{store.at(A).place.replace('%', '%25')}")
    assert sorted(entered[:2]) == ["v1/content/1-1-001.jpg", "v1/content/catalogue.xml"]
    assert entered[2:7] == [
        f"v1/{sidecar}",
        "v1/inventory.json",
        "0=ocfl_object_1.1",
        sidecar,
        "inventory.json",
    ]
    assert sorted(entered[7:9]) == ["v2/content/1-1-002.jpg", "v2/content/catalogue.xml"]
    assert entered[9:] == [f"v2/{sidecar}", "v2/inventory.json", sidecar, "inventory.json"]


def in_object(between: Relay, place: str) -> list[str]:
    return [
        key.removeprefix(f"{place}/").replace("%3D", "=") for key in between.puts() if place in key
    ]


def test_a_locked_bucket_refuses_to_forget_and_takes_new_versions(tmp_path: Path) -> None:
    server = seaweed.server()
    name = server.bucket(days=1)
    store = server.store(tmp_path, name)
    factories.grown(store, versions=2)
    at = store.at(A)

    page = f"{at.place}/v1/content/1-1-001.jpg"
    found = server.client().list_object_versions(Bucket=name, Prefix=page)["Versions"][0]
    with pytest.raises(ClientError, match="Access"):
        server.client().delete_object(Bucket=name, Key=page, VersionId=found["VersionId"])

    assert factories.grown_by_one(store).number == 3
    assert faults(store) == []


def test_a_mend_whose_answer_was_lost_is_known_by_its_bytes(tmp_path: Path, bucket: str) -> None:
    twin = factories.store(tmp_path / "twin")
    factories.grown(twin, versions=1)
    plain = seaweed.server().store(tmp_path / "plain", bucket, PREFIX)
    writer.adopt(plain, A, twin)
    page = "v1/content/1-1-001.jpg"
    put(plain, f"{plain.at(A).place}/{page}", b"damaged")

    with relay(seaweed.server().address, failing(1, LOST, of="PUT")) as between:
        store = seaweed.server().store(tmp_path / "lost", bucket, PREFIX, address=between.address)
        writer.mend(store.at(A), page, twin.at(A))

        assert len(between.puts()) > 1
    assert reader.read(plain.at(A), "1-1-001.jpg") == b"page 1"
    assert faults(plain) == []
