"""What brings data in from outside: canons, texts and audio. One module for each."""
