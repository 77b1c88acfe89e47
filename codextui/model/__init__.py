"""What a screen shows: threads, transcripts and approvals, changed by events alone. No I/O."""
