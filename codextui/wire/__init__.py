"""The words that every process of codextui shares. Imports nothing else of ours but the errors."""
