"""What every process needs: settings, start and stop, health."""
