"""Find out how a file is written, without being told: packing, encoding, and the dialect of a delimited text.

It reads as `csv_grammar` does, since a proposal is worth nothing that the reader would not read so. What the values
mean is the business of shared/processing.
"""
