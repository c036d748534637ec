"""Real texts that come back into a run: scored, picked, labelled, joined."""
