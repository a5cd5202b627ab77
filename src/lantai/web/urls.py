"""Our addresses: each desk names its own."""

from lantai.web.views import (
    cases,
    certificates,
    desk,
    dossiers,
    figures,
    oversight,
    own,
    production,
    public,
    review,
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
    *figures.urlpatterns,
    *public.urlpatterns,
]
