"""What only the book's pages use: exercises and their checker, figures, explorers."""
