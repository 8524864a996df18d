"""What is shown where with which weight: surfaces, their tables, support policies. It knows no sessions."""
