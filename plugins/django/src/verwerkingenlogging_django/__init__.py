"""The middleware, the log in the application's own database, and what else makes Django log its verwerkingsacties."""
