"""What watches the cloud: exporters, rules, runbooks, Alertmanager's configuration."""
