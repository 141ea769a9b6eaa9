#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cloud/ctl/api.h"
#include "cloud/ctl/output.h"

// What spwctl does, one function a command. Each answers the exit code.
namespace spillway::ctl {

// What the command line names, as words.
struct Words {
  std::vector<std::string> ids;  // devices, alerts, tokens
  std::string id;
  std::string text, health, reason, group, label, kind, version, sort, state, device, severity,
      rule, note, name, scope, to_group, input, band, key, url, sha256;
  std::vector<std::string> args, task_labels;  // key=value
  bool online = false, offline = false, failed = false, firing = false, all = false,
       dry_run = false, otlp = false;
  std::uint64_t limit = 100;
  double for_s = 3600, expires_s = 0, deadline_s = 0;
};

using Command = int (*)(Api&, const Console&, const Words&);

int fleet_status(Api& api, const Console& console, const Words& words);
int fleet_watch(Api& api, const Console& console, const Words& words);

int device_list(Api& api, const Console& console, const Words& words);
int device_show(Api& api, const Console& console, const Words& words);
int device_watch(Api& api, const Console& console, const Words& words);
int device_offloaded(Api& api, const Console& console, const Words& words);
int device_events(Api& api, const Console& console, const Words& words);
int device_losses(Api& api, const Console& console, const Words& words);
int device_sessions(Api& api, const Console& console, const Words& words);
int device_quarantine(Api& api, const Console& console, const Words& words);
int device_revoke(Api& api, const Console& console, const Words& words);
int device_release(Api& api, const Console& console, const Words& words);
int device_update(Api& api, const Console& console, const Words& words);
int device_drain(Api& api, const Console& console, const Words& words);
int device_resume(Api& api, const Console& console, const Words& words);
int device_logs(Api& api, const Console& console, const Words& words);
int device_set_group(Api& api, const Console& console, const Words& words);

int task_offloaded(Api& api, const Console& console, const Words& words);
int task_show(Api& api, const Console& console, const Words& words);
int task_why(Api& api, const Console& console, const Words& words);
int task_trace(Api& api, const Console& console, const Words& words);
int task_tail(Api& api, const Console& console, const Words& words);
int task_submit(Api& api, const Console& console, const Words& words);
int task_dispatched(Api& api, const Console& console, const Words& words);
int task_groups(Api& api, const Console& console, const Words& words);
int task_group(Api& api, const Console& console, const Words& words);
int task_cancel(Api& api, const Console& console, const Words& words);
int task_retry(Api& api, const Console& console, const Words& words);

int alert_list(Api& api, const Console& console, const Words& words);
int alert_ack(Api& api, const Console& console, const Words& words);
int alert_silence(Api& api, const Console& console, const Words& words);
int alert_rules(Api& api, const Console& console, const Words& words);

// By a session: makes a token, and ends the session.
int login(Api& api, const Console& console, const Words& words);
int token_create(Api& api, const Console& console, const Words& words);
int token_list(Api& api, const Console& console, const Words& words);
int token_revoke(Api& api, const Console& console, const Words& words);
int session_list(Api& api, const Console& console, const Words& words);
int session_end(Api& api, const Console& console, const Words& words);

int audit_list(Api& api, const Console& console, const Words& words);
int cloud_show(Api& api, const Console& console, const Words& words);
int kind_list(Api& api, const Console& console, const Words& words);
int event_tail(Api& api, const Console& console, const Words& words);
int doctor(Api& api, const Console& console, const Words& words);

// Says what went wrong and answers its exit code.
int complain(const Console& console, const Error& error);
// Shows what the cloud answered. Whatever it is asked, the first of these columns is in its answer.
int present(const Console& console, const Result<json::value>& answer,
            const std::vector<Column>& columns);
// Whether it is clear which devices are meant: some by name, those that a filter matches, or all.
// Says so if not.
bool names_devices(const Console& console, const Words& words);

}  // namespace spillway::ctl
