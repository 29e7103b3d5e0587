"""`deploy/compose.yaml` and `deploy/Dockerfile` against the code: what can be checked without a Docker engine."""

from __future__ import annotations

import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from deploy.cli import COMMANDS, parser
from deploy.observe import router
from schemas import settings
from tests.kafka.broker import SETTINGS as BROKER

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
DOCKERFILE = re.sub(r"\\\n", " ", (ROOT / "deploy/Dockerfile").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "sojourn:local"}
FOREIGN = {name: service for name, service in SERVICES.items() if name not in OURS}
LONG_RUNNING = {name: service for name, service in OURS.items() if name != "setup"}
DECLARED = {variable for setting in settings.SETTINGS for variable in setting.variables}
# What the images of others read; apache/kafka turns KAFKA_X_Y into its property x.y.
IMAGE_VARIABLES = {
    "kafka": re.compile(r"CLUSTER_ID|KAFKA_[A-Z_]+"),
    "clickhouse": re.compile(r"CLICKHOUSE_(USER|PASSWORD|DB|DEFAULT_ACCESS_MANAGEMENT)"),
    # GF_SECTION_KEY sets a key of grafana.ini: those of its documentation that are used here.
    "grafana": re.compile(
        "GF_(AUTH_ANONYMOUS_(ENABLED|ORG_ROLE)|AUTH_BASIC_ENABLED|AUTH_DISABLE_LOGIN_FORM"
        "|SECURITY_DISABLE_INITIAL_ADMIN_CREATION|DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
        "|PLUGINS_(PREINSTALL_DISABLED|PREINSTALL_AUTO_UPDATE|PLUGIN_ADMIN_ENABLED)"
        "|ANALYTICS_(REPORTING_ENABLED|CHECK_FOR_UPDATES|CHECK_FOR_PLUGIN_UPDATES|FEEDBACK_LINKS_ENABLED)"
        "|NEWS_NEWS_FEED_ENABLED|SNAPSHOTS_EXTERNAL_ENABLED)"
    ),
}
# Where the images of others listen, and what in them says whether they are ready.
PUBLISHED = {"prometheus": 9090, "grafana": 3000}
PROBES = {
    "prometheus": ["CMD", "promtool", "check", "ready", "--url=http://127.0.0.1:9090"],
    "grafana": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/api/health"],
}
KAFKA_VERSION = re.findall(r"<kafka.version>(.*)</kafka.version>", (ROOT / "tests/kafka/pom.xml").read_text())[0]
CONDITIONS = {"service_healthy", "service_started", "service_completed_successfully"}


def seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text.removesuffix("s"))


def filled(text: str) -> str:
    """The text with the defaults of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def environment(service: str) -> dict[str, str]:
    """What the service is given; the files of secrets are made by `setup`."""
    given = OURS[service].get("environment", {})
    files = {variable for setting in settings.SETTINGS for variable in setting.variables[1:]}
    return {name: filled(value) for name, value in given.items() if name not in files}


def test_the_issue_s_services_are_there_and_the_images_of_others_are_pinned() -> None:
    assert set(LONG_RUNNING) == {"ingest", "processors", "query"}
    assert {service["image"].split(":")[0] for service in FOREIGN.values()} == {
        "apache/kafka",
        "clickhouse/clickhouse-server",
        "prom/prometheus",
        "grafana/grafana",
    }
    for service in FOREIGN.values():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d[\w.-]*", service["image"]), service["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_is_one_that_somebody_reads(name: str) -> None:
    given = SERVICES[name].get("environment", {})
    assert all(isinstance(value, str) for value in given.values()), "a number in YAML may be read in another way"
    if name in OURS:
        assert set(given) <= DECLARED
        settings.read(environment(name))
    else:
        assert all(IMAGE_VARIABLES[name].fullmatch(variable) for variable in given)


def test_the_broker_runs_as_in_the_tests() -> None:
    given = SERVICES["kafka"]["environment"]
    as_variables = {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in BROKER.items()}
    assert {name: value for name, value in given.items() if name in as_variables}.items() <= as_variables.items()
    single = {name for name in as_variables if name.endswith(("REPLICATION_FACTOR", "MIN_ISR"))}
    assert single <= given.keys(), "one broker cannot keep more than one copy"
    assert SERVICES["kafka"]["image"].endswith(f":{KAFKA_VERSION}")


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists_and_its_options_too(name: str) -> None:
    chosen = parser().parse_args(OURS[name]["command"])
    assert chosen.command == name


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_ports_and_probes_lead_to_where_the_service_listens(name: str) -> None:
    read = settings.read(environment(name), port=COMMANDS[name].port)
    assert read.host == "0.0.0.0", "another container could not reach it"
    assert read.port == COMMANDS[name].port
    published = LONG_RUNNING[name].get("ports", [])
    assert published in ([], [f"127.0.0.1:{read.port}:{read.port}"])
    kind, program, option, code = LONG_RUNNING[name]["healthcheck"]["test"]
    assert (kind, program, option) == ("CMD", "python", "-c")
    compile(code, "health check", "exec")
    ((port, path),) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", code)
    assert int(port) == read.port
    probes = router(cast("Any", None), dict).routes
    assert path in {getattr(route, "path", "") for route in probes}


def test_nothing_else_is_published_and_what_is_on_loopback_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"ingest", "query", *PUBLISHED}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    for name, port in PUBLISHED.items():
        assert published[name] == [f"127.0.0.1:{port}:{port}"]
        assert SERVICES[name]["healthcheck"]["test"] == PROBES[name]
        assert f"http://127.0.0.1:{port}" in MAKEFILE, "`make up` says where it is"


def test_setup_tells_prometheus_where_query_is() -> None:
    chosen = parser().parse_args(OURS["setup"]["command"])
    assert chosen.scrape == f"query:{settings.read(environment('query'), port=COMMANDS['query'].port).port}"


def test_prometheus_can_read_the_tokens_and_not_change_them() -> None:
    prometheus = SERVICES["prometheus"]
    (user,) = re.findall(r"^USER \d+:(\d+)$", DOCKERFILE, re.MULTILINE)
    assert prometheus["group_add"] == [user], "the group that owns what setup writes"
    (settings_mount,) = [mount for mount in prometheus["volumes"] if mount.startswith("settings:")]
    assert settings_mount.endswith(":ro")
    assert prometheus["depends_on"]["setup"]["condition"] == "service_completed_successfully"


def test_prometheus_keeps_its_data_in_its_volume_and_takes_what_setup_writes_later() -> None:
    command = SERVICES["prometheus"]["command"]
    flags = dict(flag.removeprefix("--").partition("=")[::2] for flag in command)
    assert set(flags) == {"config.file", "config.auto-reload", "storage.tsdb.path", "storage.tsdb.retention.time"}
    assert f"prometheus:{flags['storage.tsdb.path']}" in SERVICES["prometheus"]["volumes"]
    assert "grafana:/var/lib/grafana" in SERVICES["grafana"]["volumes"]


def test_grafana_has_readers_and_nobody_else_and_asks_nobody_outside() -> None:
    given = SERVICES["grafana"]["environment"]
    assert (given["GF_AUTH_ANONYMOUS_ENABLED"], given["GF_AUTH_ANONYMOUS_ORG_ROLE"]) == ("true", "Viewer")
    assert (given["GF_AUTH_BASIC_ENABLED"], given["GF_AUTH_DISABLE_LOGIN_FORM"]) == ("false", "true")
    assert given["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true", "or admin:admin would open it"
    assert given["GF_PLUGINS_PREINSTALL_DISABLED"] == "true", "it would download plugins at every start"
    outside = {name: value for name, value in given.items() if name.startswith(("GF_ANALYTICS", "GF_NEWS", "GF_SNAP"))}
    assert len(outside) == 6
    assert set(outside.values()) == {"false"}


def test_make_generate_writes_the_board() -> None:
    assert "-m deploy.grafana_board > deploy/grafana/sojourn.json" in MAKEFILE


def test_the_addresses_are_those_of_the_other_containers() -> None:
    read = settings.read(environment("query"))
    (user, password, host, port, database) = cast(
        "tuple[str, ...]",
        cast("re.Match[str]", re.fullmatch(r"http://(\w+):(\w+)@(\w+):(\d+)/(\w+)", read.store_dsn)).groups(),
    )
    server = SERVICES[host]["environment"]
    assert (user, password) == (server["CLICKHOUSE_USER"], filled(server["CLICKHOUSE_PASSWORD"]))
    assert (port, database) == ("8123", "sojourn")
    broker, _, port = read.kafka.partition(":")
    assert f"PLAINTEXT://{broker}:{port}" == SERVICES[broker]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_exists_and_can_come_true(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert how["condition"] in CONDITIONS
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if how["condition"] == "service_completed_successfully":
            assert "restart" not in SERVICES[other], "it would never be complete"


def test_every_volume_is_declared_and_every_mounted_file_exists() -> None:
    for service in SERVICES.values():
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            assert (ROOT / "deploy" / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", [*LONG_RUNNING, *FOREIGN])
def test_every_service_comes_back_and_has_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    drain = int(settings.DRAIN_SECONDS.default)
    assert seconds(service["stop_grace_period"]) >= (40 if name == "processors" else drain + 10)


def test_the_image_runs_as_nobody_in_particular_and_starts_the_command_line() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert json.loads(cast("re.Match[str]", re.search(r"^ENTRYPOINT (.*)$", last, re.MULTILINE))[1]) == ["sojourn"]
    for variable in re.findall(r"\b(SOJOURN_\w+)=", last):
        assert variable in DECLARED


def test_everything_that_is_copied_exists_and_is_sent_to_the_engine() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line.removeprefix("!") for line in lines if line.startswith("!")]
    withheld = [line for line in lines if line and not line.startswith(("#", "!"))][1:]
    copied = [shlex.split(line)[1:-1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    assert copied
    for path in (path for line in copied for path in line):
        assert (ROOT / path).exists(), path
        assert path.split("/")[0] in sent, f"{path} is left out by .dockerignore"
        assert not any(fnmatch(path, pattern) for pattern in withheld)


def test_the_image_is_built_with_the_uv_of_the_makefile() -> None:
    (pinned,) = re.findall(r"^UV := (\S+)$", MAKEFILE, re.MULTILINE)
    assert pinned in DOCKERFILE


def test_what_the_image_leaves_out_is_in_the_lock_by_these_names() -> None:
    locked = set(re.findall(r"^([\w-]+)==", (ROOT / "deploy/locks/runtime.txt").read_text(), re.MULTILINE))
    left_out = cast("re.Match[str]", re.search(r"printf '([^']+)' > /tmp/left-out", DOCKERFILE))[1].split("\\n")
    assert set(filter(None, left_out)) == {name for name in locked if name.startswith("chdb")}
