"""The experiments behind the book's numbers, and the ledger that holds them."""
