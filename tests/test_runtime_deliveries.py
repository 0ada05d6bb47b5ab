"""The outbox: what is wanted in a transaction goes out after it, at least once, under one key, and holds nobody up."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from channels import egress, signing
from metadata.problems import Conflict, Forbidden, Invalid, NotFound
from runtime import deliveries, encrypting, jobs, queries, records
from runtime.deliveries import chain, sending, table
from runtime.deliveries.delivery import Delivery, Sent
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import tidy
from runtime.jobs.runner import Runner
from tests import kit, outside
from tests.outside import Elsewhere, Heard


@pytest.fixture
def tenant(host: Host, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setattr(host, "settings", replace(host.settings, egress_allow="127.0.0.0/8"))
    return kit.tenant(host, kit.MINI, SECRETS)


SECRETS = """
package: {code: secrets, kind: module, requires: {mini: '>=1.0'}}
entities:
  shared_secret:
    label: Shared secret
    title: name
    fields: {name: {type: text, unique: true}, secret: {type: secret}}
"""


@pytest.fixture
def place() -> Iterator[Elsewhere]:
    with outside.web_server() as found:
        yield found


def want(host: Host, tenant: Tenant, key: str, url: str, **more: Any) -> str:
    with kit.workspace(host, tenant) as ws:
        return deliveries.request(ws, key, url, **more)


def held(host: Host, tenant: Tenant, id: str) -> Delivery:
    with kit.workspace(host, tenant, write=False) as ws:
        return deliveries.get(ws, id)


def later(host: Host, tenant: Tenant) -> None:
    """As if all pauses were over: between tries, of targets, of leases."""
    with kit.workspace(host, tenant) as ws:
        past = kit.moment(ws, dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        mark = "%(past)s" if ws.dialect == "postgresql" else ":past"
        ws.db.run(f"UPDATE _job SET run_at = {mark} WHERE state = 'queued'", {"past": past})
        ws.db.run(f"UPDATE _delivery SET next_at = {mark} WHERE state = 'queued'", {"past": past})
        ws.db.run(f"UPDATE _delivery SET lease_until = {mark} WHERE state = 'sending'", {"past": past})
        ws.db.run(f"UPDATE _delivery_target SET until = {mark} WHERE until IS NOT NULL", {"past": past})


def refusing(status: int) -> Callable[[Heard], tuple[int, Mapping[str, str], bytes]]:
    return lambda heard: (status, {}, b"")


def test_what_is_wanted_goes_out_after_the_commit(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    id = want(host, tenant, "run/1/call", place.url("/hook?a=1"), body={"name": "商机"})
    assert place.connections == 0
    jobs.drain(host, tenant)
    (heard,) = place.heard
    assert (heard.method, heard.path, heard.body) == ("POST", "/hook?a=1", '{"name":"商机"}'.encode())
    assert heard.headers["idempotency-key"] == sending.message_key(tenant.id, "run/1/call")
    assert "webhook-signature" not in heard.headers
    done = held(host, tenant, id)
    assert (done.state, done.status, done.attempt, done.about) == ("done", 200, 1, f"POST 127.0.0.1:{place.port}")


def test_what_is_undone_is_never_sent(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    with contextlib.suppress(ZeroDivisionError), kit.workspace(host, tenant) as ws:
        deliveries.request(ws, "k", place.url())
        raise ZeroDivisionError
    jobs.drain(host, tenant)
    assert place.connections == 0


def test_a_key_is_one_delivery(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    first = want(host, tenant, "k", place.url())
    assert want(host, tenant, "k", place.url("/other")) == first
    jobs.drain(host, tenant)
    assert want(host, tenant, "k", place.url()) == first
    jobs.drain(host, tenant)
    assert [each.path for each in place.heard] == ["/"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_sender_that_dies_sends_again_under_the_same_key(
    host: Host, tenant: Tenant, place: Elsewhere, moment: str
) -> None:
    """As after kill -9: between taking and sending, or between sending and writing it down."""
    id = want(host, tenant, "k", place.url(), body={"n": 1})
    with kit.workspace(host, tenant) as ws:
        taken = table.take(ws, f"127.0.0.1:{place.port}")
    assert taken is not None and taken.delivery.attempt == 1
    if moment == "after":
        sending.send(host.settings, tenant.id, "", taken)
    jobs.drain(host, tenant)
    assert held(host, tenant, id).state == "sending"  # its lease still runs
    later(host, tenant)
    jobs.drain(host, tenant)
    assert held(host, tenant, id).state == "done"
    assert {each.headers["idempotency-key"] for each in place.heard} == {sending.message_key(tenant.id, "k")}
    assert len(place.heard) == (2 if moment == "after" else 1)
    with kit.workspace(host, tenant) as ws:  # the late one has nothing to say any more
        assert table.note(ws, taken.delivery, Sent(False, final=True)) is None
    assert held(host, tenant, id).state == "done"


def test_a_killed_process_loses_nothing(tmp_path: Any, place: Elsewhere) -> None:
    place.pause = 1.5
    with kit.open_host(f"sqlite:///{tmp_path / 'd'}", egress_allow="127.0.0.0/8") as host:
        tenant = kit.tenant(host)
        id = want(host, tenant, "k", place.url())
        code = (
            "import sys; from tests import kit; from runtime import directory, jobs\n"
            "with kit.open_host(sys.argv[1], egress_allow='127.0.0.0/8') as host:\n"
            "    jobs.drain(host, directory.by_id(host, sys.argv[2]))\n"
        )
        worker = subprocess.Popen([sys.executable, "-c", code, f"sqlite:///{tmp_path / 'd'}", tenant.id], cwd=kit.ROOT)
        until = time.monotonic() + 60
        while not place.heard and time.monotonic() < until:
            time.sleep(0.02)
        worker.kill()
        worker.wait()
        assert len(place.heard) == 1 and held(host, tenant, id).state == "sending"
        place.pause = 0.0
        later(host, tenant)
        jobs.drain(host, tenant)
        assert held(host, tenant, id).state == "done"
        assert len({each.headers["idempotency-key"] for each in place.heard}) == 1 and len(place.heard) == 2


def test_failures_are_tried_again_after_growing_pauses_until_it_is_enough(
    host: Host, tenant: Tenant, place: Elsewhere
) -> None:
    place.answers = refusing(503)
    id = want(host, tenant, "k", place.url(), then={"instance": "i", "visit": 1})
    pauses = []
    for _ in range(6):
        jobs.drain(host, tenant)
        now = held(host, tenant, id)
        pauses.append((now.next_at - dt.datetime.now(dt.UTC)).total_seconds())
        later(host, tenant)
    assert (now.state, now.attempt, now.status, now.error) == ("dead", 6, 503, "status_503")
    assert pauses[0] < 7 < 10 < pauses[1] < 40 < 60 < pauses[2] < 150 < 400 < pauses[3] < 750
    assert len(place.heard) == 6


def test_a_host_says_how_long_to_wait(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    place.answers = lambda heard: (429, {"Retry-After": "900"}, b"")
    id = want(host, tenant, "k", place.url(), then={"instance": "i", "visit": 1})
    jobs.drain(host, tenant)
    now = held(host, tenant, id)
    assert now.state == "queued" and 800 < (now.next_at - dt.datetime.now(dt.UTC)).total_seconds() <= 901


@pytest.mark.parametrize(
    ("status", "then", "state"), [(404, True, "failed"), (404, False, "queued"), (410, False, "failed")]
)
def test_a_refusal_is_told_at_once_to_who_waits_for_it(
    host: Host, tenant: Tenant, place: Elsewhere, status: int, then: bool, state: str
) -> None:
    place.answers = refusing(status)
    id = want(host, tenant, "k", place.url(), then={"instance": "i", "visit": 1} if then else None)
    jobs.drain(host, tenant)
    assert held(host, tenant, id).state == state


def test_a_closed_address_is_refused_for_good_and_nothing_is_connected_to(
    host: Host, tenant: Tenant, place: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "settings", replace(host.settings, egress_allow=""))
    ids = [want(host, tenant, f"k{n}", url) for n, url in enumerate([place.url(), "http://169.254.169.254/latest"])]
    jobs.drain(host, tenant)
    assert [(held(host, tenant, id).state, held(host, tenant, id).error) for id in ids] == [
        ("failed", "egress.closed")
    ] * 2
    assert place.connections == 0
    with pytest.raises(Invalid):
        want(host, tenant, "k3", "file:///etc/passwd")


def test_a_target_that_is_away_is_left_alone_and_then_asked_by_one(host: Host, tenant: Tenant) -> None:
    with outside.raw_server(lambda sock: None) as port:
        ids = [want(host, tenant, f"k{n}", f"http://127.0.0.1:{port}/") for n in range(8)]
        jobs.drain(host, tenant)
        tries = sum(held(host, tenant, id).attempt for id in ids)
        assert tries == 5  # after five failures in a row the other three wait
        jobs.drain(host, tenant)
        assert sum(held(host, tenant, id).attempt for id in ids) == 5
        later(host, tenant)
        jobs.drain(host, tenant)
        assert sum(held(host, tenant, id).attempt for id in ids) == 6
    with kit.workspace(host, tenant) as ws:
        failures, _, until, now = table._locked(ws, f"127.0.0.1:{port}")
    assert failures == 6 and until is not None and 20 < (until - now).total_seconds() < 80


def test_a_target_that_is_back_gets_everything(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    place.answers = refusing(500)
    ids = [want(host, tenant, f"k{n}", place.url()) for n in range(8)]
    jobs.drain(host, tenant)
    place.answers = refusing(200)
    place.heard.clear()
    later(host, tenant)
    jobs.drain(host, tenant)
    assert {held(host, tenant, id).state for id in ids} == {"done"} and len(place.heard) == 8


def test_targets_that_hang_hold_up_nobody_else(host: Host, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve hosts that never answer, one that does: it has all of its messages, and jobs go on, long before."""
    monkeypatch.setattr(host, "settings", replace(host.settings, egress_allow="127.0.0.0/8 "))
    sending.door.cache_clear()
    other = kit.tenant(host)
    with contextlib.ExitStack() as stack:
        hanging = [stack.enter_context(outside.raw_server(lambda sock: time.sleep(90))) for _ in range(12)]
        place = stack.enter_context(outside.web_server())
        with Runner.start(host, poll=0.1) as runner:
            begun = time.monotonic()
            with kit.workspace(host, tenant) as ws:
                for port in hanging:
                    for n in range(3):
                        deliveries.request(ws, f"h{port}{n}", f"http://127.0.0.1:{port}/")
                for n in range(40):
                    deliveries.request(ws, f"k{n}", place.url())
            with kit.workspace(host, other) as ws:
                deliveries.request(ws, "o", place.url("/other"))
            while len(place.heard) < 41 and time.monotonic() - begun < 40:
                time.sleep(0.05)
            assert len(place.heard) == 41 and time.monotonic() - begun < 40
            monkeypatch.setattr(runner._pool, "stop", lambda timeout=0.0: None)  # nobody waits for the hanging ones
        host.bell = lambda tenant_id: None
    assert {each.path for each in place.heard} == {"/", "/other"}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_workers_hand_over_what_goes_outside(
    postgres_host: Host, redis_url: str, place: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ's workers do jobs alone: the process that keeps them running sends, so a host that hangs takes no worker."""
    tenant = kit.tenant(postgres_host)
    settings = postgres_host.settings
    monkeypatch.setattr(postgres_host, "settings", replace(settings, secret_key="x" * 32))
    where = os.environ | {
        "METALOOM_DATABASE_URL": settings.database_url,
        "METALOOM_FILES_URL": settings.files_url,
        "METALOOM_SECRET_KEY": "x" * 32,
        "METALOOM_REDIS_URL": redis_url,
        "METALOOM_EGRESS_ALLOW": "127.0.0.0/8",
        "PYTHONPATH": f"{kit.ROOT / 'platform'}:{kit.ROOT}",
    }
    with outside.raw_server(lambda sock: time.sleep(30)) as hanging:
        for n in range(4):
            want(postgres_host, tenant, f"h{n}", f"http://127.0.0.1:{hanging}/")
        for n in range(20):
            want(postgres_host, tenant, f"k{n}", place.url(f"/{n}"))
        command = [sys.executable, "-m", "tests.working", "serve"]
        serving = subprocess.Popen(command, cwd=kit.ROOT, env=where, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 60
            while len(place.heard) < 20 and time.monotonic() < until:
                time.sleep(0.05)
            assert {each.path for each in place.heard} == {f"/{n}" for n in range(20)}
        finally:
            serving.terminate()
            serving.wait(timeout=60)


def test_those_of_one_line_go_one_after_another(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    def message(number: int, record: str) -> dict[str, Any]:
        return {"key": f"w:{number}", "url": place.url(), "body": {"n": number}, "webhook": HOOK, "record": record}

    place.answers = refusing(500)
    with kit.workspace(host, tenant) as ws:
        assert deliveries.webhooks(ws, [message(1, "a"), message(2, "a"), message(3, "b")]) == 3
        assert deliveries.webhooks(ws, [message(3, "b")]) == 0
        ws.db.run("INSERT INTO _delivery_target (target, failures, proven) VALUES " + proven(place, ws.dialect))
        first = table.take(ws, f"127.0.0.1:{place.port}")
        second = table.take(ws, f"127.0.0.1:{place.port}")
        third = table.take(ws, f"127.0.0.1:{place.port}")
    assert first is not None and second is not None and third is None
    assert [each.payload["body"] for each in (first, second)] == ['{"n":1}', '{"n":3}']


def proven(place: Elsewhere, dialect: str) -> str:
    """A row of a target that has answered before."""
    return f"('127.0.0.1:{place.port}', 0, {'true' if dialect == 'postgresql' else '1'})"


HOOK = "01890000-0000-7000-8000-000000000001"


def test_a_request_is_signed_with_a_shared_secret(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    with kit.workspace(host, tenant) as ws:
        records.create(ws, "shared_secret", {"name": "erp", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    want(host, tenant, "k", place.url(), body={"test": 1}, secret="erp")
    gone = want(host, tenant, "g", place.url(), body={"test": 1}, secret="nobody")
    jobs.drain(host, tenant)
    (heard,) = place.heard
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert signing.verified(secret, heard.headers, heard.body, time.time()) == sending.message_key(tenant.id, "k")
    assert (held(host, tenant, gone).state, held(host, tenant, gone).error) == ("failed", "no_secret")


def test_mail_goes_to_the_server_of_the_settings(host: Host, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with outside.smtp_server() as box:
        settings = replace(
            host.settings, smtp_url=f"smtp://127.0.0.1:{box.port}?tls=never", mail_from="crm@example.com"
        )
        monkeypatch.setattr(host, "settings", settings)
        words = {"en": "Deal won", "zh": "商机已赢单"}
        with kit.workspace(host, tenant) as ws:
            id = deliveries.mail(ws, "m1", "li@example.org", words, {"en": "Well done", "zh": "干得好"}, lang="zh")
            assert deliveries.mail(ws, "m1", "li@example.org", words, "x") == id
            for to, subject in (("a@example.com\nBcc: b@c.de", "s"), ("a@example.com", "a\nb")):
                with pytest.raises(Invalid):
                    deliveries.mail(ws, "m2", to, subject, "b")
        jobs.drain(host, tenant)
        (letter,) = box.mails
        assert letter["Message-ID"].endswith("@example.com>") and box.envelopes == [
            ("crm@example.com", "li@example.org")
        ]
        done = held(host, tenant, id)
        assert (done.state, done.target, done.about) == ("done", "mail", "@example.org")
        box.refuse = {"RCPT": "550 nobody"}
        with kit.workspace(host, tenant) as ws:
            refused = deliveries.mail(ws, "m3", "no@example.org", "s", "b")
        jobs.drain(host, tenant)
        assert (held(host, tenant, refused).state, held(host, tenant, refused).error) == ("failed", "mail.refused")


def test_without_a_mail_server_a_mail_says_so(host: Host, tenant: Tenant) -> None:
    with kit.workspace(host, tenant) as ws:
        id = deliveries.mail(ws, "m", "li@example.org", "s", "b")
    jobs.drain(host, tenant)
    assert (held(host, tenant, id).state, held(host, tenant, id).error) == ("failed", "no_mail_server")


def test_what_is_sent_lies_encrypted_until_then(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    want(host, tenant, "k", place.url("/canaryaddress"), body={"name": "canaryvalue"})
    with kit.workspace(host, tenant) as ws:
        (row,) = ws.db.fetch("SELECT * FROM _delivery")
    assert "canary" not in repr(row)


def test_the_outbox_moves_to_a_new_key_and_what_no_key_opens_holds_up_nothing(
    host: Host, tenant: Tenant, place: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = want(host, tenant, "k1", place.url("/1"))
    monkeypatch.setattr(host, "settings", replace(host.settings, secret_key="y" * 32, old_secret_key="x" * 32))
    encrypting.everything(host, tenant, lambda entity, number: None)
    with kit.workspace(host, tenant, write=False) as ws:
        assert encrypting.pending(ws) == 0
    monkeypatch.setattr(host, "settings", replace(host.settings, secret_key="z" * 32, old_secret_key=""))
    second = want(host, tenant, "k2", place.url("/2"))
    jobs.drain(host, tenant)
    assert (held(host, tenant, first).state, held(host, tenant, first).error) == ("failed", "secrets.lost")
    assert held(host, tenant, second).state == "done" and [each.path for each in place.heard] == ["/2"]


def test_a_person_has_what_failed_sent_again(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    place.answers = refusing(410)
    ids = [want(host, tenant, f"k{n}", place.url()) for n in range(3)]
    jobs.drain(host, tenant)
    place.answers = refusing(200)
    place.heard.clear()
    with kit.workspace(host, tenant, roles=["admin"]) as ws:
        assert {each.id for each in deliveries.listing(ws, "failed")} == set(ids)
        deliveries.replay(ws, ids[0])
        with pytest.raises(Conflict):
            deliveries.replay(ws, ids[0])
        with pytest.raises(NotFound):
            deliveries.replay(ws, HOOK)
    jobs.drain(host, tenant)
    assert [each.headers["idempotency-key"] for each in place.heard] == [sending.message_key(tenant.id, "k0")]
    with kit.workspace(host, tenant, roles=["admin"]) as ws:
        assert deliveries.replay_target(ws, f"127.0.0.1:{place.port}") == 2
    jobs.drain(host, tenant)
    assert {held(host, tenant, id).state for id in ids} == {"done"} and len(place.heard) == 3
    with kit.workspace(host, tenant, roles=["seller"]) as ws:
        for act in (lambda: deliveries.listing(ws), lambda: deliveries.get(ws, ids[0])):
            with pytest.raises(Forbidden):
                act()
        with pytest.raises(Forbidden):
            deliveries.replay_target(ws, f"127.0.0.1:{place.port}")


def test_the_command_line_looks_after_deliveries(tmp_path: Path, place: Elsewhere) -> None:
    from blueprints.commands import main

    with kit.open_host(f"sqlite:///{tmp_path}", egress_allow="127.0.0.0/8") as host:
        tenant = kit.tenant(host)
        place.answers = refusing(410)
        id = want(host, tenant, "k", place.url("/canarypath"))
        jobs.drain(host, tenant)
        env = {"METALOOM_DATABASE_URL": f"sqlite:///{tmp_path}"}
        told = CliRunner().invoke(main, ["deliveries", "list", tenant.name, "--state", "failed", "--json"], env=env)
        (found,) = json.loads(told.stdout)
        assert (found["id"], found["status"]) == (id, 410) and "canarypath" not in told.stdout
        assert CliRunner().invoke(main, ["deliveries", "replay", tenant.name], env=env).exit_code == 2
        assert CliRunner().invoke(main, ["deliveries", "replay", tenant.name, id], env=env).exit_code == 0
        assert held(host, tenant, id).state == "queued"
        assert CliRunner().invoke(main, ["deliveries", "replay", tenant.name, id], env=env).exit_code == 1


def test_what_a_backup_held_is_not_sent_again_by_itself(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    id = want(host, tenant, "k", place.url())
    with kit.workspace(host, tenant) as ws:
        ws.db.run("UPDATE _state SET restore_epoch = restore_epoch + 1")
    jobs.drain(host, tenant)
    later(host, tenant)
    jobs.drain(host, tenant)
    assert place.connections == 0 and held(host, tenant, id).state == "queued"
    with kit.workspace(host, tenant, roles=["admin"]) as ws:
        deliveries.replay(ws, id)
    jobs.drain(host, tenant)
    assert held(host, tenant, id).state == "done"


def test_what_is_too_old_is_given_up_and_later_forgotten(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    place.answers = refusing(500)
    id = want(host, tenant, "k", place.url())
    jobs.drain(host, tenant)
    now = dt.datetime.now(dt.UTC)
    with kit.workspace(host, tenant, now=now + dt.timedelta(days=4)) as ws:
        assert [each.id for each in deliveries.expire(ws)] == [id]
    assert held(host, tenant, id).state == "dead"
    with kit.workspace(host, tenant) as ws:
        assert deliveries.forget(ws, now, now - dt.timedelta(days=1)) == 0
        assert deliveries.forget(ws, now, now + dt.timedelta(days=5)) == 1


def test_tidying_looks_after_the_outbox(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    want(host, tenant, "k", place.url())
    jobs.drain(host, tenant)
    tidy.queue(host, tenant)
    jobs.drain(host, tenant)
    with kit.workspace(host, tenant) as ws:
        (found,) = [each for each in jobs.listing(ws) if each.kind == "tidy"]
    assert found.state == "done" and found.result is not None and found.result["deliveries"] == 0


def test_sending_costs_a_bounded_number_of_statements(host: Host, tenant: Tenant, place: Elsewhere) -> None:
    for n in range(5):
        want(host, tenant, f"k{n}", place.url())
    assert chain.serve(host, tenant, f"127.0.0.1:{place.port}") == 5
    assert chain.serve(host, tenant, f"127.0.0.1:{place.port}") == 0


# -- what runs of workflows want


def running(host: Host, *parts: str) -> Tenant:
    """A tenant with a workflow that makes these steps about each new deal."""
    steps = "\n".join(f"      {each}" for each in parts)
    text = f"""
package: {{code: flows, version: 1.0.0, kind: module, requires: {{mini: '>=1.0'}}}}
workflows:
  tells:
    label: Tells
    entity: deal
    run_as: {{role: admin}}
    triggers: {{made: {{created: {{}}}}}}
    steps:
{steps}
"""
    return kit.tenant(host, kit.MINI, text)


def runs(host: Host, tenant: Tenant) -> list[str]:
    with kit.workspace(host, tenant) as ws:
        return [row[0] for row in ws.db.fetch("SELECT state FROM _workflow_instance")]


def everything(host: Host, tenant: Tenant) -> None:
    for _ in range(10):
        due = jobs.drain(host, tenant)
        if due is None or due > 0:
            return


@pytest.mark.parametrize(("status", "note"), [(200, "well"), (404, "badly")])
def test_a_run_waits_for_the_answer_to_its_request(
    host: Host, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, note: str
) -> None:
    server, _ = outside.certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    egress._tls.cache_clear()
    blocks = "ok: {a: {create: {entity: company, values: {name: \"'well'\"}}}}, "
    blocks += "failed: {b: {create: {entity: company, values: {name: \"'badly'\"}}}}"
    with outside.web_server(server) as place:
        place.answers = refusing(status)
        url = place.url("/erp", scheme="https")
        flows = running(host, f"call: {{call: {{url: '{url}', body: {{deal: name, total: amount}}, {blocks}}}}}")
        with kit.workspace(host, flows) as ws:
            records.create(ws, "deal", {"name": "商机", "amount": {"amount": "12.50", "currency": "CNY"}})
        everything(host, flows)
    egress._tls.cache_clear()
    (heard,) = place.heard
    assert (heard.path, json.loads(heard.body)["deal"]) == ("/erp", "商机")
    assert runs(host, flows) == ["done"]
    with kit.workspace(host, flows) as ws:
        found = queries.find(ws, queries.Query("company", fields=("name",)))
        assert [each["name"] for each in queries.as_json(found)] == [note]


def test_a_run_tells_people_by_mail_in_their_language(
    host: Host, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "subject: {en: 'Won: {name}', zh: '赢单：{name}'}, body: {en: Well done, zh: 干得好}"
    flows = running(host, f"tell: {{send: {{to: {{who: {{path: owner}}}}, by: {{mail: {{}}}}, {words}}}}}")
    with outside.smtp_server() as box:
        url = f"smtp://127.0.0.1:{box.port}?tls=never"
        settings = replace(host.settings, smtp_url=url, mail_from="crm@example.com", base_url="https://crm.example.com")
        monkeypatch.setattr(host, "settings", settings)
        li = kit.person(host, flows, "Li", roles=["reader"])
        with kit.workspace(host, flows) as ws:
            records.update(ws, "user", li, {"email": "li@example.org", "language": "zh"})
            deal = records.create(ws, "deal", {"name": "D\n7".replace("\n", " "), "owner": li})
        everything(host, flows)
        (letter,) = box.mails
    assert box.envelopes == [("crm@example.com", "li@example.org")]
    assert str(make_header(decode_header(str(letter["Subject"])))) == "赢单：D 7"
    text = next(each for each in letter.walk() if each.get_content_type() == "text/plain")
    said = str(text.get_payload(decode=True), "utf-8")  # type: ignore[arg-type]
    assert "干得好" in said and f"https://crm.example.com/t/{flows.name}/app/deal/{deal.id}" in said
