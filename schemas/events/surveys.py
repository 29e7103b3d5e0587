"""Events of asking people and of what they say unasked: surveys (names of Delighted, Wootric, PostHog), reviews."""

from __future__ import annotations

from schemas.events.declared import Declared, Flag, Id, Number, Text


class SurveyInvited(Declared, family="survey", actor="system"):
    """Somebody was asked to answer; again with the same invite_id, it is a reminder."""

    survey_id: Id
    invite_id: Id
    channel: Text


class SurveyDelivered(Declared, family="survey", actor="system"):
    """The invitation arrived."""

    survey_id: Id
    invite_id: Id


class SurveyBounced(Declared, family="survey", actor="system"):
    """The invitation could not be delivered."""

    survey_id: Id
    invite_id: Id


class SurveyShown(Declared, family="survey", actor="system"):
    """A survey appeared before somebody, who need not have looked."""

    survey_id: Id
    invite_id: Id


class SurveyDismissed(Declared, family="survey"):
    """Somebody closed a survey without an answer."""

    survey_id: Id
    invite_id: Id


class SurveyQuestionAnswered(
    Declared,
    family="survey",
    aliases=("wootric_survey_response_created", "survey_sent", "survey_completed", "submission_completed"),
):
    """Somebody answered one question. What it asked stands in the registry of questions, else in the event itself."""

    survey_id: Id
    survey_question_id: Id
    survey_type: Text
    response_id: Id
    invite_id: Id
    related_id: Id
    agent_id: Id
    score: Text
    scale_min: Number
    scale_max: Number
    polarity: Text
    version: Number
    completed: Flag


class SurveyAnswerEdited(Declared, family="survey", aliases=("wootric_survey_response_updated",)):
    """An answer was changed: this one supersedes what the same response_id said of the question before."""

    survey_id: Id
    survey_question_id: Id
    survey_type: Text
    response_id: Id
    invite_id: Id
    related_id: Id
    agent_id: Id
    score: Text
    scale_min: Number
    scale_max: Number
    polarity: Text
    version: Number
    completed: Flag


class ReviewPosted(Declared, family="review"):
    """Somebody judged us in public, on the platform that `source` names."""

    source: Text
    review_id: Id
    rating: Text
    scale_min: Number
    scale_max: Number
    version: Number
    verified: Flag


class ReviewEdited(Declared, family="review"):
    """A review was changed."""

    source: Text
    review_id: Id
    rating: Text
    scale_min: Number
    scale_max: Number
    version: Number
    verified: Flag


class ReviewDeleted(Declared, family="review", actor="system"):
    """A review was taken back or taken down."""

    source: Text
    review_id: Id


class MentionPosted(Declared, family="review"):
    """Somebody spoke of us in public."""

    source: Text
    rating: Text
    text: Text
    sentiment: Number
    model: Text
    model_version: Text
    url: Text
