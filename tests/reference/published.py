"""Confidence intervals as R. G. Newcombe printed them in 1998, to the digits that he prints.

Shares: Two-sided confidence intervals for the single proportion: comparison of seven methods, Statistics in Medicine 17
(1998) 857-872, Table I, method 3 (Wilson's score). Differences: Interval estimation for the difference between
independent proportions: comparison of eleven methods, Statistics in Medicine 17 (1998) 873-890, Table II, method 10
(square-and-add of Wilson's).
"""

from __future__ import annotations

SHARES = {
    # successes, n: low, high
    (81, 263): ("0.2553", "0.3662"),
    (15, 148): ("0.0624", "0.1605"),
    (0, 20): ("0.0000", "0.1611"),
    (1, 29): ("0.0061", "0.1718"),
}
DIFFERENCES = {
    # one share, the other: low, high of the first minus the second
    (56, 70, 48, 80): ("+0.0524", "+0.3339"),
    (9, 10, 3, 10): ("+0.1705", "+0.8090"),
    (6, 7, 2, 7): ("+0.0582", "+0.8062"),
    (5, 56, 0, 29): ("-0.0381", "+0.1926"),
    (0, 10, 0, 20): ("-0.1611", "+0.2775"),
    (0, 10, 0, 10): ("-0.2775", "+0.2775"),
    (10, 10, 0, 20): ("+0.6791", "+1.0000"),
    (10, 10, 0, 10): ("+0.6075", "+1.0000"),
}
