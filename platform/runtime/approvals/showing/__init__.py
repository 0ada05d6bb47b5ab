"""What people see of approvals: their boxes, one request, and what they may do to it."""
