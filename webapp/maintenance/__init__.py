"""What an operator does on the command line: verify, back up, restore, change keys, export and erase."""
