"""Every benchmark, one after the other: ``make bench``."""

import absorb
import assign
import latency
import lift

if __name__ == "__main__":
    for bench in (absorb, assign, latency, lift):
        bench.main()
