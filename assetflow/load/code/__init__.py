"""Code versions: what an asset's code is today, through all project code that it reaches."""
