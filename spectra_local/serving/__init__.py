"""The engine for other programs: HTTP for llama.vim, llama.vscode and OpenAI clients, LSP for editors."""
