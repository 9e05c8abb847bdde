"""What a person or a program reads about a run: logs, the table and its notes, report files."""
