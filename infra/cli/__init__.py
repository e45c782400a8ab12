"""`citycloud`, the command line: a module per noun; exit codes and the form of errors are in
`infra.cli.main`.
"""
