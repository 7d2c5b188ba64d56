"""What editing files needs besides its screen: the file, what is suggested, what the model is asked. No widgets."""
