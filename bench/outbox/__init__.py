"""What the outbox costs: safe on the disk, delivered, and with a backlog."""
