"""Speed and memory beside other implementations, measured in one process: nmt-attn bench."""
