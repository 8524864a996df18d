"""The population: accounts, agencies, fans, follows, newcomers. It knows nothing of what they do."""
