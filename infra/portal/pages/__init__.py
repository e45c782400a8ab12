"""The pages: each shows what the services know, and hands a form to the API's own function."""
