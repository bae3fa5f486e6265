"""Where the beat is: who says so, and what that makes of the meter."""
