"""What is asked about what people say, and about the contacts that they have."""

from __future__ import annotations

from typing import Any

from tests.streams.moments import AFTER, AUTUMN, MIDDLE, WHOLE

FCR, CONTAINED = "first_contact_resolution_rate", "self_service_containment_rate"
OPINIONS: list[tuple[str, dict[str, Any]]] = [
    ("nps", {**MIDDLE, **AUTUMN, "segment": "survey", "compare": "previous"}),
    ("nps", {**AFTER, **WHOLE, "dedupe": "first", "segment": "trait.plan"}),
    ("nps", {**AFTER, **WHOLE, "dedupe": "mean", "kind": "transactional", "segment": "country"}),
    ("nps", {**AFTER, **WHOLE, "attribution": "cohort", "within": "P3D"}),
    ("nps", {**AFTER, **AUTUMN, "dedupe": "all", "filter": "country:in:DE,AT", "tz": "Asia/Kathmandu"}),
    ("nps", {**AFTER, **AUTUMN, "filter": "survey:ne:s1"}),
    ("nps", {**AFTER, **WHOLE, "definition": "articles", "segment": "country"}),
    ("csat", {**MIDDLE, **WHOLE, "segment": "agent"}),
    ("csat", {**AFTER, **AUTUMN, "scale": "0-1", "segment": "channel", "compare": "previous"}),
    ("csat", {**AFTER, **WHOLE, "definition": "mean", "dedupe": "mean", "segment": "device"}),
    ("csat", {**AFTER, **WHOLE, "attribution": "cohort", "filter": "country:ne:"}),
    ("ces", {**MIDDLE, **AUTUMN, "segment": "survey,country"}),
    ("ces", {**AFTER, **WHOLE, "definition": "index", "direction": "effort_high"}),
    ("ces", {**AFTER, **WHOLE, "definition": "share", "threshold": "5.5", "dedupe": "mean"}),
    ("survey_response_rate", {**MIDDLE, **AUTUMN, "segment": "channel", "compare": "previous"}),
    ("survey_response_rate", {**AFTER, **WHOLE, "definition": "rr1", "within": "P2D", "segment": "trait.plan"}),
    ("survey_response_rate", {**MIDDLE, **WHOLE, "definition": "rr3", "segment": "country"}),
    ("survey_response_rate", {**AFTER, **WHOLE, "definition": "rr3", "eligible": "0.25", "filter": "survey:eq:s1"}),
    ("survey_response_rate", {**MIDDLE, **WHOLE, "definition": "intercept", "segment": "device"}),
    ("review_rating", {**MIDDLE, **WHOLE, "segment": "source", "compare": "previous"}),
    ("review_rating", {**AFTER, **AUTUMN, "weights": "google:3,trustpilot:1.5", "segment": "country"}),
    ("review_rating", {**AFTER, **WHOLE, "definition": "share", "verified": "only"}),
    ("review_rating", {**AFTER, **AUTUMN, "definition": "bayesian", "prior": "7.5", "segment": "source"}),
    ("review_rating", {**AFTER, **AUTUMN, "definition": "wilson_lower", "filter": "source:eq:google"}),
    ("visit_purpose", {**MIDDLE, **AUTUMN, "segment": "device", "compare": "previous"}),
    ("visit_purpose", {**AFTER, **WHOLE, "labels": "inferred", "segment": "trait.plan"}),
    ("visit_purpose", {**AFTER, **AUTUMN, "purpose": "Buy", "filter": "channel:ne:app", "compare": "previous"}),
]
CONTACTS: list[tuple[str, dict[str, Any]]] = [
    ("contact_volume", {**MIDDLE, **AUTUMN, "segment": "channel", "compare": "previous"}),
    ("contact_volume", {**AFTER, **WHOLE, "direction": "all", "segment": "trait.plan"}),
    ("contact_volume", {**AFTER, **AUTUMN, "filter": "country:ne:DE", "segment": "agent", "tz": "Asia/Kathmandu"}),
    ("handling_time", {**MIDDLE, **AUTUMN, "segment": "agent", "compare": "previous"}),
    ("handling_time", {**AFTER, **WHOLE, "statistic": "p90", "parts": "hold,wrap", "segment": "channel"}),
    ("handling_time", {**MIDDLE, **AUTUMN, "statistic": "km_median", "filter": "channel:eq:voice"}),
    ("handling_time", {**AFTER, **AUTUMN, "statistic": "median", "parts": "talk", "segment": "trait.plan"}),
    ("transfers_per_contact", {**MIDDLE, **AUTUMN, "segment": "agent", "compare": "previous"}),
    ("transfers_per_contact", {**AFTER, **WHOLE, "ivr": "count", "consult": "count", "segment": "channel,country"}),
    ("transfers_per_contact", {**AFTER, **AUTUMN, "definition": "share", "segment": "trait.plan"}),
    (CONTAINED, {**MIDDLE, **AUTUMN, "segment": "channel", "compare": "previous"}),
    (CONTAINED, {**AFTER, **WHOLE, "within": "P3D", "engagement": "PT1M", "segment": "trait.plan"}),
    (CONTAINED, {**AFTER, **WHOLE, "goals": "ivr_option_selected,IVR Goal Reached", "filter": "channel:ne:chat"}),
    (CONTAINED, {**MIDDLE, **WHOLE, "definition": "naive", "segment": "country"}),
    (CONTAINED, {**AFTER, **AUTUMN, "definition": "abandonment", "compare": "previous"}),
    (CONTAINED, {**AFTER, **AUTUMN, "definition": "handoff", "segment": "device"}),
    (FCR, {**MIDDLE, **AUTUMN, "segment": "channel", "compare": "previous"}),
    (FCR, {**AFTER, **WHOLE, "within": "P1D", "segment": "trait.plan"}),
    (FCR, {**AFTER, **WHOLE, "scope": "channel", "filter": "country:in:DE,AT"}),
    (FCR, {**MIDDLE, **WHOLE, "declared": "agent", "segment": "agent"}),
    (FCR, {**MIDDLE, **AUTUMN, "definition": "gross", "segment": "country"}),
    (FCR, {**AFTER, **WHOLE, "definition": "net", "scope": "channel", "segment": "channel"}),
    (FCR, {**AFTER, **WHOLE, "definition": "freshservice", "segment": "device"}),
    (FCR, {**MIDDLE, **WHOLE, "definition": "zendesk"}),
    (FCR, {**AFTER, **AUTUMN, "definition": "zendesk_older", "compare": "previous"}),
    (FCR, {**MIDDLE, **WHOLE, "definition": "articles", "segment": "channel"}),
]
QUESTIONS = [*OPINIONS, *CONTACTS]
