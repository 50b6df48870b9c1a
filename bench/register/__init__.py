"""The register: what it costs to keep a record safe and to find it again, beside the database as it is."""
