"""What the package does, in a real Airflow against the local server: ``make demo`` and ``make demo-up``."""
