"""Built-in search spaces, one a file, registered by entry point exactly as a third party's would be."""
