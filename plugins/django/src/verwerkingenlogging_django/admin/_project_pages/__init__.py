"""What the pages of a project's own admin record."""
