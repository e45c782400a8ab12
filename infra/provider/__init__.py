"""A Pulumi resource provider `openstack`: the official package's types, served over `infra.cloud`."""
