"""The subscription of the shop: trials of fourteen days, nearly half of them paid for, renewed by the month."""

from __future__ import annotations

from random import Random

from deploy.demo.journey import Journey, Person, instant

DAY = 86_400.0
MONTH = 30 * DAY
MONTHLY_LOSS = 0.055
"""The share of subscribers who leave in a month."""
LONGEST_DAYS = 360
_REASONS = (("too_expensive", "not_used", "switched", "other"), (38, 34, 18, 10))


def subscription(random: Random, name: str, person: Person, at: float) -> Journey:
    """A trial; then month by month, for a year at the longest."""
    journey = Journey(name, person, at)
    trial, paid = {"trial_id": f"tr-{name}"}, {"subscription_id": f"s-{name}"}
    ends = at + 14 * DAY
    journey.answer(
        "trial_started",
        0,
        **trial,
        trial_plan_name="plus",
        trial_start_date=instant(int(at * 1000)),
        trial_end_date=instant(int(ends * 1000)),
    )
    journey.at = ends
    if random.random() >= 0.46:
        journey.told("trial_ended", 0, **trial, trial_end_date=instant(int(ends * 1000)))
        return journey
    money = {"plan": "plus", "amount": 9.9, "currency": "EUR", "interval": "month"}
    journey.answer("subscription_started", 0, **paid, **trial, **money)
    while journey.at + MONTH < at + LONGEST_DAYS * DAY:
        drawn = random.random()
        if drawn < MONTHLY_LOSS:
            left = MONTH * random.random()
            (reason,) = random.choices(*_REASONS)
            journey.answer("subscription_cancelled", left, **paid, cancel_reason=reason)
            break
        if drawn < MONTHLY_LOSS + 0.02:
            journey.answer("payment_failed", MONTH, **paid, amount=9.9, currency="EUR")
            journey.answer("subscription_renewed", 2 * DAY, **paid, **money)
            continue
        journey.answer("subscription_renewed", MONTH, **paid, **money)
    return journey
