"""What exports select, kind by kind: each module makes selections, shared/storage/copy_out.py carries them out."""
