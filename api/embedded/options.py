"""What the server is told: little memory, no network, a log that stays small."""

from collections.abc import Sequence
from pathlib import Path

_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "30",
    "shared_buffers": "32MB",
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "autovacuum_max_workers": "1",
    "io_method": "sync",  # else processes of their own read for it
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
    # What was wrong with a statement its sender is told; here it would fill the disk, with names.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def server_command(programs: Path, data: Path, socket: Path) -> Sequence[str]:
    """The command that runs the server in the foreground."""
    options = _OPTIONS | {"unix_socket_directories": f'"{socket}"'}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [str(programs / "postgres"), "-D", str(data), *settings]
