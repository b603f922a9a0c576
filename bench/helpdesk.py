"""django-helpdesk's `get_email` over IMAP, in an environment of its own, as the peer of the ingest bench."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers.dovecot import Dovecot

VERSION = "django-helpdesk==2.3.3"
SETTINGS = """
import os
SECRET_KEY = "bench"
DEBUG = False
USE_TZ = True
BASE = os.environ["HELPDESK_HOME"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE + "/db.sqlite3"}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites",
    "django.contrib.humanize", "django.contrib.messages", "django.contrib.staticfiles", "django.contrib.admin", "bootstrap4form", "helpdesk"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]}}]
ROOT_URLCONF = "bench_urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = BASE
STATIC_URL = "/static/"
SITE_ID = 1
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
HELPDESK_TEAMS_MODE_ENABLED = False
HELPDESK_KB_ENABLED = False
QUEUE_EMAIL_BOX_UPDATE_ONLY = False
"""
URLS = """
from django.urls import include, path
urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]
"""
MAKE_QUEUE = """
import django; django.setup()
from helpdesk.models import Queue
import sys
Queue.objects.create(title="Bench", slug="bench", email_address="help@desk.example", allow_email_submission=True, email_box_type="imap",
    email_box_host="127.0.0.1", email_box_port=int(sys.argv[1]), email_box_ssl=False, email_box_user=sys.argv[2], email_box_pass=sys.argv[3],
    email_box_imap_folder="INBOX", email_box_interval=0)
"""
COUNT = "import django; django.setup(); from helpdesk.models import Ticket; print(Ticket.objects.count())"


def measure_helpdesk(dovecot: Dovecot, password: str, letters: list[bytes]) -> float:
    """Tickets per second; installs the peer into `bench/.helpdesk` at the first time."""
    python = _environment()
    address = "helpdesk@bench.example"
    dovecot.add_user(address, password)
    for raw in letters:
        dovecot.deliver(address, raw)
    with tempfile.TemporaryDirectory(prefix="helpdesk-") as home:
        Path(home, "bench_settings.py").write_text(SETTINGS)
        Path(home, "bench_urls.py").write_text(URLS)
        environment = {
            **os.environ,
            "HELPDESK_HOME": home,
            "PYTHONPATH": home,
            "DJANGO_SETTINGS_MODULE": "bench_settings",
        }

        def run(*arguments: str) -> str:
            return subprocess.run(
                [str(python), *arguments], check=True, env=environment, capture_output=True, text=True
            ).stdout

        run("-m", "django", "migrate", "-v", "0")
        run("-c", MAKE_QUEUE, str(dovecot.imap_port), address, password)
        started = time.monotonic()
        run("-m", "django", "get_email", "--quiet")
        taken = time.monotonic() - started
        made = int(run("-c", COUNT).strip().splitlines()[-1])
    if made < len(letters) // 2:
        raise SystemExit(f"django-helpdesk made {made} tickets of {len(letters)} letters")
    return len(letters) / taken


def _environment() -> Path:
    folder = Path(__file__).parent / ".helpdesk"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                VERSION,
                "setuptools<81",
                "packaging",
            ],
            check=True,
        )
    return python
