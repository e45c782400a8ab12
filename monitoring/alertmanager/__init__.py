"""How alerts reach people: Alertmanager's configuration and mails, and the dead man's switch."""
