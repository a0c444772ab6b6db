"""`offhook integrations`: which bots and monitors a connector has, and whether they answer as they should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from ..connector.integrations import Endpoint, Integration, Integrations
from ..connector.probe import Probed, probe, problems
from ..errors import UsageError
from ..protocol import PROFILES

database = click.option("--database", default="offhook.db", show_default=True, metavar="FILE", help="Of the connector.")
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
limit = click.option(
    "--max-active", type=click.IntRange(0), default=5, show_default=True, help="Audio Connectors that may be active."
)


@click.group()
def integrations() -> None:
    """Add, list, test, activate and remove the integrations of a connector."""


@integrations.command()
@click.argument("name")
@click.argument("uri")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="connector", show_default=True)
@click.option("--key", envvar="OFFHOOK_KEY", default="", help="API key.")
@click.option("--secret", envvar="OFFHOOK_SECRET", default="", help="Client secret, base64.")
@click.option("--config", metavar="JSON|@FILE", help="Advanced JSON: customConfig.")
@click.option("--channels", type=click.Choice(["both", "external", "internal"]), help="Of a monitor.")
@click.option("--endpoint", "endpoints", multiple=True, metavar="REGION=URI", help="One more place. Can be repeated.")
@click.option("--tenant", default="", help="Whom its usage is charged to.")
@click.option("--max-seconds", type=click.FloatRange(0), help="Longest session; 0: none. Default: 900 for connectors.")
@click.option("--reconnect", is_flag=True, help="Open a new session when one is lost.")
@click.option("--insecure", is_flag=True, help="Let ws:// go to other machines.")
@database
@as_json
def add(name: str, uri: str, config: str | None, endpoints: tuple[str, ...], **given: Any) -> None:
    """Add an integration NAME at the Base Connection URI, or change it. It is not active until it was activated.

    The connector id of a flow is appended to URI as it is: end it with / where that is wanted.
    """
    file, shown = given.pop("database"), given.pop("as_json")
    store = Integrations(file)
    active = any(each.name == name and each.active for each in store.list())
    places = tuple(_endpoint(each) for each in endpoints)
    integration = Integration(name=name, uri=uri, config=_config(config), endpoints=places, active=active, **given)
    store.put(integration)
    if shown:
        click.echo(msgspec.json.encode(_shown(integration)))
    else:
        click.echo(f"{name} is kept; to let calls use it: offhook integrations activate {name}")


def _endpoint(text: str) -> Endpoint:
    region, found, uri = text.partition("=")
    if not found:
        raise UsageError(f"--endpoint {text!r} must be REGION=URI")
    return Endpoint(uri, region)


def _config(text: str | None) -> object:
    if text is None:
        return None
    try:
        return json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except OSError as error:
        raise UsageError(f"cannot read {text[1:]}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--config is no JSON: {error}") from None


@integrations.command("list")
@database
@as_json
def list_(database: str, as_json: bool) -> None:
    """List all integrations, without their secrets."""
    found = Integrations(database, create=False).list()
    if as_json:
        click.echo(msgspec.json.encode({"integrations": [_shown(each) for each in found]}))
        return
    if not found:
        click.echo("none yet: offhook integrations add NAME URI")
    for each in found:
        state = "active" if each.active else "off"
        signed = "signed" if each.secret else "unsigned"
        click.echo(f"{each.name:<20} {state:<7} {each.profile:<17} {signed:<9} {each.uri}")
        for place in each.endpoints:
            click.echo(f"{'':<20} {'':<7} {place.region:<17} {'':<9} {place.uri}")


def _shown(integration: Integration) -> dict[str, object]:
    table: dict[str, object] = msgspec.to_builtins(integration)
    # Where requests are not signed, the key alone lets in: no more of it is shown than tells one from another.
    masked = integration.key[:4] + "…" if integration.key else ""
    kept = {"key": masked, "secret": bool(integration.secret)}
    return table | kept | {"active": integration.active, "profile": integration.profile}


@integrations.command()
@click.argument("name")
@database
@as_json
def test(name: str, database: str, as_json: bool) -> int:
    """Probe NAME as the platform does when it is activated; exit with 1 if it does not answer as it should."""
    probed = uvloop.run(probe(Integrations(database, create=False).get(name)))
    return _report(name, probed, as_json=as_json)


@integrations.command()
@click.argument("name")
@click.option("--off", is_flag=True, help="Deactivate it.")
@click.option("--force", is_flag=True, help="Activate it whatever the probe says.")
@limit
@database
@as_json
def activate(name: str, off: bool, force: bool, max_active: int, database: str, as_json: bool) -> int:
    """Let calls use NAME, once the probe has found that it works."""
    store = Integrations(database, max_active=max_active, create=False)
    integration = store.get(name)
    if off:
        store.activate(name, False)
        click.echo(msgspec.json.encode({"name": name, "active": False}) if as_json else f"{name} is not active")
        return 0
    store.check_room(integration)
    probed = uvloop.run(probe(integration))
    if force or not problems(probed):
        store.activate(name)
    return _report(name, probed, as_json=as_json, active=store.get(name).active)


@integrations.command()
@click.argument("name")
@database
def remove(name: str, database: str) -> None:
    """Forget NAME. Its usage is kept."""
    Integrations(database, create=False).remove(name)
    click.echo(f"{name} is removed")


def _report(name: str, probed: list[Probed], *, as_json: bool, active: bool | None = None) -> int:
    good = not problems(probed)
    if as_json:
        report: dict[str, object] = {"ok": good, "name": name, "endpoints": probed}
        click.echo(msgspec.json.encode(report if active is None else report | {"active": active}))
    else:
        for each in probed:
            if each.ok:
                click.secho(f"{each.uri}  opened in {each.milliseconds:.0f} ms, closed properly", fg="green")
            else:
                click.secho(f"{each.uri}  {each.text}", fg="red")
        if active is not None:
            click.echo(f"{name} is {'active' if active else 'not active'}")
    return 0 if good else 1
