"""Whether this machine can run the book, and what to do where it cannot."""
