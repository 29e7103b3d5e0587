"""Customers as spells of time: those under contract, from what is told of their subscriptions, and those who buy.

A spell is (begin, end, when its end was asked for, until when that may be undone), ms. It is made event by event, in
the order of (time, sequence, event id), for what an event does depends on what stands: an end told later replaces an
end only if that has not come yet, a failed payment replaces none, and being on again before an end may no longer be
undone takes it back. A customer's spells are those of all subscriptions of theirs, united where one begins before the
other may no longer be undone. Decisions: tests/logs/README-growth.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.currencies import STORED_DIGITS, USUAL_DIGITS
from schemas.events.words import INTERVALS, SUBSCRIPTION_STATUSES
from schemas.facts import canonical, with_person
from schemas.limits import NEVER_MS
from schemas.metrics.metric import Kind, Parameter
from schemas.periods import DAY_MS

USUAL_TAU_MS = 90 * DAY_MS
"""After how long without a purchase a buyer is lost, where nobody has bought twice yet."""
_ON, _ENDED, _FAILED, _NOTHING, _KEEPS = range(5)
"""What an event does to a contract. An update that tells no status keeps it; as the first that is known it is on."""
_STATE = SUBSCRIPTION_STATUSES.in_sql("status")
_KIND = f"""multiIf(name = 'payment_failed', {_FAILED}, name = 'subscription_cancelled', {_ENDED},
              state IN ('cancelled', 'ended', 'unpaid', 'incomplete_expired'), {_ENDED}, state = 'past_due', {_FAILED},
              state = 'active' OR (state = '' AND name != 'subscription_updated'), {_ON}, state = '', {_KEEPS},
              {_NOTHING})"""
_EVENTS = f"""
    SELECT *, toUnixTimestamp64Milli(time) AS told_at, (told_at, UUIDToNum(event_id)) AS place,
      multiIf(subscription_id != '', subscription_id, account != '', concat('g:', account), actor) AS key,
      {_STATE} AS state, {_KIND} AS kind,
      if(name = 'subscription_cancelled' AND ends_at < {NEVER_MS}, ends_at, told_at) AS end_told,
      if(asked_at < {NEVER_MS}, asked_at, told_at) AS asked_told,
      name IN ('subscription_started', 'subscription_renewed', 'subscription_updated') AS is_of_contract,
      is_of_contract AND has_amount AS is_priced, if(is_of_contract, toString(currency), '') AS told_currency,
      if(is_of_contract, toString(interval), '') AS told_interval
    FROM subscription_events
    WHERE tenant = {{tenant:String}} AND time < $at AND key != '' AND name IN (
      'subscription_started', 'subscription_renewed', 'subscription_updated', 'subscription_cancelled',
      'payment_failed')"""
_SPELL = "Tuple(Int64, Int64, Int64, Int64)"
_STEP = f"""multiIf(
        x.5 = {_ON} OR (x.5 = {_KEEPS} AND x.3 = said[1].3),
        (if(a.3 < {NEVER_MS} AND x.1 >= a.5, arrayPushBack(a.1, (a.2, a.3, a.4, a.5)), a.1),
         if(a.2 = {NEVER_MS} OR (a.3 < {NEVER_MS} AND x.1 >= a.5), x.1, a.2),
         toInt64({NEVER_MS}), toInt64({NEVER_MS}), toInt64({NEVER_MS})),
        x.5 = {_ENDED} AND a.2 < {NEVER_MS} AND a.3 > x.1,
        (a.1, a.2, x.6, x.7, x.6 + {{grace:Int64}}),
        x.5 = {_FAILED} AND a.2 < {NEVER_MS} AND a.3 = {NEVER_MS},
        (a.1, a.2, x.1 + {{grace:Int64}}, x.1 + {{grace:Int64}}, x.1 + {{grace:Int64}}),
        a)"""
"""From the spells that are over, and the begin, end, request and deadline of the one that is not, to those after x."""
_SPELLS = f"""arrayFold((a, x) -> {_STEP}, said,
        CAST(([], {NEVER_MS}, {NEVER_MS}, {NEVER_MS}, {NEVER_MS}), 'Tuple(Array({_SPELL}), Int64, Int64, Int64, Int64)')
      ) AS folded,
      arrayFilter(s -> s.2 > s.1, if(folded.2 < {NEVER_MS},
        arrayPushBack(folded.1, (folded.2, folded.3, folded.4, folded.5)), folded.1)) AS own_spells"""
_DIMENSIONS = ("actor", "country", "channel", "device")
_FIRST = {
    "parent": "argMinIf(parent, place, parent != '')",
    "account": "argMinIf(account, place, account != '')",
    "actor": "argMinIf(actor, place, actor != '')",
    # Who is the customer's person: what the billing system does is nobody's doing.
    "doer": "argMinIf(actor, place, actor != '' AND name = 'subscription_started')",
}
_DOER = "actor != '' AND name = 'subscription_started'"
_OF_SUBSCRIPTION = f"""
    SELECT key, {", ".join(f"{sql} AS own_{name}" for name, sql in _FIRST.items())},
      minIf(place, {_DOER}) AS place_actor,
      {
    ", ".join(
        f"argMinIf(toString({name}), place, {name} != '') AS own_{name}, minIf(place, {name} != '') AS place_{name}"
        for name in _DIMENSIONS[1:]
    )
},
      min((place, bot)) AS earliest, groupUniqArray(event_id) AS ids,
      groupUniqArray((told_at, sequence, event_id, hash, kind, end_told, asked_told, is_priced, toInt64(amount),
        told_currency, told_interval)) AS told
    FROM ({_EVENTS}) GROUP BY key"""
_UNITED = f"""arrayFold((a, x) -> if(notEmpty(a) AND x.1 < greatest(a[-1].2, a[-1].4),
          arrayPushBack(arrayPopBack(a), if((x.2, x.4) > (a[-1].2, a[-1].4), (a[-1].1, x.2, x.3, x.4), a[-1])),
          arrayPushBack(a, x)),
        arraySort(groupArrayArray(own_spells)), CAST([], 'Array({_SPELL})'))"""
_SCALE = f"""transform(c, {{scaled_currencies:Array(String)}}, {{scales:Array(Int64)}},
          toInt64({10 ** (STORED_DIGITS - USUAL_DIGITS)}))"""
_A_YEAR = f"""transform({INTERVALS.in_sql("splitByChar(' ', t)[-1]")},
          ['day', 'week', 'month', 'quarter', 'year'], [365, 52, 12, 4, 1], 12)"""
_TIMES = "greatest(toInt64OrZero(splitByChar(' ', t)[1]), 1)"


def _price(instant: str) -> str:
    """What a subscription costs just before an instant, by the latest of each that was told: a year (minor units; 0 in
    another currency, or out of contract), and whether it is in another currency.
    """
    before = f"arrayFilter(x -> x.1 < {instant}, said)"
    return f"""arrayMap((a, c, t, is_on) -> (
          if(is_on AND c = $currency, intDiv(intDiv(greatest(a, 0) + intDiv({_SCALE}, 2), {_SCALE}) * {_A_YEAR}
            + intDiv({_TIMES}, 2), {_TIMES}), 0), is_on AND a > 0 AND c != $currency),
        [arrayLast(x -> x.8, {before}).9],
        [if(arrayExists(x -> x.10 != '', {before}), arrayLast(x -> x.10 != '', {before}).10,
            {{tenant_currency:String}})],
        [arrayLast(x -> x.11 != '', {before}).11],
        [arrayExists(s -> s.1 < {instant} AND {instant} <= s.2, own_spells)])[1]"""


def customers(parameters: Mapping[str, Any], *, revenue: bool = False) -> str:
    """Those under contract: one row each with `spells`, and what they pay a year (minor units) at either end; whether
    some of what they paid at its start is in another currency.
    """
    currency = "{currency:String}" if parameters.get("currency") else "{tenant_currency:String}"
    prices = worth = ""
    if revenue:
        prices = f", {_price('{start:Int64}')} AS price_before, {_price('{until:Int64}')} AS price_after"
        worth = """, sum(price_before.1) AS worth_before, sum(price_after.1) AS worth_after,
        max(price_before.2) AS has_other_currency"""
    spells = _UNITED
    if parameters["when"] == "request":
        spells = f"arrayFilter(s -> s.2 > s.1, arrayMap(s -> (s.1, s.3, s.3, s.4), {_UNITED}))"
    dimensions = ", ".join(
        f"argMinIf({'own_doer' if name == 'actor' else f'own_{name}'}, place_{name}, "
        f"{'own_doer' if name == 'actor' else f'own_{name}'} != '') AS first_{name}"
        for name in _DIMENSIONS
    )
    told = f"arraySort(x -> (x.1, x.2, UUIDToNum(x.3)), {canonical('told')}) AS said"
    return f"""
    SELECT * EXCEPT (first_actor, first_country, first_channel, first_device),
      {", ".join(f"first_{name} AS {name}" for name in _DIMENSIONS)}
    FROM (
      SELECT whose AS id, {dimensions}, argMin(earliest.2, earliest.1) AS is_bot,
        arraySort(groupUniqArrayArray(ids)) AS event_ids, {spells} AS spells{worth}
      FROM (
        SELECT *, multiIf(own_parent != '', concat('g:', own_parent), own_account != '', concat('g:', own_account),
                          person) AS whose, {told}, {_SPELLS}{prices}
        FROM ({with_person(f"SELECT *, own_actor AS actor FROM ({_OF_SUBSCRIPTION})")}))
      WHERE whose != '' GROUP BY whose)""".replace("$currency", currency)


_GAPS = f"""
    SELECT arraySort(groupArrayArray(arrayPopFront(arrayDifference(bought)))) AS gaps, (length(gaps) - 1) * 95 AS rank,
      intDiv(rank, 100) + 1 AS low, toInt64(if(empty(gaps), {USUAL_TAU_MS}, gaps[low]
        + intDiv((rank % 100) * (if(low < length(gaps), gaps[low + 1], gaps[low]) - gaps[low]), 100))) AS tau
    FROM (SELECT arraySort(groupArray(completed_at)) AS bought FROM standing_orders GROUP BY person
          HAVING length(bought) > 1)"""
"""The 95th percentile (type 7) of the times between a person's successive orders."""


def buyers(parameters: Mapping[str, Any]) -> str:
    """Those who buy without a contract: a spell lasts until `tau` after its last purchase."""
    tau = _GAPS if parameters["tau"] == "auto" else "SELECT {tau:Int64} AS tau"
    dimensions = ", ".join(f"argMinIf({name}_, (completed_at, id), {name}_ != '') AS {name}" for name in _DIMENSIONS)
    return f"""
    SELECT person AS id, {dimensions}, 0 AS is_bot, arraySort(arrayFlatten(groupArray(event_ids))) AS event_ids,
      any(tau) AS own_tau,
      arrayFold((a, x) -> if(notEmpty(a) AND x < a[-1].2,
          arrayPushBack(arrayPopBack(a), (a[-1].1, x + own_tau, x + own_tau, x + own_tau)),
          arrayPushBack(a, (x, x + own_tau, x + own_tau, x + own_tau))),
        arraySort(groupArray(completed_at)), CAST([], 'Array({_SPELL})')) AS spells
    FROM standing_orders CROSS JOIN (SELECT tau FROM ({tau})) AS t GROUP BY person"""


_BUT_TAU = "greatest({end:Int64}, arrayMax(s -> s.4, ends))"
_AND_TAU = "{end:Int64} + own_tau"


def presence(rows: str, *, until_tau: bool = False) -> str:
    """Of each customer who was there at the start, left or came in the window: what became of them."""
    return f"""
    SELECT *, {{start:Int64}} AS entered, if(is_bot, 'bot', '') AS reason, NOT is_bot AS own,
      arrayFirst(s -> s.1 < {{start:Int64}} AND {{start:Int64}} <= s.2, spells) AS first_spell,
      first_spell.2 > 0 AS present,
      arrayFilter(s -> s.2 >= {{start:Int64}} AND s.2 < {{until:Int64}}, spells) AS ends,
      present AND first_spell.2 < {{until:Int64}} AS is_lost,
      arrayExists(s -> s.1 >= {{start:Int64}} AND s.1 < {{until:Int64}}, spells) AS is_new,
      is_lost AND arrayExists(s -> s.1 >= first_spell.2, spells) AS is_back,
      arrayExists(s -> s.1 < {{until:Int64}} AND {{until:Int64}} <= s.2, spells) AS is_there,
      arraySum(s -> greatest(0, least(s.2, {{until:Int64}}) - greatest(s.1, {{start:Int64}})), spells) AS exposure,
      {_AND_TAU if until_tau else _BUT_TAU} - entered AS h
    FROM ({rows}) WHERE present OR notEmpty(ends) OR is_new"""


COLUMNS = "id, entered, actor, country, channel, device, event_ids, h"
CONTRACT = (
    Parameter(
        "grace",
        Kind.DURATION,
        "P14D",
        "How long after its end a contract may be taken up again, and how long a failed payment is waited for.",
    ),
    Parameter(
        "when",
        Kind.CHOICE,
        "end",
        "Lost when the service ends, or when that was asked for.",
        ("end", "request"),
    ),
)
