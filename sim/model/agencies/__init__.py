"""Agencies and money over time: review, tiers, ledger, history, services. They know no sessions."""
