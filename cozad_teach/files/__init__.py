"""What is read and written: places, formats that are checked, writing whole or not at all."""
