"""From a query string to a question, and how every refusal names what is wrong."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from query_api.parameters import Request, parse, shown
from query_api.question import Filter
from schemas.errors import Problem
from schemas.metrics import METRICS
from schemas.metrics.metric import Kind, Parameter
from schemas.periods import DAY_MS, format_instant, parse_instant
from schemas.tenants import Tenant

DEMO = Tenant(id="demo", timezone="Europe/Berlin", currency="EUR")
WATERMARK = parse_instant("2026-11-22T10:00:03.120Z", "UTC")


def ask(metric: str, *pairs: tuple[str, str]) -> Request:
    return parse(METRICS[metric], pairs, DEMO, WATERMARK)


def test_by_default_as_of_the_watermark_floored_to_the_second() -> None:
    question = ask("orders").question
    assert format_instant(question.at) == "2026-11-22T10:00:03Z"
    assert (question.end, question.end - question.start) == (question.at, DAY_MS)


def test_own_parameters_have_their_defaults_and_are_printed_as_text() -> None:
    assert shown(ask("cart_abandonment_rate", ("horizon", "P2D")).question) == {
        "entity": "cart",
        "horizon": "PT48H",
        "inactivity": "PT1H",
        "recovery": "P30D",
        "emptied": "abandoned",
    }


def test_a_text_is_taken_as_it_is_if_it_matches_and_settings_of_the_tenant_are_bound() -> None:
    scale = Parameter("scale", Kind.TEXT, "", "Which scale.", pattern="[0-9]+-[0-9]+")
    asked = replace(METRICS["orders"], parameters=(scale,), binds=lambda tenant, given: {**given, "id": tenant.id})
    assert parse(asked, [], DEMO, WATERMARK).question.bound == {"scale": "", "id": "demo"}
    assert parse(asked, [("scale", "1-5")], DEMO, WATERMARK).question.bound["scale"] == "1-5"
    with pytest.raises(Problem, match="scale: expected text"):
        parse(asked, [("scale", "1-5 or so")], DEMO, WATERMARK)


def test_events_are_canonical_and_sorted() -> None:
    assert ask("dau", ("events", "Signed In, Added Product")).question.parameters["events"] == (
        "product_added",
        "signed_in",
    )


def test_revenue_is_in_the_tenant_s_currency_unless_asked() -> None:
    assert ask("revenue").question.parameters["currency"] == "EUR"
    assert ask("revenue", ("currency", "USD")).question.parameters["currency"] == "USD"


def test_filters_add_up_and_no_value_is_null() -> None:
    filters = ask("orders", ("filter", "country:in:DE, AT"), ("filter", "channel:eq:")).question.filters
    assert filters == (Filter("country", "in", ("DE", "AT")), Filter("channel", "eq", ()))


def test_a_filter_reads_values_as_events_are_read() -> None:
    filters = ask("orders", ("filter", "country:in:de, at"), ("filter", "channel:eq: E-Mail ")).question.filters
    assert filters == (Filter("country", "in", ("DE", "AT")), Filter("channel", "eq", ("email",)))


def test_a_single_value_may_hold_commas_and_colons() -> None:
    assert ask("orders", ("filter", "trait.plan:ne:a,b:c")).question.filters[0].values == ("a,b:c",)

    assert ask("orders", ("filter", "trait.a:b:eq:x:in:y")).question.filters[0] == Filter(
        "trait.a:b", "eq", ("x:in:y",)
    )


def test_a_trait_is_a_segment() -> None:
    assert ask("dau", ("segment", "country,trait.plan")).question.segments == ("country", "trait.plan")


@pytest.mark.parametrize(
    ("metric", "pairs", "code", "field"),
    [
        ("orders", [("horizon", "PT1H")], "unknown_parameter", "horizon"),
        ("orders", [("statistic", "mean")], "unknown_parameter", "statistic"),
        ("resolution_time", [("statistic", "mode")], "invalid_parameter", "statistic"),
        ("orders", [("segment", "shoe_size")], "unknown_segment", "segment"),
        ("orders", [("segment", "trait.")], "unknown_segment", "segment"),
        ("orders", [("segment", "trait.*,event")], "unknown_segment", "segment"),
        ("orders", [("segment", "country,channel,device")], "invalid_parameter", "segment"),
        ("orders", [("segment", "country,country")], "invalid_parameter", "segment"),
        ("orders", [("filter", "agent:eq:g1")], "unknown_segment", "filter"),
        ("orders", [("filter", "country")], "invalid_parameter", "filter"),
        ("orders", [("filter", "country:like:D")], "invalid_parameter", "filter"),
        ("orders", [("filter", "country:in:DE,,AT")], "invalid_parameter", "filter"),
        ("orders", [("filter", "country:eq:\x00")], "invalid_parameter", "filter"),
        ("orders", [("filter", "country:eq:DE")] * 21, "invalid_parameter", "filter"),
        ("orders", [("at", "yesterday")], "invalid_parameter", "at"),
        ("orders", [("at", "2026-11-22T10:00:00")], "invalid_parameter", "at"),
        ("orders", [("at", "2026-11-22"), ("at", "2026-11-22")], "invalid_parameter", "at"),
        ("orders", [("tz", "Mars/Base")], "invalid_parameter", "tz"),
        ("orders", [("window", "P11Y")], "invalid_parameter", "window"),
        ("orders", [("window", "P4000D")], "invalid_parameter", "window"),
        ("orders", [("from", "2026-11-22")], "invalid_parameter", "to"),
        ("orders", [("limit", "0")], "invalid_parameter", "limit"),
        ("orders", [("limit", "1001")], "invalid_parameter", "limit"),
        ("orders", [("limit", "٣")], "invalid_parameter", "limit"),
        ("orders", [("compare", "next")], "invalid_parameter", "compare"),
        ("orders", [("definition", "zendesk")], "invalid_parameter", "definition"),
        ("dau", [("events", "a,,b")], "invalid_parameter", "events"),
        ("dau", [("min_events", "-1")], "invalid_parameter", "min_events"),
        ("dau", [("days", "367")], "invalid_parameter", "days"),
        ("revenue", [("currency", "eur")], "invalid_parameter", "currency"),
        ("first_response_time", [("bots", "yes")], "invalid_parameter", "bots"),
        ("cart_abandonment_rate", [("horizon", "PT0S")], "invalid_parameter", "horizon"),
        ("cart_abandonment_rate", [("entity", "basket")], "invalid_parameter", "entity"),
    ],
)
def test_every_refusal_names_its_parameter(metric: str, pairs: list[tuple[str, str]], code: str, field: str) -> None:
    with pytest.raises(Problem) as refusal:
        ask(metric, *pairs)
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_a_state_spans_local_days_up_to_t() -> None:
    request = ask("wau", ("compare", "previous"))
    assert format_instant(request.question.end) == "2026-11-22T10:00:03Z"
    assert format_instant(request.question.start) == "2026-11-15T23:00:00Z"
    assert request.previous
    assert format_instant(request.previous.end) == "2026-11-15T10:00:03Z"
    assert request.previous.at == request.question.at


def test_a_state_is_taken_at_the_window_s_end_if_that_is_earlier() -> None:
    question = ask("dau", ("from", "2026-11-10"), ("to", "2026-11-12")).question
    assert format_instant(question.start) == "2026-11-10T23:00:00Z"
    assert format_instant(question.end) == "2026-11-11T23:00:00Z"


def test_a_backlog_is_compared_with_the_one_at_the_window_s_start() -> None:
    request = ask("backlog", ("compare", "previous"), ("window", "PT2H"))
    assert request.previous
    assert request.previous.end == request.question.start == request.question.end - 7_200_000


@pytest.mark.parametrize(
    ("query", "definition"),
    [
        ([], "exposure"),
        ([("window", "P30D")], "exposure"),
        ([("window", "P30D"), ("definition", "default")], "exposure"),
        ([("window", "P30D"), ("definition", "named")], "named"),
        ([("period", "month")], "default"),
        ([("from", "2026-11-01"), ("to", "2026-12-01")], "default"),
    ],
)
def test_a_default_may_depend_on_whether_the_window_rolls(query: list[tuple[str, str]], definition: str) -> None:
    assert parse(METRICS["churn_rate"], query, DEMO, WATERMARK).question.metric.definition == definition


def test_a_length_may_be_one_that_the_events_tell() -> None:
    query = [("definition", "non_contractual"), ("tau", "auto")]
    question = parse(METRICS["churn_rate"], query, DEMO, WATERMARK).question
    assert question.parameters["tau"] == shown(question)["tau"] == "auto"
    with pytest.raises(Problem):
        parse(METRICS["churn_rate"], [("definition", "non_contractual"), ("tau", "often")], DEMO, WATERMARK)


def test_the_period_before_is_as_long_for_the_window_that_is_compared() -> None:
    query = [("from", "2026-11-09"), ("to", "2026-11-16"), ("definition", "activity"), ("compare", "previous")]
    request = parse(METRICS["retention_rate"], query, DEMO, WATERMARK)
    assert request.previous is not None
    assert request.question.preceding == request.previous.start
    assert request.previous.preceding == 2 * request.previous.start - request.previous.end


@pytest.mark.parametrize(
    ("metric", "more", "as_of"),
    [
        ("repeat_purchase_rate", (), "2026-10-26T22:00:00Z"),
        ("first_response_time", (), "2026-10-26T22:00:00Z"),
        ("cart_abandonment_rate", (("horizon", "P7D"),), "2026-10-26T22:00:00Z"),
        ("cart_abandonment_rate", (), "2026-11-02T23:00:00Z"),
        ("nps", (), "2026-11-02T23:00:00Z"),
        ("nps", (("attribution", "cohort"),), "2026-10-26T22:00:00Z"),
        ("orders", (), "2026-11-02T23:00:00Z"),
    ],
)
def test_a_young_cohort_is_compared_with_the_one_before_as_of_the_same_age(
    metric: str, more: tuple[tuple[str, str], ...], as_of: str
) -> None:
    window = (("from", "2026-10-25"), ("to", "2026-11-01"), ("at", "2026-11-02T23:00:00Z"), ("compare", "previous"))
    request = ask(metric, *window, *more)
    assert request.previous is not None
    assert format_instant(request.previous.at) == as_of


@pytest.mark.parametrize(
    ("name", "hint"), [("windw", "is window meant?"), ("segments", "is segment meant?"), ("colour", "/docs lists")]
)
def test_a_name_that_is_close_to_a_parameter_is_told_which(name: str, hint: str) -> None:
    with pytest.raises(Problem, match=re.escape(hint)):
        ask("orders", (name, "P1D"))
