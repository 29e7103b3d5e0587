"""Frames in, rows out: decodes records, folds them into facts and inserts both."""
