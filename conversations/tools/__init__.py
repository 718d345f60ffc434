"""The tools that a model may call: plain Python functions of this site, and tools of remote MCP servers."""
