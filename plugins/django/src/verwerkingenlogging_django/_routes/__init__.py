"""The URLs of a project, and what each of them logs."""
