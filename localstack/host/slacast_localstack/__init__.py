"""What LocalStack lacks to run slacast without Docker, added through the entry points that it leaves open."""
