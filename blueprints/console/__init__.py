"""The operator's console at `/admin`: what runs here, seen from outside the tenants. Built on Flask-Admin."""
