"""What only the commands share: composing and checking settings, errors, where results go."""
