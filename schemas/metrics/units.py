"""The columns of a metric's units, by shape, and the dimensions that they can be cut by.

Every unit: `id`, `actor` (raw, "" if none), `entered` (ms), `reason` ("" = counted, else the key under `excluded`),
`event_ids`, and its dimensions. A rate adds `outcome_at` (ms, 0 = none before `at`), `outcome_id` and `h` (ms), and
`hit` where its options say `mark`. Money and its average add `amount` (minor units) and `currency`, a mean `amount` (a
whole number, not negative). A number per person adds `thing`: the mean is taken over people of how many different ones
each has ("" adds the person alone). A duration adds `counted`, `closed` with `duration` (ms), `km` (0 out, 1 outcome,
2 censored) with `age` (ms), `outcome_at` and `outcome_id`. A ratio, whose two sides count different things, adds
`above` and `below`. A score adds `score_sum` and `score_of` (its numerator and denominator), `good`, `stratum` (""
where all are pooled) and `h` (ms, until when it may change). Weights add `above` and `below`, both added up, and `h`:
the n of theirs are the units with something below. A mix adds `classes` (names; none: not counted). Each name in the
metric's `details` is a column of numbers that are summed, unless the shape computes it. A rate's unit with the reason
`aside` is neither counted nor left out: it is there for the details; one that is `pending` counts for the maturity
alone.

Units made of events read `selected_events` (filters applied, with `person` where the metric's options ask for people),
those made of other rows `selected_rows` (with `person`); both hand on the traits that a question asks for with
`$traits` at the end of their columns.
"""

from __future__ import annotations

ASIDE, PENDING = "aside", "pending"
"""Reasons of units that are neither counted nor left out."""
ENTITY_DIMENSIONS = ("country", "channel", "device", "trait.*")
EVENT_DIMENSIONS = ("event", "country", "channel", "device", "trait.*")
PROPERTY_DIMENSIONS = {"survey": "survey_id", "agent": "agent_id", "source": "source"}
"""Dimensions of answers that single events carry in their properties."""
CONTACT_DIMENSIONS = ("country", "channel", "device", "agent", "trait.*")
TICKET_DIMENSIONS = ("country", "channel", "device", "priority", "agent", "trait.*")
