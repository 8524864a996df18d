"""Sessions, compiled, in stages over groups of fans. It knows arrays and scalars only."""
