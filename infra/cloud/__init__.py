"""The only door to openstacksdk: one session per set of credentials, and a file per noun behind it."""
