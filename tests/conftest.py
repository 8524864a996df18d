"""Settings that all tests share."""

from hypothesis import settings

# The same examples in every run, and no deadline: the first call of a kernel compiles it for seconds.
settings.register_profile("headshare", deadline=None, derandomize=True, database=None)
settings.load_profile("headshare")
