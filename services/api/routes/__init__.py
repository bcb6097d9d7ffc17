"""The gateway's resources, one file each. Each route opens its transaction, so that its extent can be seen."""
