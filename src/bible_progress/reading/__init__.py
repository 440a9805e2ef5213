"""What people and programs are told of the numbers."""
