"""Every benchmark, one after the other: ``make bench``."""

import absorb
import assign
import flags
import latency
import lift
import waits

if __name__ == "__main__":
    for bench in (absorb, assign, flags, latency, lift, waits):
        bench.main()
