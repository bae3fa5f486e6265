"""Who says where the beat is: one file a source."""
