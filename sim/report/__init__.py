"""What people look at: a finished run in words, tables and pictures; knows no simulation."""
