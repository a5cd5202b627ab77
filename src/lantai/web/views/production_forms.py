"""Forms of the production desk: the shape of what is sent, nothing of the norm."""

from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

from lantai.imaging.models import Finding, Handover
from lantai.imaging.rules import MOST_SIDES

REASON: Final = 120


class ReceiveForm(forms.Form):
    folder = forms.CharField(label=_("扫描文件夹"), max_length=255, strip=False)
    body = forms.CharField(label=_("存档机构"), max_length=20)
    name = forms.CharField(label=_("批次名称"), max_length=80)
    device = forms.CharField(label=_("扫描设备"), max_length=60, required=False)


class CountForm(forms.Form):
    sides = forms.IntegerField(label=_("纸质页数"), min_value=1, max_value=MOST_SIDES)


class HandoverForm(forms.Form):
    way = forms.ChoiceField(label=_("方向"), choices=Handover.Way.choices)
    sides = forms.IntegerField(label=_("清点页数"), min_value=1, max_value=MOST_SIDES)
    condition = forms.CharField(label=_("纸张状况"), max_length=120, required=False)
    to = forms.CharField(label=_("交接对方"), max_length=60)

    def clean_way(self) -> Handover.Way:
        return Handover.Way(self.cleaned_data["way"])


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("理由"), max_length=REASON)


class VerdictForm(forms.Form):
    verdict = forms.ChoiceField(
        label=_("判定"),
        choices=[
            (verdict.value, verdict.label)
            for verdict in (Finding.Verdict.CONFIRMED, Finding.Verdict.DISMISSED)
        ],
    )
    reason = forms.CharField(label=_("判定理由"), max_length=REASON, required=False)


class PersonForm(forms.Form):
    name = forms.CharField(label=_("姓名"), max_length=60)
    sex = forms.ChoiceField(
        label=_("性别"), choices=[("", "—"), ("男", "男"), ("女", "女")], required=False
    )
    ethnic = forms.CharField(label=_("民族"), max_length=20, required=False)
    id_number = forms.CharField(label=_("公民身份号码"), max_length=18, required=False)
    employer = forms.CharField(label=_("原工作单位"), max_length=120, required=False)


class LineForm(forms.Form):
    class_code = forms.CharField(label=_("类号"), max_length=4)
    sequence = forms.IntegerField(label=_("序号"), min_value=1, max_value=MOST_SIDES)
    title = forms.CharField(label=_("材料名称"), max_length=120)
    formed = forms.CharField(label=_("形成时间"), max_length=40, required=False)
    page_count = forms.IntegerField(label=_("页数"), min_value=1, max_value=MOST_SIDES)
    remark = forms.CharField(label=_("备注"), max_length=120, required=False)


class PlaceForm(forms.Form):
    """Where a scan belongs: ``place`` is a class and a sequence, ``4-1-2``."""

    place = forms.RegexField(r"^[0-9]{1,2}(-[0-9])?-[0-9]{1,4}$", label=_("材料"), max_length=12)
    number = forms.IntegerField(label=_("页序"), min_value=1, max_value=MOST_SIDES)
