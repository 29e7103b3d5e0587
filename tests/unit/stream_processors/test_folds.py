"""Folds: what one event says of the things it names, and that doing it twice or in pieces changes nothing."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from schemas.events import EVENTS
from schemas.facts import (
    AGENT_HAS,
    AGENT_REPLY,
    BLIND,
    BOT_REPLY,
    BROKEN,
    CREATED_BY_AGENT,
    CUSTOMER_REPLY,
    DELETED,
    EDITED,
    ENDS,
    FLOWED,
    GIVEN,
    IS_CREATED,
    OUT_OF_HOURS,
    PASSED_ON,
    PENDING,
    READ_AGAIN,
    REMOVED,
    RESOLVED,
    RESTORED,
    SELF_SERVICE,
    UNRESOLVED,
    UNSOLVABLE,
    VERIFIED,
    WARM,
)
from schemas.limits import NEVER_MS
from schemas.periods import DAY_MS
from schemas.record import DeadLetter, Frame, Record, encode
from schemas.tables import NO_NUMBER
from stream_processors import (
    activity,
    answers,
    carts,
    checkouts,
    contacts,
    identity_links,
    orders,
    referrals,
    subscriptions,
    tickets,
    traits,
)
from stream_processors.incoming import NONE_YET
from stream_processors.processor import ARCHIVE, FACTS, Decoded, Fold, Refused, columns, decode, fold

NOON = 20_000 * DAY_MS + DAY_MS // 2


def record(name: str, *, time: int = NOON, properties: dict[str, Any] | None = None, **fields: Any) -> Record:
    message_id = fields.pop("message_id", "m1")
    return Record(
        tenant="t",
        source="native",
        event_id=str(uuid.uuid5(uuid.NAMESPACE_URL, message_id)),
        message_id=message_id,
        name=name,
        raw_name=name,
        time=time,
        received_at=time,
        hash=7,
        properties=msgspec.Raw(msgspec.json.encode(properties or {})),
        **fields,
    )


def rows(module: Any, event: Record) -> list[dict[str, Any]]:
    ((_, cells),) = fold([event], [Fold(module.TABLE, module.NAMES, module.fold)])
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]


@pytest.mark.parametrize("each", FACTS, ids=lambda each: each.table.name)
def test_a_fold_makes_rows_of_the_declared_events_that_it_names_and_of_no_others(each: Fold) -> None:
    keys = ("order_id", "ticket_id", "cart_id", "invite_id", "call_id", "conversation_id", "score", "referral_code")
    named = {**dict.fromkeys(keys, "1"), "into_cart_id": "2"}
    said = [
        record(name, user_id="u1", anonymous_id="a1", session_id="s1", traits={"plan": "pro"}, properties=named)
        for name in (*EVENTS, "something_of_our_own")
    ]
    asked = {event.name for event in said if any(cells for _, cells in fold([event], [each]))}
    assert asked == each.names if each.names else asked


def test_activity_marks_the_quarter_hour_of_what_a_person_did() -> None:
    (row,) = rows(activity, record("page_viewed", user_id="u1", time=20_000 * DAY_MS + 15 * 60_000))
    assert (row["day"], row["actor"], row["quarters"]) == (20_000, "u:u1", 0b10)


@pytest.mark.parametrize(
    "event",
    [
        record("page_viewed"),
        record("page_viewed", user_id="u1", bot=True),
        record("identify", user_id="u1"),
        record("ticket_solved", user_id="u1", properties={"ticket_id": "1"}),
        record("ticket_replied", user_id="u1", properties={"ticket_id": "1", "author_type": "agent"}),
        record("ticket_replied", user_id="u1", properties={"ticket_id": "1", "agent_id": "g1"}),
        record("order_refunded", user_id="u1", properties={"order_id": "1"}),
    ],
)
def test_activity_ignores_bots_nobody_and_what_was_done_to_a_person(event: Record) -> None:
    assert rows(activity, event) == []


def test_a_reply_of_the_customer_is_activity() -> None:
    event = record("ticket_replied", user_id="u1", properties={"ticket_id": "1", "author_type": "customer"})
    assert len(rows(activity, event)) == 1


def test_both_ids_on_what_a_person_did_link_them() -> None:
    (row,) = rows(identity_links, record("page_viewed", user_id="u1", anonymous_id="a1"))
    assert (row["origin"], row["target"], row["first"], row["unlinks"]) == ("a:a1", "u:u1", NOON, [])


def test_an_agents_reply_with_both_ids_links_nobody() -> None:
    event = record(
        "ticket_replied",
        user_id="g1",
        anonymous_id="a1",
        properties={"ticket_id": "1", "author_type": "agent"},
    )
    assert rows(identity_links, event) == []


def test_an_alias_links_the_previous_id_as_user_and_as_anonymous() -> None:
    found = rows(identity_links, record("alias", user_id="u2", previous_id="u1"))
    assert [(row["origin"], row["target"]) for row in found] == [("u:u1", "u:u2"), ("a:u1", "u:u2")]


def test_an_alias_to_itself_links_no_user_to_itself() -> None:
    found = rows(identity_links, record("alias", user_id="u1", previous_id="u1"))
    assert [row["origin"] for row in found] == ["a:u1"]


def test_an_unalias_is_kept_with_its_event_and_says_of_no_first_time() -> None:
    event = record("unalias", user_id="u1", anonymous_id="a1")
    (row,) = rows(identity_links, event)
    assert (row["first"], row["unlinks"]) == (NEVER_MS, [(NOON, uuid.UUID(event.event_id))])


def test_traits_without_an_actor_say_nothing_and_an_empty_one_takes_away() -> None:
    assert rows(traits, record("page_viewed", traits={"plan": "pro"})) == []
    found = rows(traits, record("page_viewed", user_id="u1", traits={"plan": "pro", "tier": ""}))
    assert [(row["trait"], row["value"]) for row in found] == [("plan", "pro"), ("tier", "")]


def test_a_cart_is_named_by_its_id_and_counted_a_second_time_by_session() -> None:
    event = record("product_added", session_id="s1", properties={"cart_id": "c1", "quantity": 2})
    found = rows(carts, event)
    assert [(row["entity"], row["id"]) for row in found] == [("cart", "c1"), ("session", "s1")]
    assert found[0]["created"] == NOON
    assert found[0]["changes"][0][4] == 2000


def test_a_cart_without_an_id_is_its_session() -> None:
    found = rows(carts, record("product_removed", session_id="s1"))
    assert [(row["entity"], row["id"]) for row in found] == [("cart", "s1"), ("session", "s1")]
    assert found[0]["created"] == NEVER_MS
    assert found[0]["changes"][0][4] == -1000


def test_a_checkout_event_belongs_to_a_cart_only_if_it_names_it() -> None:
    assert rows(carts, record("checkout_started", session_id="s1", properties={"checkout_id": "k1"})) == []
    (row,) = rows(carts, record("checkout_started", properties={"cart_id": "c1", "checkout_id": "k1"}))
    assert (row["id"], row["created"], row["checkouts"]) == ("c1", NEVER_MS, {"k1": NOON})


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"checkout_id": "k", "order_id": "o", "cart_id": "c"}, "k"),
        ({"order_id": "o", "cart_id": "c"}, "o"),
        ({"cart_id": "c"}, "c"),
        ({}, "s"),
    ],
)
def test_a_checkout_is_named_by_the_first_id_it_has(properties: dict[str, Any], expected: str) -> None:
    (row,) = rows(checkouts, record("checkout_started", session_id="s", properties=properties))
    assert row["id"] == expected


def test_money_is_cut_to_millionths_and_never_a_float() -> None:
    (row,) = rows(orders, record("order_completed", properties={"order_id": "o", "total": "0.0049999999"}))
    assert row["amounts"][0][4] == 4999
    (row,) = rows(orders, record("order_completed", properties={"order_id": "o", "revenue": 19.9, "value": 1}))
    assert row["amounts"][0][4] == 19_900_000


def test_a_refund_without_amount_and_a_cancellation_void_the_order() -> None:
    (refund,) = rows(orders, record("order_refunded", properties={"order_id": "o"}))
    (cancel,) = rows(orders, record("order_cancelled", properties={"order_id": "o", "total": 5}))
    assert (refund["voided"], refund["cancelled"], refund["refunds"]) == (NOON, NEVER_MS, [])
    assert (cancel["voided"], cancel["cancelled"], cancel["amounts"]) == (NOON, NOON, [])


def test_only_the_completion_links_an_order() -> None:
    (row,) = rows(orders, record("order_refunded", user_id="g1", session_id="s9", properties={"order_id": "o"}))
    assert row["actor"][2] == row["session"][2] == ""
    assert row["completed"] == NEVER_MS


@pytest.mark.parametrize(
    ("name", "properties", "rank", "marks"),
    [
        ("ticket_created", {}, 0, IS_CREATED),
        ("ticket_created", {"author_type": "agent"}, 0, IS_CREATED | CREATED_BY_AGENT),
        ("ticket_replied", {"author_type": "agent"}, 2, AGENT_REPLY),
        ("ticket_replied", {"agent_id": "g1"}, 2, AGENT_REPLY),
        ("ticket_replied", {"author_type": "customer", "public": False}, 2, CUSTOMER_REPLY),
        ("ticket_replied", {}, 2, CUSTOMER_REPLY),
        ("ticket_replied", {"author_type": "agent", "public": False}, 2, 0),
        ("ticket_replied", {"author_type": "bot"}, 2, BOT_REPLY),
        ("ticket_status_changed", {"to": "Solved"}, 3, 0),
        ("ticket_status_changed", {"to": "closed"}, 4, 0),
        ("ticket_status_changed", {"to": "pending"}, 1, PENDING),
        ("ticket_status_changed", {"to": "open"}, 1, 0),
        ("ticket_status_changed", {}, 2, 0),
        ("ticket_solved", {}, 3, 0),
        ("ticket_closed", {}, 4, 0),
        ("ticket_reopened", {}, 1, 0),
    ],
)
def test_a_ticket_transition_has_its_rank_and_marks(
    name: str, properties: dict[str, Any], rank: int, marks: int
) -> None:
    (row,) = rows(tickets, record(name, properties={"ticket_id": "1", **properties}))
    assert row["transitions"][0][4:6] == (rank, marks | READ_AGAIN)


@pytest.mark.parametrize(
    ("name", "properties", "rank"),
    [
        ("ticket_status_changed", {"to": "Resolved "}, 3),
        ("ticket_status_changed", {"to": "wibble"}, 2),
        ("ticket_status_changed", {"to": "SPAM"}, REMOVED),
        ("ticket_merged", {}, REMOVED),
        ("ticket_deleted", {}, REMOVED),
        ("ticket_marked_as_spam", {}, REMOVED),
        ("ticket_undeleted", {}, RESTORED),
    ],
)
def test_a_ticket_leaves_by_events_and_words_and_unknown_words_do_nothing(
    name: str, properties: dict[str, Any], rank: int
) -> None:
    (row,) = rows(tickets, record(name, properties={"ticket_id": "1", **properties}))
    assert row["transitions"][0][4] == rank


def test_a_cart_that_goes_into_another_says_so_in_a_row_of_its_own() -> None:
    merged = record("cart_merged", properties={"cart_id": "g", "into_cart_id": "c"})
    viewed = record("cart_viewed", properties={"cart_id": "c", "merged_from": "g"})
    (row,) = rows(carts, merged)
    assert (row["id"], row["merges"][0][4], row["created"], row["changes"]) == ("g", "c", NEVER_MS, [])
    assert [(row["id"], len(row["merges"])) for row in rows(carts, viewed)] == [("g", 1), ("c", 0)]


def test_an_undecodable_line_is_a_dead_letter_and_takes_nothing_with_it() -> None:
    good = record("page_viewed", user_id="u1")
    decoded = decode([Frame(NOON, [encode(good), b"{", b'{"tenant":1}'])])
    assert decoded.records == [good]
    assert decoded.unreadable == 1
    assert [(refused.letter.reason, refused.letter.index, refused.original) for refused in decoded.refused] == [
        ("undecodable_record", 1, b"{"),
        ("undecodable_record", 2, b'{"tenant":1}'),
    ]


def test_a_refused_item_travels_with_its_frame() -> None:
    letter = DeadLetter("t", "native", NOON, "invalid_property", "price", payload="{}")
    assert decode([Frame(NOON, [], [encode(letter)])]) == Decoded([], [Refused(letter, b"{}")])


def test_out_of_a_log_every_dead_letter_knows_the_line_on_which_it_stood() -> None:
    letter = DeadLetter("t", "native", NOON, "invalid_property", "price", payload="{}", index=40)
    decoded = decode([Frame(NOON, [b"{"], [encode(letter)], "events", 3, 17)])
    places = [
        (each.letter.topic, each.letter.partition, each.letter.offset, each.letter.index) for each in decoded.refused
    ]
    assert places == [("events", 3, 17, 0), ("events", 3, 17, 1)]


def test_every_fold_fills_every_column_of_its_table() -> None:
    event = record(
        "order_completed",
        user_id="u1",
        anonymous_id="a1",
        traits={"plan": "pro"},
        properties={"order_id": "o1"},
    )
    for table, cells in fold([event], (ARCHIVE, *FACTS)):
        assert not cells or list(cells) == [column.name for column in table.columns]


def test_nothing_folded_is_no_columns() -> None:
    assert columns(activity.TABLE, []) == {}


def test_an_answer_is_a_version_of_its_response_and_tells_its_invitation_and_showing() -> None:
    properties = {"survey_id": "s1", "survey_question_id": "q1", "score": "9", "response_id": "r1", "invite_id": "i1"}
    found = rows(answers, record("survey_question_answered", user_id="u1", properties=properties))
    keys = [(row["kind"], row["survey"], row["question"], row["id"]) for row in found]
    assert keys == [("answer", "s1", "q1", "r1"), ("invitation", "", "", "i1"), ("showing", "", "invite", "i1")]
    assert [row["actor"][2] for row in found] == ["u:u1", "", ""]
    assert found[0]["versions"][0][4:9] == (0, 0, 9_000_000, NO_NUMBER, NO_NUMBER)
    assert [row["versions"][0][4] for row in found[1:]] == [GIVEN, GIVEN]


@pytest.mark.parametrize(
    ("properties", "score"),
    [
        ({"score": "Good"}, (1_000_000, 0, 1_000_000)),
        ({"score": "no", "scale_min": 0, "scale_max": 5}, (0, 0, 5_000_000)),
        ({"score": 3, "scale_max": 5}, (3_000_000, NO_NUMBER, NO_NUMBER)),
        ({"score": "great"}, (NO_NUMBER, NO_NUMBER, NO_NUMBER)),
        ({"score": "4.0000000001"}, (4_000_001, NO_NUMBER, NO_NUMBER)),
    ],
)
def test_scores_are_kept_exactly_and_words_are_told_on_a_scale_of_two(
    properties: dict[str, Any], score: tuple[int, int, int]
) -> None:
    (row,) = rows(answers, record("ticket_rated", properties={"ticket_id": "t1", **properties}))
    assert (row["kind"], row["id"], row["versions"][0][6:9]) == ("rating", "t1", score)


def test_a_rating_without_a_score_is_no_answer() -> None:
    assert not rows(answers, record("ticket_rated", properties={"ticket_id": "t1"}))


def test_a_review_is_whose_it_was_when_it_was_posted() -> None:
    properties = {"review_id": "r1", "source": "Google", "rating": 4.5, "verified": True}
    (posted,) = rows(answers, record("review_posted", user_id="u1", properties=properties))
    assert (posted["kind"], posted["survey"], posted["id"]) == ("review", "google", "r1")
    assert (posted["actor"][2], posted["versions"][0][4:7]) == ("u:u1", (VERIFIED, 0, 4_500_000))
    (edited,) = rows(answers, record("review_edited", user_id="u2", properties=properties))
    assert (edited["actor"], edited["versions"][0][4]) == (NONE_YET, EDITED | VERIFIED)
    (deleted,) = rows(answers, record("review_deleted", properties={"review_id": "r1", "source": "google"}))
    assert deleted["versions"][0][4] == DELETED


def test_a_referral_is_an_invitation_somebody_with_a_code_or_an_order() -> None:
    (invited,) = rows(referrals, record("invite_sent", user_id="u1"))
    assert (invited["kind"], invited["actor"], invited["code"]) == ("invited", "u:u1", "")
    (came,) = rows(referrals, record("page_viewed", anonymous_id="a1", properties={"referralCode": "R1"}))
    assert (came["kind"], came["actor"], came["code"]) == ("referred", "a:a1", "R1")
    order = record("order_completed", properties={"order_id": "o1", "payment_fingerprint": "f1"})
    (ordered,) = rows(referrals, order)
    assert (ordered["kind"], ordered["order_id"], ordered["payment"], ordered["code"]) == ("ordered", "o1", "f1", "")
    for nothing in (
        record("page_viewed", properties={"referral_code": "R1"}),
        record("page_viewed", user_id="u1"),
        record("order_completed", user_id="u1", properties={"order_id": "o1"}),
        record("ticket_solved", user_id="u1", properties={"ticket_id": "1", "referral_code": "R1"}),
    ):
        assert not rows(referrals, nothing)


def test_what_a_trial_tells_of_its_end_and_its_account_is_kept() -> None:
    told = {"trial_id": "t1", "trialEndDate": "2024-10-15T12:00:00Z", "payment_method_required": "true"}
    context = msgspec.Raw(b'{"groupId":"g4"}')
    (row,) = rows(subscriptions, record("trial_started", user_id="u1", properties=told, context=context))
    assert (row["account"], row["trial_id"], row["card"]) == ("g4", "t1", "true")
    assert (row["ends_at"], row["starts_at"]) == (1_728_993_600_000, NEVER_MS)
    paid = {"subscription_id": "s1", "amount": "19.90", "currency": "eur", "account_id": "g5"}
    (row,) = rows(subscriptions, record("subscription_started", properties=paid, context=context))
    assert (row["account"], row["has_amount"], row["amount"], row["currency"]) == ("g5", True, 19_900_000, "EUR")
    assert not rows(subscriptions, record("page_viewed", properties={"trial_id": "t1"}))


def test_a_contact_is_the_first_call_that_any_of_its_legs_names() -> None:
    (row,) = rows(contacts, record("call_started", user_id="u1", properties={"call_id": 7, "direction": "Outbound"}))
    assert (row["id"], row["actor"][2], row["direction"][2]) == ("7", "u:u1", "outbound")
    back = {"call_id": "8", "initial_call_id": "7", "ticket_id": "t1", "topic": "Billing"}
    (leg,) = rows(contacts, record("call_answered", properties=back))
    assert (leg["id"], leg["ticket"][2], leg["topic"][2], leg["actor"]) == ("7", "t1", "billing", NONE_YET)
    (chat,) = rows(contacts, record("live_chat_message_sent", properties={"conversation_id": "c1"}))
    assert chat["id"] == "c1"
    assert not rows(contacts, record("call_started", user_id="u1"))
    assert not rows(contacts, record("ticket_created", properties={"ticket_id": "t1", "call_id": "7"}))


@pytest.mark.parametrize(
    ("name", "properties", "marks"),
    [
        ("call_queued", {}, PASSED_ON),
        ("call_answered", {"resolved": "true"}, AGENT_HAS | RESOLVED),
        ("call_transferred", {}, PASSED_ON | BLIND),
        ("call_transferred", {"transfer_type": "Warm"}, PASSED_ON | WARM),
        ("call_transferred", {"transfer_type": "sideways"}, PASSED_ON),
        ("live_chat_message_received", {}, AGENT_HAS),
        ("live_chat_message_received", {"author_type": "Bot"}, SELF_SERVICE),
        ("live_chat_message_received", {"author_type": "customer"}, 0),
        ("ivr_menu_entered", {"out_of_hours": True}, SELF_SERVICE | OUT_OF_HOURS),
        ("call_ended", {"ended_in": "IVR", "disconnect_by": "system"}, ENDS | FLOWED),
        ("call_ended", {"ended_in": "queue", "disconnect_by": "system"}, ENDS),
        ("live_chat_conversation_ended", {"disconnect_by": "timeout"}, ENDS | BROKEN),
        ("call_wrap_up_ended", {"resolved": False, "solvable": "no"}, UNRESOLVED | UNSOLVABLE),
    ],
)
def test_a_step_of_a_contact_is_marked_by_what_it_means(name: str, properties: dict[str, Any], marks: int) -> None:
    (row,) = rows(contacts, record(name, properties={"call_id": "k1", **properties}))
    assert row["transitions"][0][5] == marks


def test_a_contact_keeps_the_seconds_it_is_told_exactly() -> None:
    told = {"call_id": "k1", "talk_s": "12.0005", "hold_s": 0.1, "depth": "2", "intent": " Balance ", "agent_id": "g1"}
    (row,) = rows(contacts, record("call_ended", properties=told))
    assert row["transitions"][0][6:] == ("g1", "balance", 2, 12_000_500, 100_000, NO_NUMBER)
