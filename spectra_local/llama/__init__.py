"""The only room that imports llama_cpp: GGUF files, models, KV memory, sampling, on the low-level API."""
