"""Deploys slacast to LocalStack and calls everything that was deployed: what only deploys says nothing."""
