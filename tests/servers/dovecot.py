"""A throw-away Dovecot (IMAP, POP3, LMTP, and SASL for Postfix) on loopback. Runs as an ordinary user, also when the tests run as root.

    server = Dovecot(short_dir("dc"), certificates)
    server.add_user("anna@example.test", "secret")      # at once, no restart
    server.deliver("anna@example.test", b"Subject: hi\\r\\n\\r\\nhello\\r\\n")
    server.letters("anna@example.test", "Archive")      # raw bytes, oldest first
    server.stop()

Limits are high (thousands of connections). Linux allows a user 128 inotify instances: beyond that many IDLE sessions
Dovecot looks every second instead of being told (mailbox_idle_check_interval below).
"""

from __future__ import annotations

import base64
import grp
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

from imapclient import imap_utf7

from tests.servers.certificates import Certificates
from tests.servers.ports import answers, free_ports, program, stop, wait_until

CONF = """
base_dir = {base}/run
state_dir = {base}/state
protocols = imap pop3 lmtp
listen = 127.0.0.1
log_path = {base}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_process_limit = 8000
default_client_limit = 20000
default_vsz_limit = 0
mail_location = maildir:{base}/mail/%u/Maildir
mail_home = {base}/mail/%u
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
mail_access_groups =
mail_fsync = never
# on disk as it is served: letters() and an IMAP FETCH then agree byte for byte
mail_save_crlf = yes
mailbox_idle_check_interval = 1 s
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0 secs
auth_username_format = %Lu
auth_cache_size = 0
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
lda_mailbox_autocreate = yes
passdb {{
  driver = passwd-file
  args = username_format=%u {base}/users.d/%Lu
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {base}/users.d/%Lu
  default_fields = uid={user} gid={group} home={base}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
  mailbox Archive {{
    special_use = \\Archive
    auto = subscribe
  }}
}}
service anvil {{
  chroot =
  client_limit = 40000
  # without this, failed sign-ins slow down all later ones from the same address
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
  client_limit = 40000
}}
service imap-login {{
  chroot =
  service_count = 0
  client_limit = 16000
  process_min_avail = 1
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  client_limit = 16000
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 8000
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  client_limit = 40000
  inet_listener {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
service auth-worker {{
  user = {user}
}}
protocol imap {{
  imap_idle_notify_interval = 2 mins
  mail_max_userip_connections = 10000
{imap_extra}
}}
protocol pop3 {{
  mail_max_userip_connections = 10000
{pop3_extra}
}}
protocol lmtp {{
  postmaster_address = postmaster@example.test
}}
"""

EXCHANGE_ONLINE = (
    "  imap_capability = IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
)
POOR = "  imap_capability = IMAP4rev1"


class Dovecot:
    """One running server. `imap_extra` and `pop3_extra` are lines for those protocol blocks, `certificate` names which to show."""

    def __init__(
        self,
        base_dir: Path,
        certificates: Certificates | None = None,
        *,
        certificate: str = "server",
        mechanisms: str = "plain login",
        imap_extra: str = "",
        pop3_extra: str = "",
    ) -> None:
        self.base = Path(base_dir)
        self.base.mkdir(parents=True, exist_ok=True)
        self.certificates = certificates or Certificates(self.base / "tls")
        self.user, self.group = _run_as()
        self._lines = (mechanisms, imap_extra, pop3_extra, certificate)
        ports = free_ports(6)
        self.imap_port, self.imaps_port, self.pop3_port, self.pop3s_port, self.lmtp_port, self.auth_port = (
            ports
        )
        self._users: dict[str, str] = {}
        self._count = itertools.count(1)
        self._written = 0
        self._write_conf()
        self.start()

    def start(self) -> None:
        """Start (again), with the same ports, users and mail."""
        as_root = os.geteuid() == 0
        self.process = subprocess.Popen(
            [program("dovecot"), "-F", "-c", str(self.base / "dovecot.conf")],
            user=self.user if as_root else None,
            group=self.group if as_root else None,
            extra_groups=[] if as_root else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.base / "stderr").open("wb"),
        )
        try:
            for port, greeting in (
                (self.imap_port, b"* OK"),
                (self.pop3_port, b"+OK"),
                (self.lmtp_port, b"220"),
            ):
                wait_until(
                    lambda p=port, g=greeting: self._alive() and answers(p, starts=g),
                    what="Dovecot's greeting",
                )
            wait_until(
                lambda: answers(self.imaps_port) and answers(self.pop3s_port), what="Dovecot's TLS ports"
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        stop(self.process)

    def add_user(self, address: str, password: str) -> None:
        """Add a mailbox, or change its password. Works while running: Dovecot reads the file again.

        It does so at most once a second for somebody it knows, so a changed password is waited for.
        """
        changed = self._users.get(address.lower(), "") not in (
            "",
            base64.b64encode(password.encode()).decode(),
        )
        self._users[address.lower()] = base64.b64encode(password.encode()).decode()
        self._write_users()
        self._make_maildir(self._folder_path(address, "INBOX"))
        if changed:
            wait_until(lambda: self._signs_in(address, password), what="the new password")

    def _signs_in(self, address: str, password: str) -> bool:
        token = base64.b64encode(f"\0{address}\0{password}".encode())
        with socket.create_connection(("127.0.0.1", self.imap_port)) as sock, sock.makefile("rb") as lines:
            sock.sendall(b"a AUTHENTICATE PLAIN " + token + b"\r\nb LOGOUT\r\n")
            return any(line.startswith(b"a OK") for line in lines)

    def _write_users(self) -> None:
        """A file for each user: Dovecot looks for changes of one file only once a second, a new file it sees at once."""
        folder = self.base / "users.d"
        folder.mkdir(exist_ok=True, mode=0o755)
        for gone in {path.name for path in folder.iterdir()} - self._users.keys():
            (folder / gone).unlink()
        for name, secret in self._users.items():
            line = f"{name}:{{PLAIN.b64}}{secret}::::::\n"
            path = folder / name
            if not path.exists() or path.read_text() != line:
                path.write_text(line)
                path.chmod(0o644)

    def remove_user(self, address: str) -> None:
        """Remove the sign-in; the mail stays on the disk."""
        self._users.pop(address.lower())
        self._write_users()

    def deliver(self, address: str, raw: bytes, folder: str = "INBOX", *, seen: bool = False) -> Path:
        """Put one letter in a folder (made when missing), byte for byte. No fsync: many thousands a second."""
        place = self._folder_path(address, folder)
        if not (place / "new").is_dir():
            self._make_maildir(place)
        number = next(self._count)
        now = time.time_ns()
        name = f"{now // 10**9}.M{now // 1000 % 10**6:06d}P{os.getpid()}Q{number:07d}.test,S={len(raw)}"
        (place / "tmp" / name).write_bytes(raw)
        final = place / "cur" / f"{name}:2,S" if seen else place / "new" / name
        os.rename(place / "tmp" / name, final)
        return final

    def letters(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """The raw letters in a folder, oldest first."""
        return [path.read_bytes() for path in self._files(address, folder)]

    def flags(self, address: str, folder: str = "INBOX") -> list[str]:
        """The Maildir flags ('S' seen, 'T' deleted, ...) of each letter, in the order of `letters`."""
        return [path.name.partition(":2,")[2] for path in self._files(address, folder)]

    def erase(self, address: str, folder: str = "INBOX") -> int:
        """Delete all letters of a folder behind the server's back, like another client; says how many."""
        files = self._files(address, folder)
        for path in files:
            path.unlink()
        return len(files)

    def reset_uidvalidity(self, address: str, folder: str = "INBOX") -> None:
        """Make the server renumber the folder, as a migration does."""
        self.kick(address)
        place = self._folder_path(address, folder)
        for path in [*place.glob("dovecot-uidlist*"), *place.glob("dovecot.index*")]:
            path.unlink(missing_ok=True)
        for path in self._folder_path(address, "INBOX").glob("dovecot.list.index*"):
            path.unlink(missing_ok=True)

    def kick(self, address: str) -> None:
        """Close all sessions of a user, as a provider does."""
        kicked = subprocess.run(
            [program("doveadm"), "-c", str(self.base / "dovecot.conf"), "kick", address],
            capture_output=True,
            check=False,
        )
        # 68 is "nobody was signed in"
        assert kicked.returncode in (0, 68), kicked.stderr

    def knows(self, address: str) -> bool:
        """True when the address (or the part before '+') has a mailbox."""
        local, at, domain = address.lower().partition("@")
        return local.partition("+")[0] + at + domain in self._users

    def password_is(self, address: str, password: str) -> bool:
        return self._users.get(address.lower()) == base64.b64encode(password.encode()).decode()

    def log(self) -> str:
        path = self.base / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _alive(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"Dovecot ended: {(self.base / 'stderr').read_text()} {self.log()[-2000:]}")
        return True

    def _write_conf(self) -> None:
        mechanisms, imap_extra, pop3_extra, certificate = self._lines
        for name in ("run", "state", "mail"):
            (self.base / name).mkdir(exist_ok=True)
        (self.base / "users").touch()
        (self.base / "dovecot.conf").write_text(
            CONF.format(
                base=self.base,
                user=self.user,
                group=self.group,
                cert=self.certificates.cert(certificate),
                key=self.certificates.key(certificate),
                mechanisms=mechanisms,
                imap_extra=imap_extra,
                pop3_extra=pop3_extra,
                imap=self.imap_port,
                imaps=self.imaps_port,
                pop3=self.pop3_port,
                pop3s=self.pop3s_port,
                lmtp=self.lmtp_port,
                auth=self.auth_port,
            )
        )
        if os.geteuid() == 0:
            for path in (self.base, *self.base.iterdir()):
                shutil.chown(path, self.user, self.group)

    def _folder_path(self, address: str, folder: str) -> Path:
        """Maildir++: INBOX is the root, others are '.Name' in modified UTF-7 with '.' between levels."""
        root = self.base / "mail" / address.lower() / "Maildir"
        if folder.upper() == "INBOX":
            return root
        return root / ("." + imap_utf7.encode(folder).decode().replace("/", "."))

    def _make_maildir(self, place: Path) -> None:
        made = []
        for path in (place.parent.parent, place.parent, place, place / "tmp", place / "new", place / "cur"):
            if not path.exists():
                path.mkdir(parents=True)
                made.append(path)
        if os.geteuid() == 0:
            for path in made:
                shutil.chown(path, self.user, self.group)

    def _files(self, address: str, folder: str) -> list[Path]:
        place = self._folder_path(address, folder)
        found = [path for sub in ("new", "cur") for path in (place / sub).glob("*")]
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _run_as() -> tuple[str, str]:
    """Dovecot does not run wholly as root: fall to nobody."""
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return user.pw_name, _group_name(user.pw_gid)


def _group_name(gid: int) -> str:
    return grp.getgrgid(gid).gr_name
