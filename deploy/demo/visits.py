"""A visit to the shop, from the first page to the order and what follows from it: refund, survey, review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from deploy.demo import opinions
from deploy.demo.journey import Journey, Person
from deploy.demo.people import CODES

DAY = 86_400.0
PRODUCTS = tuple(
    (f"p{number}", name, price)
    for number, (name, price) in enumerate(
        (
            ("Espresso beans 1 kg", 18.9),
            ("Filter coffee 500 g", 9.9),
            ("Hand grinder", 64.0),
            ("Drip kettle", 49.5),
            ("Paper filters", 4.9),
            ("Cup, set of two", 24.0),
            ("Moka pot", 34.9),
            ("Scales", 39.0),
            ("French press", 29.9),
            ("Green tea 100 g", 7.5),
            ("Cold brew bottle", 27.5),
            ("Espresso machine", 389.0),
        )
    )
)
POPULAR = (24, 20, 6, 6, 18, 9, 8, 5, 7, 10, 6, 1)
PURPOSES = (("just browsing", "to buy", "an advertisement", "order status", "support"), (38, 30, 14, 11, 7))
ADDS = {"mobile": 0.095, "tablet": 0.11, "desktop": 0.125}
CHECKS_OUT = 0.55
PAYS = {"mobile": 0.51, "tablet": 0.58, "desktop": 0.67}
PAYS_AFTER_THE_RELEASE = 0.14
"""The share of checkouts on a mobile that get paid while the release is out that broke them."""
ABROAD = {"DE": 1.0, "AT": 0.84, "CH": 0.9}
CYCLE_DAYS = 56
RELEASE = date(2024, 1, 9).toordinal()
"""A Tuesday. Every eighth week a release goes out that breaks the checkout on mobiles, mended on the Thursday."""


def is_release(day: date) -> bool:
    """Whether the release that hurts is out on this day."""
    return (day.toordinal() - RELEASE) % CYCLE_DAYS < 2


@dataclass(frozen=True, slots=True)
class Coming:
    """Why somebody comes: whether to make an account, and by whose referral code."""

    signs_up: bool = False
    code: str = ""
    is_new: bool = False


def visit(random: Random, name: str, person: Person, at: float, *, day: date, coming: Coming) -> Journey:
    """The journey of one visit."""
    journey = Journey(name, person, at, session=True)
    landing = {"path": "/", "referrer": "https://www.google.com/"} if random.random() < 0.4 else {"path": "/"}
    if coming.code:
        landing["referral_code"] = coming.code
    journey.say("screen_viewed" if person.channel == "app" else "page_viewed", 0, **landing)
    if person.user and not coming.is_new and random.random() < 0.55:
        journey.log_in()
    if random.random() < 0.06:
        (purpose,) = random.choices(*PURPOSES)
        journey.say("visit_purpose_answered", 6, purpose=purpose)
    if random.random() < 0.2:
        journey.say("products_searched", 8, query=random.choice(("beans", "grinder", "filter", "gift", "tea")))
    elif random.random() < 0.4:
        journey.say("product_list_viewed", 9, list_id="all", category="coffee")
    for _ in range(random.choices((0, 1, 2, 4), (30, 38, 22, 10))[0]):
        product, _, price = random.choices(PRODUCTS, POPULAR)[0]
        journey.say("product_viewed", 10 + random.random() * 60, product_id=product, price=price, currency="EUR")
    if coming.signs_up:
        journey.logged_in = True
        journey.say("signed_up", 40, type="invited" if coming.code else "organic")
        journey.alias()
    if journey.logged_in and person.user[1:].isdigit() and random.random() < 0.012:
        code = f"R{int(person.user[1:]) % CODES}"
        journey.say("invite_sent", 30, invitee_email="friend@example.com", referral_code=code)
    if random.random() < ADDS[person.device]:
        _shop(random, journey, day, coming)
    return journey


def _shop(random: Random, journey: Journey, day: date, coming: Coming) -> None:
    """A cart, and if all goes well the order."""
    person = journey.person
    cart = f"c-{journey.name}"
    total = 0.0
    lines = random.choices((1, 2, 3), (60, 28, 12))[0]
    for _ in range(lines):
        product, _, price = random.choices(PRODUCTS, POPULAR)[0]
        total += price
        added = {"cart_id": cart, "product_id": product, "price": price, "quantity": 1, "currency": "EUR"}
        journey.say("product_added", 15 + random.random() * 40, **added)
    if lines > 1 and random.random() < 0.12:
        journey.say("product_removed", 10, **added)
        total -= price
    journey.say("cart_viewed", 8, cart_id=cart)
    if random.random() >= CHECKS_OUT:
        return
    journey.log_in()
    checkout, method = f"k-{journey.name}", random.choices(("card", "paypal", "invoice"), (50, 38, 12))[0]
    told = {"checkout_id": checkout, "cart_id": cart}
    journey.say("checkout_started", 10, **told, value=round(total, 2), currency="EUR")
    journey.say("checkout_step_completed", 45, **told, step="1", shipping_method="standard")
    chance = PAYS[person.device] * ABROAD[person.country]
    if person.device == "mobile" and is_release(day):
        chance = PAYS_AFTER_THE_RELEASE
    if random.random() < 0.85:
        journey.say("payment_info_entered", 35, **told, payment_method=method)
    if random.random() < chance:
        _order(random, journey, {**told, "payment_method": method}, round(total, 2), coming)


def _order(random: Random, journey: Journey, told: dict[str, str], total: float, coming: Coming) -> None:
    person, order = journey.person, f"o-{journey.name}"
    code = {"referral_code": coming.code} if coming.code else {}
    paid = {"payment_fingerprint": f"f-{person.anonymous}", **code}
    journey.say("order_completed", 20, **told, **paid, order_id=order, total=total, currency="EUR")
    if random.random() < 0.4:
        opinions.effort(journey, random, order)
    drawn = random.random()
    if drawn < 0.02:
        journey.told("order_cancelled", 3600 * (1 + random.random() * 6), order_id=order)
        return
    opinions.invite(journey, random, "nps", after=2 * DAY, rate=0.28, related=order)
    if random.random() < 0.1:
        opinions.review(journey, random, DAY * (0.5 + random.random()))
    if drawn < 0.08:
        amount = {"total": round(total / 2, 2)} if random.random() < 0.5 else {"total": total}
        journey.told("order_refunded", DAY * (1 + 2 * random.random()), order_id=order, currency="EUR", **amount)
