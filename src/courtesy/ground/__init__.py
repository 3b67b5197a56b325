"""What everything stands on; it knows nothing of customers or campaigns."""
