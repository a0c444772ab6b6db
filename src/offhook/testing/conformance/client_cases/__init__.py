"""Cases for clients, one module for each chapter."""
