"""`python -m services.entry` is the command `tidegate`."""

from services.entry.cli import main

if __name__ == "__main__":
    main()
