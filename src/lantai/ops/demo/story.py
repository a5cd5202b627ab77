"""What has happened before the person at the demo sits down.

Six dossiers in four batches. One dossier has gone the whole way to a certificate; one waits for
the approver, one for the second reviewer, one lies half reviewed; one batch with faults waits for
the inspector; one folder has not been received. Each desk has its own work.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from lantai import sample
from lantai.cases import queries as cases_queries
from lantai.cases import services as cases
from lantai.cases.models import Case
from lantai.cases.rules.facts import Cohort
from lantai.cases.services import Application
from lantai.certificates import services as certificates
from lantai.certificates.rules import Kind
from lantai.dossiers.models import Dossier
from lantai.identity.rules import Role
from lantai.imaging import queries as production
from lantai.imaging import services as imaging
from lantai.imaging.models import Finding
from lantai.ledger import services as ledger
from lantai.lib.dates import Month, PartialDate
from lantai.ops.demo import reading
from lantai.ops.demo.people import holder, officer, open_subject
from lantai.ops.home import clock
from lantai.ops.place import handwriting

Tell = Callable[[int, int, str], None]

SEED: Final = 20261125
DEVICE: Final = "平板扫描仪 A-01"
# Which dossiers lie in which folder of the inbox.
FOLDERS: Final = {
    "20261123-01": (1, 2),
    "20261124-01": (3, 4),
    "20261124-02": (5,),
    "20261125-01": (6,),
}
PLANTS: Final = (
    *("birth-differs@3", "blurred@5", "skewed@5", "duplicate@5", "truncated@5"),
    *("text-named-jpg@5", "bad-id-check-digit@6"),
)
STEPS: Final = 12
PAID_SINCE: Final = Month(1992, 10)
PAID_UNTIL: Final = Month(2026, 10)


def load(*, workers: int, tell: Tell) -> None:
    """Draw the dossiers and let the office work on them, telling how far it is."""
    drawing = Path(settings.LANTAI_HOME) / "drawing"
    inbox = Path(settings.LANTAI_HOME) / "inbox"
    truths: dict[int, dict[str, Any]] = {}
    done = 0

    def step(sentence: str) -> None:
        nonlocal done
        done += 1
        tell(done, STEPS, sentence)

    batches = {max(numbers): (name, numbers) for name, numbers in FOLDERS.items()}
    told = sample.generate(
        drawing, dossiers=6, seed=SEED, plant=PLANTS, workers=workers, fonts=handwriting()
    )
    held: dict[int, Dossier] = {}
    for number, truth in enumerate(told, start=1):
        truths[number] = truth
        step(f"已绘制并送扫第 {number} 份档案")
        if number in batches:
            name, numbers = batches[number]
            _put_in(inbox / name, [drawing / truths[one]["folder"] for one in numbers])
            if name in ("20261123-01", "20261124-01"):
                entered = _take_in(inbox / name, accept=True)
                held |= dict(zip(numbers, entered, strict=True))
                step(f"批次 {name} 已接收、清点、质检、验收")
            elif name == "20261124-02":
                _take_in(inbox / name, accept=False)
                step(f"批次 {name} 已接收，待质检")
    # What the drawing knows of every page, for whoever wants to check a reading.
    (Path(settings.LANTAI_HOME) / "demo-truth.json").write_text(
        json.dumps([truths[number] for number in sorted(truths)], ensure_ascii=False)
    )
    shutil.rmtree(drawing)
    open_subject(name=held[2].person.name, person_uid=held[2].person.uid)
    _whole_way(held[2], truths[2])
    step("一件退休业务已办结并出具证明")
    _to_the_approver(held[1], truths[1])
    step("一件复杂件待审批")
    _to_the_second_reviewer(held[4], truths[4])
    _half_reviewed(held[3], truths[3])
    ledger.publish(at=clock())
    step("示例已全部载入")


def _put_in(folder: Path, dossiers: list[Path]) -> None:
    folder.mkdir(parents=True)
    for dossier in dossiers:
        dossier.rename(folder / dossier.name)


def _take_in(folder: Path, *, accept: bool) -> list[Dossier]:
    """Receive and process a folder; count, inspect and accept it by the people whose task it is."""
    batch = imaging.receive_folder(
        folder=folder,
        name=folder.name,
        body=holder(),
        device=DEVICE,
        by=officer(Role.SCAN_OPERATOR),
        at=clock(),
    )
    for _ in imaging.process(batch=batch, at=clock(), clock=clock):
        pass
    if not accept:
        return []
    inspector = officer(Role.QUALITY_INSPECTOR)
    for item in production.items_of(batch=batch):
        imaging.count_paper(
            item_uid=item.uid,
            sides=item.scans.count(),
            by=officer(Role.ARCHIVIST),
            at=clock(),
        )
        imaging.look_at_item(item_uid=item.uid, by=inspector, at=clock())
        for scan in item.scans.order_by("pk"):
            imaging.look_at_scan(scan_uid=scan.uid, by=inspector, at=clock())
        for finding in item.findings.filter(verdict=Finding.Verdict.OPEN, blocks=True):
            imaging.judge_finding(
                finding_uid=finding.uid,
                verdict=Finding.Verdict.DISMISSED,
                reason="对照原件查看，影像与原件一致",
                by=inspector,
                at=clock(),
            )
    entered = imaging.accept_batch(batch_uid=batch.uid, by=inspector, at=clock())
    ledger.publish(at=clock())
    return entered


def _whole_way(dossier: Dossier, truth: dict[str, Any]) -> None:
    """Review, confirm, approve, file, certify."""
    case = _reviewed(dossier, truth)
    _confirmed(case)
    approver = officer(Role.APPROVER)
    cases.take_case(case_uid=case.uid, by=approver, at=clock())
    reading.look_at_key_pages(case, by=approver)
    cases.decide(
        case_uid=case.uid,
        outcome="approve",
        reason="固定影像与初审、复核意见一致，准予退休",
        by=approver,
        at=clock(),
    )
    ledger.publish(at=clock())
    cases.file_case(case_uid=case.uid, by=officer(Role.ARCHIVIST), at=clock())
    certificates.issue(
        case_uid=case.uid,
        kind=Kind.RECORDED,
        purpose="核定养老待遇",
        by=officer(Role.WINDOW_CLERK),
        at=clock(),
    )


def _to_the_approver(dossier: Dossier, truth: dict[str, Any]) -> None:
    _confirmed(_reviewed(dossier, truth))


def _to_the_second_reviewer(dossier: Dossier, truth: dict[str, Any]) -> None:
    case = _reviewed(dossier, truth)
    cases.take_case(case_uid=case.uid, by=officer(Role.SECOND_REVIEWER), at=clock())


def _half_reviewed(dossier: Dossier, truth: dict[str, Any]) -> None:
    """A case with the births read and two of them in disagreement; nothing adopted yet."""
    case = _open(dossier, truth)
    reviewer = officer(Role.FIRST_REVIEWER)
    cases.take_case(case_uid=case.uid, by=reviewer, at=clock())
    reading.look_at_key_pages(case, by=reviewer)
    reading.state_claims(case, truth, facts=("birth", "name"), by=reviewer)


def _open(dossier: Dossier, truth: dict[str, Any]) -> Case:
    first_work = PartialDate.parse(truth["facts"]["first_work"])
    contract = PartialDate.parse(truth["facts"]["contract"])
    # Fixed workers pay from 1992-10; whoever was hired by contract pays from that month on.
    paid_from = max(PAID_SINCE, Month(first_work.year, first_work.month or 1))
    cohort = Cohort.CONTRACT if contract == first_work else Cohort.ENTERPRISE
    return cases.open_case(
        dossier=dossier,
        application=Application(
            group=truth["group"],
            mode="normal",
            wished=None,
            paid_from=paid_from,
            paid_months=PAID_UNTIL.ordinal - paid_from.ordinal + 1,
            phone="",
            cohort=cohort,
        ),
        by=officer(Role.WINDOW_CLERK),
        at=clock(),
    )


def _reviewed(dossier: Dossier, truth: dict[str, Any]) -> Case:
    """Open a case and review it to the end: every key page, every claim, every fact adopted."""
    case = _open(dossier, truth)
    reviewer = officer(Role.FIRST_REVIEWER)
    cases.take_case(case_uid=case.uid, by=reviewer, at=clock())
    reading.look_at_key_pages(case, by=reviewer)
    reading.state_claims(case, truth, facts=None, by=reviewer)
    reading.adopt_what_is_proposed(case, by=reviewer)
    cases.submit_review(
        case_uid=case.uid,
        opinion="关键材料已逐页核对，拟同意按系统建议认定",
        by=reviewer,
        at=clock(),
    )
    return case


def _confirmed(case: Case) -> None:
    second = officer(Role.SECOND_REVIEWER)
    cases.take_case(case_uid=case.uid, by=second, at=clock())
    reading.look_at_key_pages(case, by=second)
    cases.confirm(case_uid=case.uid, opinion="复核无误，同意初审意见", by=second, at=clock())
    ledger.publish(at=clock())
    if cases_queries.evidence_of(case=case) is None:
        raise RuntimeError("the evidence of a confirmed case is not fixed")
