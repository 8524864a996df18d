"""A finished run as its readers see it: tables, comparison, claims, answer. It knows no engine."""
