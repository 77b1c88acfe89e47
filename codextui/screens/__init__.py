"""The screens of the console: one a file, its stylesheet next to it."""
