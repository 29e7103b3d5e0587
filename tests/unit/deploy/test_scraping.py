"""What `sojourn setup --scrape` leaves for Prometheus: each tenant with a known token, and nothing of former ones."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from deploy import cli
from deploy.scraping import JOBS, METRICS, write
from query_api.exposition import PATH
from schemas.tenants import Tenant

HASHED = "sha256:" + "0" * 64
SHOP = Tenant(id="shop", read_tokens=(HASHED, "rt_shop"))
DESK = Tenant(id="desk.eu", read_tokens=("rt_desk",))
SECRET = Tenant(id="secret", read_tokens=(HASHED,))


def test_each_tenant_has_a_job_with_its_own_token_and_its_name_as_a_label(tmp_path: Path) -> None:
    folder = tmp_path / "data/prometheus"
    write(folder, [SHOP, DESK], "query:8081")
    shop, desk = json.loads((folder / JOBS).read_text())["scrape_configs"]
    for job, tenant, token in ((shop, "shop", "rt_shop"), (desk, "desk.eu", "rt_desk")):
        assert job["metrics_path"] == PATH
        assert job["static_configs"] == [{"targets": ["query:8081"], "labels": {"tenant": tenant}}]
        assert job["authorization"]["type"] == "Bearer"
        assert (folder / job["authorization"]["credentials_file"]).read_text() == token
    assert shop["job_name"] != desk["job_name"]


def test_only_the_group_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    write(folder, [SHOP], "query:8081")
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o640}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_a_tenant_with_hashed_tokens_is_left_out_and_said_so(tmp_path: Path) -> None:
    told = write(tmp_path, [SHOP, SECRET], "query:8081")
    assert {file.name for file in tmp_path.iterdir()} == {JOBS, METRICS, "shop.token"}
    assert [job["job_name"] for job in json.loads((tmp_path / JOBS).read_text())["scrape_configs"]] == [
        "sojourn-values-shop"
    ]
    assert "shop" in told[0]
    assert "secret" not in told[0]
    assert any("tenant secret is left out" in line for line in told[1:])
    assert "rt_shop" not in "".join(told)


def test_the_token_of_the_signals_is_made_once(tmp_path: Path) -> None:
    told = write(tmp_path, [SHOP], "query:8081")
    token = (tmp_path / METRICS).read_text()
    assert len(token) >= 32
    assert token not in "".join(told)
    write(tmp_path, [DESK], "query:8081")
    assert (tmp_path / METRICS).read_text() == token


def test_what_was_written_before_is_replaced_and_former_tenants_go(tmp_path: Path) -> None:
    write(tmp_path, [SHOP, DESK], "query:8081")
    write(tmp_path, [Tenant(id="desk.eu", read_tokens=("rt_new",))], "query:9999")
    assert {file.name for file in tmp_path.iterdir()} == {JOBS, METRICS, "desk.eu.token"}
    assert (tmp_path / "desk.eu.token").read_text() == "rt_new"
    assert "shop" not in (tmp_path / JOBS).read_text()
    assert write(tmp_path, [SECRET], "query:9999")[0].startswith("Prometheus finds the values of no tenant")
    assert json.loads((tmp_path / JOBS).read_text()) == {"scrape_configs": []}


@pytest.mark.parametrize("address", ["query", ":8081", "query:", "query:0", "query:99999", "query:²"])
def test_an_address_that_is_none_is_wrong_usage(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["setup", "--scrape", address])
    assert left.value.code == 2
    assert "is no host:port" in capsys.readouterr().err
