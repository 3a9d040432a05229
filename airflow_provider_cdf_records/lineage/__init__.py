"""What loads tell systems of lineage beyond Airflow's own. Its modules need those systems' packages."""
