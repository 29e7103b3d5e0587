"""What every client of aiokafka is given to be let in."""

from __future__ import annotations

from typing import Any

from schemas.kafka_security import KafkaSecurity


def options(security: KafkaSecurity) -> dict[str, Any]:
    """Arguments of a producer, a consumer or an admin client."""
    given: dict[str, Any] = {"security_protocol": security.protocol, "ssl_context": security.context()}
    if security.has_user:
        given |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.password,
        }
    return given
