"""What people check: how many rows, which ones, and what follows."""
