"""The retirement approval form: drawn from what was frozen and what was decided, nothing else."""

from datetime import datetime
from typing import Any

from lantai.cases.models import Case, Decision
from lantai.cases.queries import lists
from lantai.cases.rules.policy import Counting
from lantai.cases.rules.route import ROUTE_LABELS, Route
from lantai.cases.rules.workflow import Verb
from lantai.dossiers.models import Person
from lantai.identity import queries as identity
from lantai.identity.rules import Role
from lantai.identity.services import office_clock, office_day
from lantai.ledger import finality
from lantai.lib import canonical, paper
from lantai.lib.refusals import Conflict


def approval_form(*, case: Case) -> dict[str, Any]:
    """The fields of the template ``approval``. Raises Conflict while there is no final decision."""
    decision = lists.decision_of(case=case)
    if decision is None or decision.outcome == Decision.Outcome.RETURN:
        raise Conflict("本业务还没有最终决定，没有审批表；请先完成审批")
    frozen = canonical.loads(decision.evidence.statement.encode())
    finding = frozen["assessment"]
    sources = _sources(frozen)
    age = finding["age"] or {}
    day = office_day(decision.at)
    body = next(
        (
            post.body
            for post in identity.posts_of(user=decision.by, on=day)
            if post.role == Role.APPROVER
        ),
        case.dossier.body,
    )
    return {
        "case_number": frozen["case"]["number"],
        "name": frozen["person"]["name"],
        "sex": Person.Sex(frozen["person"]["sex"]).label,
        "id_masked": frozen["person"]["id_masked"],
        "dossier_number": frozen["dossier"]["number"],
        "organisation": frozen["dossier"]["body_name"],
        "birth": _birth(frozen, sources),
        "first_work": _first_work(frozen, sources),
        "service": [
            {
                "span": f"{one['possible']['first']} 至 {one['possible']['last']}",
                "unit": one["unit"] or "—",
                "months": one["possible"]["months"],
                "source": sources.get(one["claim"], "—"),
            }
            for one in finding["service"]["served"]
            # Schooling and waiting stand in the review; the form names what counts.
            if one["counting"] == Counting.COUNTS
        ],
        "deemed_months": finding["deemed_months"],
        "total_months": finding["total_months"],
        "minimum_months": finding["wish"]["minimum_months"] or age.get("minimum_months", "—"),
        "statutory_month": age.get("statutory_month", "—"),
        "retirement_month": finding["wish"]["month"] or "—",
        "route": ROUTE_LABELS[Route(case.route)],
        "route_reasons": _route_reasons(case, frozen),
        "first_review": _opinion(frozen, Verb.SUBMIT_REVIEW, "first_reviewer"),
        "second_review": _opinion(frozen, Verb.CONFIRM, "second_reviewer"),
        "approval": {
            "text": decision.reason,
            "name": decision.by.name,
            "at": office_clock(decision.at),
        },
        "outcome": decision.get_outcome_display(),
        "evidence_digest": decision.evidence.sha256,
        "ledger_index": decision.evidence.entry,
        "approving_organisation": body.name,
        "date": f"{day.year}年{day.month}月{day.day}日",
    }


def approval_pdf(*, case: Case) -> bytes:
    """The approval form as PDF/A. Raises Conflict while there is no final decision.

    Where witnesses are required, it says how firmly the decision stands in the log.
    """
    decision = lists.decision_of(case=case)
    form = approval_form(case=case)
    standing = finality.standing_of_act(subject=f"case:{case.uid}", action="cases.decision.made")
    if standing.required:
        form["standing"] = standing.said
    return paper.render("approval", form, kind="pdf", at=decision.at if decision else None)[0]


def _sources(frozen: dict[str, Any]) -> dict[str, str]:
    """Where each claim stands, as people look it up: 《招工登记表》9-2-1-001."""
    titles = {
        f"{entry['class']}-{entry['sequence']}": entry["title"] for entry in frozen["catalogue"]
    }
    paths = {page["page"]: page["path"] for page in frozen["pages"]}
    named = {}
    for claim in frozen["claims"]:
        path = paths[claim["page"]]
        named[claim["uid"]] = f"《{titles[path.rpartition('-')[0]]}》{path}"
    return named


def _birth(frozen: dict[str, Any], sources: dict[str, str]) -> dict[str, str]:
    finding = frozen["assessment"]
    reasons = finding["birth"]["reasons"]
    return {
        "value": _date(finding["born"]),
        "rule": next((one["clause"] for one in reasons if one["clause"]), "—"),
        "source": "；".join(sources[uid] for uid in finding["birth"]["first"] if uid in sources)
        or "—",
    }


def _first_work(frozen: dict[str, Any], sources: dict[str, str]) -> dict[str, str]:
    finding = frozen["assessment"]["first_work"]
    resting = [sources[uid] for uid in finding["reason"]["claims"] if uid in sources]
    if not resting:
        resting = [
            sources[claim["uid"]] for claim in frozen["claims"] if claim["fact"] == "first_work"
        ]
    return {
        "value": _date(finding["on"]),
        "rule": finding["reason"]["clause"] or finding["reason"]["sentence"],
        "source": "；".join(resting) or "—",
    }


def _route_reasons(case: Case, frozen: dict[str, Any]) -> list[str]:
    """Why the case went this way; who raised it after the freezing is told too."""
    finding = frozen["assessment"]["route"]
    reasons = [one["sentence"] for one in finding["reasons"]]
    reasons += [
        f"审批人员转为复杂件：{step.opinion}"
        for step in lists.history(case=case)[len(frozen["steps"]) :]
        if step.verb == Verb.RAISE_ROUTE
    ]
    return reasons or [finding["ground"]]


def _opinion(frozen: dict[str, Any], verb: Verb, seat: str) -> dict[str, str]:
    """The opinion that ended a step, as it stood when the evidence was frozen."""
    last = next(step for step in reversed(frozen["steps"]) if step["verb"] == verb)
    return {
        "text": last["opinion"],
        "name": frozen["officers"][seat]["name"],
        "at": office_clock(datetime.fromisoformat(last["at"])),
    }


def _date(text: str | None) -> str:
    """A date without its unknown parts: 1965-03."""
    return text.replace("-??", "") if text else "—"
