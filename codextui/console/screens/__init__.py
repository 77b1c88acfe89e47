"""The screens of the console, each with its stylesheet."""
