"""What the simulated Virtualmin tells of what it holds, as rows of a name and lists of values."""

from datetime import UTC, datetime

from fleet.webmin.hosting import BLOCK, Alias, Domain, Switches, User

Row = tuple[str, dict[str, list[str]]]
GERMAN = {"Email only": "Nur E-Mail", "Unlimited": "Unbegrenzt"}
NOBODYS_HASH = "$6$rounds=1000$simulation$simulation"
REPLY_PROGRAM = "|/etc/webmin/virtual-server/autoreply.pl"


def domain_row(domain: Domain) -> Row:
    quota = str(domain.quota)
    used = 108 + sum(user.used for user in domain.users.values()) // BLOCK
    values = {
        "allowed_features": "unix dir mail",
        "allowed_scripts": "All",
        "can_choose_database_names": "Yes",
        "can_migrate_backups": "No",
        "can_rename_servers": "Yes",
        "contact_address": f"{domain.owner}@{domain.name}",
        "contact_email": f"{domain.owner}@{domain.name}",
        "created_by": "root",
        "created_on": datetime.fromtimestamp(domain.created, UTC).strftime("%d/%b/%Y %H:%M"),
        "created_unix_time": str(domain.created),
        "description": domain.description,
        "edit_capabilities": "users aliases passwd",
        "features": "unix dir mail webmin",
        "file": f"/etc/webmin/virtual-server/domains/{domain.number}",
        "group_id": "1004",
        "group_name": domain.owner,
        "home_directory": f"/home/{domain.owner}",
        "id": domain.number,
        "ip_address": "127.0.0.1 (Shared)",
        "last_login": "Never",
        "login_permissions": "Email, FTP and SSH",
        "mailbox_username_prefix": domain.owner,
        "maximum_alias_servers": "*",
        "maximum_aliases": "Unlimited",
        "maximum_databases": "Unlimited",
        "maximum_mailboxes": "Unlimited",
        "maximum_mongrel_instances": "Unlimited",
        "maximum_non-alias_servers": "*",
        "maximum_sub-servers": "Cannot create",
        "password_storage": "Hashed" if domain.hashed else "Plain text",
        "plan": "Default Plan",
        "plan_id": "0",
        "plugins": "",
        "provisioning_for_dns": "Local",
        "provisioning_for_mysql": "Local",
        "provisioning_for_spam": "Local",
        "provisioning_for_virus": "Local",
        "read-only_mode": "No",
        "server_block_quota": quota,
        "server_block_quota_used": str(used),
        "server_byte_quota_used": str(used * BLOCK),
        "server_quota": size_for_people(domain.quota * BLOCK),
        "server_quota_used": size_for_people(used * BLOCK),
        "shell_command": "/bin/bash",
        "shell_type": "ssh",
        "ssl_candidate_hostnames": domain.name,
        "ssl_cert_used_by": "webmin",
        "ssl_provider_subset_mode": "No",
        "sub-servers_cannot_be_under_other_domains": "No",
        "sub-servers_inherit_ip_address": "No",
        "sub-servers_must_be_under_main_domain": "No",
        "template": "Default Settings",
        "template_id": "0",
        "type": "Top-level server",
        "user_block_quota": quota,
        "user_block_quota_used": str(used),
        "user_byte_quota_used": str(used * BLOCK),
        "user_id": "1005",
        "user_quota": size_for_people(domain.quota * BLOCK),
        "user_quota_used": size_for_people(used * BLOCK),
        "username": domain.owner,
        "webmin_module_access": "dns=1 mail=1 web=1 mailboxes=1",
    }
    if domain.hashed:
        values["hashed_password"] = NOBODYS_HASH
    else:
        values["password"] = domain.owner_password
    return domain.name, {key: [value] for key, value in values.items()}


def owner_row(domain: Domain, switches: Switches, *, mail_size: bool, simple: bool) -> Row:
    """The domain's owner, who is a mailbox as well."""
    owner = User(
        domain.owner,
        domain.owner,
        hash=NOBODYS_HASH,
        real=domain.description,
        email=f"{domain.owner}@{domain.name}",
        extras=[alias.name for alias in domain.aliases if alias.to == [f"{domain.owner}@{domain.name}"]],
        quota=domain.quota,
    )
    name, values = user_row(domain, owner, switches, mail_size=mail_size, simple=simple, for_master=True)
    home = f"/home/{domain.owner}"
    values |= {
        "user_type": ["Server owner"],
        "ftp_access": ["Yes"],
        "shell": ["/bin/bash"],
        "login_permissions": [""],
        "home_directory": [home],
        "mail_location": [f"{home}/Maildir"],
    }
    return name, values


def user_row(
    domain: Domain, user: User, switches: Switches, *, mail_size: bool, simple: bool, for_master: bool
) -> Row:
    home = f"/home/{domain.owner}/homes/{user.short}"
    values = {
        "user": [user.short],
        "real_name": [user.real],
        "domain": [domain.name],
        "unix_username": [user.unix],
        "disabled": ["Yes" if user.disabled else "No"],
        "no_password_accepted": ["No"],
        "home_directory": [home],
        "ftp_access": ["No"],
        "login_permissions": ["Email only"],
        "shell": ["/dev/null"],
        "user_type": ["Normal user"],
        "mail_location": [f"{home}/Maildir"],
        "mail_storage_type": ["Maildir"],
    }
    if for_master:
        values["encrypted_password"] = [user.hash]
        if user.plain:
            values["password"] = [user.plain]
    if switches.quotas:
        values["home_quota"] = [size_for_people(user.quota * BLOCK) if user.quota else "Unlimited"]
        values["home_quota_used"] = [size_for_people(user.used)]
        values["home_byte_quota"] = [str(user.quota * BLOCK)]
        values["home_byte_quota_used"] = [str(user.used)]
        values["home_files_used"] = [""]
    if mail_size:
        size = user.used - 81920
        values["mail_file_size"] = [size_for_people(size)]
        values["mail_file_byte_size"] = [str(size)]
    if user.email:
        values["email_address"] = [user.email]
    if user.extras:
        values["extra_addresses"] = [" ".join(user.extras)]
    if user.recovery:
        values["recovery_email_address"] = [user.recovery]
    values |= _simple(user) if simple else _raw(domain, user)
    if switches.language == "de":
        for key in ("login_permissions", "home_quota"):
            if key in values:
                values[key] = [GERMAN.get(value, value) for value in values[key]]
    return user.unix, values


def _simple(user: User) -> dict[str, list[str]]:
    if any(target.startswith(("|", "/", ":")) for target in user.forwards):
        return {"deliver_to_user": ["No"]}  # not simple: neither forwards nor reply are told
    values = {"deliver_to_user": ["Yes" if user.delivers else "No"]}
    if user.forwards:
        values["forward"] = list(user.forwards)
    reply = user.reply
    if reply.on:
        values["autoreply_message"] = [reply.text.replace("\n", "\\n")]
    for key, value in (
        ("autoreply_start", reply.start),
        ("autoreply_end", reply.end),
        ("autoreply_period", reply.period),
        ("autoreply_from", reply.sender),
    ):
        if value:
            values[key] = [value]
    return values


def _raw(domain: Domain, user: User) -> dict[str, list[str]]:
    if not user.forwards and not user.reply.on:
        return {}
    targets = list(user.forwards)
    if user.reply.on:
        targets.append(f"{REPLY_PROGRAM} /home/{domain.owner}/homes/{user.short}/autoreply.txt")
    if user.delivers:
        targets.append("\\" + user.unix.replace("@", "-"))
    return {"forward_mail_to": targets}


def alias_rows(domain: Domain) -> list[Row]:
    """Aliases, and the extra addresses of mailboxes among them."""
    rows: list[Row] = []
    for alias in domain.aliases:
        to = list(alias.to)
        if alias.simple.get("autoreply"):
            where = f"autoreply-{alias.name}.txt"
            to.append(
                f"{REPLY_PROGRAM} /home/{domain.owner}/{where} {alias.name}"
                f" /var/virtualmin-autoreply/{domain.number}-{where}"
            )
        rows.append((alias.name, {"to": to}))
    rows.extend((extra, {"to": [user.unix]}) for user in domain.users.values() for extra in user.extras)
    return rows


def simple_alias_rows(domain: Domain) -> list[Row]:
    """Those that lead to addresses and local users only, or answer."""
    rows = []
    for alias in domain.aliases:
        if (values := _simple_alias(domain, alias)) is not None:
            rows.append((alias.name, values))
    rows.extend(
        (extra, {"domain": [domain.name], "forward": [user.unix]})
        for user in domain.users.values()
        for extra in user.extras
    )
    return rows


def _simple_alias(domain: Domain, alias: Alias) -> dict[str, list[str]] | None:
    if any(target.startswith(("|", "/", ":")) for target in alias.to):
        return None
    values = {"domain": [domain.name]}
    if forwards := [target for target in alias.to if not target.startswith("\\")]:
        values["forward"] = forwards
    if local := [target[1:] for target in alias.to if target.startswith("\\")]:
        values["local_user"] = local
    for key, option in (("message", "autoreply"), ("period", "autoreply-period"), ("from", "autoreply-from")):
        if option in alias.simple:
            values[f"autoreply_{key}"] = [alias.simple[option]]
    return values


def size_for_people(size: int) -> str:
    """As Virtualmin writes it: 80 KiB, 1.05 MiB, 2 GiB."""
    if not size:
        return "0 bytes"
    amount, unit = float(size), "bytes"
    for name in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, name
    return f"{amount:.2f}".rstrip("0").rstrip(".") + f" {unit}"
