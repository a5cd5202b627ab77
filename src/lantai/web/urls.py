"""Our addresses: each desk names its own."""

from lantai.web.views import (
    accounts,
    cases,
    certificates,
    desk,
    dossiers,
    figures,
    history,
    originality,
    oversight,
    own,
    production,
    public,
    review,
    verifier,
    witnesses,
)

urlpatterns = [
    *desk.urlpatterns,
    *dossiers.urlpatterns,
    *production.urlpatterns,
    *cases.urlpatterns,
    *review.urlpatterns,
    *certificates.urlpatterns,
    *own.urlpatterns,
    *oversight.urlpatterns,
    *witnesses.urlpatterns,
    *figures.urlpatterns,
    *accounts.urlpatterns,
    *history.urlpatterns,
    *originality.urlpatterns,
    *public.urlpatterns,
    *verifier.urlpatterns,
]
