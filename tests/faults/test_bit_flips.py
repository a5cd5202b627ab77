"""Bits turned at random in every kind of file that is kept: all found, all named, all put right."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
from copies_factories import NOON

from lantai.dossiers.models import Dossier
from lantai.ops import fsck, store
from lantai.preservation import places
from lantai.preservation.models import Watched
from lantai.vault import files
from lantai.vault import queries as masters
from lantai.vault import services as vault

pytestmark = [pytest.mark.faults, pytest.mark.django_db]
PLACES = (Watched.STORE, Watched.COPY)
FLIPS = 200
AT_ONCE = 20  # between two repairs; never the same file of both places
SEED = 20261125


def stores() -> dict[Watched, Path]:
    found = {place: places.store_at(place) for place in PLACES}
    return {place: store.root for place, store in found.items() if store}


def contents(roots: dict[Watched, Path]) -> dict[tuple[Watched, str], bytes]:
    return {
        (place, str(path.relative_to(root))): path.read_bytes()
        for place, root in roots.items()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def flip(path: Path, bit: int) -> None:
    held = bytearray(path.read_bytes())
    held[bit // 8] ^= 1 << bit % 8
    path.chmod(0o600)
    path.write_bytes(held)


def kind_of(path: str) -> str:
    name = path.rpartition("/")[2]
    if "/content/" in path:
        return "content"
    if name.startswith("inventory.json."):
        return "sidecar"
    return name if name.startswith("0=") or "/" not in path else name.partition(".")[0]


def test_two_hundred_turned_bits_are_all_found_and_all_put_right(
    settings: Any, tmp_path: Path
) -> None:
    make.set_copy(settings, tmp_path / "copy")
    office = desk.office(at=NOON)
    for order in range(4):
        dossier = make.small_dossier(office, order=order)
        make.kept_and_copied(dossier)
        for turn in range(order % 3):
            make.amend(dossier, f"履历表（{turn}）")
            make.kept_and_copied(dossier)
    roots = stores()
    before = contents(roots)
    chance = random.Random(SEED)

    found: Counter[str] = Counter()
    for _ in range(FLIPS // AT_ONCE):
        turned: set[tuple[Watched, str]] = set()
        paths = in_order({path for _, path in before})
        for path in chance.sample(paths, AT_ONCE):
            place = chance.choice([place for place in PLACES if (place, path) in before])
            flip(roots[place] / path, chance.randrange(8 * len(before[place, path])))
            turned.add((place, path))
            found[kind_of(path)] += 1

        named = fsck.fsck(where=PLACES, repair=False)["faults"]
        for place, path in turned:
            assert any(
                fault["place"] == place.value and names(fault["path"], path) for fault in named
            ), (place, path, [one for one in named if path.partition("/v")[0] in one["path"]])
        repaired = fsck.fsck(where=PLACES, repair=True)

        assert repaired["faults"] == []
        assert {(Watched(row["place"]), row["path"]) for row in repaired["mended"]} == turned
        assert contents(roots) == before

    assert sum(found.values()) == FLIPS
    assert {"content", "inventory", "sidecar", "0=ocfl_object_1.1", "0=ocfl_1.1"} <= set(found)


def test_turned_bits_in_the_vault_are_found_and_put_right_from_the_packages(
    settings: Any, tmp_path: Path, home: Path
) -> None:
    make.set_copy(settings, tmp_path / "copy")
    office = desk.office(at=NOON)
    for order in range(8):
        make.kept_and_copied(make.small_dossier(office, order=order))
    loose = vault.store(content=b"a page of no package", media_type="image/jpeg", by="x", at=NOON)
    pages = {sha256: masters.read(sha256) for sha256 in [path.name for path in files.masters(home)]}
    chance = random.Random(SEED)

    for _ in range(6):
        turned = chance.sample(sorted(pages.keys() - {loose.sha256}), 8)
        for sha256 in turned:
            path = files.master_path(home, sha256)
            flip(path, chance.randrange(8 * path.stat().st_size))
        named = {fault["path"] for fault in store.fsck(repair=False)["faults"]}
        assert all(any(sha256 in path for path in named) for sha256 in turned)

        assert store.fsck(repair=True)["faults"] == []
        assert {sha256: masters.read(sha256) for sha256 in pages} == pages

    flip(files.master_path(home, loose.sha256), 100)
    assert [loose.sha256 in row["path"] for row in store.fsck(repair=True)["faults"]] == [True]


def in_order(paths: set[str]) -> list[str]:
    """The paths in an order that is the same in each run, whatever the dossiers are called."""
    uids = list(Dossier.objects.order_by("pk").values_list("uid", flat=True))

    def key(path: str) -> tuple[int, str]:
        number = next((at for at, uid in enumerate(uids) if uid in path), -1)
        return number, path.partition(uids[number])[2] if number >= 0 else path

    return sorted(paths, key=key)


def names(named: str, path: str) -> bool:
    """Whether a fault is about a file, its folder, or the inventory or sidecar that speaks of it."""
    folder, _, rest = path.partition("/v")
    about = {path, f"{path}.sha256", path.removesuffix(".sha256")}
    leaderless = bool(rest) and named == f"{folder}/inventory.json"
    return named in about or path.startswith(f"{named}/") or leaderless or not named
