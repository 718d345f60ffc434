"""How this site calls servers of others: providers of engines, and MCP servers."""
