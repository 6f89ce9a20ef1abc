"""What a person types: the command faceapi."""
