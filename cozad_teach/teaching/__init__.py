"""What the book needs beside the method: figures, explorers, quizzes and exercise checkers.

Nothing in the rest of the package imports from here.
"""
