"""The numbers: the formulas of DistilBERT, and the packs and threads that they run in."""
