"""Studies: searches over train.py's settings with Optuna, by one process or several."""
