"""Everything that differs between installations, read from the environment once, at the start.

A missing or wrong value stops the start with a sentence that says how to mend it. docs/settings.md
lists the variables; production refuses whatever would be unsafe there.
"""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django import forms
from django.core.exceptions import ImproperlyConfigured

from portal.environment import Environment, passkey_origin

# Lets a class of ours be a forms.ModelForm[AutoReply] and the like at run time.
django_stubs_ext.monkeypatch(extra_classes=[forms.ModelForm])

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()

# "development" is for the demo and the tests on loopback; everything else runs as "production".
IN_PRODUCTION = env.choice("PORTAL_MODE", ("production", "development"), default="production") == "production"

SECRET_KEY = env.text("PORTAL_SECRET_KEY", hint="Make one: openssl rand -base64 60")
# Fernet keys for the servers' credentials, newest first; older ones stay until rotate_credentials has run.
CREDENTIAL_KEYS = env.fernet_keys("PORTAL_CREDENTIAL_KEYS")
# Seals passwords that a server takes in clear text only; the private one belongs to the workers alone.
SEALING_PUBLIC_KEY = env.sealing_key("PORTAL_SEALING_PUBLIC_KEY")
SEALING_PRIVATE_KEY = env.sealing_key("PORTAL_SEALING_PRIVATE_KEY")
DEBUG = env.flag("PORTAL_DEBUG", default=False)
PUBLIC_URL = env.url("PORTAL_PUBLIC_URL", ("http", "https"), hint="For example https://portal.example.org")
ALLOWED_HOSTS = env.words("PORTAL_ALLOWED_HOSTS")
SECURE_COOKIES = env.flag("PORTAL_SECURE_COOKIES", default=True)
# Only these peers may say whom they speak for (X-Forwarded-For); everybody else is who they are.
TRUSTED_PROXIES = env.networks("PORTAL_TRUSTED_PROXIES")
# Who may read /metrics.
METRICS_ALLOWED = env.networks("PORTAL_METRICS_ALLOWED", default=("127.0.0.0/8", "::1"))
DATABASES = {
    "default": env.database("PORTAL_DATABASE_URL", default=f"sqlite:///{BASE_DIR}/var/portal.sqlite3")
}
CELERY_BROKER_URL = env.broker("PORTAL_BROKER_URL")
TIME_ZONE = env.time_zone("PORTAL_TIME_ZONE", default="Europe/Brussels")
# What 1 kB, MB, GB, TB mean in pages, forms and mails: 1024 or 1000 of the smaller one. Mail programs such
# as Thunderbird count what GETQUOTA tells them (KiB) in steps of 1024.
SIZE_UNITS = env.choice("PORTAL_SIZE_UNITS", ("binary", "decimal"), default="binary")
# Days in which a deleted mailbox can be brought back.
KEEP_DELETED_DAYS = env.whole_number("PORTAL_KEEP_DELETED_DAYS", default=30, least=1, most=3650)
# What every password must keep to; a domain's webmasters may ask for more.
PASSWORD_SHORTEST = env.whole_number("PORTAL_PASSWORD_SHORTEST", default=8, least=8, most=64)
# zxcvbn's score: 2 keeps out what is guessed online, 3 protects a stolen hash a while, 4 well.
PASSWORD_STRENGTH = env.whole_number("PORTAL_PASSWORD_STRENGTH", default=3, least=2, most=4)
# None of the last so many, the present one included.
PASSWORD_HISTORY = env.whole_number("PORTAL_PASSWORD_HISTORY", default=3, least=0, most=10)
# Whose mail programs sign in with app passwords only, at least; a domain's webmasters may ask for more.
APP_PASSWORDS_ONLY = env.choice("PORTAL_APP_PASSWORDS_ONLY", ("any", "factor", "always"), default="any")
# However often it is used, a session ends after so long: of staff and webmasters, and of mailbox users.
STAFF_SESSION_HOURS = env.whole_number("PORTAL_STAFF_SESSION_HOURS", default=12, least=1, most=48)
MAILBOX_SESSION_DAYS = env.whole_number("PORTAL_MAILBOX_SESSION_DAYS", default=14, least=1, most=30)
# Asked for leaked passwords by the first 5 of 40 digits of a hash, as Have I Been Pwned.
LEAKED_PASSWORDS_URL = (
    env.url(
        "PORTAL_LEAKED_PASSWORDS_URL",
        ("https",) if IN_PRODUCTION else ("https", "http"),
        hint="For example https://api.pwnedpasswords.com/range",
    )
    if env.word("PORTAL_LEAKED_PASSWORDS_URL")
    else ""
)
SIZE_STEP = 1024 if SIZE_UNITS == "binary" else 1000
# The server that takes the portal's own mail: warnings, notices. Without a host none is sent.
EMAIL_HOST = env.word("PORTAL_SMTP_HOST")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
SMTP_TLS = env.choice("PORTAL_SMTP_TLS", ("starttls", "tls", "none"), default="starttls")
EMAIL_USE_TLS, EMAIL_USE_SSL = SMTP_TLS == "starttls", SMTP_TLS == "tls"
EMAIL_PORT = env.port("PORTAL_SMTP_PORT", default=465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_HOST_USER = env.word("PORTAL_SMTP_USER")
EMAIL_HOST_PASSWORD = env.word("PORTAL_SMTP_PASSWORD")
EMAIL_TIMEOUT = 20
# Whence test mails come, and the Maildir in which what is answered to that address arrives.
PROOF_ADDRESS = env.word("PORTAL_PROOF_ADDRESS")
PROOF_MAILDIR = env.word("PORTAL_PROOF_MAILDIR")
DEFAULT_FROM_EMAIL = (
    env.word("PORTAL_MAIL_FROM") or f"mail-portal@{urlsplit(PUBLIC_URL).hostname or 'localhost'}"
)
# Signs the profiles for Apple devices: PEM files, the certificate first, then those that vouch for it.
PROFILE_CERTIFICATE, PROFILE_KEY = env.certificate("PORTAL_PROFILE_CERTIFICATE", "PORTAL_PROFILE_KEY")
# Who is asked whether a domain's records are right, as HOST or HOST#PORT; empty: whom the machine asks.
DNS_SERVERS = env.words("PORTAL_DNS_SERVERS")
# Signs what the audit chain holds: an Ed25519 key in PEM that the database's operators can't read.
AUDIT_KEY_FILE = env.word("PORTAL_AUDIT_KEY_FILE")
# Where signed checkpoints are kept beside the database, best on another machine's disk.
AUDIT_DIRECTORY = env.word("PORTAL_AUDIT_DIRECTORY")
# Who gets each signed checkpoint by mail, to keep it where nobody of the hoster can reach it.
AUDIT_MAIL = env.words("PORTAL_AUDIT_MAIL")
# How long events stay in the database before they are archived; 0: for ever.
AUDIT_KEEP_DAYS = env.count("PORTAL_AUDIT_KEEP_DAYS", default=0)
# Where the portal puts archives by itself; empty: only archive_audit makes some.
AUDIT_ARCHIVE_DIRECTORY = env.word("PORTAL_AUDIT_ARCHIVE_DIRECTORY")
LOG_LEVEL = env.choice("PORTAL_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")

if IN_PRODUCTION:
    if DEBUG:
        env.problem("PORTAL_DEBUG shows secrets to visitors: unset it, or set PORTAL_MODE=development.")
    if SECRET_KEY and (len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10):
        env.problem("PORTAL_SECRET_KEY is weak: make one with: openssl rand -base64 60")
    if not SECURE_COOKIES:
        env.problem(
            "PORTAL_SECURE_COOKIES=off sends sign-ins over plain HTTP: unset it and serve over HTTPS."
        )
    if PUBLIC_URL and not PUBLIC_URL.startswith("https://"):
        env.problem("PORTAL_PUBLIC_URL must begin with https://")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        env.problem("PORTAL_ALLOWED_HOSTS must name the portal's own hosts, separated by commas, without *.")
if env.problems:
    raise ImproperlyConfigured("\n".join(env.problems))

INSTALLED_APPS = [
    "portal",
    "guide",
    "support",
    "clientsetup",
    "branding",
    "batches",
    "adoption",
    "aliases",
    "mailboxtemplates",
    "vacation",
    "quotas",
    "accounts",
    "mailservers",
    "audit",
    "mails",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_otp_webauthn",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "portal.middleware.empty_head",
    "portal.middleware.believe_proxies_alone",
    "portal.middleware.name_request",
    "clientsetup.middleware.take_asked_host",
    "django.middleware.security.SecurityMiddleware",
    # Before what answers for files, so that these have the policy as well.
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.keep_no_copy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    # Instead of django-otp's: what a session still owes stands in it, and nothing asks for its device.
    "accounts.middleware.PersonMiddleware",
    "portal.middleware.refuse_nul",
    "accounts.middleware.note_refused_access",
    # Default-deny: a view is for people who signed in unless it says otherwise.
    "accounts.middleware.SignedInMiddleware",
    "accounts.languages.speak_their_language",
    "accounts.middleware.SecondFactorMiddleware",
    "accounts.lookups.LookUpMiddleware",
    "accounts.helping.act_by_grant",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.BusyMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "portal.navigation.navigation",
                "branding.context.brand",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "portal.form_renderer.QuickWidgets"
INSTALLED_APPS.append("django.forms")

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["accounts.backends.PersonBackend", "accounts.backends.MailboxBackend"]
PASSWORD_HASHERS = ["accounts.hashers.PeoplesHasher"]
# Passkeys belong to the portal's own name, which never comes from a request; a number can have none. On
# loopback, for the demo and the tests, they work under the name that browsers trust there.
PASSKEY_ORIGIN = passkey_origin(PUBLIC_URL, on_loopback=not IN_PRODUCTION)
OTP_WEBAUTHN_RP_NAME = "Mail portal"
OTP_WEBAUTHN_RP_ID = urlsplit(PASSKEY_ORIGIN).hostname or "nowhere.invalid"
OTP_WEBAUTHN_ALLOWED_ORIGINS = [PASSKEY_ORIGIN or "https://nowhere.invalid"]
# Keys that remember nothing are good enough for the second step; only others sign in without a name.
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False
# Tries are counted by accounts/throttling.py, so that nobody can lock a device for its owner.
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:sign-in"

# Such names are taken over HTTPS and from this very host alone: no other host of the domain can plant them.
COOKIE_PREFIX = "__Host-" if SECURE_COOKIES else ""
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
SESSION_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# A session that nobody uses; settings above tell how long one that is used may last.
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}django_language"
KNOWN_DEVICE_COOKIE_NAME = f"{COOKIE_PREFIX}known_device"
MESSAGES_COOKIE_NAME = f"{COOKIE_PREFIX}messages"
MESSAGE_STORAGE = "portal.message_storage.MessageStorage"
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
if IN_PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    # The browsers' own list is for whole registered domains: the hoster's to enter, not the portal's.
    SILENCED_SYSTEM_CHECKS = ["security.W021"]
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        # Tabler's style sheet draws its arrows and ticks with data: pictures.
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

USE_I18N = True
USE_TZ = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands"), ("fr", "Français"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# No other site has a use for the portal's own files.
WHITENOISE_ALLOW_ALL_ORIGINS = False
# Reports of errors are mailed or logged: nothing secret may be in them.
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.error_reports.NoSecretFields"
STORAGES = {
    "staticfiles": {"BACKEND": "portal.static_files.RememberingStorage"},
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
}

# A request larger than this is refused before it is read: the largest form holds one auto-reply.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "portal.uploads.DropTheRest",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "portal"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Whoever reaches the broker must not stop queues or read settings by it.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
# Else kombu would take any certificate.
CELERY_BROKER_USE_SSL = (
    {"ssl_cert_reqs": ssl.CERT_REQUIRED} if CELERY_BROKER_URL.startswith("rediss:") else False
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A page never waits for the broker: the sweep pushes what could not be announced.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "visibility_timeout": 300,
    # One more try at once, instead of kombu's many with growing pauses.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULE = {
    "check servers": {
        "task": "mailservers.tasks.check_servers",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "go on adopting": {"task": "adoption.tasks.go_on", "schedule": 60.0, "options": {"expires": 55}},
    "go on with batches": {"task": "batches.tasks.go_on", "schedule": 60.0, "options": {"expires": 55}},
    "forget old batches": {"task": "batches.tasks.forget_old", "schedule": 24 * 60 * 60.0},
    "erase passwords": {
        "task": "mailservers.tasks.erase_expired_passwords",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "sweep": {"task": "mailservers.tasks.sweep", "schedule": 60.0, "options": {"expires": 55}},
    "plan readings": {"task": "quotas.tasks.plan_readings", "schedule": 60.0, "options": {"expires": 55}},
    "send mails": {"task": "mails.tasks.send_mails", "schedule": 30.0, "options": {"expires": 25}},
    "forget mails": {"task": "mails.tasks.forget_mails", "schedule": 24 * 60 * 60.0},
    "look for drift": {
        "task": "mailservers.tasks.check_all_drift",
        "schedule": crontab(hour="2", minute="30"),
        "options": {"expires": 6 * 60 * 60},
    },
    "password requests": {
        "task": "accounts.tasks.look_after_password_requests",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "forget sessions": {"task": "accounts.tasks.forget_sessions", "schedule": 60 * 60.0},
    "read the use of app passwords": {
        "task": "accounts.tasks.read_app_password_use",
        "schedule": 600.0,
        "options": {"expires": 590},
    },
    "follow rules about app passwords": {
        "task": "accounts.tasks.follow_app_password_rules",
        "schedule": 300.0,
        "options": {"expires": 290},
    },
    "purge mailboxes": {"task": "accounts.tasks.purge_mailboxes", "schedule": 60 * 60.0},
    "mail alarms": {"task": "accounts.tasks.mail_alarms", "schedule": 300.0, "options": {"expires": 290}},
    "mail notices": {"task": "accounts.tasks.mail_notices", "schedule": 30.0, "options": {"expires": 25}},
    "tell of refused mails": {"task": "accounts.tasks.tell_of_refused_mails", "schedule": 60 * 60.0},
    "mail confirmations": {
        "task": "vacation.tasks.mail_confirmations",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "seal the audit chain": {
        "task": "audit.tasks.seal_the_chain",
        "schedule": crontab(hour="3", minute="10"),
        "options": {"expires": 6 * 60 * 60},
    },
    "verify the audit chain": {
        "task": "audit.tasks.verify_the_chain",
        "schedule": crontab(hour="3", minute="50"),
        "options": {"expires": 6 * 60 * 60},
    },
    # A part at a time, so that nobody waits.
    "archive old events": {
        "task": "audit.tasks.archive_old_events",
        "schedule": crontab(hour="4-5", minute="*/10"),
        "options": {"expires": 590},
    },
    "mail checkpoints": {
        "task": "audit.tasks.mail_checkpoints",
        "schedule": 300.0,
        "options": {"expires": 290},
    },
    "forget old days": {"task": "quotas.tasks.forget", "schedule": 24 * 60 * 60.0},
}

LOGGING_CONFIG = "portal.logs.configure"
LOGGING = {"level": LOG_LEVEL}
