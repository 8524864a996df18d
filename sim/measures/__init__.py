"""What is measured on a run: measures, their index, groups of accounts. It knows no files and no statistics."""
