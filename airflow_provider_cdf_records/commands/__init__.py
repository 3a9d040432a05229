"""The commands ``suggest`` and ``check``: from a file to a running DAG, without Airflow's database."""
