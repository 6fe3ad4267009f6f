"""What the scenarios' alerts did, and what the guide's three rules would have done."""
