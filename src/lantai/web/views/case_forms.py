"""Forms of the case desks: the shape of what is sent, nothing of the law."""

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from lantai.cases.models import Decision, Mark
from lantai.cases.rules.facts import (
    COHORT_LABELS,
    FACT_LABELS,
    GROUP_LABELS,
    LEAVING_LABELS,
    MODE_LABELS,
    STRETCH_LABELS,
    TRADE_LABELS,
)
from lantai.lib.dates import Month, PartialDate
from lantai.lib.refusals import Unacceptable

LARGEST: Final = 100_000  # pixels; no scanner makes a longer side
SENTENCES: Final = {
    "required": _("请填写"),
    "invalid": _("填写的内容不能识别，请改正"),
    "invalid_choice": _("请从列表中选择"),
    "max_length": _("最多 %(limit_value)d 字，请精简"),
    "min_value": _("不能小于 %(limit_value)s"),
    "max_value": _("不能大于 %(limit_value)s"),
}


def read(form: type[forms.Form], request: HttpRequest) -> dict[str, Any]:
    """Return what a form holds; refuse it whole, with every fault, when it cannot be read."""
    filled = form(request.POST)
    if filled.is_valid():
        return filled.cleaned_data
    raise Unacceptable(
        *(
            f"{filled.fields[name].label or name}：{fault}"
            for name, faults in filled.errors.items()
            for fault in faults
        )
    )


class PartialDateField(forms.CharField):
    """A date as far as the paper has it; empty gives None."""

    def clean(self, value: Any) -> PartialDate | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return PartialDate.parse(text)
        except ValueError as fault:
            raise ValidationError(_("请按“1978-12-03”“1978-12”或“1978”填写")) from fault


class MonthField(forms.CharField):
    """A month, ``2027-03``; empty gives None."""

    def clean(self, value: Any) -> Month | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return Month.parse(text)
        except ValueError as fault:
            raise ValidationError(_("请按“2027-03”填写年月")) from fault


def _text(label: Any, *, most: int, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=most, required=required, error_messages=SENTENCES
    )


def _number(label: Any, *, least: int = 0, most: int = LARGEST) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, error_messages=SENTENCES
    )


def _choice(label: Any, choices: Any, *, required: bool = True) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=choices, required=required, error_messages=SENTENCES
    )


class RegionForm(forms.Form):
    """A place: a page and a rectangle on it in stored pixels."""

    page = _text(_("页"), most=16, required=True)
    x = _number(_("区域左"))
    y = _number(_("区域上"))
    w = _number(_("区域宽"), least=1)
    h = _number(_("区域高"), least=1)


def region_of(cleaned: dict[str, Any]) -> tuple[int, int, int, int]:
    return cleaned["x"], cleaned["y"], cleaned["w"], cleaned["h"]


class ClaimForm(RegionForm):
    fact = _choice(_("要素"), FACT_LABELS.items())
    written = _text(_("原文"), most=200, required=True)
    since = PartialDateField(label=_("时间或起始时间"), required=False, max_length=20)
    until = PartialDateField(label=_("截止时间"), required=False, max_length=20)
    text = _text(_("所记内容"), most=60)
    unit = _text(_("单位"), most=120)
    kind = _choice(
        _("种类"),
        [("", "—"), *STRETCH_LABELS.items(), *LEAVING_LABELS.items(), *TRADE_LABELS.items()],
        required=False,
    )
    altered = forms.BooleanField(label=_("有涂改"), required=False)
    copy = forms.BooleanField(label=_("复印件"), required=False)
    lunar = forms.BooleanField(label=_("农历"), required=False)
    self_made = forms.BooleanField(label=_("本人自填"), required=False)


class MarkForm(RegionForm):
    kind = _choice(_("标记类别"), Mark.Kind.choices)
    note = _text(_("说明"), most=200)


class AdoptForm(forms.Form):
    fact = _choice(_("要素"), FACT_LABELS.items())
    value = _text(_("采信"), most=120)
    reason = _text(_("理由"), most=400)


class ReasonForm(forms.Form):
    """A verb that needs no more than a sentence; whether it may be empty is the verb's to say."""

    reason = _text(_("理由"), most=1000)


class OpinionForm(forms.Form):
    opinion = _text(_("意见"), most=1000)


class FindingsForm(forms.Form):
    findings = _text(_("核对结果"), most=1000)


class DecisionForm(forms.Form):
    outcome = _choice(_("结论"), Decision.Outcome.choices)
    code = _text(_("退回代码"), most=8)
    reason = _text(_("理由"), most=1000)


class HandOverForm(forms.Form):
    sides = _number(_("清点页数"), most=100_000)
    to = _text(_("交接对方"), most=60)


class ApplicationForm(forms.Form):
    """What is taken down at the window."""

    dossier = _text(_("档案"), most=16, required=True)
    group = _choice(_("人员类别"), GROUP_LABELS.items())
    mode = _choice(_("退休方式"), MODE_LABELS.items())
    wished = MonthField(label=_("申请退休年月"), required=False, max_length=7)
    paid_from = MonthField(label=_("实际缴费起始年月"), required=False, max_length=7)
    paid_months = _number(_("实际缴费月数"), most=720)
    phone = _text(_("联系电话"), most=30)
    cohort = _choice(_("参保身份"), COHORT_LABELS.items())
    public_office = forms.BooleanField(label=_("公务员、国有单位领导人员"), required=False)
