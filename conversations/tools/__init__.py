"""What a model may call: tools of the site, plain Python functions, and those of remote MCP servers."""
