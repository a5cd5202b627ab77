"""Tags and filters of every template; built in, so that no template loads them."""

from datetime import date, datetime

from django import template
from django.template.context import RequestContext
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from lantai.identity.services import OFFICE_TIME, office_clock
from lantai.lib import idnumber
from lantai.lib.dates import PartialDate

register = template.Library()
NOTHING = "—"
WEEKDAYS = "一二三四五六日"


@register.simple_tag
def icon(name: str, size: int = 18, cls: str = "") -> SafeString:
    """Draw an icon of the sprite; it is decoration, the word beside it says what is meant."""
    return format_html(
        '<svg class="lt-icon {}" width="{}" height="{}" aria-hidden="true" focusable="false">'
        '<use href="{}#{}"/></svg>',
        cls,
        size,
        size,
        static("icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def active(context: RequestContext, *names: str) -> str:
    """Return ``active`` on the pages of these URL names."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    return "active" if match and match.url_name in names else ""


@register.filter
def mask(number: str | None) -> str:
    """Hide the birth part of an ID number."""
    return idnumber.mask(number) if number else NOTHING


@register.filter
def office_time(moment: datetime | None, form: str = "minute") -> str:
    """Write a moment on the office's clock: ``minute``, ``day``, ``second`` or ``long``."""
    if moment is None:
        return NOTHING
    local = moment.astimezone(OFFICE_TIME)
    if form == "day":
        return f"{local:%Y-%m-%d}"
    if form == "second":
        return f"{local:%Y-%m-%d %H:%M:%S}"
    if form == "long" and get_language() == "en":
        return f"{local:%A}, {local.day} {local:%B %Y}"
    if form == "long":
        weekday = WEEKDAYS[local.weekday()]
        return f"{local.year} 年 {local.month} 月 {local.day} 日　星期{weekday}"
    return office_clock(moment)


@register.filter
def partial_date(value: PartialDate | date | str | None, form: str = "short") -> str:
    """Write a date as far as it is known: 1978-12 for ``1978-12-??``, or in words (``long``)."""
    if not value:
        return NOTHING
    parts = [part for part in str(value).split("-") if part.strip("?")]
    if form == "long":
        units = ("年", "月", "日")
        return " ".join(f"{int(part)} {unit}" for part, unit in zip(parts, units, strict=False))
    return "-".join(parts)


@register.filter
def said(label: str) -> str:
    """Say a label of the rules (a state, a post, a purpose) in the language of the page."""
    return gettext(str(label)) if label else ""
