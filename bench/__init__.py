"""Throughput, memory and latency beside the floor: `make bench`. Asserts counts, never timings."""
