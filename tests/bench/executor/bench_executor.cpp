#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "tests/bench/executor/workloads.h"

// Runs every workload on every pool in turn, several times, and compares medians.
namespace spillway::bench {
namespace {

struct Size {
  unsigned runs = 7;
  std::uint64_t closures = 5'000'000;
  unsigned tree = 25, fib = 30, fib_openmp = 25;
  std::size_t elements = 10'000'000;
  unsigned loops = 20'000;
  unsigned probes = 500;
  std::size_t pending = 1 << 20;
};

struct Row {
  std::string name, unit;
  double value = 0;
  std::string against;  // what the reference is
  double reference = 0;
  double goal = 0;           // of the ratio value / reference
  bool at_least = true;      // the goal is a lower bound
  double low = 0, high = 0;  // range of the value over the runs

  double ratio() const { return value / reference; }
  bool met() const { return at_least ? ratio() >= goal : ratio() <= goal; }
};

using Runs = std::map<std::string, std::vector<double>>;  // by pool

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The report: all medians on stderr as they come, rows at the end.
class Report {
 public:
  explicit Report(std::string only) : only_(std::move(only)) {}

  bool wants(const std::string& name) const {
    return only_.empty() || name.find(only_) != std::string::npos;
  }

  // Runs the entries in turn, `runs` times.
  Runs interleave(const std::string& name, unsigned runs,
                  const std::vector<std::pair<std::string, std::function<double()>>>& entries) {
    Runs results;
    for (unsigned i = 0; i < runs; ++i) {
      for (std::size_t turn = 0; turn < entries.size(); ++turn) {
        // No pool is always behind the same other one.
        const auto& [pool, run] = entries[(i + turn) % entries.size()];
        std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the last one's spinning ends
        results[pool].push_back(run());
      }
    }
    show(name, results);
    return results;
  }

  void show(const std::string& name, const Runs& results) const {
    std::fprintf(stderr, "%-34s", name.c_str());
    for (const auto& [pool, values] : results) {
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      std::fprintf(stderr, "  %s %.4g (%.4g-%.4g)", pool.c_str(), median(values), *low, *high);
    }
    std::fprintf(stderr, "\n");
  }

  void compare(const std::string& name, const std::string& unit, const Runs& results,
               const std::string& against, double goal, bool at_least,
               const std::string& ours = "spillway") {
    const auto& values = results.at(ours);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    rows_.push_back({name, unit, median(values), against, median(results.at(against)), goal,
                     at_least, *low, *high});
  }
  // Against a bound that is no pool's.
  void bound(const std::string& name, const std::string& unit, double value,
             const std::string& what, double limit) {
    rows_.push_back({name, unit, value, what, limit, 1, false, value, value});
  }

  void print_table() const {
    std::printf("%-44s %9s %-7s %-13s %9s %7s %8s  %s\n", "workload", "value", "unit", "against",
                "reference", "ratio", "goal", "met");
    for (const Row& row : rows_) {
      std::printf("%-44s %9.4g %-7s %-13s %9.4g %7.3f %2s %5.3g  %s\n", row.name.c_str(), row.value,
                  row.unit.c_str(), row.against.c_str(), row.reference, row.ratio(),
                  row.at_least ? ">=" : "<=", row.goal, row.met() ? "yes" : "NO");
    }
  }

  void print_json(const Size& size) const {
    std::printf(
        "{\"bench\":\"executor\",\"conditions\":{\"threads\":%u,\"cpus\":%u,\"runs\":%u,"
        "\"closures\":%llu,\"statistic\":\"median of interleaved runs\"},\"rows\":[",
        kThreads, std::thread::hardware_concurrency(), size.runs,
        static_cast<unsigned long long>(size.closures));
    const char* comma = "";
    for (const Row& row : rows_) {
      std::printf(
          "%s{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"low\":%.6g,\"high\":%.6g,"
          "\"against\":\"%s\",\"reference\":%.6g,\"ratio\":%.6g,\"goal\":\"%s %g\","
          "\"met\":%s}",
          comma, row.name.c_str(), row.value, row.unit.c_str(), row.low, row.high,
          row.against.c_str(), row.reference, row.ratio(), row.at_least ? ">=" : "<=", row.goal,
          row.met() ? "true" : "false");
      comma = ",";
    }
    std::printf("]}\n");
  }

 private:
  const std::string only_;
  std::vector<Row> rows_;
};

void measure_floods(Report& report, const Size& size) {
  for (unsigned producers : {1U, 4U}) {
    const std::string name = producers == 1 ? "flood from one thread" : "flood from four threads";
    if (!report.wants(name)) continue;
    auto run = [&]<class Pool>(Pool*) {
      return std::pair<std::string, std::function<double()>>(
          Pool::kName, [&size, producers] { return plain_flood<Pool>(size.closures, producers); });
    };
    Runs runs =
        report.interleave(name, size.runs,
                          {run(static_cast<SpillwayPool*>(nullptr)),
                           run(static_cast<MutexPool*>(nullptr)),
                           run(static_cast<AsioPool*>(nullptr)),
                           run(static_cast<TbbPool*>(nullptr)),
                           {"banded", [&] { return banded_flood(size.closures, producers); }}});
    report.compare(name, "M/s", runs, "mutex deque", producers == 1 ? 2 : 1.2, true);
    if (producers == 1) report.compare(name, "M/s", runs, "asio", 3.5, true);
    report.compare(name + ", bands and deadlines", "M/s", runs, "spillway", 0.5, true, "banded");
  }
}

void measure_fork_join(Report& report, const Size& size) {
  if (const std::string name = "spawn tree"; report.wants(name)) {
    const Runs runs =
        report.interleave(name, size.runs,
                          {{"spillway", [&] { return spawn_tree<SpillwayPool>(size.tree); }},
                           {"onetbb", [&] { return spawn_tree<TbbPool>(size.tree); }},
                           {"onetbb task_group", [&] { return spawn_tree_onetbb(size.tree); }},
                           {"asio", [&] { return spawn_tree<AsioPool>(size.tree); }},
                           {"mutex deque", [&] { return spawn_tree<MutexPool>(size.tree); }}});
    // oneTBB's quickest way to do it is what counts; `enqueue` is its way to post without a join.
    report.compare(name, "ns/task", runs, "onetbb task_group", 0.15, false);
    report.compare(name + ", posted", "ns/task", runs, "onetbb", 0.15, false);
  }
  if (const std::string name = "fork-join"; report.wants(name)) {
    report.compare(
        name, "ns/node",
        report.interleave(name, size.runs,
                          {{"spillway", [&] { return fork_join_spillway(size.fib); }},
                           {"onetbb", [&] { return fork_join_onetbb(size.fib); }},
                           {"openmp", [&] { return fork_join_openmp(size.fib_openmp); }}}),
        "onetbb", 0.25, false);
  }
  if (const std::string name = "loop, compute-bound"; report.wants(name)) {
    report.compare(
        name, "ms",
        report.interleave(name, size.runs,
                          {{"spillway", [&] { return compute_loop_spillway(size.elements); }},
                           {"openmp", [&] { return compute_loop_openmp(size.elements); }},
                           {"onetbb", [&] { return compute_loop_onetbb(size.elements); }}}),
        "openmp", 1.02, false);
  }
  if (const std::string name = "loop, 2,000 tiny elements"; report.wants(name)) {
    report.compare(name, "us",
                   report.interleave(name, size.runs,
                                     {{"spillway", [&] { return tiny_loop_spillway(size.loops); }},
                                      {"onetbb", [&] { return tiny_loop_onetbb(size.loops); }},
                                      {"openmp", [&] { return tiny_loop_openmp(size.loops); }},
                                      {"serial", [&] { return tiny_loop_serial(size.loops); }}}),
                   "onetbb", 1, false);
  }
}

// Runs that yield two percentiles at once.
using DelayRun = std::pair<std::string, std::function<Delays()>>;
std::pair<Runs, Runs> interleave_delays(Report& report, const std::string& name, unsigned runs,
                                        const std::vector<DelayRun>& entries) {
  Runs p50, p99;
  for (unsigned i = 0; i < runs; ++i) {
    for (std::size_t turn = 0; turn < entries.size(); ++turn) {
      const auto& [pool, run] = entries[(i + turn) % entries.size()];
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const Delays delays = run();
      p50[pool].push_back(delays.p50);
      p99[pool].push_back(delays.p99);
    }
  }
  report.show(name + " p50", p50);
  report.show(name + " p99", p99);
  return {p50, p99};
}

template <class Pool>
Delays same_band(unsigned tasks, unsigned probes) {
  return busy_probe<Pool>(tasks, probes, [](Pool& pool, auto closure) { pool.post(closure); });
}

Delays higher_band(unsigned tasks, unsigned probes) {
  executor::SubmitOptions urgent;
  urgent.band = Band::urgent;
  return busy_probe<SpillwayPool>(
      tasks, probes, [urgent](SpillwayPool& pool, auto closure) { pool.post(closure, urgent); });
}

void measure_delays(Report& report, const Size& size) {
  const std::string idle = "idle wake-up";
  double wake = 0;
  if (report.wants(idle) || report.wants("reposting")) {
    const auto [p50, p99] =
        interleave_delays(report, idle, size.runs,
                          {{"spillway", [&] { return idle_probe<SpillwayPool>(size.probes); }},
                           {"asio", [&] { return idle_probe<AsioPool>(size.probes); }},
                           {"onetbb", [&] { return idle_probe<TbbPool>(size.probes); }},
                           {"mutex deque", [&] { return idle_probe<MutexPool>(size.probes); }},
                           {"bare futex", [&] { return idle_probe<BareFutex>(size.probes); }}});
    report.compare(idle + ", p50", "us", p50, "asio", 1, false);
    report.compare(idle + ", p99", "us", p99, "asio", 1, false);
    report.compare(idle + ", p99", "us", p99, "bare futex", 1.1, false);
    report.bound(idle + ", p99 (P16)", "us", median(p99.at("spillway")), "bound", 100);
    wake = median(p99.at("spillway"));
  }
  for (unsigned tasks : {2U, 8U}) {
    const std::string name = (tasks == 2 ? "two" : "eight") + std::string(" reposting tasks");
    if (!report.wants(name)) continue;
    const auto [p50, p99] = interleave_delays(
        report, name, size.runs,
        {{"spillway", [&] { return same_band<SpillwayPool>(tasks, size.probes); }},
         {"higher band", [&] { return higher_band(tasks, size.probes); }},
         {"asio", [&] { return same_band<AsioPool>(tasks, size.probes); }},
         {"onetbb", [&] { return same_band<TbbPool>(tasks, size.probes); }},
         {"mutex deque", [&] { return same_band<MutexPool>(tasks, size.probes); }}});
    report.compare(name + ", same band, p99", "us", p99, "asio", 1, false);
    report.bound(name + ", higher band, p99", "us", median(p99.at("higher band")),
                 "2 x 10 us + wake", 20 + wake);
  }
}

// In a process of its own, so that no earlier run's free memory is used again.
Memory memory_in_child(const std::string& pool, std::size_t bytes, std::size_t closures) {
  const std::string command = "/proc/self/exe --memory '" + pool + "' " + std::to_string(bytes) +
                              " " + std::to_string(closures);
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self);
  const std::string path(self, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  std::FILE* child = popen(("'" + path + "'" + command.substr(14)).c_str(), "r");
  Memory memory{};
  if (!child || std::fscanf(child, "%lf %lf", &memory.each, &memory.returned) != 2) {
    std::fprintf(stderr, "cannot measure the memory of %s\n", pool.c_str());
  }
  if (child) pclose(child);
  return memory;
}

template <std::size_t kBytes>
Memory memory_of(const std::string& pool, std::size_t closures) {
  if (pool == "asio") return queued_memory<AsioPool, kBytes>(closures);
  if (pool == "onetbb") return queued_memory<TbbPool, kBytes>(closures);
  if (pool == "mutex deque") return queued_memory<MutexPool, kBytes>(closures);
  return queued_memory<SpillwayPool, kBytes>(closures);
}

void measure_memory(Report& report, const Size& size) {
  for (std::size_t bytes : {16UL, 64UL}) {
    const std::string name = "pending closure of " + std::to_string(bytes) + " bytes";
    if (!report.wants(name)) continue;
    Runs each;
    Memory ours{};
    for (const char* pool : {"spillway", "asio", "onetbb", "mutex deque"}) {
      const Memory memory = memory_in_child(pool, bytes, size.pending);
      each[pool].push_back(memory.each);
      if (std::strcmp(pool, "spillway") == 0) ours = memory;
    }
    report.show(name, each);
    report.bound(name, "bytes", ours.each, "bound", bytes == 16 ? 64 : 128);
    report.bound(name + ", kept afterwards", "%", 100 * (1 - ours.returned), "bound", 10);
  }
}

int run(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "--memory") == 0) {
    const std::size_t closures = std::stoul(argv[4]);
    const Memory memory = std::strcmp(argv[3], "16") == 0 ? memory_of<16>(argv[2], closures)
                                                          : memory_of<64>(argv[2], closures);
    std::printf("%f %f\n", memory.each, memory.returned);
    return 0;
  }
  Size size;
  bool json = false;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--quick") == 0) {
      size = {3, 100'000, 18, 22, 16, 500'000, 500, 50, 20'000};
    } else if (std::strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
      only = argv[++i];
    } else {
      std::fprintf(stderr, "usage: %s [--quick] [--json] [--only PART-OF-A-NAME]\n", argv[0]);
      return 2;
    }
  }
  Report report(only);
  // First: afterwards memory of the floods is given back.
  if (report.wants("idle CPU")) {
    report.bound("idle CPU", "% core", idle_cpu(std::chrono::milliseconds(size.probes * 5)),
                 "bound", 0.1);
  }
  measure_floods(report, size);
  measure_fork_join(report, size);
  measure_delays(report, size);
  measure_memory(report, size);
  json ? report.print_json(size) : report.print_table();
  return 0;
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) { return spillway::bench::run(argc, argv); }
