"""A PostgreSQL of one's own, without root and without a service."""
