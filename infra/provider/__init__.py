"""A Pulumi resource provider `openstack`: the official package's types, served in Python over `infra.cloud`."""
