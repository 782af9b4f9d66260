"""What a model costs on this machine: time, memory, accuracy, and how near that is to what the machine can do."""
