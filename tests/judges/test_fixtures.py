"""Our verdict on the OCFL community's own objects; what is refused is refused for their reason."""

from pathlib import Path

from judges import panel

from lantai.lib.ocfl import check
from lantai.lib.ocfl.layout import At, Store
from lantai.lib.ocfl.local import Local

# Nothing of ours makes these, so they are faults here, where the specification only advises.
STRICTER = {"W002_extra_dir_in_version_dir": {"W002"}, "W010_no_version_inventory": {"W010"}}


def judged() -> list[tuple[panel.Judge, Path]]:
    return [
        (judge, Path(place))
        for judge in panel.here("ocfl fixtures")
        for place in judge.ask([{"ask": "list"}])[0]["objects"]
    ]


def codes(place: Path) -> set[str]:
    return {
        fault.code
        for fault in check.check_object(At(Store(place, Local(place.parent)), place.name))
    }


def test_every_verdict_is_that_of_the_community() -> None:
    wrong = {}
    for judge, place in judged():
        found = codes(place)
        if not judge.ask([{"object": str(place), "codes": sorted(found)}])[0]["accepted"]:
            wrong[place.name] = sorted(found)

    assert wrong == {}


def test_what_only_deserves_a_warning_is_refused_in_two_cases_alone() -> None:
    refused = {
        place.name: found
        for _, place in judged()
        if place.parent.name == "warn-objects" and (found := codes(place))
    }

    assert refused == (STRICTER if judged() else {})
