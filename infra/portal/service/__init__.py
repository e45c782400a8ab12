"""What pages and API call: each call is one transaction of rules of `infra.domain` on rows of
`infra.store`."""
