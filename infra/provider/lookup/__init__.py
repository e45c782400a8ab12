"""The package's functions, by module: each looks something up that the program does not make itself."""
