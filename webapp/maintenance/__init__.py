"""What an operator does at the command line: verify, back up, restore, change keys, export and erase."""
