"""Who there is: accounts, agencies, fans, who follows whom, who enters. It knows nothing of what they do."""
