"""What each processor does to the rows of a frame; one module a family. shared/processing/chain.py joins them."""
