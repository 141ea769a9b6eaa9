#include <cstdint>
#include <optional>
#include <string>

#include "agent/cli/json_writer.h"
#include "agent/cli/text.h"
#include "agent/config/agent_config.h"
#include "cloud/config/cloud_config.h"
#include "cloud/dispatch/views.h"
#include "common/base/trace_context.h"
#include "common/base/utf8.h"
#include "common/config/quantity.h"
#include "common/crypto/sha256.h"
#include "common/kinds/builtin.h"
#include "common/kinds/csv_inspect.h"
#include "common/mqtt/endpoint.h"
#include "tests/fuzz/checks.h"

namespace spillway::fuzz {
namespace {

// Separated by a byte that no text of these holds.
std::string_view next(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\0'), rest.size());
  std::string_view text = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return text;
}

}  // namespace

// The first byte chooses how the rest is read.
void csv(ByteView bytes) {
  if (bytes.empty()) return;
  kinds::TableOptions options;
  options.missing = static_cast<kinds::Missing>(bytes[0] % 3);
  if (bytes[0] & 4) options.shape.decimal = ',';
  if (bytes[0] & 8) options.shape.delimiter = ' ';
  if (bytes[0] & 16) options.shape.header = 0;
  if (bytes[0] & 32) options.shape.dates = kinds::DateOrder::month_first;
  options.labels = (bytes[0] & 64) != 0;
  const ByteView text = bytes.subspan(1);
  Result<kinds::Table> table = kinds::read_table(text, options);
  if (!table) must_read_well(table.error());
  for (std::size_t i = 0; table && i < table->features.size(); ++i) {
    for (double value : table->features[i].values) {
      must(value >= -1e100 && value <= 1e100, "a value is a number within its bounds");
    }
    must(table->features[i].values.size() == table->rows, "columns are of equal length");
  }
  auto seen = kinds::inspect_csv(as_text(text), options);
  if (!seen) return must(!table, "what is read can be inspected");
  must(seen->refused.empty() == table.ok(), "what is said of a file is what happens");
  must(!kinds::to_json(*seen).empty(), "and it can be told");
}

// A kind, then names and values: what passes the check is what the kind takes.
void args(ByteView bytes) {
  static const kinds::KindRegistry registry = [] {
    kinds::KindRegistry all;
    kinds::add_builtin_kinds(all);
    return all;
  }();
  if (bytes.empty()) return;
  const auto all = registry.list();
  const Kind& kind = *all[bytes[0] % all.size()];
  std::string_view rest = as_text(bytes.subspan(1));
  Labels given;
  while (!rest.empty()) {
    const std::string name(next(rest));
    given[name] = next(rest);
  }
  if (Status good = kinds::check_args(kind, given); !good) must_read_well(good.error());
  must(kinds::work_of(kind, 1000, given) > 0, "work is above 0, whatever the args");
}

void agent_config(ByteView bytes) {
  auto parsed = agent::parse_agent_config(as_text(bytes), "agent.toml");
  must(parsed.ok() || !parsed.error().message.empty(), "an error has a message");
}

void cloud_config(ByteView bytes) {
  auto parsed = cloud::parse_cloud_config(as_text(bytes), "cloud.toml");
  must(parsed.ok() || !parsed.error().message.empty(), "an error has a message");
}

void names(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  if (auto id = parse_task_id(text)) must(*parse_task_id(to_string(*id)) == *id, "ids read back");
  if (auto group = cloud::parse_group_id(text)) {
    must(*cloud::parse_group_id(cloud::to_string(*group)) == *group, "groups read back");
  }
  if (auto broker = mqtt::parse_endpoint(text)) {
    must(!broker->host.empty() && broker->port != 0, "an address names host and port");
  } else {
    must_read_well(broker.error());
  }
  if (auto span = config::parse_duration(text)) {
    must(config::parse_duration(config::to_text(*span)) == span, "durations read back");
  }
  if (auto size = config::parse_size(text)) {
    must(config::parse_size(config::size_text(*size)) == size, "sizes read back");
  }
  (void)cli::parse_duration(text);
  (void)cli::parse_size(text);
  (void)crypto::parse_digest(text);
  if (auto trace = parse_traceparent(text)) {
    must(trace->trace_id.size() == 32, "a trace has its number");
  }
}

// What devices, kinds and people call things, on a terminal and in JSON.
void shown(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  const std::string plain = printable(text);
  must(is_utf8(plain), "what is shown is UTF-8");
  for (const char c : plain) {
    must(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "and steers no terminal");
  }
  cli::JsonWriter json;
  json.value(text);
  must(is_utf8(json.text()), "JSON is UTF-8");
  must(json.text().find('\n') == std::string::npos, "on one line");
}

}  // namespace spillway::fuzz
