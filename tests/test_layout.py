"""Each module finds its test: by its name, or in this table.

The test of ``scrapepool/room/module.py`` is ``tests/room/test_module.py``, or ``test_room_module.py`` where another
test has that name, since pytest wants each name once. Modules of the command line have theirs in ``tests/cli``. The
table has the modules that are tested through others, with the file that does.
"""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent / "scrapepool"

TESTED_IN = {
    "cli/arguments/file_conflicts": "cli/test_inputs_kept",
    "cli/arguments/list_arguments": "cli/test_bad_input",
    "cli/arguments/text_output": "cli/test_changes_command",
    "cli/click_errors": "cli/test_program",
    "cli/commands/plan_text": "cli/test_plan_command",
    "cli/config/config_file": "cli/test_config_command",
    "cli/config/config_values": "cli/test_config_command",
    "cli/config/opening_notes": "cli/test_environment",
    "cli/exits": "test_docs",
    "cli/fetching/": "cli/test_fetch_command",
    "cli/fetching/cluster_run": "cli/test_cluster",
    "cli/fetching/earlier_records": "cli/test_since",
    "cli/fetching/run_metrics": "cli/test_metrics_file",
    "cli/fetching/start_waits": "cli/test_cron",
    "cli/fetching/state_report": "cli/test_watch_stalls",
    "cli/options/": "cli/test_setting_names",
    "cli/parameters/bash_words": "cli/test_completion_command",
    "cli/parameters/completions": "cli/test_completion_command",
    "cli/parameters/declare": "cli/test_setting_names",
    "cli/parameters/files_read": "cli/test_inputs_kept",
    "cli/parameters/grouped_options": "cli/test_program",
    "cli/parameters/shard_type": "cli/test_shard_option",
    "demo/": "demo/test_web",
    "durations": "cli/test_quantity_types",
    "errors": "test_settings",
    "extract/": "extract/test_extractor",
    "extract/extract_process": "extract/test_stage",
    "extract/workers": "extract/test_stage",
    "memory/host_listing": "cli/test_hosts_command",
    "memory/host_rows": "memory/test_host_file",
    "model/": "model/test_attempts",
    "model/error_kind": "test_failure_classes",
    "model/outcomes": "model/test_verdict",
    "model/transcript": "transport/exchange/test_transcript",
    "ports/": "test_engine",
    "ports/controls": "render/test_live",
    "read/batch_queue": "read/test_reading_ahead",
    "read/characters": "read/formats/test_formats",
    "read/documents/": "read/documents/test_documents",
    "read/documents/parquet_rows": "read/formats/test_formats",
    "read/formats/": "read/formats/test_formats",
    "read/formats/csv_rows": "read/formats/test_csv_lists",
    "read/open_lists": "read/test_lists_by_url",
    "read/scan": "read/test_target_list",
    "read/seen/occurrences": "read/test_target_list",
    "read/seen/target_id": "results/test_journal",
    "read/sources": "read/test_lookup",
    "read/streams/": "read/test_reading_ahead",
    "read/tickets": "read/test_target_list",
    "record/body_files/equal_files": "record/body_files/test_placed_files",
    "record/formats/serializer": "record/parts/test_part_sink",
    "record/safe_io/atomic_replace": "run/test_cookie_jar",
    "record/safe_io/unfinished_mark": "cli/test_replaced_records",
    "record/stores/sqlite_records": "cli/test_merge_command",
    "record/stores/sqlite_rows": "record/stores/test_sqlite",
    "record/stores/sqlite_versions": "cli/test_since",
    "record/warc/": "record/warc/test_warc_archive",
    "record/warc/child": "record/warc/test_warc_process",
    "record/warc/reader": "record/warc/test_warc_earlier",
    "record_fields": "record/formats/test_fields",
    "render/choose": "render/test_plain",
    "render/escaping": "render/test_change_formats",
    "render/hosts_view": "cli/test_demo_command",
    "render/lines": "render/test_run_lines",
    "render/outcome_styles": "render/test_frame",
    "render/pages": "render/test_hosts_table",
    "render/region": "render/test_live",
    "render/report/": "render/report/test_terminal_page",
    "report/figures": "report/test_aggregate",
    "results/record_database": "results/test_find",
    "results/record_summary": "results/test_final_records",
    "run/assemble": "test_library",
    "run/dry_run/": "cli/test_plan_command",
    "run/lease_resources": "test_library",
    "run/library": "test_library",
    "run/list_feed": "cli/test_fetch_command",
    "run/list_split": "cli/test_split_command",
    "run/merge_output": "cli/test_merge_command",
    "run/monitoring/fail_if": "cli/test_alarm_options",
    "run/monitoring/metrics_server": "cli/test_metrics_port",
    "run/monitoring/view_decorator": "run/monitoring/test_stall_report",
    "run/outputs/open_archive": "cli/test_warc_option",
    "run/outputs/open_outputs": "cli/test_output_shapes",
    "run/outputs/part_output": "cli/test_parts",
    "run/outputs/resume": "cli/test_resume",
    "run/process_count": "cli/test_processes",
    "run/processes/": "cli/test_processes",
    "run/recrawl": "cli/test_since",
    "run/run_transport": "cli/test_processes",
    "run/save_dir": "cli/test_save_dir",
    "schedule/dispatch": "schedule/test_scheduler",
    "schedule/failures/": "schedule/test_politeness",
    "schedule/failures/failure_attribution": "schedule/health/test_attribution",
    "schedule/failures/network_policy": "schedule/health/test_outage",
    "schedule/forecast/host_report": "schedule/forecast/test_host_status",
    "schedule/forecast/remaining": "schedule/forecast/test_eta",
    "schedule/forecast/survey": "schedule/forecast/test_host_query",
    "schedule/health/host_health": "schedule/forecast/test_host_status",
    "schedule/http_fallback": "test_engine",
    "schedule/lease": "schedule/test_scheduler",
    "schedule/limits": "schedule/test_politeness",
    "schedule/queue/host_state_sync": "schedule/sharing/test_host_state",
    "schedule/queue/host_table": "schedule/test_makespan",
    "schedule/queue/next_target": "schedule/test_scheduler",
    "schedule/robots": "schedule/test_politeness",
    "schedule/run_quota": "schedule/test_scheduler",
    "schedule/run_state": "schedule/test_scheduler",
    "schedule/settlement": "schedule/test_scheduler",
    "settings/": "test_settings",
    "sqlite_schema": "record/stores/test_sqlite",
    "transport/errors": "transport/test_classify",
    "transport/exchange/body_end": "transport/exchange/test_whole_bodies",
    "transport/exchange/check_request": "transport/exchange/test_route",
    "transport/exchange/conditions": "transport/exchange/test_request_overrides",
    "transport/exchange/exchange": "transport/exchange/test_whole_bodies",
    "transport/exchange/large_body": "transport/exchange/test_whole_bodies",
    "transport/exchange/outcomes": "transport/exchange/test_head_fallback",
    "transport/exchange/set_cookie": "transport/exchange/test_cookies",
    "transport/http1/": "transport/http1/test_response",
    "transport/http1/compressed_stream": "transport/http1/test_content_coding",
    "transport/http1/connect_request": "transport/net/test_proxies",
    "transport/net/adapter": "transport/net/test_session",
    "transport/net/channel": "transport/net/test_connection",
    "transport/net/descriptors": "transport/net/test_session",
    "transport/net/opening": "transport/net/test_deny_private",
    "transport/net/phase": "transport/work/test_activity",
    "transport/net/socks": "transport/net/test_proxies",
    "transport/net/steps": "transport/work/test_loop",
    "transport/net/urllib3_internals": "transport/net/test_urllib3_response",
    "transport/robots/groups": "transport/robots/test_robots_rules",
    "transport/work/": "transport/work/test_loop",
    "transport/work/attempt": "transport/work/test_follow_redirects",
    "transport/work/held_connection": "transport/work/test_lease",
    "version": "cli/test_program",
    "whatwg": "test_url",
}
"""The test of a module, or of all modules of a room that have none: both without ``.py``."""

MODULES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.py") if not path.name.startswith("__")
)


def named_test(module: str) -> Path | None:
    """Return the test file of a module's own name; None if there is none."""
    room, _, name = module.rpartition("/")
    folder = TESTS / ("cli" if room.startswith("cli/") else room)
    names = (f"test_{name}.py", f"test_{room.rpartition('/')[2]}_{name}.py")
    return next((folder / found for found in names if (folder / found).is_file()), None)


def entry_of(module: str) -> str | None:
    """Return the entry of the table for a module: its own, or that of its room; None if there is none."""
    room = module.rpartition("/")[0] + "/"
    return next((entry for entry in (module, room) if entry in TESTED_IN), None)


def test_each_module_has_a_test() -> None:
    """By its name or by the table, where the entry of a module comes before that of its room.

    For a new module: add a test with its name, or name the file that tests it in TESTED_IN.
    """
    without = [module for module in MODULES if named_test(module) is None and entry_of(module) is None]
    assert without == []


def test_the_table_is_true() -> None:
    """Its files exist, and each line is needed."""
    assert [test for test in TESTED_IN.values() if not (TESTS / f"{test}.py").is_file()] == []
    used = {entry_of(module) for module in MODULES if named_test(module) is None}
    assert [entry for entry in TESTED_IN if entry not in used] == []
