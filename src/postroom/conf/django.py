"""Django's settings, derived from the deployment. Nothing is set here that an operator would want to change."""

from __future__ import annotations

from urllib.parse import urlsplit

from postroom.conf.deployment import deployment

SECRET_KEY = deployment.secret_key
DEBUG = False
DATABASES = {"default": deployment.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "postroom",
    "postroom.web",
]
AUTH_USER_MODEL = "postroom.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "postroom.web.security.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "postroom.web.zone.ReaderZone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "postroom.web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "postroom.web.context.page",
            ],
            "builtins": ["postroom.web.components.tags"],
        },
    }
]

STATIC_URL = "/static/"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
WHITENOISE_USE_FINDERS = True
# Built assets carry a hash of their content in the name, so a browser may keep them for ever.
WHITENOISE_IMMUTABLE_FILE_TEST = r"/postroom/build/.*-[0-9A-Za-z]{8}\."

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("cs", "Čeština"), ("de", "Deutsch")]
USE_TZ = True
TIME_ZONE = "UTC"

_public = urlsplit(deployment.base_url)
_secure = _public.scheme == "https"
ALLOWED_HOSTS = [name.strip() for name in deployment.options.allowed_hosts.split(",") if name.strip()] or [
    "localhost",
    "127.0.0.1",
    "[::1]",
    _public.hostname or "localhost",
]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
# __Host- cookies need HTTPS; plain HTTP on loopback uses ordinary names.
SESSION_COOKIE_NAME = "__Host-postroom" if _secure else "postroom"
CSRF_COOKIE_NAME = "__Host-postroom-csrf" if _secure else "postroom-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "SAMEORIGIN"
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": deployment.options.log_level.upper()},
    # IMAPClient formats every literal for its debug log; that costs more than reading it.
    "loggers": {"imapclient": {"level": "WARNING"}},
}
