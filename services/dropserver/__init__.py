"""The dropserver receives and hands out files, says `upload.closed`, and knows nothing of contacts or arrivals."""
