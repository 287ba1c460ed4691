"""What a cinematographer knows, as functions of arrays."""
