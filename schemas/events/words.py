"""The vocabularies of events: the words of each enumerated property, and what producers write for them."""

from __future__ import annotations

import re

from schemas.words import Vocabulary, folded

TICKET_STATUSES = Vocabulary(
    "status of a ticket",
    {
        "open": ("new", "todo", "to do", "in progress", "in review", "started", "active", "assigned", "unassigned",
                 "reopened", "re-opened", "escalated", "waiting for support", "waiting on support",
                 "waiting for agent", "waiting on us"),
        "pending": ("hold", "on hold", "waiting", "snoozed", "paused", "waiting for customer", "waiting on customer",
                    "waiting for reply", "awaiting reply", "awaiting customer", "pending customer",
                    "waiting on third party", "waiting on contact"),
        "solved": ("resolved", "done", "complete", "completed", "fixed", "answered"),
        "closed": ("archived", "close"),
        "merged": ("merge", "duplicate"),
        "deleted": ("trash", "trashed", "removed", "delete"),
        "spam": ("junk", "suspended", "marked as spam"),
        "undeleted": ("restored", "undelete", "recovered", "not spam", "unmarked as spam"),
    },
)  # fmt: skip
"""The words that are transitions of a ticket; the last four take it out of all counts, or back into them."""

SUBSCRIPTION_STATUSES = Vocabulary(
    "status of a subscription",
    {
        "active": ("on", "live", "current", "paid", "non renewing", "renewed"),
        "trialing": ("trial", "trialling", "in trial", "on trial"),
        "past_due": ("pastdue", "overdue", "in grace", "grace period", "in dunning"),
        "incomplete": ("future", "not started", "pending", "created"),
        "incomplete_expired": ("never paid", "abandoned"),
        "paused": ("on hold", "suspended", "frozen"),
        "unpaid": ("failed", "uncollectible"),
        "cancelled": ("canceled", "cancel"),
        "ended": ("end", "expired", "inactive", "terminated", "deleted", "lapsed", "churned", "stopped", "closed",
                  "finished", "completed"),
    },
)  # fmt: skip
"""Of these only the first three are on (docs/definitions.md#subscriptions)."""

INTERVALS = Vocabulary(
    "interval",
    {
        "day": ("days", "daily", "d"),
        "week": ("weeks", "weekly", "w", "wk"),
        "month": ("months", "monthly", "m", "mo", "mth", "per month"),
        "quarter": ("quarters", "quarterly", "trimester", "every quarter"),
        "year": ("years", "yearly", "annual", "annually", "annum", "y", "yr", "per year"),
    },
)

_TERM = re.compile(r"(p)?(?:(\d{1,4})_?)?([a-z_]+)")
LARGEST_COUNT = 9_999
"""Of how many days, weeks … an interval can be, and how many of these one term."""
_EVERY = {"half_year": "6 month", "halfyear": "6 month", "semiannual": "6 month", "semiannually": "6 month",
          "semi_annual": "6 month", "biannual": "6 month", "biannually": "6 month", "half_yearly": "6 month",
          "fortnight": "2 week", "fortnightly": "2 week", "biweekly": "2 week", "biennial": "2 year",
          "bimonthly": "2 month"}  # fmt: skip


def read_interval(text: str, count: int = 1) -> str:
    """How long a term of a subscription is, such as `month` or `3 month`; "" for what is no interval.

    `count` is how many of the unit a term has, where that stands in a field of its own (`interval_count`).
    """
    key = folded(text)
    found = _TERM.fullmatch(_EVERY.get(key, key).replace(" ", "_"))
    unit = INTERVALS.known(found[3]) if found else ""
    if found is None or not unit:
        return ""
    number = int(found[2] or 1) * count
    return "" if number < 1 else unit if number == 1 else f"{number} {unit}"


SURVEY_TYPES = Vocabulary(
    "survey_type",
    {
        "nps": ("net promoter score", "net promoter", "enps"),
        "csat": ("customer satisfaction", "satisfaction", "customer satisfaction score"),
        "ces": ("customer effort", "effort", "customer effort score"),
    },
)
POLARITIES = Vocabulary(
    "polarity",
    {
        "high": ("high is good", "higher is better", "positive", "ascending", "asc"),
        "low": ("low is good", "lower is better", "negative", "descending", "desc", "inverted"),
    },
)
SCORES = Vocabulary(
    "score",
    {"yes": ("good", "positive", "thumbs up"), "no": ("bad", "negative", "thumbs down")},
    numbers=True,
)
"""Scores are numbers; the words lie on a scale from 0 (no) to 1 (yes)."""
SIGN_UP_TYPES = Vocabulary("type", {"organic": (), "invited": ("invite", "invitation", "referral", "referred")})

AUTHORS = Vocabulary(
    "author_type",
    {
        "agent": ("staff", "admin", "operator", "teammate", "support", "employee"),
        "customer": ("user", "end user", "enduser", "visitor", "contact", "lead", "requester", "client", "consumer"),
        "bot": ("system", "automation", "automated", "ai", "ai agent", "assistant"),
    },
)
TRANSFER_TYPES = Vocabulary(
    "transfer_type",
    {
        "blind": ("cold", "unattended"),
        "warm": ("attended", "announced"),
        "consult": ("consultation", "consultative"),
        "conference": ("conf", "three way"),
    },
)
DIRECTIONS = Vocabulary("direction", {"inbound": ("in", "incoming"), "outbound": ("out", "outgoing")})
ENDS_IN = Vocabulary("ended_in", {"ivr": ("menu", "self service", "flow"), "queue": (), "agent": ("operator",)})
DISCONNECTORS = Vocabulary(
    "disconnect_by",
    {
        "customer": ("caller", "user", "end user", "visitor", "client"),
        "agent": ("operator", "staff"),
        "flow": ("system", "ivr", "bot"),
        "fault": ("error", "technical", "network", "timeout"),
    },
)

CHANNELS = Vocabulary(
    "channel",
    {
        "email": ("e-mail", "mail"),
        "chat": ("live chat", "livechat", "web chat", "webchat"),
        "web": ("website",),
    },
    is_open=True,
)
DEVICES = Vocabulary("device", {"mobile": ("phone", "smartphone", "mobile phone")}, is_open=True)
NAMES = Vocabulary("name", {}, is_open=True)
"""Words that each tenant chooses (priority, topic, intent, platform): only their spelling is made one."""
COUNTRIES = Vocabulary("country", {}, is_open=True, upper=True)
OF_DIMENSIONS = {
    "country": COUNTRIES,
    "channel": CHANNELS,
    "device": DEVICES,
    "priority": NAMES,
    "source": NAMES,
}
"""The words of dimensions: questions may write them in any spelling too."""
