"""The study in miniature: what each stage, each loss and the range mask's threshold are worth, with its spread."""
