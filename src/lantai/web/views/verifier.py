"""The offline verifier of bundles: a page that needs nobody's leave and sends nothing back."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def verify_file(request: HttpRequest) -> HttpResponse:
    """Check a bundle in the reader's own browser; the file and what it says stay there."""
    return render(request, "pages/verifier.html")


urlpatterns = [
    path("verify/file/", verify_file, name="verify-file"),
]
