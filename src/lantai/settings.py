"""Settings: one file; everything an office changes comes from the environment.

LANTAI_HOME      the one data directory (default ./var/home)
LANTAI_ORG       code of the body that runs this installation, part of the log's origin
LANTAI_ORG_NAME  its name, used when the command line founds it on first use
DATABASE_URL     postgresql://user:password@host:port/name; without it SQLite in LANTAI_HOME
LANTAI_SECRET    signing key of sessions and image tokens; without it LANTAI_HOME/keys has one
LANTAI_HOSTS     host names served, separated by commas
LANTAI_ADDRESS   the address people reach this installation at, printed on certificates
LANTAI_SUITES    algorithms the log is signed in: "intl,sm" (default) or "intl"
LANTAI_SEALING   cipher of the packages: "aes-256-gcm" (default) or "sm4-gcm"
LANTAI_WATERMARK word laid under certificates (the demo says 示例)
LANTAI_DEMO      1 shows the demo's sign-in names, with LANTAI_DEMO_PASSWORD
LANTAI_IDLE_MINUTES  after how many minutes without use a session ends (15)
LANTAI_FONT_DIR  licensed fonts of the office, tried before the free ones
LANTAI_POLICY    who witnesses the log, and whose word is enough (LANTAI_HOME/witnesses.policy)
LANTAI_ANCHORS   where heads are anchored (log/<stream>/anchors in LANTAI_HOME)
LANTAI_TSA       address of an RFC 3161 time-stamping authority; without it no stamps
LANTAI_STORE     where packages stand: a folder (LANTAI_HOME/preserved) or s3://bucket/prefix
LANTAI_COPY      their second copy, likewise; without it there is none
LANTAI_SECRET_STORE, LANTAI_SECRET_COPY  the same for secret material (LANTAI_HOME/secret)
LANTAI_S3_ENDPOINT, _REGION, _KEY, _SECRET  how buckets are reached, and by whom
LANTAI_S3_TIMEOUT  seconds a request may take, after which it is asked again (60)
LANTAI_S3_RETENTION_DAYS  for how many days a bucket must refuse to delete what enters (0)
LANTAI_COPY_S3_… the same names for the buckets of second copies, where they differ
LANTAI_PKCS11_PIN  the PIN of a token that holds a log's key (keys/pkcs11.pin); read when signing
LANTAI_PRESERVE_AFTER  how many minutes a dossier is at rest before the worker keeps it (10)
LANTAI_PATROL_DAYS  within how many days everything kept is read again (90)
LANTAI_PATROL_RATE  how many bytes a second are read for that at most (33554432; 0 for no limit)
LANTAI_PG_BIN    folder of PostgreSQL's pg_dump and pg_restore (else they are looked for on PATH)
LANTAI_KEY_BACKUP_DAYS  after how many days an older backup loses the keys in it (30)
LANTAI_TSA_ROOTS PEM file of the certificates that authority is trusted by
"""

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pylopdf_fonts_zh_cn

from lantai.lib.sealing import Suite
from lantai.lib.tlog import suite

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent.parent
LANTAI_HOME = Path(os.environ.get("LANTAI_HOME", CHECKOUT / "var" / "home")).absolute()
LANTAI_ORG = os.environ.get("LANTAI_ORG", "yuntai")
LANTAI_ORG_NAME = os.environ.get("LANTAI_ORG_NAME", "本机构")
LANTAI_ORIGIN = f"lantai.example/{LANTAI_ORG}"
LANTAI_SUITES = suite.named(os.environ.get("LANTAI_SUITES", "intl,sm"))
LANTAI_SEALING = Suite(os.environ.get("LANTAI_SEALING", "aes-256-gcm"))
LANTAI_ADDRESS = os.environ.get("LANTAI_ADDRESS", "http://127.0.0.1:8000")
LANTAI_WATERMARK = os.environ.get("LANTAI_WATERMARK") or None
LANTAI_DEMO = os.environ.get("LANTAI_DEMO") == "1"
LANTAI_DEMO_PASSWORD = os.environ.get("LANTAI_DEMO_PASSWORD", "")
LANTAI_IDLE_MINUTES = int(os.environ.get("LANTAI_IDLE_MINUTES", "15"))  # GB/T 22239-2019 身份鉴别 b
LANTAI_FONT_DIR = Path(os.environ["LANTAI_FONT_DIR"]) if "LANTAI_FONT_DIR" in os.environ else None
LANTAI_POLICY = Path(os.environ["LANTAI_POLICY"]) if "LANTAI_POLICY" in os.environ else None
WITNESS_MINUTES = 10  # a head nothing was added to is cosigned anew after so long
LANTAI_STORE = os.environ.get("LANTAI_STORE", "")
LANTAI_COPY = os.environ.get("LANTAI_COPY", "")
LANTAI_SECRET_STORE = os.environ.get("LANTAI_SECRET_STORE", "")
LANTAI_SECRET_COPY = os.environ.get("LANTAI_SECRET_COPY", "")
LANTAI_S3 = {
    "endpoint": os.environ.get("LANTAI_S3_ENDPOINT", ""),
    "region": os.environ.get("LANTAI_S3_REGION", "us-east-1"),
    "key": os.environ.get("LANTAI_S3_KEY", ""),
    "secret": os.environ.get("LANTAI_S3_SECRET", ""),
}
# A second copy is worth most with another provider.
LANTAI_COPY_S3 = {
    name: os.environ.get(f"LANTAI_COPY_S3_{name.upper()}", stated)
    for name, stated in LANTAI_S3.items()
}
LANTAI_S3_TIMEOUT = float(os.environ.get("LANTAI_S3_TIMEOUT", "60"))
LANTAI_S3_RETENTION_DAYS = int(os.environ.get("LANTAI_S3_RETENTION_DAYS", "0"))
LANTAI_ANCHORS = Path(os.environ["LANTAI_ANCHORS"]) if "LANTAI_ANCHORS" in os.environ else None
LANTAI_TSA = os.environ.get("LANTAI_TSA", "")
LANTAI_PRESERVE_AFTER = float(os.environ.get("LANTAI_PRESERVE_AFTER", "10"))
LANTAI_PATROL_DAYS = int(os.environ.get("LANTAI_PATROL_DAYS", "90"))
LANTAI_PATROL_RATE = int(os.environ.get("LANTAI_PATROL_RATE", str(32 << 20)))
LANTAI_TSA_ROOTS = (
    Path(os.environ["LANTAI_TSA_ROOTS"]) if "LANTAI_TSA_ROOTS" in os.environ else None
)
LANTAI_PG_BIN = Path(os.environ["LANTAI_PG_BIN"]) if os.environ.get("LANTAI_PG_BIN") else None
LANTAI_KEY_BACKUP_DAYS = int(os.environ.get("LANTAI_KEY_BACKUP_DAYS", "30"))
DEBUG = os.environ.get("LANTAI_DEBUG") == "1"


def _secret() -> str:
    """Return LANTAI_SECRET, or the one kept in the data directory, made on first use."""
    if given := os.environ.get("LANTAI_SECRET"):
        return given
    keep = LANTAI_HOME / "keys" / "session.key"
    if not keep.exists():
        keep.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = keep.with_name(f".session.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as made:
            made.write(secrets.token_urlsafe(48))
            made.flush()
            os.fsync(made.fileno())
        fresh.rename(keep)
        for folder in (keep.parent, LANTAI_HOME):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(descriptor)
            os.close(descriptor)
    return keep.read_text()


def _database() -> dict[str, object]:
    """Read DATABASE_URL; without it SQLite, durable and with one writer at a time."""
    address = os.environ.get("DATABASE_URL", "")
    if not address:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": LANTAI_HOME / "lantai.db",
            "OPTIONS": {
                # IMMEDIATE takes the writer's lock at the start, so that a reader never has to
                # become a writer half-way; FULL survives a power cut.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "PRAGMA foreign_keys=ON;",
            },
        }
    parts = urlsplit(address)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise RuntimeError(
            f"DATABASE_URL must begin with postgresql:// (it begins with {parts.scheme}://)"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


SECRET_KEY = _secret()
ALLOWED_HOSTS = os.environ.get("LANTAI_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(",")
DATABASES = {"default": _database()}
# What sign-in counts against its limits, counted once for all processes of the web server.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": LANTAI_HOME / "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "identity.User"

INSTALLED_APPS = [
    "lantai.web",
    "lantai.ledger",
    "lantai.identity",
    "lantai.vault",
    "lantai.dossiers",
    "lantai.access",
    "lantai.preservation",
    "lantai.imaging",
    "lantai.cases",
    "lantai.certificates",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_cotton",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "lantai.web.middleware.IdleMiddleware",
    "lantai.web.middleware.RefusalMiddleware",
]
ROOT_URLCONF = "lantai.urls"
WSGI_APPLICATION = "lantai.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "lantai.web.context.chrome",
            ],
            "builtins": [
                "lantai.web.templatetags.lantai",
                "django_htmx.templatetags.django_htmx",
            ],
        },
    }
]

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_ADAPTER = "lantai.web.accounts.Adapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_RATE_LIMITS = {"login_failed": "5/5m/key,20/m/ip"}  # GB/T 22239-2019 身份鉴别 b
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "兰台"
MFA_FORMS = {
    "authenticate": "lantai.web.second_factor.CodeForm",
    "reauthenticate": "lantai.web.second_factor.CodeAgainForm",
}
CSRF_FAILURE_VIEW = "lantai.web.views.errors.csrf_failure"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "desk"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [PACKAGE / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = CHECKOUT / "var" / "static"
STATICFILES_DIRS = [
    CHECKOUT / "frontend" / "dist",
    ("rare", Path(pylopdf_fonts_zh_cn.__file__).parent),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "lantai.web.static.HashedStorage"
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
# An upload is a scan in plain text: it waits in memory, not on a disk that a kill -9 leaves it on.
_MEMORY = Path("/dev/shm")  # noqa: S108 -- Django makes files of unguessable names there, mode 0600
FILE_UPLOAD_TEMP_DIR = _MEMORY if _MEMORY.is_dir() else None

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        # The hash is the one <style> that OpenSeadragon adds at start.
        "style-src": ["'self'", "'sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE='"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}
