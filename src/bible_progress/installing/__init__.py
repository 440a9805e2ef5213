"""What puts the schema into a database, keeps it up to date and takes it away."""
