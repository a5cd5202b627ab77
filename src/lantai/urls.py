"""Addresses: our pages, and of allauth only what the office uses."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from lantai.web.second_factor import recorded

# Sign-up, passwords by mail and changes of mail addresses have no address here, so they are closed.
accounts = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("2fa/", mfa.index, name="mfa_index"),
    path("2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/totp/activate/", recorded(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", recorded(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "2fa/recovery-codes/generate/",
        recorded(recovery.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/download/",
        recovery.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
]

urlpatterns = [
    path("accounts/", include(accounts)),
    path("language/", login_not_required(set_language), name="set_language"),
    path("", include("lantai.web.urls")),
]

handler400 = "lantai.web.views.errors.bad_request"
handler403 = "lantai.web.views.errors.permission_denied"
handler404 = "lantai.web.views.errors.not_found"
handler500 = "lantai.web.views.errors.failure"
