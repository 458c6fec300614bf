"""Spoiled files of models and tables, and what npbert must do with each of them."""
