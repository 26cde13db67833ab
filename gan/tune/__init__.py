"""Studies: searches over train.py's settings with Optuna, which several processes share and which a kill cannot harm."""
