"""How each verb moves a request. `acting.act` is the door; nothing here is called from elsewhere."""
