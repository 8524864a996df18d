"""Arms, replications and their comparison. Nothing here prints, draws or parses a command line."""
