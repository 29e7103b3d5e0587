"""Settings: typed, documented in one place, and the example file says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import settings

ROOT = Path(__file__).parents[3]


def test_the_example_file_is_what_the_settings_print() -> None:
    assert (ROOT / "deploy/.env.example").read_text() == settings.example(), "run `make generate`"


def test_everything_else_follows_the_data_folder() -> None:
    read = settings.read({"SOJOURN_DATA": "/srv/sojourn"})
    assert read.store_dsn == "chdb:///srv/sojourn/store"
    assert read.tenants == Path("/srv/sojourn/tenants.json")
    assert (read.host, read.port, read.demo) == ("127.0.0.1", 8080, True)


def test_an_empty_variable_counts_as_unset() -> None:
    assert settings.read({"SOJOURN_PORT": "", "SOJOURN_TENANTS": ""}).port == 8080


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SOJOURN_PORT", "http"), ("SOJOURN_PORT", "70000"), ("DEMO", "maybe"), ("SOJOURN_QUERY_THREADS", "0")],
)
def test_a_value_that_cannot_be_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(settings.InvalidSetting, match=variable):
        settings.read({variable: value})


def test_every_setting_has_a_typed_field_and_every_field_a_setting() -> None:
    assert len(settings.SETTINGS) == len(settings.Settings.__dataclass_fields__)


SECRETS = [setting for setting in settings.SETTINGS if setting.secret]


@pytest.mark.parametrize("setting", SECRETS, ids=lambda setting: setting.variable)
def test_every_secret_may_stand_in_a_file(tmp_path: Path, setting: settings.Setting) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    in_file = {setting.variables[1]: str(file)}
    assert setting.read(in_file) == setting.read({setting.variable: "s3cret"}) == "s3cret"
    with pytest.raises(settings.InvalidSetting, match="both set"):
        setting.read({**in_file, setting.variable: "other"})
    file.write_text(" \n")
    with pytest.raises(settings.InvalidSetting, match="is empty"):
        setting.read(in_file)
    with pytest.raises(settings.InvalidSetting, match="cannot be read"):
        setting.read({setting.variables[1]: str(tmp_path / "none")})


def test_no_secret_is_shown_with_the_other_settings() -> None:
    given = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u"}
    given |= {setting.variable: f"https://hidden-{number}/" for number, setting in enumerate(SECRETS)}
    assert "hidden" not in repr(settings.read(given))


def test_every_setting_that_can_hold_a_password_is_a_secret() -> None:
    words = ("PASSWORD", "TOKEN", "DSN")
    named = {each.variable for each in settings.SETTINGS if any(word in each.variable for word in words)}
    assert named == {setting.variable for setting in SECRETS}
