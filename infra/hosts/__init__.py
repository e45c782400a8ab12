"""Servers of the site: reach them by SSH, check them before a deployment, make a lab's out of nothing."""
