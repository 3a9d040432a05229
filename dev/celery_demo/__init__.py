"""A load in parts by two Celery workers, one of which is killed: ``make demo-celery``."""
