"""Which GGUF architectures generate text, as llama.cpp 0c1e57098 (llama-cpp-python 0.3.36) knows them.

Taken from ``src/llama-arch.cpp``; knows nothing of files. A new llama.cpp means this table is read off again.
"""

# Decoders that draw one token after the other. ("gptj" has a name in llama.cpp but no graph.)
_TEXT_GENERATION = """
    afmoe apertus arcee arctic arwkv7 baichuan bailingmoe bailingmoe2 bailingmoe3 bitnet bloom chameleon chatglm
    codeshell cogvlm cohere2 cohere2moe command-r dbrx deci deepseek deepseek2 deepseek2-ocr deepseek32 deepseek4
    dots1 dots3note ernie4_5 ernie4_5-moe exaone exaone-moe exaone4 falcon falcon-h1 gemma gemma2 gemma3 gemma3n
    gemma4 glm-dsa glm4 glm4moe glm5-next gpt-oss gpt2 gptneox granite granite_swa granitehybrid granitemoe
    graniteswitch grok grovemoe hrm_text hunyuan-dense hunyuan-moe hunyuan_vl hy_v3 hy_v4 internlm2 jais jais2 jamba
    kimi-k3 kimi-linear laguna lfm2 lfm2moe llama llama4 maincoder mamba mamba2 maple mellum mimo2 minicpm minicpm3
    minimax-01 minimax-m2 minimax-m3 mistral3 mistral4 mpt muse-glimmer nanbeige nemotron nemotron_h nemotron_h_moe
    olmo olmo2 olmoe openelm orion paddleocr pangu-embedded phi2 phi3 phimoe plamo plamo2 plamo3 plm qwen qwen2
    qwen2moe qwen2vl qwen3 qwen35 qwen35moe qwen3moe qwen3next qwen3vl qwen3vlmoe qwen4exp refact rwkv6 rwkv6qwen2
    rwkv7 seed_oss smallthinker smollm3 spark2_5 stablelm starcoder starcoder2 step35 talkie xverse
"""
TEXT_GENERATION = frozenset(_TEXT_GENERATION.split())

# Known to llama.cpp, but no use for a conversation; the words end the sentence "it is ...".
# What models of an architecture that generates text were made into, by the pooling that their file names (llama.h).
POOLED: dict[object, str] = {
    1: "an embedding model",
    2: "an embedding model",
    3: "an embedding model",
    4: "a reranker",
}

NOT_TEXT_GENERATION = {
    "clip": "a vision or audio encoder",
    "bert": "an embedding model",
    "modern-bert": "an embedding model",
    "nomic-bert": "an embedding model",
    "nomic-bert-moe": "an embedding model",
    "neo-bert": "an embedding model",
    "jina-bert-v2": "an embedding model",
    "jina-bert-v3": "an embedding model",
    "eurobert": "an embedding model",
    "gemma-embedding": "an embedding model",
    "llama-embed": "an embedding model",
    "t5encoder": "a text encoder",
    "t5": "an encoder-decoder",
    "dream": "a diffusion model",
    "llada": "a diffusion model",
    "llada-moe": "a diffusion model",
    "rnd1": "a diffusion model",
    "eagle3": "a draft head for another model",
    "dflash": "a draft head for another model",
    "gemma4-assistant": "a draft head for another model",
    "wavtokenizer-dec": "an audio decoder",
    "qwen3tts": "a speech model",
    "pockettts": "a speech model",
}

# State instead of a KV cache (recurrent), or both (hybrid): a decoded token cannot simply be taken back.
_RECURRENT = """
    arwkv7 mamba mamba2 rwkv6 rwkv6qwen2 rwkv7
"""
RECURRENT = frozenset(_RECURRENT.split())
_HYBRID = """
    bailingmoe3 deepseek4 falcon-h1 glm5-next granitehybrid jamba kimi-k3 kimi-linear lfm2 lfm2moe minimax-01
    nemotron_h nemotron_h_moe plamo2 qwen35 qwen35moe qwen3next qwen4exp
"""
HYBRID = frozenset(_HYBRID.split())
