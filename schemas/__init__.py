"""The language of Sojourn: what two or more of its parts must agree on. Owns no socket."""
