"""One line of JSON in, one out; see bench/lib/peer.mjs."""

import json
import statistics
import sys
import time


def serve(handle):
    for line in sys.stdin:
        print(json.dumps(handle(json.loads(line))), flush=True)


def median_ms(call, count):
    """Median time of call(0) … call(count - 1) in milliseconds."""
    times = []
    for index in range(count):
        start = time.perf_counter()
        call(index)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3
