"""What a person can ask of a run: where a row came from, what two runs differ in, what is taken away or erased."""
