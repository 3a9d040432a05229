"""What the project holds: spaces, containers, streams and records in SQLite, and the endpoints on them."""
