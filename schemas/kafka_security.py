"""How Kafka is spoken to: in clear or by TLS, as nobody or as a user, by the names that Kafka itself has for both."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL = PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """What a client of Kafka needs beside the address. Files are PEM."""

    protocol: str = PLAINTEXT
    mechanism: str = MECHANISMS[0]
    username: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    certificate: str = ""
    key: str = ""
    key_password: str = field(default="", repr=False)

    @property
    def is_encrypted(self) -> bool:
        return self.protocol in (SSL, SASL_SSL)

    @property
    def has_user(self) -> bool:
        return self.protocol in (SASL_PLAINTEXT, SASL_SSL)

    def fault(self) -> str:
        """What is wrong with it, or "". Looks into the files."""
        if self.has_user and not (self.username and self.password):
            return f"{self.protocol} needs a user and a password"
        if not self.has_user and (self.username or self.password):
            return f"{self.protocol} sends no user and no password: use SASL_SSL"
        if not self.is_encrypted and (self.ca or self.certificate or self.key):
            return f"{self.protocol} is not encrypted: use {'SASL_SSL' if self.has_user else 'SSL'}"
        if self.key and not self.certificate:
            return "a key without its certificate"
        try:
            self.context()
        except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
            return f"the files for TLS cannot be used: {error}"
        return ""

    def context(self) -> ssl.SSLContext | None:
        """For TLS; names are checked against certificates, as always. Raises `OSError`."""
        if not self.is_encrypted:
            return None
        context = ssl.create_default_context(cafile=self.ca or None)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None, self.key_password or None)
        return context


OPEN = KafkaSecurity()
"""In clear and as nobody."""
