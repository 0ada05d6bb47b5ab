"""The pages of workflows: what a record offers and what ran about it, one run, and looking after all of them."""

from blueprints.app.processes import administering, delivering, one, recording, simulating

ROUTES = (*one.ROUTES, *recording.ROUTES, *administering.ROUTES, *delivering.ROUTES, *simulating.ROUTES)
