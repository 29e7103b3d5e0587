"""HTTP in, frames out: accepts journey events and answers once the log has them."""
