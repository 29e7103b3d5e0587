"""How Kafka is spoken to: what does not fit together is refused before anything is sent in clear."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from deploy.kafka.security import options
from schemas import settings
from schemas.kafka_security import PROTOCOLS, KafkaSecurity
from stream_processors.worker import credentials
from tests.certificates import for_this_machine

USER = {"KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "p"}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "not a valid value"),
        ({"KAFKA_SASL_MECHANISM": "GSSAPI"}, "not a valid value"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "needs a user and a password"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u"}, "needs a user and a password"),
        (USER, "sends no user"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", **USER}, "sends no user"),
        ({"KAFKA_SSL_CA": "ca.pem"}, "not encrypted"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SSL_CA": "ca.pem", **USER}, "not encrypted"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY": "key.pem"}, "without its certificate"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA": "/nowhere/ca.pem"}, "cannot be used"),
        ({"SOJOURN_STORE_CA": "/nowhere/ca.pem"}, "does not begin with https"),
        (
            {"SOJOURN_STORE_DSN": "https://u:p@h:8443/s", "SOJOURN_STORE_CA": "/nowhere/ca.pem"},
            "there is no such file",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_at_the_start(environment: dict[str, str], said: str) -> None:
    with pytest.raises(settings.InvalidSetting, match=said):
        settings.read(environment)


def test_by_default_kafka_is_spoken_to_in_clear_and_as_nobody() -> None:
    assert options(settings.read({}).kafka_security) == {"security_protocol": "PLAINTEXT", "ssl_context": None}


def test_every_client_is_given_the_user_and_checks_the_name_of_the_broker(tmp_path: Path) -> None:
    authority, server = for_this_machine(tmp_path)
    read = settings.read(
        {
            "KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SSL_CA": str(authority),
            "KAFKA_SSL_CERTIFICATE": str(server),
            **USER,
        }
    )
    given = options(read.kafka_security)
    context = given.pop("ssl_context")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert [each["serialNumber"] for each in context.get_ca_certs()], "the authority and no other"
    assert given == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": "p",
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_faust_is_given_just_what_our_own_clients_are(protocol: str) -> None:
    user = {"username": "u", "password": "p", "mechanism": "SCRAM-SHA-256"} if protocol.startswith("SASL") else {}
    security = KafkaSecurity(protocol, **user)
    told = dict(credentials_to_aiokafka_auth(credentials(security)))
    ours = options(security)
    assert isinstance(told.pop("ssl_context", None), type(ours.pop("ssl_context")))
    assert told == ours


def test_no_password_is_shown() -> None:
    assert "hunter2" not in repr(KafkaSecurity(password="hunter2", key_password="hunter2"))
