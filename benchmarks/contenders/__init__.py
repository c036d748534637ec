"""What benchmarks/throughput.py compares: each contender answers one plan in a process of its own, and tells when."""
