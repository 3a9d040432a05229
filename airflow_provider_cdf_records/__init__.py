"""Load records into the streams of Cognite Data Fusion (CDF) from Apache Airflow."""

__version__ = "0.1.0"
