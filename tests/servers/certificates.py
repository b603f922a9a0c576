"""Certificates for the test servers: a good one, and one for each way to be wrong. Made anew in every run."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.UTC)
LOCAL: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
)


class Certificates:
    """A test CA and server certificates `server`, `expired`, `wrong_host`, `self_signed` as PEM files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._ca_key = ec.generate_private_key(ec.SECP256R1())
        self._ca = self._sign("Postroom test CA", self._ca_key, names=(), ca=True)
        self.ca_file = folder / "ca.crt"
        self.ca_file.write_bytes(self._ca.public_bytes(serialization.Encoding.PEM))
        self._make("server", LOCAL)
        self._make("wrong_host", (x509.DNSName("other.invalid"),))
        self._make("expired", LOCAL, start=-60, end=-30)
        self._make("self_signed", LOCAL, self_signed=True)

    @property
    def ca_pem(self) -> str:
        return self.ca_file.read_text()

    def cert(self, name: str = "server") -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str = "server") -> Path:
        return self.folder / f"{name}.key"

    def fingerprint(self, name: str = "server") -> str:
        """SHA-256 of the certificate, lower-case hex."""
        der = x509.load_pem_x509_certificate(self.cert(name).read_bytes()).public_bytes(
            serialization.Encoding.DER
        )
        return hashlib.sha256(der).hexdigest()

    def _make(
        self,
        name: str,
        names: tuple[x509.GeneralName, ...],
        *,
        start: int = -1,
        end: int = 30,
        self_signed: bool = False,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(name, key, names=names, start=start, end=end, self_signed=self_signed)
        self.cert(name).write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.key(name).write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.key(name).chmod(0o644)  # the servers run as another user than the tests

    def _sign(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        *,
        names: tuple[x509.GeneralName, ...],
        start: int = -1,
        end: int = 30,
        ca: bool = False,
        self_signed: bool = False,
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = ca or self_signed
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if own else self._ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + datetime.timedelta(days=start))
            .not_valid_after(NOW + datetime.timedelta(days=end))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        issuer_key = key if own else self._ca_key
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        if ca:
            builder = builder.add_extension(_signing(), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
            )
        return builder.sign(issuer_key, hashes.SHA256())


def _signing() -> x509.KeyUsage:
    """Python 3.13 checks strictly: a CA must say that it signs certificates."""
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
