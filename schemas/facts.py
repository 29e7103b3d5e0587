"""How each table is read as of an instant: named relations, the vocabulary in which metrics are written.

Where the order of event ids decides, they are compared as text is (`UUIDToNum`): the engine orders UUIDs otherwise.

A relation is a SELECT over tables and other relations. `$name` stands for the bound parameter `name` (ms) as a
DateTime64, `{name:Type}` for the parameter itself; the compiler adds the relations that a query names, each once and
materialised. Times inside relations are milliseconds (Int64), so that differences are exact integers.

Copies of one event (docs/definitions.md#copies): minima, ids and dimensions take every copy; counts and sets take the
copy with the smallest (time, hash).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.limits import NEVER_MS
from schemas.periods import DAY_MS
from schemas.tables import NO_NUMBER

LINK_RANGE_MS = 30 * DAY_MS
"""An order belongs to a cart or checkout that began at most this long before it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A named SELECT, and what one row of it is."""

    name: str
    meaning: str
    sql: str


def known(column: str) -> str:
    """The value on the entity's smallest (time, event id), if that is before `at`, else ''."""
    return f"if(tupleElement(min({column}), 1) < {{at:Int64}}, tupleElement(min({column}), 3), '')"


def seen(column: str) -> str:
    """Keys of a value-to-earliest-time map that were seen before `at`."""
    return f"mapKeys(mapFilter((k, v) -> v < {{at:Int64}}, minMap({column})))"


def canonical(array: str, among: str = "0") -> str:
    """Of a set of (time, sequence, event id, hash, …): one element an event, its smallest (time, hash, `among`)."""
    key = f"(x.3, x.1, x.4, {among})"
    return f"arrayCompact(x -> x.3, arraySort(x -> {key}, arrayFilter(x -> x.1 < {{at:Int64}}, {array})))"


def with_person(rows: str) -> str:
    """`rows` (with `actor`) and their `person`: the one that `people` knows, else the actor itself."""
    return f"""SELECT u.*, if(p.person != '', p.person, u.actor) AS person
      FROM ({rows}) AS u LEFT JOIN people AS p ON p.actor = u.actor"""


def copies_apart(columns: Sequence[str], names: str = "") -> str:
    """Canonical events in [low, until): one row an event with each column of its canonical copy as `own_<column>`.

    A column of its own for each, so that those which nobody reads are not computed.
    """
    own = ", ".join(f"argMin({column}, (time, hash)) AS own_{column}" for column in columns)
    return f"""
    SELECT event_id, toUnixTimestamp64Milli(min(time)) AS entered, {own}
    FROM events
    WHERE tenant = {{tenant:String}} AND time >= $low AND time < $until {names}
      AND event_id NOT IN (
        SELECT event_id FROM events WHERE tenant = {{tenant:String}} AND time < $low AND event_id IN (
          SELECT event_id FROM events WHERE tenant = {{tenant:String}} AND time >= $low AND time < $until {names}))
    GROUP BY event_id"""


_MS = "toUnixTimestamp64Milli"

_PEOPLE = Relation(
    "people",
    "Actor to person, for actors that are not their own person; aliases and undone links come bound, resolved.",
    """
    SELECT actor, transform(target, {alias_nodes:Array(String)}, {alias_roots:Array(String)}, target) AS person
    FROM (
      SELECT origin AS actor, tupleElement(min((since, target)), 2) AS target
      FROM (
        SELECT origin, target, toUnixTimestamp64Milli(min(first)) AS since
        FROM identity_links WHERE tenant = {tenant:String} AND startsWith(origin, 'a:')
          AND (origin, target) NOT IN (
            SELECT tupleElement(pair, 1), tupleElement(pair, 2)
            FROM (SELECT arrayJoin(arrayZip({undone_origins:Array(String)}, {undone_targets:Array(String)})) AS pair))
        GROUP BY origin, target HAVING since < {at:Int64}
        UNION ALL
        SELECT tupleElement(link, 1), tupleElement(link, 2), tupleElement(link, 3)
        FROM (SELECT arrayJoin(arrayZip({redone_origins:Array(String)}, {redone_targets:Array(String)},
                                        {redone_since:Array(Int64)})) AS link)
      )
      GROUP BY origin
    )
    UNION ALL
    SELECT tupleElement(alias, 1), tupleElement(alias, 2)
    FROM (SELECT arrayJoin(arrayZip({alias_nodes:Array(String)}, {alias_roots:Array(String)})) AS alias)""",
)


_TURNS = """arrayCompact(x -> x.5,
        arraySort(x -> (x.1, x.2, x.5, UUIDToNum(x.3)), arrayFilter(x -> x.5 != 'given_back', states_)))"""
"""When an order was completed, cancelled, completed again …: the first event of each stretch."""


def _orders(since: str, having: str) -> str:
    """Rows that were folded before there were states have only the earliest time of a cancellation."""
    return f"""
    SELECT id, {_MS}(min(completed)) AS completed_at, {canonical("groupUniqArrayArray(states)")} AS states_,
      {_TURNS} AS turns_,
      multiIf(empty(turns_), {_MS}(min(cancelled)), turns_[-1].5 = 'cancelled', turns_[-1].1, {NEVER_MS})
        AS cancelled_at,
      cancelled_at < {{at:Int64}} AS is_cancelled,
      arrayFirstIndex(x -> x.5 = 'given_back', arraySort(states_)) AS given_back_,
      if(empty(turns_), {_MS}(min(voided)),
         least(cancelled_at, if(given_back_ = 0, {NEVER_MS}, arraySort(states_)[given_back_].1))) AS voided_at,
      voided_at < {{at:Int64}} AS is_void,
      {known("first")} AS bot, {known("actor")} AS actor_,
      {known("country")} AS country_, {known("channel")} AS channel_, {known("device")} AS device_,
      {known("cart")} AS cart_, {known("checkout")} AS checkout_, {known("session")} AS session_,
      arrayMap(x -> x.2, arraySort(arrayFilter(x -> x.1 < {{at:Int64}}, groupUniqArrayArray(events)))) AS event_ids,
      groupUniqArrayArray(amounts) AS amounts_, groupUniqArrayArray(refunds) AS refunds_,
      groupUniqArrayArray(currencies) AS currencies_
    FROM orders
    WHERE tenant = {{tenant:String}} AND day <= toDate32($at) {since}
    GROUP BY id
    HAVING completed_at < {{at:Int64}} {having}"""


_ORDERS_AT = Relation(
    "orders_at",
    "Orders completed in [start, at): links and dimensions as known before `at`; money still in millionths.",
    _orders(
        """AND id IN (
      SELECT id FROM orders WHERE tenant = {tenant:String} AND day >= toDate32($start) AND day <= toDate32($at))""",
        "AND completed_at >= {start:Int64}",
    ),
)
_OF_PEOPLE = "AND bot = '' AND actor_ != ''"
_ORDERS_EVER = Relation(
    "orders_ever",
    "All orders of people completed before `at`, with the person.",
    with_person(f"SELECT *, actor_ AS actor FROM ({_orders('', _OF_PEOPLE)})"),
)
_REFERRAL_EVENTS = Relation(
    "referral_events",
    "What was said of referral codes before `at`, each event once, with the person.",
    with_person("""
    SELECT event_id, own.1 AS kind, own.2 AS actor, own.3 AS code, own.4 AS order_id, own.5 AS payment, own.6 AS bot,
      own.7 AS said_at, own.8 AS sequence
    FROM (
      SELECT event_id, argMin((toString(kind), actor, code, order_id, payment, bot,
                               toUnixTimestamp64Milli(time), sequence),
                              (time, hash)) AS own
      FROM referrals WHERE tenant = {tenant:String} AND time < $at GROUP BY event_id)"""),
)
_IS_STANDING = f"{_OF_PEOPLE} AND NOT is_cancelled"
_STANDING_ORDERS = Relation(
    "standing_orders",
    "All orders of people completed before `at` and not cancelled, with the person.",
    with_person(f"SELECT *, actor_ AS actor FROM ({_orders('', _IS_STANDING)})"),
)

_ORDERS_SINCE = "FROM orders WHERE tenant = {tenant:String} AND day >= toDate32($start) AND day <= toDate32($at)"

_CART_MERGES = Relation(
    "cart_merges",
    "Carts that went into another one before `at`, and into which.",
    f"""
    SELECT id, arraySort(x -> (x.1, x.2, UUIDToNum(x.3)), {canonical("groupUniqArrayArray(merges)")})[-1].5 AS into
    FROM carts WHERE tenant = {{tenant:String}} AND entity = 'cart' AND {{entity:String}} = 'cart' AND notEmpty(merges)
    GROUP BY id HAVING into != ''""",
)
_MERGED = """WITH (SELECT (arrayPushBack(groupArray(id), ''), arrayPushBack(groupArray(into), '')) FROM cart_merges)
      AS merged"""
"""Computed once where it stands: an engine that finds it six times in an expression plans it six times."""


def _root(cart: str) -> str:
    """The id under which a cart lives on: up to three merges are followed. By values, not joins: a query that names
    many relations takes longer to plan than to run.
    """
    for _ in range(3):
        cart = f"transform({cart}, merged.1, merged.2)"
    return cart


_CART_ENDS = Relation(
    "cart_ends",
    "Carts with the times (ms) of the orders that name them as their own events do: by cart id, else by session.",
    f"""
    {_MERGED}
    SELECT {_root("named")} AS of_cart, arraySort(groupArray(completed_at)) AS ends
    FROM (
      SELECT {_MS}(min(completed)) AS completed_at, {known("cart")} AS cart_,
        if(cart_ != '', cart_, {known("session")}) AS named
      FROM orders WHERE tenant = {{tenant:String}} AND {{entity:String}} = 'cart' AND day <= toDate32($at)
      GROUP BY id HAVING completed_at < {{at:Int64}} AND named != '')
    GROUP BY of_cart""",
)
_CARTS_AT = Relation(
    "carts_at",
    "Carts that exist before `at` and could be linked to an order of [start, at). What is added to one after its order "
    "is another cart (id#2 …); its ids, sessions, people and dimensions are those of all uses.",
    f"""
    SELECT if(place = 1, root, concat(root, '#', toString(place))) AS id, starts[place] AS created_at, bot, actor_,
      country_, channel_, device_, actors_, sessions_, checkouts_, names_,
      arrayFilter(x -> (place = 1 OR x.1 >= starts[place]) AND (place = length(starts) OR x.1 < starts[place + 1]),
                  changes) AS changes_
    FROM (
      SELECT w.*, arrayConcat([w.first_at], arraySort(arrayMap(x -> x.1, arrayFilter(
          x -> x.5 > 0 AND x.1 > w.first_at, w.changes)))) AS adds,
        arrayFilter((add, before) -> before = 0 OR arrayExists(e -> e >= before AND e < add, x.ends),
                    adds, arrayPopBack(arrayPushFront(adds, toInt64(0)))) AS starts
      FROM (
        {_MERGED}
        SELECT {_root("id")} AS root, {_MS}(min(created)) AS first_at, {known("first")} AS bot,
          {known("actor")} AS actor_,
          {known("country")} AS country_, {known("channel")} AS channel_, {known("device")} AS device_,
          {canonical("groupUniqArrayArray(carts.changes)")} AS changes, {seen("actors")} AS actors_,
          {seen("sessions")} AS sessions_, {seen("checkouts")} AS checkouts_, groupUniqArray(id) AS names_
        FROM carts
        WHERE tenant = {{tenant:String}} AND entity = {{entity:String}} AND day <= toDate32($at) AND (
          id IN (SELECT id FROM carts WHERE tenant = {{tenant:String}} AND entity = {{entity:String}}
                   AND day >= toDate32($start) - 31 AND day <= toDate32($at))
          OR id IN (SELECT tupleElement(cart, 3) {_ORDERS_SINCE})
          OR has(merged.1, id) OR has(merged.2, id)
          OR id IN (SELECT id FROM carts ARRAY JOIN mapKeys(checkouts) AS checkout_id
                    WHERE tenant = {{tenant:String}} AND entity = {{entity:String}}
                      AND checkout_id IN (SELECT tupleElement(checkout, 3) {_ORDERS_SINCE})))
        GROUP BY root HAVING first_at < {{at:Int64}}) AS w
      LEFT JOIN cart_ends AS x ON x.of_cart = w.root)
    ARRAY JOIN arrayEnumerate(starts) AS place""",
)

_CHECKOUTS_AT = Relation(
    "checkouts_at",
    "Checkouts begun before `at`, with the ids seen on their events.",
    f"""
    SELECT id, {_MS}(min(created)) AS created_at, {known("first")} AS bot, {known("actor")} AS actor_,
      {known("country")} AS country_, {known("channel")} AS channel_, {known("device")} AS device_,
      {known("payment_method")} AS payment_method_,
      arrayMap(x -> x.2, arraySort(arrayFilter(x -> x.1 < {{at:Int64}}, groupUniqArrayArray(events)))) AS event_ids,
      {seen("checkouts")} AS checkouts_, {seen("orders")} AS orders_, {seen("carts")} AS carts_,
      {seen("sessions")} AS sessions_
    FROM checkouts
    WHERE tenant = {{tenant:String}} AND day <= toDate32($at)
    GROUP BY id
    HAVING created_at < {{at:Int64}}""",
)


_BY_PERSON = 4
"""The level at which keys are actors, and are matched as persons."""


def _as_persons(rows: str) -> str:
    """`rows` (level, key, …) with the actors among the keys turned into persons."""
    return f"""
    SELECT r.* EXCEPT (key), if(r.level = {_BY_PERSON} AND p.person != '', p.person, r.key) AS key
    FROM ({rows}) AS r LEFT JOIN people AS p ON p.actor = r.key"""


def _linked(entities: str, order_keys: Mapping[int, str], entity_keys: Mapping[int, str], naming: int) -> str:
    """Every order of `orders_at` with the entity that it belongs to, or ''.

    Orders and entities are spread over their keys by level and met in one ASOF join, which finds the latest entity
    (then the greatest id) not after the order. Up to level `naming` a key is a name: that it is known at all settles
    the order, so each such key also has a marker (created -1) that only matches when nothing else does.
    """
    spread = ", ".join(f"({level}, {key})" for level, key in order_keys.items())
    found = ", ".join(
        f"arrayMap(k -> ({level}, k, created_at, id), {keys})"
        + (f", arrayMap(k -> ({level}, k, toInt64(-1), ''), {keys})" if level <= naming else "")
        for level, keys in entity_keys.items()
    )
    orders = f"""SELECT *, tupleElement(pair, 1) AS level, tupleElement(pair, 2) AS key
      FROM (SELECT *, arrayJoin(arrayFilter(x -> x.2 != '', [{spread}, (9, 'no key')])) AS pair FROM orders_at)"""
    candidates = f"""SELECT tupleElement(c, 1) AS level, tupleElement(c, 2) AS key, tupleElement(c, 3) AS created_at,
        tupleElement(c, 4) AS entity_id
      FROM (SELECT arrayJoin(arrayConcat({found})) AS c FROM {entities})"""
    if _BY_PERSON in entity_keys:
        orders, candidates = _as_persons(orders), _as_persons(candidates)
    return f"""
    SELECT * EXCEPT (found), arrayMin(x -> if(x.4 OR (x.1 <= {naming} AND x.2 != 0), x.1, 99), found) AS first_level,
      arrayFirst(x -> x.1 = first_level AND x.4, found).3 AS entity_id
    FROM (
    SELECT id, any(completed_at) AS completed_at, any(bot) AS bot, any(actor_) AS actor_, any(country_) AS country_,
      any(channel_) AS channel_, any(device_) AS device_, any(event_ids) AS event_ids,
      any(cancelled_at) AS cancelled_at, groupArray((level, created_at, entity_id, in_range)) AS found
    FROM (
      SELECT o.id AS id, o.completed_at AS completed_at, o.bot AS bot, o.actor_ AS actor_, o.country_ AS country_,
        o.channel_ AS channel_, o.device_ AS device_, o.event_ids AS event_ids, o.level AS level,
        o.cancelled_at AS cancelled_at,
        c.created_at AS created_at, c.entity_id AS entity_id,
        c.entity_id != '' AND o.completed_at < c.created_at + {LINK_RANGE_MS} AS in_range
      FROM ({orders}) AS o
      ASOF LEFT JOIN (
        SELECT level, key, created_at, max(entity_id) AS entity_id FROM ({candidates}) GROUP BY level, key, created_at
      ) AS c ON o.level = c.level AND o.key = c.key AND o.completed_at >= c.created_at)
    GROUP BY id)"""


_CART_ORDERS = Relation(
    "cart_orders",
    "Orders with their cart: by cart id, checkout id, session, person.",
    _linked(
        "carts_at",
        {1: "cart_", 2: "checkout_", 3: "session_", _BY_PERSON: "actor_"},
        {1: "names_", 2: "checkouts_", 3: "sessions_", _BY_PERSON: "actors_"},
        naming=2,
    ),
)
_SESSION_CART_ORDERS = Relation(
    "session_cart_orders",
    "Orders with the session with cart adds in which they were placed.",
    _linked("carts_at", {3: "session_"}, {3: "[id]"}, naming=0),
)
_CHECKOUT_ORDERS = Relation(
    "checkout_orders",
    "Orders with their checkout: by checkout id, order id, cart id, session; never by person.",
    _linked(
        "checkouts_at",
        {1: "checkout_", 2: "id", 3: "cart_", 5: "session_"},
        {1: "checkouts_", 2: "orders_", 3: "carts_", 5: "sessions_"},
        naming=3,
    ),
)

QUARTER_MS = 900_000
_ACTIVE_IN = Relation(
    "active_in",
    "Actor and the place (from 1) of each bound interval in which they did something. Whole quarter-hours come from "
    "the activity facts; the begun one before `until` from the archive.",
    """
    SELECT actor, place FROM (
      SELECT actor, quarters, toInt64(toUInt32(day)) * 96 AS opens,
        arrayFirstIndex(e -> e > opens, {interval_ends:Array(Int64)}) AS first_place,
        arrayJoin(arrayFilter(p -> p > 0 AND p <= length({interval_ends:Array(Int64)}),
                              [first_place, first_place + 1, first_place + 2])) AS place,
        toInt16(greatest({interval_starts:Array(Int64)}[place] - opens, 0)) AS low_bit,
        toInt16(least({interval_ends:Array(Int64)}[place] - opens, 96)) AS high_bit
      FROM activity
      WHERE tenant = {tenant:String} AND day >= toDate32($start) AND day <= toDate32($until))
    WHERE low_bit < high_bit
      AND bitAnd(quarters, bitShiftLeft(toUInt128(1), high_bit) - bitShiftLeft(toUInt128(1), low_bit)) != 0
    UNION ALL
    SELECT actor, length({interval_ends:Array(Int64)}) AS place FROM events
    WHERE tenant = {tenant:String} AND time >= $begun AND time < $until
      AND person_class AND NOT bot AND actor != ''""",
)

SOLVED_FROM = 3
REMOVED, RESTORED = 5, 6
"""Ranks of transitions: created 0, (re)opened 1, other 2, solved 3, closed 4 (by these two a ticket is solved), merged,
deleted or spam 5 (until opened again or) undeleted 6."""
PENDING, AGENT_REPLY, BOT_REPLY, CREATED_BY_AGENT, IS_CREATED, BY_BOT, CUSTOMER_REPLY = 1, 2, 4, 8, 16, 32, 64
"""Marks of a transition: waiting for the customer; public reply of a human agent, of a bot; who created it; done by
a bot; the customer wrote."""
READ_AGAIN = 128
"""Mark of a transition that was read with all the words of today: it stands before what an older version read in the
same event, which stays in the set when the archive is folded again."""
_TRANSITIONS = canonical("groupUniqArrayArray(transitions)", f"bitAnd(x.6, {READ_AGAIN}) = 0")


STEPS = (
    "call_started",
    "live_chat_conversation_started",
    "live_chat_message_sent",
    "ivr_menu_entered",
    "ivr_option_selected",
    "ivr_goal_reached",
    "call_queued",
    "call_answered",
    "live_chat_message_received",
    "call_transferred",
    "call_ended",
    "live_chat_conversation_ended",
    "call_wrap_up_ended",
)
"""The events of a contact, in the order in which they follow each other should they bear one time: a step's kind is its
place here, from 0."""
(
    STARTS,
    AGENT_HAS,
    ENDS,
    PASSED_ON,
    SELF_SERVICE,
    FLOWED,
    BROKEN,
    OUT_OF_HOURS,
    UNSOLVABLE,
    RESOLVED,
    UNRESOLVED,
    BLIND,
    WARM,
    CONSULT,
    CONFERENCE,
) = (1 << bit for bit in range(15))
"""Marks of a contact's step: it starts; an agent has it; it ends; queued or transferred; in self-service; ended by the
flow of a menu, by a fault; out of hours; said to be beyond the first level, resolved, not resolved; how passed on."""

SENT, GIVEN, INCOMPLETE, EDITED, BOUNCED, DISMISSED, DELETED, VERIFIED = (1 << bit for bit in range(8))
"""Marks of a version: invited or shown, an answer to that, not completed, edited, bounced, dismissed, and so on."""


_MOVES = f"arrayFilter(x -> x.5 IN (1, 3, 4, {REMOVED}, {RESTORED}), steps)"
_FLOWS = f"""arrayPopFront(arrayCompact(x -> x.2, arrayPushFront(arrayMap(
        (x, solved, removed) -> (x.1, solved = 0 AND removed = 0), {_MOVES},
        arrayPopFront(arrayFill(v -> v != 2, arrayPushFront(
          arrayMap(x -> multiIf(x.5 IN (3, 4), 1, x.5 = 1, 0, 2), {_MOVES}), 0))),
        arrayPopFront(arrayFill(v -> v != 2, arrayPushFront(
          arrayMap(x -> multiIf(x.5 = {REMOVED}, 1, x.5 IN (1, {RESTORED}), 0, 2), {_MOVES}), 0)))),
      (toInt64(0), toUInt8(1)))))"""
"""When a ticket went out of the backlog (solved, merged, deleted, spam), in again, out …: (time, whether it is in)."""


def _tickets_until(instant: str) -> str:
    """Tickets as the events before `at` tell them, in the state that those before `instant` left them in."""
    return f"""
    SELECT id, actor_, country_, channel_, device_, priority_, created_at, first_at, steps, turns, replies,
      bot_replies, created_by_agent, is_bot, event_ids, length(turns) % 2 = 1 AS is_solved,
      arrayLast(x -> x.5 IN (1, {REMOVED}, {RESTORED}), steps).5 = {REMOVED} AS is_removed, {_FLOWS} AS flows,
      if(is_solved, arrayFirstIndex(x -> x.3 = turns[-1].3, steps), 0) AS solved_index,
      arrayLast(x -> bitAnd(x.6, {AGENT_REPLY}) != 0 AND x.7 != '', arraySlice(steps, 1, solved_index)).7 AS resolver,
      if(is_solved AND resolver != '', resolver, arrayLast(x -> x.7 != '', steps).7) AS agent_
    FROM (
      SELECT id, actor_, country_, channel_, device_, priority_,
        arrayMin(arrayMap(x -> x.8, all_steps)) AS told,
        arrayFirst(x -> bitAnd(x.6, {IS_CREATED}) != 0, all_steps).1 AS created_event,
        arrayExists(x -> bitAnd(x.6, {IS_CREATED}) != 0, all_steps) AS has_created,
        multiIf(told < {NEVER_MS}, told, has_created, created_event, {NEVER_MS}) AS created_at,
        all_steps[1].1 AS first_at,
        arrayFilter(x -> x.1 < {instant}, all_steps) AS steps,
        arrayMap(x -> x.3, steps) AS event_ids,
        arrayCompact(x -> x.5 >= {SOLVED_FROM}, arrayFilter(x -> x.5 IN (1, 3, 4), steps)) AS runs,
        if(notEmpty(runs) AND runs[1].5 < {SOLVED_FROM}, arrayPopFront(runs), runs) AS turns,
        arrayMap(x -> x.1, arrayFilter(x -> bitAnd(x.6, {AGENT_REPLY}) != 0, steps)) AS replies,
        arrayMap(x -> x.1, arrayFilter(x -> bitAnd(x.6, {BOT_REPLY}) != 0, steps)) AS bot_replies,
        arrayExists(x -> bitAnd(x.6, {CREATED_BY_AGENT}) != 0, steps) AS created_by_agent,
        bitAnd(arraySort(x -> (x.1, UUIDToNum(x.3)), all_steps)[1].6, {BY_BOT}) != 0 AS is_bot
      FROM (
        SELECT id, {known("actor")} AS actor_, {known("country")} AS country_, {known("channel")} AS channel_,
          {known("device")} AS device_, {known("priority")} AS priority_,
          arraySort(x -> (x.1, x.2, x.5, UUIDToNum(x.3)), {_TRANSITIONS}) AS all_steps
        FROM tickets WHERE tenant = {{tenant:String}} GROUP BY id)
      WHERE notEmpty(all_steps))"""


_TICKETS_AT = Relation("tickets_at", "Tickets in their state at `at`.", _tickets_until("{at:Int64}"))
_TICKETS_THEN = Relation("tickets_then", "Tickets in their state at T = `until`.", _tickets_until("{until:Int64}"))

_MENU, _OPTION, _TRANSFER, _WRAP_UP = (
    STEPS.index(name) for name in ("ivr_menu_entered", "ivr_option_selected", "call_transferred", "call_wrap_up_ended")
)


def _marked(marks: int) -> str:
    return f"bitAnd(x.6, {marks}) != 0"


def _summed(place: int, clocked: str) -> str:
    """What the steps tell in millionths of a second, in ms; if none tells, what the clock says."""
    told_ones = f"arrayFilter(x -> x != {NO_NUMBER}, arrayMap(x -> x.{place}, steps))"
    rounded = f"toInt64(intDiv(arraySum(x -> toInt128(x), {told_ones}) + 500, 1000))"
    return f"if(notEmpty({told_ones}), {rounded}, {clocked})"


def _contacts(which: str) -> str:
    """Contacts as the events before `at` tell them; a time of 0 is none."""
    had_or_not = f"arrayFilter(x -> {_marked(AGENT_HAS | ENDS)} OR x.5 = {_TRANSFER}, steps)"
    after = f"arrayFilter(x -> {_marked(ENDS)} OR x.5 = {_WRAP_UP}, steps)"
    return f"""
    SELECT *, if(topic_told != '', topic_told, intent) AS topic,
      if(bitAnd(turn.6, {ENDS}) != 0, turn.1, 0) AS ended_at,
      {
        _summed(
            10,
            "arraySum((x, y) -> if(bitAnd(x.6, " + str(AGENT_HAS) + ") != 0, y.1 - x.1, 0), "
            "arrayPopBack(held), arrayPopFront(held))",
        )
    } AS talk,
      {_summed(11, "0")} AS hold,
      {
        _summed(
            12,
            f"arraySum((x, y) -> if({_marked(ENDS)} AND y.5 = {_WRAP_UP}, y.1 - x.1, 0), "
            "arrayPopBack(after), arrayPopFront(after))",
        )
    } AS wrap
    FROM (
      SELECT *, steps[1].1 AS started_at, arrayMap(x -> x.3, steps) AS event_ids,
        arrayFirst(x -> {_marked(AGENT_HAS)}, steps) AS first_answer, first_answer.1 AS answered_at,
        arrayFirst(x -> {_marked(SELF_SERVICE)}, steps).1 AS entered_at,
        arrayLast(x -> {_marked(STARTS | AGENT_HAS | ENDS)}, steps) AS turn,
        arrayLast(x -> {_marked(RESOLVED | UNRESOLVED)}, steps) AS word,
        arrayExists(x -> {_marked(UNSOLVABLE)}, steps) AS is_unsolvable,
        arrayLast(x -> x.7 != '', steps).7 AS agent_, arrayLast(x -> x.8 != '', steps).8 AS intent,
        arrayCompact(x -> {_marked(AGENT_HAS)}, {had_or_not}) AS held, {after} AS after,
        arrayFilter(x -> x.5 = {_TRANSFER}, steps) AS transfers
      FROM (
        SELECT id, {known("first")} AS bot, {known("actor")} AS actor_, {known("country")} AS country_,
          {known("channel")} AS channel_, {known("device")} AS device_, {known("direction")} AS direction_,
          {known("topic")} AS topic_told, {known("ticket")} AS ticket_,
          arraySort(x -> (x.1, x.2, x.5, UUIDToNum(x.3)), {canonical("groupUniqArrayArray(transitions)")}) AS steps
        FROM contacts WHERE tenant = {{tenant:String}} AND day <= toDate32($at) {which}
        GROUP BY id)
      WHERE notEmpty(steps))"""


_CONTACTS_AT = Relation(
    "contacts_at",
    "Contacts with an event since the day of `start`: what happened in each before `at`.",
    _contacts(
        "AND id IN (SELECT id FROM contacts WHERE tenant = {tenant:String} AND day >= toDate32($start) "
        "AND day <= toDate32($at))"
    ),
)
_CONTACTS_EVER = Relation("contacts_ever", "All contacts: what happened in each before `at`.", _contacts(""))

_BY_VERSION = "arraySort(x -> (x.6, x.1, x.2, UUIDToNum(x.3)), arrayFilter(x -> x.1 < {until}, versions))"


def versions_until(instant: str) -> str:
    """The versions dated before an instant by (version, time, sequence, event id): of each field the last one told."""
    return _BY_VERSION.format(until=instant)


def last_told(member: int, versions: str, nothing: str) -> str:
    """A field of the latest of sorted `versions` that tells it; `nothing` is what stands where one does not."""
    tells = f"x -> x.{member} != {nothing}"
    return f"if(arrayExists({tells}, {versions}), arrayLast({tells}, {versions}).{member}, {nothing})"


def _said(kinds: str, columns: str) -> str:
    """What was said or asked of some kinds, with an event in [low, at): versions known before `at`, by time."""
    scope = f"tenant = {{tenant:String}} AND kind IN ({kinds}) AND day <= toDate32($at)"
    return f"""
    SELECT survey, question, id, bot, actor_, country_, channel_, device_, arrayMap(x -> x.3, versions) AS event_ids,
      versions[1] AS opening, versions, completions_ AS completions, {columns}
    FROM (
      SELECT kind, survey, question, id, {known("first")} AS bot, {known("actor")} AS actor_,
        {known("country")} AS country_, {known("channel")} AS channel_, {known("device")} AS device_,
        arraySort(x -> (x.1, UUIDToNum(x.3)), {canonical("groupUniqArrayArray(answers.versions)")}) AS versions,
        arraySort(x -> (x.5, x.1, x.2, UUIDToNum(x.3)), {canonical("groupUniqArrayArray(answers.completions)")})
          AS completions_
      FROM answers
      WHERE {scope} AND (kind, survey, question, id) IN (
        SELECT kind, survey, question, id FROM answers WHERE {scope} AND day >= toDate32($low))
      GROUP BY kind, survey, question, id)
    WHERE notEmpty(versions)"""


_POSTED = f"x -> bitAnd(x.5, {EDITED | DELETED}) = 0"
_ANSWERS_AT = Relation(
    "answers_at",
    "Answers and ratings of tickets: their versions by time, the first of them, and the ids that any of them names.",
    _said(
        "'answer', 'rating'",
        "kind = 'rating' AS is_rating, arrayFirst(x -> x.12 != '', versions).12 AS about, "
        "arrayFirst(x -> x.13 != '', versions).13 AS own_agent, arrayFirst(x -> x.14 != '', versions).14 AS invite",
    ),
)
_HELD_AT = Relation(
    "held_at",
    "Tickets that answers are about: when (ms) each agent got them, in order.",
    f"""
    SELECT id AS ticket, arrayMap(x -> (x.1, x.7), arrayFilter(x -> x.7 != '', arraySort(
        x -> (x.1, x.2, x.5, UUIDToNum(x.3)), {_TRANSITIONS}))) AS held
    FROM tickets WHERE tenant = {{tenant:String}} AND id IN (SELECT about FROM answers_at)
    GROUP BY ticket""",
)
_REVIEWS_AT = Relation(
    "reviews_at",
    "Reviews that were posted: when, and their versions by time.",
    f"""
    SELECT *, arrayFirst({_POSTED}, versions).1 AS posted_at, arrayExists({_POSTED}, versions) AS is_posted
    FROM ({_said("'review'", "1 AS is_public")}) WHERE is_posted""",
)
_FATE = (
    f"arrayFirst(x -> bitAnd(x.5, {SENT}) != 0, versions).1 AS sent_at, "
    f"arrayFirst(x -> bitAnd(x.5, {SENT}) != 0 AND x.12 != '', versions).12 AS survey_"
)
_INVITATIONS_AT = Relation(
    "invitations_at",
    "Invitations: when the first was sent (0: never), and what became of them.",
    _said("'invitation'", _FATE),
)
_SHOWINGS_AT = Relation(
    "showings_at",
    "Surveys as they were shown to somebody: since when (0: never), and what became of that.",
    _said("'showing'", _FATE),
)

RELATIONS: dict[str, Relation] = {
    relation.name: relation
    for relation in (
        _PEOPLE,
        _ORDERS_AT,
        _STANDING_ORDERS,
        _ORDERS_EVER,
        _REFERRAL_EVENTS,
        _CART_MERGES,
        _CART_ENDS,
        _CARTS_AT,
        _CHECKOUTS_AT,
        _CART_ORDERS,
        _SESSION_CART_ORDERS,
        _CHECKOUT_ORDERS,
        _ACTIVE_IN,
        _TICKETS_AT,
        _TICKETS_THEN,
        _CONTACTS_AT,
        _CONTACTS_EVER,
        _ANSWERS_AT,
        _HELD_AT,
        _REVIEWS_AT,
        _INVITATIONS_AT,
        _SHOWINGS_AT,
    )
}
"""In an order in which each may name only those before it."""

_WORD = re.compile(r"\b[a-z_]+\b")


def named_in(sql: str) -> list[Relation]:
    """The relations that `sql` needs, directly or through others, each before its users."""
    needed: set[str] = set()
    waiting = [sql]
    while waiting:
        for word in _WORD.findall(waiting.pop()):
            if word in RELATIONS and word not in needed:
                needed.add(word)
                waiting.append(RELATIONS[word].sql)
    return [relation for name, relation in RELATIONS.items() if name in needed]
