#include "tests/chaos/report.h"

#include <cstdio>

#include "tests/chaos/client.h"

namespace spillway::chaos {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    char escape[8] = {c, 0};
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') std::snprintf(escape, sizeof escape, "\\%c", c);
    if (byte < 0x20) std::snprintf(escape, sizeof escape, "\\u%04x", byte);
    out += escape;
  }
  return out + "\"";
}

std::string fixed(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", number);
  return text;
}

}  // namespace

std::uint64_t TortureReport::fault_count() const {
  std::uint64_t all = 0;
  for (const auto& [kind, count] : faults) all += count;
  return all;
}

void TortureReport::take(const Verdicts& verdicts) {
  accepted += verdicts.accepted;
  lost += verdicts.lost;
  doubled += verdicts.doubled;
  mismatched += verdicts.mismatched;
  poisoned += verdicts.poisoned;
  refused += verdicts.losses.refused + verdicts.losses.unwritten;
  expired += verdicts.losses.expired;
  gave_way += verdicts.losses.gone;
}

std::string to_json(const TortureReport& report) {
  std::string json = "{\"faults\":{";
  for (const auto& [kind, count] : report.faults) {
    if (json.back() != '{') json += ',';
    json += quoted(kind) + ':' + std::to_string(count);
  }
  json += "},\"accepted\":" + std::to_string(report.accepted);
  json += ",\"lost\":" + std::to_string(report.lost);
  json += ",\"doubled\":" + std::to_string(report.doubled);
  json += ",\"mismatched\":" + std::to_string(report.mismatched);
  json += ",\"poisoned\":" + std::to_string(report.poisoned);
  json += ",\"refused\":" + std::to_string(report.refused);
  json += ",\"expired\":" + std::to_string(report.expired);
  json += ",\"gave_way\":" + std::to_string(report.gave_way);
  for (const auto& [name, value] : report.figures) json += ',' + quoted(name) + ':' + fixed(value);
  json += ",\"recovery_s_max\":" + fixed(report.recovery_s_max);
  json += ",\"seconds\":" + fixed(report.seconds);
  json += ",\"seed\":" + std::to_string(report.seed) + ",\"violations\":[";
  for (const Violation& violation : report.violations) {
    if (json.back() != '[') json += ',';
    json += "{\"what\":" + quoted(violation.what) + ",\"again\":" + quoted(violation.again) + "}";
  }
  return json + "]}";
}

std::string to_text(const TortureReport& report) {
  std::string text = std::to_string(report.fault_count()) + " faults of " +
                     std::to_string(report.faults.size()) + " kinds in " + fixed(report.seconds) +
                     " s:";
  for (const auto& [kind, count] : report.faults) text += " " + kind + " " + std::to_string(count);
  text += "\naccepted " + std::to_string(report.accepted) + ", lost " +
          std::to_string(report.lost) + ", doubled " + std::to_string(report.doubled) +
          ", mismatched " + std::to_string(report.mismatched) + ", longest recovery " +
          fixed(report.recovery_s_max) + " s\n";
  text += "refused " + std::to_string(report.refused) + ", expired " +
          std::to_string(report.expired) + ", gave way " + std::to_string(report.gave_way) +
          ", each counted\n";
  for (const auto& [name, value] : report.figures) text += name + " " + fixed(value) + "\n";
  for (const Violation& violation : report.violations) {
    text += "VIOLATION: " + violation.what + "\n  again: " + violation.again + "\n";
  }
  return text + (report.clean() ? "No promise was broken.\n" : "PROMISES WERE BROKEN.\n");
}

}  // namespace spillway::chaos
