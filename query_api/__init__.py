"""From rows to HTTP: a question becomes SQL, its rows become a number with its contract."""
