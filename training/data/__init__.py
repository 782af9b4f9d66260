"""What a stage trains on."""
