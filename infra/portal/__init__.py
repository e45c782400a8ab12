"""The self-service portal: pages and REST API by which agencies ask for what they need.

`interface` says what pages and API need of the services, `service` does it over the store, `web` shows it.
"""
