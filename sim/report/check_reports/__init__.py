"""What checks have found, for a terminal, a job's page and machines; knows nothing of how it was found."""
