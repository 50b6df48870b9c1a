"""What we cost in Django, beside its own peers."""
