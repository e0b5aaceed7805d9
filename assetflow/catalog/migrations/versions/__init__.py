"""One module a version, named after it and never edited once it was released."""
