"""Runs playbooks and stacks, keeps their journal, and tells what a site looks like now."""
