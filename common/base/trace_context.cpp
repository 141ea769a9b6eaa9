#include "common/base/trace_context.h"

#include <algorithm>
#include <cstdio>

namespace spillway {
namespace {

constexpr std::size_t kLength = 55;  // 00-<32>-<16>-<2>

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == text.npos; }

// A bijection that spreads: samplers look at a trace's last digits, and tasks are numbered in a
// row.
std::uint64_t spread(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view text) {
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') {
    return std::nullopt;
  }
  const std::string_view version = text.substr(0, 2), trace = text.substr(3, 32),
                         parent = text.substr(36, 16), flags = text.substr(53, 2);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags)) return std::nullopt;
  const bool longer = text.size() > kLength;
  if (version == "ff" || (longer && (version == "00" || text[kLength] != '-'))) return std::nullopt;
  if (is_zero(trace) || is_zero(parent)) return std::nullopt;
  return TraceContext{std::string(trace), std::string(parent)};
}

Status check_trace(std::string_view given) {
  if (given.empty() || parse_traceparent(given)) return {};
  return fail(Code::invalid_argument,
              "trace: must be a W3C traceparent, e.g. "
              "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

TraceContext trace_of(std::string_view given, TaskId id) {
  if (auto parsed = parse_traceparent(given)) return *std::move(parsed);
  return {hex(id.origin.value | (id.origin.value == 0)) + hex(spread(id.seq)), ""};
}

std::string span_id(TaskId id, Epoch epoch, SpanPart part) {
  const std::uint64_t which = std::uint64_t(epoch.value) << 8 | std::uint64_t(part);
  const std::uint64_t mixed = spread(spread(spread(id.origin.value) ^ id.seq) ^ which);
  return hex(mixed == 0 ? 1 : mixed);
}

std::string traceparent(std::string_view given, TaskId id, Epoch epoch) {
  return "00-" + trace_of(given, id).trace_id + "-" + span_id(id, epoch, SpanPart::attempt) + "-01";
}

}  // namespace spillway
