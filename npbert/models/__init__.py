"""The models under the names of transformers: padded arrays in, outputs out."""
