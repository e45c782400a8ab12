"""City Cloud: provisions and runs one city's shared government cloud."""
