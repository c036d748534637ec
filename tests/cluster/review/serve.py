"""`python -m tests.cluster.review.serve RUN [PORT] [SECOND]`: the review's server over a lot of all rows of a run."""

from __future__ import annotations

import sys

from cluster.review.app import rows_site
from cluster.review.opening import alone, open_desk
from cluster.review.server import serve
from cluster.store import Store
from tests.cluster.review.cases import lot_of


def main(folder: str, port: str = "0", second: str = "") -> None:
    store = Store(folder)
    rows = store.generated(0, ["id"]).to_pylist()
    with alone(store):
        site = rows_site(*open_desk(store, lot_of(rows, second.split(",")), 10))
        serve(site, "127.0.0.1", int(port), None, (), lambda line: print(line, flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
