"""What a number may say of itself beside its value: the closed lists of warnings and of reasons to leave units out."""

from __future__ import annotations

from collections.abc import Mapping

WARNINGS: Mapping[str, str] = {
    "ahead_of_watermark": "`at` lies beyond the time up to which everything received has been counted.",
    "clustered": "Several units of one person: the interval is too narrow.",
    "horizon_not_reached": "No unit is as old as the horizon; the estimate carries the last known share forward.",
    "immature": "Some units are still open, and no estimate corrects for it.",
    "imprecise": "The interval reaches more than 10 points to each side.",
    "multi_select": "Some named several classes: the shares exceed 1 together.",
    "not_reached": "More than the asked share is still open: the quantile does not exist yet, only its lower limit.",
    "open_window": "The window ends after `at`: more units will enter.",
    "overlapping_segments": "One person can be in several segments: they do not add up to the total.",
    "partial_day": "T is not a local midnight: the last day is not over.",
    "scale_mismatch": "Some answers were given on other scales, or on another one than their question has: left out.",
    "small_n": "Fewer than 30 units.",
    "sparse": "Fewer than 5 units with, or fewer than 5 without the outcome.",
    "suppressed": "Hidden: fewer units than the tenant shows (`k_anon`), or it would reveal another hidden one.",
}

EXCLUDED: Mapping[str, str] = {
    "already_signed_up": "People who had signed up before.",
    "bot": "Done by a bot.",
    "bounced": "Invitations that could not be delivered.",
    "cancelled": "Orders cancelled later; they stay counted.",
    "cartless_orders": "Orders that no cart led to.",
    "closed_unanswered": "Tickets solved without a reply.",
    "created_unknown": "Tickets whose creation is not known.",
    "declared": "Answers that a visitor gave, where those inferred of them are asked for.",
    "deleted": "Reviews that were taken back or taken down.",
    "emptied": "Carts emptied by hand, where the parameter `emptied` leaves them out.",
    "incomplete": "Answers that were not completed.",
    "inferred": "Answers that were inferred of a visitor, where those that visitors gave are asked for.",
    "invalid_score": "Answers off their scale, or not a whole number on it.",
    "late": "Answers that came after the time that they had, or before their invitation.",
    "no_actor": "Events without a user id and without an anonymous id.",
    "no_amount": "Orders of which no event says what they were worth.",
    "no_cart_id": "Adds to a cart that name neither a cart nor a session.",
    "no_checkout_id": "Checkouts begun that name no checkout, order, cart or session.",
    "no_session": "Events that name no session, where sessions are counted.",
    "not_new": "People who had been seen before, where the parameter `visitors` leaves them out.",
    "other_kind": "Those of the other kind, which the parameter `kind` tells apart.",
    "other_taxonomy": "Answers by another version of the list of purposes.",
    "refunded": "Orders wholly given back soon after.",
    "repeated": "Answers of the same person, or of the same about one interaction, that another one stands for.",
    "same_payment": "Purchases paid by an instrument of whoever invited; they stay purchases, unreferred.",
    "scale_mismatch": "Answers on another scale, which are never pooled with these.",
    "second_trial": "Trials of somebody who had one before.",
    "self_referral": "Purchases by one's own referral code; they stay purchases, unreferred.",
    "uninvited": "Answers that no known invitation asked for.",
    "unverified": "Reviews that are not verified, where only those are asked for.",
    "unweighted": "Reviews on platforms to which `weights` gives no weight.",
}
