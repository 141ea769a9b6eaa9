#include "tests/demo/view.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace spillway::demo {
namespace {

__attribute__((format(printf, 1, 2))) std::string format(const char* pattern, ...) {
  char text[512];
  va_list args;
  va_start(args, pattern);
  std::vsnprintf(text, sizeof text, pattern, args);
  va_end(args);
  return text;
}

std::string bar(double part) {
  constexpr int kWidth = 40;
  int full = int(std::clamp(part, 0.0, 1.0) * kWidth);
  return std::string(std::size_t(full), '#') + std::string(std::size_t(kWidth - full), '.');
}

std::uint64_t queued(const NodeView& node) {
  return node.by_state[std::size_t(TaskState::waiting)] +
         node.by_state[std::size_t(TaskState::ready)];
}

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, std::size_t(p * double(values.size())))];
}

std::string json_latency(const std::vector<double>& ms) {
  return format("{\"p50\":%.3f,\"p95\":%.3f}", percentile(ms, 0.5), percentile(ms, 0.95));
}

}  // namespace

void View::show(const Progress& progress) {
  const NodeView& node = progress.node;
  double part = double(progress.done) / double(std::max<std::size_t>(1, progress.total));
  unsigned long long local = node.places.empty() ? 0 : node.places[0].running;
  const char* link = node.link_up ? "up" : "DOWN";
  if (!terminal_) {
    if (progress.seconds - last_ < 1) return;
    last_ = progress.seconds;
    std::fprintf(
        stderr,
        "%5.1f s  queued %llu  local %llu  in the cloud %llu  buffered %llu  done %zu/%zu  "
        "link %s  %s\n",
        progress.seconds, static_cast<unsigned long long>(queued(node)), local,
        static_cast<unsigned long long>(node.in_cloud),
        static_cast<unsigned long long>(node.buffered), progress.done, progress.total, link,
        progress.phase.c_str());
    return;
  }
  if (lines_ > 0) std::fprintf(stderr, "\x1b[%dA", lines_);
  lines_ = 4;
  std::fprintf(stderr, "\x1b[K  [%s] %3.0f %%  %zu of %zu done, %.1f s\n", bar(part).c_str(),
               part * 100, progress.done, progress.total, progress.seconds);
  std::fprintf(stderr, "\x1b[K  queued %-7llu running here %-4llu in the cloud %-6llu\n",
               static_cast<unsigned long long>(queued(node)), local,
               static_cast<unsigned long long>(node.in_cloud));
  std::fprintf(stderr,
               "\x1b[K  done here %-7llu done in the cloud %-7llu accepted while cut %llu\n",
               static_cast<unsigned long long>(node.done_local),
               static_cast<unsigned long long>(node.done_cloud),
               static_cast<unsigned long long>(node.buffered));
  std::fprintf(stderr, "\x1b[K  link %-5s %s\n", link, progress.phase.c_str());
}

void View::end() { lines_ = 0; }

std::string summary_text(const Outcome& o, const std::string& socket, const std::string& link,
                         bool kept) {
  std::string text;
  text += format("accepted            %zu\n", o.accepted);
  text += format("done locally        %zu\n", o.local);
  text += format("done in the cloud   %zu\n", o.cloud);
  text += format("buffered while cut  %zu, in %.1f s without a link\n", o.buffered, o.cut_s);
  text += format("lost                %zu\n", o.lost);
  text += format("doubled             %zu\n", o.doubled);
  text += format("mismatched          %zu, every result compared with a direct computation\n",
                 o.mismatched);
  text += format("failed              %zu\n", o.failed);
  text += format("turned away         %zu times, and submitted again; %zu results gave way later\n",
                 o.refused, o.gave_way);
  text += format("latency here        p50 %.0f ms, p95 %.0f ms\n", percentile(o.local_ms, 0.5),
                 percentile(o.local_ms, 0.95));
  text += format("latency by cloud    p50 %.0f ms, p95 %.0f ms\n", percentile(o.cloud_ms, 0.5),
                 percentile(o.cloud_ms, 0.95));
  text += format("over the link       %.1f MB up, %.1f MB down, with TLS and MQTT\n",
                 double(o.bytes_up) / 1e6, double(o.bytes_down) / 1e6);
  text += format("time                %.1f s\n", o.seconds);
  if (!o.first_failure.empty()) text += "first failure       " + o.first_failure + "\n";
  if (!kept) {
    return text +
           "\nTry next: ./dev demo --keep, and then spillway why TASK in another terminal.\n";
  }
  text += "\nStill running. In another terminal:\n";
  text += "  export SPILLWAY_SOCKET=" + socket + "\n";
  text += format("  spillway why %llu\n  spillway ls\n  spillway places\n",
                 static_cast<unsigned long long>(o.a_cloud_task));
  text += "The dashboard, by a link that logs in once:\n  " + link + "\n";
  return text + "Ctrl-C here stops everything and removes it.\n";
}

std::string summary_json(const Outcome& o) {
  return format(
             "{\"accepted\":%zu,\"local\":%zu,\"cloud\":%zu,\"buffered\":%zu,\"lost\":%zu,"
             "\"doubled\":%zu,\"mismatched\":%zu,\"failed\":%zu,\"refused\":%zu,\"gave_way\":%zu,"
             "\"uncounted\":%zu,\"cut_s\":%.3f,\"seconds\":%.3f,",
             o.accepted, o.local, o.cloud, o.buffered, o.lost, o.doubled, o.mismatched, o.failed,
             o.refused, o.gave_way, o.uncounted, o.cut_s, o.seconds) +
         "\"latency_ms\":{\"local\":" + json_latency(o.local_ms) +
         ",\"cloud\":" + json_latency(o.cloud_ms) + "}," +
         format("\"bytes\":{\"up\":%llu,\"down\":%llu}}\n",
                static_cast<unsigned long long>(o.bytes_up),
                static_cast<unsigned long long>(o.bytes_down));
}

}  // namespace spillway::demo
