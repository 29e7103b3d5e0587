"""The demo shop: made-up journeys for an installation that has none. Pure generators, and one edge that sends them."""
