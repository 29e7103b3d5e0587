"""Every setting as a typed value: its variable, its default, what it means; `deploy/.env.example` is printed from here.

Settings come from the environment alone. An empty variable counts as unset.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from schemas import kafka_security as kafka
from schemas.kafka_security import KafkaSecurity

N = TypeVar("N", int, float)


class InvalidSetting(ValueError):
    """A variable has a value that it cannot have."""


def between(kind: Callable[[str], N], least: N, most: float = math.inf) -> Callable[[str], N]:
    """Reads a number that is neither less nor more. What it answers raises `ValueError`."""

    def read(text: str) -> N:
        number = kind(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return read


_port, _positive, _natural = between(int, 0, 65535), between(int, 1), between(int, 0)
_share = between(float, 0.0, 1.0)


def _log_format(text: str) -> str:
    if text not in ("json", "text"):
        raise ValueError
    return text


def _one_of(values: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.upper() not in values:
            raise ValueError
        return text.upper()

    return read


def _flag(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. `default` is written as a person would write it; `depends` says it where it is computed."""

    variable: str
    default: str
    meaning: str
    kind: Callable[[str], Any] = str
    depends: str = ""
    secret: bool = False
    """Whether it may also stand in a file, which `<variable>_FILE` names."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The names under which it may be given."""
        return (self.variable, self.variable + "_FILE") if self.secret else (self.variable,)

    def read(self, environment: Mapping[str, str]) -> Any:
        """The typed value. Raises `InvalidSetting`."""
        text = self._in_file(environment) or environment.get(self.variable, "") or self.default
        try:
            return self.kind(text) if text else None
        except (ValueError, KeyError):
            shown = "(a secret)" if self.secret else repr(text)
            raise InvalidSetting(f"{self.variable}={shown}: not a valid value ({self.meaning})") from None

    def _in_file(self, environment: Mapping[str, str]) -> str:
        """What stands in the file of a secret, without blanks around it. Raises `InvalidSetting`."""
        variable = self.variables[-1]
        name = environment.get(variable, "") if self.secret else ""
        if not name:
            return ""
        if environment.get(self.variable, ""):
            raise InvalidSetting(f"{self.variable} and {variable} are both set: unset one of them")
        try:
            text = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSetting(f"{variable}={name}: the file cannot be read: {error}") from None
        if not text:
            raise InvalidSetting(f"{variable}={name}: the file is empty")
        return text


HOST = Setting("SOJOURN_HOST", "127.0.0.1", "Address to listen on.")
QUERY_PORT, PROCESSORS_PORT = 8081, 8082
PORT = Setting(
    "SOJOURN_PORT", "8080", "Port to listen on; as separate services query has 8081, processors 8082.", _port
)
DATA = Setting("SOJOURN_DATA", "./data", "Folder of all data.", Path)
TENANTS = Setting("SOJOURN_TENANTS", "", "The tenants file.", Path, depends="$SOJOURN_DATA/tenants.json")
STORE_DSN = Setting(
    "SOJOURN_STORE_DSN",
    "",
    "The store: chdb:///folder, or http://user:password@host:8123/database.",
    secret=True,
    depends="chDB in $SOJOURN_DATA/store",
)
KAFKA = Setting(
    "KAFKA_BOOTSTRAP_SERVERS", "", "Kafka, as host:port[,host:port].", depends="unset: the log is in the process"
)
TOPIC_PREFIX = Setting("SOJOURN_TOPIC_PREFIX", "sojourn", "First part of the names of the topics.")
DEMO = Setting(
    "DEMO", "1", "1: `sojourn serve` fills the first tenant of the file with a made-up shop; 0: start empty.", _flag
)
PENDING_BYTES = Setting(
    "SOJOURN_PENDING_BYTES", "67108864", "Bytes that may wait for the log before the answer is 503.", _positive
)
DRAIN_SECONDS = Setting(
    "SOJOURN_DRAIN_SECONDS", "10", "How long requests in flight may take to finish when the service stops.", _positive
)
QUERY_SECONDS = Setting("SOJOURN_QUERY_SECONDS", "30", "How long one query of the store may take.", _positive)
QUERY_THREADS = Setting("SOJOURN_QUERY_THREADS", "4", "Queries of the store that run at the same time.", _positive)
STATEMENT_BYTES = Setting(
    "SOJOURN_STATEMENT_BYTES",
    "",
    "Memory that one statement of a question may take of the store; from a third of it on it goes to disk.",
    _positive,
    depends="half of the machine's memory, divided by SOJOURN_QUERY_THREADS",
)
QUESTIONS_RUNNING = Setting(
    "SOJOURN_QUESTIONS_RUNNING", "4", "Questions of one tenant that are answered at the same time.", _positive
)
QUESTIONS_WAITING = Setting(
    "SOJOURN_QUESTIONS_WAITING", "32", "Questions of one tenant that may wait; the next one is answered 429.", _positive
)
QUESTION_SECONDS = Setting(
    "SOJOURN_QUESTION_SECONDS", "120", "How long a whole question may take before it is cancelled.", _positive
)
DEADLINE_SECONDS = Setting(
    "SOJOURN_DEADLINE_SECONDS", "5", "How long a producer waits for the log before the answer is 503.", _positive
)
REPLICATION = Setting("SOJOURN_TOPIC_REPLICATION", "1", "Number of brokers that hold each topic.", _positive)
SESSION_SECONDS = Setting(
    "SOJOURN_SESSION_SECONDS",
    "20",
    "After how long without a heartbeat a worker's partitions go to another worker (the broker requires 6 or more).",
    _positive,
)
RETRY_SECONDS = Setting(
    "SOJOURN_RETRY_SECONDS",
    "45",
    "How long a worker retries to store a batch before it exits and is started again; below 60.",
    _positive,
)
UNDECODABLE_RATIO = Setting(
    "SOJOURN_UNDECODABLE_RATIO",
    "0.5",
    "Share of frames that cannot be processed above which a worker stops and keeps its place; 1: never.",
    _share,
)
KEEP_SHARE = Setting(
    "SOJOURN_KEEP_SHARE",
    "0.5",
    "Share of one core's time that may be spent on publishing rolling windows; 0: none are published.",
    _share,
)
KEEP_ALIVE_SECONDS = Setting(
    "SOJOURN_KEEP_ALIVE_SECONDS",
    "30",
    "How long a connection may be idle between requests; behind a load balancer more than its own idle time (75).",
    _positive,
)
ADDRESS_CONNECTIONS = Setting(
    "SOJOURN_ADDRESS_CONNECTIONS",
    "1000",
    "Connections from one address over which no valid key has come; a new one ends the oldest idle one. 0: any number.",
    _natural,
)
LOG_FORMAT = Setting(
    "SOJOURN_LOG_FORMAT",
    "",
    "How log records are written: json (one object a line) or text.",
    _log_format,
    depends="text on a terminal, else json",
)

KAFKA_SECURITY = Setting(
    "KAFKA_SECURITY_PROTOCOL",
    kafka.PLAINTEXT,
    f"How Kafka is spoken to: {', '.join(kafka.PROTOCOLS)}.",
    _one_of(kafka.PROTOCOLS),
)
KAFKA_MECHANISM = Setting(
    "KAFKA_SASL_MECHANISM",
    kafka.MECHANISMS[0],
    f"How the user is named to Kafka (SASL): {', '.join(kafka.MECHANISMS)}.",
    _one_of(kafka.MECHANISMS),
)
KAFKA_USERNAME = Setting("KAFKA_SASL_USERNAME", "", "The user of Kafka (SASL).")
KAFKA_PASSWORD = Setting("KAFKA_SASL_PASSWORD", "", "The password of that user.", secret=True)
KAFKA_CA = Setting(
    "KAFKA_SSL_CA", "", "PEM file of the authorities whose certificates Kafka may have.", depends="those of the system"
)
KAFKA_CERTIFICATE = Setting("KAFKA_SSL_CERTIFICATE", "", "PEM file of the certificate that Kafka is shown, if it asks.")
KAFKA_KEY = Setting(
    "KAFKA_SSL_KEY", "", "PEM file of that certificate's key.", depends="it stands in the certificate's file"
)
KAFKA_KEY_PASSWORD = Setting("KAFKA_SSL_KEY_PASSWORD", "", "The password of that key.", secret=True)
STORE_CA = Setting(
    "SOJOURN_STORE_CA",
    "",
    "PEM file of the authorities whose certificates a ClickHouse server (https://…:8443/…) may have.",
    depends="those of the client's own list",
)
METRICS_TOKEN = Setting(
    "SOJOURN_METRICS_TOKEN",
    "",
    "Bearer token with which /metrics may be read.",
    depends="unset: only programs on the same machine may",
    secret=True,
)

SETTINGS: tuple[Setting, ...] = (
    HOST,
    PORT,
    DATA,
    TENANTS,
    STORE_DSN,
    KAFKA,
    TOPIC_PREFIX,
    DEMO,
    PENDING_BYTES,
    DRAIN_SECONDS,
    QUERY_SECONDS,
    QUERY_THREADS,
    STATEMENT_BYTES,
    QUESTIONS_RUNNING,
    QUESTIONS_WAITING,
    QUESTION_SECONDS,
    DEADLINE_SECONDS,
    REPLICATION,
    SESSION_SECONDS,
    RETRY_SECONDS,
    UNDECODABLE_RATIO,
    KEEP_SHARE,
    KEEP_ALIVE_SECONDS,
    ADDRESS_CONNECTIONS,
    LOG_FORMAT,
    METRICS_TOKEN,
    KAFKA_SECURITY,
    KAFKA_MECHANISM,
    KAFKA_USERNAME,
    KAFKA_PASSWORD,
    KAFKA_CA,
    KAFKA_CERTIFICATE,
    KAFKA_KEY,
    KAFKA_KEY_PASSWORD,
    STORE_CA,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process, paths absolute."""

    host: str
    port: int
    data: Path
    tenants: Path
    store_dsn: str = field(repr=False)
    kafka: str
    topic_prefix: str
    demo: bool
    pending_bytes: int
    drain_seconds: int
    query_seconds: int
    query_threads: int
    statement_bytes: int
    questions_running: int
    questions_waiting: int
    question_seconds: int
    deadline_seconds: int
    replication: int
    session_seconds: int
    retry_seconds: int
    undecodable_ratio: float
    keep_share: float
    keep_alive_seconds: int
    address_connections: int
    log_format: str
    metrics_token: str = field(repr=False)
    kafka_security_protocol: str
    kafka_mechanism: str
    kafka_username: str
    kafka_password: str = field(repr=False)
    kafka_ca: str
    kafka_certificate: str
    kafka_key: str
    kafka_key_password: str = field(repr=False)
    store_ca: str

    @property
    def kafka_security(self) -> KafkaSecurity:
        """How every client of Kafka is let in."""
        return KafkaSecurity(
            protocol=self.kafka_security_protocol,
            mechanism=self.kafka_mechanism,
            username=self.kafka_username,
            password=self.kafka_password,
            ca=self.kafka_ca,
            certificate=self.kafka_certificate,
            key=self.kafka_key,
            key_password=self.kafka_key_password,
        )


def read(environment: Mapping[str, str], *, port: int | None = None) -> Settings:
    """All settings from the environment; `port` is a service's own default. Raises `InvalidSetting`."""
    if port is not None:
        environment = {PORT.variable: str(port), **{name: text for name, text in environment.items() if text}}
    data = Path(DATA.read(environment)).absolute()
    found = Settings(
        host=HOST.read(environment),
        port=PORT.read(environment),
        data=data,
        tenants=Path(TENANTS.read(environment) or data / "tenants.json").absolute(),
        store_dsn=_with_authorities(STORE_DSN.read(environment) or f"chdb://{data / 'store'}", environment),
        kafka=KAFKA.read(environment) or "",
        topic_prefix=TOPIC_PREFIX.read(environment),
        demo=DEMO.read(environment),
        pending_bytes=PENDING_BYTES.read(environment),
        drain_seconds=DRAIN_SECONDS.read(environment),
        query_seconds=QUERY_SECONDS.read(environment),
        query_threads=QUERY_THREADS.read(environment),
        statement_bytes=STATEMENT_BYTES.read(environment) or 0,
        questions_running=QUESTIONS_RUNNING.read(environment),
        questions_waiting=QUESTIONS_WAITING.read(environment),
        question_seconds=QUESTION_SECONDS.read(environment),
        deadline_seconds=DEADLINE_SECONDS.read(environment),
        replication=REPLICATION.read(environment),
        session_seconds=SESSION_SECONDS.read(environment),
        retry_seconds=RETRY_SECONDS.read(environment),
        undecodable_ratio=UNDECODABLE_RATIO.read(environment),
        keep_share=KEEP_SHARE.read(environment),
        keep_alive_seconds=KEEP_ALIVE_SECONDS.read(environment),
        address_connections=ADDRESS_CONNECTIONS.read(environment),
        log_format=LOG_FORMAT.read(environment) or "",
        metrics_token=METRICS_TOKEN.read(environment) or "",
        kafka_security_protocol=KAFKA_SECURITY.read(environment) or "",
        kafka_mechanism=KAFKA_MECHANISM.read(environment) or "",
        kafka_username=KAFKA_USERNAME.read(environment) or "",
        kafka_password=KAFKA_PASSWORD.read(environment) or "",
        kafka_ca=KAFKA_CA.read(environment) or "",
        kafka_certificate=KAFKA_CERTIFICATE.read(environment) or "",
        kafka_key=KAFKA_KEY.read(environment) or "",
        kafka_key_password=KAFKA_KEY_PASSWORD.read(environment) or "",
        store_ca=STORE_CA.read(environment) or "",
    )
    if fault := found.kafka_security.fault():
        raise InvalidSetting(f"{KAFKA_SECURITY.variable}: {fault}")
    return found


def _with_authorities(dsn: str, environment: Mapping[str, str]) -> str:
    """The DSN with the authorities in its query, where the client of the store looks for them."""
    file = STORE_CA.read(environment)
    if not file:
        return dsn
    parts = urlsplit(dsn)
    if parts.scheme != "https":
        raise InvalidSetting(f"{STORE_CA.variable} is set, but {STORE_DSN.variable} does not begin with https://")
    if not Path(file).is_file():
        raise InvalidSetting(f"{STORE_CA.variable}={file}: there is no such file")
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), ("ca_cert", file)])))


def example() -> str:
    """The text of `deploy/.env.example`."""
    blocks = ["# Every setting with its default. Printed by `make generate`; change schemas/settings.py instead.\n"]
    for setting in SETTINGS:
        default = f"\n# Default: {setting.depends}." if setting.depends else ""
        in_file = "".join(f"# {name}= (a file that holds it)\n" for name in setting.variables[1:])
        blocks.append(f"# {setting.meaning}{default}\n# {setting.variable}={setting.default}\n{in_file}")
    return "\n".join(blocks)


if __name__ == "__main__":
    print(example(), end="")  # noqa: T201 -- `make generate` writes it to the file
