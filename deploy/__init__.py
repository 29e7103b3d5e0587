"""How Sojourn runs: the command line, the one-process mode, migrations, and the adapters to the log and the store."""
