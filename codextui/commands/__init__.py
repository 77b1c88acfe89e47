"""The commands of the command line, a module a group. Imported only when one of them runs."""
