"""The executable specification: a session in plain Python. It knows arrays and scalars only."""
