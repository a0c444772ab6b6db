"""Cases for servers, one module for each chapter."""
