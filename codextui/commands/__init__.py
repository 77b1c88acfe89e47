"""The commands of the command line. A module is imported only when one of its commands runs."""
