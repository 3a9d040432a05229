"""From rows to outcomes. Knows nothing of Airflow, and of HTTP only that something sends a batch."""
