"""A throw-away Postfix on loopback: takes mail, signs people in by Dovecot's SASL, delivers by LMTP into Dovecot.

Whatever Dovecot does not know is refused at LMTP, so that Postfix sends a real bounce back. Postfix needs root; without
it a smaller submission server (aiosmtpd, in this process) stands in and says so: no queue, no bounces.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import ssl
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.ports import answers, free_ports, program, wait_until

MAIN = """
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.test
mydomain = example.test
myorigin = example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtputf8_enable = yes
alias_maps =
alias_database =
# every domain is ours: Dovecot's LMTP knows who exists and refuses the rest, which makes a bounce
virtual_mailbox_domains = static:ok
virtual_mailbox_maps =
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
virtual_alias_domains =
virtual_alias_maps =
recipient_delimiter = +
local_transport = error:no local delivery
smtp_host_lookup = native
disable_dns_lookups = yes
notify_classes =
service_throttle_time = 1s
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
maximal_queue_lifetime = 40s
bounce_queue_lifetime = 40s
in_flow_delay = 0s
default_process_limit = 60
message_size_limit = 26214400
smtpd_client_connection_count_limit = 0
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_sasl_auth_enable = no
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_delay_reject = yes
maillog_file = {base}/maillog
maillog_file_prefixes = {base}
"""

MASTER = """
127.0.0.1:{mx} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_sender_restrictions=reject_sender_login_mismatch -o smtpd_sender_login_maps=regexp:{base}/etc/owners
127.0.0.1:{smtps} inet n - n - - smtpd
  -o syslog_name=postfix/smtps -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_sender_restrictions=reject_sender_login_mismatch -o smtpd_sender_login_maps=regexp:{base}/etc/owners
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class MailServer(Protocol):
    """What the `postfix` fixture gives. `real` is False for the stand-in, which has no queue and sends no bounces."""

    mx_port: int
    submission_port: int
    smtps_port: int
    real: bool

    def stop(self) -> None: ...

    def log(self) -> str: ...

    def inject(self, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        """Mail from the outside world: accepted at the mx port without sign-in."""


def start_postfix(base: Path, dovecot: Dovecot, certificates: Certificates) -> MailServer:
    """The real server where that is possible, else the stand-in with a warning in the test output."""
    if os.geteuid() == 0:
        return Postfix(base, dovecot, certificates)
    warnings.warn("Not root: aiosmtpd stands in for Postfix (no queue, no bounces).", stacklevel=2)
    return Submission(dovecot, certificates)


class Postfix:
    """A real Postfix with its own configuration, queue and log. A signed-in user may send as its own address only."""

    real = True

    def __init__(self, base_dir: Path, dovecot: Dovecot, certificates: Certificates) -> None:
        self.base = Path(base_dir)
        self.mx_port, self.submission_port, self.smtps_port = free_ports(3)
        for name in ("etc", "queue", "data"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        shutil.chown(self.base / "data", "postfix")
        etc = self.base / "etc"
        (etc / "owners").write_text("/^(.*)$/ ${1}\n")
        (etc / "main.cf").write_text(
            MAIN.format(
                base=self.base,
                lmtp=dovecot.lmtp_port,
                auth=dovecot.auth_port,
                cert=certificates.cert(),
                key=certificates.key(),
            )
        )
        (etc / "master.cf").write_text(
            MASTER.format(
                base=self.base, mx=self.mx_port, submission=self.submission_port, smtps=self.smtps_port
            )
        )
        (self.base / "maillog").touch()
        shutil.chown(self.base / "maillog", "postfix")
        self._run("start")
        try:
            wait_until(lambda: answers(self.mx_port, starts=b"220"), what="Postfix's greeting")
            wait_until(
                lambda: answers(self.submission_port, starts=b"220"), what="Postfix's submission greeting"
            )
        except BaseException:
            self.stop()
            raise

    def inject(self, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        _inject(self.mx_port, sender, recipients, raw)

    def stop(self) -> None:
        self._run("stop", check=False)

    def log(self) -> str:
        return (self.base / "maillog").read_text(errors="replace")

    def _run(self, word: str, *, check: bool = True) -> None:
        done = subprocess.run(
            [program("postfix"), "-c", str(self.base / "etc"), word],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"postfix {word} failed: {done.stderr.decode()} {self.log()[-2000:]}")


class Submission:
    """Stands in for Postfix where root is missing: signs in against Dovecot, hands over by LMTP at once."""

    real = False

    def __init__(self, dovecot: Dovecot, certificates: Certificates) -> None:
        self.dovecot = dovecot
        self.mx_port, self.submission_port, self.smtps_port = free_ports(3)
        self._log: list[str] = []
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificates.cert(), certificates.key())
        common: dict[str, Any] = {"hostname": "127.0.0.1", "ident": "Postroom test submission"}
        signed_in = {"authenticator": self._check, "auth_required": True}
        self._controllers = [
            Controller(self, port=self.mx_port, enable_SMTPUTF8=True, **common),
            Controller(
                self,
                port=self.submission_port,
                tls_context=tls,
                require_starttls=True,
                enable_SMTPUTF8=True,
                **signed_in,
                **common,
            ),
            Controller(
                self,
                port=self.smtps_port,
                ssl_context=tls,
                enable_SMTPUTF8=True,
                auth_require_tls=False,
                **signed_in,
                **common,
            ),
        ]
        for controller in self._controllers:
            controller.start()

    def inject(self, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        _inject(self.mx_port, sender, recipients, raw)

    def stop(self) -> None:
        for controller in self._controllers:
            controller.stop()

    def log(self) -> str:
        return "\n".join(self._log)

    async def handle_MAIL(
        self, server: Server, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, server: Server, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        who, sender = session.auth_data, envelope.mail_from or ""
        if who and sender.lower() != str(who).lower():
            return f"553 5.7.1 <{sender}>: Sender address rejected: not owned by user {who}"
        if not self.dovecot.knows(address):
            return f"550 5.1.1 <{address}> User doesn't exist"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        with smtplib.LMTP("127.0.0.1", self.dovecot.lmtp_port) as lmtp:
            lmtp.sendmail(envelope.mail_from or "", envelope.rcpt_tos, envelope.content)
        self._log.append(f"from={envelope.mail_from} to={envelope.rcpt_tos}")
        return "250 2.0.0 Ok: queued"

    def _check(
        self, server: Server, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        good = self.dovecot.password_is(data.login.decode(), data.password.decode())
        return AuthResult(success=good, handled=False, auth_data=data.login.decode())


def _inject(port: int, sender: str, recipients: Sequence[str], raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail(sender, list(recipients), raw)
