"""What queries say: filters, aggregates, the selection of properties, and cursors."""
