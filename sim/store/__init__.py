"""What is written and read again: run folder, journal, tables, units. It knows no measures and no statistics."""
