"""A writer killed after each of its requests: a bucket holds the old version or the new one."""

from pathlib import Path

import ocfl_factories as factories
import pytest
import seaweed
from s3_writers import A, adoption, bulk, done, growth, killed_after, mending

from lantai.lib.ocfl import check, inventory, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.layout import Store

pytestmark = pytest.mark.faults

# What a check may find of a stopped writer before the next one comes by: no root yet, or not all
# of it; a place with no declaration yet; a version not in the inventory; two that do not fit.
ON_THE_WAY = {"E069", "E070", "E003", "E046", "E060", "E058", "E063"}


@pytest.fixture(scope="module")
def bucket() -> str:
    return seaweed.server().bucket()


def standing(store: Store) -> int:
    """The version the object stands at, after every page up to it was read."""
    at = store.at(A)
    listed = [found.place for found in reader.objects(store)]
    try:
        number = reader.standing(at).inventory.number
    except Unsound:
        assert listed == []
        return 0
    for page in range(1, number + 1):
        assert reader.read(at, f"1-1-{page:03d}.jpg") == b"page %d" % page
    assert listed in ([], [at.place])
    return number


def codes(store: Store) -> set[str]:
    return {fault.code for one in check.check_store(store) for fault in one.faults}


@pytest.mark.parametrize("machine", ["same", "other"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_writer_killed_after_any_put_leaves_the_old_or_the_new_version(
    tmp_path: Path, bucket: str, number: int, machine: str
) -> None:
    server = seaweed.server()
    seen = []
    for count in range(1, 40):
        prefix = f"{machine}-{number}-{count}"
        stage = tmp_path / prefix
        store = server.store(stage, bucket, prefix)
        growth(store, number - 1)
        if not killed_after(count, growth, (stage, bucket, prefix), number):
            break
        seen.append(standing(store))
        assert seen[-1] in {number - 1, number}
        assert codes(store) <= ON_THE_WAY

        if machine == "same":
            growth(store, number)
        else:
            store = server.store(tmp_path / f"{prefix}-other", bucket, prefix)
            writer.settle(store, A, alone=True)
            writer.sweep(store, alone=True)
            growth(store, number)
            writer.sweep(server.store(stage, bucket, prefix))

        assert standing(store) == number
        assert codes(store) == set()
        writer.sweep(server.store(stage, bucket, prefix))
        assert list(stage.glob("stage/*")) == []

    assert len(seen) == {1: 3 + 6, 2: 5}[number]
    assert seen == sorted(seen)
    assert set(seen) == {number - 1, number}


def test_bringing_versions_over_killed_after_any_put_is_carried_to_its_end(
    tmp_path: Path, bucket: str
) -> None:
    local = factories.store(tmp_path)
    growth(local, 3)
    for count in range(1, 40):
        prefix = f"adopted-{count}"
        store = seaweed.server().store(tmp_path / prefix, bucket, prefix)
        place = (tmp_path / prefix, bucket, prefix)
        if not killed_after(count, adoption, place, local.home):
            break
        assert standing(store) in {0, 1, 2, 3}
        assert codes(store) <= ON_THE_WAY

        adoption(store, str(local.home))

        assert standing(store) == 3
        assert codes(store) == set()
        writer.sweep(store)
        assert list(store.stage.iterdir()) == []

    assert count == 3 + 3 * 3 + 3 + 1


@pytest.mark.parametrize("path", ["v1/content/1-1-001.jpg", inventory.FILE])
def test_mending_killed_after_its_put_is_carried_to_its_end(
    tmp_path: Path, bucket: str, path: str
) -> None:
    local = factories.store(tmp_path)
    growth(local, 2)
    prefix = f"mended-{path.rpartition('/')[2]}"
    store = seaweed.server().store(tmp_path / prefix, bucket, prefix)
    writer.adopt(store, A, local)
    key = f"{prefix}/{store.at(A).place}/{path}"
    seaweed.server().client().put_object(Bucket=bucket, Key=key, Body=b"damaged")

    assert killed_after(1, mending, (tmp_path / prefix, bucket, prefix), local.home, path)

    assert codes(store) == set()
    writer.mend(store.at(A), path, local.at(A))
    assert codes(store) == set()
    assert [held.name for held in store.stage.iterdir()] == [writer.ASIDE]


def test_memory_does_not_grow_with_the_size_of_a_file(tmp_path: Path, bucket: str) -> None:
    size, room = 160 << 20, 64 << 20

    assert done(bulk, (tmp_path, bucket, "large"), size, room=room) == 0
    assert done(bulk, (tmp_path, bucket, "small"), 1 << 20, room=1 << 20) != 0
