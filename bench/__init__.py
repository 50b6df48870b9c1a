"""What we cost beside our peers, measured side by side in one run: ``python -m bench``."""
