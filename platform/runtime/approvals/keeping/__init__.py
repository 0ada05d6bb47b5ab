"""What is kept of approvals: requests with their trails, the lists of them, and their definitions."""
