"""Events of buying: cart, checkout, order, coupon, and what people do with products besides (Segment's spec, GA4)."""

from __future__ import annotations

from schemas.events.declared import Declared
from schemas.events.types import Currency, Flag, Id, Name, Number, RequiredId, Score, Text


class ProductAdded(Declared, family="cart", entities=("cart",), aliases=("add_to_cart", "added_to_cart")):
    """A product was put into a cart; this is how a cart begins."""

    cart_id: Id
    merged_from: Id
    checkout_id: Id
    product_id: Id
    sku: Id
    price: Number
    quantity: Number
    currency: Currency


class ProductRemoved(Declared, family="cart", entities=("cart",), aliases=("remove_from_cart", "removed_from_cart")):
    """A product was taken out of a cart."""

    cart_id: Id
    merged_from: Id
    checkout_id: Id
    product_id: Id
    sku: Id
    price: Number
    quantity: Number


class CartViewed(Declared, family="cart", entities=("cart",)):
    """A cart was looked at."""

    cart_id: Id
    merged_from: Id
    checkout_id: Id


class CartShared(Declared, family="cart", entities=("cart",)):
    """A cart was sent to somebody."""

    cart_id: Id
    merged_from: Id
    checkout_id: Id


class CartMerged(
    Declared, family="cart", actor="system", entities=("cart",), aliases=("merge_cart", "merged_cart", "carts_merged")
):
    """A cart went into another one, as a guest's does at the log-in: they are one cart."""

    cart_id: Id
    into_cart_id: Id


class CheckoutStarted(Declared, family="checkout", entities=("checkout", "cart"), aliases=("begin_checkout",)):
    """A checkout began."""

    checkout_id: Id
    order_id: Id
    cart_id: Id
    value: Number
    revenue: Number
    currency: Currency
    payment_method: Name


class CheckoutStepViewed(Declared, family="checkout", entities=("checkout", "cart")):
    """A step of a checkout was looked at."""

    checkout_id: Id
    order_id: Id
    cart_id: Id
    step: Text
    payment_method: Name


class CheckoutStepCompleted(Declared, family="checkout", entities=("checkout", "cart"), aliases=("add_shipping_info",)):
    """A step of a checkout was done."""

    checkout_id: Id
    order_id: Id
    cart_id: Id
    step: Text
    payment_method: Name
    shipping_method: Text


class PaymentInfoEntered(Declared, family="checkout", entities=("checkout", "cart"), aliases=("add_payment_info",)):
    """The way of paying was given."""

    checkout_id: Id
    order_id: Id
    cart_id: Id
    payment_method: Name


class OrderCompleted(Declared, family="order", entities=("order",), aliases=("purchase", "completed_purchase")):
    """An order was placed; this is how an order begins."""

    order_id: RequiredId
    cart_id: Id
    checkout_id: Id
    total: Number
    revenue: Number
    value: Number
    currency: Currency
    payment_fingerprint: Id


class OrderUpdated(Declared, family="order", actor="system", entities=("order",)):
    """An order's amount or contents changed."""

    order_id: RequiredId
    cart_id: Id
    checkout_id: Id
    total: Number
    revenue: Number
    value: Number
    currency: Currency


class OrderRefunded(Declared, family="order", actor="system", entities=("order",), aliases=("refund",)):
    """Money for an order went back: this amount, or all of it if no amount is given."""

    order_id: RequiredId
    cart_id: Id
    checkout_id: Id
    total: Number
    revenue: Number
    value: Number
    currency: Currency


class OrderCancelled(Declared, family="order", actor="system", entities=("order",)):
    """An order will not happen."""

    order_id: RequiredId
    cart_id: Id
    checkout_id: Id
    total: Number
    revenue: Number
    value: Number
    currency: Currency


class CouponEntered(Declared, family="coupon", entities=("cart",)):
    """A coupon was typed in."""

    order_id: Id
    cart_id: Id
    checkout_id: Id
    coupon_id: Id


class CouponApplied(Declared, family="coupon", entities=("cart",)):
    """A coupon was taken."""

    order_id: Id
    cart_id: Id
    checkout_id: Id
    coupon_id: Id
    discount: Number


class CouponDenied(Declared, family="coupon", entities=("cart",)):
    """A coupon was not taken."""

    order_id: Id
    cart_id: Id
    checkout_id: Id
    coupon_id: Id
    reason: Text


class CouponRemoved(Declared, family="coupon", entities=("cart",)):
    """A coupon was taken away again."""

    order_id: Id
    cart_id: Id
    checkout_id: Id
    coupon_id: Id
    discount: Number


class ProductAddedToWishlist(Declared, family="wishlist", aliases=("add_to_wishlist", "added_to_wishlist")):
    """A product was put on a list of wishes."""

    product_id: Id
    price: Number


class ProductRemovedFromWishlist(Declared, family="wishlist", aliases=("remove_from_wishlist",)):
    """A product was taken off a list of wishes."""

    product_id: Id


class WishlistProductAddedToCart(Declared, family="wishlist"):
    """A wish was put into a cart. It tells of the wish; the cart is told by `product_added`."""

    cart_id: Id
    product_id: Id


class ProductShared(Declared, family="wishlist", aliases=("share",)):
    """A product was shown to somebody."""

    product_id: Id
    share_via: Text


class ProductReviewed(Declared, family="wishlist"):
    """A product was judged."""

    product_id: Id
    review_id: Id
    survey_id: Id
    invite_id: Id
    completed: Flag
    rating: Score
    source: Name
    scale_min: Number
    scale_max: Number
    version: Number
    verified: Flag
