#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "tests/sim/campaign.h"

namespace {

using namespace spillway::sim;

constexpr const char* kHelp =
    "spillway-sim: takes an owner and a lessee through seeded schedules of faults\n"
    "  --schedules N   how many (100000)\n"
    "  --seed S        of the first schedule (1)\n"
    "  --nodes         whole agents and cloud replicas instead\n"
    "  --variant NAME  good, or a broken one: fence_by_id, trust_state, ack_early,\n"
    "                  obey_by_id, accept_early\n"
    "  --threads N     one for each core by default\n"
    "  --tasks N, --chaos N   one schedule cut short, with its whole log\n"
    "  --table         what was covered, in full\n"
    "Exit: 0 all promises held, 1 one was broken, 2 usage.\n"
    "Example: spillway-sim --schedules 1000000 --seed 7\n";

struct Options {
  Campaign campaign;
  std::optional<Limits> replay;
  bool table = false;
};

template <class T>
bool parse_number(const char* text, T& number) {
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  return error == std::errc() && stop == end;
}

bool parse_value(Options& options, std::string_view name, const char* value) {
  const auto replay = [&options]() -> Limits& {
    if (!options.replay) options.replay.emplace();
    return *options.replay;
  };
  if (name == "--schedules") return parse_number(value, options.campaign.schedules);
  if (name == "--seed") return parse_number(value, options.campaign.seed);
  if (name == "--threads") return parse_number(value, options.campaign.threads);
  if (name == "--tasks") return parse_number(value, replay().max_tasks);
  if (name == "--chaos") return parse_number(value, replay().chaos_events);
  const auto variant = parse_variant(value);
  if (name != "--variant" || !variant) return false;
  options.campaign.variant = *variant;
  return true;
}

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  options.campaign.schedules = 100'000;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--table") {
      options.table = true;
    } else if (std::string_view(argv[i]) == "--nodes") {
      options.campaign.nodes = true;
    } else if (i + 1 >= argc || !parse_value(options, argv[i], argv[i + 1])) {
      return std::nullopt;
    } else {
      ++i;
    }
  }
  return options;
}

int replay(const Options& options) {
  const auto play = [&options] {
    const std::uint64_t seed = options.campaign.seed;
    if (options.campaign.nodes) return Nodes().run(seed, *options.replay, true);
    return World(options.campaign.variant).run(seed, *options.replay, true);
  };
  const Outcome outcome = play();
  std::fputs(outcome.log.c_str(), stdout);
  if (outcome.failure.empty()) return 0;
  std::fprintf(stderr, "%s\n", outcome.failure.c_str());
  return 1;
}

void show_progress(std::uint64_t done, std::uint64_t all) {
  std::fprintf(stderr, "\r%llu of %llu schedules", static_cast<unsigned long long>(done),
               static_cast<unsigned long long>(all));
  if (done >= all) std::fputs("\r\033[K", stderr);
}

int run(Options options) {
  const std::uint64_t all = options.campaign.schedules;
  if (isatty(STDERR_FILENO) != 0) {
    options.campaign.progress = [all](std::uint64_t done) { show_progress(done, all); };
  }
  const Report report = run_campaign(options.campaign);
  std::printf("%s\n", summary(report).c_str());
  if (options.table) std::fputs(report.stats.table().c_str(), stdout);
  if (!report.failure) return 0;
  std::fprintf(stderr, "%s", describe(*report.failure, options.campaign.variant).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const std::optional<Options> options = parse(argc, argv);
  if (!options) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  return options->replay ? replay(*options) : run(*options);
}
