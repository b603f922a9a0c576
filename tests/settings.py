"""Django settings of the tests: a throw-away home; SQLite, or PostgreSQL when POSTROOM_DATABASE_URL says so."""

import os
import tempfile

os.environ.setdefault("POSTROOM_HOME", tempfile.mkdtemp(prefix="postroom-"))

from postroom.conf.django import *  # noqa: F403

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, not :memory:, so that threads and WAL behave as in production.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(os.environ["POSTROOM_HOME"], "test.sqlite3")}  # noqa: F405
