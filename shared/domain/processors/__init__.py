"""The settings of each processor; one module a family, as in shared/processing/processors. All: processor.py."""
