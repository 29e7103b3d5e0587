"""One event under all its spellings, and who is taken to have done it (docs/definitions.md#actors)."""

from __future__ import annotations

import pytest

from schemas.events import EVENTS, canonical, lookup, names_of_family
from schemas.events.bots import is_crawler
from schemas.events.naming import Names


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Product Added", "product_added"),
        ("product_added", "product_added"),
        ("productAdded", "product_added"),
        ("PRODUCT-ADDED", "product_added"),
        ("add_to_cart", "product_added"),
        ("Added Product", "product_added"),
        ("page", "page_viewed"),
        ("$pageview", "page_viewed"),
        ("screen", "screen_viewed"),
        ("begin_checkout", "checkout_started"),
        ("purchase", "order_completed"),
        ("Completed Order", "order_completed"),
        ("Order Canceled", "order_cancelled"),
        ("refund", "order_refunded"),
        ("Ticket Solved", "ticket_solved"),
        ("login", "signed_in"),
        ("My Own Event", "my_own_event"),
        ("Заказ создан", "заказ_создан"),
        ("  !  ", "!"),
    ],
)
def test_every_spelling_leads_to_one_name(spelling: str, name: str) -> None:
    assert canonical(spelling) == name


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_canonical_name_stays_what_it_is(name: str) -> None:
    assert canonical(name) == canonical(canonical(name)) == name


def test_no_alias_means_two_events() -> None:
    names = Names()
    names.declare("order_completed", ("purchase",))
    with pytest.raises(ValueError, match="both order_completed and sale"):
        names.declare("sale", ("purchase",))


@pytest.mark.parametrize(
    ("name", "actor"),
    [
        ("page_viewed", "person"),
        ("product_added", "person"),
        ("checkout_started", "person"),
        ("order_completed", "person"),
        ("signed_in", "person"),
        ("ticket_created", "person"),
        ("never_heard_of", "person"),
        ("ticket_assigned", "agent"),
        ("ticket_status_changed", "agent"),
        ("identify", "system"),
        ("alias", "system"),
        ("order_refunded", "system"),
        ("order_cancelled", "system"),
        ("subscription_started", "person"),
        ("subscription_renewed", "system"),
        ("subscription_updated", "system"),
        ("subscription_cancelled", "system"),
        ("email_opened", "system"),
    ],
)
def test_who_does_an_event(name: str, actor: str) -> None:
    assert lookup(name).actor == actor


def test_visits_are_told_by_the_visit_family() -> None:
    assert {"page_viewed", "screen_viewed", "application_opened"} < set(names_of_family("visit"))
    assert "product_viewed" not in names_of_family("visit")


def test_a_published_crawler_is_known_and_a_browser_is_not() -> None:
    assert is_crawler("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)")
    assert not is_crawler(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15"
    )
