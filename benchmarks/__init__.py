"""Measurements of what heapledger costs: `make bench`."""
