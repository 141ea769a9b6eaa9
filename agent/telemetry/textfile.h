#pragma once

#include <string>

#include "common/wire/telemetry.h"
#include "spillway/status.h"

// A device's measurements for node_exporter's textfile collector: Prometheus' text format, in base
// units and without a device's name, which the scrape adds. Any thread.
namespace spillway::agent {

std::string prometheus_text(const wire::Metrics& metrics, const std::string& version);

// A reader sees the whole of one text or of the next: it is written beside it (path.tmp), and takes
// its name. Everybody may read it, whatever the umask. Not synced: it is measured anew soon.
Status replace_file(const std::string& path, const std::string& text);

// node_exporter shows a file as long as it is there, with its last values. Nothing when it is not.
void remove_file(const std::string& path);

}  // namespace spillway::agent
