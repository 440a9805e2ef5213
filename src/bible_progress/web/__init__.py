"""The HTTP API and the dashboard over the reads of the database."""
