"""Servers of language models that stand on this machine: Ollama, LM Studio, llama.cpp's server, vLLM.

They are looked for on loopback addresses and nowhere else. What is found is remembered by each process for itself.
"""
