"""Events of asking people and of what they say unasked: surveys (names of Delighted, Wootric, PostHog), reviews."""

from __future__ import annotations

from schemas.events.declared import Declared
from schemas.events.types import Flag, Id, Name, Number, Polarity, Score, SurveyType, Text


class OfSurvey:
    """What any event of asking may tell."""

    survey_id: Id
    invite_id: Id
    completed: Flag


class OfAnswer(OfSurvey):
    """What an answer says, and of what question."""

    survey_question_id: Id
    survey_type: SurveyType
    response_id: Id
    related_id: Id
    agent_id: Id
    score: Score
    scale_min: Number
    scale_max: Number
    polarity: Polarity
    version: Number


class OfReview(OfSurvey):
    """What a review says."""

    source: Name
    review_id: Id
    rating: Score
    scale_min: Number
    scale_max: Number
    version: Number
    verified: Flag


class SurveyInvited(OfSurvey, Declared, family="survey", actor="system"):
    """Somebody was asked to answer; again with the same invite_id, it is a reminder."""


class SurveyDelivered(OfSurvey, Declared, family="survey", actor="system"):
    """The invitation arrived."""


class SurveyBounced(OfSurvey, Declared, family="survey", actor="system"):
    """The invitation could not be delivered."""


class SurveyShown(OfSurvey, Declared, family="survey", actor="system"):
    """A survey appeared before somebody, who need not have looked."""


class SurveyDismissed(OfSurvey, Declared, family="survey"):
    """Somebody closed a survey without an answer."""


class SurveyQuestionAnswered(
    OfAnswer,
    Declared,
    family="survey",
    aliases=("wootric_survey_response_created", "survey_sent", "survey_completed", "submission_completed"),
):
    """Somebody answered one question. What it asked stands in the registry of questions, else in the event itself."""


class SurveyAnswerEdited(OfAnswer, Declared, family="survey", aliases=("wootric_survey_response_updated",)):
    """An answer was changed: this one supersedes what the same response_id said of the question before."""


class ReviewPosted(OfReview, Declared, family="review"):
    """Somebody judged us in public, on the platform that `source` names."""


class ReviewEdited(OfReview, Declared, family="review"):
    """A review was changed."""


class ReviewDeleted(OfReview, Declared, family="review", actor="system"):
    """A review was taken back or taken down."""


class MentionPosted(Declared, family="review"):
    """Somebody spoke of us in public."""

    source: Name
    rating: Score
    text: Text
    sentiment: Number
    model: Text
    model_version: Text
    url: Text
