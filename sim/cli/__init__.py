"""The command line: parses arguments, calls the verbs, turns errors into exit codes."""
