"""Every benchmark, one after the other: ``make bench``."""

import absorb
import latency
import lift

if __name__ == "__main__":
    for bench in (absorb, latency, lift):
        bench.main()
