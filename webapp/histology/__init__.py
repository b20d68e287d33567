"""The pathologist's result, entered later by whoever has it first: the GP or a dermatologist."""
