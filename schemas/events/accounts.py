"""Events of belonging: who is who, accounts, trials, subscriptions, and the e-mails that people get."""

from __future__ import annotations

from schemas.events.declared import Declared, Id, Instant, Number, Text


class Identify(Declared, family="identity", actor="system", aliases=("identified",)):
    """Says who somebody is; it is no activity."""


class Alias(Declared, family="identity", actor="system", aliases=("create_alias", "aliased")):
    """Says that two ids are one person."""


class Unalias(Declared, family="identity", actor="system", aliases=("unaliased",)):
    """Takes back what an alias or an identify said."""


class Group(Declared, family="identity", actor="system", aliases=("groupidentify", "group_identify")):
    """Says which company somebody belongs to."""


class AccountCreated(Declared, family="account"):
    """An account was created."""

    account_name: Text


class AccountDeleted(Declared, family="account"):
    """An account was deleted."""

    account_name: Text


class SignedUp(Declared, family="account", aliases=("sign_up", "signup", "user_signed_up")):
    """Somebody became a user."""

    type: Text
    username: Text


class SignedIn(Declared, family="account", aliases=("sign_in", "login", "log_in", "logged_in", "user_signed_in")):
    """Somebody came in."""

    username: Text


class SignedOut(Declared, family="account", aliases=("sign_out", "logout", "log_out", "logged_out")):
    """Somebody went out."""

    username: Text


class InviteSent(Declared, family="account"):
    """Somebody was invited."""

    invitee_email: Text
    referral_code: Text


class AccountAddedUser(Declared, family="account"):
    """A user joined an account."""


class AccountRemovedUser(Declared, family="account"):
    """A user left an account."""


class TrialStarted(Declared, family="account"):
    """A trial began."""

    trial_start_date: Text
    trial_end_date: Text
    trial_plan_name: Text


class TrialExtended(Declared, family="account"):
    """A trial got another end (our own event)."""

    trial_id: Id
    trial_end_date: Text


class TrialEnded(Declared, family="account"):
    """A trial ended."""

    trial_start_date: Text
    trial_end_date: Text
    trial_plan_name: Text


class LeadGenerated(Declared, family="account", aliases=("generate_lead",)):
    """Somebody showed interest (GA4's generate_lead)."""

    value: Number
    currency: Text


class SubscriptionStarted(Declared, family="subscription", aliases=("subscription_created",)):
    """Somebody began to pay regularly."""

    subscription_id: Id
    plan: Text
    amount: Number
    currency: Text
    interval: Text


class SubscriptionUpdated(Declared, family="subscription", actor="system"):
    """A subscription changed."""

    subscription_id: Id
    plan: Text
    amount: Number
    currency: Text
    interval: Text
    status: Text


class SubscriptionCancelled(Declared, family="subscription", actor="system"):
    """A subscription will end."""

    subscription_id: Id
    cancel_reason: Text
    canceled_at: Instant


class SubscriptionRenewed(Declared, family="subscription", actor="system"):
    """A subscription went into its next term."""

    subscription_id: Id
    plan: Text
    amount: Number
    currency: Text


class PaymentFailed(Declared, family="subscription", actor="system"):
    """A payment did not go through."""

    subscription_id: Id
    amount: Number
    currency: Text


class PaymentRefunded(Declared, family="subscription", actor="system"):
    """A charge of a subscription was given back (our own event)."""

    subscription_id: Id
    amount: Number
    currency: Text


class EmailDelivered(Declared, family="email", actor="system"):
    """An e-mail arrived."""

    email_id: Id
    campaign_id: Id


class EmailOpened(Declared, family="email", actor="system"):
    """An e-mail was opened (often by a machine, hence no activity)."""

    email_id: Id
    campaign_id: Id


class EmailLinkClicked(Declared, family="email", actor="system"):
    """A link of an e-mail was followed (often by a machine, hence no activity)."""

    email_id: Id
    campaign_id: Id
    link_url: Text


class EmailBounced(Declared, family="email", actor="system"):
    """An e-mail did not arrive."""

    email_id: Id
    campaign_id: Id


class EmailMarkedAsSpam(Declared, family="email", actor="system"):
    """An e-mail was called spam."""

    email_id: Id
    campaign_id: Id


class Unsubscribed(Declared, family="email", actor="system", aliases=("unsubscribe", "email_unsubscribed")):
    """Somebody wants no more e-mails."""

    email_id: Id
    campaign_id: Id
