"""Who says where the beat is: one source a file."""
