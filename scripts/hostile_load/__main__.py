"""Put `npbert serve` under a hostile load, and check every answer.

    pip install -e '.[test]'
    python scripts/hostile_load --requests 100000

64 clients ask on the loopback address. One request in ten is malformed, in one of a hundred ways:
it is no HTTP, no JSON, not the right JSON, too much, or its client is slow, leaves in the middle,
or half closes its connection. Every right request has to get the answer of `classify`, and every
wrong one its status and a sentence. Meanwhile /health is asked for, and the memory of the service
is measured. At the end the service must be as it was: alive, idle, no larger, and its log empty.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run by its path, where Python finds the modules beside this file alone
    sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile_load.run import run


def main(argv: list[str] | None = None) -> int:
    """Read the command line, and print the report; return 1 if something went wrong."""
    parser = argparse.ArgumentParser(
        prog="python scripts/hostile_load",
        description=__doc__.partition("\n")[0],
    )
    parser.add_argument(
        "--requests", type=int, default=100_000, help="requests (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="which requests, in which order (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    found = run(options.requests, options.seed)
    print("\n".join([*found.report(), *(f"fault: {fault}" for fault in found.faults)]))
    return bool(found.faults)


if __name__ == "__main__":
    sys.exit(main())
