"""A second copy in a bucket, or the store itself: filled, read again, put right, from either side."""

from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
import s3_stores
import seaweed
from copies_factories import NOON
from django.utils import timezone

from lantai.dossiers.models import Dossier
from lantai.lib.ocfl.layout import At
from lantai.ops import storage
from lantai.preservation import examining, patrol, places
from lantai.preservation.models import Copied, Damage, Kept, Watched

pytestmark = pytest.mark.django_db
BOTH = (Watched.STORE, Watched.COPY)


@pytest.fixture(params=["copy", "store", "both"])
def which(request: pytest.FixtureRequest) -> str:
    """What stands in a bucket."""
    return str(request.param)


@pytest.fixture
def dossier(home: Path, settings: Any, tmp_path: Path, bucket: str, which: str) -> Dossier:
    server = {
        "endpoint": seaweed.server().address,
        "region": seaweed.REGION,
        "key": seaweed.KEY,
        "secret": seaweed.SECRET,
    }
    settings.LANTAI_S3 = settings.LANTAI_COPY_S3 = server
    settings.LANTAI_S3_TIMEOUT = 10.0
    settings.LANTAI_STORE = f"s3://{bucket}/first" if which in {"store", "both"} else ""
    settings.LANTAI_COPY = (
        f"s3://{bucket}/second" if which in {"copy", "both"} else str(tmp_path / "copy")
    )
    assert all(row["good"] for row in storage.probe(home=home, at=timezone.now()))
    dossier = make.small_dossier(desk.office(at=NOON), order=1)
    make.keep(dossier)
    make.copy(dossier)
    return dossier


def held(at: At) -> dict[str, bytes]:
    found = {}
    for path in examining.files(at):
        with at.open(path) as stream:
            found[path] = stream.read()
    return found


def hurt(at: At, path: str, content: bytes | None) -> None:
    """Put other bytes in the place of a file, or take it away, behind the program's back."""
    if at.store.elsewhere is None:
        if content is None:
            (at.folder / path).unlink()
        else:
            make.write(at.folder / path, content)
    elif content is None:
        s3_stores.drop(at.store, f"{at.place}/{path}")
    else:
        s3_stores.put(at.store, f"{at.place}/{path}", content)


def test_the_copy_holds_the_same_and_is_acknowledged(dossier: Dossier) -> None:
    make.amend(dossier, "履历表（一）")
    make.keep(dossier)
    make.copy(dossier)

    first, second = (make.at(place, dossier) for place in BOTH)

    assert held(first) == held(second)
    assert len(held(first)) > 8
    assert Copied.objects.count() == Kept.objects.count() == 2
    assert all(make.visit(place, dossier).found == () for place in BOTH)


@pytest.mark.parametrize("place", BOTH)
def test_damaged_missing_and_foreign_files_are_named_and_put_right(
    dossier: Dossier, place: Watched
) -> None:
    at = make.at(place, dossier)
    good = held(at)
    image = next(path for path in good if "/images/" in path)
    events = next(path for path in good if path.endswith("events.json"))
    hurt(at, image, b"?" + good[image][1:])
    hurt(at, "inventory.json", good["inventory.json"][:-7])
    hurt(at, events, None)
    hurt(at, "v1/stranger", b"who put this here")

    visited = make.visit(place, dossier)

    assert {finding.path for finding in visited.found} == {
        image,
        events,
        "inventory.json",
        "v1/stranger",
    }
    assert visited.left == ()
    assert held(at) == good
    assert Damage.objects.filter(mended=None).count() == 0


@pytest.mark.parametrize("place", BOTH)
def test_a_missing_object_is_brought_back(dossier: Dossier, place: Watched) -> None:
    at = make.at(place, dossier)
    good = held(at)
    for path in good:
        hurt(at, path, None)

    visited = make.visit(place, dossier)

    assert [finding.code for finding in visited.found] == ["gone"]
    assert visited.left == ()
    assert held(at) == good


def test_a_bucket_that_does_not_answer_is_one_incident_and_nothing_is_judged(
    dossier: Dossier, settings: Any, which: str
) -> None:
    place = Watched.STORE if which == "store" else Watched.COPY
    patrol.enrol(rows=make.watching.unpatrolled(after=0, limit=10))
    answering = settings.LANTAI_S3
    settings.LANTAI_S3_TIMEOUT = 1.0
    settings.LANTAI_S3 = settings.LANTAI_COPY_S3 = {
        **answering,
        "endpoint": "http://127.0.0.1:9",
    }

    said = patrol.look_at_store(place=place, by="patrol", at=NOON)

    assert "不能使用" in said
    assert [(one.name, one.code) for one in Damage.objects.all()] == [("", "silent")]
    assert places.is_set(place)
