"""Words: labels for every act, an English sentence for every Chinese one, dates and numbers."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from django.conf import settings
from django.template import Context, Template
from django.utils.translation import override

from lantai.lib.dates import PartialDate
from lantai.web.labels import ACTION_LABELS

SOURCE: Final = Path(settings.PACKAGE).parent
KEYWORDS: Final = {"_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2)}
PLACES: Final = re.compile(r"%\(\w+\)[sd]")
ENOUGH: Final = 0.97  # a sentence just written may wait for its translation, not many


def _sentences() -> set[str]:
    with (SOURCE.parent / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    return {
        found[2]
        for found in extract_from_dir(
            str(SOURCE), method_map=methods, options_map=options, keywords=KEYWORDS
        )
        if isinstance(found[2], str)
    }


def _translations() -> dict[str, str]:
    with (settings.PACKAGE / "locale/en/LC_MESSAGES/django.po").open("rb") as words:
        return {str(message.id): str(message.string) for message in read_po(words) if message.id}


def test_sentences_have_their_english() -> None:
    known = _translations()
    wanted = _sentences()

    missing = sorted(sentence for sentence in wanted if not known.get(sentence))

    assert len(wanted) > 500
    assert len(missing) <= len(wanted) * (1 - ENOUGH), missing


def test_translations_keep_the_places_for_values() -> None:
    for chinese, english in _translations().items():
        if english:
            assert sorted(PLACES.findall(chinese)) == sorted(PLACES.findall(english)), chinese


def test_every_act_that_is_recorded_has_a_name_on_screen() -> None:
    acts = {
        found
        for path in SOURCE.rglob("*.py")
        if "migrations" not in path.parts and "web" not in path.parts
        for found in re.findall(r'action="([a-z]+\.[a-z]+\.[a-z-]+)"', path.read_text())
    }

    assert len(acts) > 20
    assert acts - set(ACTION_LABELS) == set()


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("{{ v|partial_date }}", "1978-12-??", "1978-12"),
        ("{{ v|partial_date }}", "1978-??-??", "1978"),
        ("{{ v|partial_date }}", PartialDate(1978, 12, 3), "1978-12-03"),
        ("{{ v|partial_date }}", date(1978, 12, 3), "1978-12-03"),
        ("{{ v|partial_date:'long' }}", "1978-12-??", "1978 年 12 月"),
        ("{{ v|partial_date }}", "", "—"),
        ("{{ v|partial_date }}", None, "—"),
        ("{{ v|office_time }}", datetime(2026, 11, 24, 16, 30, tzinfo=UTC), "2026-11-25 00:30"),
        ("{{ v|office_time:'day' }}", datetime(2026, 11, 24, 16, 30, tzinfo=UTC), "2026-11-25"),
        (
            "{{ v|office_time:'second' }}",
            datetime(2026, 11, 24, 16, 30, 5, tzinfo=UTC),
            "2026-11-25 00:30:05",
        ),
        (
            "{{ v|office_time:'long' }}",
            datetime(2026, 11, 24, 16, 30, tzinfo=UTC),
            "2026 年 11 月 25 日　星期三",
        ),
        ("{{ v|office_time }}", None, "—"),
        ("{{ v|mask }}", "990101197004120033", "990101********0033"),
        ("{{ v|mask }}", "", "—"),
    ],
)
def test_dates_and_numbers_are_written_as_the_office_writes_them(
    code: str, value: object, shown: str
) -> None:
    assert Template(code).render(Context({"v": value})) == shown


def test_the_labels_of_the_rules_are_said_in_english() -> None:
    with override("en"):
        said = Template("{{ '初审员'|said }}, {{ '在库'|said }}").render(Context())

    assert said == "First reviewer, In store"


def test_an_icon_is_decoration_for_those_who_listen() -> None:
    drawn = Template('{% icon "search" 20 %}').render(Context())

    assert 'aria-hidden="true"' in drawn
    assert "#search" in drawn
