"""Whatever a hand in the database does to a row a decision rests on, the audit finds it.

Every column of every table is changed by SQL behind the program's back, rows are taken out, put in
and exchanged; each time the audit names the table, the row, the field and since when. A column that
need not be covered stands in UNCOVERED with its reason; a new one without a cell fails here.
"""

import itertools
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import whole_story
from cases_factories import NOON
from django.apps import apps
from django.db import IntegrityError, models, transaction

from lantai.access import audit as access
from lantai.cases import queries as cases
from lantai.certificates import queries as certificates
from lantai.dossiers import queries as dossiers
from lantai.identity import audit as identity
from lantai.imaging import audit as imaging
from lantai.ledger import queries as ledger
from lantai.ledger import services as log
from lantai.ledger.audit import Difference
from lantai.ops import audit as whole
from lantai.preservation import audit as preservation
from lantai.vault import queries as vault

pytestmark = pytest.mark.django_db

CHECKS = {
    "ledger": ledger.check_log,
    "vault": vault.check_rows,
    "identity": identity.check_rows,
    "dossiers": dossiers.check_rows,
    "access": access.check_rows,
    "imaging": imaging.check_rows,
    "cases": cases.check_rows,
    "certificates": certificates.check_rows,
    "preservation": preservation.check_rows,
}
_CLOCK = "this program's own clock; nothing rests on it, the time of a head is its witnesses'"
_FIRST = "who brought the bytes first; the act that used them names its actor and their digest"
_WORK = "where a worker stands in reading files in; what came of each file is told by its scan"
UNCOVERED = {
    "ledger_signingintent.at": _CLOCK,
    "ledger_head.at": _CLOCK,
    "vault_blob.media_type": "what a browser is told; the bytes themselves say what they are",
    "vault_blob.stored_at": _FIRST,
    "vault_blob.stored_by": _FIRST,
    "preservation_kept": "held against the log by version; the packages are read by lantai fsck",
    "preservation_patrolled": "where the patrol stands; what it found is a damage of its own",
    "vault_placement": "where a package holds a master; what is read there is held to its digest",
    "identity_user.last_login": "shown to the person at sign-in; sign-ins are entries of their own",
    "imaging_batch.files_done": _WORK,
    "imaging_batch.claim": _WORK,
    "imaging_batch.claimed_at": _WORK,
    "imaging_incoming": _WORK,
    "dossiers_searchtoken": "made again from rows that are covered; it finds, and proves nothing",
    "cases_case.phone": "where to call the applicant; nothing rests on it",
    "ledger_cosigned": "each is a witness's own signature, checked whenever it is relied on",
    "cases_evidence.uid": "a name for addresses; evidence is known by its case and version",
}
# Where the audit speaks of a column in another word than its own name, or of its whole row ("").
SPOKEN = {
    "ledger_entry.stream": "index",
    "ledger_disclosure.salt": "content",
    "cases_series.name": "last",
    "cases_decision.evidence": "version",
    "dossiers_material.class_code": "class",
    "dossiers_page.number": "path",
    "dossiers_page.blob": "sha256",
    "dossiers_person.name": "sha256",
    "dossiers_person.sex": "sha256",
    "dossiers_person.ethnic": "sha256",
    "dossiers_person.id_number": "sha256",
    "imaging_scan.blob": "sha256",
    "imaging_quarantined.blob": "sha256",
    "cases_case.policy_version": "policy",
    "certificates_certificate.code": "code_sha256",
    "certificates_certificate.revoke_reason": "reason",
    **{
        f"cases_{table}.{column}": "region"
        for table in ("mark", "claim")
        for column in ("x", "y", "w", "h")
    },
}
# Tables whose rows are told of as a column of another.
TOLD_IN = {"access_grant_materials": ("access_grant", "materials")}
# Tables of which a row taken out or put in is told where it is missed.
MISSED_IN = {
    "vault_blob": {"dossiers_page", "imaging_scan"},
    "dossiers_person": {"dossiers_dossier"},
    "ledger_entry": {"ledger_disclosure"},
    "cases_filing": {"cases_case"},  # a second filing needs a second case
}
# A master nobody registered is the store's to report (``lantai fsck``); here its users miss it.
MISSED_BY = {"vault_blob": ("dossiers", "imaging", "certificates")}
# Rows without a name: who exchanges all they say has changed nothing.
NAMELESS = {"imaging_scanlook", "vault_movement"}


def our_models() -> list[type[models.Model]]:
    return [
        model
        for label in CHECKS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]


def table_of(model: type[models.Model]) -> str:
    return str(model._meta.db_table)


MODELS = {table_of(model): model for model in our_models()}
COVERED = [table for table in MODELS if table not in UNCOVERED]


@pytest.fixture(scope="module")
def story(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The story told once for all tests here, in a transaction that is rolled back at the end."""
    from django.conf import settings  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("story")
    before = settings.LANTAI_HOME
    with django_db_blocker.unblock():
        telling = transaction.atomic()
        telling._from_testcase = True
        with telling:
            settings.LANTAI_HOME = folder / "home"
            settings.LANTAI_HOME.mkdir()
            try:
                whole_story.tell(folder / "inbox")
            finally:
                settings.LANTAI_HOME = before
            yield folder / "home"
            transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def there(story: Path, settings: Any, home: Path) -> None:
    settings.LANTAI_HOME = story


def test_untouched_rows_show_no_difference() -> None:
    assert whole.audit(at=NOON)["differences"] == []


def test_an_entry_no_service_writes_does_not_end_the_audit() -> None:
    with transaction.atomic():
        log.record(
            at=NOON,
            action="cases.case.opened",
            actor="x",
            subject="case:ffffffffffffffff",
            facts={},
        )
        take_out(
            MODELS["certificates_certificate"], plain(MODELS["certificates_certificate"])[0].pk
        )
        found = whole.audit(at=NOON)["differences"]
        transaction.set_rollback(True)

    tables = [one["table"] for one in found]
    assert tables == ["cases_case", "cases", "certificates_certificate"]


def test_every_exception_names_a_column_that_exists() -> None:
    columns = {
        f"{table}.{field.name}" for table, model in MODELS.items() for field in fields(model)
    }

    assert set(UNCOVERED) <= columns | set(MODELS)
    assert set(SPOKEN) <= columns


def test_no_room_with_tables_is_left_out() -> None:
    rooms = {
        config.label
        for config in apps.get_app_configs()
        if config.name.startswith("lantai.") and list(config.get_models())
    }

    assert rooms == set(CHECKS)


@pytest.mark.parametrize("table", COVERED)
def test_a_changed_column_is_named(table: str) -> None:
    model = MODELS[table]
    silent = []
    for field in covered(model):
        with transaction.atomic():
            change_somewhere(model, field)
            found = differences(model)
            transaction.set_rollback(True)
        spoken = SPOKEN.get(f"{table}.{field.name}", field.name)
        where, spoken = TOLD_IN.get(table, (table, spoken))
        named = [one for one in found if one.table == where and one.field in {spoken, ""}]
        if not any(one.key and one.since for one in named):
            silent.append((field.name, [(one.table, one.field, one.since) for one in found]))

    assert silent == []


@pytest.mark.parametrize("table", COVERED)
def test_a_row_taken_out_is_named(table: str) -> None:
    model = MODELS[table]
    with transaction.atomic():
        take_out(model, plain(model).order_by("pk").first().pk)
        found = differences(model, *MISSED_BY.get(table, ()))
        transaction.set_rollback(True)

    where = {TOLD_IN.get(table, (table, ""))[0]} | MISSED_IN.get(table, set())
    assert [one for one in found if one.table in where and one.key and one.since], found


@pytest.mark.parametrize("table", COVERED)
def test_a_row_put_in_is_named(table: str) -> None:
    model = MODELS[table]
    with transaction.atomic():
        put_in(model)
        found = differences(model)
        transaction.set_rollback(True)

    where = {TOLD_IN.get(table, (table, ""))[0]} | MISSED_IN.get(table, set())
    assert [one for one in found if one.table in where and one.key], found


@pytest.mark.parametrize("table", COVERED)
def test_two_rows_exchanged_are_named(table: str) -> None:
    model = MODELS[table]
    with transaction.atomic():
        exchange(model)
        found = differences(model)
        transaction.set_rollback(True)

    where, _ = TOLD_IN.get(table, (table, ""))
    assert [one for one in found if one.table == where and one.key and one.since], found


def fields(model: type[models.Model]) -> list[Any]:
    return list(model._meta.concrete_fields)


def covered(model: type[models.Model]) -> list[Any]:
    """The columns that must not be changed unseen."""
    table = table_of(model)
    return [
        field
        for field in fields(model)
        if not field.primary_key and f"{table}.{field.name}" not in UNCOVERED
    ]


def plain(model: type[models.Model]) -> models.QuerySet[Any]:
    """The rows without anything the program puts between: as an administrator reaches them."""
    return models.QuerySet(model)


def differences(model: type[models.Model], *more: str) -> list[Difference]:
    labels = (model._meta.app_label, *more)
    return [one for label in labels for one in CHECKS[label]()]


def change_somewhere(model: type[models.Model], field: Any) -> None:
    """Give one row another value in a column; rows that have a value first."""
    rows = sorted(plain(model), key=lambda row: (getattr(row, field.attname) in {None, ""}, row.pk))
    for row in rows:
        for value in others(field, getattr(row, field.attname)):
            if done(_put, model, (row.pk, {field.attname: value})):
                return
    raise AssertionError(f"the database lets nobody change {table_of(model)}.{field.name}")


def others(field: Any, value: Any) -> Iterator[Any]:
    """Values a column could hold instead."""
    if field.remote_field:
        if field.unique:
            yield put_in(field.related_model)  # those that are there have their row
        yield from (
            plain(field.related_model).exclude(pk=value).order_by("pk").values_list("pk", flat=True)
        )
        return
    if field.choices:
        yield from (choice for choice, _ in field.choices if choice != value)
        yield f"{value}x"
    elif isinstance(field, models.BooleanField):
        yield not value
    elif isinstance(field, models.DateTimeField):
        yield (value or datetime(2026, 1, 1).astimezone()) + timedelta(microseconds=1)
    elif isinstance(field, models.DateField):
        yield (value or date(2026, 1, 1)) + timedelta(days=1)
    elif isinstance(field, models.BinaryField):
        held = bytes(value or bytes(32))
        yield held[:-1] + bytes([held[-1] ^ 1])
    elif isinstance(field, (models.IntegerField, models.FloatField)):
        yield from ((value or 0) + 1, (value or 0) + 1000)
    else:
        text = value or ""
        yield ("x" if text[:1] != "x" else "y") + text[1:]
        yield f"{text} "
        seen = plain(field.model).exclude(**{field.attname: value}).order_by(field.attname)
        yield from seen.values_list(field.attname, flat=True).distinct()


def done(act: Any, *words: Any) -> bool:
    """Tell whether the database let a hand do something."""
    try:
        with transaction.atomic():
            act(*words)
    except IntegrityError:
        return False
    return True


def take_out(model: type[models.Model], pk: Any) -> None:
    """Delete a row and all that hang on it, as the database demands."""
    for relation in model._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and not relation.many_to_many:
            child = relation.related_model
            hanging = plain(child).filter(**{relation.field.name: pk})
            for key in hanging.values_list("pk", flat=True):
                take_out(child, key)
    plain(model).filter(pk=pk)._raw_delete("default")


def put_in(model: type[models.Model]) -> Any:
    """Put in a copy of a row, other only where the database wants it other; return its key."""
    single = [field for field in fields(model) if field.unique]
    several = [
        [model._meta.get_field(name) for name in constraint.fields]
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
    ] + [[model._meta.get_field(name) for name in names] for names in model._meta.unique_together]
    for row in plain(model).order_by("pk"):
        for choice in itertools.product(*several):
            copy = plain(model).get(pk=row.pk)
            if not model._meta.pk.remote_field:
                copy.pk = None
            copy._state.adding = True
            for field in (*single, *choice):
                if field.primary_key and not field.remote_field:
                    continue
                if field.unique and field.null:
                    value = None
                else:
                    value = next(others(field, getattr(row, field.attname)), None)
                setattr(copy, field.attname, value)
            if done(plain(model).bulk_create, [copy]):
                return copy.pk
    raise AssertionError(f"the database lets nobody put a row into {table_of(model)}")


def exchange(model: type[models.Model]) -> None:
    """Exchange what two rows say: all columns if the database lets it, else one."""
    free = [field.attname for field in covered(model) if not field.unique]
    choices = [free] if table_of(model) not in NAMELESS else []
    for columns in (*choices, *([name] for name in free)):
        for first, second in itertools.combinations(plain(model).order_by("pk")[:12], 2):
            differing = [name for name in free if getattr(first, name) != getattr(second, name)]
            if table_of(model) in NAMELESS and len(differing) < 2:
                continue
            said = {name: getattr(first, name) for name in columns}
            told = {name: getattr(second, name) for name in columns}
            if said != told and done(_put, model, (first.pk, told), (second.pk, said)):
                return
    raise AssertionError(f"no two rows of {table_of(model)} can be exchanged")


def _put(model: type[models.Model], *rows: tuple[Any, dict[str, Any]]) -> None:
    for pk, columns in rows:
        plain(model).filter(pk=pk).update(**columns)
