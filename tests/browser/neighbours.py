"""Further tenants of the same site: packages that are no sales department, with a few records each."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.browser.site import ADMIN, PASSWORD, ROOT, Site, metaloom

PACKAGES = ("clinic", "library", "rental", "purchasing")


def open_tenant(site: Site, package: str) -> Site:
    """The tenant of this package beside the site's own, made when it is not there."""
    environment = site.environment
    known = [each["name"] for each in json.loads(metaloom(environment, "tenant", "list", "--json"))]
    if package not in known:
        metaloom(environment, "tenant", "create", package, "--package", str(ROOT / "tests" / "packages" / package))
        add = ("user", "add", package, ADMIN, "--role", "admin", "--password-stdin")
        metaloom(environment, *add, given=f"{PASSWORD}\n")
    issued = metaloom(environment, "token", "create", package, ADMIN, "--scope", "read", "--scope", "write", "--json")
    found = replace(site, base=f"{site.base.rsplit('/t/', 1)[0]}/t/{package}", secret=json.loads(issued)["token"])
    if package not in known:
        _FILL[package](found)
    return found


def _clinic(site: Site) -> None:
    home = {"street": "3 rue du Lac", "city": "Annecy", "postal_code": "74000", "country": "FR"}
    patient = {"name": "Zoé 田", "born": "1984-02-29", "allergies": ["pollen"], "blood": "ab", "home": home}
    one = site.api("POST", "/patient", {**patient, "remarks": "<p>Sees <b>badly</b></p>", "wakes": "07:30"})
    for at, state in enumerate(("planned", "seen", "missed")):
        rows = [{"name": "Cleaning", "minutes": 20, "price": "35.50"}, {"name": "牙冠", "minutes": 45}]
        visit = {"patient": one["id"], "reason": f"Toothache {at}", "state": state, "treatments": rows}
        site.api("POST", "/visit", {**visit, "length": 2700, "fee": "80", "temperature": "37.2"})


def _library(site: Site) -> None:
    author = site.api("POST", "/author", {"name": "曹雪芹"})
    book = {"title": "红楼梦", "genres": ["novel", "history"], "pages": 1200, "rating": 5, "shelf": "#aa3322"}
    one = site.api("POST", "/book", {**book, "authors": [author["id"]], "ean": "9787020002207"})
    reader = site.api("GET", "/user?limit=1")["data"][0]["id"]
    site.api("POST", "/loan", {"book": one["id"], "reader": reader, "due": "2030-05-01"})


def _rental(site: Site) -> None:
    machine = site.api("POST", "/machine", {"name": "Excavator", "serial": "X-1", "a04": True, "a08": "1200"})
    booking = {"machines": [machine["id"]], "starts": "2030-05-01", "ends": "2030-05-04", "price": "90000"}
    site.api("POST", "/booking", {**booking, "state": "confirmed"})


def _purchasing(site: Site) -> None:
    """Three who have to do with approvals: who asks, who decides first, who decides then."""
    people = {BUYER: ("Ada", "buyer"), LEAD: ("Ben", "lead"), FINANCE: ("Fay", "finance")}
    for login, (name, role) in people.items():
        add = ("user", "add", "purchasing", login, "--name", name, "--role", "member", "--role", role)
        metaloom(site.environment, *add, "--password-stdin", given=f"{PASSWORD}\n")
    token = ("token", "create", "purchasing", BUYER, "--scope", "read", "--scope", "write", "--json")
    buyer = replace(site, secret=json.loads(metaloom(site.environment, *token))["token"])
    lines = [{"what": "Desk", "pieces": 4}, {"what": "椅子", "pieces": 8}]
    for at, (name, supplier) in enumerate(_WANTED):
        values = {"name": name, "supplier": supplier, "amount": f"{(at + 1) * 12_800}.50", "needed_on": "2030-05-01"}
        made = buyer.api("POST", "/purchase", {**values, "lines": lines, "reason": "The old ones are worn out."})
        if at:
            buyer.api("POST", f"/purchase/{made['id']}/approval", {"comment": "Before the move, please."})


BUYER, LEAD, FINANCE = "ada", "ben", "fay"
_WANTED = (
    ("Shelves", "Nordholz"),
    ("Desks and chairs", "Nordholz"),
    ("会议室投影仪", "华信科技"),
    ("Coffee", "Rösterei"),
)
"""The first is not asked for yet."""

_FILL = {"clinic": _clinic, "library": _library, "rental": _rental, "purchasing": _purchasing}
ENTITIES = {"clinic": "visit", "library": "book", "rental": "machine", "purchasing": "purchase"}
"""The entity of each whose record and form are looked at."""
