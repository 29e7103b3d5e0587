"""Events of coming and looking: visits, browsing, promotions (Segment's spec and GA4's names)."""

from __future__ import annotations

from schemas.events.declared import Declared
from schemas.events.types import Currency, Flag, Id, Number, Text, Texts


class PageViewed(Declared, family="visit", entities=("visit",), aliases=("page", "pageview")):
    """A page of a website was looked at."""

    path: Text
    url: Text
    referrer: Text
    title: Text


class ScreenViewed(Declared, family="visit", entities=("visit",), aliases=("screen",)):
    """A screen of an app was looked at."""


class SessionStarted(Declared, family="visit", entities=("visit",), aliases=("session_start", "first_visit")):
    """A tool says that a session began; visits are still cut by our own rule."""


class ApplicationInstalled(Declared, family="visit", entities=("visit",), aliases=("first_open",)):
    """An app was installed."""


class ApplicationOpened(Declared, family="visit", entities=("visit",), aliases=("app_open", "app_opened")):
    """An app was opened."""


class ApplicationBackgrounded(Declared, family="visit", entities=("visit",)):
    """An app went into the background."""


class ApplicationCrashed(Declared, family="visit", entities=("visit",), aliases=("app_exception",)):
    """An app crashed."""


class VisitPurposeAnswered(Declared, family="visit", entities=("visit",)):
    """A visitor said why they came, or (`inferred`) somebody concluded it."""

    purpose: Text
    purposes: Texts
    inferred: Flag
    taxonomy: Text


class ProductsSearched(Declared, family="browse", aliases=("search", "product_searched", "view_search_results")):
    """Somebody searched for products."""

    query: Text


class ProductListViewed(Declared, family="browse", aliases=("view_item_list", "product_category_viewed")):
    """A list or category of products was looked at."""

    list_id: Id
    category: Text


class ProductListFiltered(Declared, family="browse"):
    """A list of products was narrowed."""

    list_id: Id
    category: Text


class ProductClicked(Declared, family="browse", aliases=("select_item",)):
    """A product in a list was chosen."""

    product_id: Id
    sku: Id
    price: Number
    quantity: Number
    value: Number


class ProductViewed(Declared, family="browse", aliases=("view_item",)):
    """The details of a product were looked at."""

    product_id: Id
    sku: Id
    price: Number
    quantity: Number
    value: Number
    currency: Currency


class PromotionViewed(Declared, family="promotion", aliases=("view_promotion",)):
    """A promotion was shown."""

    promotion_id: Id


class PromotionClicked(Declared, family="promotion", aliases=("select_promotion",)):
    """A promotion was chosen."""

    promotion_id: Id
