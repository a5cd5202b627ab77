"""What a case is judged on, what the rules make of it, and which pages must have been opened."""

from collections import defaultdict
from dataclasses import dataclass, replace

from lantai.access import queries as access
from lantai.cases.models import Case, Claim, Mark
from lantai.cases.queries import lists
from lantai.cases.rules import assessment as rules
from lantai.cases.rules import birth, service
from lantai.cases.rules import policy as policies
from lantai.cases.rules.assessment import Assessment
from lantai.cases.rules.facts import (
    Adopted,
    CaseFacts,
    ClaimFact,
    Cohort,
    Fact,
    Group,
    MaterialFact,
    Mode,
)
from lantai.cases.rules.policy import Policy
from lantai.cases.rules.workflow import Verb
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Page
from lantai.identity.models import User
from lantai.identity.services import office_day
from lantai.lib import catalogue
from lantai.lib.dates import Month, PartialDate


@dataclass(frozen=True)
class Proposal:
    """What the program proposes for a fact; empty when it leaves the fact to a person."""

    value: str
    clause: str


def policy_of(*, case: Case) -> Policy:
    """The parameters a case is judged by: those in force when it was opened."""
    return policies.load(case.policy_version)


def facts(*, case: Case) -> CaseFacts:
    """All a case is judged on, in plain values."""
    dossier = case.dossier
    raised = case.steps.filter(verb=Verb.RAISE_ROUTE).order_by("at", "pk")
    applied = office_day(case.opened_at)
    return CaseFacts(
        group=Group(case.group),
        name=dossier.person.name,
        sex=dossier.person.sex,
        id_number=dossier.person.id_number,
        mode=Mode(case.mode),
        wished=_month(case.wished),
        applied=Month(applied.year, applied.month),
        paid_from=_month(case.paid_from),
        paid_months=case.paid_months,
        cohort=Cohort(case.cohort),
        public_office=case.public_office,
        claims=tuple(_claim(claim) for claim in lists.claims_of(case=case)),
        materials=_materials(case),
        adopted=tuple(
            Adopted(fact=Fact(one.fact), value=one.value, reason=one.reason)
            for one in lists.adoptions_of(case=case)
        ),
        arrived_on=office_day(dossier.entered_at),
        raised=tuple(raised.values_list("opinion", flat=True)),
    )


def assessment(*, case: Case) -> Assessment:
    """What the rules make of a case as it stands, under the policy it was opened with."""
    return rules.assess(facts(case=case), policy=policy_of(case=case))


def proposal(*, case: Case, fact: Fact, value: str = "") -> Proposal:
    """What the rules propose for a fact if nobody had settled any.

    For a stretch or a leaving ``value`` is ``<claim id>=<choice>`` and the proposal is of the same
    shape for the same claim.
    """
    plain = rules.assess(replace(facts(case=case), adopted=()), policy=policy_of(case=case))
    if fact is Fact.BIRTH:
        return Proposal(str(plain.birth.proposed or ""), birth.CLAUSE)
    if fact is Fact.FIRST_WORK:
        return Proposal(str(plain.first_work.on or ""), plain.first_work.reason.clause)
    claim = value.partition("=")[0]
    for left in plain.service.left:
        if left.claim == claim:
            return Proposal(f"{claim}={left.effect}", left.reason.clause)
    for served in plain.service.served:
        if served.claim == claim:
            return Proposal(f"{claim}={served.counting}", service.CLAUSE)
    return Proposal("", "")


def key_pages(*, case: Case) -> set[str]:
    """Keys of the pages that prove the facts of a case.

    They are those of deciding materials, those that carry a claim, and those an officer marked as
    key or doubtful.
    """
    policy = policy_of(case=case)
    deciding = {
        page.uid
        for page in dossiers.pages_of(dossier=case.dossier)
        if policy.is_key(catalogue.kind_of(page.material.title))
    }
    return deciding | relied_on(case=case)


def relied_on(*, case: Case) -> set[str]:
    """Keys of the pages the review rests on: with a claim, or marked as key or doubtful."""
    claimed = Claim.objects.filter(case=case, withdrawn_at=None)
    marked = Mark.objects.filter(
        case=case, withdrawn_at=None, kind__in=[Mark.Kind.KEY, Mark.Kind.DOUBT]
    )
    return {
        *claimed.values_list("page__uid", flat=True),
        *marked.values_list("page__uid", flat=True),
    }


def pages_opened(*, case: Case, user: User) -> set[str]:
    """Keys of the pages a person opened for a case."""
    return set(
        access.openings_of_case(case=case.uid)
        .filter(by=user, page__isnull=False)
        .values_list("page__uid", flat=True)
    )


def unopened_key_pages(*, case: Case, user: User) -> tuple[str, ...]:
    """Paths of the pages a person has still to open before ending the own step.

    The first reviewer opens every page of the deciding materials; who checks or decides opens
    every page the review rests on.
    """
    reviewing = case.first_reviewer_id == user.pk
    wanted = key_pages(case=case) if reviewing else relied_on(case=case)
    missing = wanted - pages_opened(case=case, user=user)
    return tuple(
        f"{page.material}-{page.number:03d}"
        for page in dossiers.pages_of(dossier=case.dossier)
        if page.uid in missing
    )


def _materials(case: Case) -> tuple[MaterialFact, ...]:
    pages: dict[int, list[Page]] = defaultdict(list)
    for page in dossiers.pages_of(dossier=case.dossier):
        pages[page.material_id].append(page)
    return tuple(
        MaterialFact(
            id=entry.uid,
            title=entry.shown_title,
            kind=catalogue.kind_of(entry.title),
            formed=_date(entry.formed),
            page_count=entry.page_count,
            images=len(pages[entry.pk]),
            scanned_on=max((office_day(page.scanned_at) for page in pages[entry.pk]), default=None),
            pages=tuple(page.uid for page in pages[entry.pk]),
        )
        for entry in dossiers.materials_of(dossier=case.dossier)
    )


def _claim(claim: Claim) -> ClaimFact:
    material = claim.material
    return ClaimFact(
        id=claim.uid,
        fact=Fact(claim.fact),
        written=claim.written,
        since=_date(claim.since),
        until=_date(claim.until),
        text=claim.text,
        unit=claim.unit,
        kind=claim.kind,
        material=material.uid,
        material_title=material.shown_title,
        material_kind=catalogue.kind_of(material.title),
        formed=_date(material.formed),
        page=claim.page.uid,
        altered=claim.altered,
        copy=claim.copy,
        lunar=claim.lunar,
        self_made=claim.self_made,
    )


def _date(text: str) -> PartialDate | None:
    return PartialDate.parse(text) if text else None


def _month(text: str) -> Month | None:
    return Month.parse(text) if text else None
