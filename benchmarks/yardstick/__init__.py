"""What benchmarks/lift.py is made of: real sets, cached generation, arms, tiers, tables."""
