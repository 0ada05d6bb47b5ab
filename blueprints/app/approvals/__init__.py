"""The pages of approvals: what waits for somebody, one request and its decision, asking for one from a record."""
