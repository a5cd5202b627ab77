"""A life holds together whatever the seed, and nobody in it can be taken for somebody real."""

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import idnumber
from lantai.sample.dossier import materials
from lantai.sample.lives import Career, Life, Stage, lives, with_gap

seeds = st.integers(0, 10**9)


def _every_life(seed: int) -> tuple[Life, ...]:
    people = lives(seed=seed, count=14)
    return (*people, *(with_gap(life) for life in people))


@given(seeds)
def test_nobody_works_before_sixteen(seed: int) -> None:
    for life in _every_life(seed):
        sixteenth = life.birth.replace(year=life.birth.year + 16)

        assert life.first_work >= sixteenth
        assert all(job.start >= life.first_work for job in life.jobs)


@given(seeds)
def test_the_stretches_of_a_life_follow_one_another(seed: int) -> None:
    for life in _every_life(seed):
        for earlier, later in pairwise(life.intervals):
            assert earlier.end is not None
            assert earlier.start < earlier.end < later.start

        assert life.intervals[-1].stage is Stage.DEPOSIT
        assert life.intervals[-1].end is None


@given(seeds)
def test_first_work_is_the_first_stretch_that_counts(seed: int) -> None:
    unpaid = {Stage.STUDY, Stage.FARM}

    for life in lives(seed=seed, count=14):
        counting = [each for each in life.intervals if each.stage not in unpaid]

        assert counting[0].start == life.first_work


@given(seeds)
def test_turning_points_stand_in_their_order(seed: int) -> None:
    for life in lives(seed=seed, count=14):
        assert life.birth < life.league < life.graduated <= life.first_work
        assert life.first_work < life.regular < life.leave < life.deposit
        assert life.contract < life.leave


@given(seeds)
def test_a_planted_gap_is_seven_to_eleven_months_of_nothing(seed: int) -> None:
    for life in lives(seed=seed, count=14):
        jobs = with_gap(life).jobs
        empty = [(b.start - a.end).days for a, b in pairwise(jobs) if a.end and a.unit != b.unit]

        assert max(empty) in range(195, 345)


@given(seeds)
def test_every_number_is_sound_and_of_a_division_nobody_has(seed: int) -> None:
    for life in lives(seed=seed, count=14):
        assert life.id18.startswith("990101")
        assert idnumber.faults(life.id18) == ()
        assert idnumber.birth(life.id18) == life.birth
        assert idnumber.sex(life.id18) == ("1" if life.sex == "男" else "2")
        assert idnumber.to18(life.id15) == life.id18


@given(seeds)
def test_no_two_people_of_a_seed_share_a_name(seed: int) -> None:
    names = [life.name for life in lives(seed=seed, count=40)]

    assert len(set(names)) == len(names)


@given(seeds, st.integers(1, 14))
def test_a_longer_list_begins_with_the_shorter_one(seed: int, count: int) -> None:
    assert lives(seed=seed, count=14)[:count] == lives(seed=seed, count=count)


@given(seeds)
def test_materials_are_formed_after_birth_and_numbered_without_gaps(seed: int) -> None:
    for life in _every_life(seed):
        numbers: dict[str, list[int]] = {}
        for material in materials(life):
            assert material.formed >= life.birth.replace(year=life.birth.year + 11)
            assert material.formed < dt.date(2020, 1, 1)
            numbers.setdefault(material.class_code, []).append(material.sequence)

        assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


@given(seeds)
def test_a_dossier_has_ten_to_fourteen_written_sides(seed: int) -> None:
    for life in lives(seed=seed, count=12):
        assert 10 <= sum(material.pages for material in materials(life)) <= 14


def test_the_cast_covers_every_career() -> None:
    assert {life.career for life in lives(seed=1, count=12)} == set(Career)
