"""`python -m cluster` is `labelmill`."""

from cluster.cli import main

main()
