"""`labelmill forget`: rows are erased from a run with all that quotes them, and what learnt from them is named."""
