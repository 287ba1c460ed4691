"""What a person touches in a notebook: thin ipywidgets shells over pure functions that return arrays or pictures."""
