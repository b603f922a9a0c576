"""The commands that set up and examine a desk: what they print and how they exit."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from postroom.models import Channel, Queue, Role, User
from tests.servers.dovecot import Dovecot

EVA = "eva@example.test"


def run(*arguments: str, **how: object) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out, **how)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "setup.toml"


@pytest.mark.django_db
def test_apply_prints_a_line_per_change_and_then_their_number(file: Path) -> None:
    file.write_text('[[queue]]\nname = "Help"\n')
    assert run("apply", str(file), "--dry-run") == 'queue "Help": created\n1 change would be made\n'
    assert run("apply", str(file)) == 'queue "Help": created\n1 change\n'
    assert run("apply", str(file)) == "0 changes\n"
    assert run("apply", str(file), "--prune") == "0 changes\n"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["gone.toml", "latin.toml", "folder"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "latin.toml").write_bytes(b'# \xe9\n[[queue]]\nname = "A"\n')
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandError, match=name) as refused:
        run("apply", str(tmp_path / name))
    assert refused.value.returncode == 2
    assert not Queue.objects.exists()


@pytest.mark.django_db
def test_faults_are_told_with_the_file_and_exit_code_2(file: Path) -> None:
    file.write_text('[[queue]]\nname = "Help"\npriority = 99\n')
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 error, nothing was written") as refused:
        call_command("apply", str(file), stderr=out)
    assert refused.value.returncode == 2
    assert f'{file}: [[queue]] "Help": priority: 99 is outside 1 to 9' in out.getvalue()
    assert not Queue.objects.exists()


@pytest.mark.django_db
def test_export_writes_what_apply_reads(file: Path) -> None:
    file.write_text('[[queue]]\nname = "Help"\n')
    run("apply", str(file))
    copy = file.with_name("copy.toml")
    run("export", str(copy))
    assert copy.read_text() == run("export")
    assert run("apply", str(copy)) == "0 changes\n"


@pytest.mark.django_db
def test_an_administrator_is_made_and_let_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a lamp in the harbour\nanother lamp at sea\nshort\n"))
    assert "Ada is an administrator" in run("createadmin", "Ada@desk.test", "Ada")
    ada = User.objects.get()
    assert (ada.role, ada.check_password("a lamp in the harbour")) == (Role.ADMINISTRATOR, True)
    User.objects.update(role=Role.AGENT, is_active=False)
    run("createadmin", "ada@desk.test")
    ada.refresh_from_db()
    assert (ada.role, ada.is_active, ada.check_password("another lamp at sea")) == (
        Role.ADMINISTRATOR,
        True,
        True,
    )
    with pytest.raises(CommandError) as refused:
        run("createadmin", "new@desk.test", "New")
    assert refused.value.returncode == 2
    assert User.objects.count() == 1


CHANNEL = """
[[queue]]
name = "Help"
[[channel]]
name = "Support"
address = "{eva}"
queue = "Help"
host = "localhost"
port = {port}
user = "{eva}"
password = "{password}"
ca = '''{ca}'''
enabled = true
"""


@pytest.mark.django_db
@pytest.mark.server
@pytest.mark.requirement("CH-16")
def test_doctor_tells_each_step_and_whether_all_is_well(file: Path, dovecot: Dovecot) -> None:
    dovecot.add_user(EVA, "eva-pw")
    usual = {"eva": EVA, "port": dovecot.imaps_port, "ca": dovecot.certificates.ca_pem}
    file.write_text(CHANNEL.format(**usual, password="eva-pw"))
    run("apply", str(file))
    assert run("doctor").startswith("channel Support\n  ok")
    [line] = run("doctor", "--json").splitlines()
    told = json.loads(line)
    assert (told["kind"], told["name"], told["ok"]) == ("channel", "Support", True)
    assert told["steps"][0]["state"] == "ok"

    file.write_text(CHANNEL.format(**usual, password="wrong"))
    run("apply", str(file))
    with pytest.raises(SystemExit) as ended:
        run("doctor")
    assert ended.value.code == 1
    with pytest.raises(CommandError, match="no channel or sender named Nobody") as refused:
        run("doctor", "Nobody")
    assert refused.value.returncode == 2
    Channel.objects.update(enabled=False)
    assert run("doctor") == ""


def test_on_an_empty_home_apply_makes_the_desk_first(tmp_path: Path) -> None:
    (tmp_path / "setup.toml").write_text('[[queue]]\nname = "Help"\n')
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("POSTROOM_", "DJANGO_"))
    }
    environment |= {"POSTROOM_HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}

    def postroom(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "postroom", *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    first = postroom("apply", "setup.toml")
    assert (first.returncode, first.stdout) == (0, 'queue "Help": created\n1 change\n'), first.stderr
    again = postroom("apply", "setup.toml")
    assert (again.returncode, again.stdout) == (0, "0 changes\n")
    (tmp_path / "setup.toml").write_text('[[queue]]\nname = "Help"\ncolour = "beige"\n')
    wrong = postroom("apply", "setup.toml")
    assert wrong.returncode == 2
    assert 'setup.toml: [[queue]] "Help": colour: ' in wrong.stderr
    (tmp_path / "home" / "secrets.key").unlink()
    lost = postroom("export")
    assert lost.returncode == 2
    assert "secrets.key is missing" in lost.stderr
