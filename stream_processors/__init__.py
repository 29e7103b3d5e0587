"""From the log to rows: each processor folds an event into partial facts, which the store merges."""
