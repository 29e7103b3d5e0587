"""Enumerated words in any spelling: one reading of every property whose value is one of a few words.

A word is found whatever its case, with blanks around it, and with blanks, hyphens or underscores inside. Where a word
decides a number, its vocabulary is closed: what it does not list decides nothing, and the producer is warned. An open
vocabulary only makes spellings one (`Web ` is `web`). Ingest, folds and SQL all read words here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_INSIDE = re.compile(r"[\s_-]+")


class Vocabulary:
    """The words of one property, each with everything else that producers write for it."""

    def __init__(
        self, name: str, words: Mapping[str, Iterable[str]], *, is_open: bool = False, upper: bool = False
    ) -> None:
        """Index all spellings. Raises `ValueError` if one would mean two words."""
        self.name = name
        self.words = tuple(words)
        self.is_open = is_open
        self._upper = upper
        self._known: dict[str, str] = {}
        for word, synonyms in words.items():
            for spelling in (word, *synonyms):
                if self._known.setdefault(_key(spelling), word) != word:
                    raise ValueError(f"{name}: {spelling} would mean both {self._known[_key(spelling)]} and {word}")

    def known(self, text: str) -> str:
        """The word that `text` means, "" if none."""
        return self._known.get(text) or self._known.get(_key(text), "")

    def read(self, text: str) -> str:
        """The word that `text` means, else `text` itself in one case, without blanks around it."""
        return self.known(text) or (text.strip().upper() if self._upper else text.strip().lower())

    @property
    def spellings(self) -> Mapping[str, str]:
        """Every listed spelling in its folded form, and the word that it means."""
        return self._known

    def in_sql(self, expression: str) -> str:
        """`read` as an expression of the store, of text that `expression` yields."""
        bare = f"replaceRegexpAll({expression}, '^\\\\s+|\\\\s+$', '')"
        key = f"replaceRegexpAll(lowerUTF8({bare}), '[\\\\s_-]+', '_')"
        shown = f"{'upper' if self._upper else 'lower'}UTF8({bare})"
        if not self._known:
            return shown
        return f"transform({key}, {list(self._known)!r}, {list(self._known.values())!r}, {shown})"


def _key(text: str) -> str:
    return _INSIDE.sub("_", text.strip().lower())


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
SCORE_WORDS = Vocabulary(
    "score",
    {"1": ("yes", "good", "positive", "thumbs up"), "0": ("no", "bad", "negative", "thumbs down")},
    is_open=True,
)
"""Scores that are words, on a scale from 0 to 1."""

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
        "voice": ("phone", "telephone", "call"),
        "chat": ("live chat", "livechat", "web chat", "webchat"),
        "web": ("website",),
    },
    is_open=True,
)
DEVICES = Vocabulary("device", {"mobile": ("phone", "smartphone", "mobile phone")}, is_open=True)
NAMES = Vocabulary("name", {}, is_open=True)
"""Words that each tenant chooses (priority, topic, intent, platform): only their spelling is made one."""
COUNTRIES = Vocabulary("country", {}, is_open=True, upper=True)
