"""What the tests of actions share: a key file, since actions seal passwords."""

from __future__ import annotations

import pytest

from postroom.conf.deployment import deployment
from postroom.models.secret import make_key_file


@pytest.fixture(autouse=True, scope="session")
def key_file() -> None:
    """The first start of the product makes it; here no start happens."""
    if not deployment.key_file.exists():
        make_key_file(deployment.key_file)
