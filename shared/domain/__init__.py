"""The words of the product as frozen models. Pure: no waiting, no clock, no wire, no log."""
