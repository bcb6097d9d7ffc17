"""The demonstration: one file's whole road on real input, with every count compared with what the generator knows."""
