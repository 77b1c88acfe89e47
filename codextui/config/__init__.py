"""The user's configuration and the files and folders of codextui."""
